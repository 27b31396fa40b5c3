package durabletest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// A Fixture is a database that an earlier version wrote; see testdata/fixture. Its tables
// have not been migrated.
type Fixture[T any] struct {
	Database[T]
	// Shift moves the times in River's tables.
	Shift func(t testing.TB, by time.Duration)
	// Zone is whether the times of retries are in a local zone, which the version took
	// for UTC: so none had left.
	Zone bool
}

// The webhooks of a fixture.
const (
	writtenTwo      = "5b0b1c0a-7785-41e3-964f-000000000002" // of two versions
	writtenFour     = "5b0b1c0a-7785-41e3-964f-000000000004"
	writtenDisabled = "5b0b1c0a-7785-41e3-964f-0000000000d3"
)

// history is what a fixture has of a delivery, and what becomes of it.
type history struct {
	now, then durable.State
	attempts  int // then, since it was last resent
	requests  int // that a receiver gets
}

const (
	pending, delivered = durable.StatePending, durable.StateDelivered
	failed, dropped    = durable.StateFailed, durable.StateDropped
)

func (f Fixture[T]) deliveries() map[string]history {
	all := map[string]history{
		"delivered-at-once":        {delivered, delivered, 1, 0},
		"delivered-on-retry-2":     {delivered, delivered, 2, 0},
		"delivered-dispatched":     {delivered, delivered, 1, 0},
		"delivered-superseding":    {delivered, delivered, 1, 0},
		"failed-503":               {failed, failed, 2, 0},
		"failed-resent-2":          {delivered, delivered, 1, 0},
		"failed-not-composed":      {failed, failed, 0, 0},
		"gone-410":                 {failed, failed, 1, 0},
		"dropped-disabled":         {dropped, dropped, 0, 0},
		"dropped-superseded-retry": {dropped, dropped, 1, 0},
		"canceled":                 {durable.StateCanceled, durable.StateCanceled, 0, 0},
		"held-canceled":            {durable.StateCanceled, durable.StateCanceled, 0, 0},

		"due-1":             {pending, delivered, 1, 1},
		"due-2":             {pending, delivered, 1, 1},
		"due-in-2h":         {pending, delivered, 1, 1},
		"due-ordered-1":     {pending, delivered, 1, 1},
		"due-ordered-2":     {pending, delivered, 1, 1},
		"retry-in-4s":       {pending, delivered, 2, 1},
		"retry-in-2h":       {pending, delivered, 2, 1},
		"first-retry-in-2h": {pending, delivered, 2, 1},
		"behind-3":          {pending, delivered, 1, 1},
		"held-plain":        {pending, delivered, 1, 1},
		"held-ordered":      {pending, delivered, 1, 1},
		"behind-1":          {pending, delivered, 1, 1},
		"behind-2":          {pending, delivered, 1, 1},
		"old-retry-in-2h":   {pending, dropped, 2, 1}, // it fails, and there is news
		"newer":             {pending, delivered, 1, 1},
	}
	if f.Zone {
		all["delivered-on-retry-2"] = history{pending, delivered, 2, 1}
		all["failed-503"] = history{pending, delivered, 2, 1}
		all["dropped-disabled"] = history{pending, dropped, 0, 0}
	}
	return all
}

// Written migrates a fixture, reads all that is in it, and delivers what waits.
func Written[T any](t *testing.T, f Fixture[T]) {
	var due int64
	f.Row(t, `SELECT due FROM @delivery WHERE id = 'retry-in-2h'`, &due)
	at := time.Now().Add(3 * time.Second) // when the retries of 2 h are due
	f.shift(t, at.Sub(time.UnixMicro(due)))

	if f.Bare != nil {
		e := f.Bare(t, durable.Config{})
		require.ErrorContains(t, Check(t, e), "the tables are not up to date: call Migrate")
		require.ErrorContains(t, e.Run(t.Context(), queue.Handler{}), "the tables are not up to date: call Migrate")
	}
	e := f.Open(t, durable.Config{MaxTimeout: 3 * time.Second})
	require.NoError(t, Check(t, e))
	f.readHistory(t, e)
	r := newWitness()
	q, err := queue.New(&webhook.Client{Transport: r}, e, queue.Config{
		Limit: 20, Ordered: true, Supersede: true, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	hooks := e.Webhooks(q)
	readWebhooks(t, hooks)
	event := webhook.RawEvent{Type: "call", JSON: []byte(`{"id": "c3", "status": "answered"}`)}
	require.NoError(t, hooks.DispatchID(t.Context(), writtenFour, "dispatched-now", event))
	require.ErrorIs(t, hooks.Dispatch(t.Context(), writtenDisabled, event), queue.ErrDisabled)

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	eventually(t, f.Database, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)
	f.compare(t, e, r)
	for id, got := range r.first {
		if strings.HasSuffix(id, "in-2h") {
			require.False(t, got.Before(at.Add(-time.Second)), id)
		}
	}
	require.NoError(t, e.Resend(t.Context(), "failed-resent-2"))
	finally(t, e, "failed-resent-2", durable.StateDelivered)
}

// shift moves all times.
func (f Fixture[T]) shift(t *testing.T, by time.Duration) {
	us := by.Microseconds()
	f.Exec(t, fmt.Sprintf(`UPDATE @delivery SET created = created + %[1]d, due = due + %[1]d, ended = ended + %[1]d,
		held = CASE held WHEN 0 THEN 0 ELSE held + %[1]d END`, us))
	f.Exec(t, fmt.Sprintf(`UPDATE @attempt SET at = at + %d`, us))
	f.Shift(t, by)
}

func (f Fixture[T]) readHistory(t *testing.T, e *durable.Engine[T]) {
	got := map[string]durable.State{}
	for filter := (durable.Filter{Limit: 5}); ; {
		page, err := e.List(t.Context(), filter)
		require.NoError(t, err)
		for _, d := range page.Deliveries {
			got[d.ID] = d.State
		}
		if filter.After = page.Next; page.Next == "" {
			break
		}
	}
	want := map[string]durable.State{}
	for id, h := range f.deliveries() {
		want[id] = h.now
		m, err := e.Message(t.Context(), id)
		switch id {
		case "failed-not-composed":
			require.ErrorIs(t, err, durable.ErrNoMessage)
		case "delivered-dispatched":
			require.NoError(t, err)
			require.Equal(t, `{"status": "answered"}`, string(m.Body))
		default:
			require.NoError(t, err)
			require.Equal(t, `{"id":"`+id+`"}`, string(m.Body))
			require.Equal(t, []string{"a", "b"}, m.Header["X-Two"])
		}
	}
	require.Equal(t, want, got)

	attempts, err := e.Attempts(t.Context(), "failed-resent-2")
	require.NoError(t, err)
	require.Len(t, attempts, 2)
	require.Equal(t, []int{0, 500}, []int{attempts[0].Resent, attempts[0].Status})
	require.Equal(t, []int{1, 200}, []int{attempts[1].Resent, attempts[1].Status})
	require.Equal(t, webhook.ClassStatus, attempts[0].Class)
	require.Equal(t, "webhook: status 500", attempts[0].Error)
	d, err := e.Get(t.Context(), "failed-not-composed")
	require.NoError(t, err)
	require.Equal(t, 4, d.WebhookVersion)
	require.Equal(t, webhook.ClassInvalid, d.Class)
}

func readWebhooks[T any](t *testing.T, hooks *durable.Webhooks[T]) {
	page, err := hooks.List(t.Context(), durable.WebhookFilter{State: queue.StateDisabled})
	require.NoError(t, err)
	require.Len(t, page.Webhooks, 1)
	require.Equal(t, writtenDisabled, page.Webhooks[0].ID)
	versions := map[string]int{writtenTwo: 2, writtenFour: 4, writtenDisabled: 3}
	for id, n := range versions {
		d, err := hooks.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, n, d.Version)
		require.Equal(t, id == writtenDisabled, d.State == queue.StateDisabled)
		if id == writtenDisabled {
			require.Equal(t, d.Changed.UTC(), d.Since, "when the version was stored that disabled it")
		}
		for version := range n {
			d, err := hooks.Version(t.Context(), id, version+1)
			require.NoError(t, err)
			name := fmt.Sprint("version ", version+1)
			if id == writtenDisabled && version == 2 {
				name = "version 2" // it was disabled, not changed
			}
			require.Equal(t, name, d.Name)
			require.Equal(t, "Bearer made-up", d.Headers["Authorization"])
			require.Equal(t, 2*time.Second, d.Policy.Timeout)
		}
	}
}

// compare compares what has become of all deliveries, and what a receiver got, with what
// should.
func (f Fixture[T]) compare(t *testing.T, e *durable.Engine[T], r *witness) {
	r.mu.Lock()
	defer r.mu.Unlock()
	want := f.deliveries()
	want["dispatched-now"] = history{pending, delivered, 1, 1}
	for id := range r.requests {
		require.Positive(t, want[id].requests, id)
	}
	for id, h := range want {
		d, err := e.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, h.then, d.State, id)
		require.Equal(t, h.attempts, d.Attempts, id)
		require.Equal(t, h.requests, r.requests[id], id)
	}
	for _, order := range [][]string{
		{"held-ordered", "behind-1", "behind-2"},
		{"first-retry-in-2h", "behind-3"},
		{"due-ordered-1", "due-ordered-2"},
		{"old-retry-in-2h", "newer"},
	} {
		byTime := func(a, b string) int { return r.first[a].Compare(r.first[b]) }
		require.True(t, slices.IsSortedFunc(order, byTime), "%v", order)
	}
}

// A witness is a receiver that refuses what is old.
type witness struct {
	mu       sync.Mutex
	requests map[string]int // by ID
	first    map[string]time.Time
}

func newWitness() *witness {
	return &witness{requests: map[string]int{}, first: map[string]time.Time{}}
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := r.Header.Get(webhook.HeaderID)
	if w.requests[id]++; w.requests[id] == 1 {
		w.first[id] = time.Now()
	}
	status := http.StatusOK
	if strings.HasPrefix(id, "old") {
		status = http.StatusServiceUnavailable
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}
