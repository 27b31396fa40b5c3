package http1

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// A conn is a connection, used by one exchange at a time.
type conn struct {
	stream     net.Conn // the socket itself, or TLS over it
	socket     *socket
	tls        *tls.Conn // with the receiver; nil, if there is none
	key        key
	reused     bool
	wantsCert  bool      // the receiver has asked for a client's certificate, and we had none
	since      time.Time // when it became idle
	until      time.Time // when it is closed, if it is still idle then
	look       [1]byte
	unfinished bool // the request was not written whole

	// While it is in use:
	reader   *bufio.Reader
	left     int         // of what the header may have; negative after it
	answered bool        // something of the answer has come
	unwatch  func() bool // ends the watch over the context; nil, if there is none
}

// use prepares a connection for an exchange, which it has until the deadline, or until
// ctx ends.
func (c *conn) use(ctx context.Context, deadline time.Time) {
	c.reader = readers.Get().(*bufio.Reader)
	c.reader.Reset(c)
	c.setDeadline(ctx, deadline)
	if ctx.Done() != nil {
		c.unwatch = context.AfterFunc(ctx, func() { _ = c.socket.SetDeadline(past) })
	}
}

var (
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}
	past    = time.Unix(1, 0)
)

// release ends the use, and reports whether the connection can be used again: not if
// something may still set its deadline.
func (c *conn) release() bool {
	isFree := c.unwatch == nil || c.unwatch()
	c.unwatch = nil
	if c.reader != nil {
		c.reader.Reset(nil)
		readers.Put(c.reader)
		c.reader = nil
	}
	return isFree
}

// close closes the connection, without the farewell of TLS, for which a receiver that
// does not read would let us wait.
func (c *conn) close() {
	c.release()
	_ = c.socket.Close()
}

// farewell closes an idle connection, with a close_notify if it is TLS and can be written at
// once.
func (c *conn) farewell() {
	if c.stream != net.Conn(c.socket) {
		_ = c.socket.SetDeadline(time.Now().Add(10 * time.Millisecond))
		c.socket.isLeaving = true
		_ = c.stream.Close()
	}
	_ = c.socket.Close()
}

// The deadlines do not undo what the end of the context has done.

func (c *conn) setDeadline(ctx context.Context, deadline time.Time) {
	_ = c.socket.SetDeadline(deadline)
	if ctx.Err() != nil {
		_ = c.socket.SetDeadline(past)
	}
}

func (c *conn) setReadDeadline(ctx context.Context, deadline time.Time) {
	_ = c.socket.SetReadDeadline(deadline)
	if ctx.Err() != nil {
		_ = c.socket.SetReadDeadline(past)
	}
}

// Read is what the reader reads from: it bounds the header.
func (c *conn) Read(p []byte) (int, error) {
	if c.left >= 0 {
		if c.left == 0 {
			return 0, errHead
		}
		p = p[:min(len(p), c.left)]
	}
	n, err := c.stream.Read(p)
	if n > 0 {
		c.answered = true
		if c.left > 0 {
			c.left -= n
		}
	}
	return n, err
}

// isQuiet reports whether an idle connection can be used: it is neither closed, nor has
// anything come that nobody asked for. What TLS sends of its own accord is none of that.
func (c *conn) isQuiet() bool {
	c.socket.noWait = true
	n, err := c.stream.Read(c.look[:])
	c.socket.noWait = false
	return n == 0 && isTimeout(err)
}

// exchange writes a request and reads the header of the answer.
func (c *conn) exchange(ctx context.Context, r *Request, head, rest []byte, trace *httptrace.ClientTrace) (*http.Response, error) {
	c.socket.written, c.answered, c.left = 0, false, maxHead
	unwritten := c.write(ctx, head, rest, r.Deadline)
	if trace != nil {
		if trace.WroteHeaders != nil && c.socket.written > 0 {
			trace.WroteHeaders()
		}
		if trace.WroteRequest != nil && c.socket.written > 0 {
			trace.WroteRequest(httptrace.WroteRequestInfo{Err: unwritten})
		}
	}
	if unwritten != nil {
		if c.socket.written == 0 {
			return nil, unwritten
		}
		// The receiver may have said why it takes no more.
		c.unfinished = true
		c.socket.noWait = isTimeout(unwritten)
	}
	response, err := c.readHead(r.Method, trace)
	c.socket.noWait = false
	if err != nil && unwritten != nil && unwritten != errEarly && !c.answered { //nolint:errorlint // our own, as it is
		err = unwritten
	}
	return response, err
}

// write writes a request until a deadline, which can be zero.
func (c *conn) write(ctx context.Context, head, rest []byte, deadline time.Time) error {
	if len(rest) == 0 || c.stream != net.Conn(c.socket) {
		_, err := c.stream.Write(head)
		if err == nil && len(rest) > 0 {
			_, err = c.stream.Write(rest)
		}
		return err
	}
	// From time to time is looked whether the receiver has answered rather than read on.
	const patience = 100 * time.Millisecond
	parts := net.Buffers{head, rest}
	for {
		until := time.Now().Add(patience)
		if !deadline.IsZero() && deadline.Before(until) {
			until = deadline
		}
		_ = c.socket.SetWriteDeadline(until)
		if ctx.Err() != nil {
			_ = c.socket.SetWriteDeadline(past)
		}
		n, err := parts.WriteTo(c.socket.Conn)
		c.socket.written += int(n)
		if err == nil || !isTimeout(err) || until.Equal(deadline) || ctx.Err() != nil {
			return err
		}
		isAnswered := c.isAnswered()
		c.setReadDeadline(ctx, deadline)
		if isAnswered {
			return errEarly
		}
	}
}

// isAnswered reports whether the receiver has answered, or closed, rather than read on. An
// informational answer is none: after one the request is written to its end.
func (c *conn) isAnswered() bool {
	c.socket.noWait = true
	begin, err := c.reader.Peek(len("HTTP/1.1 1"))
	c.socket.noWait = false
	if err != nil {
		return !isTimeout(err)
	}
	return begin[len(begin)-1] != '1'
}

var (
	errEarly = errors.New("answered before the request was written")
	errHead  = fmt.Errorf("header of the answer of more than %d bytes", maxHead)
)

// The requests that answers are parsed for: their method says whether there is a body.
var (
	anyRequest     = &http.Request{Method: http.MethodPost}
	headRequest    = &http.Request{Method: http.MethodHead}
	connectRequest = &http.Request{Method: http.MethodConnect}
)

// readHead reads the header of the answer, after the informational ones.
func (c *conn) readHead(method string, trace *httptrace.ClientTrace) (*http.Response, error) {
	first, err := c.reader.Peek(1)
	if err != nil {
		return nil, err
	}
	if trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	if first[0] != 'H' && isHTTP2(c.reader) {
		return nil, ErrHTTP2
	}
	request := anyRequest
	switch method {
	case http.MethodHead:
		request = headRequest
	case http.MethodConnect:
		request = connectRequest
	}
	for range maxInformational + 1 {
		response, err := http.ReadResponse(c.reader, request)
		if err != nil {
			return nil, err
		}
		status := response.StatusCode
		if status < 100 {
			return nil, fmt.Errorf("status %03d in the answer", status)
		}
		if status >= 200 || status == http.StatusSwitchingProtocols {
			c.left = -1
			return response, nil
		}
	}
	return nil, fmt.Errorf("more than %d informational answers", maxInformational)
}

// ErrHTTP2 means that a receiver answers in HTTP/2, unasked.
var ErrHTTP2 = errors.New("the answer is HTTP/2")

// isHTTP2 reports whether an answer begins with a frame of settings of HTTP/2, RFC 9113,
// 6.5.
func isHTTP2(r *bufio.Reader) bool {
	const header = 9 // 3 bytes length, type, flags, 4 bytes stream
	frame, err := r.Peek(header)
	return err == nil && frame[0] == 0 && frame[3] == 4 && frame[4] <= 1 && string(frame[5:]) == "\x00\x00\x00\x00"
}

// mayRepeat reports whether a request that failed on this connection can be made again,
// if the connection was used before: when nothing of it was written, and when the
// connection was closed without an answer.
func (c *conn) mayRepeat(err error) bool {
	return c.socket.written == 0 || !c.answered && !isTimeout(err)
}

// explain tells what of a handshake's failure comes only after it: with TLS 1.3 a client
// is done before its certificate is judged.
func (c *conn) explain(err error) error {
	var alert *net.OpError
	if c.tls != nil && errors.As(err, &alert) && alert.Op == "remote error" {
		return &HandshakeError{Err: err, WantsCertificate: c.wantsCert}
	}
	return err
}

// The byte beyond the limit is there to see that a body of just that size has ended.
var bodies = sync.Pool{New: func() any { return new([MaxBody + 1]byte) }}

// readBody returns the beginning of the body and ends the exchange. Whatever goes wrong,
// the status has been seen, so there are no errors.
func (x *exchange) readBody(ctx context.Context) []byte {
	body := x.response.Body
	if x.hasNoBody() {
		x.end(true)
		return nil
	}
	if size := x.response.ContentLength; size < 0 || size > int64(x.conn.reader.Buffered()) {
		x.conn.setReadDeadline(ctx, time.Now().Add(BodyTime))
	}
	buf := bodies.Get().(*[MaxBody + 1]byte)
	defer bodies.Put(buf)
	n, err := 0, error(nil)
	for n < len(buf) && err == nil {
		var more int
		more, err = body.Read(buf[n:])
		n += more
	}
	x.end(err == io.EOF) //nolint:errorlint // as io.Reader says
	if n == 0 {
		return nil
	}
	kept := make([]byte, min(n, MaxBody))
	copy(kept, buf[:])
	return kept
}

// hasNoBody reports whether the answer is complete with its header. The body of a 101 is
// the connection, which nobody wants.
func (x *exchange) hasNoBody() bool {
	return x.response.Body == http.NoBody || x.response.StatusCode == http.StatusSwitchingProtocols
}

// end ends the exchange. The connection is kept, if both sides want that and nothing is
// left of the answer.
func (x *exchange) end(isComplete bool) {
	c, response := x.conn, x.response
	keep := isComplete && !c.unfinished && !response.Close &&
		response.StatusCode != http.StatusSwitchingProtocols && c.reader.Buffered() == 0
	if !c.release() || !keep {
		_ = c.socket.Close()
		return
	}
	x.transport.keep(c, response.Header)
}
