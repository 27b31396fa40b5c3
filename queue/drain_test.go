package queue_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// Drain returns when the last message has been delivered or given up, and its hook has
// returned.
func TestQueue_Drain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended journal
		q, engine := inMemory(t, transport(func(r *http.Request) (*http.Response, error) {
			switch r.URL.Host {
			case "wh_fails.example":
				return answer(500)
			case "wh_gone.example":
				return answer(410)
			}
			return takes(time.Second)(r)
		}), memory.Config{}, queue.Config{OnDrop: func(m *webhook.Message, _ queue.Reason) {
			<-time.After(5 * time.Minute)
			ended.add("dropped " + m.ID)
		}})
		require.NoError(t, q.Drain(t.Context()), "nothing has been sent")
		begun := time.Now()
		for _, m := range []*webhook.Message{message("ok", "wh_ok"), message("fails", "wh_fails")} {
			require.NoError(t, q.Send(t.Context(), m))
		}
		var all sync.WaitGroup
		for range 3 { // several may wait at once
			all.Go(func() {
				if err := q.Drain(t.Context()); err != nil {
					t.Error(err)
				}
				ended.add(fmt.Sprint("drained after ", time.Since(begun).Truncate(time.Second)))
			})
		}
		all.Wait()
		const drained = "drained after 1m50s"
		require.Equal(t, []string{drained, drained, drained}, ended.all())
		require.Empty(t, engine.Pending())

		require.NoError(t, q.SendAll(t.Context(), message("gone", "wh_gone"), message("behind", "wh_gone")))
		require.NoError(t, q.Drain(t.Context()))
		require.Empty(t, engine.Pending())
		s, err := q.Stats(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, s.Delivered)
		require.EqualValues(t, 4, s.Delivered+s.Failed+s.Dropped)
		require.Len(t, ended.all(), 3+int(s.Dropped))
	})
}

// What is sent during Drain is waited for as well.
func TestQueue_DrainGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q *queue.Queue
		sent := 1
		client := &webhook.Client{Transport: takes(time.Second)}
		client.OnAttempt = func(ctx context.Context, _ *webhook.Message, _ webhook.Attempt) {
			if sent < 5 {
				sent++
				require.NoError(t, q.Send(ctx, message(fmt.Sprint("m_", sent), "wh_1")))
			}
		}
		q, err := queue.New(client, newEngine(t, memory.Config{}), queue.Config{})
		require.NoError(t, err)
		run(t, q)
		begun := time.Now()
		require.NoError(t, q.Send(t.Context(), message("m_1", "wh_1")))
		require.NoError(t, q.Drain(t.Context()))
		require.Equal(t, 5*time.Second, time.Since(begun).Truncate(time.Second))
		require.EqualValues(t, 5, q.Delivered())
	})
}

func TestQueue_DrainErrors(t *testing.T) {
	t.Parallel()
	t.Run("context", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			q, engine := inMemory(t, always(500), memory.Config{}, queue.Config{})
			require.NoError(t, q.Send(t.Context(), message("m_1", "wh_1")))
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errDown)
			defer cancel()
			begun := time.Now()
			require.ErrorIs(t, q.Drain(ctx), errDown)
			require.Equal(t, time.Second, time.Since(begun))
			require.EqualError(t, q.Drain(ctx), "queue: store down", "ended before")
			require.Len(t, engine.Pending(), 1)
		})
	})
	t.Run("Run has ended", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			engine := newEngine(t, memory.Config{})
			q := newQueue(t, always(500), engine, queue.Config{})
			stop := run(t, q)
			require.NoError(t, q.Send(t.Context(), message("m_1", "wh_1")))
			drained := make(chan error, 1)
			go func() { drained <- q.Drain(t.Context()) }()
			synctest.Wait()
			require.Empty(t, drained)
			stop()
			require.ErrorIs(t, <-drained, queue.ErrStopped)
			_, err := engine.Cancel(t.Context(), "m_1")
			require.NoError(t, err)
			require.NoError(t, q.Drain(t.Context()), "nothing is left")
		})
	})
	t.Run("no Statser", func(t *testing.T) {
		t.Parallel()
		q, err := queue.New(&webhook.Client{}, &byHand{}, queue.Config{})
		require.NoError(t, err)
		err = q.Drain(t.Context())
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.EqualError(t, err, "queue: Drain: a *queue_test.byHand is not a Statser: unsupported operation")
	})
	t.Run("no Stats", func(t *testing.T) {
		t.Parallel()
		q, err := queue.New(&webhook.Client{}, &slowStatser{err: errDown}, queue.Config{})
		require.NoError(t, err)
		require.ErrorIs(t, q.Drain(t.Context()), errDown)
	})
}

// A slowStatser is an engine whose Stats take long, as those of a database do.
type slowStatser struct {
	byHand
	asked int
	err   error
}

func (e *slowStatser) Stats(context.Context, int) (queue.Stats, error) {
	<-time.After(100 * time.Millisecond)
	e.asked++
	return queue.Stats{Pending: 1}, e.err
}

// An engine whose Stats take long is seldom asked for them.
func TestQueue_DrainSpares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &slowStatser{}
		q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.ErrorIs(t, q.Drain(ctx), context.DeadlineExceeded)
		require.InDelta(t, 10, engine.asked, 1)
	})
}
