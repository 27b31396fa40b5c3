package queue

import "github.com/ringhook/webhook"

// An entry is a task that is kept. There may be a million, so its size counts: 96 bytes are a size class of the allocator.
//
// An entry without a message is an alarm: it stands in the heap until its endpoint is to be asked again.
type entry struct {
	msg      *webhook.Message
	ep       *keyQueue
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
	byPlace = iota
	byAge
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

// maxSpares is how many entries and endpoints are kept for use again: enough for what comes and goes all the time, little
// enough to forget about.
const maxSpares = 1 << 14

// spares are kept for use again.
type spares struct {
	entries   list
	count     int
	endpoints []*keyQueue
}

func (s *spares) entry() *entry {
	e := s.entries.pop(byPlace)
	if e == nil {
		return &entry{}
	}
	s.count--
	return e
}

func (s *spares) takeEntry(e *entry) {
	if s.count < maxSpares {
		*e = entry{}
		s.entries.pushFront(byPlace, e) // the last one used is in the processor's cache
		s.count++
	}
}

func (s *spares) endpoint() *keyQueue {
	last := len(s.endpoints) - 1
	if last < 0 {
		return &keyQueue{}
	}
	ep := s.endpoints[last]
	s.endpoints[last] = nil
	s.endpoints = s.endpoints[:last]
	return ep
}

func (s *spares) takeEndpoint(ep *keyQueue) {
	if len(s.endpoints) < maxSpares {
		*ep = keyQueue{}
		s.endpoints = append(s.endpoints, ep)
	}
}
