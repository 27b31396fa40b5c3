package memory

// laneOf returns in which lane an entry belongs.
func laneOf(e *entry) int {
	if e.n > 1 {
		return 1
	}
	return 0
}

// A ring has the lanes that wait for their turn. Engine.mu guards it.
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

// pushReadyLocked puts an entry whose time has come into its lane: at the end, or in
// front if it was there before and could not be tried. It needs m.mu.
func (m *Engine) pushReadyLocked(e *entry, front bool) {
	i := laneOf(e)
	l := &e.ep.lanes[i]
	e.state = stateReady
	m.ready++
	if front {
		m.slab.pushFront(&l.tasks, linkPlace, e)
	} else {
		m.slab.push(&l.tasks, linkPlace, e)
	}
	if !e.ep.resting {
		m.rings[i].push(l)
	}
}

// removeReadyLocked takes an entry out of its lane. It needs m.mu.
func (m *Engine) removeReadyLocked(e *entry) {
	i := laneOf(e)
	l := &e.ep.lanes[i]
	e.state = stateNone
	m.ready--
	m.slab.remove(&l.tasks, linkPlace, e)
	if l.tasks.head == 0 {
		m.rings[i].remove(l)
	}
}

// maxAsks bounds how many endpoints are asked in vain before others can have the lock.
const maxAsks = 64

// takeLocked takes the entry to hand out next: of the endpoint whose turn it is, a
// first attempt if there is one anywhere. It returns nil if there is none, or if it
// should be called again. It needs m.mu.
func (m *Engine) takeLocked() *entry {
	asked := 0
	for i := range m.rings {
		r := &m.rings[i]
		for r.head != nil && asked < maxAsks {
			l := r.head
			if m.askReady != nil {
				asked++
				if ok, wait := m.askReady(l.ep.key); !ok {
					m.restLocked(l.ep, wait)
					continue
				}
			}
			r.head = l.next
			e := m.slab.at(l.tasks.head)
			m.removeReadyLocked(e)
			e.state = stateInFlight
			e.ep.inFlight++
			m.inFlight++
			return e
		}
	}
	return nil
}
