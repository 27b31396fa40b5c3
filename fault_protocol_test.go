package webhook_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// rawServer listens on loopback and hands each connection to serve, which is closed
// when it returns or the test ends.
func rawServer(t testing.TB, serve func(net.Conn)) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	done, stop := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(done, func() { _ = conn.Close() })
			wg.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		stop()
		wg.Wait()
	})
	return "http://" + l.Addr().String() + "/hook"
}

// readRequest reads one request with its body.
func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// reset closes a connection with RST.
func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// writes returns a server that answers with a text and closes.
func writes(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
}

// endless returns a server that writes head once and then text, again and again, until
// the client closes.
func endless(head, text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, err := io.WriteString(conn, head)
		chunk := strings.Repeat(text, 1000)
		for err == nil {
			_, err = io.WriteString(conn, chunk)
		}
	}
}

// No row with a status takes the policy's whole timeout; a row that fails has no status.
func TestFault_Protocol(t *testing.T) {
	t.Parallel()
	forEach(t, testProtocol)
}

func testProtocol(t *testing.T, k carrier) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 5<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	gzipBomb := "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + bomb.String()

	const malformed, closed = "malformed answer", "connection closed without an answer"
	tests := []struct {
		id     string
		serve  func(net.Conn) // called after the request is read
		status int
		class  webhook.Class
		text   string
		body   int // bytes kept
	}{
		{id: "rst-after-request", serve: reset, class: webhook.ClassReset, text: closed},
		{id: "fin-after-request", serve: writes(""), class: webhook.ClassReset, text: closed},
		{id: "huge-header", serve: writes("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10) + "\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "many-headers", serve: writes("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20_000) + "\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "garbage", serve: writes("garbage\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "garbage ICY", serve: writes("ICY 200 OK\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "garbage empty line", serve: writes("\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "garbage escape codes", serve: writes("\x1b[2J\x00\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "garbage LF only is taken", serve: writes("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), status: 200, body: 2},
		{id: "status-odd 099", serve: writes("HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "status-odd 000", serve: writes("HTTP/1.1 000 x\r\nContent-Length: 0\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "status-odd 999", serve: writes("HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"), status: 999, class: webhook.ClassStatus, text: "status 999"},
		{id: "status-odd 2000", serve: writes("HTTP/1.1 2000 x\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "status-odd -20", serve: writes("HTTP/1.1 -20 x\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "cl-conflict two", serve: writes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), class: webhook.ClassProtocol, text: malformed},
		{id: "cl-conflict negative", serve: writes("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"), class: webhook.ClassProtocol, text: malformed},
		{id: "cl-conflict too large", serve: writes("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok"), class: webhook.ClassProtocol, text: malformed},
		{id: "cl-te", serve: writes("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), status: 200, body: 2},
		{id: "bad-chunk", serve: writes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"), status: 200, body: 2},
		{id: "short-body-200", serve: writes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfour"), status: 200, body: 4},
		{id: "endless-body-200", serve: endless("HTTP/1.1 200 OK\r\n\r\n", "endless "), status: 200, body: 16 << 10},
		{id: "endless-body-500", serve: endless("HTTP/1.1 500 x\r\n\r\n", "endless "), status: 500, class: webhook.ClassStatus, text: "status 500", body: 16 << 10},
		{id: "gzip-bomb", serve: writes(gzipBomb), status: 200, body: min(bomb.Len(), 16<<10)},
		{id: "1xx-some", serve: writes("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 102 x\r\n\r\nHTTP/1.1 103 x\r\nLink: x\r\n\r\n" + ok), status: 200, body: 2},
		{id: "1xx-endless", serve: endless("", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"), class: webhook.ClassProtocol, text: malformed},
		{id: "101", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nsecret")
			_, _ = io.Copy(io.Discard, conn) // ends when the client closes
		}, status: 101, class: webhook.ClassStatus, text: "status 101"},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			url := rawServer(t, func(conn net.Conn) {
				if readRequest(bufio.NewReader(conn)) {
					requests.Add(1)
					tt.serve(conn)
				}
			})
			m := message(url)
			m.Policy.Timeout = time.Minute
			a := k.client(t, loopback).Try(t.Context(), m, 1)
			require.Equal(t, tt.status, a.Status)
			require.Len(t, a.Body, tt.body)
			require.Equal(t, tt.body, cap(a.Body), "copied out exactly")
			require.Equal(t, 1, a.Requests)
			require.True(t, a.MayHaveArrived)
			require.EqualValues(t, 1, requests.Load(), "requests on the wire")
			if tt.class == "" {
				require.NoError(t, a.Err)
				require.Equal(t, webhook.OutcomeDelivered, a.Outcome)
				require.Empty(t, a.Class)
				return
			}
			requireFailed(t, a, tt.class, tt.text)
		})
	}
}

func TestFault_Connection(t *testing.T) {
	t.Parallel()
	forEach(t, testConnection)
}

func testConnection(t *testing.T, k carrier) {
	t.Run("accept-close", func(t *testing.T) {
		t.Parallel()
		a := k.client(t, loopback).Try(t.Context(), message(rawServer(t, func(net.Conn) {})), 1)
		requireFailed(t, a, webhook.ClassReset, "connection closed without an answer")
	})
	t.Run("malformed answer to a large body", func(t *testing.T) {
		t.Parallel()
		url := rawServer(t, func(conn net.Conn) {
			_, _ = io.ReadFull(conn, make([]byte, 1000))
			_, _ = io.WriteString(conn, "what?\r\n\r\n")
		})
		for range 20 {
			m := message(url)
			m.Body = make([]byte, 1<<20)
			a := k.client(t, loopback).Try(t.Context(), m, 1)
			require.Contains(t, []webhook.Class{webhook.ClassReset, webhook.ClassProtocol}, a.Class)
			require.True(t, a.MayHaveArrived)
		}
	})
	t.Run("rst-mid-headers", func(t *testing.T) {
		t.Parallel()
		url := rawServer(t, func(conn net.Conn) {
			readRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le")
			reset(conn)
		})
		a := k.client(t, loopback).Try(t.Context(), message(url), 1)
		require.Contains(t, []webhook.Class{webhook.ClassReset, webhook.ClassProtocol}, a.Class)
		require.Equal(t, webhook.OutcomeRetrying, a.Outcome)
		require.True(t, a.MayHaveArrived)
	})
	t.Run("rst-mid-body-200", func(t *testing.T) {
		t.Parallel()
		seen := make(chan struct{})
		url := rawServer(t, func(conn net.Conn) {
			readRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfour")
			<-seen
			reset(conn)
		})
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotFirstResponseByte: func() { close(seen) }})
		a := k.client(t, loopback).Try(ctx, message(url), 1)
		require.NoError(t, a.Err)
		require.Equal(t, 200, a.Status)
	})
	t.Run("early-413", func(t *testing.T) {
		t.Parallel()
		url := rawServer(t, func(conn net.Conn) {
			r := bufio.NewReader(conn)
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, "HTTP/1.1 413 x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
			// A close with unread bytes would reset the connection and lose the answer.
			_, _ = io.Copy(io.Discard, r)
		})
		m := message(url)
		m.Policy.Timeout = time.Minute
		m.Body = make([]byte, 20<<20)
		a := k.client(t, loopback).Try(t.Context(), m, 1)
		requireFailed(t, a, webhook.ClassStatus, "status 413")
		require.Equal(t, 1, a.Requests)
		require.Equal(t, "big", string(a.Body))
	})
	t.Run("hang-headers", func(t *testing.T) {
		t.Parallel()
		url := rawServer(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
		m := message(url)
		m.Policy.Timeout = 2 * time.Second // on a busy machine, to be sent at all
		a := k.client(t, loopback).Try(t.Context(), m, 1)
		requireFailed(t, a, webhook.ClassTimeout, "no answer in time")
		require.True(t, a.MayHaveArrived)
		require.Equal(t, 1, a.Requests)
	})
	t.Run("keepalive-race-processed", func(t *testing.T) {
		t.Parallel()
		class, requests := webhook.Class(""), 2
		if k.isForeign { // it repeats no POST
			class, requests = webhook.ClassReset, 1
		}
		tests := []struct {
			name     string
			change   func(*webhook.Message)
			class    webhook.Class
			requests int
		}{
			{"POST", func(*webhook.Message) {}, class, requests},
			{"POST with a key", func(m *webhook.Message) { m.Header.Set("Idempotency-Key", "1") }, "", 2},
			{"GET", func(m *webhook.Message) { m.Method, m.Body = http.MethodGet, nil }, "", 2},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int32
				url := rawServer(t, func(conn net.Conn) {
					r := bufio.NewReader(conn)
					// The second request is read, and the connection closed.
					for readRequest(r) && requests.Add(1) != 2 {
						_, _ = io.WriteString(conn, ok)
					}
				})
				m := message(url)
				tt.change(m)
				c := k.client(t, loopback)
				require.NoError(t, c.Try(t.Context(), m, 1).Err)
				a := c.Try(t.Context(), m, 1)
				require.Equal(t, tt.class, a.Class)
				require.Equal(t, tt.requests, a.Requests)
				require.EqualValues(t, 1+tt.requests, requests.Load(), "requests on the wire")
				require.True(t, a.MayHaveArrived)
			})
		}
	})
}

// These tests have a connection in memory, so that time is that of the bubble.
func TestFault_Time(t *testing.T) {
	t.Parallel()
	forEach(t, testTime)
}

func testTime(t *testing.T, k carrier) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
	drip := func(head string) func(net.Conn) {
		return func(conn net.Conn) {
			_, err := io.WriteString(conn, head)
			for err == nil {
				<-time.After(20 * time.Millisecond)
				_, err = io.WriteString(conn, "x")
			}
		}
	}
	hang := func(head string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = io.WriteString(conn, head)
			_, _ = io.Copy(io.Discard, conn)
		}
	}
	tests := []struct {
		id       string
		serve    func(net.Conn)
		class    webhook.Class
		duration time.Duration
		body     int
	}{
		{"hang-headers", hang(""), webhook.ClassTimeout, 3 * time.Second, 0},
		{"drip-headers", drip("HTTP/1.1 200 OK\r\nX: "), webhook.ClassTimeout, 3 * time.Second, 0},
		{"hang-body-200", hang(head), "", time.Second, 0},
		{"drip-body-200", drip(head), "", time.Second, 49},
		{"hang-body-500", hang("HTTP/1.1 500 x\r\n\r\nwhy"), webhook.ClassStatus, time.Second, 3},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := pipeClient(k, func(conn net.Conn) {
					readRequest(bufio.NewReader(conn))
					tt.serve(conn)
				})
				a := c.Try(t.Context(), message("http://receiver.test/"), 1)
				require.Equal(t, tt.class, a.Class)
				require.Equal(t, tt.duration, a.Duration, "not held to the full timeout for a body")
				require.InDelta(t, tt.body, len(a.Body), 1)
				require.True(t, a.MayHaveArrived)
				// Let the receiver see that the connection is closed.
				<-time.After(time.Second)
			})
		})
	}
	t.Run("keepalive-idle-close", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			c := pipeClient(k, func(conn net.Conn) {
				readRequest(bufio.NewReader(conn))
				requests++
				_, _ = io.WriteString(conn, ok)
			})
			for n := range 3 {
				a := c.Try(t.Context(), message("http://receiver.test/"), 1)
				require.NoError(t, a.Err)
				require.Equal(t, 1, a.Requests)
				synctest.Wait() // until net/http sees the end of the connection
				require.Equal(t, n+1, requests)
			}
		})
	})
}

// pipeClient returns a client whose connections are pipes to serve.
func pipeClient(k carrier, serve func(net.Conn)) *webhook.Client {
	return &webhook.Client{Transport: k.dial(func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			serve(server)
		}()
		return client, nil
	})}
}
