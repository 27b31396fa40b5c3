package http1_test

import (
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
