package http1_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

// A connection is kept if both sides want that, and nothing is left of the answer.
func TestDo_Keeps(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		kept         int
	}{
		{"length", ok, 1},
		{"no body", "HTTP/1.1 204 x\r\n\r\n", 1},
		{"304 with a length", "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", 1},
		{"chunks", "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", 1},
		{"after informational ones", "HTTP/1.1 103 x\r\n\r\n" + ok, 1},
		{"close", "HTTP/1.1 200 x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0},
		{"HTTP/1.0", "HTTP/1.0 200 x\r\nContent-Length: 0\r\n\r\n", 0},
		{"HTTP/1.0 that keeps", "HTTP/1.0 200 x\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 1},
		{"101", "HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 0},
		{"too much", ok + "+", 0},
		{"body beside 204", "HTTP/1.1 204 x\r\n\r\nbody", 0},
		{"bad chunks", "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nz\r\n\r\n", 0},
		{"longer than what is read", "HTTP/1.1 200 x\r\nContent-Length: 20000\r\n\r\n" + string(make([]byte, 20000)), 0},
		{"just what is read", "HTTP/1.1 200 x\r\nContent-Length: 16384\r\n\r\n" + string(make([]byte, 16384)), 1},
		{"announced", "HTTP/1.1 200 x\r\nKeep-Alive: timeout=5, max=9\r\nContent-Length: 0\r\n\r\n", 1},
		{"announced too short", "HTTP/1.1 200 x\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := serve(t, each(tt.answer))
			tr := newTransport(t, http1.Config{})
			_, err := tr.Do(t.Context(), post(u))
			require.NoError(t, err)
			require.Equal(t, tt.kept, http1.Kept(tr, u))
		})
	}
}

// The time for which a connection is kept is 30 seconds, or a second less than announced.
func TestDo_IdleTime(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 30 * time.Second, "timeout=5": 4 * time.Second, "max=5, Timeout = 6": 30 * time.Second, "max=5,timeout=\"6\"": 5 * time.Second,
		"timeout=99": 30 * time.Second, "timeout=-1": 30 * time.Second, "timeout": 30 * time.Second,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				conns := 0
				tr := pipeTransport(t, func(conn net.Conn) {
					conns++
					each("HTTP/1.1 204 x\r\nKeep-Alive: "+header+"\r\n\r\n")(1, conn)
				})
				u := mustURL(t, "http://h.test/")
				send := func() {
					_, err := tr.Do(t.Context(), post(u))
					require.NoError(t, err)
				}
				send()
				<-time.After(want - 10*time.Millisecond)
				send()
				require.Equal(t, 1, conns)
				<-time.After(want - 10*time.Millisecond)
				require.Equal(t, 1, http1.Kept(tr, u))
				<-time.After(20 * time.Millisecond)
				require.Zero(t, http1.Kept(tr, u), "closed without being asked")
				send()
				require.Equal(t, 2, conns)
				tr.CloseIdleConnections()
			})
		})
	}
}

// Of many connections, 256 are kept, and used last in first out.
func TestDo_IdleMany(t *testing.T) {
	t.Parallel()
	const n = 300
	release := make(chan struct{})
	var waiting, conns atomic.Int32
	u := serve(t, func(_ int, conn net.Conn) {
		conns.Add(1)
		for r := bufio.NewReader(conn); readRequest(r); {
			if waiting.Add(1) == n {
				close(release)
			}
			<-release
			_, _ = io.WriteString(conn, ok)
		}
	})
	tr := newTransport(t, http1.Config{})
	errs := make(chan error, n)
	for range n {
		go func() {
			_, err := tr.Do(context.Background(), post(u))
			errs <- err
		}()
	}
	for range n {
		require.NoError(t, <-errs)
	}
	require.Equal(t, 256, http1.Kept(tr, u))
	tr.CloseIdleConnections()
	require.Zero(t, http1.Kept(tr, u))
}

// What comes unasked on an idle connection ends it, is logged nowhere, and is nobody's
// answer.
func TestDo_Unasked(t *testing.T) { //nolint:paralleltest // captures the log of the process
	var logged bytes.Buffer
	before := log.Writer()                      //nolint:forbidigo // to see that nothing is logged
	log.SetOutput(&logged)                      //nolint:forbidigo // likewise
	t.Cleanup(func() { log.SetOutput(before) }) //nolint:forbidigo // likewise
	said := make(chan struct{})
	u := serve(t, func(n int, conn net.Conn) {
		r := bufio.NewReader(conn)
		readRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 204 x\r\nN: "+strconv.Itoa(n)+"\r\n\r\n")
		if n == 1 {
			<-said
			_, _ = io.WriteString(conn, "HTTP/1.1 200 919019912345\r\nContent-Length: 0\r\n\r\n")
			said <- struct{}{}
		}
		_, _ = io.Copy(io.Discard, conn)
	})
	tr := newTransport(t, http1.Config{})
	a, err := tr.Do(t.Context(), post(u))
	require.NoError(t, err)
	require.Equal(t, "1", a.Header.Get("N"))
	said <- struct{}{}
	<-said
	a, err = tr.Do(t.Context(), post(u))
	require.NoError(t, err)
	require.Equal(t, "2", a.Header.Get("N"))
	require.Equal(t, 1, a.Requests, "the first one was not written to")
	require.Empty(t, logged.String())
}

// A request that meets the end of a used connection is repeated on a fresh one, but not
// after a byte of an answer, and not after a timeout.
func TestDo_Repeats(t *testing.T) {
	t.Parallel()
	reset := func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) }
	tests := []struct {
		name     string
		second   func(net.Conn) // what happens to the second request on a connection
		requests int
		fails    bool
	}{
		{"closed", func(net.Conn) {}, 2, false},
		{"reset", reset, 2, false},
		{"a byte", func(conn net.Conn) { _, _ = conn.Write([]byte("H")) }, 1, true},
		{"silence", func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got atomic.Int32
			u := serve(t, func(_ int, conn net.Conn) {
				r := bufio.NewReader(conn)
				readRequest(r)
				got.Add(1)
				_, _ = io.WriteString(conn, ok)
				if readRequest(r) {
					got.Add(1)
					tt.second(conn)
				}
			})
			tr := newTransport(t, http1.Config{})
			_, err := tr.Do(t.Context(), post(u))
			require.NoError(t, err)
			r := post(u)
			if tt.name == "silence" {
				r.Deadline = time.Now().Add(50 * time.Millisecond)
			}
			a, err := tr.Do(t.Context(), r)
			require.Equal(t, tt.fails, err != nil, err)
			require.Equal(t, tt.requests, a.Requests)
			require.EqualValues(t, 1+tt.requests, got.Load(), "requests on the wire")
		})
	}
	t.Run("a fresh connection", func(t *testing.T) {
		t.Parallel()
		var got atomic.Int32
		u := serve(t, func(_ int, conn net.Conn) {
			readRequest(bufio.NewReader(conn))
			got.Add(1)
		})
		a, err := newTransport(t, http1.Config{}).Do(t.Context(), post(u))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 1, a.Requests)
		require.EqualValues(t, 1, got.Load())
	})
}

// Connections are told apart by scheme, host and port.
func TestDo_Keys(t *testing.T) {
	t.Parallel()
	u := serve(t, each(ok))
	tr := newTransport(t, http1.Config{})
	_, err := tr.Do(t.Context(), post(u))
	require.NoError(t, err)
	for _, other := range []url.URL{{Scheme: "https", Host: u.Host}, {Scheme: "http", Host: "localhost"}} {
		require.Zero(t, http1.Kept(tr, &other))
	}
	_, err = tr.Do(t.Context(), &http1.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: u.Host, Path: "/other"}})
	require.NoError(t, err)
	require.Equal(t, 1, http1.Kept(tr, u))
}
