package queue

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/ringhook/webhook"
)

// A line has the deliveries of one type of event to an endpoint that were told to come
// back later. Queue.mu guards it.
type line struct {
	backlog
	back time.Time // until when the last of them should have come back
}

const (
	// maxLines is how many types an endpoint tells apart; others are all one.
	maxLines = 16
	// returnWithin is how much later than it was told a delivery may come back.
	returnWithin = 250 * time.Millisecond
)

// lineLocked returns the line of a type of event, a new one if nothing of it waits. It
// needs q.mu.
func (ep *endpoint) lineLocked(event string, now time.Time) *line {
	if l := ep.lines[event]; l != nil {
		return l
	}
	if len(ep.lines) >= maxLines && ep.waitingLocked(now) >= maxLines {
		event = ""
	}
	if ep.lines == nil {
		ep.lines = make(map[string]*line)
	}
	l := ep.lines[event]
	if l == nil {
		l = &line{}
		ep.lines[event] = l
	}
	return l
}

// waitingLocked returns how many lines there are, without those in which nothing waits
// any more. It needs q.mu.
func (ep *endpoint) waitingLocked(now time.Time) int {
	for event, l := range ep.lines {
		if l.expire(now); l.count == 0 && !l.back.After(now) {
			delete(ep.lines, event)
		}
	}
	return len(ep.lines)
}

// parkLocked returns after how long a delivery that was refused should come back, which
// is at least wait. Each type of event has its turns: what waits of one does not put off
// another. It needs q.mu.
func (q *Queue) parkLocked(ep *endpoint, event string, now time.Time, wait time.Duration) time.Duration {
	l := ep.lineLocked(event, now)
	per := perTurn
	if ep.breaker != nil || ep.throttledUntil.After(now) {
		per = perRestingTurn
	}
	spacing := q.spacingLocked(ep) * time.Duration(len(ep.lines))
	wait = l.add(now, wait, spacing, per)
	if back := now.Add(wait + returnWithin); back.After(l.back) {
		l.back = back
	}
	return wait
}

// admittedLocked notes that a delivery of a type of event has come back. It needs q.mu.
func (ep *endpoint) admittedLocked(event string) {
	if ep.lines[event] == nil && len(ep.lines) >= maxLines {
		event = "" // among others
	}
	if l := ep.lines[event]; l != nil && l.count == 0 {
		delete(ep.lines, event)
	}
}

// keepsPlaceLocked reports whether the last place of an endpoint is kept from a type of
// event, since less waits of another one. It needs q.mu.
func (ep *endpoint) keepsPlaceLocked(event string, now time.Time) bool {
	mine := ep.lines[event]
	if mine == nil && len(ep.lines) >= maxLines {
		mine = ep.lines[""] // among others
	}
	if mine == nil || mine.count == 0 {
		return false
	}
	for _, l := range ep.lines {
		if l != mine && l.count < mine.count && l.back.After(now) {
			return true
		}
	}
	return false
}

// limitLocked is how many attempts an endpoint may have in flight. It needs q.mu.
func (q *Queue) limitLocked(ep *endpoint) int {
	if ep.concurrency > 0 {
		return min(ep.concurrency, q.cfg.Limit)
	}
	return q.cfg.Limit
}

// applyLocked takes over what the policy of a message says about its endpoint. It needs
// q.mu.
func (q *Queue) applyLocked(ep *endpoint, p *webhook.Policy, now time.Time) {
	if asks := p.Concurrency > 0 || p.Rate > 0; asks || now.After(ep.asksUntil) {
		ep.concurrency, ep.asksRate = p.Concurrency, p.Rate
		if asks {
			ep.asksUntil = now.Add(asksFor)
		}
	}
	limit, burst := q.cfg.Rate, q.cfg.Burst
	if ep.asksRate > 0 && (limit == 0 || ep.asksRate < limit) {
		limit, burst = ep.asksRate, int(max(1, ep.asksRate))
	}
	q.setRateLocked(ep, limit, burst)
}

// asksFor is how long what a message's policy asks for counts, if the next ones ask for
// nothing: messages of before and after a change of the webhook come mixed.
const asksFor = time.Minute

// setRateLocked gives an endpoint its limiter: none for a zero limit. All processes that
// deliver share the limit. It needs q.mu.
func (q *Queue) setRateLocked(ep *endpoint, limit float64, burst int) {
	if q.sizer != nil && limit > 0 {
		limit /= float64(max(1, q.sizer.Processes()))
	}
	switch {
	case limit == 0:
		ep.limiter = nil
	case ep.limiter == nil:
		ep.limiter = rate.NewLimiter(rate.Limit(limit), burst)
	case ep.limiter.Limit() != rate.Limit(limit) || ep.limiter.Burst() != burst:
		ep.limiter.SetLimit(rate.Limit(limit))
		ep.limiter.SetBurst(burst)
	}
}

// eventOf returns the type of event that a delivery is of.
func eventOf(d Delivery) string {
	if d.Message == nil {
		return ""
	}
	return d.Message.Event
}
