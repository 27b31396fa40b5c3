package webhook

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/ringhook/webhook/internal/http1"
	"github.com/ringhook/webhook/internal/oauth"
	"github.com/ringhook/webhook/internal/request"
)

// A Client delivers messages: it signs, sends, judges the answer, waits and tries
// again, all in the call of [Client.Send]. It is a [Sender] that returns when the
// message is delivered or given up.
//
// The zero Client is ready to use: unsigned, on each message's own policy, and unable
// to reach private addresses. Set the fields before the first use; from then on it is
// safe for concurrent use and must not be copied. Make one and share it, since it holds
// the connections.
type Client struct {
	// Signer signs each attempt. If nil, messages go unsigned. If it fails or panics,
	// the attempt fails and nothing is sent.
	Signer Signer
	// Auth returns the credentials that the receiver of a webhook asks for, or nil. It is
	// called for each attempt, with the attempt's time for a deadline, in its goroutine, and
	// must be safe for concurrent use. If it fails, or no token is to be had with them, the
	// attempt fails with ClassAuth and nothing is sent. If nil, there are none.
	//
	// Tokens of [AuthOAuth2] are got through Transport and kept in the Client until
	// shortly before they expire; all attempts that need the same one wait for one request.
	// A kept one that the receiver answers with 401 is got anew, and the request sent again,
	// once within the attempt.
	Auth func(ctx context.Context, webhookID string) (*Auth, error)
	// Retry says when to try again. If nil, the message's Policy does.
	Retry RetryFunc
	// Transport carries the requests; with one of your own, keeping it away from
	// private addresses is up to you. If nil, [NewTransport] of the zero [Egress] is
	// used.
	Transport http.RoundTripper
	// UserAgent is the value of that header, unless the webhook sets it. If empty,
	// "Ringhook".
	UserAgent string
	// Bounds are what a message's Policy may ask for at most; a longer timeout, more
	// attempts and shorter waits are held to them. They do not bound Retry.
	Bounds Bounds
	// OnAttempt is told of each attempt that has a result, before Try returns; attempts
	// that ended by the caller's context have none. If it panics, that is logged
	// through [slog] and the result stays. A queue may put off what has ClassProxy, which
	// is told with the Outcome that it has without a queue. If nil, nothing is told.
	OnAttempt func(context.Context, *Message, Attempt)
	// Trace is called when an attempt to send m begins that is not ClassInvalid or
	// ClassExpired already, before it is signed: what module otelhook has for it begins a
	// span. The context that it returns, which is to be made of the given one, is that of
	// Signer, Auth, Transport, Retry and OnAttempt; nil: the given one. A traceparent of
	// version 00 of W3C Trace Context goes to the receiver in the header Traceparent, which
	// no signature covers, unless the message has that header; if empty, or anything
	// else, none does. End, unless it is nil, is called after OnAttempt, and also if the
	// attempt was canceled. If one of the two panics, that is logged through [slog] and the
	// attempt stands. If nil, nothing is traced.
	Trace func(ctx context.Context, m *Message, n int) (attempt context.Context, traceparent string, end func(Attempt))

	once      sync.Once // also lets vet find copies
	transport http.RoundTripper
	tokens    oauth.Tokens
}

var _ Sender = (*Client)(nil)

// Send tries to deliver m until it is delivered or given up. It returns nil if the
// receiver has answered with a success, else a [*DeliveryError].
//
// When ctx ends, Send returns at once, and errors.Is finds [context.Cause]; when the
// next wait would outlast ctx's deadline, it does not begin to wait. The delivery can
// then go on later with [Client.Try].
func (c *Client) Send(ctx context.Context, m *Message) error {
	for n := 1; ; n++ {
		a := c.Try(ctx, m, n)
		attempts, ended := n, a.Err
		switch a.Outcome {
		case OutcomeDelivered:
			return nil
		case OutcomeCanceled:
			attempts, ended = n-1, context.Cause(ctx)
		case OutcomeRetrying:
			if ended = wait(ctx, a.Wait); ended == nil {
				continue
			}
		}
		e := &DeliveryError{Attempts: attempts, Last: a, Err: ended}
		if m != nil {
			e.MessageID = m.ID
		}
		return e
	}
}

// wait returns nil after d, or at once why ctx ends before.
func wait(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Try makes the nth attempt to deliver m, counted from 1, once and without waiting, and
// says in Outcome and Wait how the delivery goes on. It is what a queue calls, in
// whatever process.
//
// It trusts no message: one with a method, URL, header, ID or policy that must not be
// is not sent, and has ClassInvalid. All attempts send the same bytes with the same
// Webhook-Id, so that receivers can drop duplicates; time and signature are new. The
// status line decides: a success stays one whatever becomes of the response's body, or
// of ctx.
func (c *Client) Try(ctx context.Context, m *Message, n int) Attempt {
	a := Attempt{N: n, At: time.Now()}
	var policy Policy
	if ctx.Err() != nil {
		a.fail(ClassCanceled, context.Cause(ctx))
	} else if n < 1 {
		a.fail(ClassInvalid, fmt.Errorf("attempt %d, want 1 or more", n))
	} else if u, err := m.check(); err != nil {
		a.fail(ClassInvalid, err)
	} else if err := request.CheckHeaderValues("User-Agent", []string{c.UserAgent}); err != nil {
		a.fail(ClassInvalid, err)
	} else {
		policy = c.Bounds.Clamp(m.Policy.complete(m.Event))
		if policy.expired(m, a.At) {
			a.failExpired(policy.Expires)
		} else {
			var traceparent string
			var end func(Attempt)
			ctx, traceparent, end = c.trace(ctx, m, n)
			defer func() { end(a) }()
			c.attempt(ctx, m, u, policy, traceparent, &a)
		}
	}
	a.Duration = time.Since(a.At)

	switch {
	case a.Err == nil:
		a.Outcome = OutcomeDelivered
	case a.Class == ClassCanceled:
		a.Outcome = OutcomeCanceled
		return a
	case a.Class == ClassInvalid, a.Class == ClassExpired:
		a.Outcome = OutcomeFailed
	case a.Status == http.StatusGone:
		a.Outcome = OutcomeGone
	case slices.Contains(policy.GiveUp, a.Status):
		a.Outcome = OutcomeFailed
	default:
		a.Outcome = OutcomeFailed
		if wait, ok := c.next(ctx, m, policy, a); ok {
			a.Outcome, a.Wait = OutcomeRetrying, max(wait, a.RetryAfter, 0)
		}
	}
	c.tell(ctx, m, a)
	return a
}

// CloseIdleConnections closes the connections that are not in use. The Client remains
// usable.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.roundTripper().(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func (c *Client) roundTripper() http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	c.once.Do(func() { c.transport = NewTransport(Egress{}) })
	return c.transport
}

const defaultUserAgent = "Ringhook"

func (c *Client) userAgent() string { return cmp.Or(c.UserAgent, defaultUserAgent) }

// attempt signs and sends m, and judges the answer.
func (c *Client) attempt(ctx context.Context, m *Message, u *url.URL, p Policy, traceparent string, a *Attempt) {
	deadline := a.At.Add(p.Timeout)
	bounded := &deadlineContext{Context: ctx, deadline: deadline} // for what is not the exchange itself
	defer bounded.end()
	x := &exchange{id: [1]string{m.ID}, agent: [1]string{c.userAgent()}}
	header := x.header(m)
	auth, class, err := c.complete(bounded, m, u, a.At, header)
	if header[headerTraceparent] == nil && request.IsTraceparent(traceparent) { // after all that is signed
		header[headerTraceparent] = []string{traceparent}
	}
	for again := false; err == nil; again = true {
		class, err = "", c.send(ctx, x, m, u, p, deadline, header, a)
		if err != nil || a.Status != http.StatusUnauthorized || again || !c.renew(bounded, m, auth, header) {
			break
		}
		*a, x = Attempt{N: a.N, At: a.At, Requests: a.Requests}, &exchange{} // header keeps its values
	}
	switch {
	case err == nil:
	case ctx.Err() != nil: // a transport's error can look like this one for other reasons
		a.fail(ClassCanceled, context.Cause(ctx))
	case classify(err, deadline) == ClassProxy: // also on the way to a token server
		a.fail(ClassProxy, err)
	default:
		a.fail(cmp.Or(class, classify(err, deadline)), err)
	}
	if err != nil && (a.Class == ClassUnreachable || a.Class == ClassAuth && classify(err, deadline) == ClassUnreachable) {
		// Else the time would tell what the text does not.
		timer := time.NewTimer(min(unreachableTime-time.Since(a.At), time.Until(deadline)))
		defer timer.Stop()
		select { // to the end, also if ctx has no time for all of it
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// complete adds signature and credentials to the header of one attempt. Class is that of
// the error.
func (c *Client) complete(ctx context.Context, m *Message, u *url.URL, at time.Time, header http.Header) (auth *authorization, class Class, err error) {
	if c.Signer != nil {
		if err := c.sign(ctx, m, at, header); err != nil {
			return nil, ClassSign, err
		}
	}
	auth, err = c.authorize(ctx, m, u, header)
	return auth, ClassAuth, err
}

// send makes one request of an attempt.
func (c *Client) send(ctx context.Context, x *exchange, m *Message, u *url.URL, p Policy, deadline time.Time, header http.Header, a *Attempt) error {
	answer, err := c.exchange(ctx, x, &http1.Request{
		Method: m.Method, URL: u, Header: header, Body: m.Body, Owner: m.WebhookID, Deadline: deadline,
	})
	a.Requests += answer.Requests
	a.MayHaveArrived = a.Requests > 0
	if err == nil {
		a.answered(answer, u, p)
	}
	return err
}

// unreachableTime is how long an attempt takes at least that ends in ClassUnreachable:
// longer than most look-ups of names.
const unreachableTime = 250 * time.Millisecond

// exchange sends the request of one attempt.
func (c *Client) exchange(ctx context.Context, x *exchange, r *http1.Request) (a http1.Answer, err error) {
	own, isOwn := c.roundTripper().(*http1.Transport)
	if !isOwn {
		return x.foreign(ctx, c.roundTripper(), r)
	}
	defer func() {
		if v := recover(); v != nil { // of a function in Egress.TLS
			err = recovered("Transport", v)
		}
	}()
	return own.Do(ctx, r)
}

// answered judges the answer that came.
func (a *Attempt) answered(answer http1.Answer, u *url.URL, p Policy) {
	if answer.Status < 100 || answer.Status > 999 {
		a.fail(ClassProtocol, fmt.Errorf("status %d in the answer", answer.Status))
		return
	}
	points := ""
	a.Status, a.Body = answer.Status, answer.Body
	a.Location, points = location(answer.Header.Get("Location"), u)
	a.Header = answerHeader(answer.Header, a.Location)
	if a.Status == http.StatusTooManyRequests || a.Status/100 == 5 {
		a.RetryAfter = retryAfter(answer.Header.Get("Retry-After"), time.Now())
	}
	if !p.delivered(a.Status) {
		a.failStatus(p.Success, points)
	}
}

// sign adds the signature to the header of one attempt.
func (c *Client) sign(ctx context.Context, m *Message, at time.Time, header http.Header) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = recovered("Signer", v)
		}
	}()
	signature := make(http.Header)
	if err := c.Signer.Sign(ctx, m, at, signature); err != nil {
		return err
	}
	for name, values := range signature {
		canonical, err := request.CheckSignatureName(name)
		if err == nil {
			err = request.CheckHeaderValues(name, values)
		}
		_, isTwice := signature[canonical]
		switch {
		case err != nil:
			return err
		case isTwice && canonical != name:
			return request.DuplicateHeader(canonical)
		case canonical == HeaderID && !slices.Equal(values, []string{m.ID}):
			return fmt.Errorf("the Signer sets another %s", HeaderID)
		}
		header[canonical] = values
	}
	return nil
}

// next asks for the wait after a failed attempt.
func (c *Client) next(ctx context.Context, m *Message, p Policy, a Attempt) (wait time.Duration, ok bool) {
	if c.Retry == nil {
		return c.byPolicy(m, p, a)
	}
	defer func() {
		if v := recover(); v != nil { // a mistake in there must not lose the message
			logPanic(ctx, "Retry", v)
			wait, ok = c.byPolicy(m, p, a)
		}
	}()
	return c.Retry(m, a)
}

// byPolicy is the wait that a policy has, which its jitter must not take below the bound.
func (c *Client) byPolicy(m *Message, p Policy, a Attempt) (wait time.Duration, ok bool) {
	wait, ok = p.next(m.ID, a.N)
	return max(wait, c.Bounds.complete().MinWait), ok
}

const headerTraceparent = "Traceparent"

// trace begins the trace of an attempt. The end that it returns is to be called.
func (c *Client) trace(ctx context.Context, m *Message, n int) (attempt context.Context, traceparent string, end func(Attempt)) {
	if c.Trace == nil {
		return ctx, "", func(Attempt) {}
	}
	defer func() {
		if v := recover(); v != nil {
			logPanic(ctx, "Trace", v)
			attempt, traceparent, end = ctx, "", func(Attempt) {}
		}
	}()
	attempt, traceparent, told := c.Trace(ctx, m, n)
	if attempt == nil {
		attempt = ctx
	}
	return attempt, traceparent, func(a Attempt) {
		defer func() {
			if v := recover(); v != nil {
				logPanic(ctx, "Trace", v)
			}
		}()
		if told != nil {
			told(a)
		}
	}
}

// tell calls OnAttempt.
func (c *Client) tell(ctx context.Context, m *Message, a Attempt) {
	if c.OnAttempt == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			logPanic(ctx, "OnAttempt", v)
		}
	}()
	c.OnAttempt(ctx, m, a)
}

func logPanic(ctx context.Context, where string, v any) {
	slog.ErrorContext(ctx, "webhook: recovered", "error", recovered(where, v), "stack", string(debug.Stack()))
}

// recovered makes an error of a panic. Only the run-time's own texts are kept: any
// other value may hold an event's data.
func recovered(where string, v any) error {
	if err, ok := v.(runtime.Error); ok {
		return fmt.Errorf("panic in %s: %w", where, err)
	}
	return fmt.Errorf("panic in %s: %T", where, v)
}
