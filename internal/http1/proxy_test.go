package http1_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

// joined copies both ways until both have ended.
func joined(a, b net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(a, b)
		_ = a.Close()
	}()
	_, _ = io.Copy(b, a)
	_ = b.Close()
	<-done
}

// httpProxy is a proxy that answers CONNECT with a status, of 200 after it has connected to
// to.
func httpProxy(t testing.TB, status int, to string, asked *atomic.Value) func(int, net.Conn) {
	return func(_ int, conn net.Conn) {
		r := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			asked.Store(fmt.Sprintf("%s %s %s %q", req.Method, req.RequestURI, req.Host, req.Header["Proxy-Authorization"]))
			if req.Method != http.MethodConnect || status != 200 {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n", status)
				continue
			}
			server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to)
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 x\r\n\r\n")
			joined(conn, server)
			return
		}
	}
}

// socksProxy is a proxy that answers with a reply code, of 0 after it has connected to to.
func socksProxy(t testing.TB, reply byte, to string) func(int, net.Conn) {
	return func(_ int, conn net.Conn) {
		var head [2]byte
		_, _ = io.ReadFull(conn, head[:])
		_, _ = io.ReadFull(conn, make([]byte, head[1]))
		_, _ = conn.Write([]byte{5, 0})
		var request [5]byte
		_, _ = io.ReadFull(conn, request[:])
		if request[3] == 3 {
			_, _ = io.ReadFull(conn, make([]byte, request[4]+2))
		} else {
			_, _ = io.ReadFull(conn, make([]byte, 4-1+2))
		}
		_, _ = conn.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
		if reply != 0 {
			return
		}
		server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to)
		if err == nil {
			joined(conn, server)
		}
	}
}

func TestDo_Proxy(t *testing.T) {
	t.Parallel()
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "to "+r.Host) }))
	t.Cleanup(receiver.Close)
	to := receiver.Listener.Addr().String()
	config := receiver.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = nil
	target := mustURL(t, "https://example.com/hook?x")
	var asked atomic.Value
	via := func(t testing.TB, u *url.URL) *http1.Transport {
		return newTransport(t, http1.Config{Proxy: u, TLS: config})
	}

	t.Run("CONNECT", func(t *testing.T) { //nolint:paralleltest // shares what was asked
		p := serve(t, httpProxy(t, 200, to, &asked))
		p.User = url.UserPassword("u", "p")
		tr := via(t, p)
		for range 2 {
			a, err := tr.Do(t.Context(), post(target))
			require.NoError(t, err)
			require.Equal(t, "to example.com", string(a.Body))
			require.Equal(t, `CONNECT example.com:443 example.com:443 ["Basic dTpw"]`, asked.Load())
		}
		require.Equal(t, 1, http1.Kept(tr, target))
	})
	t.Run("the complete URL", func(t *testing.T) { //nolint:paralleltest // shares what was asked
		p := serve(t, httpProxy(t, 201, to, &asked))
		p.User = url.UserPassword("u", "p")
		tr := via(t, p)
		for _, host := range []string{"a.test", "b.test:81"} {
			a, err := tr.Do(t.Context(), post(mustURL(t, "http://"+host+"/hook?x")))
			require.NoError(t, err)
			require.Equal(t, 201, a.Status)
			require.Equal(t, "POST http://"+host+`/hook?x `+host+` ["Basic dTpw"]`, asked.Load())
		}
		require.Equal(t, 1, http1.Kept(tr, mustURL(t, "http://a.test")), "a connection for each")
		require.Equal(t, 1, http1.Kept(tr, mustURL(t, "http://b.test:81")))
	})
	t.Run("TLS with the proxy", func(t *testing.T) { //nolint:paralleltest // shares what was asked
		serverConfig := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: receiver.TLS.Certificates}
		handle := httpProxy(t, 200, to, &asked)
		p := serve(t, func(n int, conn net.Conn) { handle(n, tls.Server(conn, serverConfig)) })
		p.Scheme = "https"
		tr := via(t, p)
		for range 2 {
			a, err := tr.Do(t.Context(), post(target))
			require.NoError(t, err)
			require.Equal(t, "to example.com", string(a.Body))
		}
		require.Equal(t, 1, http1.Kept(tr, target))
	})
	t.Run("SOCKS", func(t *testing.T) {
		t.Parallel()
		for _, scheme := range []string{"socks5", "socks5h"} {
			p := serve(t, socksProxy(t, 0, to))
			p.Scheme = scheme
			tr := via(t, p)
			for range 2 {
				a, err := tr.Do(t.Context(), post(target))
				require.NoError(t, err)
				require.Equal(t, "to example.com", string(a.Body))
			}
			require.Equal(t, 1, http1.Kept(tr, target))
		}
	})
	t.Run("direct", func(t *testing.T) {
		t.Parallel()
		u := serve(t, each(ok))
		tr := newTransport(t, http1.Config{
			Proxy:  serve(t, func(int, net.Conn) { t.Error("asked the proxy") }),
			Direct: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		})
		_, err := tr.Do(t.Context(), post(u))
		require.NoError(t, err)
		require.False(t, http1.IsDirect([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, mustURL(t, "http://localhost/")), "a name")
	})
}

// Faults of the proxy are told from those of the receiver behind it.
func TestDo_ProxyFaults(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	tests := []struct {
		name    string
		scheme  string
		handle  func(int, net.Conn)
		refused string // empty: the proxy's own fault
		forbids bool
	}{
		{"403", "http", httpProxy(t, 403, "", &asked), "status 403", true},
		{"502", "http", httpProxy(t, 502, "", &asked), "status 502", false},
		{"407", "http", httpProxy(t, 407, "", &asked), "", false},
		{"closes", "http", func(int, net.Conn) {}, "", false},
		{"malformed", "http", each("what?\r\n\r\n"), "", false},
		{"no TLS", "https", each(ok), "", false},
		{"not allowed", "socks5", socksProxy(t, 2, ""), "connection not allowed by ruleset", true},
		{"refused", "socks5", socksProxy(t, 5, ""), "connection refused", false},
		{"no SOCKS", "socks5", func(_ int, conn net.Conn) { _, _ = io.WriteString(conn, ok) }, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := serve(t, tt.handle)
			p.Scheme = tt.scheme
			a, err := newTransport(t, http1.Config{Proxy: p}).Do(t.Context(), post(mustURL(t, "https://receiver.test/")))
			require.Zero(t, a.Requests)
			var own *http1.ProxyError
			var refused *http1.RefusedError
			if tt.refused == "" {
				require.ErrorAs(t, err, &own)
				require.True(t, strings.HasPrefix(err.Error(), "proxy: "))
				return
			}
			require.NotErrorAs(t, err, &own)
			require.ErrorAs(t, err, &refused)
			require.Equal(t, http1.RefusedError{Forbidden: tt.forbids, Reason: tt.refused}, *refused)
		})
	}
	t.Run("407 after one that may have arrived", func(t *testing.T) {
		t.Parallel()
		p := serve(t, func(n int, conn net.Conn) {
			r := bufio.NewReader(conn)
			if readRequest(r); n == 1 {
				_, _ = io.WriteString(conn, ok)
				readRequest(r)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\n\r\n")
		})
		tr := newTransport(t, http1.Config{Proxy: p})
		_, err := tr.Do(t.Context(), post(mustURL(t, "http://receiver.test/")))
		require.NoError(t, err)
		a, err := tr.Do(t.Context(), post(mustURL(t, "http://receiver.test/")))
		var own *http1.ProxyError
		require.ErrorAs(t, err, &own)
		require.Equal(t, 1, a.Requests)
	})
	t.Run("not reached", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		for _, scheme := range []string{"http", "https", "socks5"} {
			for _, target := range []string{"http://receiver.test/", "https://receiver.test/"} {
				tr := newTransport(t, http1.Config{Proxy: &url.URL{Scheme: scheme, Host: l.Addr().String()}})
				_, err := tr.Do(t.Context(), post(mustURL(t, target)))
				var own *http1.ProxyError
				require.ErrorAs(t, err, &own)
			}
		}
	})
}
