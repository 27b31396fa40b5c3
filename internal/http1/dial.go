package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/proxy"
)

// Connecting and the handshakes together get so long at most, whatever the deadline is: a
// host that is dead shows it by then.
const connectTime = 10 * time.Second

// A HandshakeError is a failure of TLS with the receiver.
type HandshakeError struct {
	Err error
	// WantsCertificate says that the receiver asked for a client's certificate and got
	// none.
	WantsCertificate bool
}

func (e *HandshakeError) Error() string { return e.Err.Error() }

func (e *HandshakeError) Unwrap() error { return e.Err }

// A ProxyError is a failure of the proxy itself: it was not reached, or took neither our
// TLS nor our credentials.
type ProxyError struct{ Err error }

func (e *ProxyError) Error() string { return "proxy: " + e.Err.Error() }

func (e *ProxyError) Unwrap() error { return e.Err }

// A RefusedError is the answer of a proxy that did not connect to the receiver.
type RefusedError struct {
	// Forbidden says that it must not, rather than cannot.
	Forbidden bool
	Reason    string
}

func (e *RefusedError) Error() string { return "refused by the proxy: " + e.Reason }

// dial makes a connection for a request, ready to be used.
func (t *Transport) dial(ctx context.Context, r *Request, k key, trace *httptrace.ClientTrace) (*conn, error) {
	deadline := time.Now().Add(connectTime)
	if !r.Deadline.IsZero() && r.Deadline.Before(deadline) {
		deadline = r.Deadline
	}
	bounded, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	plain, err := t.connect(bounded, r.URL, k.via)
	if err != nil && isExhausted(err) { // idle connections are of less use than this one
		t.idle.closeAll()
		plain, err = t.connect(bounded, r.URL, k.via)
	}
	if err != nil {
		return nil, err
	}
	socket := newSocket(plain)
	c := &conn{stream: socket, socket: socket, key: k}
	isReady := false
	defer func() { // also if a function of the caller's panics, in a handshake
		if !isReady {
			c.close()
		}
	}()
	c.use(ctx, deadline)
	if err := t.prepare(ctx, c, r.URL, trace); err != nil {
		return nil, err
	}
	isReady = true
	c.setDeadline(ctx, r.Deadline)
	return c, nil
}

// isExhausted reports whether there are too many open files, in this process or on this
// machine.
func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// connect makes the TCP connection: to the receiver, or to the proxy.
func (t *Transport) connect(ctx context.Context, u *url.URL, via route) (net.Conn, error) {
	if via == direct {
		return t.config.Dial(ctx, "tcp", address(u))
	}
	isReached := false
	dial := proxyDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := t.config.DialProxy(ctx, network, address)
		isReached = err == nil
		return c, err
	})
	p := t.config.Proxy
	if via != socks {
		c, err := dial(ctx, "tcp", address(p))
		if err != nil {
			return nil, &ProxyError{err}
		}
		return c, nil
	}
	var auth *proxy.Auth
	if p.User != nil {
		password, _ := p.User.Password()
		auth = &proxy.Auth{User: p.User.Username(), Password: password}
	}
	dialer, err := proxy.SOCKS5("tcp", address(p), auth, dial)
	if err != nil {
		return nil, &ProxyError{err}
	}
	c, err := dialer.(proxy.ContextDialer).DialContext(ctx, "tcp", address(u))
	switch {
	case err == nil:
		return c, nil
	case isReached && isTimeoutOf(err):
		return nil, err // the proxy waits for the receiver, as far as anyone can tell
	case isReached && strings.Contains(err.Error(), "unknown error "): // how the library calls a refusal
		_, reason, _ := strings.Cut(err.Error(), "unknown error ")
		return nil, &RefusedError{strings.Contains(reason, "not allowed"), reason}
	}
	return nil, &ProxyError{err}
}

// proxyDialer is a function that is a proxy.Dialer and a proxy.ContextDialer.
type proxyDialer DialFunc

func (f proxyDialer) Dial(network, address string) (net.Conn, error) {
	return f(context.Background(), network, address)
}

func (f proxyDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// isTimeoutOf is isTimeout of an error that may be wrapped.
func isTimeoutOf(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// prepare makes a tunnel and TLS of a new connection.
func (t *Transport) prepare(ctx context.Context, c *conn, u *url.URL, trace *httptrace.ClientTrace) error {
	via := c.key.via
	if (via == forward || via == tunnel) && t.config.Proxy.Scheme == "https" {
		config := t.config.TLS.Clone()
		config.ServerName = t.config.Proxy.Hostname()
		over := tls.Client(c.stream, config)
		if err := over.HandshakeContext(context.WithoutCancel(ctx)); err != nil {
			return &ProxyError{err}
		}
		c.stream = over
	}
	if via == tunnel {
		if err := c.tunnel(address(u), t.auth); err != nil {
			return err
		}
	}
	if u.Scheme != "https" || via == forward {
		return nil
	}
	config := t.config.TLS
	if c.key.id != nil {
		config = c.key.id.config
	}
	return c.handshake(ctx, config.Clone(), u.Hostname(), trace)
}

// tunnel asks the proxy at the other end to connect to a receiver.
func (c *conn) tunnel(address, auth string) error {
	head := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if auth != "" {
		head += "Proxy-Authorization: " + auth + "\r\n"
	}
	if _, err := c.stream.Write([]byte(head + "\r\n")); err != nil {
		return &ProxyError{err}
	}
	c.left = maxHead
	answer, err := c.readHead(http.MethodConnect, nil) //nolint:bodyclose // it has none
	switch {
	case err != nil && isTimeoutOf(err):
		return err // the proxy waits for the receiver, as far as anyone can tell
	case err != nil:
		return &ProxyError{err}
	case answer.StatusCode == http.StatusProxyAuthRequired:
		return &ProxyError{fmt.Errorf("status %d", answer.StatusCode)}
	case answer.StatusCode/100 != 2:
		return &RefusedError{answer.StatusCode == http.StatusForbidden, fmt.Sprintf("status %d", answer.StatusCode)}
	case c.reader.Buffered() > 0:
		return &ProxyError{errors.New("bytes before those of the receiver")}
	}
	return nil
}

// handshake puts TLS with a receiver over the connection.
func (c *conn) handshake(ctx context.Context, config *tls.Config, host string, trace *httptrace.ClientTrace) error {
	if config.ServerName == "" {
		config.ServerName = host
	}
	if len(config.Certificates) == 0 && config.GetClientCertificate == nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			c.wantsCert = true
			return &tls.Certificate{}, nil // none
		}
	}
	if trace != nil && trace.TLSHandshakeStart != nil {
		trace.TLSHandshakeStart()
	}
	over := tls.Client(c.stream, config)
	// The deadline of the connection ends it, without a goroutine.
	err := over.HandshakeContext(context.WithoutCancel(ctx))
	if trace != nil && trace.TLSHandshakeDone != nil {
		trace.TLSHandshakeDone(over.ConnectionState(), err)
	}
	if err != nil {
		if isTimeout(err) {
			return err
		}
		return &HandshakeError{err, c.wantsCert}
	}
	c.stream, c.tls = over, over
	return nil
}
