package webhook

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/ringhook/webhook/internal/http1"
)

// AppendHexMAC appends the signature of [HMAC], without setting a header.
func AppendHexMAC(s Secret, dst, text []byte) []byte { return s.key.AppendHex(dst, text) }

// AppendBody renders the body as Compose does, into the caller's buffer.
func AppendBody(c *Composer, dst []byte, e Event) ([]byte, error) {
	return c.program.AppendBody(dst, e)
}

// AppendRequest renders URL, headers and body as Compose does, into the caller's buffer.
func AppendRequest(c *Composer, dst []byte, e Event) ([]byte, error) {
	return c.program.AppendText(dst, e)
}

// CheckAddress checks an address with the guard of e, without dialling it.
func CheckAddress(e Egress, network, address string) error { return e.guard()(network, address) }

// NewTransportDialer is NewTransport with the test's own dialer, for its resolver.
func NewTransportDialer(e Egress, d net.Dialer) http.RoundTripper { return newTransport(e, d) }

// NewForeign is NewTransportDialer over net/http, as an embedder might have it.
func NewForeign(e Egress, d net.Dialer) http.RoundTripper {
	const leakGuard = 10 * time.Second
	d.Timeout = leakGuard
	check := e.guard()
	d.ControlContext = func(_ context.Context, network, address string, _ syscall.RawConn) error {
		return check(network, address)
	}
	t := &http.Transport{
		DialContext: d.DialContext, TLSClientConfig: e.tlsConfig(), TLSHandshakeTimeout: leakGuard,
		DisableCompression: true, MaxResponseHeaderBytes: 64 << 10, MaxIdleConnsPerHost: 256,
		IdleConnTimeout: 30 * time.Second, WriteBufferSize: 16 << 10, Protocols: new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

// NewTransportDial is NewTransport over connections that dial makes.
func NewTransportDial(dial http1.DialFunc) http.RoundTripper {
	return http1.New(http1.Config{Dial: dial, TLS: Egress{}.tlsConfig()})
}

// TLSConfig is the configuration that connections are made with.
func TLSConfig(e Egress) *tls.Config { return e.tlsConfig() }

// CompletePolicy completes a policy as Compile does.
func CompletePolicy(p Policy, eventType string) Policy { return p.complete(eventType) }

// CheckPolicy checks a policy as Compile and Try do.
func CheckPolicy(p Policy) error { return p.check() }

// KnownWebhooks returns how many ids the registry has in memory.
func KnownWebhooks(r *Registry) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}
