package panel_test

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/panel"
	"github.com/ringhook/webhook/queue"
)

const everything = panel.View | panel.Bodies | panel.Edit | panel.Send | panel.Secrets | panel.Delete

var (
	acme     = panel.Access{Actor: "ann", Tenant: "acme", May: everything}
	globex   = panel.Access{Actor: "gus", Tenant: "globex", May: everything}
	operator = panel.Access{Actor: "olga", All: true, May: everything}
)

// A world is an engine on a file, whose queue delivers to a receiver.
type world struct {
	t      testing.TB
	engine *sqlite.Engine
	hooks  *durable.Webhooks[*sql.Tx]
	queue  *queue.Queue
	client *webhook.Client
	// receiver answers 200 at /ok, 500 at /broken, 410 at /gone, and 404 elsewhere, with
	// what answer holds.
	receiver *httptest.Server
	answer   atomic.Value
}

func newWorld(t testing.TB) *world { return newWorldOf(t, durable.Config{}) }

func newWorldOf(t testing.TB, config durable.Config) *world {
	t.Helper()
	config.Logger = quiet
	w := &world{t: t}
	w.answer.Store("no luck")
	w.receiver = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Server", "crm/1.0 <b>")
		out.Header().Set("X-Request-Id", "r-77")
		switch r.URL.Path {
		case "/ok":
			out.WriteHeader(http.StatusOK)
		case "/broken":
			out.WriteHeader(http.StatusInternalServerError)
		case "/gone":
			out.WriteHeader(http.StatusGone)
		default:
			out.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(out, w.answer.Load().(string))
	}))
	t.Cleanup(w.receiver.Close)
	var err error
	w.engine, err = sqlite.Open(filepath.Join(t.TempDir(), "webhooks.db"), config)
	require.NoError(t, err)
	w.client = &webhook.Client{Transport: webhook.NewTransport(webhook.Egress{
		AnyPort: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})}
	w.queue, err = queue.New(w.client, w.engine, queue.Config{Logger: quiet})
	require.NoError(t, err)
	w.hooks = w.engine.Webhooks(w.queue)
	w.client.Auth = w.hooks.Auth()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.queue.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
		w.client.CloseIdleConnections()
		require.NoError(t, w.engine.Close())
	})
	return w
}

var quiet = slog.New(slog.DiscardHandler)

// hook creates a webhook of a tenant to a path of the receiver.
func (w *world) hook(tenant, path string, change ...func(*webhook.Webhook)) durable.Definition {
	w.t.Helper()
	hooks, err := w.hooks.Tenant(tenant)
	require.NoError(w.t, err)
	hook := webhook.Webhook{
		Name: tenant + path, URL: w.receiver.URL + path, Headers: map[string]string{"Authorization": "Bearer s3cr3t-t0ken"},
		Policy: &webhook.Policy{Attempts: 1},
	}
	for _, f := range change {
		f(&hook)
	}
	d, err := hooks.Create(w.t.Context(), hook)
	require.NoError(w.t, err)
	return d
}

// paused lets a webhook hold what it gets.
func (w *world) pause(d durable.Definition) {
	w.t.Helper()
	require.NoError(w.t, w.hooks.Pause(w.t.Context(), d.ID, "not today"))
}

// dispatch reports an event and waits until its delivery is in a state.
func (w *world) dispatch(d durable.Definition, id, json string, state durable.State) {
	w.t.Helper()
	event := webhook.RawEvent{Type: "call.ended", JSON: []byte(json)}
	require.NoError(w.t, w.hooks.DispatchID(w.t.Context(), d.ID, id, event))
	w.await(id, state)
}

func (w *world) await(id string, state durable.State) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		got, err := w.engine.Get(w.t.Context(), id)
		return err == nil && got.State == state
	}, 30*time.Second, 5*time.Millisecond, "%s is not %s", id, state)
}

// A site is a panel of one Access, mounted below a path.
type site struct {
	t   testing.TB
	url string // with a slash at the end
	api string
	// stop ends it before the test does.
	stop func()
}

func (w *world) site(access panel.Access) *site {
	w.t.Helper()
	return serve(w.t, panel.Config{
		Open:      panel.Open(w.engine, w.hooks),
		Authorize: func(*http.Request) (panel.Access, error) { return access, nil },
		Queue:     w.queue,
		Logger:    quiet,
	})
}

func serve(t testing.TB, config panel.Config) *site {
	t.Helper()
	p, err := panel.New(config)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/some/panel/", http.StripPrefix("/some/panel", p))
	mux.Handle("/some/api/", http.StripPrefix("/some/api", p.API()))
	server := httptest.NewServer(mux)
	stop := sync.OnceFunc(func() {
		p.Close()
		server.Close()
	})
	t.Cleanup(stop)
	return &site{t, server.URL + "/some/panel/", server.URL + "/some/api/", stop}
}

// An answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

// get asks for a page by its relative path, and follows no redirect.
func (s *site) get(path string) answer { return s.do("GET", path, nil) }

// post sends a form.
func (s *site) post(path string, form url.Values) answer { return s.do("POST", path, form) }

func (s *site) do(method, path string, form url.Values) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(form.Encode()))
	require.NoError(s.t, err)
	if method != "GET" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return send(s.t, r)
}

func send(t testing.TB, r *http.Request) answer {
	t.Helper()
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	defer response.Body.Close()
	if response.Header.Get("Content-Type") == "text/event-stream" { // which does not end
		return answer{response.StatusCode, response.Header, ""}
	}
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(body)}
}

// follow makes the request that a redirect asks for.
func (s *site) follow(from string, a answer) answer {
	s.t.Helper()
	require.Equal(s.t, http.StatusSeeOther, a.status, a.body)
	base, err := url.Parse(s.url + from)
	require.NoError(s.t, err)
	to, err := base.Parse(a.header.Get("Location"))
	require.NoError(s.t, err)
	path, ok := strings.CutPrefix(to.String(), s.url)
	require.True(s.t, ok, "%s leads out of the panel", to)
	return s.get(path)
}
