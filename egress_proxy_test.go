package webhook_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// answerProxy answers each request, and each CONNECT, with a status.
func answerProxy(t testing.TB, status int) *httptest.Server {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if status == http.StatusProxyAuthRequired {
			w.Header().Set("Proxy-Authenticate", "Basic")
		}
		w.WriteHeader(status)
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(srv.Close)
	return srv
}

// What a proxy does is told as its own failure, or as one of the receiver, and nothing has
// been sent. Of a plain http URL, the proxy's answer is the receiver's, but for 407.
func TestEgress_ProxyClasses(t *testing.T) {
	t.Parallel()
	const (
		failed  = "our outgoing proxy failed"
		blocked = "destination not allowed"
	)
	status := func(code int) func(testing.TB) *url.URL {
		return func(t testing.TB) *url.URL {
			srv := answerProxy(t, code)
			srv.Start()
			return mustParse(t, srv.URL)
		}
	}
	tests := []struct {
		name   string
		proxy  func(testing.TB) *url.URL
		class  webhook.Class
		text   string
		detail string // part of what the operator is told
		plain  bool   // http URLs likewise
	}{
		{"not reached", func(t testing.TB) *url.URL { return &url.URL{Scheme: "http", Host: closedAddress(t)} }, webhook.ClassProxy, failed, "connection refused", true},
		{"no TLS", func(t testing.TB) *url.URL {
			u := status(200)(t)
			u.Scheme = "https"
			return u
		}, webhook.ClassProxy, failed, "does not look like a TLS handshake", true},
		{"TLS of an unknown authority", func(t testing.TB) *url.URL {
			srv := answerProxy(t, 200)
			srv.StartTLS()
			return mustParse(t, srv.URL)
		}, webhook.ClassProxy, failed, "certificate", true},
		{"407", status(407), webhook.ClassProxy, failed, "status 407", true},
		{"closes", func(t testing.TB) *url.URL {
			// Having read the request: to close before that would be a reset.
			return mustParse(t, rawServer(t, func(conn net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(conn)) }))
		}, webhook.ClassProxy, failed, "EOF", false},
		{"403", status(403), webhook.ClassBlocked, blocked, "refused by the proxy: status 403", false},
		{"404", status(404), webhook.ClassConnect, "no connection", "refused by the proxy: status 404", false},
		{"502", status(502), webhook.ClassConnect, "no connection", "refused by the proxy: status 502", false},
		{"504", status(504), webhook.ClassConnect, "no connection", "refused by the proxy: status 504", false},
		{"no SOCKS", func(t testing.TB) *url.URL {
			u := mustParse(t, rawServer(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }))
			u.Scheme = "socks5"
			return u
		}, webhook.ClassProxy, failed, "proxy: ", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			targets := []string{"https://receiver.test/hook"}
			if tt.plain {
				targets = append(targets, "http://receiver.test/hook")
			}
			for i, target := range targets {
				for _, k := range carriers[:2-i] { // a wrapped one cannot tell that a 407 is the proxy's
					m := message(target)
					m.Policy.Timeout = time.Minute
					a := k.client(t, webhook.Egress{Proxy: tt.proxy(t)}).Try(t.Context(), m, 1)
					requireFailed(t, a, tt.class, tt.text)
					require.ErrorContains(t, errors.Unwrap(a.Err), tt.detail)
					require.Zero(t, a.Requests)
					require.False(t, a.MayHaveArrived)
				}
			}
		})
	}
	t.Run("status for a plain URL", func(t *testing.T) {
		t.Parallel()
		a := newClient(t, webhook.Egress{Proxy: status(502)(t)}).Try(t.Context(), message("http://receiver.test/hook"), 1)
		requireFailed(t, a, webhook.ClassStatus, "status 502")
	})
	t.Run("by Send", func(t *testing.T) {
		t.Parallel()
		c := newClient(t, webhook.Egress{Proxy: status(407)(t)})
		m := message("http://receiver.test/hook")
		m.Policy.Attempts, m.Policy.Waits = 3, []time.Duration{time.Millisecond}
		c.Bounds.MinWait = time.Millisecond
		var failed *webhook.DeliveryError
		require.ErrorAs(t, c.Send(t.Context(), m), &failed)
		require.Equal(t, 3, failed.Attempts, "each counts")
		require.Equal(t, webhook.ClassProxy, failed.Last.Class)
	})
}

// An https receiver behind a proxy is judged by its own certificate, and its answer is its
// own.
func TestEgress_ProxyTunnel(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "from "+r.Host, http.StatusProxyAuthRequired)
	}))
	t.Cleanup(srv.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			t.Errorf("%s to the proxy", r.Method)
		}
		receiver, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(receiver, conn)
			_ = receiver.Close()
		}()
		_, _ = io.Copy(conn, receiver)
		_ = conn.Close()
	}))
	t.Cleanup(proxy.Close)
	e := webhook.Egress{Proxy: mustParse(t, proxy.URL)}
	a := newClient(t, e).Try(t.Context(), message("https://example.com/hook"), 1)
	requireFailed(t, a, webhook.ClassTLS, "certificate of an unknown authority")

	e.TLS = &tls.Config{RootCAs: srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	a = newClient(t, e).Try(t.Context(), message("https://example.com/hook"), 1)
	requireFailed(t, a, webhook.ClassStatus, "status 407")
	require.Equal(t, "from example.com\n", string(a.Body))
}

// Addresses that are reached directly are not the proxy's to decide, but the guard's.
func TestEgress_Direct(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(srv.Close)
	proxy := answerProxy(t, http.StatusTeapot)
	proxy.Start()
	e := loopback
	e.Proxy = mustParse(t, proxy.URL)
	e.Direct = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	c := newClient(t, e)
	require.NoError(t, c.Send(t.Context(), message(srv.URL)))
	require.Equal(t, webhook.ClassUnreachable, c.Try(t.Context(), message("http://10.1.2.3/"), 1).Class, "not allowed")
	require.Equal(t, http.StatusTeapot, c.Try(t.Context(), message("http://localhost/"), 1).Status, "a name")
	require.Equal(t, http.StatusTeapot, c.Try(t.Context(), message("http://192.168.1.1/"), 1).Status, "another address")
}

// Receivers and proxies see connections from the address that was chosen.
func TestEgress_LocalAddr(t *testing.T) {
	t.Parallel()
	for name, local := range map[string]string{"chosen": "127.0.0.9", "the system's": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var from string
			srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { from = r.RemoteAddr }))
			t.Cleanup(srv.Close)
			want := "127.0.0.1"
			e := loopback
			if local != "" {
				want, e.LocalAddr = local, netip.MustParseAddr(local)
				l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", local+":0")
				if err != nil {
					t.Skip("the system has no other address of loopback")
				}
				require.NoError(t, l.Close())
			}
			for _, url := range []string{srv.URL, "http://receiver.test/"} {
				if url != srv.URL {
					e.Proxy = mustParse(t, srv.URL)
				}
				require.NoError(t, newClient(t, e).Send(t.Context(), message(url)))
				require.Equal(t, want, netip.MustParseAddrPort(from).Addr().String())
			}
		})
	}
}

func mustParse(t testing.TB, raw string) *url.URL {
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}
