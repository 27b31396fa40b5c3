package webhook

import (
	"net"
	"net/http"
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
func NewTransportDialer(e Egress, d *net.Dialer) http.RoundTripper { return newTransport(e, d) }

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
