package enginetest

import (
	"strconv"
	"sync"
	"time"

	"github.com/ringhook/webhook/queue"
)

// A gatekeeper gives slots at endpoints, as a Queue does. It does so for an engine that
// cannot ask for them, too: tasks without a slot are deferred.
type gatekeeper struct {
	tr    *trial
	limit int
	wait  map[string]time.Duration // what Ready says if there is no slot

	mu      sync.Mutex      // guards all that follows
	closed  map[string]bool // endpoints without slots
	asked   int             // in all
	refused map[string]int
	taken   map[string]int // by Ready, and not yet used by Handle
	used    map[string]int
}

func newGatekeeper(tr *trial, limit int) *gatekeeper {
	return &gatekeeper{
		tr: tr, limit: limit, wait: make(map[string]time.Duration), closed: make(map[string]bool),
		refused: make(map[string]int), taken: make(map[string]int), used: make(map[string]int),
	}
}

func (g *gatekeeper) ready(key string) (bool, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	if g.closed[key] || g.used[key]+g.taken[key] >= g.limit {
		g.refused[key]++
		return false, g.wait[key]
	}
	g.taken[key]++
	return true, 0
}

// useSlot is what a task does that needs a slot.
func (g *gatekeeper) useSlot(key string) step {
	return func() queue.Verdict {
		if !g.enter(key) {
			return queue.Verdict{Kind: queue.KindDefer, After: tick / 2}
		}
		g.tr.quiet(tick / 20)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.used[key]--
		return queue.Verdict{Kind: queue.KindDone}
	}
}

func (g *gatekeeper) enter(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.taken[key] > 0:
		g.taken[key]--
	case g.asked > 0:
		g.tr.Errorf("a task of %q was handed out without a slot, though the engine asks Ready", key)
	case g.closed[key] || g.used[key] >= g.limit:
		return false
	}
	g.used[key]++
	return true
}

func (g *gatekeeper) tasks(key string, n int) (tasks []*task) {
	for i := range n {
		t := g.tr.task(key+"-"+strconv.Itoa(i), key)
		t.rest = g.useSlot(key)
		tasks = append(tasks, t)
	}
	return tasks
}

// awaitEnds waits for tasks that may have been deferred.
func (g *gatekeeper) awaitEnds(tasks []*task) {
	g.tr.Helper()
	for _, t := range tasks {
		g.tr.await("the end of "+t.name+", which needs a slot", func() bool { return t.ended })
	}
}

// checkSlots has two slots for many tasks. One is free again only when a Handle has
// returned.
func checkSlots(tr *trial) {
	g := newGatekeeper(tr, 2)
	g.wait["an-hour"] = time.Hour
	tasks := append(g.tasks("an-hour", 10), g.tasks("no-time", 10)...)
	tr.ready = g.ready
	tr.start()
	tr.enqueue(tasks...)
	g.awaitEnds(tasks)
	more := g.tasks("no-time", 1)
	tr.enqueue(more...)
	g.awaitEnds(more)
	tr.stop()
	for key, n := range g.taken {
		if n != 0 {
			tr.Errorf("%d slots of %q, given by Ready, were never used", n, key)
		}
	}
}

// checkNotReady has an endpoint that is not ready for some time, and one that is.
func checkNotReady(tr *trial) {
	g := newGatekeeper(tr, 4)
	g.closed["closed"], g.wait["closed"] = true, tick
	closed, open := g.tasks("closed", 3), g.tasks("open", 3)
	tr.ready = g.ready
	tr.start()
	tr.enqueue(append(closed, open...)...)
	g.awaitEnds(open)
	tr.quiet(3 * tick)
	g.mu.Lock()
	g.closed["closed"] = false
	if n := g.refused["closed"]; n > 50 { // about 4 are right
		tr.Errorf("asked Ready %d times within %v, though it said to wait for %v", n, 3*tick, tick)
	}
	g.mu.Unlock()
	g.awaitEnds(closed)
}

// checkWake has an endpoint that is not ready for an hour, but is woken after a moment.
func checkWake(tr *trial) {
	waker, ok := tr.engine.(queue.Waker)
	if !ok {
		tr.Skip("the engine is no queue.Waker")
	}
	g := newGatekeeper(tr, 4)
	g.closed["closed"], g.wait["closed"] = true, time.Hour
	closed, open := g.tasks("closed", 3), g.tasks("open", 3)
	tr.ready = g.ready
	tr.start()
	tr.enqueue(append(closed, open...)...)
	g.awaitEnds(open)
	// An engine that never asks needs no waking.
	tr.await("Ready to be asked", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.refused["closed"] > 0 || g.asked == 0
	})
	waker.Wake("unknown")
	g.mu.Lock()
	g.closed["closed"] = false
	g.mu.Unlock()
	waker.Wake("closed")
	g.awaitEnds(closed)
}
