package queue

import (
	"context"
	"fmt"
	"slices"
)

// A group has the entries of one Order: one that is active, and those that it holds up.
type group struct {
	order  string
	active *entry
	held   list
}

func (m *Memory) group(order string) *group {
	g := m.groups[order]
	if g == nil {
		g = &group{order: order}
		m.groups[order] = g
	}
	return g
}

// begin sets an entry on its way, unless another one of its order is.
func (m *Memory) begin(e *entry) {
	if g := e.group; g != nil && g.active != e {
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
func (m *Memory) end(e *entry) {
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
		if g.active = m.slab.pop(&g.held, byPlace); g.active != nil {
			m.schedule(g.active)
		}
	}
	m.forget(e)
}

// Supersede ends the waiting tasks of an order whose message has a rank below the given one, and returns them, the oldest
// first. One that has been handed out is left alone. It takes time in proportion to the waiting tasks of that order.
func (m *Memory) Supersede(ctx context.Context, order string, rank int) ([]Task, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.groups[order]
	if g == nil {
		return nil, nil
	}
	var old []*entry
	if e := g.active; e.where != out && e.msg.Rank < rank {
		old = append(old, e)
	}
	for e := m.slab.at(g.held.head); e != nil; e = m.slab.at(e.links[byPlace].next) {
		if e.msg.Rank < rank {
			old = append(old, e)
		}
	}
	tasks := make([]Task, len(old))
	for i, e := range slices.Backward(old) { // the active one last: it lets up one that stays
		var d Delivery
		m.fill(&d, e)
		tasks[i] = d.Task
		m.end(e)
	}
	m.wake()
	return tasks, nil
}
