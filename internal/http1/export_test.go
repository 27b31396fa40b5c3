package http1

import (
	"crypto/sha256"
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
func Identities(t *Transport) (n int) {
	for _, known := range []map[[sha256.Size]byte][]*identity{t.identities.young, t.identities.aged} {
		for _, alike := range known {
			n += len(alike)
		}
	}
	return n
}

// CertificateOf returns what an identity answers a server that asks for a certificate.
func CertificateOf(i *identity, asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return i.config.GetClientCertificate(asked)
}

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
