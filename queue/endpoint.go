package queue

import (
	"context"
	"maps"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

// An EndpointState says how a [Queue] treats an endpoint at the moment.
type EndpointState string

// The states of an endpoint.
const (
	// StateHealthy says that messages flow.
	StateHealthy EndpointState = "healthy"
	// StateThrottled says that the receiver asked to wait: it answered 429, or 503 with
	// Retry-After.
	StateThrottled EndpointState = "throttled"
	// StateResting says that it failed repeatedly, and is tried only from time to time.
	StateResting EndpointState = "resting"
	// StateDisabled says that nothing is sent any more; see [Queue.Disable].
	StateDisabled EndpointState = "disabled"
)

const (
	// initialMean is taken for the mean duration of attempts before one has ended.
	initialMean = 10 * time.Millisecond
	// maxIdle is how many idle endpoints are kept: that is cheaper than making them
	// again.
	maxIdle = 4096
	// sweepBatch is how many endpoints are looked at whenever one is kept.
	sweepBatch = 2
	// maxRemembered is how long a failing endpoint is kept that nothing is sent to any
	// more.
	maxRemembered = 30 * 24 * time.Hour
)

// An endpoint is what the queue knows of one. Queue.mu guards it.
type endpoint struct {
	key      string
	host     string        // that of its last message
	inFlight int           // slots taken, including reserved ones
	reserved []slot        // by ready, for Handle
	limiter  *rate.Limiter // nil without a Rate
	breaker  *gobreaker.TwoStepCircuitBreaker[struct{}]
	mean     time.Duration // of an attempt
	parked   backlog       // deferrals whose time has not come

	restsUntil     time.Time // when the breaker's rest ends
	throttledUntil time.Time
	failingSince   time.Time // zero: no failure since the last success
	lastFailure    time.Time
	lastUsed       time.Time

	disabled     bool
	waitsForHost bool          // is in host.waiting
	loggedState  EndpointState // "" is StateHealthy
}

// endpointLocked returns the endpoint of a key, a new one if it is not known. It needs
// q.mu.
func (q *Queue) endpointLocked(key string, now time.Time) *endpoint {
	ep := q.endpoints[key]
	if ep == nil {
		ep = &endpoint{key: key, mean: initialMean}
		if q.cfg.Rate > 0 {
			ep.limiter = rate.NewLimiter(rate.Limit(q.cfg.Rate), q.cfg.Burst)
		}
		q.endpoints[key] = ep
	}
	ep.lastUsed = now
	return ep
}

// forgetLocked removes an endpoint about which there is nothing to remember, if many
// are kept. Otherwise it looks at some others, so that none stays for ever. It needs
// q.mu.
func (q *Queue) forgetLocked(ep *endpoint, now time.Time) {
	if ep.inFlight > 0 || len(q.endpoints) <= maxIdle {
		return
	}
	q.peak = max(q.peak, len(q.endpoints))
	// A map does not shrink, and to look at some of a large one takes long.
	if len(q.endpoints) < q.peak/8 {
		q.endpoints, q.peak = maps.Collect(maps.All(q.endpoints)), len(q.endpoints)
	}
	if q.isNewLocked(ep, now) {
		delete(q.endpoints, ep.key)
		return
	}
	n := sweepBatch
	for key, ep := range q.endpoints { // from a random one on
		if n--; n < 0 {
			break
		}
		unused := now.Sub(ep.lastUsed) > min(q.cfg.DisableAfter, maxRemembered)
		free := ep.inFlight == 0 && !ep.waitsForHost && !ep.disabled
		if free && unused || q.isNewLocked(ep, now) {
			delete(q.endpoints, key)
		}
	}
}

// isNewLocked reports whether an endpoint differs in nothing from a new one. It needs
// q.mu.
func (q *Queue) isNewLocked(ep *endpoint, now time.Time) bool {
	if ep.inFlight > 0 || ep.waitsForHost || ep.disabled || ep.breaker != nil ||
		!ep.failingSince.IsZero() || ep.throttledUntil.After(now) {
		return false
	}
	ep.parked.expire(now)
	return ep.parked.count == 0 &&
		(ep.limiter == nil || ep.limiter.TokensAt(now) >= float64(q.cfg.Burst))
}

// Disable ends the sending to an endpoint, named as [Key] returns it: waiting messages
// are dropped when their time comes, as OnDrop reports, and Send refuses new ones. It
// is for webhooks that were deleted or switched off. OnDisable is not told. An engine
// that is no [Waker] learns of it, as of Enable, when the wait is over that it was told
// last.
func (q *Queue) Disable(key string) {
	now := time.Now()
	q.mu.Lock()
	ep := q.endpointLocked(key, now)
	q.disableLocked(ep)
	change := ep.changeLocked(now)
	q.mu.Unlock()
	q.log(context.Background(), key, change)
	q.wake(key)
}

// disableLocked disables an endpoint, unless it is disabled already. It needs q.mu.
func (q *Queue) disableLocked(ep *endpoint) {
	if !ep.disabled {
		ep.disabled = true
		q.disabled.Add(1)
	}
}

// Enable makes an endpoint as good as new: it is not disabled any more, and nothing of
// its failures is remembered.
func (q *Queue) Enable(key string) {
	now := time.Now()
	q.mu.Lock()
	ep := q.endpointLocked(key, now)
	if ep.disabled {
		ep.disabled = false
		q.disabled.Add(-1)
	}
	ep.breaker, ep.failingSince, ep.throttledUntil = nil, time.Time{}, time.Time{}
	change := ep.changeLocked(now)
	q.forgetLocked(ep, now)
	q.mu.Unlock()
	q.log(context.Background(), key, change)
	q.wake(key)
}

// State tells how an endpoint is treated at the moment.
func (q *Queue) State(key string) EndpointState {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ep := q.endpoints[key]; ep != nil {
		return ep.stateLocked(time.Now())
	}
	return StateHealthy
}

func (q *Queue) isDisabled(key string) bool {
	if q.disabled.Load() == 0 { // as nearly always
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	ep := q.endpoints[key]
	return ep != nil && ep.disabled
}

func (q *Queue) inFlight() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, ep := range q.endpoints {
		n += ep.inFlight - len(ep.reserved)
	}
	return n
}
