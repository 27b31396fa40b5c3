package http1_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

// large is more than two sockets take.
const large = 16 << 20

// After an informational answer the request is written to its end.
func TestDo_InformationalWhileWriting(t *testing.T) {
	t.Parallel()
	for _, early := range []string{"", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"} {
		u := serve(t, func(_ int, c net.Conn) {
			r := bufio.NewReader(c)
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, early)
			<-time.After(300 * time.Millisecond) // the client looks after 100
			if n, err := io.Copy(io.Discard, req.Body); err != nil || n != large {
				return
			}
			_, _ = io.WriteString(c, ok)
		})
		r := post(u)
		r.Body = make([]byte, large)
		a, err := newTransport(t, http1.Config{}).Do(t.Context(), r)
		require.NoError(t, err, early)
		require.Equal(t, http.StatusOK, a.Status, early)
	}
}

// A receiver that closes while it is written to has not answered.
func TestDo_ClosedWhileWriting(t *testing.T) {
	t.Parallel()
	u := serve(t, func(_ int, c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		_ = c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<20))
		<-time.After(300 * time.Millisecond)
	})
	r := post(u)
	r.Body = make([]byte, large)
	a, err := newTransport(t, http1.Config{}).Do(t.Context(), r)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, 1, a.Requests)
}

// A 407 is the proxy's if it asks for something; else it is what the receiver says.
func TestDo_407(t *testing.T) {
	t.Parallel()
	for challenge, isProxy := range map[string]bool{"": false, "Proxy-Authenticate: Basic\r\n": true} {
		u := serve(t, func(_ int, c net.Conn) {
			for r := bufio.NewReader(c); readRequest(r); {
				_, _ = io.WriteString(c, "HTTP/1.1 407 X\r\n"+challenge+"Content-Length: 0\r\n\r\n")
			}
		})
		tr := newTransport(t, http1.Config{Proxy: &url.URL{Scheme: "http", Host: u.Host}})
		a, err := tr.Do(t.Context(), post(mustURL(t, "http://origin.test/x")))
		if isProxy {
			var failed *http1.ProxyError
			require.ErrorAs(t, err, &failed)
			require.Zero(t, a.Requests)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, http.StatusProxyAuthRequired, a.Status)
		require.Equal(t, 1, a.Requests)
	}
}

// A function of the caller's that panics leaves no connection behind.
func TestDo_PanicInTLS(t *testing.T) {
	t.Parallel()
	certificates := httptest.NewTLSServer(nil)
	defer certificates.Close()
	closed := make(chan struct{})
	u := serve(t, func(_ int, c net.Conn) {
		_ = tls.Server(c, &tls.Config{Certificates: certificates.TLS.Certificates}).HandshakeContext(context.Background())
		_, _ = io.Copy(io.Discard, c)
		close(closed)
	})
	u.Scheme = "https"
	tr := newTransport(t, http1.Config{TLS: &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection:   func(tls.ConnectionState) error { panic("of the caller") },
	}})
	require.PanicsWithValue(t, "of the caller", func() { _, _ = tr.Do(t.Context(), post(u)) })
	<-closed
}

// What RoundTrip is given by hand is not trusted to be a host, or a name of a header.
func TestRoundTrip_Hostile(t *testing.T) {
	t.Parallel()
	tr := newTransport(t, http1.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
		panic("nothing is dialled")
	}})
	for _, host := range []string{"a.test\r\nX: 1", "a.test/x", "a.test x", "u@a.test", "a\x00.test"} {
		for _, isURL := range []bool{true, false} {
			req := httptest.NewRequest(http.MethodPost, "https://a.test/", http.NoBody)
			if req.Host = host; isURL {
				req.Host, req.URL.Host = "", host
			}
			resp, err := tr.RoundTrip(req)
			require.ErrorContains(t, err, "host", host)
			require.Nil(t, resp)
		}
	}
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(server.Close)
	req := httptest.NewRequest(http.MethodPost, server.URL, strings.NewReader("x"))
	req.Header = http.Header{"content-length": {"9"}, "transfer-encoding": {"chunked"}, "expect": {"100-continue"}, "te": {"x"}, "X": {"y"}}
	resp, err := newTransport(t, http1.Config{}).RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.Header{"Content-Length": {"1"}, "X": {"y"}}, got)
}

// When no more files can be opened, idle connections go.
func TestDo_Exhausted(t *testing.T) {
	t.Parallel()
	u := serve(t, func(_ int, c net.Conn) {
		for r := bufio.NewReader(c); readRequest(r); {
			_, _ = io.WriteString(c, ok)
		}
	})
	var tr *http1.Transport
	var d net.Dialer
	tr = newTransport(t, http1.Config{Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if http1.KeptInAll(tr) >= 10 {
			return nil, &net.OpError{Op: "dial", Err: syscall.EMFILE}
		}
		return d.DialContext(ctx, network, u.Host)
	}})
	for i := range 35 {
		_, err := tr.Do(t.Context(), post(mustURL(t, fmt.Sprintf("http://h%d.test/", i))))
		require.NoError(t, err)
		require.LessOrEqual(t, http1.KeptInAll(tr), 10)
	}
}
