package queue

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/ringhook/webhook"
)

const (
	defaultThrottle = 5 * time.Second // by a 429 without Retry-After
	meanWeight      = 8               // a mean of about so many attempts
	restSpread      = 0.2
	expiryMargin    = time.Millisecond // gobreaker's rest ends after its time, not at it
)

// errNoResult tells a breaker that an attempt says nothing about the endpoint.
var errNoResult = errors.New("no result")

// record notes the result of an attempt. After a delivery, which no OnDrop follows, it
// gives the slot back as well.
func (q *Queue) record(ctx context.Context, s *slot, event string, a webhook.Attempt) {
	now, ep := time.Now(), s.ep
	var wake []string
	q.mu.Lock()
	counts, ends := q.judgeLocked(s, a, now)
	change := ep.changeLocked(now)
	var told StateChange
	tells := false
	if counts {
		told, tells = q.noticeLocked(ep, event, a, now)
	}
	if a.Outcome == webhook.OutcomeDelivered {
		wake = q.releaseLocked(s)
		q.forgetLocked(ep, now)
		s.ep = nil
	}
	q.mu.Unlock()

	q.wake(wake...)
	q.log(ctx, ep.key, change, slog.String("class", string(a.Class)), slog.Int("status", a.Status))
	switch {
	case ends:
		q.end(ep)
	case tells:
		q.tells.later(func() { q.onState(ctx, told) })
	}
}

// judgeLocked changes the endpoint by the result of an attempt, if that counts, and reports
// whether it does, and disables it, for the reason in ending. It needs q.mu.
func (q *Queue) judgeLocked(s *slot, a webhook.Attempt, now time.Time) (counts, ends bool) {
	switch a.Class { // what is not the endpoint's fault
	case webhook.ClassCanceled, webhook.ClassInvalid, webhook.ClassExpired, webhook.ClassSign, webhook.ClassAuth:
		return false, false
	case webhook.ClassProxy:
		if s.ep.proxyFailing.IsZero() {
			s.ep.proxyFailing = a.At
		}
		return false, false
	}
	ep := s.ep
	ep.proxyFailing = time.Time{}
	q.noteEndLocked(ep, a.Duration, now)
	if s.host != nil {
		s.host.mean += (a.Duration - s.host.mean) / meanWeight
	}
	if a.RetryAfter > 0 || a.Status == http.StatusTooManyRequests {
		until := now.Add(cmp.Or(a.RetryAfter, defaultThrottle))
		if until.After(ep.throttledUntil) {
			ep.throttledUntil = until
		}
	}
	q.reportLocked(s, a.Err)
	defer q.noteLocked(ep)
	if a.Err == nil {
		ep.failingSince = time.Time{}
		return true, false
	}
	// Nothing was tried for long: it cannot be said to have failed all that time.
	quiet := a.At.Sub(ep.lastFailure) > q.cfg.DisableAfter/2
	if ep.failingSince.IsZero() || quiet {
		ep.failingSince = a.At
	}
	ep.lastFailure = a.At
	switch {
	case ep.ending != "", q.store.local && ep.isDisabledLocked(): // tell only once
		return true, false
	case ep.row.Since.After(a.At): // it was enabled, or paused, since the attempt began
		return true, false
	case a.Outcome == webhook.OutcomeGone:
		ep.ending = ReasonGone
	case now.Sub(ep.failingSince) > q.cfg.DisableAfter:
		ep.ending = ReasonFailing
	default:
		return true, false
	}
	ep.endedAt = a.At
	q.countLocked(ep)
	return true, true
}

// reportLocked tells the breaker the result of an attempt. It makes one at the first
// failure, and drops it when it has closed. It needs q.mu.
func (q *Queue) reportLocked(s *slot, err error) {
	ep, done := s.ep, s.done
	s.done = nil
	if err != nil && ep.breaker == nil && q.cfg.Failures < math.MaxInt {
		ep.breaker = q.newBreaker(ep)
	}
	if s.breaker != ep.breaker { // the attempt began before there was this breaker
		if done = nil; ep.breaker != nil {
			done, _ = ep.breaker.Allow() // nil if it is open: then it knows enough
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
	spread := 1 - restSpread + 2*restSpread*rand.Float64() //nolint:gosec // no secret
	rest := time.Duration(float64(q.cfg.Rest) * spread)
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout: max(rest, 1), // zero would be gobreaker's default
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return int(c.ConsecutiveFailures) >= q.cfg.Failures
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errNoResult) },
		// It is called with q.mu held, as the breaker itself always is.
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				ep.restsUntil = time.Now().Add(rest)
			}
		},
	})
}

// A change is one of an endpoint's state, to be logged when q.mu is free.
type change struct{ from, to EndpointState }

// changeLocked returns what has changed since the last call. It needs q.mu.
func (ep *endpoint) changeLocked(now time.Time) change {
	c := change{cmp.Or(ep.loggedState, StateHealthy), ep.stateLocked(now)}
	ep.loggedState = c.to
	return c
}

func (q *Queue) log(ctx context.Context, key string, c change, attrs ...slog.Attr) {
	if c.from == c.to {
		return
	}
	// A logger that panics must not cost a message its verdict.
	defer func() { _ = recover() }()
	level := slog.LevelWarn
	if c.to == StateHealthy {
		level = slog.LevelInfo
	}
	attrs = append(attrs, slog.String("endpoint", key), slog.String("was", string(c.from)))
	q.cfg.Logger.LogAttrs(ctx, level, "webhook endpoint "+string(c.to), attrs...)
}

// stateLocked is how the endpoint is treated now. It needs q.mu.
func (ep *endpoint) stateLocked(now time.Time) EndpointState {
	switch {
	case ep.isDisabledLocked():
		return StateDisabled
	case ep.row.State == StatePaused:
		return StatePaused
	case ep.breaker != nil && ep.breaker.State() != gobreaker.StateClosed:
		return StateResting
	case ep.throttledUntil.After(now):
		return StateThrottled
	}
	return StateHealthy
}
