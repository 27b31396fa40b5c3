package memory_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// Tasks of one order go one at a time, in the order of Enqueue, across retries and
// deferrals; others go on.
func TestEngine_Order(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newEngine(t, memory.Config{})
		s := &script{}
		deferred := false
		s.verdict = func(d queue.Delivery) queue.Verdict {
			<-time.After(time.Second)
			switch {
			case d.ID == "o1" && !deferred:
				deferred = true
				return queue.Verdict{Kind: queue.KindDefer, After: 4 * time.Second}
			case d.ID == "o1" && d.N < 3:
				return queue.Verdict{Kind: queue.KindRetry, After: 10 * time.Second}
			case d.ID == "o2":
				return queue.Verdict{Kind: queue.KindDead}
			}
			return queue.Verdict{Kind: queue.KindDone}
		}
		late := orderedTask("o3", "b", "o", 0)
		late.NotBefore = time.Now().Add(40 * time.Second)
		runScript(t, m, s)
		require.NoError(t, m.Enqueue(t.Context(),
			orderedTask("o1", "a", "o", 0), orderedTask("o2", "b", "o", 0),
			orderedTask("p1", "a", "p", 0), taskOf("n1", "a"), late,
			orderedTask("o4", "a", "o", 0), orderedTask("p2", "a", "p", 0)))
		<-time.After(time.Minute)
		require.ElementsMatch(t, []string{
			"o1/1 0s", "p1/1 0s", "n1/1 0s", "p2/1 1s", "o1/1 5s",
			"o1/2 16s", "o1/3 27s", "o2/1 28s", "o3/1 40s", "o4/1 41s",
		}, s.log())
		requireEmpty(t, m)
	})
}

func TestEngine_Supersede(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		active string // what the first one does
		rank   int
		want   []string
		left   []string
	}{
		{"none", "ready", 1, nil, []string{"o1", "o2", "o3", "o4", "p1"}},
		{"ready", "ready", 3, []string{"o1", "o2", "o4"}, []string{"o3", "p1"}},
		{"waiting", "waiting", 3, []string{"o1", "o2", "o4"}, []string{"o3", "p1"}},
		{"handed out", "in flight", 3, []string{"o2", "o4"}, []string{"o1", "o3", "p1"}},
		{"all but that", "in flight", 9, []string{"o2", "o3", "o4"}, []string{"o1", "p1"}},
		{"all", "ready", 9, []string{"o1", "o2", "o3", "o4"}, []string{"p1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newEngine(t, memory.Config{})
				s := &script{verdict: func(d queue.Delivery) queue.Verdict {
					<-time.After(time.Second)
					return queue.Verdict{Kind: queue.KindDone}
				}}
				first := orderedTask("o1", "a", "o", 1)
				switch tt.active {
				case "waiting":
					first.NotBefore = time.Now().Add(time.Hour)
				case "in flight":
					require.NoError(t, m.Enqueue(t.Context(), first))
					runScript(t, m, s)
					synctest.Wait()
				}
				require.NoError(t, m.Enqueue(t.Context(),
					first, orderedTask("o2", "b", "o", 2), orderedTask("o3", "a", "o", 3),
					orderedTask("o4", "a", "o", 2), orderedTask("p1", "a", "p", 0)))
				gone, err := m.Supersede(t.Context(), "o", tt.rank)
				require.NoError(t, err)
				var ids []string
				for _, task := range gone {
					ids = append(ids, task.ID)
					require.Equal(t, "o", task.Order)
					require.NotEmpty(t, task.Key)
					require.Equal(t, task.ID, task.Message.ID)
				}
				require.Equal(t, tt.want, ids)
				require.Equal(t, tt.left, pendingIDs(m))
				if tt.active != "in flight" {
					runScript(t, m, s)
				}
				<-time.After(2 * time.Hour)
				require.ElementsMatch(t, tt.left, s.taken())
				requireEmpty(t, m)
				gone, err = m.Supersede(t.Context(), "o", 9)
				require.NoError(t, err)
				require.Empty(t, gone)
			})
		})
	}
}

func TestEngine_Cancel(t *testing.T) {
	t.Parallel()
	done := queue.Verdict{Kind: queue.KindDone}
	retry := func(after time.Duration) queue.Verdict {
		return queue.Verdict{Kind: queue.KindRetry, After: after}
	}
	later := queue.Verdict{Kind: queue.KindDefer, After: time.Second}
	afterwards := []string{"o1/1 10s", "o3/1 12s"}
	tests := []struct {
		name    string
		verdict queue.Verdict
		at      time.Duration // when it and the one behind it are canceled
		want    []string
	}{
		{"waiting for its first time", done, time.Second, []string{"o3/1 1s"}},
		{"in flight, delivered", done, 11 * time.Second, afterwards},
		{"in flight, failed", retry(time.Second), 11 * time.Second, afterwards},
		{"in flight, deferred", later, 11 * time.Second, afterwards},
		{"waiting for a retry", retry(time.Hour), 13 * time.Second, []string{"o1/1 10s", "o3/1 13s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newEngine(t, memory.Config{})
				s := &script{verdict: func(d queue.Delivery) queue.Verdict {
					<-time.After(2 * time.Second)
					if d.ID == "o1" {
						return tt.verdict
					}
					return queue.Verdict{Kind: queue.KindDone}
				}}
				runScript(t, m, s)
				first := orderedTask("o1", "a", "o", 0)
				first.NotBefore = time.Now().Add(10 * time.Second)
				require.NoError(t, m.Enqueue(t.Context(),
					first, orderedTask("o2", "a", "o", 0), orderedTask("o3", "a", "o", 0)))
				<-time.After(tt.at)
				cancel := func(id string) bool {
					ok, err := m.Cancel(t.Context(), id)
					require.NoError(t, err)
					return ok
				}
				require.False(t, cancel("o9"))
				require.True(t, cancel("o2"))
				require.True(t, cancel("o1"))
				require.False(t, cancel("o1"), "twice")
				require.Equal(t, []string{"o3"}, pendingIDs(m))
				<-time.After(time.Minute)
				require.Equal(t, tt.want, s.log())
				requireEmpty(t, m)
			})
		})
	}
}

func TestEngine_Stats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newEngine(t, memory.Config{})
		stats, err := m.Stats(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, queue.Stats{}, stats)

		oldest := time.Now().Round(0)
		require.NoError(t, m.Enqueue(t.Context(), tasksOf("a1", "b1", "b2", "c1", "c2", "c3")...))
		<-time.After(time.Second)
		later := taskOf("c4", "c")
		later.NotBefore = time.Now().Add(time.Minute)
		require.NoError(t, m.Enqueue(t.Context(),
			later, orderedTask("d1", "d", "o", 0), orderedTask("d2", "d", "o", 0)))
		stats, err = m.Stats(t.Context(), 2)
		require.NoError(t, err)
		require.Equal(t, queue.Stats{
			Pending: 9, Due: 7, Oldest: oldest,
			Busiest: []queue.EndpointStats{{Key: "c", Pending: 4}, {Key: "b", Pending: 2}},
		}, stats)
		<-time.After(2 * time.Minute)
		stats, err = m.Stats(t.Context(), -1)
		require.NoError(t, err)
		require.Equal(t, queue.Stats{Pending: 9, Due: 8, Oldest: oldest}, stats, "its time comes without Run, too")

		release := make(chan struct{})
		runEngine(t, m, queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
			if d.Key == "a" || d.Key == "b" {
				return queue.Verdict{Kind: queue.KindDone}
			}
			<-release
			return queue.Verdict{Kind: queue.KindRetry, After: time.Hour}
		}})
		synctest.Wait()
		stats, err = m.Stats(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, queue.Stats{
			Pending: 1, InFlight: 5, Oldest: oldest,
			Busiest: []queue.EndpointStats{{Key: "d", Pending: 1, InFlight: 1}, {Key: "c", InFlight: 4}},
		}, stats)
		close(release)
		synctest.Wait()
		stats, err = m.Stats(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, queue.Stats{Pending: 6, Oldest: oldest}, stats)
	})
}
