package webhook_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// The fault tests are named after the ids of the fault table: each injects a fault and
// checks the result.

// unreachableText is what customers are told of private addresses and unknown names.
const unreachableText = "host not found or not allowed"

func TestFault_Dial(t *testing.T) {
	t.Parallel()
	forEach(t, testDial)
}

func testDial(t *testing.T, k carrier) {
	t.Run("dial-refused", func(t *testing.T) {
		t.Parallel()
		a := k.client(t, loopback).Try(t.Context(), message("http://"+closedAddress(t)+"/"), 1)
		requireFailed(t, a, webhook.ClassConnect, "connection refused")
		require.ErrorIs(t, a.Err, syscall.ECONNREFUSED)
		require.Zero(t, a.Requests)
		require.False(t, a.MayHaveArrived)
	})
	t.Run("dial-timeout", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{}) // for net/http, which goes on dialling
			defer close(release)
			c := &webhook.Client{Transport: k.dial(pipeDialer(release, true))}
			a := c.Try(t.Context(), message("http://receiver.test/"), 1)
			requireFailed(t, a, webhook.ClassTimeout, "no answer in time")
			require.Equal(t, 3*time.Second, a.Duration)
			require.False(t, a.MayHaveArrived)
		})
	})
	t.Run("dial-mixed-answers", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		t.Cleanup(srv.Close)
		_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
		require.NoError(t, err)
		c := k.clientDialer(t, loopback, net.Dialer{Resolver: fakeDNS(t, func() []string { return []string{"127.0.0.2", "127.0.0.1"} })})
		a := c.Try(t.Context(), message("http://two.test:"+port+"/"), 1)
		require.NoError(t, a.Err)
		require.Equal(t, 1, a.Requests)
	})
	t.Run("guard-blocked", func(t *testing.T) {
		t.Parallel()
		resolver := fakeDNS(t, func() []string { return []string{"10.0.0.1"} })
		c := k.clientDialer(t, webhook.Egress{}, net.Dialer{Resolver: resolver})
		a := c.Try(t.Context(), message("http://internal.test/"), 1)
		requireFailed(t, a, webhook.ClassUnreachable, unreachableText)
		require.ErrorContains(t, unwrapAll(a.Err), "10.0.0.1", "the operator is told")
		require.Equal(t, 10*time.Second, a.Wait, "no hot loop")
		require.Zero(t, a.Requests)
		require.False(t, a.MayHaveArrived)
	})
}

func TestFault_DNS(t *testing.T) {
	t.Parallel()
	forEach(t, testDNS)
}

func testDNS(t *testing.T, k carrier) {
	tests := []struct {
		id      string
		answers func() []string
	}{
		{"dns-nxdomain", func() []string { return nil }},
		{"dns-servfail", func() []string { return []string{} }},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			c := k.clientDialer(t, loopback, net.Dialer{Resolver: fakeDNS(t, tt.answers)})
			a := c.Try(t.Context(), message("http://missing.test/"), 1)
			requireFailed(t, a, webhook.ClassUnreachable, unreachableText)
			var dns *net.DNSError
			require.ErrorAs(t, a.Err, &dns)
			require.False(t, a.MayHaveArrived)
		})
	}
	t.Run("dns-slow", func(t *testing.T) {
		t.Parallel()
		release := make(chan struct{})
		t.Cleanup(func() { close(release) })
		c := clientWithResolver(t, loopback, fakeDNS(t, func() []string {
			<-release
			return nil
		}))
		m := message("http://slow.test/")
		m.Policy.Timeout = 50 * time.Millisecond
		requireFailed(t, c.Try(t.Context(), m, 1), webhook.ClassTimeout, "no answer in time")
	})
}

func TestFault_TLS(t *testing.T) {
	t.Parallel()
	forEach(t, testTLS)
}

func testTLS(t *testing.T, k carrier) {
	expired, expiredPool := certificate(t, time.Now().Add(-time.Hour))
	good, goodPool := certificate(t, time.Now().Add(time.Hour))
	tests := []struct {
		id     string
		server *tls.Config
		client *tls.Config
		text   string
	}{
		{"tls-self-signed", &tls.Config{Certificates: []tls.Certificate{good}}, nil, "certificate of an unknown authority"},
		{"tls-expired", &tls.Config{Certificates: []tls.Certificate{expired}}, &tls.Config{RootCAs: expiredPool}, "certificate expired"},
		{"tls-wrong-host", &tls.Config{Certificates: []tls.Certificate{good}}, &tls.Config{RootCAs: goodPool, ServerName: "other.test"}, "certificate for another host"},
		{"tls-old", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, &tls.Config{RootCAs: goodPool}, "no common TLS version: 1.2 or later is needed"},
		{"client certificate wanted", &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert}, &tls.Config{RootCAs: goodPool}, "client certificate wanted"},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
			srv.TLS = tt.server
			srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			srv.StartTLS()
			t.Cleanup(srv.Close)
			e := loopback
			e.TLS = tt.client
			requireFailed(t, k.client(t, e).Try(t.Context(), message(srv.URL), 1), webhook.ClassTLS, tt.text)
		})
	}
	t.Run("valid certificate", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		srv.TLS = &tls.Config{Certificates: []tls.Certificate{good}}
		srv.StartTLS()
		t.Cleanup(srv.Close)
		e := loopback
		e.TLS = &tls.Config{RootCAs: goodPool}
		require.NoError(t, k.client(t, e).Send(t.Context(), message(srv.URL)))
	})
	t.Run("https-to-http", func(t *testing.T) {
		t.Parallel()
		srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
		t.Cleanup(srv.Close)
		a := k.client(t, loopback).Try(t.Context(), message(strings.Replace(srv.URL, "http:", "https:", 1)), 1)
		requireFailed(t, a, webhook.ClassTLS, "TLS handshake refused")
		require.False(t, a.MayHaveArrived)
	})
	t.Run("closed in the handshake", func(t *testing.T) {
		t.Parallel()
		url := rawServer(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) })
		a := k.client(t, loopback).Try(t.Context(), message(strings.Replace(url, "http:", "https:", 1)), 1)
		requireFailed(t, a, webhook.ClassTLS, "TLS handshake refused")
	})
	t.Run("tls-handshake-hang", func(t *testing.T) {
		t.Parallel()
		url := rawServer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
		m := message(strings.Replace(url, "http:", "https:", 1))
		m.Policy.Timeout = 50 * time.Millisecond
		a := k.client(t, loopback).Try(t.Context(), m, 1)
		requireFailed(t, a, webhook.ClassTimeout, "no answer in time")
		require.False(t, a.MayHaveArrived)
	})
}

// certificate returns a certificate for 127.0.0.1, and a pool that trusts it.
func certificate(t testing.TB, until time.Time) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: until.Add(-24 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// closedAddress returns an address without a listener.
func closedAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
