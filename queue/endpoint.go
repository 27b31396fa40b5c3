package queue

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"github.com/ringhook/webhook"
)

// An EndpointState says how a [Queue] treats an endpoint at the moment.
type EndpointState string

// The states of an endpoint.
const (
	StateHealthy   EndpointState = "healthy"   // messages flow
	StateThrottled EndpointState = "throttled" // the receiver asked to wait: it answered 429, or 503 with Retry-After
	StateResting   EndpointState = "resting"   // it failed repeatedly, and is only tried from time to time
	StateDisabled  EndpointState = "disabled"  // nothing is sent any more; see [Queue.Disable]
)

const (
	tooMany       = 5 * time.Second       // how long a 429 without Retry-After throttles
	firstMean     = 10 * time.Millisecond // of an attempt's duration, before one has ended
	restSpread    = 0.2
	expiryMargin  = time.Millisecond    // gobreaker's rest ends after its time, not at it
	maxKept       = 4096                // endpoints kept although nothing is known of them: they cost less than making them anew
	sweptAtATime  = 2                   // endpoints looked at whenever one is kept
	weightOfMean  = 8                   // a mean of about so many attempts
	maxRemembered = 30 * 24 * time.Hour // of a failing endpoint that nothing is sent to any more
)

// An endpoint is what the queue knows of one.
type endpoint struct {
	key       string
	host      string // that of its last message
	inFlight  int    // places taken, reserved ones among them
	reserved  []place
	limiter   *rate.Limiter // nil without a Rate
	breaker   *gobreaker.TwoStepCircuitBreaker[struct{}]
	rested    time.Time // when the breaker's rest ends
	throttled time.Time // until when
	failing   time.Time // begin of the first failure since the last success; zero if there is none
	failed    time.Time // the last time
	used      time.Time
	disabled  bool
	inLine    bool          // at its host
	logged    EndpointState // "" is StateHealthy
	mean      time.Duration // of an attempt
	parked    backlog       // deferrals whose time has not come
}

// A place is one attempt's at an endpoint.
type place struct {
	ep       *endpoint
	host     *host // nil without a HostLimit
	breaker  *gobreaker.TwoStepCircuitBreaker[struct{}]
	done     func(error) // tells the breaker the result; nil if there is none
	disabled bool
}

// A refusal is who has no place.
type refusal int

const (
	granted refusal = iota
	byEndpoint
	byHost
)

// ready is [Handler] Ready.
func (q *Queue) ready(key string) (bool, time.Duration) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	ep := q.endpoint(key, now)
	p, wait, refused := q.take(ep, q.hostAt(ep.host, now), now, ep.disabled, q.waker != nil)
	if refused != granted {
		q.forget(ep, now)
		return false, wait
	}
	ep.reserved = append(ep.reserved, p)
	return true, 0
}

// enter gives a delivery its place: the one reserved by ready, or a new one. If there is none, the delivery is to be
// deferred by the wait.
func (q *Queue) enter(d Delivery) (p place, wait time.Duration, ok bool) {
	now := time.Now()
	q.mu.Lock()
	ep := q.endpoint(d.Key, now)
	if q.cfg.HostLimit > 0 {
		ep.host = Host(d.Message)
	}
	h := q.hostAt(ep.host, now)
	var (
		refused refusal
		wake    []string
	)
	if n := len(ep.reserved); n > 0 {
		p, ep.reserved = ep.reserved[n-1], ep.reserved[:n-1]
		p.disabled = ep.disabled || d.Disabled
		wait, refused, wake = q.move(&p, h, now)
	} else {
		p, wait, refused = q.take(ep, h, now, ep.disabled || d.Disabled, false)
	}
	if refused == byEndpoint {
		wait = ep.parked.add(now, wait, q.spacing(ep))
	}
	q.mu.Unlock()
	q.wake(wake)
	return p, wait, refused == granted
}

// spacing is about how often an endpoint with many waiting has a place for one of them.
func (q *Queue) spacing(ep *endpoint) time.Duration {
	spacing := ep.mean / time.Duration(q.cfg.Limit)
	if q.cfg.Rate > 0 {
		spacing = max(spacing, time.Duration(float64(time.Second)/q.cfg.Rate))
	}
	return spacing
}

// take takes a place at an endpoint and its host, or says when to ask again: zero is when a place becomes free. One that can
// be woken stands in line at the host.
func (q *Queue) take(ep *endpoint, h *host, now time.Time, disabled, wakes bool) (place, time.Duration, refusal) {
	p := place{ep: ep, host: h, disabled: disabled}
	switch {
	case ep.inFlight >= q.cfg.Limit:
		return p, 0, byEndpoint
	case disabled: // what waits is dropped, of which the hook may take its time
		p.host = nil
		ep.inFlight++
		return p, 0, granted
	case ep.throttled.After(now):
		return p, ep.throttled.Sub(now), byEndpoint
	case h != nil && !h.hasRoom(ep, now, q.cfg.HostLimit):
		return p, h.refuse(ep, now, q.cfg.HostLimit, wakes), byHost
	}
	if wait, ok := q.admitted(ep, now, &p); !ok {
		return p, wait, byEndpoint
	}
	ep.inFlight++
	if h != nil {
		h.enter(ep)
	}
	return p, 0, granted
}

// admitted asks breaker and limiter.
func (q *Queue) admitted(ep *endpoint, now time.Time, p *place) (wait time.Duration, ok bool) {
	if ep.breaker != nil {
		switch ep.breaker.State() {
		case gobreaker.StateOpen:
			return max(ep.rested.Sub(now), 0) + expiryMargin, false
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
		if p.done, err = ep.breaker.Allow(); err != nil {
			return expiryMargin, false
		}
		p.breaker = ep.breaker
	}
	return 0, true
}

// errNoResult tells a breaker that an attempt says nothing of the endpoint.
var errNoResult = errors.New("no result")

// leave gives a place back, unless that has been done.
func (q *Queue) leave(p *place) {
	if p.ep == nil {
		return
	}
	q.mu.Lock()
	wake := q.release(p)
	q.forget(p.ep, time.Now())
	q.mu.Unlock()
	q.wake(wake)
}

// release gives a place back, and returns the endpoints to be woken when the queue is not locked any more.
func (q *Queue) release(p *place) (wake []string) {
	if p.done != nil {
		p.done(errNoResult)
		p.done = nil
	}
	p.ep.inFlight--
	return q.leaveHost(p.host)
}

// wake makes an engine ask again that can be told to.
func (q *Queue) wake(keys []string) {
	for _, key := range keys {
		q.waker.Wake(key)
	}
}

// learn books the result of an attempt. After a delivery, which no hook follows, it gives the place back as well.
func (q *Queue) learn(ctx context.Context, p *place, a webhook.Attempt) {
	now, ep := time.Now(), p.ep
	var wake []string
	q.mu.Lock()
	reason := q.judge(p, a, now)
	change := ep.change(now)
	if a.Outcome == webhook.Delivered {
		wake = q.release(p)
		q.forget(ep, now)
		p.ep = nil
	}
	q.mu.Unlock()

	q.wake(wake)
	q.log(ctx, ep.key, change, slog.String("class", string(a.Class)), slog.Int("status", a.Status))
	if reason != "" && q.cfg.OnDisable != nil {
		defer q.recovered(ctx, "OnDisable")
		q.cfg.OnDisable(ep.key, reason)
	}
}

// judge changes the endpoint by the result of an attempt, and returns the reason if that disables it.
func (q *Queue) judge(p *place, a webhook.Attempt, now time.Time) Reason {
	switch a.Class {
	case webhook.ClassCanceled, webhook.ClassInvalid, webhook.ClassSign: // not the endpoint's doing
		return ""
	}
	ep := p.ep
	ep.mean += (a.Duration - ep.mean) / weightOfMean
	if p.host != nil {
		p.host.mean += (a.Duration - p.host.mean) / weightOfMean
	}
	if a.RetryAfter > 0 || a.Status == http.StatusTooManyRequests {
		until := now.Add(a.RetryAfter)
		if a.RetryAfter == 0 {
			until = now.Add(tooMany)
		}
		if until.After(ep.throttled) {
			ep.throttled = until
		}
	}
	q.report(p, a.Err)
	if a.Err == nil {
		ep.failing = time.Time{}
		return ""
	}
	if ep.failing.IsZero() || a.At.Sub(ep.failed) > q.cfg.DisableAfter/2 { // what was not tried has not failed all the time
		ep.failing = a.At
	}
	ep.failed = a.At
	switch {
	case ep.disabled: // once
		return ""
	case a.Outcome == webhook.Gone:
		q.disable(ep)
		return ReasonGone
	case now.Sub(ep.failing) > q.cfg.DisableAfter:
		q.disable(ep)
		return ReasonFailing
	}
	return ""
}

// report tells the breaker. It is made at the first failure, and dropped when it has closed.
func (q *Queue) report(p *place, err error) {
	ep, done := p.ep, p.done
	p.done = nil
	if err != nil && ep.breaker == nil && q.cfg.Failures < math.MaxInt {
		ep.breaker = q.newBreaker(ep)
	}
	if p.breaker != ep.breaker { // begun before there was this one
		if done = nil; ep.breaker != nil {
			done, _ = ep.breaker.Allow() // nil if it rests: then it knows enough
		}
	}
	if done != nil {
		done(err)
	}
	if err == nil && ep.breaker != nil && ep.breaker.State() == gobreaker.StateClosed {
		ep.breaker = nil
	}
}

func (q *Queue) newBreaker(ep *endpoint) *gobreaker.TwoStepCircuitBreaker[struct{}] {
	rest := time.Duration(float64(q.cfg.Rest) * (1 - restSpread + 2*restSpread*rand.Float64())) //nolint:gosec // no secret
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     max(rest, 1), // zero would be gobreaker's default
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= q.cfg.Failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNoResult) },
		OnStateChange: func(_ string, _, to gobreaker.State) { // under q.mu, as all calls of the breaker
			if to == gobreaker.StateOpen {
				ep.rested = time.Now().Add(rest)
			}
		},
	})
}

// A change is one of an endpoint's state, to be logged when the queue is not locked any more.
type change struct{ from, to EndpointState }

// change returns what has changed since it was asked last.
func (ep *endpoint) change(now time.Time) change {
	c := change{cmp.Or(ep.logged, StateHealthy), ep.state(now)}
	ep.logged = c.to
	return c
}

func (q *Queue) log(ctx context.Context, key string, c change, attrs ...slog.Attr) {
	if c.from == c.to {
		return
	}
	defer func() { _ = recover() }() // a logger that panics must not cost a message its verdict
	level := slog.LevelWarn
	if c.to == StateHealthy {
		level = slog.LevelInfo
	}
	attrs = append(attrs, slog.String("endpoint", key), slog.String("was", string(c.from)))
	q.cfg.Logger.LogAttrs(ctx, level, "webhook endpoint "+string(c.to), attrs...)
}

func (ep *endpoint) state(now time.Time) EndpointState {
	switch {
	case ep.disabled:
		return StateDisabled
	case ep.breaker != nil && ep.breaker.State() != gobreaker.StateClosed:
		return StateResting
	case ep.throttled.After(now):
		return StateThrottled
	}
	return StateHealthy
}

// endpoint returns the endpoint of a key, a new one if it is not known.
func (q *Queue) endpoint(key string, now time.Time) *endpoint {
	ep := q.endpoints[key]
	if ep == nil {
		ep = &endpoint{key: key, mean: firstMean}
		if q.cfg.Rate > 0 {
			ep.limiter = rate.NewLimiter(rate.Limit(q.cfg.Rate), q.cfg.Burst)
		}
		q.endpoints[key] = ep
	}
	ep.used = now
	return ep
}

// forget removes an endpoint that is as new, if many are kept, and with one that is not looks at some others, so that none
// stays for ever.
func (q *Queue) forget(ep *endpoint, now time.Time) {
	if ep.inFlight > 0 || len(q.endpoints) <= maxKept {
		return
	}
	q.peak = max(q.peak, len(q.endpoints))
	if len(q.endpoints) < q.peak/8 { // a map never shrinks, and to look at some takes as long as it once was
		q.endpoints, q.peak = maps.Collect(maps.All(q.endpoints)), len(q.endpoints)
	}
	if q.isNew(ep, now) {
		delete(q.endpoints, ep.key)
		return
	}
	n := sweptAtATime
	for key, ep := range q.endpoints { // from a random place on
		if n--; n < 0 {
			break
		}
		forgotten := ep.inFlight == 0 && !ep.inLine && !ep.disabled && now.Sub(ep.used) > min(q.cfg.DisableAfter, maxRemembered)
		if forgotten || q.isNew(ep, now) {
			delete(q.endpoints, key)
		}
	}
}

func (q *Queue) isNew(ep *endpoint, now time.Time) bool {
	if ep.inFlight > 0 || ep.inLine || ep.disabled || ep.breaker != nil || !ep.failing.IsZero() || ep.throttled.After(now) {
		return false
	}
	ep.parked.expire(now)
	return ep.parked.count == 0 && (ep.limiter == nil || ep.limiter.TokensAt(now) >= float64(q.cfg.Burst))
}

// Disable ends the sending to an endpoint, named as [Key] returns it: waiting messages are dropped when their time comes, as
// OnDrop reports, and Send refuses new ones. It is for webhooks that were deleted or switched off. OnDisable is not told. An
// engine that is no [Waker] comes to know of it at the end of the wait that it was told last; so it is with Enable.
func (q *Queue) Disable(key string) {
	now := time.Now()
	q.mu.Lock()
	ep := q.endpoint(key, now)
	q.disable(ep)
	change := ep.change(now)
	q.mu.Unlock()
	q.log(context.Background(), key, change)
	q.wakeUp(key)
}

// wakeUp makes an engine that can be told to look at an endpoint anew.
func (q *Queue) wakeUp(key string) {
	if q.waker != nil {
		q.waker.Wake(key)
	}
}

func (q *Queue) disable(ep *endpoint) {
	if !ep.disabled {
		ep.disabled = true
		q.disabled.Add(1)
	}
}

// Enable makes an endpoint as new: nothing of its failures is remembered, and it is not disabled any more.
func (q *Queue) Enable(key string) {
	now := time.Now()
	q.mu.Lock()
	ep := q.endpoint(key, now)
	if ep.disabled {
		ep.disabled = false
		q.disabled.Add(-1)
	}
	ep.breaker, ep.failing, ep.throttled = nil, time.Time{}, time.Time{}
	change := ep.change(now)
	q.forget(ep, now)
	q.mu.Unlock()
	q.log(context.Background(), key, change)
	q.wakeUp(key)
}

// State tells how an endpoint is treated at the moment.
func (q *Queue) State(key string) EndpointState {
	q.mu.Lock()
	defer q.mu.Unlock()
	if ep := q.endpoints[key]; ep != nil {
		return ep.state(time.Now())
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
