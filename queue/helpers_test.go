package queue_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// transport is the network of the tests that need none.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer makes a response as a server would.
func answer(status int, header ...string) (*http.Response, error) {
	r := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r, nil
}

// always answers each request with one status.
func always(status int, header ...string) transport {
	return func(*http.Request) (*http.Response, error) { return answer(status, header...) }
}

// hang answers when the attempt's time is up.
func hang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// message is one to a webhook of its own host.
func message(id, webhookID string) *webhook.Message {
	return &webhook.Message{
		ID: id, WebhookID: webhookID, Event: "test:event", Method: http.MethodPost,
		URL: "https://" + webhookID + ".example/hook?token=s3cret", Body: []byte(`{"id":"` + id + `"}`),
		Policy: webhook.Policy{
			Timeout: 3 * time.Second, Attempts: 3,
			Waits: []time.Duration{10 * time.Second, 100 * time.Second},
		},
	}
}

// A byHand is an engine that keeps nothing: the test hands out what it likes through
// the handler that Run was given.
type byHand struct {
	queue.Handler
	enqueued []queue.Task
	refuse   error
}

func (e *byHand) Enqueue(_ context.Context, tasks ...queue.Task) error {
	if e.refuse == nil {
		e.enqueued = append(e.enqueued, tasks...)
	}
	return e.refuse
}

func (e *byHand) Run(ctx context.Context, h queue.Handler) error {
	e.Handler = h
	<-ctx.Done()
	return nil
}

// hand gives the nth attempt of a message to the queue, as an engine does that cannot
// ask Ready.
func (e *byHand) hand(m *webhook.Message, n int) queue.Verdict {
	return e.Handle(context.Background(), queue.Delivery{
		Task: queue.Task{ID: m.ID, Key: queue.Key(m), Message: m}, N: n, Since: time.Now(),
	})
}

// A trial is a running queue over an engine by hand, and what it logged.
type trial struct {
	*queue.Queue
	*byHand
	log *records
}

// begin runs a queue until the test ends. It is to be called in a synctest bubble.
func begin(t *testing.T, rt http.RoundTripper, cfg queue.Config) trial {
	t.Helper()
	return beginWith(t, &webhook.Client{Transport: rt}, cfg)
}

func beginWith(t *testing.T, client *webhook.Client, cfg queue.Config) trial {
	t.Helper()
	tr := trial{byHand: &byHand{}, log: &records{}}
	cfg.Logger = slog.New(tr.log)
	q, err := queue.New(client, tr.byHand, cfg)
	require.NoError(t, err)
	tr.Queue = q
	run(t, q)
	return tr
}

// newEngine makes an engine in memory.
func newEngine(tb testing.TB, cfg memory.Config) *memory.Engine {
	tb.Helper()
	engine, err := memory.New(cfg)
	require.NoError(tb, err)
	return engine
}

// newQueue makes a queue that sends through rt and logs nothing.
func newQueue(tb testing.TB, rt http.RoundTripper, engine queue.Engine, cfg queue.Config) *queue.Queue {
	tb.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	q, err := queue.New(&webhook.Client{Transport: rt}, engine, cfg)
	require.NoError(tb, err)
	return q
}

type runner interface {
	Run(ctx context.Context) error
}

// run runs a queue until stop is called, or the test ends.
func run(t *testing.T, q runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

// records is a slog.Handler that keeps what it is told, as "message key=value".
type records struct {
	mu    sync.Mutex
	lines []string
}

func (r *records) Enabled(context.Context, slog.Level) bool { return true }

func (r *records) Handle(_ context.Context, rec slog.Record) error {
	line := rec.Level.String() + " " + rec.Message
	rec.Attrs(func(a slog.Attr) bool {
		if a.Key != "stack" {
			line += " " + a.String()
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	return nil
}

func (r *records) WithAttrs([]slog.Attr) slog.Handler { return r }

func (r *records) WithGroup(string) slog.Handler { return r }

// take returns what was logged since it was called last.
func (r *records) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := r.lines
	r.lines = nil
	return lines
}

var errDown = errors.New("store down")

// A journal keeps what happened, in its order.
type journal struct {
	mu   sync.Mutex
	what []string
}

func (j *journal) add(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.what = append(j.what, what)
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.what)
}

// onDisable is an OnState that is told only of what the queue itself disables.
func onDisable(told func(key string, reason queue.Reason)) func(context.Context, queue.StateChange) {
	return func(_ context.Context, c queue.StateChange) {
		if c.Reason == string(queue.ReasonGone) || c.Reason == string(queue.ReasonFailing) {
			told(c.Key, queue.Reason(c.Reason))
		}
	}
}
