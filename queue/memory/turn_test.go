package memory_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// never says of no endpoint that it is ready.
func never(string) (bool, time.Duration) { return false, time.Hour }

// In which order tasks are handed out. The key of an id is its first letter; those with
// an r have been tried before.
func TestEngine_Turns(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		ids, want []string
	}{
		{"first come, first served", []string{"a1", "a2", "a3"}, []string{"a1", "a2", "a3"}},
		{
			"endpoints take turns",
			[]string{"a1", "a2", "a3", "b1", "c1", "c2"},
			[]string{"a1", "b1", "c1", "a2", "c2", "a3"},
		},
		{
			"first attempts before retries",
			[]string{"r1", "a1", "r2", "a2", "b1"},
			[]string{"a1", "b1", "a2", "r1", "r2"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newEngine(t, memory.Config{Workers: 1})
				for _, task := range tasksOf(tt.ids...) {
					n := 1
					if task.Key == "r" {
						n = 2
					}
					require.NoError(t, m.Resume(t.Context(), queue.Delivery{Task: task, N: n}))
				}
				s := &script{}
				runScript(t, m, s)
				synctest.Wait()
				require.Equal(t, tt.want, s.taken())
				requireEmpty(t, m)
			})
		})
	}
}

func TestEngine_Verdicts(t *testing.T) {
	t.Parallel()
	done := queue.Verdict{Kind: queue.KindDone}
	retry := queue.Verdict{Kind: queue.KindRetry, After: 10 * time.Second}
	again := func(after time.Duration) queue.Verdict {
		return queue.Verdict{Kind: queue.KindRetry, After: after}
	}
	later := queue.Verdict{Kind: queue.KindDefer, After: time.Second}
	tests := []struct {
		name     string
		verdicts []queue.Verdict // the last one repeats
		want     []string
	}{
		{"done", []queue.Verdict{done}, []string{"m/1 0s"}},
		{"dead", []queue.Verdict{{Kind: queue.KindDead}}, []string{"m/1 0s"}},
		{"retries", []queue.Verdict{retry, retry, done}, []string{"m/1 0s", "m/2 10s", "m/3 20s"}},
		{"retry at once", []queue.Verdict{again(0), done}, []string{"m/1 0s", "m/2 0s"}},
		{"a wait below zero", []queue.Verdict{again(-1), done}, []string{"m/1 0s", "m/2 0s"}},
		{
			"deferrals do not count",
			[]queue.Verdict{later, retry, later, done},
			[]string{"m/1 0s", "m/1 1s", "m/2 11s", "m/2 12s"},
		},
		{"an unknown kind loses nothing", []queue.Verdict{{}, done}, []string{"m/1 0s", "m/2 10s"}},
		{"for ever", []queue.Verdict{again(1<<63 - 1)}, []string{"m/1 0s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newEngine(t, memory.Config{})
				s := &script{}
				s.verdict = func(queue.Delivery) queue.Verdict {
					v := tt.verdicts[0]
					if len(tt.verdicts) > 1 {
						tt.verdicts = tt.verdicts[1:]
					}
					return v
				}
				stop := runScript(t, m, s)
				require.NoError(t, m.Enqueue(t.Context(), taskOf("m", "k")))
				<-time.After(time.Minute)
				synctest.Wait()
				require.Equal(t, tt.want, s.log())
				stop()
				if tt.name != "for ever" {
					requireEmpty(t, m)
				}
			})
		})
	}
}

func TestEngine_NotBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newEngine(t, memory.Config{Workers: 1})
		enqueue := func(id string, wait time.Duration) {
			task := taskOf(id, "k")
			task.NotBefore = time.Now().Add(wait).Round(0)
			require.NoError(t, m.Enqueue(t.Context(), task))
		}
		begun := time.Now()
		enqueue("before Run", 3*time.Second)
		s := &script{verdict: func(d queue.Delivery) queue.Verdict {
			if d.ID != "past" {
				require.True(t, d.NotBefore.Equal(time.Now()))
			}
			require.Less(t, time.Since(d.Since), 6*time.Second)
			return queue.Verdict{Kind: queue.KindDone}
		}}
		<-time.After(time.Second)
		runScript(t, m, s)
		s.begun = begun
		enqueue("last", 4*time.Second)
		enqueue("first", time.Second)
		enqueue("past", -time.Second)
		<-time.After(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"past/1 1s", "first/1 2s", "before Run/1 3s", "last/1 5s"}, s.log())
	})
}

// However long Enqueue waits for the lock, a task is not due before its time.
func TestEngine_NotBeforeLocked(t *testing.T) {
	t.Parallel()
	m := newEngine(t, memory.Config{})
	task := taskOf("m", "k")
	task.NotBefore = time.Now().Add(time.Hour)
	release := memory.Hold(m)
	enqueued := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		close(begun)
		enqueued <- m.Enqueue(context.Background(), task)
	}()
	<-begun
	// Not in a bubble, where no time would pass.
	for at := time.Now(); time.Since(at) < 10*time.Millisecond; {
		runtime.Gosched()
	}
	release()
	require.NoError(t, <-enqueued)
	due := m.Pending()[0].NotBefore
	require.WithinRange(t, due, task.NotBefore.Add(-time.Millisecond), task.NotBefore.Add(time.Minute))
}

// A deferred task goes before those that came later, but behind them if it was deferred
// for no time.
func TestEngine_DeferralInFront(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		after time.Duration
		want  []string
	}{
		{"after a wait", time.Second, []string{"a1", "a2", "a1", "a3", "a4"}},
		{"at once", 0, []string{"a1", "a2", "a3", "a4", "a1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newEngine(t, memory.Config{Workers: 1})
				deferred := false
				s := &script{verdict: func(d queue.Delivery) queue.Verdict {
					if d.ID == "a1" && !deferred {
						deferred = true
						return queue.Verdict{Kind: queue.KindDefer, After: tt.after}
					}
					<-time.After(time.Second + time.Millisecond)
					return queue.Verdict{Kind: queue.KindDone}
				}}
				require.NoError(t, m.Enqueue(t.Context(), tasksOf("a1", "a2", "a3", "a4")...))
				runScript(t, m, s)
				<-time.After(time.Minute)
				require.Equal(t, tt.want, s.taken())
			})
		})
	}
}

func TestEngine_Ready(t *testing.T) {
	t.Parallel()
	const attempt = 5 * time.Second
	tests := []struct {
		name  string
		limit int // in flight at an endpoint
		wait  time.Duration
		want  []string
	}{
		{"wait for a return", 1, 0, []string{"a1/1 0s", "b1/1 0s", "a2/1 5s", "b2/1 5s", "a3/1 10s"}},
		{"a return comes first", 1, time.Hour, []string{"a1/1 0s", "b1/1 0s", "a2/1 5s", "b2/1 5s", "a3/1 10s"}},
		{"two at once", 2, 0, []string{"a1/1 0s", "b1/1 0s", "a2/1 0s", "b2/1 0s", "a3/1 5s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				slots := map[string]int{}
				m := newEngine(t, memory.Config{})
				s := &script{begun: time.Now()}
				require.NoError(t, m.Enqueue(t.Context(), tasksOf("a1", "a2", "a3", "b1", "b2")...))
				runEngine(t, m, queue.Handler{
					Ready: func(key string) (bool, time.Duration) {
						mu.Lock()
						defer mu.Unlock()
						if slots[key] == tt.limit {
							return false, tt.wait
						}
						slots[key]++
						return true, 0
					},
					Handle: func(ctx context.Context, d queue.Delivery) queue.Verdict {
						v := s.handle(ctx, d)
						<-time.After(attempt)
						mu.Lock()
						defer mu.Unlock()
						slots[d.Key]--
						return v
					},
				})
				<-time.After(time.Minute)
				require.ElementsMatch(t, tt.want, s.log())
				requireEmpty(t, m)
			})
		})
	}
}

// An endpoint that is not ready is asked again at its time, and only then, while others
// go on.
func TestEngine_ReadyLater(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		wait time.Duration
		want []string
	}{
		{"after a wait", 10 * time.Second, []string{"b1/1 0s", "b2/1 0s", "a1/1 20s", "a2/1 20s"}},
		// Nothing is in flight whose return could be waited for.
		{"without one", 0, []string{"b1/1 0s", "b2/1 0s", "a1/1 2s", "a2/1 2s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newEngine(t, memory.Config{Workers: 1})
				s := &script{begun: time.Now()}
				asked := 0
				require.NoError(t, m.Enqueue(t.Context(), tasksOf("a1", "a2", "b1", "b2")...))
				require.NoError(t, m.Resume(t.Context(), queue.Delivery{Task: taskOf("a3", "a"), N: 2}))
				runEngine(t, m, queue.Handler{Handle: s.handle, Ready: func(key string) (bool, time.Duration) {
					if key == "a" {
						asked++
					}
					return key != "a" || asked > 2, tt.wait
				}})
				_, err := m.Cancel(t.Context(), "a3")
				require.NoError(t, err)
				<-time.After(time.Minute)
				require.Equal(t, tt.want, s.log())
				require.Equal(t, 4, asked)
				requireEmpty(t, m)
			})
		})
	}
}

// More endpoints are not ready than are asked at once. The one behind them is found all
// the same, and the alarms of endpoints whose tasks are canceled are removed.
func TestEngine_ManyNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newEngine(t, memory.Config{})
		const endpoints = 1000
		for i := range endpoints {
			require.NoError(t, m.Enqueue(t.Context(), taskOf(fmt.Sprint("m", i), fmt.Sprint("k", i))))
		}
		require.NoError(t, m.Enqueue(t.Context(), taskOf("good", "good")))
		s := &script{begun: time.Now()}
		runEngine(t, m, queue.Handler{Handle: s.handle, Ready: func(key string) (bool, time.Duration) {
			return key == "good", time.Hour
		}})
		synctest.Wait()
		require.Equal(t, []string{"good/1 0s"}, s.log())
		_, _, _, waiting, _ := memory.Kept(m)
		require.Equal(t, endpoints, waiting)
		stats, err := m.Stats(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, queue.Stats{Pending: endpoints, Due: endpoints, Oldest: stats.Oldest}, stats)
		for i := range endpoints {
			_, err := m.Cancel(t.Context(), fmt.Sprint("m", i))
			require.NoError(t, err)
		}
		requireEmpty(t, m)
	})
}

// Ten thousand retries are due at the same time. All are handed out then, by no more
// than Workers, and those goroutines do not stay.
func TestEngine_Thundering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const tasks, workers = 10_000, 500
		m := newEngine(t, memory.Config{Workers: workers})
		var mu sync.Mutex
		inFlight, most, handed := 0, 0, 0
		runEngine(t, m, queue.Handler{Handle: func(context.Context, queue.Delivery) queue.Verdict {
			mu.Lock()
			inFlight++
			most = max(most, inFlight)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			defer mu.Unlock()
			inFlight--
			handed++
			return queue.Verdict{Kind: queue.KindDone}
		}})
		due := time.Now().Add(time.Hour)
		for i := range tasks {
			d := queue.Delivery{Task: taskOf(fmt.Sprint("m", i), fmt.Sprint("k", i%100)), N: 2}
			d.NotBefore = due
			require.NoError(t, m.Resume(t.Context(), d))
		}
		<-time.After(time.Until(due) - 1)
		synctest.Wait()
		require.Zero(t, inFlight)
		working, _ := memory.Workers(m)
		require.Zero(t, working)
		<-time.After(1)
		synctest.Wait()
		require.Equal(t, workers, inFlight)
		<-time.After(tasks / workers * time.Second)
		synctest.Wait()
		require.Equal(t, tasks, handed)
		require.Equal(t, workers, most)
		requireEmpty(t, m)
		working, idle := memory.Workers(m)
		require.Equal(t, 64, working, "some stay for what comes next")
		require.Equal(t, 64, idle)
	})
}
