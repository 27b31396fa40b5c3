package durabletest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// These are tests of deliveries that a second worker took over, since the first was
// stopped for too long. The first goes on later, and reports its result.

// taken makes jobs available to others as if their worker had died, which goes on.
const taken = `UPDATE #river_job SET state = 'available' WHERE state = 'running'`

// A script is a handler whose calls wait until they are told what to return.
type script struct {
	begun chan queue.Delivery
	say   []chan queue.Verdict // by call

	mu    sync.Mutex
	calls int
}

func newScript(calls int) *script {
	s := &script{begun: make(chan queue.Delivery, calls)}
	for range calls {
		s.say = append(s.say, make(chan queue.Verdict, 1))
	}
	return s
}

func (s *script) handle(_ context.Context, d queue.Delivery) queue.Verdict {
	s.mu.Lock()
	call := s.calls
	s.calls++
	s.mu.Unlock()
	s.begun <- d
	v := <-s.say[call]
	v.Attempt = &webhook.Attempt{N: d.N, At: time.Now(), Status: 500 + call}
	return v
}

// next waits for the next call.
func (s *script) next(t *testing.T) queue.Delivery {
	t.Helper()
	select {
	case d := <-s.begun:
		return d
	case <-time.After(30 * time.Second):
		require.FailNow(t, "waited in vain for a call")
		panic("not reached")
	}
}

// quick returns a configuration with the shortest lease there can be, and the tasks with
// a timeout that suits it.
func quick(tasks ...queue.Task) (durable.Config, []queue.Task) {
	for _, task := range tasks {
		task.Message.Policy.Timeout = time.Nanosecond
	}
	return durable.Config{MaxTimeout: time.Nanosecond}, tasks
}

// testLateVerdict has the first worker of a delivery return when the second one has
// written an attempt down and makes the next.
func testLateVerdict[T any](t *testing.T, db Database[T]) {
	config, tasks := quick(Task("a"))
	e, other := db.Open(t, config), db.Open(t, config)
	s := newScript(4)
	Run(t, e, s.handle)
	Run(t, other, s.handle)
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	require.Equal(t, 1, s.next(t).N)
	db.Exec(t, taken)
	require.Equal(t, 1, s.next(t).N)
	s.say[1] <- queue.Verdict{Kind: queue.KindRetry}
	require.Equal(t, 2, s.next(t).N)
	s.say[0] <- queue.Verdict{Kind: queue.KindRetry} // too late
	<-time.After(time.Second)                        // until River has heard of it
	s.say[2] <- queue.Verdict{Kind: queue.KindRetry}
	require.Equal(t, 3, s.next(t).N)
	s.say[3] <- queue.Verdict{Kind: queue.KindDone}
	d := finally(t, e, "a", durable.StateDelivered)
	require.Equal(t, 3, d.Attempts)
	attempts, err := e.Attempts(t.Context(), "a")
	require.NoError(t, err)
	var statuses []int
	for _, a := range attempts {
		statuses = append(statuses, a.Status)
	}
	require.Equal(t, []int{501, 502, 503}, statuses)
}

// testLateVerdictOrdered has the first worker put a delivery off that another one is at.
func testLateVerdictOrdered[T any](t *testing.T, db Database[T]) {
	config, tasks := quick(ordered("a", "b")...)
	e, other := db.Open(t, config), db.Open(t, config)
	s := newScript(4)
	Run(t, e, s.handle)
	Run(t, other, s.handle)
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	require.Equal(t, "a", s.next(t).ID)
	db.Exec(t, `UPDATE @delivery SET held = 0`)
	db.Exec(t, taken)
	require.Equal(t, "a", s.next(t).ID)
	s.say[0] <- queue.Verdict{Kind: queue.KindDefer} // too late
	select {
	case d := <-s.begun:
		require.FailNow(t, "two at once", "%s", d.ID)
	case <-time.After(time.Second):
	}
	s.say[1] <- queue.Verdict{Kind: queue.KindDone}
	require.Equal(t, "b", s.next(t).ID)
	s.say[2] <- queue.Verdict{Kind: queue.KindDone}
	finally(t, e, "b", durable.StateDelivered)
}

// testClock has a process die whose clock was an hour ahead: what it held does not wait
// for an hour.
func testClock[T any](t *testing.T, db Database[T]) {
	config, tasks := quick(ordered("a", "b")...)
	e := db.Open(t, config)
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	db.Exec(t, `UPDATE @delivery SET held = `+durableMicros(time.Hour)+` WHERE id = 'a'`)
	r := record(nil)
	Run(t, e, r.handle)
	r.await(t, 2)
	finally(t, e, "b", durable.StateDelivered)
}

// testRevive removes River's jobs.
func testRevive[T any](t *testing.T, db Database[T]) {
	config, tasks := quick(append(ordered("first", "second", "third"), Task("single"), Task("held"))...)
	config.Logger = slog.New(slog.DiscardHandler)
	e := db.Open(t, config)
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	other := Task("other")
	other.Order, other.Message.Policy.Timeout = "another", time.Nanosecond
	require.NoError(t, e.Enqueue(t.Context(), other))
	db.Exec(t, `DELETE FROM #river_job`)
	db.Exec(t, `UPDATE @delivery SET due = `+durableMicros(-time.Hour)+` WHERE id <> 'held'`)
	db.Exec(t, `UPDATE @delivery SET state = 'delivered', ended = due, attempts = 1 WHERE id = 'first'`)
	db.Exec(t, `UPDATE @delivery SET active = 0 WHERE id = 'other'`)
	r := record(nil)
	Run(t, e, r.handle)
	r.await(t, 4)
	require.Equal(t, map[string]int{"second": 1, "third": 1, "single": 1, "other": 1}, r.ids())
}

// testSameIDs has two processes enqueue the same IDs at once, in different sequences.
func testSameIDs[T any](t *testing.T, db Database[T]) {
	engines := []*durable.Engine[T]{db.Open(t, durable.Config{}), db.Open(t, durable.Config{})}
	const rounds, size = 40, 20
	var all sync.WaitGroup
	errs := make(chan error, rounds*(size+2))
	for round := range rounds {
		for i, e := range engines {
			all.Go(func() {
				tasks := Tasks(fmt.Sprint("list", round), size)
				if i == 1 {
					slices.Reverse(tasks)
				}
				errs <- e.Enqueue(context.Background(), tasks...)
			})
		}
		for i := range size {
			all.Go(func() {
				errs <- engines[i%2].Enqueue(context.Background(), Task(fmt.Sprint("single", round/2, "-", i/2)))
			})
		}
	}
	all.Wait()
	for range rounds * (size + 2) {
		require.NoError(t, <-errs)
	}
	var n int
	db.Row(t, `SELECT count(*) FROM @delivery`, &n)
	require.Equal(t, rounds*size+rounds/2*size/2, n)
}
