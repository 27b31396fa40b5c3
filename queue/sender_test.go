package queue_test

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
	"github.com/ringhook/webhook/webhooktest"
)

func TestQueue_Sender(t *testing.T) {
	t.Parallel()
	webhooktest.TestSender(t, func(t testing.TB, c *webhook.Client) (webhook.Sender, func()) {
		engine := newEngine(t, memory.Config{})
		q, err := queue.New(c, engine, queue.Config{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			require.NoError(t, <-ended)
		})
		return q, func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			require.NoError(t, q.Drain(ctx))
		}
	})
}

// A flood to an endpoint that hangs: few goroutines, few requests, and the other
// endpoint does not notice.
//
//nolint:paralleltest // counts the goroutines of the process
func TestQueue_Flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inFlight, most atomic.Int64
		slow := transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "wh_slow.example" {
				return answer(200)
			}
			if n := inFlight.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer inFlight.Add(-1)
			return hang(r)
		})
		q := newQueue(t, slow, newEngine(t, memory.Config{}), queue.Config{})
		run(t, q)
		for _, m := range messages(10_000, "wh_slow") {
			require.NoError(t, q.Send(t.Context(), m))
		}
		goroutines := runtime.NumGoroutine()
		begun := time.Now()
		for i := range 100 {
			require.NoError(t, q.Send(t.Context(), message("ok_"+strconv.Itoa(i), "wh_ok")))
		}
		synctest.Wait()
		s, err := q.Stats(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 100, s.Delivered)
		require.Zero(t, time.Since(begun))
		require.Equal(t, 4, s.InFlight)
		require.Equal(t, "wh_slow", s.Busiest[0].Key)
		<-time.After(time.Minute)
		require.EqualValues(t, 4, most.Load())
		require.Less(t, runtime.NumGoroutine(), goroutines+100)
	})
}

func TestQueue_Ordered(t *testing.T) {
	t.Parallel()
	type sent struct {
		id, subject string
		rank        int
	}
	tests := []struct {
		name      string
		supersede bool
		send      []sent
		soon      []string // what came before the first retry
		late      []string // and after it
		dropped   []string
	}{
		{
			name: "what follows waits for the retry",
			send: []sent{
				{"fails", "a", 2},
				{"delivered", "a", 3},
				{"read", "a", 4},
				{"other", "b", 2},
				{"none-1", "", 0},
			},
			soon: []string{"fails", "other", "none-1"}, late: []string{"fails", "delivered", "read"},
		},
		{
			name:      "a higher rank supersedes",
			supersede: true,
			send:      []sent{{"fails", "a", 2}, {"delivered", "a", 3}, {"other", "b", 2}},
			soon:      []string{"fails", "delivered", "other"}, dropped: []string{"fails"},
		},
		{
			name:      "neither the same rank nor a lower one does",
			supersede: true,
			send:      []sent{{"fails", "a", 2}, {"same", "a", 2}, {"lower", "a", 1}},
			soon:      []string{"fails"}, late: []string{"fails", "same", "lower"},
		},
		{
			name:      "what has no rank neither supersedes nor is superseded",
			supersede: true,
			send:      []sent{{"fails", "a", 0}, {"below", "a", -1}, {"old", "a", 1}, {"none", "a", 0}, {"new", "a", 2}},
			soon:      []string{"fails"}, late: []string{"fails", "below", "none", "new"}, dropped: []string{"old"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var (
					came, dropped journal
					failed        atomic.Bool
				)
				rt := transport(func(r *http.Request) (*http.Response, error) {
					id := r.Header.Get(webhook.HeaderID)
					came.add(id)
					if id == "fails" && failed.CompareAndSwap(false, true) {
						return answer(500)
					}
					return answer(200)
				})
				q, err := queue.New(&webhook.Client{Transport: rt}, newEngine(t, memory.Config{}), queue.Config{
					Ordered: true, Supersede: tt.supersede,
					OnDrop: func(m *webhook.Message, reason queue.Reason) {
						require.Equal(t, queue.ReasonSuperseded, reason)
						dropped.add(m.ID)
					},
				})
				require.NoError(t, err)
				run(t, q)
				for _, s := range tt.send {
					m := message(s.id, "wh_1")
					m.Subject, m.Rank = s.subject, s.rank
					require.NoError(t, q.Send(t.Context(), m))
					synctest.Wait()
				}
				require.Equal(t, tt.soon, came.all())
				<-time.After(time.Minute)
				synctest.Wait()
				require.Equal(t, slices.Concat(tt.soon, tt.late), came.all())
				require.Equal(t, tt.dropped, dropped.all())
				s, err := q.Stats(t.Context())
				require.NoError(t, err)
				require.EqualValues(t, len(tt.dropped), s.Dropped)
				require.Zero(t, s.Pending)
			})
		})
	}
}

// What the statuses of one message drop, of which each waits when the next one comes.
func TestQueue_SupersedeStatuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		send, left []payload.Status
	}{
		{"each is news", []payload.Status{"queued", "sent", "delivered", "read"}, []payload.Status{"read"}},
		{"a message that was not delivered", []payload.Status{"sent", "undelivered"}, []payload.Status{"sent", "undelivered"}},
		{"its end is no older than what comes late", []payload.Status{"undelivered", "sent"}, []payload.Status{"undelivered", "sent"}},
		{"nor is played", []payload.Status{"played", "read"}, []payload.Status{"played", "read"}},
		{"played is news", []payload.Status{"delivered", "read", "played"}, []payload.Status{"played"}},
		{"read on one device, failed on another", []payload.Status{"delivered", "read", "failed"}, []payload.Status{"read", "failed"}},
		{"and the other way round", []payload.Status{"failed", "read"}, []payload.Status{"failed", "read"}},
		{"delivered to one, failed on another", []payload.Status{"sent", "delivered", "failed"}, []payload.Status{"delivered", "failed"}},
		{"failed on one, played on another", []payload.Status{"failed", "delivered", "played"}, []payload.Status{"failed", "played"}},
		{"a status of tomorrow", []payload.Status{"sent", "hologram", "delivered", "hologram"}, []payload.Status{"hologram", "delivered", "hologram"}},
		{"words of SMPP", []payload.Status{"ENROUTE", "DELIVRD"}, []payload.Status{"DELIVRD"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			engine := newEngine(t, memory.Config{})
			q := newQueue(t, always(200), engine, queue.Config{Ordered: true, Supersede: true})
			c := webhook.MustCompile(webhook.Webhook{ID: "wh_1", URL: "https://example.com", Body: `"{{payload.status}}"`})
			for _, status := range tt.send {
				m, err := c.Compose(payload.MessageStatus{ID: "a418", Status: status})
				require.NoError(t, err)
				require.NoError(t, q.Send(t.Context(), m))
			}
			var left []payload.Status
			for _, task := range engine.Pending() {
				left = append(left, payload.Status(strings.Trim(string(task.Message.Body), `"`)))
			}
			require.Equal(t, tt.left, left)
		})
	}
}

// A message in flight that becomes outdated has no further attempt.
func TestQueue_SupersedeInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var came, dropped journal
		rt := transport(func(r *http.Request) (*http.Response, error) {
			id := r.Header.Get(webhook.HeaderID)
			came.add(id)
			if id == "sent" {
				return hang(r)
			}
			return answer(200)
		})
		q, err := queue.New(&webhook.Client{Transport: rt}, newEngine(t, memory.Config{}), queue.Config{
			Ordered: true, Supersede: true,
			OnDrop: func(m *webhook.Message, _ queue.Reason) { dropped.add(m.ID) },
		})
		require.NoError(t, err)
		run(t, q)
		for i, id := range []string{"sent", "delivered"} {
			m := message(id, "wh_1")
			m.Subject, m.Rank = "a418", i+1
			require.NoError(t, q.Send(t.Context(), m))
			synctest.Wait()
		}
		require.Empty(t, dropped.all())
		<-time.After(3 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"sent", "delivered"}, came.all())
		require.Equal(t, []string{"sent"}, dropped.all())
	})
}
