package http1_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	u := serve(t, each("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nT: x\r\n\r\n"))
	tr := newTransport(t, http1.Config{})
	client := &http.Client{Transport: tr}
	for range 2 {
		resp, err := client.Post(u.String(), "text/plain", io.NopCloser(strings.NewReader("body")))
		require.NoError(t, err)
		require.Zero(t, http1.Kept(tr, u), "in use")
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, "onetwo", string(body))
		require.Equal(t, http.Header{"T": {"x"}}, resp.Trailer)
		require.Equal(t, 1, http1.Kept(tr, u), "free at the end of the body")
		require.NoError(t, resp.Body.Close())
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 1, http1.Kept(tr, u))
	}
	t.Run("closed early", func(t *testing.T) {
		resp, err := client.Post(u.String(), "", nil)
		require.NoError(t, err)
		_, err = io.ReadFull(resp.Body, make([]byte, 2))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		_, err = resp.Body.Read(make([]byte, 1))
		require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
		require.Zero(t, http1.Kept(tr, u))
	})
}

// Close ends a Read that waits.
func TestRoundTrip_CloseWhileReading(t *testing.T) {
	t.Parallel()
	u := serve(t, func(_ int, conn net.Conn) {
		readRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 x\r\n\r\nx")
		_, _ = io.Copy(io.Discard, conn)
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	require.NoError(t, err)
	resp, err := newTransport(t, http1.Config{}).RoundTrip(req)
	require.NoError(t, err)
	time.AfterFunc(10*time.Millisecond, func() { _ = resp.Body.Close() })
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err)
}

// The end of the context ends an exchange wherever it is, and is its error.
func TestRoundTrip_Context(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{"header": "HTTP/1.1 2", "body": "HTTP/1.1 200 x\r\n\r\nx"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written := make(chan struct{})
			u := serve(t, func(_ int, conn net.Conn) {
				readRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, head)
				close(written)
				_, _ = io.Copy(io.Discard, conn)
			})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-written
				cancel()
			}()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
			require.NoError(t, err)
			resp, err := newTransport(t, http1.Config{}).RoundTrip(req)
			if name == "body" && err == nil { // it can be faster
				_, err = io.ReadAll(resp.Body)
				require.NoError(t, resp.Body.Close())
			}
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

// The hooks by which a Client knows what was written, and others what took how long.
func TestRoundTrip_Trace(t *testing.T) {
	t.Parallel()
	u := serve(t, each(ok))
	tr := newTransport(t, http1.Config{})
	for n := range 2 {
		var told []string
		add := func(s string) { told = append(told, s) }
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			ConnectDone: func(string, string, error) { add("connect") },
			GotConn: func(info httptrace.GotConnInfo) {
				require.Equal(t, n > 0, info.Reused)
				add("conn")
			},
			WroteHeaders: func() { add("headers") },
			WroteRequest: func(info httptrace.WroteRequestInfo) {
				require.NoError(t, info.Err)
				add("request")
			},
			GotFirstResponseByte: func() { add("byte") },
		})
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), strings.NewReader("x"))
		require.NoError(t, err)
		resp, err := tr.RoundTrip(req)
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, []string{"connect", "conn", "headers", "request", "byte"}[min(n, 1):], told)
	}
}

func TestRoundTrip_Refuses(t *testing.T) {
	t.Parallel()
	errRead := errors.New("broken")
	tests := map[string]func(*http.Request){
		"URL must start with http:// or https://": func(r *http.Request) { r.URL.Scheme = "ftp" },
		"opaque URL":                        func(r *http.Request) { r.URL.Opaque = "x" },
		"host name that no server can have": func(r *http.Request) { r.URL.Host = "xn--a" },
		"broken": func(r *http.Request) {
			r.Body = io.NopCloser(readerFunc(func([]byte) (int, error) { return 0, errRead }))
		},
		"request body of 1 bytes, want 2":          func(r *http.Request) { r.ContentLength = 2 },
		"request body of more than 67108864 bytes": func(r *http.Request) { r.ContentLength = 1 << 40 },
		"invalid character in the header X":        func(r *http.Request) { r.Header.Set("X", "\n") },
	}
	for want, change := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://h.test/", strings.NewReader("x"))
			require.NoError(t, err)
			change(req)
			isClosed := false
			req.Body = closer{req.Body, &isClosed}
			_, err = pipeTransport(t, func(net.Conn) { t.Error("connected") }).RoundTrip(req)
			require.EqualError(t, err, want)
			require.True(t, isClosed)
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type closer struct {
	io.Reader
	isClosed *bool
}

func (c closer) Close() error {
	*c.isClosed = true
	return nil
}

// A receiver that answers before it has read a large request is heard, whether it reads on,
// waits or closes.
func TestDo_EarlyAnswer(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 413 x\r\nContent-Length: 3\r\n\r\nbig"
	for _, tt := range []string{"reads on", "waits", "half closed"} {
		t.Run(tt, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			var conns atomic.Int32
			u := serve(t, func(_ int, conn net.Conn) {
				conns.Add(1)
				_, _ = http.ReadRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, answer)
				switch tt {
				case "reads on":
					_, _ = io.Copy(io.Discard, conn)
				case "half closed":
					_ = conn.(*net.TCPConn).CloseWrite()
					<-release
				default:
					<-release
				}
			})
			defer close(release)
			tr := newTransport(t, http1.Config{})
			r := post(u)
			r.Body = make([]byte, 32<<20) // more than all buffers hold
			a, err := tr.Do(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, 413, a.Status)
			require.Equal(t, "big", string(a.Body))
			require.Equal(t, 1, a.Requests)
			if tt != "reads on" {
				require.Zero(t, http1.Kept(tr, u), "the request was not written whole")
			}
		})
	}
}

// A request that is not written in time has not made it, and the end of the context ends it.
func TestDo_NotRead(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	u := serve(t, func(int, net.Conn) { <-release })
	tr := newTransport(t, http1.Config{})
	r := post(u)
	r.Body = make([]byte, 32<<20)
	r.Deadline = time.Now().Add(300 * time.Millisecond)
	a, err := tr.Do(t.Context(), r)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.Equal(t, 1, a.Requests)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	r.Deadline = time.Now().Add(time.Minute)
	begin := time.Now()
	_, err = tr.Do(ctx, r)
	require.Error(t, err)
	require.Less(t, time.Since(begin), 30*time.Second)
}
