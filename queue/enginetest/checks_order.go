package enginetest

import (
	"slices"
	"time"

	"github.com/ringhook/webhook/queue"
)

// orderer skips the check if the engine is none.
func (tr *trial) orderer() queue.Orderer {
	tr.Helper()
	o, ok := tr.engine.(queue.Orderer)
	if !ok {
		tr.Skip("the engine is no queue.Orderer")
	}
	return o
}

// ordered sets the Order of tasks: each may be handed out only when those before it have
// ended.
func (tr *trial) ordered(order string, tasks ...*task) []*task {
	for i, t := range tasks {
		t.Order = order
		t.before = tasks[:i]
	}
	return tasks
}

func checkOrder(tr *trial) {
	tr.orderer()
	tasks := tr.ordered("order",
		tr.task("first", "key", retry(2*tick), deferral(tick), deferral(0), retry(0)),
		tr.task("second", "key"),
		tr.task("third", "key", deferral(tick)),
		tr.task("fourth", "key", retry(0), answer(queue.KindDead, 0)),
		tr.task("fifth", "key"))
	tasks[1].NotBefore = time.Now().Add(3 * tick)
	tr.enqueue(tasks[0], tasks[1]) // before Run: the order is not that of being woken
	tr.enqueue(tasks[2])
	tr.start()
	tr.enqueue(tasks[3:]...)
	for i, want := range [][]int{{1, 2, 2, 2, 3}, {1}, {1, 1}, {1, 2}, {1}} {
		tr.awaitEnd(tasks[i], want...)
	}
	last := tr.ordered("order", tr.task("sixth", "key")) // of an order that has run empty
	tr.enqueue(last...)
	tr.awaitEnds(last...)
}

func checkOrdersApart(tr *trial) {
	tr.orderer()
	gate := make(chan struct{})
	held := tr.ordered("held",
		tr.task("held", "key", tr.hold(gate, answer(queue.KindDone, 0))), tr.task("behind-held", "key"))
	asleep := tr.ordered("asleep", tr.task("asleep", "key", retry(time.Hour)), tr.task("behind-asleep", "key"))
	free := tr.ordered("free", tr.tasksOf("key", "free-1", "free-2")...)
	loose := tr.tasksOf("key", "loose-1", "loose-2")
	tr.start()
	tr.enqueue(slices.Concat(held, asleep, free, loose)...)
	tr.awaitEnds(free...)
	tr.awaitEnds(loose...)
	tr.awaitVerdict(1, asleep[0])
	tr.quiet(2 * tick)
	tr.checkNumbers(held[1])
	tr.checkNumbers(asleep[1])
	close(gate)
	tr.awaitEnds(held...)
}

func checkOrderReopen(tr *trial) {
	tr.orderer()
	gate := make(chan struct{})
	held := tr.ordered("held", tr.task("held", "key", tr.hold(gate, retry(2*tick))),
		tr.task("second", "key"), tr.task("third", "key"))
	asleep := tr.ordered("asleep", tr.task("asleep", "key", retry(4*tick)), tr.task("behind-asleep", "key"))
	tr.start()
	tr.enqueue(held...)
	tr.enqueue(asleep...)
	tr.awaitFlight(1, held[0])
	tr.awaitVerdict(1, asleep[0])
	tr.cancel()
	close(gate)
	tr.stop()
	tr.reopen()
	last := tr.task("last", "key")
	last.Order, last.before = "held", held
	tr.enqueue(last)
	tr.awaitEnd(held[0], 1, 2)
	tr.awaitEnds(held[1], held[2], last)
	tr.awaitEnd(asleep[0], 1, 2)
	tr.awaitEnds(asleep[1])
}

// supersede checks that the engine returns the wanted tasks, and expects them to be
// gone. It asks again for those that are missing: a task whose verdict has just been
// given may stay in flight for a moment.
func (tr *trial) supersede(order string, rank int, want ...*task) {
	tr.Helper()
	tr.mu.Lock()
	for _, t := range want { // beforehand: the engine hands out the next one at once
		t.ended = true
	}
	tr.mu.Unlock()
	var got []string
	for {
		got = append(got, tr.superseded(order, rank)...)
		if len(got) >= len(want) || time.Now().After(tr.deadline) {
			break
		}
		tr.quiet(tick / 5)
	}
	wanted := make([]string, len(want))
	for i, t := range want {
		wanted[i] = t.name
	}
	slices.Sort(got)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		tr.Errorf("Supersede of ranks below %d returned %q, want %q", rank, got, wanted)
	}
}

// superseded returns the names of the tasks that the engine returns, none of them
// changed.
func (tr *trial) superseded(order string, rank int) []string {
	tr.Helper()
	ctx, cancel := tr.context()
	defer cancel()
	tasks, err := tr.orderer().Supersede(ctx, order, rank)
	if err != nil {
		tr.Fatalf("Supersede: %v", err)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var got []string
	for _, g := range tasks {
		t := tr.tasks[g.ID]
		if t == nil {
			tr.Errorf("Supersede returned %q, which is not kept", g.ID)
			continue
		}
		got = append(got, t.name)
		tr.checkTask("Supersede returned "+t.name, g, t)
	}
	return got
}

func (tr *trial) checkNewest(order string, rank int, ok bool) {
	tr.Helper()
	ctx, cancel := tr.context()
	defer cancel()
	gotRank, gotOK, err := tr.orderer().Newest(ctx, order)
	if err != nil {
		tr.Fatalf("Newest: %v", err)
	}
	if gotRank != rank || gotOK != ok {
		tr.Errorf("Newest of %s returned %d, %t, want %d, %t", order, gotRank, gotOK, rank, ok)
	}
}

func ranked(rank int, t *task) *task {
	t.Message.Rank = rank
	return t
}

func checkSupersede(tr *trial) {
	tr.orderer()
	gate := make(chan struct{})
	var (
		held   = ranked(1, tr.task("held", "key", tr.hold(gate, retry(tick))))
		old    = ranked(1, tr.task("old", "key"))
		equal  = ranked(3, tr.task("equal", "key"))
		oldest = ranked(2, tr.task("oldest", "key"))
		none   = ranked(0, tr.task("none", "key"))
		below  = ranked(-2, tr.task("below", "key"))
		newer  = ranked(4, tr.task("newer", "key"))
		other  = ranked(1, tr.task("other", "key"))
		loose  = ranked(1, tr.task("loose", "key"))
	)
	tr.ordered("other", other)
	// Late enough for a database on a busy machine to be asked about it before.
	later := time.Now().Add(20 * tick)
	other.NotBefore, loose.NotBefore = later, later
	tr.start()
	tr.enqueue(tr.ordered("order", held, none, old, equal, oldest, below, newer)...)
	tr.enqueue(other, loose)
	tr.awaitFlight(1, held)
	tr.checkNewest("order", 4, true)
	tr.checkNewest("other", 1, true)
	tr.checkNewest("unknown", 0, false)
	tr.supersede("order", 3, old, oldest)
	tr.supersede("order", 3)
	tr.supersede("unknown", 3)
	close(gate)
	tr.awaitEnd(held, 1, 2)
	tr.awaitEnds(none, equal, below, newer, other, loose)
	tr.supersede("order", 9)
	tr.checkNewest("order", 0, false)
	tr.reopen()
	tr.quiet(tick)
}

// checkSupersedeRetry drops the first of an order, which has been handed out and waits:
// then the next one's turn has come.
func checkSupersedeRetry(tr *trial) {
	tr.orderer()
	asleep := ranked(1, tr.task("asleep", "key", retry(time.Hour)))
	behind, newer := ranked(1, tr.task("behind", "key")), ranked(2, tr.task("newer", "key"))
	tr.start()
	tr.enqueue(tr.ordered("order", asleep, behind, newer)...)
	tr.awaitVerdict(1, asleep)
	tr.supersede("order", 2, asleep, behind)
	tr.awaitEnds(newer)
}
