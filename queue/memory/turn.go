package memory

// laneOf returns in which lane an entry belongs.
func laneOf(e *entry) int {
	if e.n > 1 {
		return 1
	}
	return 0
}

// A kind has the entries of a lane that are of one type of event.
type kind struct {
	event string
	tasks list
	n     int // of tasks
}

// maxKinds is how many types of event a lane tells apart; further ones are all one.
const maxKinds = 16

// kindLocked returns the kind of an entry in its lane, a new one if there is none. The
// retries are all one: of what has failed, the oldest is first. It needs m.mu.
func (l *lane) kindLocked(e *entry) int {
	event := ""
	if e.n <= 1 && !e.other {
		event = e.msg.Event
	}
	for i := range l.kinds {
		if l.kinds[i].event == event {
			return i
		}
	}
	if len(l.kinds) >= maxKinds-1 && event != "" {
		e.other = true
		return l.kindLocked(e)
	}
	l.kinds = append(l.kinds, kind{event: event})
	return len(l.kinds) - 1
}

// dropLocked removes a kind without entries. It needs m.mu.
func (l *lane) dropLocked(i int) {
	last := len(l.kinds) - 1
	copy(l.kinds[i:], l.kinds[i+1:])
	l.kinds[last] = kind{}
	l.kinds = l.kinds[:last]
	if i < l.turn {
		l.turn--
	}
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
	e.other = false
	k := &l.kinds[l.kindLocked(e)]
	k.n++
	if front {
		m.slab.pushFront(&k.tasks, linkPlace, e)
	} else {
		m.slab.push(&k.tasks, linkPlace, e)
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
	k := l.kindLocked(e)
	m.slab.remove(&l.kinds[k].tasks, linkPlace, e)
	if l.kinds[k].n--; l.kinds[k].n == 0 {
		l.dropLocked(k)
	}
	if len(l.kinds) == 0 {
		m.rings[i].remove(l)
	}
}

// nextLocked returns the kind of a lane whose turn it is, and whether it gets the place
// that an endpoint with several in flight keeps for the kind of which least waits: so what
// is rare is not behind a turn of each of the others. It needs Engine.mu.
func (l *lane) nextLocked() (k int, kept bool) {
	l.turn %= len(l.kinds)
	k = l.turn
	if len(l.kinds) == 1 || l.ep.inFlight == 0 || l.ep.kept {
		l.turn++
		return k, false
	}
	for i := range l.kinds {
		if l.kinds[i].n < l.kinds[k].n {
			k = i
		}
	}
	return k, true
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
			k, kept := l.nextLocked()
			e := m.slab.at(l.kinds[k].tasks.head)
			m.removeReadyLocked(e)
			e.state = stateInFlight
			e.kept, e.ep.kept = kept, e.ep.kept || kept
			e.ep.inFlight++
			m.inFlight++
			return e
		}
	}
	return nil
}
