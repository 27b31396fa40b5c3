package queue

import (
	"math/rand/v2"
	"time"
)

// A backlog counts those that were told to come back and whose time has not come.
type backlog struct {
	count  int
	next   int64         // the first tick that has not been looked at
	coming map[int64]int // by tick
}

const (
	tick    = 64 * time.Millisecond
	minTurn = 10 * time.Millisecond
	maxTurn = time.Minute
)

// add adds one that asked in vain and must wait at least so long, and returns when it should ask again: about when those
// before it will have had their turn, so that a long line does not ask in vain all the time. The turn is at most a minute
// away, or a millisecond for each in the line, so that no more than a thousand a second ask in vain.
func (b *backlog) add(now time.Time, least, mean time.Duration, limit int) time.Duration {
	b.expire(now)
	turn := time.Duration(float64(b.count+1) * float64(mean) / float64(limit))
	turn = min(max(turn, minTurn), max(maxTurn, time.Duration(b.count)*time.Millisecond))
	wait := least + turn/2 + rand.N(turn) //nolint:gosec // spreads them, no secret
	if b.coming == nil {
		b.coming = make(map[int64]int)
	}
	b.coming[now.Add(wait).UnixNano()/int64(tick)]++
	b.count++
	return wait
}

// expire takes those out whose time has come, a tick late at most.
func (b *backlog) expire(now time.Time) {
	current := now.UnixNano() / int64(tick)
	for ; b.count > 0 && b.next < current; b.next++ {
		b.count -= b.coming[b.next]
		delete(b.coming, b.next)
	}
	b.next = current
}
