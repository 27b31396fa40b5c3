package http1_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

// tlsServer is serve over TLS, and the client's side of its configuration.
func tlsServer(t testing.TB, config *tls.Config, handle func(int, *tls.Conn)) (*url.URL, *tls.Config) {
	srv := httptest.NewUnstartedServer(nil)
	srv.StartTLS()
	srv.Close()
	config.Certificates = srv.TLS.Certificates
	u := serve(t, func(n int, conn net.Conn) { handle(n, tls.Server(conn, config)) })
	client := srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.NextProtos = []string{"http/1.1"}
	return &url.URL{Scheme: "https", Host: u.Host}, client
}

// Tickets come unasked with TLS 1.3, and are no reason to drop a connection; a byte, the
// end and an alert are.
func TestDo_IdleTLS(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		for _, tt := range []struct {
			name  string
			then  func(net.Conn, *tls.Conn)
			conns int32
		}{
			{"kept", nil, 1},
			{"byte", func(_ net.Conn, over *tls.Conn) { _, _ = over.Write([]byte("x")) }, 2},
			{"close_notify", func(_ net.Conn, over *tls.Conn) { _ = over.CloseWrite() }, 2},
			{"end", func(raw net.Conn, _ *tls.Conn) { _ = raw.Close() }, 2},
			{"garbage", func(raw net.Conn, _ *tls.Conn) { _, _ = raw.Write([]byte("garbage of no record")) }, 2},
		} {
			t.Run(name+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				var conns atomic.Int32
				idle, done := make(chan struct{}), make(chan struct{})
				u, config := tlsServer(t, &tls.Config{MaxVersion: version, MinVersion: version}, func(n int, conn *tls.Conn) {
					conns.Add(1)
					for r := bufio.NewReader(conn); readRequest(r); {
						_, _ = io.WriteString(conn, ok)
						if tt.then != nil && n == 1 {
							<-idle
							tt.then(conn.NetConn(), conn)
							close(done)
							linger(conn)
							return
						}
					}
				})
				tr := newTransport(t, http1.Config{TLS: config})
				for i := range 3 {
					a, err := tr.Do(t.Context(), post(u))
					require.NoError(t, err)
					require.Equal(t, "ok", string(a.Body))
					require.Equal(t, 1, a.Requests)
					if i == 0 && tt.then != nil {
						close(idle)
						<-done
					}
				}
				require.Equal(t, tt.conns, conns.Load())
			})
		}
	}
}

// linger leaves a connection open until the client closes it.
func linger(conn *tls.Conn) { _, _ = io.Copy(io.Discard, conn.NetConn()) }

// A request is written in as few records as there can be, since each is a write.
func TestDo_Records(t *testing.T) {
	t.Parallel()
	u, config := tlsServer(t, &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}, func(_ int, conn *tls.Conn) {
		for r := bufio.NewReader(conn); readRequest(r); {
			_, _ = io.WriteString(conn, ok)
		}
	})
	config.DynamicRecordSizingDisabled = true
	for size, want := range map[int]int32{0: 1, 300: 1, 16 << 10: 2, 32 << 10: 3} {
		var records atomic.Int32
		tr := newTransport(t, http1.Config{TLS: config, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &recordCounter{conn, &records}, err
		}})
		r := post(u)
		r.Body = make([]byte, size)
		_, err := tr.Do(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, want, records.Load(), "%d bytes", size)
	}
}

// recordCounter counts the records of data that are written.
type recordCounter struct {
	net.Conn
	records *atomic.Int32
}

func (c *recordCounter) Write(p []byte) (int, error) {
	const data = 23 // RFC 5246, 6.2.1
	if p[0] == data {
		c.records.Add(1)
	}
	return c.Conn.Write(p)
}

// A server that takes its time for the handshake has that of the attempt.
func TestDo_SlowTLS(t *testing.T) {
	t.Parallel()
	u, config := tlsServer(t, &tls.Config{MinVersion: tls.VersionTLS12}, func(_ int, conn *tls.Conn) {
		_, _ = io.Copy(io.Discard, conn.NetConn())
	})
	tr := newTransport(t, http1.Config{TLS: config})
	r := post(u)
	r.Deadline = time.Now().Add(50 * time.Millisecond)
	a, err := tr.Do(t.Context(), r)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.Zero(t, a.Requests)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = tr.Do(ctx, post(u))
	require.Error(t, err)
	require.Error(t, ctx.Err())
}

// What a receiver wants of TLS is told.
func TestDo_HandshakeError(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		u, config := tlsServer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: version, MinVersion: tls.VersionTLS12}, func(_ int, conn *tls.Conn) {
			_ = conn.HandshakeContext(context.Background())
			linger(conn)
		})
		_, err := newTransport(t, http1.Config{TLS: config}).Do(t.Context(), post(u))
		var handshake *http1.HandshakeError
		require.ErrorAs(t, err, &handshake)
		require.True(t, handshake.WantsCertificate)
	}
	u, config := tlsServer(t, &tls.Config{NextProtos: []string{"other"}, MinVersion: tls.VersionTLS12}, func(_ int, conn *tls.Conn) {
		_ = conn.HandshakeContext(context.Background())
	})
	_, err := newTransport(t, http1.Config{TLS: config}).Do(t.Context(), post(u))
	require.ErrorContains(t, err, "no application protocol")

	u = serve(t, each("\x00\x00\x12\x04\x00\x00\x00\x00\x00"+strings.Repeat("\x00", 18)))
	_, err = newTransport(t, http1.Config{}).Do(t.Context(), post(u))
	require.ErrorIs(t, err, http1.ErrHTTP2)
}
