package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook/internal/request"
)

const (
	maxResponseBody = 16 << 10    // kept of a response's body
	bodyTimeout     = time.Second // for reading it, whatever the policy's timeout
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
	// Retry says when to try again. If nil, the message's Policy does.
	Retry RetryFunc
	// Transport carries the requests; with one of your own, keeping it away from
	// private addresses is up to you. If nil, [NewTransport] of the zero [Egress] is
	// used.
	Transport http.RoundTripper
	// Bounds are what a message's Policy may ask for at most; a longer timeout, more
	// attempts and shorter waits are held to them. They do not bound Retry.
	Bounds Bounds
	// OnAttempt is told of each attempt that has a result, before Try returns; attempts
	// that ended by the caller's context have none. If it panics, that is logged
	// through [slog] and the result stays. If nil, nothing is told.
	OnAttempt func(context.Context, *Message, Attempt)

	once      sync.Once // also lets vet find copies
	transport http.RoundTripper
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
	} else {
		policy = c.Bounds.Clamp(m.Policy.complete(m.Event))
		c.attempt(ctx, m, u, policy, &a)
	}
	a.Duration = time.Since(a.At)

	switch {
	case a.Err == nil:
		a.Outcome = OutcomeDelivered
	case a.Class == ClassCanceled:
		a.Outcome = OutcomeCanceled
		return a
	case a.Class == ClassInvalid:
		a.Outcome = OutcomeFailed
	case a.Status == http.StatusGone:
		a.Outcome = OutcomeGone
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

// errTimeout is the cause of the end of an attempt's context.
var errTimeout = errors.New("the policy's timeout passed")

// attempt signs and sends m, and judges the answer.
func (c *Client) attempt(ctx context.Context, m *Message, u *url.URL, p Policy, a *Attempt) {
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(p.Timeout, func() { cancel(errTimeout) })
	defer timer.Stop()

	x := &exchange{id: [1]string{m.ID}, agent: [1]string{"Ringhook"}}
	header := x.header(m)
	if err := c.sign(bounded, m, a.At, header); err != nil {
		if ctx.Err() != nil {
			a.fail(ClassCanceled, context.Cause(ctx))
			return
		}
		a.fail(ClassSign, err)
		return
	}
	points := ""
	resp, err := roundTrip(c.roundTripper(), x.request(bounded, m, u, header))
	if err == nil {
		timer.Reset(bodyTimeout)
		a.Location, points = location(resp.Header.Get("Location"), u)
		a.Body = readBody(resp, cancel)
		a.Status = resp.StatusCode
		if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
			a.RetryAfter = retryAfter(resp.Header.Get("Retry-After"), time.Now())
		}
	}
	a.Requests = x.requests()
	if err == nil {
		a.Requests = max(a.Requests, 1) // a transport that is not net/http's need not tell
	}
	a.MayHaveArrived = a.Requests > 0

	// The contexts tell who ended it: a transport's error can look like theirs for
	// other reasons.
	switch {
	case err == nil && p.delivered(a.Status):
	case err == nil:
		a.failStatus(p.Success, points)
	case ctx.Err() != nil:
		a.fail(ClassCanceled, context.Cause(ctx))
	case bounded.Err() != nil:
		a.fail(ClassTimeout, err)
	case x.handshakeFailed.Load():
		a.fail(ClassTLS, err)
	default:
		a.fail(classify(err), err)
	}
}

// sign adds the signature to the header of one attempt.
func (c *Client) sign(ctx context.Context, m *Message, at time.Time, header http.Header) (err error) {
	if c.Signer == nil {
		return nil
	}
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

// roundTrip sends one request. It takes a panic of a transport as its error.
func roundTrip(t http.RoundTripper, req *http.Request) (resp *http.Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			resp, err = nil, recovered("Transport", v)
		}
	}()
	resp, err = t.RoundTrip(req)
	switch {
	case err == nil && resp == nil:
		err = errors.New("the Transport returned neither a response nor an error")
	case err != nil:
		_ = err.Error() // if it panics, it does so here
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		resp = nil
	}
	return resp, err
}

// The byte beyond the limit is there to see that a body of just that size has ended.
var bodyBuffers = sync.Pool{New: func() any { return new([maxResponseBody + 1]byte) }}

// readBody returns the beginning of the body, and ends it. If it has ended by itself,
// the connection is free for the next request. Whatever goes wrong, the status has been
// seen, so there are no errors.
func readBody(resp *http.Response, cancel context.CancelCauseFunc) (body []byte) {
	if resp.Body == nil || resp.Body == http.NoBody {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			body = nil
		}
	}()
	if resp.StatusCode != http.StatusSwitchingProtocols { // its body is the connection
		buf := bodyBuffers.Get().(*[maxResponseBody + 1]byte)
		defer bodyBuffers.Put(buf)
		if n, _ := io.ReadFull(resp.Body, buf[:]); n > 0 {
			body = make([]byte, min(n, maxResponseBody))
			copy(body, buf[:])
		}
	}
	cancel(nil) // before Close, which must not go on reading
	_ = resp.Body.Close()
	return body
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

// An exchange is what one attempt gives to net/http, and what net/http tells about it,
// also after the attempt has ended.
type exchange struct {
	trace           httptrace.ClientTrace
	body            bytes.Reader
	id              [1]string    // values of the header
	agent           [1]string    // likewise
	begun           atomic.Int32 // requests whose header was written
	broken          atomic.Int32 // those of them that were not written whole
	handshakeFailed atomic.Bool
}

// header is that of the message under canonical names, in a map of its own with the
// same values, and what every request has.
func (x *exchange) header(m *Message) http.Header {
	const added = 5 // id, user agent, signature
	header := make(http.Header, len(m.Header)+added)
	header["User-Agent"] = x.agent[:]
	for name, values := range m.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	header[HeaderID] = x.id[:]
	return header
}

func (x *exchange) request(ctx context.Context, m *Message, u *url.URL, header http.Header) *http.Request {
	x.trace = httptrace.ClientTrace{
		WroteHeaders: func() { x.begun.Add(1) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				x.broken.Add(1)
			}
		},
	}
	if u.Scheme == "https" {
		x.trace.TLSHandshakeDone = func(_ tls.ConnectionState, err error) {
			if err != nil {
				x.handshakeFailed.Store(true)
			}
		}
	}
	req := requestTemplate.WithContext(httptrace.WithClientTrace(ctx, &x.trace))
	req.Method, req.URL, req.Host, req.Header = m.Method, u, u.Host, header
	if len(m.Body) > 0 {
		x.body.Reset(m.Body)
		// A plain bytes.Reader in a NopCloser: net/http knows it, and sends header and
		// body in one packet.
		req.Body, req.ContentLength = io.NopCloser(&x.body), int64(len(m.Body))
		// With it net/http can take another connection when the first one turns out to
		// be closed before anything was written.
		req.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(m.Body)), nil
		}
	}
	return req
}

// requestTemplate spares making a request only to copy it: WithContext is the one way
// to set the context.
var requestTemplate = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// requests counts what was written. One that broke is not counted if another one
// followed, since net/http repeats by itself when it has written nothing; if it was the
// only one, a part may have been.
func (x *exchange) requests() int {
	begun := int(x.begun.Load())
	return max(begun-int(x.broken.Load()), min(begun, 1))
}
