package queue

import (
	"math/rand/v2"
	"time"
)

// A backlog counts the deliveries that were told to come back later and have not yet
// done so. It has no lock of its own: Queue.mu guards it.
type backlog struct {
	count  int
	base   time.Time     // ticks count from here, on the monotonic clock
	next   int64         // the first tick that has not been looked at
	coming map[int64]int // by tick
}

const (
	tick    = 64 * time.Millisecond
	minTurn = 10 * time.Millisecond
	maxTurn = time.Minute
	// For each that waits: a thousand a second may ask in vain, of an endpoint that rests
	// two hundred, since each is read and written.
	perTurn        = time.Millisecond
	perRestingTurn = 5 * time.Millisecond
)

// add adds one that asked in vain and must wait for at least so long, and returns when
// it should ask again: about when those before it will have had their turn, one every
// spacing, so that many that wait do not ask in vain all the time. The turn is at most
// a minute away, or per for each that waits.
func (b *backlog) add(now time.Time, least, spacing, per time.Duration) time.Duration {
	b.expire(now)
	floor := max(minTurn, time.Duration(b.count)*per)
	turn := time.Duration(float64(b.count+1) * float64(spacing))
	turn = max(floor, min(turn, max(maxTurn, floor)))
	wait := least + turn/2 + rand.N(turn) //nolint:gosec // spreads them, no secret
	if b.coming == nil {
		b.coming, b.base = make(map[int64]int), now
	}
	b.coming[b.tick(now.Add(wait))]++
	b.count++
	return wait
}

// expire removes those whose time has come, a tick late at most.
func (b *backlog) expire(now time.Time) {
	if b.count == 0 {
		b.coming, b.next = nil, 0
		return
	}
	for current := b.tick(now); b.count > 0 && b.next < current; b.next++ {
		b.count -= b.coming[b.next]
		delete(b.coming, b.next)
	}
}

func (b *backlog) tick(t time.Time) int64 { return int64(t.Sub(b.base) / tick) }
