// Package webhooktest tests what sends webhooks. A [Receiver] listens on the loopback
// interface, plays a script of answers and faults, and records what arrives;
// [TestSender] tests that any [webhook.Sender] behaves as [webhook.Client] does.
//
//	rcv := webhooktest.NewReceiver(webhooktest.Status(500), webhooktest.Status(200))
//	defer rcv.Close()
//	err := rcv.Client().Send(ctx, m) // m.URL starts with rcv.URL
//	got := rcv.Requests()            // two, with the same ID and the same Body
package webhooktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/ringhook/webhook"
)

// A Receiver is an HTTP server on the loopback interface that plays a script and
// records what it was sent. It is made by [NewReceiver], and its methods are safe for
// concurrent use.
type Receiver struct {
	// URL is where the receiver listens, such as http://127.0.0.1:45671, without a
	// slash at the end.
	URL string

	// Verifier checks the signature of each request; the result is [Request.Err]. A
	// request that is not accepted uses up its step of the script, but is answered by
	// the Verifier's Handler, mostly with 401. If nil, nothing is checked. Set it
	// before the first request.
	Verifier *webhook.Verifier

	server    *httptest.Server
	transport transport
	stop      context.CancelFunc
	done      <-chan struct{} // closed by Close
	running   sync.WaitGroup  // handlers; the server does not wait for those that hijack

	mu       sync.Mutex // guards all that follows
	script   []Answer   // what is left of it; the last one stays
	requests []Request
	arrived  chan struct{} // closed and replaced when a request arrives
}

// A Request is one that arrived at a [Receiver].
type Request struct {
	ID     string      // of the message: the Webhook-Id header
	Method string      // as sent
	URL    string      // path and query as sent: Receiver.URL + URL is the message's URL
	Header http.Header // all but Host
	Body   []byte      // all of it
	At     time.Time   // when all of it had been read
	Err    error       // what the Receiver's Verifier said; nil without one
}

// NewReceiver starts a receiver whose nth request gets the nth answer of the script,
// and every later request the last one. An empty script answers 200. The caller calls
// [Receiver.Close] when done. Like [httptest.NewServer], it panics if it cannot listen.
//
// With several requests at once, the order of arrival decides which gets which answer.
func NewReceiver(script ...Answer) *Receiver { return NewReceiverAt(nil, script...) }

// NewReceiverAt is [NewReceiver] on a listener of the loopback interface, for a receiver
// whose port is known before. The receiver closes it. If it is nil, one is made.
func NewReceiverAt(l net.Listener, script ...Answer) *Receiver {
	if len(script) == 0 {
		script = []Answer{{}}
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Receiver{script: slices.Clone(script), arrived: make(chan struct{}), stop: stop, done: ctx.Done()}
	r.server = newServer(l, http.HandlerFunc(r.serve))
	r.server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	r.server.Start()
	r.URL = r.server.URL
	r.transport = transport{receiver: r, base: webhook.NewTransport(webhook.Egress{
		Allow:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		AnyPort: true,
	})}
	return r
}

func newServer(l net.Listener, handler http.Handler) *httptest.Server {
	if l == nil {
		return httptest.NewUnstartedServer(handler)
	}
	return &httptest.Server{Listener: l, Config: &http.Server{Handler: handler}} //nolint:gosec // as httptest makes it
}

// Close ends the answers that still go on, closes all connections and waits until no
// handler runs. Requests can still be read afterwards. A second Close does nothing.
func (r *Receiver) Close() {
	r.stop() // first: a request that starts after this gives up by itself; see serve
	r.server.CloseClientConnections()
	r.server.Close()
	r.running.Wait()
	r.transport.CloseIdleConnections()
}

// Client returns a new client that may reach the receiver: only addresses of the
// loopback interface are allowed, on any port, and a policy may ask for waits of
// milliseconds. It has no Signer and no OnAttempt; set them before the first use. It can
// be used until Close.
func (r *Receiver) Client() *webhook.Client {
	return &webhook.Client{Transport: r.transport, Bounds: webhook.Bounds{MinWait: -1}}
}

// Requests returns what has arrived so far, in order of arrival. The slice is the
// caller's; headers and bodies are shared and must not be changed.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Wait waits until at least n requests have arrived, which may be before they are
// answered, and returns all that have. If ctx ends or the receiver is closed first, it
// returns what had arrived and an error, which wraps the Cause of ctx.
func (r *Receiver) Wait(ctx context.Context, n int) ([]Request, error) {
	for {
		r.mu.Lock()
		got, arrived := slices.Clone(r.requests), r.arrived
		r.mu.Unlock()
		if len(got) >= n {
			return got, nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return got, fmt.Errorf("webhooktest: %d of %d requests arrived: %w", len(got), n, context.Cause(ctx))
		case <-r.done:
			return got, fmt.Errorf("webhooktest: %d of %d requests arrived before Close", len(got), n)
		}
	}
}

// Next waits for a request and takes it away: [Receiver.Requests] and [Receiver.Wait] have
// those only that were not taken. So what runs for long keeps nothing. It returns the
// oldest; if there is none and ctx ends or the receiver is closed first, an error, which
// wraps the Cause of ctx.
func (r *Receiver) Next(ctx context.Context) (Request, error) {
	for {
		if _, err := r.Wait(ctx, 1); err != nil {
			return Request{}, err
		}
		if next, ok := r.takeRequest(); ok { // and no other Next was quicker
			return next, nil
		}
	}
}

func (r *Receiver) takeRequest() (next Request, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.requests) == 0 {
		return next, false
	}
	next = r.requests[0]
	r.requests = slices.Delete(r.requests, 0, 1)
	return next, true
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	r.running.Add(1)
	defer r.running.Done()
	select {
	case <-r.done: // Close has begun, and may not know this connection
		panic(http.ErrAbortHandler)
	default:
	}
	body, err := io.ReadAll(req.Body)
	if err != nil { // the sender went away in the middle: nothing arrived
		panic(http.ErrAbortHandler)
	}
	got := Request{
		ID: req.Header.Get(webhook.HeaderID), Method: req.Method, URL: req.RequestURI,
		Header: req.Header.Clone(), Body: body, At: time.Now(), Err: r.verify(req, body),
	}
	answer := r.record(got)
	req.Body = io.NopCloser(bytes.NewReader(body))
	if r.Verifier != nil && !answer.refuse {
		r.Verifier.Handler(http.HandlerFunc(answer.play)).ServeHTTP(w, req)
		return
	}
	answer.play(w, req)
}

func (r *Receiver) verify(req *http.Request, body []byte) error {
	if r.Verifier == nil {
		return nil
	}
	if (r.Verifier.Header != "" || r.Verifier.HMAC != nil) && req.Method == http.MethodGet {
		body = []byte(req.URL.RawQuery) // what an HMAC of a GET covers
	}
	return r.Verifier.Verify(req.Context(), req.Header, body)
}

// record notes a request and takes the next step of the script for it. It does both
// under one lock, so that the nth of Requests got the nth answer.
func (r *Receiver) record(got Request) Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	answer := r.takeLocked()
	if !answer.refuse {
		r.requests = append(r.requests, got)
		close(r.arrived)
		r.arrived = make(chan struct{})
	}
	return answer
}

// refuses reports whether the next step of the script is Refuse, and takes it if so.
func (r *Receiver) refuses() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.script[0].refuse && r.takeLocked().refuse
}

// takeLocked takes the next step of the script. It needs r.mu.
func (r *Receiver) takeLocked() Answer {
	answer := r.script[0]
	if len(r.script) > 1 {
		r.script = r.script[1:]
	}
	return answer
}

// A transport plays Refuse, which a server that listens cannot: it sends the request to
// a port on which nobody listens.
type transport struct {
	receiver *Receiver
	base     http.RoundTripper
}

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if "http://"+req.URL.Host == t.receiver.URL && t.receiver.refuses() {
		req = req.Clone(req.Context())
		req.URL.Host = closedAddress()
	}
	return t.base.RoundTrip(req)
}

func (t transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// closedAddress returns the address of a listener that was just closed. The system hardly
// gives its port to somebody else before it is dialled.
func closedAddress() string {
	l := httptest.NewUnstartedServer(nil).Listener
	defer l.Close()
	return l.Addr().String()
}
