package memory

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/ringhook/webhook/queue"
)

// A group has the entries of one Order: one that is active, and those that it blocks.
// Engine.mu guards it.
type group struct {
	order   string
	active  *entry
	blocked list
	// Bounds of the ranks, so that nothing is looked for that is not there.
	lowest  int // above 0, of those that are blocked and the active one
	highest int
}

// groupLocked returns the group of an order, a new one if there is none. It needs m.mu.
func (m *Engine) groupLocked(order string) *group {
	g := m.groups[order]
	if g == nil {
		g = &group{order: order, lowest: math.MaxInt, highest: math.MinInt}
		m.groups[order] = g
	}
	return g
}

// bound lowers the bound of the ranks that may be superseded to that of an entry, if it
// has one.
func (g *group) bound(e *entry) {
	if e.msg.Rank > 0 {
		g.lowest = min(g.lowest, e.msg.Rank)
	}
}

// startLocked schedules a new entry, unless another one of its order is active. It
// needs m.mu.
func (m *Engine) startLocked(e *entry) {
	if g := e.group; g != nil && g.active != e {
		g.highest = max(g.highest, e.msg.Rank)
		g.bound(e)
		if g.active != nil {
			e.state = stateBlocked
			m.slab.push(&g.blocked, linkPlace, e)
			return
		}
		g.active = e
	}
	m.scheduleLocked(e)
}

// endLocked drops an entry, in whatever state it is, and schedules the next one of its
// order. It needs m.mu.
func (m *Engine) endLocked(e *entry) {
	g := e.group
	switch e.state {
	case stateReady:
		m.removeReadyLocked(e)
	case stateWaiting:
		m.later.remove(e)
	case stateBlocked:
		m.slab.remove(&g.blocked, linkPlace, e)
	case stateInFlight, stateNone:
	}
	if g != nil && g.active == e {
		if g.active = m.slab.pop(&g.blocked); g.active != nil {
			m.scheduleLocked(g.active)
		}
	}
	m.forgetLocked(e)
}

// Supersede ends the waiting tasks of an order whose message has a rank, one above 0,
// below the given one, and returns them, the oldest first. A task that has been handed
// out is left alone. If there are any, it takes time in proportion to the waiting tasks of
// that order.
func (m *Engine) Supersede(ctx context.Context, order string, rank int) ([]queue.Task, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[order]
	if g == nil || rank <= g.lowest {
		return nil, nil
	}
	var old []*entry
	g.lowest = math.MaxInt
	for e := range m.allLocked(g) {
		if e.msg.Rank > 0 && e.msg.Rank < rank && e.state != stateInFlight {
			old = append(old, e)
		} else {
			g.bound(e)
		}
	}
	tasks := make([]queue.Task, len(old))
	// The active one last: then the next one to be active is one that stays.
	for i, e := range slices.Backward(old) {
		var d queue.Delivery
		m.fillLocked(&d, e)
		tasks[i] = d.Task
		m.endLocked(e)
	}
	m.wakeWorkerLocked()
	return tasks, nil
}

// Newest returns the highest rank of the waiting tasks of an order, or false if there
// are none. If that is not the rank of the last one, it takes time in proportion to
// them.
func (m *Engine) Newest(ctx context.Context, order string) (rank int, ok bool, err error) {
	if ctx.Err() != nil {
		return 0, false, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[order]
	if g == nil {
		return 0, false, nil
	}
	last := m.slab.at(g.blocked.tail)
	if last != nil && last.msg.Rank == g.highest { // as nearly always
		return g.highest, true, nil
	}
	for e := range m.allLocked(g) {
		if e.state != stateInFlight && (!ok || e.msg.Rank > rank) {
			rank, ok = e.msg.Rank, true
		}
	}
	return rank, ok, nil
}

// allLocked yields the entries of a group in their order. It needs m.mu.
func (m *Engine) allLocked(g *group) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for e := g.active; e != nil && yield(e); {
			if e == g.active {
				e = m.slab.at(g.blocked.head)
			} else {
				e = m.slab.at(e.links[linkPlace].next)
			}
		}
	}
}
