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
