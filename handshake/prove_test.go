package handshake_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/handshake"
)

// asked notes the URLs that it is asked to verify.
type asked []string

func (a *asked) Verify(_ context.Context, _ http.RoundTripper, url string) error {
	*a = append(*a, url)
	return nil
}

func TestProver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var urls asked
		p := handshake.Prover{Handshake: &urls}
		require.NoError(t, p.Prove(t.Context(), "wh_1", "https://host.example/a/@{{payload.id}}?b=c"))
		time.Sleep(20 * time.Second)
		err := p.Prove(t.Context(), "wh_1", "http://HOST.example.:8080/other")
		require.ErrorIs(t, err, handshake.ErrTooSoon)
		require.EqualError(t, err, "handshake: the host was asked less than a minute ago: try again in 40s")
		require.NoError(t, p.Prove(t.Context(), "wh_1", "https://b.example/"))
		time.Sleep(40 * time.Second)
		require.NoError(t, p.Prove(t.Context(), "wh_1", "https://host.example/"))
		require.ErrorIs(t, p.Prove(t.Context(), "wh_1", "https://b.example/"), handshake.ErrTooSoon)
		require.Equal(t, asked{"https://host.example/a/", "https://b.example/", "https://host.example/"}, urls)
	})
}

// The zero Prover asks by Echo, and reaches no private address.
func TestProverZero(t *testing.T) {
	t.Parallel()
	var p handshake.Prover
	require.ErrorIs(t, p.Prove(t.Context(), "wh_1", "http://127.0.0.1/"), handshake.ErrRefused)
	for _, other := range []string{"http://LocalHost:1/", "http://ｌocalhost:2/", "http://localhost.:3/", "http://localhost。:4/"} {
		err := p.Prove(t.Context(), "wh_1", other)
		if other == "http://LocalHost:1/" {
			require.ErrorIs(t, err, handshake.ErrRefused)
		} else {
			require.ErrorIs(t, err, handshake.ErrTooSoon, other)
		}
	}
	require.ErrorContains(t, p.Prove(t.Context(), "wh_1", "http://a b/"), "the URL cannot be parsed")
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ url, target, place string }{
		{"https://h.example", "https://h.example", "https://h.example:443/"},
		{"https://H.Example.:443/", "https://H.Example.:443/", "https://h.example:443/"},
		{"http://h.example/a%2Fb?q=1", "http://h.example/a%2Fb?q=1", "http://h.example:80/a%2Fb"},
		{"http://h.example:8080/a/{{id}}/b", "http://h.example:8080/a/", "http://h.example:8080/a/{{"},
		{"http://h.example/a-@{{id}}", "http://h.example/a-", "http://h.example:80/a-{{"},
		{"http://h.example/a/@<<id>>", "http://h.example/a/", "http://h.example:80/a/{{"},
		{"http://h.example/@<<id>>/{{b}}", "http://h.example/", "http://h.example:80/{{"},
		{"http://h.example/a?b={{c}}&d=@<<id>>", "http://h.example/a", "http://h.example:80/a"},
		{"https://h.example/a?b=c&d=@{{id}}", "https://h.example/a", "https://h.example:443/a"},
		{"https://ｈ.eXample。/ü", "https://ｈ.eXample。/ü", "https://h.example:443/%C3%BC"},
		{"http://[::1]:81/", "http://[::1]:81/", "http://[::1]:81/"},
	} {
		require.Equal(t, test.target, handshake.Target(test.url))
		place, err := handshake.Place(test.url)
		require.NoError(t, err)
		require.Equal(t, test.place, place)
	}
	for _, faulty := range []string{"", "/a", "http://", "http://h\x7f/"} {
		_, err := handshake.Place(faulty)
		require.Error(t, err, "%q", faulty)
	}
}

// What Egress has for a webhook is used for its challenge too.
func TestProver_Owner(t *testing.T) {
	t.Parallel()
	failed := errors.New("no certificate")
	var asked []string
	p := handshake.Prover{Transport: webhook.NewTransport(webhook.Egress{
		AnyPort: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Certificate: func(_ context.Context, webhookID string) (*tls.Certificate, error) {
			asked = append(asked, webhookID)
			return nil, failed
		},
	})}
	require.Error(t, p.Prove(t.Context(), "wh_1", "https://127.0.0.1:1/"))
	require.Equal(t, []string{"wh_1"}, asked)
}
