package enginetest

import (
	"reflect"
	"time"

	"github.com/ringhook/webhook/queue"
)

// canceler skips the check if the engine is none.
func (tr *trial) canceler() queue.Canceler {
	tr.Helper()
	c, ok := tr.engine.(queue.Canceler)
	if !ok {
		tr.Skip("the engine is no queue.Canceler")
	}
	return c
}

// cancelTask expects that there is something to end, and that t is not handed out any
// more.
func (tr *trial) cancelTask(t *task) {
	tr.Helper()
	tr.mu.Lock()
	t.canceled = true
	t.ended = !t.inFlight // beforehand: the engine hands out the next one at once
	tr.mu.Unlock()
	tr.checkCancel(t.name, t.ID, true)
}

func (tr *trial) checkCancel(name, id string, want bool) {
	tr.Helper()
	ctx, cancel := tr.context()
	defer cancel()
	got, err := tr.canceler().Cancel(ctx, id)
	if err != nil || got != want {
		tr.Errorf("Cancel of %s returned %v and the error %v, want %v", name, got, err, want)
	}
}

// checkCancelWaiting cancels tasks that wait. On a busy machine they may be handed out
// before that: then their handlers wait for the gate, and the tasks do not come again
// either.
func checkCancelWaiting(tr *trial) {
	tr.canceler()
	gate := make(chan struct{})
	last := tr.hold(gate, retry(0))
	fresh, later := tr.task("fresh", "key"), tr.task("later", "key", last)
	asleep := tr.task("asleep", "key", retry(4*tick), last)
	done, stays := tr.task("done", "key"), tr.task("stays", "key")
	tr.enqueue(fresh)
	tr.cancelTask(fresh) // before Run
	tr.start()
	later.NotBefore = time.Now().Add(4 * tick)
	tr.enqueue(asleep, done, later)
	tr.awaitVerdict(1, asleep)
	tr.cancelTask(asleep)
	tr.cancelTask(later)
	close(gate)
	tr.awaitEnds(done)
	stays.NotBefore = time.Now().Add(5 * tick)
	tr.enqueue(stays)
	tr.awaitEnds(stays)
	tr.checkCancel("a task that was canceled", later.ID, false)
	tr.checkCancel("a task that is done", done.ID, false)
	tr.checkCancel("a task that is unknown", "unknown", false)
	tr.reopen()
	tr.quiet(2 * tick)
}

// checkCancelInFlight gives each task that is canceled another verdict. The contexts of
// their handlers stay alive.
func checkCancelInFlight(tr *trial) {
	tr.canceler()
	gate := make(chan struct{})
	var tasks []*task
	for name, v := range map[string]step{
		"held-done": answer(queue.KindDone, 0), "held-dead": answer(queue.KindDead, 0),
		"held-retry": retry(tick), "held-deferral": deferral(0),
	} {
		tasks = append(tasks, tr.task(name, "key", tr.hold(gate, v)))
	}
	other := tr.task("other", "key", tr.hold(gate, retry(0)))
	tr.start()
	tr.enqueue(append(tasks, other)...)
	tr.awaitFlight(1, append(tasks, other)...)
	for _, t := range tasks {
		tr.cancelTask(t)
	}
	tr.quiet(2 * tick)
	close(gate)
	tr.awaitEnds(tasks...)
	tr.awaitEnd(other, 1, 2)
	tr.quiet(2 * tick)
	tr.reopen()
	tr.quiet(tick)
}

// checkCancelOrdered cancels the first and the third of an order: the others have their
// turn.
func checkCancelOrdered(tr *trial) {
	tr.canceler()
	tr.orderer()
	asleep := tr.task("asleep", "key", retry(time.Hour))
	second, third, fourth := tr.task("second", "key"), tr.task("third", "key"), tr.task("fourth", "key")
	tr.start()
	tr.enqueue(tr.ordered("order", asleep, second, third, fourth)...)
	tr.awaitVerdict(1, asleep)
	tr.cancelTask(third)
	tr.cancelTask(asleep)
	tr.awaitEnds(second, fourth)
	tr.checkNumbers(third)
}

// statser skips the check if the engine is none.
func (tr *trial) statser() queue.Statser {
	tr.Helper()
	s, ok := tr.engine.(queue.Statser)
	if !ok {
		tr.Skip("the engine is no queue.Statser")
	}
	return s
}

// awaitStats asks until the engine tells what is wanted: it may be a little behind.
// Oldest must be a time at which the task oldest was being enqueued.
func (tr *trial) awaitStats(when string, busiest int, oldest *task, want queue.Stats) {
	tr.Helper()
	for {
		got := tr.stats(busiest)
		since := got.Oldest
		got.Oldest = time.Time{}
		if len(got.Busiest) == 0 {
			got.Busiest = nil
		}
		if reflect.DeepEqual(got, want) && tr.isSince(since, oldest) {
			return
		}
		if time.Now().After(tr.deadline) {
			tr.Fatalf("Stats %s: %+v with Oldest %v, want %+v", when, got, since, want)
		}
		tr.quiet(tick / 5)
	}
}

func (tr *trial) stats(busiest int) queue.Stats {
	tr.Helper()
	ctx, cancel := tr.context()
	defer cancel()
	s, err := tr.statser().Stats(ctx, busiest)
	if err != nil {
		tr.Fatalf("Stats: %v", err)
	}
	return s
}

func (tr *trial) isSince(at time.Time, t *task) bool {
	if t == nil {
		return at.IsZero()
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return !at.Before(t.from.Add(-slack)) && !at.After(t.to.Add(slack))
}

func checkStatsWaiting(tr *trial) {
	tr.statser()
	tr.awaitStats("of an empty engine", 5, nil, queue.Stats{})
	first, second := tr.task("first", "a"), tr.tasksOf("b", "b-1", "b-2", "b-3")
	tr.enqueue(first)
	tr.quiet(2 * slack) // so that one can tell which is the oldest
	second[2].NotBefore = time.Now().Add(time.Hour)
	third := tr.tasksOf("c", "c-1", "c-2")
	tr.enqueue(append(second, third...)...)
	all := queue.Stats{Pending: 6, Due: 5}
	tr.awaitStats("without endpoints", 0, first, all)
	all.Busiest = []queue.EndpointStats{{Key: "b", Pending: 3}, {Key: "c", Pending: 2}}
	tr.awaitStats("with two endpoints", 2, first, all)
	all.Busiest = append(all.Busiest, queue.EndpointStats{Key: "a", Pending: 1})
	tr.awaitStats("with all endpoints", 5, first, all)

	tr.start()
	tr.awaitEnds(first, second[0], second[1], third[0], third[1])
	tr.awaitStats("of what is left", 5, second[2], queue.Stats{
		Pending: 1, Busiest: []queue.EndpointStats{{Key: "b", Pending: 1}},
	})
}

func checkStatsInFlight(tr *trial) {
	tr.statser()
	gate := make(chan struct{})
	held := []*task{
		tr.task("held-done", "a", tr.hold(gate, answer(queue.KindDone, 0))),
		tr.task("held-dead", "a", tr.hold(gate, answer(queue.KindDead, 0))),
		tr.task("held-retry", "b", tr.hold(gate, retry(time.Hour))),
	}
	waiting := tr.tasksOf("a", "later-1", "later-2")
	for _, t := range waiting {
		t.NotBefore = time.Now().Add(time.Hour)
	}
	tr.start()
	tr.enqueue(held...)
	tr.awaitFlight(1, held...)
	tr.quiet(2 * slack) // so that one can tell which is the oldest
	tr.enqueue(waiting...)
	tr.awaitStats("with three in flight", 1, held[0], queue.Stats{
		Pending: 2, InFlight: 3, Busiest: []queue.EndpointStats{{Key: "a", Pending: 2, InFlight: 2}},
	})
	close(gate)
	tr.awaitStats("with none in flight any more", 5, held[2], queue.Stats{
		Pending: 3, Busiest: []queue.EndpointStats{{Key: "a", Pending: 2}, {Key: "b", Pending: 1}},
	})
	tr.reopen()
	tr.awaitStats("after it was opened again", 1, held[2], queue.Stats{
		Pending: 3, Busiest: []queue.EndpointStats{{Key: "a", Pending: 2}},
	})
}
