package main

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// A ledger compares what was accepted with what was received. It is safe for concurrent
// use.
type ledger struct {
	// blind, for the test of the comparison, passes over the delivery of an ID.
	blind func(id string) bool

	mu      sync.Mutex
	records map[string]*record
	// windows are when endpoints hung, each from and until.
	windows [][2]time.Time
	// The counts of the progress line.
	accepted, delivered int
}

// A record is what is known of a message.
type record struct {
	kind     kind
	accepted time.Time     // as its process said; zero: it did not
	took     time.Duration // until it was accepted
	undone   bool          // its transaction was rolled back
	arrived  time.Time     // its first request that was answered with 2xx; zero: none
	times    int           // how many there were
	wrong    bool          // one of them had other bytes
}

func newLedger() *ledger { return &ledger{records: map[string]*record{}} }

// recordLocked returns the record of an ID. It needs l.mu.
func (l *ledger) recordLocked(id string) *record {
	r := l.records[id]
	if r == nil {
		r = &record{}
		l.records[id] = r
	}
	return r
}

// accept notes that a process said that a message was accepted at a time, and how long
// that took.
func (l *ledger) accept(id string, at time.Time, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.recordLocked(id)
	r.accepted, r.took = at, took
	l.accepted++
}

// undo notes that a process has rolled a transaction back.
func (l *ledger) undo(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recordLocked(id).undone = true
}

// deliver notes a request that is answered with 2xx, and whether its bytes are right.
func (l *ledger) deliver(id string, k kind, at time.Time, right bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.blind != nil && l.blind(id) {
		return
	}
	r := l.recordLocked(id)
	if r.times == 0 {
		r.kind, r.arrived = k, at
		l.delivered++
	}
	r.times++
	r.wrong = r.wrong || !right
}

// hang notes that endpoints begin or cease to hang.
func (l *ledger) hang(yes bool, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if yes {
		l.windows = append(l.windows, [2]time.Time{at})
	} else {
		l.windows[len(l.windows)-1][1] = at
	}
}

// progress returns how many messages were accepted and delivered.
func (l *ledger) progress() (accepted, delivered int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.delivered
}

// A comparison is what the ledger says at the end.
type comparison struct {
	enqueued, dispatched int // accepted
	unsaid               int // of these, by a process that died before it said so
	delivered, lost      int // of those accepted
	undone               int // transactions that were rolled back
	phantoms             int // delivered although their transaction has not committed
	duplicates           int // messages that were delivered more than once
	wrong                int // delivered with other bytes
	gap                  time.Duration

	// accept is how long it took to be accepted; the others, from then until the
	// receiver has it.
	accept, healthy, calm, hung, failing spread
}

// settle compares. It is given the IDs of all transactions that have committed, and when
// no more events were reported.
func (l *ledger) settle(rows []string, stopped time.Time) comparison {
	l.mu.Lock()
	defer l.mu.Unlock()
	committed := make(map[string]bool, len(rows))
	for _, id := range rows {
		committed[id] = true
		l.recordLocked(id)
	}
	var c comparison
	var accept, calm, hung, failed []time.Duration
	var arrivals []time.Time
	first := stopped
	for id, r := range l.records {
		c.count(id, r, committed[id])
		if r.kind == healthy && r.times > 0 {
			arrivals = append(arrivals, r.arrived)
		}
		if r.accepted.IsZero() {
			continue
		}
		if r.accepted.Before(first) {
			first = r.accepted
		}
		accept = append(accept, r.took)
		// A message can arrive before its process has got to know of the commit.
		took := max(r.arrived.Sub(r.accepted), 0)
		switch {
		case r.times == 0:
		case r.kind == failing:
			failed = append(failed, took)
		case r.kind == healthy && l.hungLocked(r.accepted):
			hung = append(hung, took)
		case r.kind == healthy:
			calm = append(calm, took)
		}
	}
	c.accept = spreadOf(accept)
	c.healthy, c.calm = spreadOf(slices.Concat(calm, hung)), spreadOf(calm)
	c.hung, c.failing = spreadOf(hung), spreadOf(failed)
	c.gap = longestGap(arrivals, first, stopped)
	return c
}

// count adds a message. For one that was dispatched, committed says whether its
// transaction has left its row.
func (c *comparison) count(id string, r *record, committed bool) {
	dispatched := strings.HasPrefix(id, "dispatched-")
	if r.undone {
		c.undone++
	}
	switch {
	case dispatched && !committed && r.times > 0:
		c.phantoms++
		return
	case dispatched && (committed || !r.accepted.IsZero()):
		c.dispatched++
	case !dispatched && !r.accepted.IsZero():
		c.enqueued++
	default:
		return // not accepted; it may have been kept all the same, and sent
	}
	switch {
	case r.times > 0:
		c.delivered++
	default:
		c.lost++
	}
	if r.accepted.IsZero() {
		c.unsaid++
	}
	if r.times > 1 {
		c.duplicates++
	}
	if r.wrong {
		c.wrong++
	}
}

// hungLocked reports whether endpoints hung at a time. It needs l.mu.
func (l *ledger) hungLocked(at time.Time) bool {
	for _, w := range l.windows {
		if !at.Before(w[0]) && (w[1].IsZero() || at.Before(w[1])) {
			return true
		}
	}
	return false
}

// longestGap returns the longest time between two arrivals, first and last included.
func longestGap(arrivals []time.Time, first, last time.Time) time.Duration {
	slices.SortFunc(arrivals, time.Time.Compare)
	var longest time.Duration
	before := first
	for _, at := range append(arrivals, last) {
		if at.After(last) {
			at = last
		}
		longest = max(longest, at.Sub(before))
		if at.After(before) {
			before = at
		}
	}
	return longest
}

// A spread is how some times are distributed.
type spread struct {
	n                 int
	p50, p99, longest time.Duration
}

func spreadOf(times []time.Duration) spread {
	if len(times) == 0 {
		return spread{}
	}
	slices.Sort(times)
	at := func(part float64) time.Duration { return times[int(part*float64(len(times)-1))] }
	return spread{n: len(times), p50: at(0.5), p99: at(0.99), longest: at(1)}
}
