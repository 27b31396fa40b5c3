package http1

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ringhook/webhook/internal/request"
)

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip makes a Transport an [http.RoundTripper]. It reads the request's body before
// it sends anything, so that the request can be repeated, and heeds the hooks for
// connections, requests and the first byte of the answer of [httptrace]. A 101 ends the
// connection.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readAll(req)
	if err != nil {
		return nil, err
	}
	r, err := newRequest(req, body)
	if err != nil {
		return nil, err
	}
	ctx := req.Context()
	r.Owner = OwnerOf(ctx)
	x := exchange{transport: t}
	if err := t.begin(ctx, r, &x); err != nil {
		var own *IdentityError
		if ctx.Err() != nil && !errors.As(err, &own) {
			return nil, ctx.Err()
		}
		return nil, err
	}
	response := x.response
	response.Request = req
	if x.conn.tls != nil {
		state := x.conn.tls.ConnectionState()
		response.TLS = &state
	}
	if x.hasNoBody() {
		x.end(true)
		response.Body = http.NoBody
		return response, nil
	}
	response.Body = &bodyReader{exchange: x, body: response.Body}
	return response, nil
}

// readAll reads the body of a request and closes it.
func readAll(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer req.Body.Close()
	size := max(req.ContentLength, 0)
	if size > maxRequestBody {
		return nil, errBody
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequestBody+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxRequestBody:
		return nil, errBody
	case req.ContentLength > 0 && int64(len(body)) != req.ContentLength:
		return nil, fmt.Errorf("request body of %d bytes, want %d", len(body), req.ContentLength)
	}
	return body, nil
}

// maxRequestBody is far above that of any message.
const maxRequestBody = 64 << 20

var errBody = fmt.Errorf("request body of more than %d bytes", maxRequestBody)

func newRequest(req *http.Request, body []byte) (*Request, error) {
	if req.URL == nil || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return nil, errors.New("URL must start with http:// or https://")
	}
	if req.URL.Opaque != "" {
		return nil, errors.New("opaque URL")
	}
	for _, host := range []string{req.URL.Host, req.Host} {
		if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\\?#@`, r) }) {
			return nil, errors.New("invalid character in the host")
		}
	}
	u := *req.URL
	var err error
	if u.Host, err = request.ASCIIHost(u.Host); err != nil {
		return nil, err
	}
	r := &Request{Method: req.Method, URL: &u, Header: req.Header, Body: body}
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if req.Host != "" {
		if r.host, err = request.ASCIIHost(req.Host); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// A bodyReader is the body of an answer that is read by whoever called RoundTrip. At its
// end the connection is free; a Close before that closes the connection, and can be called
// while a Read waits.
type bodyReader struct {
	mu       sync.Mutex // held by Read
	exchange exchange
	body     io.Reader
	err      error
	isOver   atomic.Bool // whoever sets it ends the exchange
}

func (b *bodyReader) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	if b.isOver.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.body.Read(p)
	if err == nil {
		return n, nil
	}
	b.err = err
	if ctx := b.exchange.response.Request.Context(); err != io.EOF && ctx.Err() != nil {
		b.err = ctx.Err()
	}
	if b.isOver.CompareAndSwap(false, true) {
		b.exchange.end(err == io.EOF)
	}
	return n, b.err
}

func (b *bodyReader) Close() error {
	if !b.isOver.CompareAndSwap(false, true) {
		return nil
	}
	_ = b.exchange.conn.socket.Close() // which ends a Read
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exchange.end(false)
	return nil
}
