package queue

import (
	"cmp"
	"time"

	"github.com/sony/gobreaker/v2"
)

// A slot is the right to have one attempt in flight to an endpoint, and to its host.
type slot struct {
	ep       *endpoint
	host     *host // nil without a HostLimit
	breaker  *gobreaker.TwoStepCircuitBreaker[struct{}]
	done     func(error) // tells the breaker the result; nil if there is none
	disabled bool        // the message is to be dropped
	enabled  time.Time   // when the endpoint was last enabled, if ever
}

// An admission says whether there is a slot, or who refused it.
type admission int

const (
	admitted admission = iota
	refusedByEndpoint
	refusedByHost
	refusedByOthers // which have the workers
)

// ready is [Handler] Ready.
func (q *Queue) ready(key string) (bool, time.Duration) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	ep := q.endpointLocked(key, now)
	disabled := ep.isDisabledLocked()
	if !disabled && ep.row.State == StatePaused {
		return false, q.pausedWait()
	}
	s, wait, result := q.takeLocked(ep, q.hostLocked(ep.host, now), "", now, disabled, q.waker != nil)
	if result != admitted {
		q.forgetLocked(ep, now)
		return false, wait
	}
	ep.reserved = append(ep.reserved, s)
	return true, 0
}

// enter gives a delivery its slot: the one reserved by ready, or a new one. If there is
// none, the delivery is to be deferred by wait.
func (q *Queue) enter(d Delivery) (s slot, wait time.Duration, ok bool) {
	now := time.Now()
	q.mu.Lock()
	ep := q.endpointLocked(d.Key, now)
	ep.tenant = d.Tenant
	if q.cfg.HostLimit > 0 {
		ep.host = Host(d.Message)
	}
	h := q.hostLocked(ep.host, now)
	event := eventOf(d)
	if d.Message != nil {
		q.applyLocked(ep, &d.Message.Policy, now)
	}
	var (
		result admission
		wake   []string
	)
	// What the engine has just read is newer than what is known here.
	state := cmp.Or(d.State, ep.row.State)
	disabled := ep.ending != "" || state == StateDisabled
	n := len(ep.reserved)
	if n > 0 {
		s, ep.reserved = ep.reserved[n-1], ep.reserved[:n-1]
		s.disabled = disabled
	}
	switch {
	case state == StatePaused && !disabled:
		if n > 0 {
			wake = q.releaseLocked(&s)
		}
		wait, result = deferPaused, refusedByEndpoint
	case n > 0:
		wait, result, wake = q.moveLocked(&s, h, now)
	default:
		s, wait, result = q.takeLocked(ep, h, event, now, disabled, false)
	}
	switch result {
	case admitted:
		ep.admittedLocked(event)
		if ep.row.State == StateEnabled {
			s.enabled = ep.row.Since
		}
	case refusedByEndpoint:
		wait = q.parkLocked(ep, event, now, wait)
	}
	q.mu.Unlock()
	q.wake(wake...)
	return s, wait, result == admitted
}

const (
	// deferPaused is the least for which a delivery to a paused endpoint is put off.
	deferPaused = time.Second
	// askPaused is when an engine asks again that is woken when the pause ends.
	askPaused = time.Hour
)

func (q *Queue) pausedWait() time.Duration {
	if q.waker != nil {
		return askPaused
	}
	return deferPaused
}

// spacingLocked is about how often an endpoint with many waiting messages has a slot
// for one of them. It needs q.mu.
func (q *Queue) spacingLocked(ep *endpoint) time.Duration {
	spacing := ep.mean / time.Duration(q.limitLocked(ep))
	if ep.limiter != nil {
		spacing = max(spacing, time.Duration(float64(time.Second)/float64(ep.limiter.Limit())))
	}
	return spacing
}

// takeLocked takes a slot for a type of event at an endpoint and its host, or returns how long to wait
// before asking again, where zero means until a slot becomes free. An endpoint that can
// be woken waits for its turn at the host. It needs q.mu.
func (q *Queue) takeLocked(
	ep *endpoint, h *host, event string, now time.Time, disabled, canWake bool,
) (slot, time.Duration, admission) {
	s := slot{ep: ep, host: h, disabled: disabled}
	if ep.inFlight == 0 {
		ep.moved = now
	}
	q.notePaceLocked(ep, now)
	switch limit := q.limitLocked(ep); {
	case ep.inFlight >= limit || ep.inFlight == limit-1 && limit > 1 && ep.keepsPlaceLocked(event, now):
		return s, 0, refusedByEndpoint
	case disabled: // to drop what waits, which takes as long as the hook does
		s.host = nil
		q.countFlightLocked(ep, 1)
		return s, 0, admitted
	case q.isCrowdedLocked(ep):
		return s, q.crowdWaitLocked(now, canWake), refusedByOthers
	case ep.throttledUntil.After(now):
		return s, ep.throttledUntil.Sub(now), refusedByEndpoint
	case h != nil && !h.hasSlotLocked(ep, now, q.cfg.HostLimit):
		return s, h.refuseLocked(ep, now, q.cfg.HostLimit, canWake), refusedByHost
	}
	if wait, ok := q.admitLocked(ep, now, &s); !ok {
		return s, wait, refusedByEndpoint
	}
	q.countFlightLocked(ep, 1)
	if h != nil {
		h.takeSlotLocked(ep)
	}
	return s, 0, admitted
}

// admitLocked asks the endpoint's breaker and limiter. It needs q.mu.
func (q *Queue) admitLocked(ep *endpoint, now time.Time, s *slot) (wait time.Duration, ok bool) {
	if ep.breaker != nil {
		switch ep.breaker.State() {
		case gobreaker.StateOpen:
			return max(ep.restsUntil.Sub(now), 0) + expiryMargin, false
		case gobreaker.StateHalfOpen:
			if ep.inFlight > 0 {
				return 0, false
			}
		}
	}
	if ep.limiter != nil {
		r := ep.limiter.ReserveN(now, 1)
		if wait := r.DelayFrom(now); wait > 0 {
			r.CancelAt(now)
			return wait, false
		}
	}
	if ep.breaker != nil {
		var err error
		if s.done, err = ep.breaker.Allow(); err != nil {
			return expiryMargin, false
		}
		s.breaker = ep.breaker
	}
	return 0, true
}

// moveLocked moves a reserved slot to the host of the message that uses it, which may
// not be that of the endpoint's message before. It returns the keys of the endpoints to
// wake when q.mu, which it needs, is free.
func (q *Queue) moveLocked(
	s *slot, h *host, now time.Time,
) (wait time.Duration, result admission, wake []string) {
	switch {
	case s.disabled:
		wake = q.leaveHostLocked(s.host)
		s.host = nil
		return 0, admitted, wake
	case s.host == h:
		return 0, admitted, nil
	case h != nil && !h.hasSlotLocked(s.ep, now, q.cfg.HostLimit):
		wait = h.refuseLocked(s.ep, now, q.cfg.HostLimit, q.waker != nil)
		if q.waker != nil {
			wait = 0 // it asks again, and then waits for its turn
		}
		return wait, refusedByHost, q.releaseLocked(s)
	}
	wake = q.leaveHostLocked(s.host)
	if s.host = h; h != nil {
		h.takeSlotLocked(s.ep)
	}
	return 0, admitted, wake
}

// leave gives a slot back, unless that has been done.
func (q *Queue) leave(s *slot) {
	if s.ep == nil {
		return
	}
	q.mu.Lock()
	wake := q.releaseLocked(s)
	q.forgetLocked(s.ep, time.Now())
	q.mu.Unlock()
	q.wake(wake...)
}

// releaseLocked gives a slot back, and returns the keys of the endpoints to wake when
// q.mu, which it needs, is free.
func (q *Queue) releaseLocked(s *slot) (wake []string) {
	if s.done != nil {
		s.done(errNoResult)
		s.done = nil
	}
	q.countFlightLocked(s.ep, -1)
	return q.leaveHostLocked(s.host)
}

// wake makes the engine ask again for endpoints, if it is a Waker. It must not be
// called with q.mu held: the engine may be asking.
func (q *Queue) wake(keys ...string) {
	if q.waker == nil {
		return
	}
	for _, key := range keys {
		q.waker.Wake(key)
	}
}
