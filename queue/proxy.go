package queue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ringhook/webhook"
)

// What does not get past the outgoing proxy says nothing about the receiver: it is tried
// again under the same number, until it is clear that the proxy is not just down.
const (
	proxyWait     = 10 * time.Second // doubled each time
	maxProxyWait  = 5 * time.Minute
	proxyPatience = 24 * time.Hour
	proxyLogEvery = time.Minute
)

// putOff returns for how long a delivery is put off whose attempt failed at the proxy, or
// false: then the attempt counts. It needs the slot to be taken still.
func (q *Queue) putOff(ctx context.Context, s *slot, d Delivery, a webhook.Attempt) (time.Duration, bool) {
	if a.Class != webhook.ClassProxy || a.MayHaveArrived { // what was sent is to be seen
		return 0, false
	}
	now := time.Now()
	q.mu.Lock()
	failing := max(a.At.Sub(s.ep.proxyFailing), 0)
	if s.ep.proxyFailing.IsZero() { // another attempt has just got past it
		failing = 0
	}
	tell := now.Sub(q.proxyLogged) >= proxyLogEvery
	if tell {
		q.proxyLogged = now
	}
	q.mu.Unlock()
	if tell {
		q.logProxy(ctx, a)
	}
	if now.Sub(latest(d.Since, d.Resent, s.enabled)) >= proxyPatience {
		return 0, false
	}
	// After 10 s in all it is 20 s, after 30 s 40 s, and so on.
	return min(proxyWait+failing, maxProxyWait), true
}

// logProxy tells the operator, who alone can do something about it.
func (q *Queue) logProxy(ctx context.Context, a webhook.Attempt) {
	defer func() { _ = recover() }() // as in log
	q.cfg.Logger.ErrorContext(ctx, "queue: outgoing proxy", slog.Any("error", errors.Unwrap(a.Err)))
}

func latest(times ...time.Time) (last time.Time) {
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
