package http1_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

// Equal ones are one identity, which is kept while it is used, however many others come.
func TestIdentities(t *testing.T) {
	t.Parallel()
	tr := newTransport(t, http1.Config{})
	chain := func(der ...string) *tls.Certificate {
		c := &tls.Certificate{}
		for _, d := range der {
			c.Certificate = append(c.Certificate, []byte(d))
		}
		return c
	}
	pool := x509.NewCertPool()
	one := http1.IdentityOf(tr, chain("leaf", "issuer"), nil)
	require.Same(t, one, http1.IdentityOf(tr, chain("leaf", "issuer"), nil))
	for name, other := range map[string]any{
		"another leaf":   http1.IdentityOf(tr, chain("leaf2", "issuer"), nil),
		"another chain":  http1.IdentityOf(tr, chain("leaf"), nil),
		"the same bytes": http1.IdentityOf(tr, chain("leafissuer"), nil),
		"CAs":            http1.IdentityOf(tr, chain("leaf", "issuer"), pool),
		"CAs alone":      http1.IdentityOf(tr, nil, pool),
	} {
		require.NotSame(t, one, other, name)
	}
	require.Same(t, http1.IdentityOf(tr, nil, pool), http1.IdentityOf(tr, nil, x509.NewCertPool()))
	for i := range 10_000 {
		http1.IdentityOf(tr, chain(strconv.Itoa(i)), nil)
		if i%1000 == 0 {
			require.Same(t, one, http1.IdentityOf(tr, chain("leaf", "issuer"), nil))
		}
	}
	require.LessOrEqual(t, http1.Identities(tr), 4096+1)
}

// CAs of one name are as many as others, however many make themselves such a name.
func TestIdentities_OneName(t *testing.T) {
	t.Parallel()
	tr := newTransport(t, http1.Config{})
	for range 5000 {
		pool := x509.NewCertPool()
		pool.AddCert(&x509.Certificate{Raw: []byte(rand.Text()), RawSubject: []byte("one")})
		http1.IdentityOf(tr, nil, pool)
	}
	require.LessOrEqual(t, http1.Identities(tr), 4096+1)
}

// The key that was given last signs: the one before may be a handle that has ended.
func TestIdentities_Key(t *testing.T) {
	t.Parallel()
	tr := newTransport(t, http1.Config{})
	given := func() *tls.Certificate {
		_, key, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		leaf := &x509.Certificate{PublicKeyAlgorithm: x509.Ed25519, PublicKey: key.Public()}
		return &tls.Certificate{Certificate: [][]byte{[]byte("leaf")}, PrivateKey: key, Leaf: leaf}
	}
	first, second := given(), given()
	i := http1.IdentityOf(tr, first, nil)
	asked := &tls.CertificateRequestInfo{Version: tls.VersionTLS13, SignatureSchemes: []tls.SignatureScheme{tls.Ed25519}}
	got, err := http1.CertificateOf(i, asked)
	require.NoError(t, err)
	require.Same(t, first, got)
	require.Same(t, i, http1.IdentityOf(tr, second, nil))
	got, err = http1.CertificateOf(i, asked)
	require.NoError(t, err)
	require.Same(t, second, got)
	asked.SignatureSchemes = []tls.SignatureScheme{tls.PSSWithSHA256}
	got, err = http1.CertificateOf(i, asked)
	require.NoError(t, err)
	require.Empty(t, got.Certificate, "none rather than one that the server cannot take")
}
