package webhook_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

const status = "whatsapp:message:status"

// loopback is the egress of tests: their receivers listen on loopback, on any port.
var loopback = webhook.Egress{
	Allow:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	AnyPort: true,
}

// newClient returns a client whose connections end with the test.
func newClient(t testing.TB, e webhook.Egress) *webhook.Client {
	c := &webhook.Client{Transport: webhook.NewTransport(e)}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// A carrier is a kind of transport: all of them have the same faults.
type carrier struct {
	name      string
	isForeign bool
	dialer    func(webhook.Egress, net.Dialer) http.RoundTripper
	dial      func(func(ctx context.Context, network, address string) (net.Conn, error)) http.RoundTripper
}

var carriers = []carrier{
	{"own", false, webhook.NewTransportDialer, func(dial func(context.Context, string, string) (net.Conn, error)) http.RoundTripper {
		return webhook.NewTransportDial(dial)
	}},
	{"wrapped", false, func(e webhook.Egress, d net.Dialer) http.RoundTripper {
		return wrapped{webhook.NewTransportDialer(e, d)}
	}, func(dial func(context.Context, string, string) (net.Conn, error)) http.RoundTripper {
		return wrapped{webhook.NewTransportDial(dial)}
	}},
	{"net/http", true, webhook.NewForeign, func(dial func(context.Context, string, string) (net.Conn, error)) http.RoundTripper {
		return &http.Transport{DialContext: dial}
	}},
}

// wrapped hides what a transport is, as a layer of telemetry does.
type wrapped struct{ http.RoundTripper }

func (w wrapped) CloseIdleConnections() {
	w.RoundTripper.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}

func (k carrier) client(t testing.TB, e webhook.Egress) *webhook.Client {
	return k.clientDialer(t, e, net.Dialer{})
}

func (k carrier) clientDialer(t testing.TB, e webhook.Egress, d net.Dialer) *webhook.Client {
	c := &webhook.Client{Transport: k.dialer(e, d)}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// forEach runs a test with each carrier.
func forEach(t *testing.T, test func(*testing.T, carrier)) {
	for _, k := range carriers {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

// message returns a plain POST.
func message(url string) *webhook.Message {
	m := &webhook.Message{
		ID: "msg_1", WebhookID: "wh_1", Event: status, Method: http.MethodPost, URL: url,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"status":"sent"}`),
	}
	// A real connection: a busy machine must not change the result.
	if strings.Contains(url, "//127.0.0.1:") {
		m.Policy.Timeout = time.Minute
	}
	return m
}

// raw returns an event that is JSON already.
func raw(body string) webhook.RawEvent { return webhook.RawEvent{Type: "test", JSON: []byte(body)} }

type mapEvent map[string]any

func (mapEvent) EventType() string { return "map" }

func compose(t testing.TB, w webhook.Webhook, e webhook.Event) *webhook.Message {
	t.Helper()
	if w.URL == "" {
		w.URL = "https://example.com/"
	}
	c, err := webhook.Compile(w)
	require.NoError(t, err)
	m, err := c.ComposeID("msg_1", e)
	require.NoError(t, err)
	return m
}

// roundTripFunc is a function that is an http.RoundTripper.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer returns a transport that answers with these statuses in turn, and then with
// the last one.
func answer(codes ...int) http.RoundTripper {
	var mu sync.Mutex
	return roundTripFunc(func(*http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		code := codes[0]
		if len(codes) > 1 {
			codes = codes[1:]
		}
		return &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}, nil
	})
}

// unreachable returns a transport that must not be called.
func unreachable(t testing.TB) http.RoundTripper {
	return roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("something was sent")
		return nil, http.ErrNotSupported
	})
}

// requireFailed checks what all failed attempts have in common.
func requireFailed(t testing.TB, a webhook.Attempt, class webhook.Class, text string) {
	t.Helper()
	require.Equal(t, class, a.Class, "%v: %v", a.Err, unwrapAll(a.Err))
	require.EqualError(t, a.Err, "webhook: "+text)
	require.Equal(t, webhook.OutcomeRetrying, a.Outcome)
	require.GreaterOrEqual(t, a.Wait, 10*time.Second)
	require.NotErrorIs(t, a.Err, context.Canceled, "the caller has not canceled")
	require.NotErrorIs(t, a.Err, context.DeadlineExceeded, "the caller's time has not run out")
}

// unwrapAll returns an error with all details, as an operator sees it.
func unwrapAll(err error) error {
	if u, ok := err.(interface{ Unwrap() error }); ok && u.Unwrap() != nil {
		return u.Unwrap()
	}
	return err
}
