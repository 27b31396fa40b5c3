package queue

import (
	"cmp"
	"maps"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

// An EndpointState says how a [Queue] treats an endpoint at the moment.
type EndpointState string

// The states of an endpoint. An [Endpoint] has one of the first three, as was decided;
// what [Queue.State] tells of one that is enabled is what attempts have shown.
const (
	// StateEnabled says that messages are sent.
	StateEnabled EndpointState = "enabled"
	// StatePaused says that messages are held; see [Queue.Pause].
	StatePaused EndpointState = "paused"
	// StateDisabled says that nothing is sent any more; see [Queue.Disable].
	StateDisabled EndpointState = "disabled"
	// StateHealthy says that messages flow.
	StateHealthy EndpointState = "healthy"
	// StateThrottled says that the receiver asked to wait: it answered 429, or a 5xx
	// with Retry-After.
	StateThrottled EndpointState = "throttled"
	// StateResting says that it failed repeatedly, and is tried only from time to time.
	StateResting EndpointState = "resting"
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
	mean     time.Duration    // of an attempt
	last     time.Duration    // of the attempt that has ended last
	lines    map[string]*line // deferrals whose time has not come, by type of event
	ended    bool             // whether one has
	pace     pace             // where its places are counted
	tenant   string           // that of its last message
	share    *share           // of the tenant that its places are counted at; nil: none
	moved    time.Time        // when an attempt last ended, or began when none was in flight
	// concurrency and asksRate are what messages ask for; zero: nothing.
	concurrency int
	asksRate    float64
	asksUntil   time.Time

	restsUntil     time.Time // when the breaker's rest ends
	throttledUntil time.Time
	failingSince   time.Time // zero: no failure since the last success
	lastFailure    time.Time
	proxyFailing   time.Time // the first attempt that failed at the proxy since one got past it
	lastUsed       time.Time

	row     Endpoint  // as it is known to be stored
	ending  Reason    // it is to be disabled for that, which is not stored yet
	endedAt time.Time // the attempt that has decided so
	storing bool      // a goroutine stores it
	savedAt time.Time // when it was last stored since when it fails
	counted bool      // in Queue.disabled

	waitsForHost bool          // is in host.waiting
	loggedState  EndpointState // "" is StateHealthy

	told   EndpointState // what OnState was told, or was decided; "" is StateHealthy
	spells *rate.Limiter // how often OnState is told that it is not healthy; nil: it was not
}

// endpointLocked returns the endpoint of a key, a new one if it is not known. It needs
// q.mu.
func (q *Queue) endpointLocked(key string, now time.Time) *endpoint {
	ep := q.endpoints[key]
	if ep == nil {
		ep = &endpoint{key: key, mean: initialMean}
		q.setRateLocked(ep, q.cfg.Rate, q.cfg.Burst)
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
		free := ep.inFlight == 0 && !ep.waitsForHost && !q.isNeededLocked(ep)
		if free && unused || q.isNewLocked(ep, now) {
			delete(q.endpoints, key)
		}
	}
}

// isNewLocked reports whether an endpoint differs in nothing from a new one. It needs
// q.mu.
func (q *Queue) isNewLocked(ep *endpoint, now time.Time) bool {
	if ep.inFlight > 0 || ep.waitsForHost || q.isNeededLocked(ep) || ep.breaker != nil ||
		!ep.failingSince.IsZero() || !ep.proxyFailing.IsZero() || ep.throttledUntil.After(now) {
		return false
	}
	if cmp.Or(ep.told, StateHealthy) != StateHealthy || ep.spells != nil && ep.spells.TokensAt(now) < spells {
		return false
	}
	return ep.waitingLocked(now) == 0 &&
		(ep.limiter == nil || ep.limiter.TokensAt(now) >= float64(ep.limiter.Burst()))
}

// isNeededLocked reports whether something was decided about an endpoint that must not be
// forgotten, or has to be stored. It needs q.mu.
func (q *Queue) isNeededLocked(ep *endpoint) bool {
	return ep.isDisabledLocked() && ep.row.Reason != string(ReasonDeleted) || ep.row.State == StatePaused || q.unsaved[ep]
}

// State tells how an endpoint is treated by this process at the moment. What another
// process has decided, it knows within a second while Run is on.
func (q *Queue) State(key string) EndpointState {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ep := q.endpoints[key]; ep != nil {
		return ep.stateLocked(time.Now())
	}
	return StateHealthy
}

func (q *Queue) inFlight() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, ep := range q.endpoints {
		n += ep.inFlight - len(ep.reserved)
	}
	return n
}
