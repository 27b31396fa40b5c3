package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

func TestEngine_Full(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cfg  memory.Config // room for three of seven bytes each
	}{
		{"count", memory.Config{MaxPending: 3}},
		{"bytes", memory.Config{MaxBytes: 27}},
		{"both", memory.Config{MaxPending: 3, MaxBytes: 21}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newEngine(t, tt.cfg)
			require.ErrorIs(t, m.Enqueue(t.Context(), tasksOf("a1", "a2", "b1", "b2")...), queue.ErrFull)
			requireEmpty(t, m)
			require.NoError(t, m.Enqueue(t.Context(), tasksOf("a1", "a2")...))
			two := []queue.Task{orderedTask("b1", "b", "o", 0), orderedTask("b2", "b", "o", 0)}
			require.ErrorIs(t, m.Enqueue(t.Context(), two...), queue.ErrFull)
			require.NoError(t, m.Enqueue(t.Context(), tasksOf("a1", "b1")...))
			require.ErrorIs(t, m.Resume(t.Context(), queue.Delivery{Task: taskOf("b2", "b")}), queue.ErrFull)
			require.Equal(t, []string{"a1", "a2", "b1"}, pendingIDs(m))
			ok, err := m.Cancel(t.Context(), "a1")
			require.NoError(t, err)
			require.True(t, ok)
			require.NoError(t, m.Enqueue(t.Context(), taskOf("b2", "b")))
			require.Equal(t, []string{"a2", "b1", "b2"}, pendingIDs(m))
		})
	}
}

// The memory of a peak is given back when the queue has run empty.
func TestEngine_Peak(t *testing.T) {
	t.Parallel()
	m := newEngine(t, memory.Config{})
	for range 2 {
		for i := range 20_000 {
			require.NoError(t, m.Enqueue(t.Context(), taskOf(fmt.Sprint("m", i), fmt.Sprint("k", i))))
		}
		require.GreaterOrEqual(t, memory.Slots(m), 20_000)
		for i := range 20_000 {
			ok, err := m.Cancel(t.Context(), fmt.Sprint("m", i))
			require.NoError(t, err)
			require.True(t, ok)
		}
		require.Zero(t, memory.Slots(m))
		requireEmpty(t, m)
	}
}

// blocked is an engine that waits for room, with room for two and one message.
func blocked(t *testing.T) *memory.Engine {
	t.Helper()
	m := newEngine(t, memory.Config{MaxPending: 2, Block: true})
	require.NoError(t, m.Enqueue(t.Context(), taskOf("a1", "a")))
	return m
}

// enqueueLater enqueues in a goroutine and returns when that waits.
func enqueueLater(ctx context.Context, m *memory.Engine, ids ...string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- m.Enqueue(ctx, tasksOf(ids...)...) }()
	synctest.Wait()
	return done
}

// requireWaits says that nothing came yet.
func requireWaits(tb testing.TB, done <-chan error) {
	tb.Helper()
	select {
	case err := <-done:
		require.Fail(tb, "it does not wait", "%v", err)
	default:
	}
}

func TestEngine_Block(t *testing.T) {
	t.Parallel()
	t.Run("room comes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := blocked(t)
			large := enqueueLater(t.Context(), m, "b1", "b2")
			requireWaits(t, large)
			small := enqueueLater(t.Context(), m, "c1")
			// Although there is room for it: otherwise the large one might wait for ever.
			requireWaits(t, small)
			_, err := m.Cancel(t.Context(), "a1")
			require.NoError(t, err)
			synctest.Wait()
			require.NoError(t, <-large)
			requireWaits(t, small)
			s := &script{}
			runScript(t, m, s)
			require.NoError(t, <-small)
			synctest.Wait()
			require.ElementsMatch(t, []string{"b1", "b2", "c1"}, s.taken())
			requireEmpty(t, m)
		})
	})
	t.Run("context ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := blocked(t)
			first, endFirst := context.WithCancelCause(t.Context())
			second, endSecond := context.WithCancelCause(t.Context())
			large, other := enqueueLater(first, m, "b1", "b2"), enqueueLater(second, m, "c1", "c2")
			small := enqueueLater(t.Context(), m, "d1")
			cause := errors.New("closing time")
			endSecond(cause)
			require.ErrorIs(t, <-other, cause)
			requireWaits(t, large)
			requireWaits(t, small)
			endFirst(cause)
			require.ErrorIs(t, <-large, cause)
			require.NoError(t, <-small, "its turn has come")
			require.False(t, memory.Blocked(m))
			require.ErrorIs(t, m.Enqueue(second, taskOf("e1", "e")), cause)
			require.Equal(t, []string{"a1", "d1"}, pendingIDs(m))
		})
	})
	t.Run("run ends", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := blocked(t)
			stop := runEngine(t, m, queue.Handler{Ready: never, Handle: (&script{}).handle})
			large, other := enqueueLater(t.Context(), m, "b1", "b2"), enqueueLater(t.Context(), m, "c1")
			stop()
			require.ErrorIs(t, <-large, queue.ErrStopped)
			require.ErrorIs(t, <-other, queue.ErrStopped)
			require.Equal(t, []string{"a1"}, pendingIDs(m))
		})
	})
	t.Run("never fits", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, blocked(t).Enqueue(t.Context(), tasksOf("b1", "b2", "b3")...), queue.ErrFull)
		m := newEngine(t, memory.Config{MaxBytes: 9, Block: true})
		require.ErrorIs(t, m.Enqueue(t.Context(), tasksOf("b1", "b2")...), queue.ErrFull)
		require.NoError(t, m.Enqueue(t.Context(), tasksOf("b1")...))
	})
}

// Many producers wait for room all the time, with batches of many sizes; all come
// through.
func TestEngine_BlockMany(t *testing.T) {
	t.Parallel()
	m := newEngine(t, memory.Config{MaxPending: 10, Block: true, Workers: 4})
	runEngine(t, m, queue.Handler{Handle: (&script{}).handle})
	const producers, rounds = 8, 100
	done := make(chan error)
	for p := range producers {
		go func() {
			for i := range rounds {
				var tasks []queue.Task
				for j := range i%10 + 1 {
					tasks = append(tasks, taskOf(fmt.Sprintf("m_%d_%d_%d", p, i, j), "k"))
				}
				if err := m.Enqueue(context.Background(), tasks...); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range producers {
		require.NoError(t, <-done)
	}
	require.False(t, memory.Blocked(m))
}
