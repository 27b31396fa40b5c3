package webhook_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// FuzzCarriers gives the same bytes to our own client and to net/http: in the same chunks,
// with the same end, once the request is written. What comes of it is the same attempt, but
// for what is listed here:
//   - net/http sets no bound to the number of informational answers, and reckons the bound of
//     64 KiB anew after each of them;
//   - an answer in HTTP/2 has a text of its own;
//   - a connection that ends within a header is a reset or a malformed answer.
func FuzzCarriers(f *testing.F) {
	const head = "HTTP/1.1 200 OK\r\n"
	for _, answer := range []string{
		ok, "", "H", "HTTP/1.1 204 x\r\n\r\nstray", "HTTP/1.0 200\r\n\r\nbody", "HTTP/1.1 000 x\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n",
		"HTTP/1.1 999 x\r\n\r\n", "HTTP/2.0 200 x\r\n\r\n", "HTTP/1.1 103 x\r\n\r\n" + ok, "HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
		head + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
		head + "Content-Length: -1\r\n\r\n", head + "Content-Length: 100\r\n\r\nfour", head + "Content-Length: \r\n\r\n",
		head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n",
		head + "Transfer-Encoding: gzip\r\n\r\nok", head + "Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		head + " folded: x\r\n\r\n", head + "X : y\r\n\r\n", head + "no colon\r\n\r\n", head + "X: a\x00b\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		head + "Location: /x\r\n\r\n", "HTTP/1.1 301 x\r\nLocation: https://u:p@h/?q#f\r\n\r\n", "HTTP/1.1 429 x\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", "\x00\x00\x12\x04\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 18), "garbage\r\n\r\n", "\r\n\r\n",
		head + "Content-Encoding: gzip\r\n\r\n\x1f\x8b", head + "\r\n" + strings.Repeat("long ", 4000),
	} {
		f.Add([]byte(answer), uint64(1), false)
		f.Add([]byte(answer), uint64(0), true)
	}
	f.Fuzz(func(t *testing.T, answer []byte, seed uint64, isReset bool) {
		if len(answer) > 60<<10 || bytes.Count(answer, []byte("HTTP/")) > 16 {
			return
		}
		try := func(transport func(func(context.Context, string, string) (net.Conn, error)) http.RoundTripper) webhook.Attempt {
			c := &webhook.Client{Transport: transport(func(context.Context, string, string) (net.Conn, error) {
				return newScript(answer, seed, isReset), nil
			})}
			defer c.CloseIdleConnections()
			a := c.Try(context.Background(), message("http://127.0.0.1:80/"), 1)
			a.At, a.Duration, a.Wait = time.Time{}, 0, 0
			return a
		}
		ours, theirs := try(carriers[0].dial), try(func(dial func(context.Context, string, string) (net.Conn, error)) http.RoundTripper {
			return &http.Transport{DialContext: dial, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10}
		})
		if theirs.Err != nil {
			require.Error(t, ours.Err, "%v", theirs.Err)
			if ours.Err.Error() == "webhook: the server speaks HTTP/2 only" {
				theirs.Err, theirs.Code = ours.Err, ours.Code
			}
			isCut := func(a webhook.Attempt) bool { return a.Class == webhook.ClassReset || a.Class == webhook.ClassProtocol }
			if isCut(ours) && isCut(theirs) {
				theirs.Class, theirs.Err, theirs.Code = ours.Class, ours.Err, ours.Code
			}
			require.EqualError(t, ours.Err, theirs.Err.Error())
		}
		ours.Err, theirs.Err = nil, nil
		require.Equal(t, theirs, ours)
	})
}

// A script is a connection that answers the first request with what it has, in chunks, and
// ends.
type script struct {
	net.Conn // not there
	mu       sync.Mutex
	asked    chan struct{}
	once     sync.Once
	closed   chan struct{}
	rest     []byte
	random   *rand.Rand
	end      error
	request  []byte
}

func newScript(answer []byte, seed uint64, isReset bool) *script {
	s := &script{rest: answer, end: io.EOF, asked: make(chan struct{}), closed: make(chan struct{})}
	if seed != 0 {
		s.random = rand.New(rand.NewPCG(seed, 0))
	}
	if isReset {
		s.end = &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	}
	return s
}

func (s *script) Read(p []byte) (int, error) {
	select {
	case <-s.asked:
	case <-s.closed:
		return 0, net.ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.rest) == 0 {
		return 0, s.end
	}
	if s.random != nil {
		p = p[:min(len(p), 1+s.random.IntN(len(s.rest)))]
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const end = "\r\n\r\n" + `{"status":"sent"}`
	if s.request = append(s.request, p...); bytes.HasSuffix(s.request, []byte(end)) {
		close(s.asked)
	}
	return len(p), nil
}

func (s *script) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }
