package memory

import "github.com/ringhook/webhook"

// An entry is a task that is kept. There may be a million, so its size counts, and so
// do its pointers: entries refer to each other by number, since lists of pointers are
// what a garbage collector is slowest at.
//
// An entry without a message is an alarm: it waits in the heap until it is time to ask
// its endpoint again.
type entry struct {
	msg      *webhook.Message
	ep       *endpoint
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
	state    state
	canceled bool // while it is handed out
	deferred bool // when it was last handed out, it was not tried
	other    bool // in its lane, it is among those of no kind of their own
	kept     bool // in flight in the place that its endpoint keeps
}

// A state says in which place an entry is.
type state uint8

const (
	stateNone     state = iota // in none of those below
	stateReady                 // in a lane of its endpoint
	stateWaiting               // in the heap, for its time
	stateBlocked               // in its group, behind another entry
	stateInFlight              // handed out
)
