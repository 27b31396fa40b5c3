package memory

// A ref is the number of an entry in the slab; zero is none.
type ref uint32

// A link is an entry's position in one list.
type link struct{ next, prev ref }

// The two lists that an entry can be in at the same time.
const (
	linkPlace = iota // a lane, a group or the unused entries
	linkAge          // all entries by age
)

// A list has entries, connected by one of their links.
type list struct{ head, tail ref }

// chunkSize is how many entries are allocated at once: 90 KB.
const chunkSize = 1 << 10

// A slab has all entries, in chunks that do not move. Engine.mu guards it.
type slab struct {
	chunks []*[chunkSize]entry
	used   ref  // the highest one
	unused list // those below it that were put back
}

// at returns an entry, or nil.
func (s *slab) at(r ref) *entry {
	if r == 0 {
		return nil
	}
	return &s.chunks[r/chunkSize][r%chunkSize]
}

// get returns an empty entry.
func (s *slab) get() *entry {
	if e := s.pop(&s.unused); e != nil {
		return e
	}
	s.used++
	if int(s.used/chunkSize) == len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkSize]entry))
	}
	e := s.at(s.used)
	e.self = s.used
	return e
}

// put takes an entry back.
func (s *slab) put(e *entry) {
	*e = entry{self: e.self}
	s.pushFront(&s.unused, linkPlace, e) // the last one used is in the processor's cache
}

// push adds an entry at the end of a list.
func (s *slab) push(l *list, by int, e *entry) {
	e.links[by].prev = l.tail
	if l.tail == 0 {
		l.head = e.self
	} else {
		s.at(l.tail).links[by].next = e.self
	}
	l.tail = e.self
}

// pushFront adds an entry at the beginning of a list.
func (s *slab) pushFront(l *list, by int, e *entry) {
	e.links[by].next = l.head
	if l.head == 0 {
		l.tail = e.self
	} else {
		s.at(l.head).links[by].prev = e.self
	}
	l.head = e.self
}

// remove takes an entry out of the list that it is in.
func (s *slab) remove(l *list, by int, e *entry) {
	next, prev := e.links[by].next, e.links[by].prev
	if prev == 0 {
		l.head = next
	} else {
		s.at(prev).links[by].next = next
	}
	if next == 0 {
		l.tail = prev
	} else {
		s.at(next).links[by].prev = prev
	}
	e.links[by] = link{}
}

// pop takes the first entry out of a list by linkPlace, or returns nil.
func (s *slab) pop(l *list) *entry {
	e := s.at(l.head)
	if e != nil {
		s.remove(l, linkPlace, e)
	}
	return e
}
