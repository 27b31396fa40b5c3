// Package http1 is the HTTP/1.1 client that deliveries go by.
//
// A connection is used by the goroutine that sends: it writes the request in one piece,
// and reads the answer itself. Nothing goes on after an exchange has ended, but for
// connections that are kept for the next one.
//
// Answers are parsed by [http.ReadResponse], behind bounds of its own: what comes from a
// receiver is not trusted, and never logged.
package http1

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Config is what a [Transport] is made of.
type Config struct {
	// Dial connects to a receiver, given as host and port.
	Dial DialFunc
	// TLS is of connections to receivers, and to a proxy. It must not be nil, and is
	// used as it is.
	TLS *tls.Config
	// Proxy, if not nil, is what all requests go through: http, https or socks5.
	Proxy *url.URL
	// Direct are the addresses that are not reached through Proxy, if a URL has one of
	// them for its host.
	Direct []netip.Prefix
	// DialProxy connects to Proxy.
	DialProxy DialFunc
	// Identify, if not nil, is asked before each request over TLS, until its deadline, for
	// a certificate and for CAs that its owner, if it has one, has in place of those of
	// TLS; each can be nil. Requests share connections and sessions only where both are the same.
	Identify func(ctx context.Context, owner string) (*tls.Certificate, *x509.CertPool, error)
}

// A DialFunc connects, as [net.Dialer.DialContext] does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// A Transport sends requests over connections that it keeps. It is made by [New], and
// safe for concurrent use.
type Transport struct {
	config Config
	auth   string // Proxy-Authorization, or empty
	idle   idle

	identities identities
}

// New returns a Transport.
func New(c Config) *Transport {
	t := &Transport{config: c}
	if c.Proxy != nil {
		t.auth = basicAuth(c.Proxy.User)
	}
	return t
}

// A Request is one to be sent.
type Request struct {
	Method string
	URL    *url.URL    // its Host is ASCII, in small letters
	Header http.Header // under canonical names; of the headers of the connection, it has none
	Body   []byte
	Owner  string // whose request it is, for Identify; empty: nobody's
	// Deadline is when all of the answer's header must have come. If zero, it may take
	// any time.
	Deadline time.Time

	host string // of the header, if it is not the URL's
}

// An Answer is what came of a [Request].
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // the beginning of it, at most MaxBody
	// Requests is how many requests were written, at least in part. It is set also if
	// there was an error.
	Requests int
}

const (
	// MaxBody is how many bytes of an answer's body [Transport.Do] returns.
	MaxBody = 16 << 10
	// BodyTime is how long it reads them.
	BodyTime = time.Second

	maxHead          = 64 << 10 // of an answer: status lines and headers
	maxInformational = 16       // answers with a status 1xx before the real one
)

// Do sends a request and returns the answer. An error means that no status came; when ctx
// has ended, the error can be any.
//
// A request that failed on a connection that had been used before is sent once more, on a
// fresh one: always if nothing of it was written, and also if the connection was closed
// before a byte of an answer came.
func (t *Transport) Do(ctx context.Context, r *Request) (a Answer, err error) {
	x := exchange{transport: t}
	err = t.begin(ctx, r, &x)
	a.Requests = x.requests
	if err != nil {
		return a, err
	}
	a.Status, a.Header = x.response.StatusCode, x.response.Header
	a.Body = x.readBody(ctx)
	return a, nil
}

// CloseIdleConnections closes the connections that are not in use.
func (t *Transport) CloseIdleConnections() { t.idle.closeAll() }

// An exchange is a request, and the answer to it.
type exchange struct {
	transport *Transport
	conn      *conn
	response  *http.Response
	requests  int // that were written, at least in part
}

// begin sends a request and reads the answer's header.
func (t *Transport) begin(ctx context.Context, r *Request, x *exchange) error {
	buf := heads.Get().(*[]byte)
	defer putHead(buf)
	via := t.route(r.URL)
	head, rest, err := appendHead((*buf)[:0], r, via, t.auth)
	if err != nil {
		return err
	}
	*buf = head
	id, err := t.identify(ctx, r)
	if err != nil {
		return err
	}
	k := keyOf(r.URL, via, id)
	trace := httptrace.ContextClientTrace(ctx)
	for again := false; ; again = true {
		var c *conn
		if !again {
			c = t.reuse(ctx, r, k)
		}
		if c == nil {
			if c, err = t.dial(ctx, r, k, trace); err != nil {
				return err
			}
		}
		gotConn(trace, c)
		x.response, err = c.exchange(ctx, r, head, rest, trace) //nolint:bodyclose // the exchange ends it
		if c.socket.written > 0 {
			x.requests++
		}
		if err == nil && via == forward && x.response.StatusCode == http.StatusProxyAuthRequired {
			// Without a challenge to the one hop, it is the receiver's own answer.
			if len(x.response.Header["Proxy-Authenticate"]) > 0 {
				x.requests-- // it has not left the proxy
				c.close()
				return &ProxyError{errors.New("status 407")}
			}
		}
		if err == nil {
			x.conn = c
			return nil
		}
		c.close()
		if !c.reused || !c.mayRepeat(err) || ctx.Err() != nil {
			return c.explain(err)
		}
	}
}

// A route is how a request reaches its receiver.
type route int

const (
	direct  route = iota // by itself, or by a tunnel
	forward              // handed to a proxy, with the complete URL
	tunnel               // by CONNECT
	socks
)

func (t *Transport) route(u *url.URL) route {
	p := t.config.Proxy
	if p == nil {
		return direct
	}
	switch {
	case IsDirect(t.config.Direct, u):
		return direct
	case strings.HasPrefix(p.Scheme, "socks5"):
		return socks
	case u.Scheme == "https":
		return tunnel
	}
	return forward
}

// IsDirect reports whether a URL's host is one of the addresses, written as such.
func IsDirect(prefixes []netip.Prefix, u *url.URL) bool {
	if len(prefixes) == 0 {
		return false
	}
	address, err := netip.ParseAddr(u.Hostname())
	return err == nil && slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(address.Unmap()) })
}

// A key tells connections apart that must not be taken for each other.
type key struct {
	secure bool
	via    route
	host   string // with the port, as in the URL
	id     *identity
}

func keyOf(u *url.URL, via route, id *identity) key {
	if via == forward {
		return key{via: via, host: u.Host} // one each, lest one receiver's late answer be another's
	}
	return key{u.Scheme == "https", via, u.Host, id}
}

// address returns host and port of a URL.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func gotConn(trace *httptrace.ClientTrace, c *conn) {
	if trace != nil && trace.GotConn != nil {
		info := httptrace.GotConnInfo{Conn: c.stream, Reused: c.reused, WasIdle: c.reused}
		if c.reused {
			info.IdleTime = time.Since(c.since)
		}
		trace.GotConn(info)
	}
}

// heads has buffers for what is written in one piece.
var heads = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func putHead(b *[]byte) {
	if cap(*b) <= 64<<10 {
		heads.Put(b)
	}
}
