package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ringhook/webhook/queue"
)

// fillLocked makes d of an entry: what was enqueued, with the time for which it now
// waits, if any. It needs m.mu.
func (m *Engine) fillLocked(d *queue.Delivery, e *entry) {
	d.ID, d.Key, d.Message = e.msg.ID, e.ep.key, e.msg
	if e.group != nil {
		d.Order = e.group.order
	}
	if e.due > 0 {
		d.NotBefore = m.base.Add(time.Duration(e.due))
	}
	d.N, d.Since = int(e.n), m.base.Add(time.Duration(e.since))
}

// Pending returns every message that is kept, in the order in which they came: N is the
// attempt to be made next, NotBefore its time, or zero.
//
// After Run has returned these are the ones not delivered, for [Engine.Resume] of
// another engine; before that, those in flight are included, and may have been
// delivered already. Whoever stores them needs Key, Order, N, NotBefore and Since, and
// the message, as [queue.Encode] writes it; the ID is in that.
func (m *Engine) Pending() []queue.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]queue.Delivery, 0, m.ids.count)
	for e := m.slab.at(m.oldest.head); e != nil; e = m.slab.at(e.links[linkAge].next) {
		if e.canceled {
			continue
		}
		all = append(all, queue.Delivery{})
		d := &all[len(all)-1]
		m.fillLocked(d, e)
		// Without the clock of this process.
		d.NotBefore, d.Since = d.NotBefore.Round(0), d.Since.Round(0)
	}
	return all
}

// statsSlice is how many endpoints are looked at before others can have the lock.
const statsSlice = 1024

// Stats tells Pending, Due, Held, InFlight, Oldest and, of the endpoints with the most
// pending tasks, at most the given number. To find these takes time in proportion to
// the number of endpoints, during which tasks come and go. What is held is counted in
// proportion to its number.
func (m *Engine) Stats(ctx context.Context, busiest int) (queue.Stats, error) {
	if ctx.Err() != nil {
		return queue.Stats{}, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := queue.Stats{
		Pending:  m.ids.count - m.inFlight,
		Due:      m.ready + m.later.countDue(0, m.now(), m.paused),
		InFlight: m.inFlight,
	}
	for key := range m.paused {
		if ep := m.endpoints[key]; ep != nil {
			s.Held += ep.pending - ep.inFlight
			s.Due -= m.readyLocked(ep)
		}
	}
	e := m.slab.at(m.oldest.head)
	for s.Held > 0 && e != nil && e.state != stateInFlight && m.paused[e.ep.key] {
		e = m.slab.at(e.links[linkAge].next)
	}
	if e != nil {
		s.Oldest = m.base.Add(time.Duration(e.since)).Round(0)
	}
	if busiest <= 0 {
		return s, nil
	}
	seen := 0
	for _, ep := range m.endpoints {
		if ep.pending == 0 {
			continue
		}
		one := queue.EndpointStats{
			Key: ep.key, Pending: ep.pending - ep.inFlight, InFlight: ep.inFlight,
		}
		i, _ := slices.BinarySearchFunc(s.Busiest, one, compareBusy)
		if i < busiest {
			s.Busiest = slices.Insert(s.Busiest[:min(len(s.Busiest), busiest-1)], i, one)
		}
		if seen++; seen%statsSlice == 0 {
			m.mu.Unlock()
			m.mu.Lock()
		}
	}
	return s, nil
}

// readyLocked counts the entries in the lanes of an endpoint. It needs m.mu.
func (m *Engine) readyLocked(ep *endpoint) (n int) {
	for i := range ep.lanes {
		for _, k := range ep.lanes[i].kinds {
			for e := m.slab.at(k.tasks.head); e != nil; e = m.slab.at(e.links[linkPlace].next) {
				n++
			}
		}
	}
	return n
}

// compareBusy sorts the busiest endpoint first.
func compareBusy(a, b queue.EndpointStats) int {
	return cmp.Or(
		cmp.Compare(b.Pending, a.Pending), cmp.Compare(b.InFlight, a.InFlight),
		cmp.Compare(a.Key, b.Key),
	)
}
