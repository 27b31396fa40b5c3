package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook/internal/http1"
)

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

var acceptAll = []string{"*/*"} // never written to

// header is that of the message under canonical names, in a map of its own with the
// same values, and what every request has.
func (x *exchange) header(m *Message) http.Header {
	const added = 6 // id, user agent, accept, signature
	header := make(http.Header, len(m.Header)+added)
	header["User-Agent"] = x.agent[:]
	header["Accept"] = acceptAll
	for name, values := range m.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	header[HeaderID] = x.id[:]
	return header
}

// errTimeout is the cause of the end of a foreign attempt's context.
var errTimeout = errors.New("the policy's timeout passed")

// foreign sends a request by a transport that is not ours.
func (x *exchange) foreign(ctx context.Context, t http.RoundTripper, r *http1.Request) (a http1.Answer, err error) {
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(time.Until(r.Deadline), func() { cancel(errTimeout) })
	defer timer.Stop()
	resp, err := roundTrip(t, x.request(bounded, r))
	if err == nil {
		timer.Reset(http1.BodyTime)
		a.Status, a.Header = resp.StatusCode, resp.Header
		a.Body = readBody(resp, cancel)
		a.Requests = max(x.requests(), 1) // a transport that is not net/http's need not tell
		return a, nil
	}
	a.Requests = x.requests()
	switch {
	case bounded.Err() != nil: // the context tells who ended it
		err = fmt.Errorf("%w: %w", errTimeout, err)
	case x.handshakeFailed.Load():
		err = &http1.HandshakeError{Err: err}
	}
	return a, err
}

func (x *exchange) request(ctx context.Context, r *http1.Request) *http.Request {
	x.trace = httptrace.ClientTrace{
		WroteHeaders: func() { x.begun.Add(1) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				x.broken.Add(1)
			}
		},
	}
	if r.URL.Scheme == "https" {
		x.trace.TLSHandshakeDone = func(_ tls.ConnectionState, err error) {
			if err != nil {
				x.handshakeFailed.Store(true)
			}
		}
	}
	ctx = http1.WithOwner(ctx, r.Owner) // for ours, wrapped
	req := requestTemplate.WithContext(httptrace.WithClientTrace(ctx, &x.trace))
	req.Method, req.URL, req.Host, req.Header = r.Method, r.URL, r.URL.Host, r.Header
	if len(r.Body) > 0 {
		x.body.Reset(r.Body)
		// A plain bytes.Reader in a NopCloser: net/http knows it, and sends header and
		// body in one packet.
		req.Body, req.ContentLength = io.NopCloser(&x.body), int64(len(r.Body))
		// With it net/http can take another connection when the first one turns out to
		// be closed before anything was written.
		req.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(r.Body)), nil
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
var bodyBuffers = sync.Pool{New: func() any { return new([http1.MaxBody + 1]byte) }}

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
		buf := bodyBuffers.Get().(*[http1.MaxBody + 1]byte)
		defer bodyBuffers.Put(buf)
		if n, _ := io.ReadFull(resp.Body, buf[:]); n > 0 {
			body = make([]byte, min(n, http1.MaxBody))
			copy(body, buf[:])
		}
	}
	cancel(nil) // before Close, which must not go on reading
	_ = resp.Body.Close()
	return body
}

// A deadlineContext ends at a deadline, or with its parent. It has a timer only if someone
// asks for its end: most signers need none.
type deadlineContext struct {
	context.Context
	deadline time.Time

	mu     sync.Mutex
	real   context.Context // nil, until someone asks
	cancel context.CancelFunc
}

func (c *deadlineContext) ask() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil {
		c.real, c.cancel = context.WithDeadline(c.Context, c.deadline)
	}
	return c.real
}

// end ends the context, and frees what it has.
func (c *deadlineContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil {
		c.real, c.cancel = ended, func() {}
	}
	c.cancel()
}

// ended is the end of a context that nobody has asked.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

func (c *deadlineContext) Deadline() (time.Time, bool) {
	if parent, ok := c.Context.Deadline(); ok && parent.Before(c.deadline) {
		return parent, true
	}
	return c.deadline, true
}

func (c *deadlineContext) Done() <-chan struct{} { return c.ask().Done() }

func (c *deadlineContext) Err() error { return c.ask().Err() }

func (c *deadlineContext) Value(key any) any {
	c.mu.Lock()
	real := c.real
	c.mu.Unlock()
	if real == nil || real == ended {
		return c.Context.Value(key)
	}
	return real.Value(key) // by which package context finds it for contexts made of this one
}
