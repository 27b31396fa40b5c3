package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ringhook/webhook/queue"
)

// fill makes d of an entry: what was enqueued, with the time for which it now waits, if any.
func (m *Engine) fill(d *queue.Delivery, e *entry) {
	d.ID, d.Key, d.Message = e.msg.ID, e.ep.key, e.msg
	if e.group != nil {
		d.Order = e.group.order
	}
	if e.due > 0 {
		d.NotBefore = m.base.Add(time.Duration(e.due))
	}
	d.N, d.Since = int(e.n), m.base.Add(time.Duration(e.since))
}

// Pending returns every message that is kept, in the order in which they came: N is the attempt to be made next, NotBefore
// its time, or zero. After Run has returned these are the ones not delivered, for [Engine.Resume] of another engine; before,
// those in flight are among them, and may have been delivered already. Whoever stores them needs Key, Order, N, NotBefore and
// Since, and the message, as [queue.Encode] writes it; the ID is in that.
func (m *Engine) Pending() []queue.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]queue.Delivery, 0, m.ids.count)
	for e := m.slab.at(m.oldest.head); e != nil; e = m.slab.at(e.links[byAge].next) {
		if e.canceled {
			continue
		}
		all = append(all, queue.Delivery{})
		d := &all[len(all)-1]
		m.fill(d, e)
		d.NotBefore, d.Since = d.NotBefore.Round(0), d.Since.Round(0) // without the clock of this process
	}
	return all
}

// statsSlice is how many endpoints are looked at before others get at the lock.
const statsSlice = 1024

// Stats tells Pending, Due, InFlight, Oldest and, of the endpoints with the most pending tasks, at most the given number; to
// find these takes time in proportion to the number of endpoints, during which tasks come and go.
func (m *Engine) Stats(ctx context.Context, busiest int) (queue.Stats, error) {
	if ctx.Err() != nil {
		return queue.Stats{}, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := queue.Stats{
		Pending:  m.ids.count - m.inFlight,
		Due:      m.lined + m.later.countDue(0, m.now()),
		InFlight: m.inFlight,
	}
	if e := m.slab.at(m.oldest.head); e != nil {
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
		one := queue.EndpointStats{Key: ep.key, Pending: ep.pending - ep.inFlight, InFlight: ep.inFlight}
		i, _ := slices.BinarySearchFunc(s.Busiest, one, busier)
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

// busier orders the busiest endpoint first.
func busier(a, b queue.EndpointStats) int {
	return cmp.Or(cmp.Compare(b.Pending, a.Pending), cmp.Compare(b.InFlight, a.InFlight), cmp.Compare(a.Key, b.Key))
}
