package queue

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
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
	StateThrottled EndpointState = "throttled" // the receiver asked to wait: it answered 429, or with Retry-After
	StateResting   EndpointState = "resting"   // it failed repeatedly, and is only tried from time to time
	StateDisabled  EndpointState = "disabled"  // nothing is sent any more; see [Queue.Disable]
)

const (
	tooMany       = 5 * time.Second        // how long a 429 without Retry-After throttles
	firstMean     = 100 * time.Millisecond // of an attempt's duration, before one has ended
	expiryMargin  = time.Millisecond       // gobreaker's rest ends after its time, not at it
	maxSpare      = 1024                   // endpoints kept for reuse
	sweptAtATime  = 2                      // endpoints looked at whenever one is kept
	weightOfMean  = 8                      // a mean of about so many attempts
	maxRemembered = 30 * 24 * time.Hour    // of a failing endpoint that nothing is sent to any more
)

// An endpoint is what the queue knows of one. One that is as new is not kept.
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
	used      time.Time
	disabled  bool
	logged    EndpointState // "" is StateHealthy
	mean      time.Duration
	parked    backlog // deferrals whose time has not come
}

// A host is what the queue knows of one host and port.
type host struct {
	name     string
	inFlight int
	parked   backlog // endpoints that were refused for it
}

// A place is one attempt's at an endpoint.
type place struct {
	ep       *endpoint
	host     *host // nil without a HostLimit
	breaker  *gobreaker.TwoStepCircuitBreaker[struct{}]
	done     func(error) // tells the breaker the result; nil if there is none
	disabled bool
}

// ready is [Handler] Ready.
func (q *Queue) ready(key string) (bool, time.Duration) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	ep := q.endpoint(key, now)
	defer q.forget(ep, now)
	p, wait, ok := q.take(ep, q.hostAt(ep.host, now), now)
	if ok {
		ep.reserved = append(ep.reserved, p)
	}
	return ok, wait
}

// enter gives a delivery its place: the one reserved by ready, or a new one. If there is none, the delivery is to be
// deferred by the wait.
func (q *Queue) enter(d Delivery) (p place, wait time.Duration, ok bool) {
	now := time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	ep := q.endpoint(d.Key, now)
	defer q.forget(ep, now)
	if q.cfg.HostLimit > 0 {
		ep.host = Host(d.Message)
	}
	h := q.hostAt(ep.host, now)
	if n := len(ep.reserved); n > 0 {
		p, ep.reserved = ep.reserved[n-1], ep.reserved[:n-1]
		p.disabled = ep.disabled
		wait, ok = q.move(&p, h, now)
	} else {
		p, wait, ok = q.take(ep, h, now)
	}
	switch {
	case !ok:
		return place{}, ep.parked.add(now, wait, ep.mean, q.cfg.Limit), false
	case p.disabled:
		q.release(p)
	}
	return p, 0, true
}

// move takes a reserved place to the host of the message that uses it, which may not be that of the one before.
func (q *Queue) move(p *place, h *host, now time.Time) (wait time.Duration, ok bool) {
	switch {
	case p.host == h || p.disabled:
		return 0, true
	case h != nil && h.inFlight >= q.cfg.HostLimit:
		wait = h.parked.add(now, 0, p.ep.mean, q.cfg.HostLimit)
		q.release(*p)
		return wait, false
	}
	q.leaveHost(p.host)
	if p.host = h; h != nil {
		h.inFlight++
	}
	return 0, true
}

// take takes a place at an endpoint and its host, or says when to ask again: zero is when a place becomes free.
func (q *Queue) take(ep *endpoint, h *host, now time.Time) (p place, wait time.Duration, ok bool) {
	p = place{ep: ep, host: h, disabled: ep.disabled}
	switch {
	case ep.disabled:
		p.host = nil
	case ep.throttled.After(now):
		return p, ep.throttled.Sub(now), false
	case ep.inFlight >= q.cfg.Limit:
		return p, 0, false
	case h != nil && h.inFlight >= q.cfg.HostLimit:
		return p, h.parked.add(now, 0, ep.mean, q.cfg.HostLimit), false
	default:
		if wait, ok := q.admitted(ep, now, &p); !ok {
			return p, wait, false
		}
	}
	ep.inFlight++
	if p.host != nil {
		p.host.inFlight++
	}
	return p, 0, true
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

// release gives a place back that was not used, or not to an end that says something of the endpoint.
func (q *Queue) release(p place) {
	if p.done != nil {
		p.done(errNoResult)
	}
	p.ep.inFlight--
	q.leaveHost(p.host)
}

func (q *Queue) leaveHost(h *host) {
	if h == nil {
		return
	}
	if h.inFlight--; h.inFlight == 0 && h.parked.count == 0 {
		delete(q.hosts, h.name)
	}
}

// errNoResult tells a breaker that an attempt says nothing of the endpoint.
var errNoResult = errors.New("no result")

// leave books the result of an attempt, and gives its place back.
func (q *Queue) leave(ctx context.Context, p place, a webhook.Attempt) {
	var (
		now = time.Now()
		ep  = p.ep
	)
	q.mu.Lock()
	reason := q.judge(&p, a, now)
	q.release(p)
	key, change := ep.key, ep.change(now)
	q.forget(ep, now)
	q.mu.Unlock()

	q.log(ctx, key, change, slog.String("class", string(a.Class)), slog.Int("status", a.Status))
	if reason != "" && q.cfg.OnDisable != nil {
		defer q.recovered(ctx, "OnDisable")
		q.cfg.OnDisable(key, reason)
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
	if ep.failing.IsZero() {
		ep.failing = a.At
	}
	switch {
	case ep.disabled: // once
		return ""
	case a.Outcome == webhook.Gone:
		ep.disabled = true
		return Gone
	case now.Sub(ep.failing) > q.cfg.DisableAfter:
		ep.disabled = true
		return Failing
	}
	return ""
}

// report tells the breaker. It is made at the first failure, and dropped when it has closed.
func (q *Queue) report(p *place, err error) {
	ep, done := p.ep, p.done
	p.done = nil
	if err != nil && ep.breaker == nil {
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
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     q.cfg.Rest,
		ReadyToTrip: func(c gobreaker.Counts) bool { return int(c.ConsecutiveFailures) >= q.cfg.Failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNoResult) },
		OnStateChange: func(_ string, _, to gobreaker.State) { // under q.mu, as all calls of the breaker
			if to == gobreaker.StateOpen {
				ep.rested = time.Now().Add(q.cfg.Rest)
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
		if n := len(q.spare); n > 0 {
			ep, q.spare = q.spare[n-1], q.spare[:n-1]
		} else {
			ep = &endpoint{}
		}
		*ep = endpoint{key: key, mean: firstMean, reserved: ep.reserved[:0]}
		if q.cfg.Rate > 0 {
			ep.limiter = rate.NewLimiter(q.cfg.Rate, q.cfg.Burst)
		}
		q.endpoints[key] = ep
	}
	ep.used = now
	return ep
}

// hostAt returns the host of a name, or nil if hosts have no limit or the name is not known yet.
func (q *Queue) hostAt(name string, now time.Time) *host {
	if q.cfg.HostLimit == 0 || name == "" {
		return nil
	}
	if h := q.hosts[name]; h != nil {
		return h
	}
	n := sweptAtATime
	for other, h := range q.hosts { // so that none stays for ever
		if n--; n < 0 {
			break
		}
		if h.parked.expire(now); h.inFlight == 0 && h.parked.count == 0 {
			delete(q.hosts, other)
		}
	}
	h := &host{name: name}
	q.hosts[name] = h
	return h
}

// forget removes an endpoint that is as new, and with one that is kept looks at some others, so that none stays for ever.
func (q *Queue) forget(ep *endpoint, now time.Time) {
	if ep.inFlight > 0 {
		return
	}
	if q.isNew(ep, now) {
		delete(q.endpoints, ep.key)
		if len(q.spare) < maxSpare {
			q.spare = append(q.spare, ep)
		}
		return
	}
	n := sweptAtATime
	for key, ep := range q.endpoints { // from a random place on
		if n--; n < 0 {
			break
		}
		forgotten := ep.inFlight == 0 && !ep.disabled && now.Sub(ep.used) > min(q.cfg.DisableAfter, maxRemembered)
		if forgotten || q.isNew(ep, now) {
			delete(q.endpoints, key)
		}
	}
}

func (q *Queue) isNew(ep *endpoint, now time.Time) bool {
	if ep.inFlight > 0 || ep.disabled || ep.breaker != nil || !ep.failing.IsZero() || ep.throttled.After(now) {
		return false
	}
	ep.parked.expire(now)
	return ep.parked.count == 0 && (ep.limiter == nil || ep.limiter.TokensAt(now) >= float64(q.cfg.Burst))
}

// Disable ends the sending to an endpoint: waiting messages are dropped when their time comes, as OnDrop reports, and Send
// refuses new ones. It is for webhooks that were deleted or switched off. OnDisable is not told.
func (q *Queue) Disable(key string) {
	now := time.Now()
	q.mu.Lock()
	ep := q.endpoint(key, now)
	ep.disabled = true
	change := ep.change(now)
	q.mu.Unlock()
	q.log(context.Background(), key, change)
}

// Enable makes an endpoint as new: nothing of its failures is remembered, and it is not disabled any more.
func (q *Queue) Enable(key string) {
	now := time.Now()
	q.mu.Lock()
	ep := q.endpoint(key, now)
	ep.disabled, ep.breaker, ep.failing, ep.throttled = false, nil, time.Time{}, time.Time{}
	change := ep.change(now)
	q.forget(ep, now)
	q.mu.Unlock()
	q.log(context.Background(), key, change)
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
