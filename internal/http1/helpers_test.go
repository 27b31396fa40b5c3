package http1_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// serve listens on loopback and hands each connection to handle, with its number from 1.
// It is closed when handle returns, or the test ends.
func serve(t testing.TB, handle func(n int, conn net.Conn)) *url.URL {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	done, stop := context.WithCancel(context.Background())
	wg.Go(func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(done, func() { _ = conn.Close() })
			wg.Go(func() {
				defer conn.Close()
				handle(n, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		stop()
		wg.Wait()
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/hook"}
}

// each answers each request on a connection with the same text.
func each(text string) func(int, net.Conn) {
	return func(_ int, conn net.Conn) {
		for r := bufio.NewReader(conn); readRequest(r); {
			_, _ = io.WriteString(conn, text)
		}
	}
}

func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

func newTransport(t testing.TB, c http1.Config) *http1.Transport {
	var d net.Dialer
	if c.Dial == nil {
		c.Dial = d.DialContext
	}
	c.DialProxy = d.DialContext
	if c.TLS == nil {
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	tr := http1.New(c)
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func post(u *url.URL) *http1.Request {
	return &http1.Request{
		Method: http.MethodPost, URL: u, Header: http.Header{"User-Agent": {"Ringhook"}}, Body: []byte("x"),
		Deadline: time.Now().Add(time.Minute),
	}
}

// pipeTransport returns a transport whose connections are pipes to handle.
func pipeTransport(t testing.TB, handle func(net.Conn)) *http1.Transport {
	return newTransport(t, http1.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			handle(server)
		}()
		return client, nil
	}})
}

func mustURL(t testing.TB, raw string) *url.URL {
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

func spaces(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
