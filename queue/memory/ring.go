package memory

import "time"

// A keyQueue has what is kept for one key. It is made for its first entry, and may be
// dropped with its last.
type keyQueue struct {
	key      string
	lanes    [2]lane // first attempts, retries
	bytes    int64   // of their messages
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
func (m *Engine) line(e *entry, front bool) {
	i := laneOf(e)
	l := &e.ep.lanes[i]
	e.where = lined
	m.lined++
	if front {
		m.slab.pushFront(&l.tasks, byPlace, e)
	} else {
		m.slab.push(&l.tasks, byPlace, e)
	}
	if !e.ep.resting {
		m.rings[i].push(l)
	}
}

// unline takes an entry out of its lane.
func (m *Engine) unline(e *entry) {
	i := laneOf(e)
	l := &e.ep.lanes[i]
	e.where = nowhere
	m.lined--
	m.slab.remove(&l.tasks, byPlace, e)
	if l.tasks.head == 0 {
		m.rings[i].remove(l)
	}
}

// maxAsks bounds how many endpoints are asked in vain before others get at the lock.
const maxAsks = 64

// take takes the entry to be handed out next: of the endpoint whose turn it is, a first attempt if there is one anywhere.
// It returns nil if there is none, or if it should be called again.
func (m *Engine) take() *entry {
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
			e := m.slab.at(l.tasks.head)
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
func (m *Engine) rest(ep *keyQueue, wait time.Duration) {
	ep.resting = true
	for i := range ep.lanes {
		m.rings[i].remove(&ep.lanes[i])
	}
	if wait <= 0 && ep.inFlight == 0 {
		wait = unknownWait
	}
	if wait > 0 {
		ep.alarm = m.slab.get()
		ep.alarm.ep, ep.alarm.due = ep, after(m.now(), wait)
		m.wait(ep.alarm)
	}
}

// rouse ends the rest of an endpoint.
func (m *Engine) rouse(ep *keyQueue) {
	if !ep.resting {
		return
	}
	m.unrest(ep)
	for i := range ep.lanes {
		if ep.lanes[i].tasks.head != 0 {
			m.rings[i].push(&ep.lanes[i])
		}
	}
}

// Wake makes the engine ask Ready for a key as if its wait were over.
func (m *Engine) Wake(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ep := m.endpoints[key]; ep != nil {
		m.rouse(ep)
		m.wake()
	}
}

func (m *Engine) unrest(ep *keyQueue) {
	ep.resting = false
	if ep.alarm != nil {
		m.later.remove(ep.alarm)
		m.slab.put(ep.alarm)
		ep.alarm = nil
	}
}

// maxIdleEndpoints is how many endpoints without entries are remembered: most will soon have one again.
const maxIdleEndpoints = 4096

// endpoint returns the endpoint of a key, made anew or of the one that has been idle for longest.
func (m *Engine) endpoint(key string) *keyQueue {
	ep := m.endpoints[key]
	switch {
	case ep != nil && ep.pending > 0:
		return ep
	case ep != nil:
		m.idleEndpoints.remove(&ep.lanes[0])
		m.idleCount--
		return ep
	case m.idleCount > 0 && len(m.endpoints) >= maxIdleEndpoints:
		ep = m.idleEndpoints.head.ep
		m.idleEndpoints.remove(&ep.lanes[0])
		m.idleCount--
		delete(m.endpoints, ep.key)
	default:
		ep = &keyQueue{}
		for i := range ep.lanes {
			ep.lanes[i].ep = ep
		}
	}
	ep.key = key
	m.endpoints[key] = ep
	return ep
}

// release lets go of an endpoint for which nothing is kept any more.
func (m *Engine) release(ep *keyQueue) {
	if ep.pending > 0 {
		return
	}
	m.unrest(ep)
	if m.idleCount == maxIdleEndpoints {
		delete(m.endpoints, ep.key)
		return
	}
	m.idleEndpoints.push(&ep.lanes[0])
	m.idleCount++
}
