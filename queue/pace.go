package queue

import "time"

// A pace is what is known of how long attempts at an endpoint take.
type pace int

const (
	paceUnknown pace = iota // none has ended yet in this process
	paceFast
	paceSlow
	paces
)

// places are how many attempts are in flight, by the pace of their endpoints.
type places [paces]int

func (p places) all() int { return p[paceUnknown] + p[paceFast] + p[paceSlow] }

// loose is how many may take long.
func (p places) loose() int { return p[paceUnknown] + p[paceSlow] }

// A share is what a tenant has of the engine's workers.
type share struct {
	tenant string
	places
}

const (
	// slowAfter is from which duration on attempts are slow.
	slowAfter = time.Second
	// slowWait is until an endpoint asks again, at least, that was refused since others
	// have the workers.
	slowWait = 250 * time.Millisecond
)

// notePaceLocked finds out the pace of an endpoint. It is slow if its last attempt was, or
// none of those in flight has ended for long. It needs q.mu.
func (q *Queue) notePaceLocked(ep *endpoint, now time.Time) {
	pace := paceUnknown
	switch {
	case ep.last > slowAfter || ep.inFlight > 0 && now.Sub(ep.moved) > slowAfter:
		pace = paceSlow
	case ep.ended:
		pace = paceFast
	}
	if pace == ep.pace {
		return
	}
	n := ep.inFlight
	q.countFlightLocked(ep, -n)
	ep.pace = pace
	q.countFlightLocked(ep, n)
}

// noteEndLocked notes how long an attempt at an endpoint took. It needs q.mu.
func (q *Queue) noteEndLocked(ep *endpoint, took time.Duration, now time.Time) {
	ep.mean += (took - ep.mean) / meanWeight
	ep.last, ep.ended, ep.moved = took, true, now
	if took > slowAfter {
		q.slowMean += (took - q.slowMean) / meanWeight
	}
	q.notePaceLocked(ep, now)
}

// countFlightLocked notes that n attempts have begun, or ended for a negative number. It
// needs q.mu.
func (q *Queue) countFlightLocked(ep *endpoint, n int) {
	if ep.inFlight == 0 && ep.tenant != "" {
		if ep.share = q.shares[ep.tenant]; ep.share == nil {
			ep.share = &share{tenant: ep.tenant}
			q.shares[ep.tenant] = ep.share
		}
	}
	ep.inFlight += n
	q.places[ep.pace] += n
	if s := ep.share; s != nil {
		if s.places[ep.pace] += n; s.all() == 0 {
			delete(q.shares, s.tenant)
		}
		if ep.inFlight == 0 {
			ep.share = nil
		}
	}
}

// isCrowdedLocked reports whether an endpoint may have no further one of the engine's
// workers, since others need them too. Slow ones have half of all at most, and those of
// one tenant a quarter. With those of which nothing is known yet, which may be as slow, it
// is three quarters, and three eighths; once they have a quarter, an unknown one has a
// single place. Of a tenant whose endpoints are fast, three quarters are the most. It needs
// q.mu.
func (q *Queue) isCrowdedLocked(ep *endpoint) bool {
	if q.sizer == nil {
		return false
	}
	all, own := q.places, places{}
	if s := q.shares[ep.tenant]; s != nil && ep.tenant != "" {
		own = s.places
	}
	eighth := func(n int) int { return max(1, q.sizer.Workers()*n/8) }
	switch {
	case own.all() >= eighth(6):
		return true
	case ep.pace == paceFast:
		return false
	case all.loose() >= eighth(6), own.loose() >= eighth(3):
		return true
	case ep.pace == paceSlow:
		return all[paceSlow] >= eighth(4) || own[paceSlow] >= eighth(2)
	}
	return ep.inFlight > 0 && all.loose() >= eighth(2)
}

// crowdWaitLocked returns after how long what isCrowdedLocked refused should come back: if
// the endpoint can be woken, once for all that it has; otherwise all that was refused takes
// turns, as many a second as slow endpoints answer. It needs q.mu.
func (q *Queue) crowdWaitLocked(now time.Time, canWake bool) time.Duration {
	if canWake {
		return slowWait
	}
	return q.crowd.add(now, slowWait, q.slowMean/time.Duration(max(1, q.sizer.Workers()/2)), perTurn)
}
