package queue_test

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// A table stores endpoints for several queues, as a database does for several processes.
type table struct {
	rows   queue.LocalEndpoints
	away   atomic.Bool // it cannot be reached
	stored atomic.Int64
	asked  atomic.Int64 // for what has changed
}

func (b *table) Endpoint(ctx context.Context, key string) (queue.Endpoint, error) {
	if b.away.Load() {
		return queue.Endpoint{}, errDown
	}
	return b.rows.Endpoint(ctx, key)
}

func (b *table) SetEndpoint(ctx context.Context, e queue.Endpoint) (queue.Endpoint, bool, error) {
	if b.away.Load() {
		return queue.Endpoint{}, false, errDown
	}
	b.stored.Add(1)
	return b.rows.SetEndpoint(ctx, e)
}

func (b *table) Changed(ctx context.Context, rev int64) ([]queue.Endpoint, error) {
	b.asked.Add(1)
	if b.away.Load() {
		return nil, errDown
	}
	rows, err := b.rows.Changed(ctx, rev)
	return rows[:min(len(rows), 3)], err // more than one page
}

// row returns what is stored of a key.
func (b *table) row(t *testing.T, key string) queue.Endpoint {
	t.Helper()
	e, err := b.rows.Endpoint(t.Context(), key)
	require.NoError(t, err)
	return e
}

// A process is a queue over an engine by hand, whose endpoints are in a table.
type process struct {
	trial
	stop func()
}

type sharing struct {
	*byHand
	*table
}

// process begins one more, in a synctest bubble.
func (b *table) process(t *testing.T, rt http.RoundTripper, cfg queue.Config) process {
	t.Helper()
	p := process{trial: trial{byHand: &byHand{}, log: &records{}}}
	cfg.Logger = slog.New(p.log)
	q, err := queue.New(&webhook.Client{Transport: rt}, sharing{p.byHand, b}, cfg)
	require.NoError(t, err)
	p.Queue = q
	p.stop = run(t, q)
	synctest.Wait()
	return p
}

// try makes an attempt at an endpoint.
func (tr trial) try(key string) queue.Verdict { return tr.hand(message("m_1", key), 1) }

// aSecond is within what another process decides must count.
func aSecond() {
	<-time.After(time.Second)
	synctest.Wait()
}

// What one process decides counts in all others, wherever they use it.
func TestQueue_Decisions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		status := 500
		answers := transport(func(*http.Request) (*http.Response, error) { return answer(status) })
		cfg := queue.Config{Failures: 2}
		one, two := b.process(t, answers, cfg), b.process(t, answers, cfg)
		idle := newQueue(t, answers, sharing{&byHand{}, &b}, cfg) // it only sends
		all := map[string]*queue.Queue{"one": one.Queue, "two": two.Queue, "idle": idle}
		states := func(want queue.EndpointState) {
			t.Helper()
			for name, q := range all {
				m := message("m_1", "wh_1")
				if want == queue.StateDisabled {
					require.ErrorIs(t, q.Send(t.Context(), m), queue.ErrDisabled, name)
				} else {
					require.NoError(t, q.Send(t.Context(), m), name)
				}
				require.Equal(t, want, q.State("wh_1"), name)
			}
		}
		require.NoError(t, one.Disable(t.Context(), "wh_1", "the customer left"))
		require.Equal(t, queue.StateDisabled, one.State("wh_1"), "here at once")
		aSecond()
		states(queue.StateDisabled)
		row := b.row(t, "wh_1")
		require.Equal(t, "the customer left", row.Reason)
		require.Equal(t, row.Since, row.Tell, "to be told by a queue that has an OnState")
		require.Equal(t, queue.Verdict{Kind: queue.KindDead, Reason: queue.ReasonDisabled}, two.try("wh_1"))
		require.NoError(t, two.Disable(t.Context(), "wh_1", "again"))
		require.Equal(t, row, b.row(t, "wh_1"), "the first one stays")

		require.NoError(t, two.Pause(t.Context(), "wh_1", "they move"))
		require.Equal(t, queue.StatePaused, two.State("wh_1"))
		require.NoError(t, one.Send(t.Context(), message("m_1", "wh_1")), "it asks before it refuses")
		aSecond()
		states(queue.StatePaused)
		require.Equal(t, queue.KindDefer, one.try("wh_1").Kind)
		ok, wait := one.Ready("wh_1")
		require.False(t, ok)
		require.Positive(t, wait)

		require.NoError(t, idle.Enable(t.Context(), "wh_1", ""))
		aSecond()
		states(queue.StateHealthy)
		for range 2 {
			require.Equal(t, queue.KindRetry, two.try("wh_1").Kind)
		}
		require.Equal(t, queue.StateResting, two.State("wh_1"))
		aSecond()
		require.NoError(t, one.Enable(t.Context(), "wh_1", "it is mended"))
		aSecond()
		require.Equal(t, queue.StateHealthy, two.State("wh_1"), "as good as new")
		require.Zero(t, b.row(t, "wh_1").FailingSince)

		asked := b.asked.Load()
		<-time.After(time.Minute)
		require.LessOrEqual(t, b.asked.Load()-asked, int64(2*121), "twice a second, by those that run")
	})
}

// What an engine has read to hand out a message is newer than what the queue has heard.
func TestQueue_FreshState(t *testing.T) {
	t.Parallel()
	tests := []struct {
		known, fresh queue.EndpointState
		want         queue.Kind
	}{
		{queue.StateDisabled, queue.StateEnabled, queue.KindDone},
		{queue.StateDisabled, queue.StatePaused, queue.KindDefer},
		{queue.StateDisabled, "", queue.KindDead},
		{queue.StatePaused, queue.StateEnabled, queue.KindDone},
		{queue.StatePaused, queue.StateDisabled, queue.KindDead},
		{queue.StatePaused, "", queue.KindDefer},
		{queue.StateEnabled, queue.StateDisabled, queue.KindDead},
		{queue.StateEnabled, queue.StatePaused, queue.KindDefer},
		{queue.StateEnabled, "", queue.KindDone},
	}
	for _, tt := range tests {
		t.Run(string(tt.known+" "+tt.fresh), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, always(200), queue.Config{Limit: 1})
				synctest.Wait()
				hand := func() queue.Verdict {
					m := message("m_1", "wh_1")
					return tr.Handle(t.Context(), queue.Delivery{
						Task: queue.Task{ID: m.ID, Key: "wh_1", Message: m}, N: 1, State: tt.fresh,
					})
				}
				_, err := queue.SetState(t.Context(), onlyKnown{tr.Queue}, "wh_1", tt.known, "")
				require.NoError(t, err)
				require.Equal(t, tt.want, hand().Kind)
				if ok, _ := tr.Ready("wh_1"); ok { // with a slot that Ready gave
					require.Equal(t, tt.want, hand().Kind)
				}
				require.NoError(t, tr.Enable(t.Context(), "wh_1", ""))
				require.Equal(t, queue.KindDone, tr.try("wh_1").Kind, "no slot is lost")
			})
		})
	}
}

// onlyKnown has a queue's own methods store what it knows.
type onlyKnown struct{ *queue.Queue }

func (k onlyKnown) Endpoint(context.Context, string) (queue.Endpoint, error) {
	return queue.Endpoint{Rev: 1}, nil // another state than all there are
}

func (k onlyKnown) SetEndpoint(ctx context.Context, e queue.Endpoint) (queue.Endpoint, bool, error) {
	set := map[queue.EndpointState]func(context.Context, string, string) error{
		queue.StateEnabled: k.Enable, queue.StatePaused: k.Pause, queue.StateDisabled: k.Disable,
	}
	return e, true, set[e.State](ctx, e.Key, e.Reason)
}

func (k onlyKnown) Changed(context.Context, int64) ([]queue.Endpoint, error) { return nil, nil }

// Messages to a paused endpoint stay in memory, and leave when it is enabled.
func TestQueue_Pause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := 200
		var requests atomic.Int64
		q, _ := inMemory(t, transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "wh_1.example" {
				requests.Add(1)
			}
			return answer(status)
		}), memory.Config{}, queue.Config{Limit: 100})
		stats := func() queue.Stats {
			synctest.Wait()
			s, err := q.Stats(t.Context())
			require.NoError(t, err)
			return s
		}
		status = 500
		require.NoError(t, q.Send(t.Context(), message("retry", "wh_1")))
		synctest.Wait()
		status = 200
		begun := time.Now()
		require.NoError(t, q.Pause(t.Context(), "wh_1", ""))
		require.NoError(t, q.SendAll(t.Context(), messages(20, "wh_1")...))
		<-time.After(5 * time.Second)
		require.NoError(t, q.Send(t.Context(), message("other", "wh_2")))
		s := stats()
		require.Equal(t, queue.Stats{
			Pending: 21, Held: 21, Delivered: 1, Busiest: []queue.EndpointStats{
				{Key: "wh_1", Pending: 21, State: queue.StatePaused},
			},
		}, s)
		<-time.After(3 * time.Hour)
		require.EqualValues(t, 1, requests.Load())
		require.Equal(t, 21, stats().Held, "the retry, which is due, too")
		require.Zero(t, stats().Due)

		require.NoError(t, q.Enable(t.Context(), "wh_1", ""))
		s = stats()
		require.EqualValues(t, 22, requests.Load(), "at once")
		require.Zero(t, s.Pending+s.Held)
		require.EqualValues(t, 22, s.Delivered)
		require.Equal(t, 3*time.Hour+5*time.Second, time.Since(begun))

		require.NoError(t, q.Pause(t.Context(), "wh_1", ""))
		require.NoError(t, q.SendAll(t.Context(), messages(5, "wh_1")...))
		synctest.Wait()
		require.NoError(t, q.Disable(t.Context(), "wh_1", ""))
		s = stats()
		require.Zero(t, s.Pending)
		require.EqualValues(t, 5, s.Dropped)
		require.EqualValues(t, 22, requests.Load())
	})
}

// Two queues over one engine in memory know the same at once.
func TestQueue_SharedMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, engine := inMemory(t, always(200), memory.Config{}, queue.Config{})
		other := newQueue(t, always(200), engine, queue.Config{})
		require.NoError(t, other.Disable(t.Context(), "wh_1", ""))
		require.ErrorIs(t, q.Send(t.Context(), message("m_1", "wh_1")), queue.ErrDisabled)
		require.NoError(t, q.Pause(t.Context(), "wh_1", ""))
		require.NoError(t, other.Send(t.Context(), message("m_1", "wh_1")))
		synctest.Wait()
		require.Zero(t, q.Delivered())
		require.NoError(t, other.Enable(t.Context(), "wh_1", ""))
		synctest.Wait()
		require.EqualValues(t, 1, q.Delivered())
		ended, end := context.WithCancelCause(t.Context())
		end(errDown)
		require.ErrorIs(t, q.Enable(ended, "wh_1", ""), errDown)
		require.NoError(t, q.Enable(t.Context(), "wh_1", ""))
	})
}
