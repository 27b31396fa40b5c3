package queue

import "github.com/ringhook/webhook"

// An entry is a task that is kept. There may be a million, so its size counts: 96 bytes are a size class of the allocator.
//
// An entry without a message is an alarm: it stands in the heap until its endpoint is to be asked again.
type entry struct {
	msg      *webhook.Message
	ep       *endpoint
	group    *group // nil without an Order
	links    [2]link
	since    int64 // when it was enqueued
	due      int64 // when it may be handed out; zero: at once
	seq      uint64
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

// A link is an entry's place in one list.
type link struct{ next, prev *entry }

// The lists in which an entry stands at once: one of all entries by age, and the lane or the group that it waits in.
const (
	place = iota
	age
)

// A list of entries, by one of their links.
type list struct{ head, tail *entry }

func (l *list) push(by int, e *entry) {
	e.links[by].prev = l.tail
	if l.tail == nil {
		l.head = e
	} else {
		l.tail.links[by].next = e
	}
	l.tail = e
}

func (l *list) pushFront(by int, e *entry) {
	e.links[by].next = l.head
	if l.head == nil {
		l.tail = e
	} else {
		l.head.links[by].prev = e
	}
	l.head = e
}

func (l *list) remove(by int, e *entry) {
	next, prev := e.links[by].next, e.links[by].prev
	if prev == nil {
		l.head = next
	} else {
		prev.links[by].next = next
	}
	if next == nil {
		l.tail = prev
	} else {
		next.links[by].prev = prev
	}
	e.links[by] = link{}
}

// pop takes the first entry, or nil.
func (l *list) pop(by int) *entry {
	e := l.head
	if e != nil {
		l.remove(by, e)
	}
	return e
}

// maxSpare is how many entries are kept for use again: enough for what comes and goes all the time, little enough to forget
// about.
const maxSpare = 1 << 14

// spares are entries kept for use again.
type spares struct {
	list
	count int
}

func (s *spares) get() *entry {
	e := s.pop(place)
	if e == nil {
		return &entry{}
	}
	s.count--
	return e
}

func (s *spares) put(e *entry) {
	if s.count < maxSpare {
		*e = entry{}
		s.pushFront(place, e) // the last one used is in the processor's cache
		s.count++
	}
}
