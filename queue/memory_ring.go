package queue

import "time"

// A keyQueue has what is kept for one key. It is made with its first entry and dropped with its last.
type keyQueue struct {
	key      string
	lanes    [2]lane // first attempts, retries
	pending  int     // entries, wherever they stand, those handed out included
	inFlight int     // entries handed out
	resting  bool    // not ready when last asked: its lanes are in no ring
	alarm    *entry  // ends the rest, unless a Handle's return does so first; nil without
}

// A lane has the entries of one endpoint that may be handed out.
type lane struct {
	tasks      list
	ep         *keyQueue
	next, prev *lane // in the ring; nil if it is in none
}

// A ring has the lanes that wait for their turn.
type ring struct{ head *lane }

// push puts a lane at the end, unless it is in the ring.
func (r *ring) push(l *lane) {
	switch {
	case l.next != nil:
	case r.head == nil:
		l.next, l.prev, r.head = l, l, l
	default:
		l.next, l.prev = r.head, r.head.prev
		l.prev.next, l.next.prev = l, l
	}
}

// remove takes a lane out, if it is in the ring.
func (r *ring) remove(l *lane) {
	if l.next == nil {
		return
	}
	if r.head == l {
		r.head = l.next
	}
	if r.head == l {
		r.head = nil
	}
	l.prev.next, l.next.prev = l.next, l.prev
	l.next, l.prev = nil, nil
}

// laneOf is which lane an entry stands in.
func laneOf(e *entry) int {
	if e.n > 1 {
		return 1
	}
	return 0
}

// line up an entry whose time has come: behind the others or, if it has been there before and could not be tried, in front.
func (m *Memory) line(e *entry, front bool) {
	i := laneOf(e)
	l := &e.ep.lanes[i]
	e.where = lined
	m.lined++
	if front {
		l.tasks.pushFront(byPlace, e)
	} else {
		l.tasks.push(byPlace, e)
	}
	if !e.ep.resting {
		m.rings[i].push(l)
	}
}

// unline takes an entry out of its lane.
func (m *Memory) unline(e *entry) {
	i := laneOf(e)
	l := &e.ep.lanes[i]
	e.where = nowhere
	m.lined--
	l.tasks.remove(byPlace, e)
	if l.tasks.head == nil {
		m.rings[i].remove(l)
	}
}

// maxAsks bounds how many endpoints are asked in vain before others get at the lock.
const maxAsks = 64

// take takes the entry to be handed out next: of the endpoint whose turn it is, a first attempt if there is one anywhere.
// It returns nil if there is none, or if it should be called again.
func (m *Memory) take() *entry {
	asked := 0
	for i := range m.rings {
		r := &m.rings[i]
		for r.head != nil && asked < maxAsks {
			l := r.head
			if m.ready != nil {
				asked++
				if ok, wait := m.ready(l.ep.key); !ok {
					m.rest(l.ep, wait)
					continue
				}
			}
			r.head = l.next
			e := l.tasks.head
			m.unline(e)
			e.where = out
			e.ep.inFlight++
			m.inFlight++
			return e
		}
	}
	return nil
}

// unknownWait is for an endpoint that is to wait for the return of a Handle where there is none: whatever it waits for, the
// engine would not see it.
const unknownWait = time.Second

// rest takes an endpoint out of the rings for that long, or until a Handle of it returns.
func (m *Memory) rest(ep *keyQueue, wait time.Duration) {
	ep.resting = true
	for i := range ep.lanes {
		m.rings[i].remove(&ep.lanes[i])
	}
	if wait <= 0 && ep.inFlight == 0 {
		wait = unknownWait
	}
	if wait > 0 {
		ep.alarm = m.spare.entry()
		ep.alarm.ep, ep.alarm.due = ep, after(m.now(), wait)
		m.wait(ep.alarm)
	}
}

// rouse ends the rest of an endpoint.
func (m *Memory) rouse(ep *keyQueue) {
	if !ep.resting {
		return
	}
	m.unrest(ep)
	for i := range ep.lanes {
		if ep.lanes[i].tasks.head != nil {
			m.rings[i].push(&ep.lanes[i])
		}
	}
}

func (m *Memory) unrest(ep *keyQueue) {
	ep.resting = false
	if ep.alarm != nil {
		m.later.remove(ep.alarm)
		m.spare.takeEntry(ep.alarm)
		ep.alarm = nil
	}
}

func (m *Memory) endpoint(key string) *keyQueue {
	ep := m.endpoints[key]
	if ep == nil {
		ep = m.spare.endpoint()
		ep.key = key
		for i := range ep.lanes {
			ep.lanes[i].ep = ep
		}
		m.endpoints[key] = ep
	}
	return ep
}

// release drops an endpoint for which nothing is kept.
func (m *Memory) release(ep *keyQueue) {
	if ep.pending > 0 {
		return
	}
	m.unrest(ep)
	delete(m.endpoints, ep.key)
	m.spare.takeEndpoint(ep)
}
