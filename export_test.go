package webhook

import (
	"net"
	"net/http"
)

// AppendHexMAC is what [HMAC] does with the bytes it signs, without the header around it.
func AppendHexMAC(s Secret, dst, text []byte) []byte { return s.key.AppendHex(dst, text) }

// AppendBody is what Compose does for a body, into the caller's buffer.
func AppendBody(c *Composer, dst []byte, e Event) ([]byte, error) {
	return c.program.AppendBody(dst, e)
}

// AppendRequest is what Compose does for URL, headers and body, into the caller's buffer.
func AppendRequest(c *Composer, dst []byte, e Event) ([]byte, error) {
	return c.program.AppendText(dst, e)
}

// CheckAddress asks the guard of e about an address, without dialling it.
func CheckAddress(e Egress, network, address string) error { return e.guard()(network, address) }

// NewTransportDialer is NewTransport with a dialer of the test's own, for its resolver.
func NewTransportDialer(e Egress, d *net.Dialer) http.RoundTripper { return newTransport(e, d) }

// CompletePolicy and CheckPolicy are what Compile and Try do with a policy.
func CompletePolicy(p Policy, eventType string) Policy { return p.complete(eventType) }

func CheckPolicy(p Policy) error { return p.check() }

// KnownWebhooks is how many ids the registry holds in memory.
func KnownWebhooks(r *Registry) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}
