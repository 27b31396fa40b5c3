package webhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// A seenConn is a connection as the server sees it: who has said to be there, request by
// request.
type seenConn struct {
	clients map[string]int // by certificate; "" is none
	resumed bool
}

// An identityServer asks for client certificates, and notes them.
type identityServer struct {
	*httptest.Server
	mu    sync.Mutex
	conns map[string]*seenConn // by the client's address
	total int                  // connections that were made, also for nothing
}

func newIdentityServer(t testing.TB, own tls.Certificate, version uint16) *identityServer {
	s := &identityServer{conns: make(map[string]*seenConn)}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := s.conns[r.RemoteAddr]
		if c == nil {
			c = &seenConn{clients: make(map[string]int), resumed: r.TLS.DidResume}
			s.conns[r.RemoteAddr] = c
		}
		name := ""
		if len(r.TLS.PeerCertificates) > 0 {
			name = string(r.TLS.PeerCertificates[0].Raw)
		}
		c.clients[name]++
		if r.Header.Get("X-Want") != "" && name == "" || r.Header.Get("X-Want") == "" && name != "" {
			panic(http.ErrAbortHandler)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.total++
		}
	}
	s.TLS = &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert, MinVersion: version, MaxVersion: version}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// seen returns how many connections each certificate had, of how many some went on with a
// session of before, and fails if one connection had two.
func (s *identityServer) seen(t testing.TB) (conns map[string]int, resumed int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	conns = make(map[string]int)
	for _, c := range s.conns {
		require.Len(t, c.clients, 1, "two certificates over one connection")
		for name := range c.clients {
			conns[name]++
		}
		if c.resumed {
			resumed++
		}
	}
	return conns, resumed
}

// By the server's view, no two webhooks share a connection, or a session, unless they have
// the same certificate.
func TestEgress_Certificate(t *testing.T) {
	t.Parallel()
	own, pool := certificate(t, time.Now().Add(time.Hour))
	one, _ := certificate(t, time.Now().Add(time.Hour))
	two, _ := certificate(t, time.Now().Add(time.Hour))
	same := one // another value, the same certificate
	same.Certificate = [][]byte{append([]byte{}, one.Certificate[0]...)}
	byID := map[string]*tls.Certificate{"one": &one, "two": &two, "same": &same, "none": nil}
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		for _, k := range carriers[:2] { // net/http does not know whose a request is
			t.Run(name+" "+k.name, func(t *testing.T) {
				t.Parallel()
				srv := newIdentityServer(t, own, version)
				e := loopback
				e.TLS = &tls.Config{RootCAs: pool}
				e.Certificate = func(_ context.Context, webhookID string) (*tls.Certificate, error) {
					c, ok := byID[webhookID]
					if !ok {
						t.Errorf("asked for %q", webhookID)
					}
					return c, nil
				}
				c := k.client(t, e)
				send := func(id string) {
					m := message(srv.URL)
					if m.WebhookID = id; byID[id] != nil {
						m.Header.Set("X-Want", "a certificate")
					}
					require.NoError(t, c.Try(t.Context(), m, 1).Err)
				}
				all := []string{"one", "two", "none", "", "same", "two", "none", "one", "", "same"}
				for range 3 {
					for _, id := range all {
						send(id)
					}
					c.CloseIdleConnections()
				}
				conns, resumed := srv.seen(t)
				require.Equal(t, map[string]int{string(one.Certificate[0]): 3, string(two.Certificate[0]): 3, "": 3}, conns)
				require.Equal(t, 6, resumed, "all but the first ones")

				var wg sync.WaitGroup
				for i := range 8 {
					wg.Go(func() {
						for j := range 20 {
							send(all[(i+j)%len(all)])
						}
					})
				}
				wg.Wait()
				srv.seen(t)
			})
		}
	}
}

// A certificate that was replaced counts from the next attempt on.
func TestEgress_CertificateReplaced(t *testing.T) {
	t.Parallel()
	own, pool := certificate(t, time.Now().Add(time.Hour))
	srv := newIdentityServer(t, own, tls.VersionTLS13)
	current, _ := certificate(t, time.Now().Add(time.Hour))
	e := loopback
	e.TLS = &tls.Config{RootCAs: pool}
	e.Certificate = func(context.Context, string) (*tls.Certificate, error) { return &current, nil }
	c := newClient(t, e)
	m := message(srv.URL)
	m.Header.Set("X-Want", "a certificate")
	require.NoError(t, c.Send(t.Context(), m))
	old := current
	current, _ = certificate(t, time.Now().Add(time.Hour))
	require.NoError(t, c.Send(t.Context(), m))
	conns, _ := srv.seen(t)
	require.Equal(t, map[string]int{string(old.Certificate[0]): 1, string(current.Certificate[0]): 1}, conns)
}

// A webhook's own CAs are those by which its receiver is judged, whatever connections and
// sessions others have there.
func TestEgress_RootCAs(t *testing.T) {
	t.Parallel()
	own, pool := certificate(t, time.Now().Add(time.Hour))
	srv := newIdentityServer(t, own, tls.VersionTLS13)
	_, other := certificate(t, time.Now().Add(time.Hour)) // which has the same, empty name
	e := loopback
	e.RootCAs = func(_ context.Context, webhookID string) (*x509.CertPool, error) {
		return map[string]*x509.CertPool{"trusts": pool, "equal": pool.Clone(), "distrusts": other}[webhookID], nil
	}
	c := newClient(t, e)
	for range 2 {
		for id, text := range map[string]string{
			"trusts": "", "equal": "", "distrusts": "certificate of an unknown authority", "none": "certificate of an unknown authority",
		} {
			m := message(srv.URL)
			m.WebhookID = id
			a := c.Try(t.Context(), m, 1)
			if text == "" {
				require.NoError(t, a.Err, id)
				continue
			}
			requireFailed(t, a, webhook.ClassTLS, text)
			require.False(t, a.MayHaveArrived)
		}
	}
	conns, _ := srv.seen(t)
	require.Equal(t, map[string]int{"": 1}, conns)
}

// Whatever is wrong with what a webhook has of its own, nothing is sent, and it is not the
// receiver's fault.
func TestEgress_CertificateFails(t *testing.T) {
	t.Parallel()
	own, pool := certificate(t, time.Now().Add(time.Hour))
	good, _ := certificate(t, time.Now().Add(time.Hour))
	give := func(c tls.Certificate) func(context.Context, string) (*tls.Certificate, error) {
		return func(context.Context, string) (*tls.Certificate, error) { return &c, nil }
	}
	tests := []struct {
		name   string
		egress webhook.Egress
		detail string
	}{
		{"another's key", webhook.Egress{Certificate: give(tls.Certificate{Certificate: good.Certificate, PrivateKey: own.PrivateKey})}, "Egress.Certificate: the certificate does not fit the private key"},
		{"another's leaf", webhook.Egress{Certificate: give(tls.Certificate{Certificate: good.Certificate, PrivateKey: own.PrivateKey, Leaf: leafOf(t, own)})}, "Egress.Certificate: the certificate does not fit the private key"},
		{"no key", webhook.Egress{Certificate: give(tls.Certificate{Certificate: good.Certificate})}, "Egress.Certificate: a private key of type <nil> cannot sign"},
		{"no certificate", webhook.Egress{Certificate: give(tls.Certificate{PrivateKey: own.PrivateKey})}, "Egress.Certificate: there is no certificate in it"},
		{"no DER", webhook.Egress{Certificate: give(tls.Certificate{Certificate: [][]byte{{1, 2}}, PrivateKey: own.PrivateKey})}, "Egress.Certificate: x509: malformed certificate"},
		{"fails", webhook.Egress{Certificate: func(context.Context, string) (*tls.Certificate, error) { return nil, errors.New("vault sealed") }}, "Egress.Certificate: vault sealed"},
		{"panics", webhook.Egress{Certificate: func(context.Context, string) (*tls.Certificate, error) { panic("s3cret") }}, "panic in Egress.Certificate: string"},
		{"CAs fail", webhook.Egress{RootCAs: func(context.Context, string) (*x509.CertPool, error) { return nil, errors.New("no such file") }}, "Egress.RootCAs: no such file"},
		{"CAs panic", webhook.Egress{RootCAs: func(context.Context, string) (*x509.CertPool, error) { panic("s3cret") }}, "panic in Egress.RootCAs: string"},
		{"takes too long", webhook.Egress{Certificate: func(ctx context.Context, _ string) (*tls.Certificate, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}, "Egress.Certificate: context "},
	}
	for _, tt := range tests {
		for _, k := range carriers[:2] {
			t.Run(tt.name+" "+k.name, func(t *testing.T) {
				t.Parallel()
				srv := newIdentityServer(t, own, tls.VersionTLS13)
				e := tt.egress
				e.Allow, e.AnyPort, e.TLS = loopback.Allow, true, &tls.Config{RootCAs: pool}
				m := message(srv.URL)
				if tt.name == "takes too long" {
					m.Policy.Timeout = 20 * time.Millisecond
				}
				a := k.client(t, e).Try(t.Context(), m, 1)
				requireFailed(t, a, webhook.ClassAuth, "our certificate for this receiver is not available")
				require.ErrorContains(t, errors.Unwrap(a.Err), tt.detail)
				require.Equal(t, "delivery-certificate", a.Code)
				require.Zero(t, a.Requests)
				require.False(t, a.MayHaveArrived)
				srv.mu.Lock()
				defer srv.mu.Unlock()
				require.Zero(t, srv.total, "no connection was made")
			})
		}
	}
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		t.Cleanup(srv.Close)
		e := loopback
		e.Certificate = func(context.Context, string) (*tls.Certificate, error) { panic("asked without TLS") }
		require.NoError(t, newClient(t, e).Send(t.Context(), message(srv.URL)))
	})
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		e := loopback
		ctx, cancel := context.WithCancel(t.Context())
		e.Certificate = func(ctx context.Context, _ string) (*tls.Certificate, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		}
		a := newClient(t, e).Try(ctx, message("https://127.0.0.1:1/"), 1)
		require.Equal(t, webhook.OutcomeCanceled, a.Outcome)
	})
}

func leafOf(t testing.TB, c tls.Certificate) *x509.Certificate {
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	require.NoError(t, err)
	return leaf
}
