package memory_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// When the context ends, nothing more is handed out. Handlers continue with a context
// that has not ended, and their verdicts count.
func TestEngine_Stop(t *testing.T) {
	t.Parallel()
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		m := newEngine(t, memory.Config{Workers: 2})
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		s := &script{}
		require.NoError(t, m.Enqueue(t.Context(), tasksOf("a1", "b1", "c1")...))
		ended := make(chan error, 1)
		var alive atomic.Int32
		go func() {
			ended <- m.Run(ctx, queue.Handler{Handle: func(ctx context.Context, d queue.Delivery) queue.Verdict {
				s.handle(ctx, d)
				<-time.After(time.Second)
				if ctx.Err() == nil && ctx.Value(key{}) == "value" {
					alive.Add(1)
				}
				if d.ID == "a1" {
					return queue.Verdict{Kind: queue.KindDone}
				}
				return queue.Verdict{Kind: queue.KindRetry, After: time.Minute}
			}})
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		require.Empty(t, ended, "it waits for the handlers")
		require.NoError(t, m.Enqueue(t.Context(), taskOf("d1", "d")), "kept for Pending")
		require.Len(t, m.Pending(), 4)
		require.NoError(t, <-ended)
		require.ElementsMatch(t, []string{"a1", "b1"}, s.taken())
		require.EqualValues(t, 2, alive.Load())
		require.Equal(t, []string{"b1", "c1", "d1"}, pendingIDs(m))
		require.Equal(t, 2, m.Pending()[0].N)
		require.True(t, m.Pending()[0].NotBefore.Equal(time.Now().Add(time.Minute)))
	})
}

// What Pending returns continues in another engine: attempt, time, age, key and order
// are as they were.
func TestEngine_Resume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newEngine(t, memory.Config{})
		s := &script{verdict: func(d queue.Delivery) queue.Verdict {
			return queue.Verdict{Kind: queue.KindRetry, After: time.Duration(d.N) * 10 * time.Second}
		}}
		require.NoError(t, first.Enqueue(t.Context(),
			orderedTask("o1", "a", "o", 0), orderedTask("o2", "a", "o", 0), taskOf("n1", "b")))
		since := time.Now().Round(0)
		stop := runScript(t, first, s)
		<-time.After(15 * time.Second)
		later := taskOf("n2", "c")
		later.NotBefore = time.Now().Add(time.Hour).Round(0)
		require.NoError(t, first.Enqueue(t.Context(), later))
		stop()

		due := since.Add(30 * time.Second)
		want := []queue.Delivery{
			{Task: orderedTask("o1", "a", "o", 0), N: 3, Since: since},
			{Task: orderedTask("o2", "a", "o", 0), N: 1, Since: since},
			{Task: taskOf("n1", "b"), N: 3, Since: since},
			{Task: later, N: 1, Since: since.Add(15 * time.Second)},
		}
		want[0].NotBefore, want[2].NotBefore = due, due
		left := first.Pending()
		require.Equal(t, want, left)

		second := newEngine(t, memory.Config{Workers: 1})
		left = append(left, queue.Delivery{Task: taskOf("n3", "c")})
		require.NoError(t, second.Resume(t.Context(), left...))
		require.NoError(t, second.Resume(t.Context(), left...), "the same again")
		want = append(want, queue.Delivery{Task: taskOf("n3", "c"), N: 1, Since: time.Now().Round(0)})
		require.Equal(t, want, second.Pending())
		done := &script{}
		runScript(t, second, done)
		<-time.After(2 * time.Hour)
		require.Equal(t, []string{"n3/1 0s", "o1/3 15s", "o2/1 15s", "n1/3 15s", "n2/1 1h0m0s"}, done.log())
		requireEmpty(t, second)
	})
}

// A panic costs one attempt, not the task nor the process; so does a handler that ends
// its goroutine.
func TestEngine_Panic(t *testing.T) { //nolint:paralleltest // it sets the default logger
	var buf bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&buf, nil)))
	defer slog.SetDefault(old)
	synctest.Test(t, func(t *testing.T) {
		m := newEngine(t, memory.Config{Workers: 1})
		s := &script{verdict: func(d queue.Delivery) queue.Verdict {
			switch {
			case d.ID == "a1" && d.N == 1:
				panic(errors.New("s3cret of +4912345"))
			case d.ID == "b1" && d.N == 1:
				runtime.Goexit()
			}
			return queue.Verdict{Kind: queue.KindDone}
		}}
		require.NoError(t, m.Enqueue(t.Context(), tasksOf("a1", "b1", "c1")...))
		stop := runScript(t, m, s)
		<-time.After(time.Minute)
		require.Equal(t, []string{"a1/1 0s", "b1/1 0s", "c1/1 0s", "a1/2 10s", "b1/2 10s"}, s.log())
		requireEmpty(t, m)
		stop()
	})
	require.Contains(t, buf.String(), `level=ERROR msg="queue: recovered" hook=Handle `+
		`panic=*errors.errorString stack=`)
	require.NotContains(t, buf.String(), "s3cret")
	require.NotContains(t, buf.String(), "4912345")
}

// Many producers, handlers that fail, cancel, enqueue and are asked for slots, and
// readers, all at once: each message is delivered or given back, and never handed out
// twice at the same time.
func TestEngine_Race(t *testing.T) {
	t.Parallel()
	const producers, each = 8, 500
	m := newEngine(t, memory.Config{MaxPending: 300, Block: true, Workers: 16})
	var mu sync.Mutex
	inFlight, ended := map[string]bool{}, map[string]bool{}
	slots := map[string]int{}
	var problems []string
	h := queue.Handler{
		Ready: func(key string) (bool, time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if slots[key] == 2 {
				return false, time.Duration(len(ended)%2) * time.Millisecond
			}
			slots[key]++
			return true, 0
		},
		Handle: func(ctx context.Context, d queue.Delivery) queue.Verdict {
			mu.Lock()
			if inFlight[d.ID] || ended[d.ID] {
				problems = append(problems, d.ID)
			}
			inFlight[d.ID] = true
			mu.Unlock()
			runtime.Gosched()
			mu.Lock()
			defer mu.Unlock()
			inFlight[d.ID] = false
			slots[d.Key]--
			switch {
			case d.N == 1 && len(d.ID)%2 == 0:
				return queue.Verdict{Kind: queue.KindRetry, After: time.Millisecond}
			case d.N == 2 && time.Since(d.Since) < 2*time.Millisecond:
				return queue.Verdict{Kind: queue.KindDefer}
			}
			ended[d.ID] = true
			return queue.Verdict{Kind: queue.KindDone}
		},
	}
	stop := runEngine(t, m, h)
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("m_%d_%d", p, i)
				task := taskOf(id, fmt.Sprint("k", i%20))
				if i%3 == 0 {
					task.Order = fmt.Sprint("o", i%5)
				}
				if err := m.Enqueue(context.Background(), task); err != nil {
					t.Error(err)
				}
				if i%50 == 0 {
					_, _ = m.Stats(context.Background(), 3)
					m.Pending()
					_, _ = m.Supersede(context.Background(), task.Order, 0)
				}
			}
		})
	}
	wg.Wait()
	stop()
	require.Empty(t, problems)
	for _, d := range m.Pending() {
		require.False(t, ended[d.ID])
		ended[d.ID] = true
	}
	require.Len(t, ended, producers*each)
}
