package memory

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/ringhook/webhook/queue"
)

// A group has the entries of one Order: one that is active, and those that it holds up.
type group struct {
	order  string
	active *entry
	held   list
	// Bounds of the ranks, so that it need not be looked for what is not there.
	lowest  int // of those held, and the active one
	highest int
}

func (m *Engine) group(order string) *group {
	g := m.groups[order]
	if g == nil {
		g = &group{order: order, lowest: math.MaxInt, highest: math.MinInt}
		m.groups[order] = g
	}
	return g
}

// begin sets an entry on its way, unless another one of its order is.
func (m *Engine) begin(e *entry) {
	if g := e.group; g != nil && g.active != e {
		g.highest = max(g.highest, e.msg.Rank)
		g.lowest = min(g.lowest, e.msg.Rank)
		if g.active != nil {
			e.where = held
			m.slab.push(&g.held, byPlace, e)
			return
		}
		g.active = e
	}
	m.schedule(e)
}

// end drops an entry, wherever it stands, and lets the next one of its order come up.
func (m *Engine) end(e *entry) {
	g := e.group
	switch e.where {
	case lined:
		m.unline(e)
	case waiting:
		m.later.remove(e)
	case held:
		m.slab.remove(&g.held, byPlace, e)
	case out, nowhere:
	}
	if g != nil && g.active == e {
		if g.active = m.slab.pop(&g.held); g.active != nil {
			m.schedule(g.active)
		}
	}
	m.forget(e)
}

// Supersede ends the waiting tasks of an order whose message has a rank below the given one, and returns them, the oldest
// first. One that has been handed out is left alone. If there are any, it takes time in proportion to the waiting tasks of
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
	for e := range m.of(g) {
		if e.msg.Rank < rank && e.where != out {
			old = append(old, e)
		} else {
			g.lowest = min(g.lowest, e.msg.Rank)
		}
	}
	tasks := make([]queue.Task, len(old))
	for i, e := range slices.Backward(old) { // the active one last: it lets up one that stays
		var d queue.Delivery
		m.fill(&d, e)
		tasks[i] = d.Task
		m.end(e)
	}
	m.wake()
	return tasks, nil
}

// Newest returns the highest rank of the waiting tasks of an order, or false if there are none. If that is not the last one's,
// it takes time in proportion to them.
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
	if last := m.slab.at(g.held.tail); last != nil && last.msg.Rank == g.highest { // as nearly always
		return g.highest, true, nil
	}
	for e := range m.of(g) {
		if e.where != out && (!ok || e.msg.Rank > rank) {
			rank, ok = e.msg.Rank, true
		}
	}
	return rank, ok, nil
}

// of yields the entries of a group in their order.
func (m *Engine) of(g *group) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for e := g.active; e != nil && yield(e); {
			if e == g.active {
				e = m.slab.at(g.held.head)
			} else {
				e = m.slab.at(e.links[byPlace].next)
			}
		}
	}
}
