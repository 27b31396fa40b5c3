package memory

import "github.com/ringhook/webhook"

// An entry is a task that is kept. There may be a million, so its size counts, and so do its pointers: entries refer to each
// other by number, since lists of pointers are what a garbage collector is slowest at.
//
// An entry without a message is an alarm: it stands in the heap until its endpoint is to be asked again.
type entry struct {
	msg      *webhook.Message
	ep       *keyQueue
	group    *group // nil without an Order
	since    int64  // when it was enqueued
	due      int64  // when it may be handed out; zero: at once
	seq      uint64
	links    [2]link
	self     ref
	hash     uint32 // of the id
	size     uint32
	at       int32 // index in the heap
	n        int32 // the attempt to be made next
	where    where
	canceled bool // while it is handed out
	deferred bool // the last time, it was not tried
}

// where an entry stands.
type where uint8

const (
	nowhere where = iota
	lined         // in a lane of its endpoint
	waiting       // in the heap
	held          // in its group, behind another one
	out           // handed out
)

// A ref is the number of an entry in the slab; zero is none.
type ref uint32

// A link is an entry's place in one list.
type link struct{ next, prev ref }

// The lists in which an entry stands at once: one of all entries by age, and the lane or the group that it waits in.
const (
	byPlace = iota
	byAge
)

// A list of entries, by one of their links.
type list struct{ head, tail ref }

// chunkSize is how many entries are allocated at once: 90 KB.
const chunkSize = 1 << 10

// A slab has all entries, in chunks that do not move, and those to be used again.
type slab struct {
	chunks []*[chunkSize]entry
	used   ref  // the highest one
	free   list // byPlace
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
	if e := s.pop(&s.free); e != nil {
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
	s.pushFront(&s.free, byPlace, e) // the last one used is in the processor's cache
}

func (s *slab) push(l *list, by int, e *entry) {
	e.links[by].prev = l.tail
	if l.tail == 0 {
		l.head = e.self
	} else {
		s.at(l.tail).links[by].next = e.self
	}
	l.tail = e.self
}

func (s *slab) pushFront(l *list, by int, e *entry) {
	e.links[by].next = l.head
	if l.head == 0 {
		l.tail = e.self
	} else {
		s.at(l.head).links[by].prev = e.self
	}
	l.head = e.self
}

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

// pop takes the first entry of a list byPlace, or nil.
func (s *slab) pop(l *list) *entry {
	e := s.at(l.head)
	if e != nil {
		s.remove(l, byPlace, e)
	}
	return e
}
