package http1

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
)

// Kept returns how many idle connections there are for a URL.
func Kept(t *Transport, u *url.URL) int {
	t.idle.mu.Lock()
	defer t.idle.mu.Unlock()
	return len(t.idle.conns[keyOf(u, t.route(u), nil)])
}

// IdentityOf returns the identity of a certificate and CAs.
func IdentityOf(t *Transport, c *tls.Certificate, roots *x509.CertPool) *identity {
	return t.identities.of(t.config.TLS, c, roots)
}

// Identities returns how many are known.
func Identities(t *Transport) int { return len(t.identities.young) + len(t.identities.aged) }

// KeptInAll returns how many connections are idle, by the count that bounds them. It is
// wrong if that differs from what there is.
func KeptInAll(t *Transport) int {
	t.idle.mu.Lock()
	defer t.idle.mu.Unlock()
	n := 0
	for _, conns := range t.idle.conns {
		n += len(conns)
	}
	if n != t.idle.n {
		panic("connections are counted wrong")
	}
	return n
}
