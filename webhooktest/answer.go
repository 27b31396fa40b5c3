package webhooktest

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"time"

	"github.com/ringhook/webhook/handshake"
)

// An Answer is one step of a [Receiver]'s script. The zero Answer is Status(200). One
// that goes on for ever ends when the sender goes away or the receiver is closed.
type Answer struct {
	handler http.HandlerFunc
	refuse  bool
}

// Status answers with a status code from 200 to 999 and no body. It panics on any other
// code.
func Status(code int) Answer { return Reply(code, nil, "") }

// RetryAfter answers with a status code and a Retry-After header, in seconds or an HTTP
// date, written as it is.
func RetryAfter(code int, value string) Answer {
	return Reply(code, http.Header{"Retry-After": {value}}, "")
}

// Redirect answers with a status code and a Location header.
func Redirect(code int, location string) Answer {
	return Reply(code, http.Header{"Location": {location}}, "")
}

// Reply answers with a status code from 200 to 999, headers and a body. It panics on
// any other code.
func Reply(code int, header http.Header, body string) Answer {
	checkCode(code)
	header = header.Clone()
	return Func(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body) // the sender may have gone
	})
}

// Drip answers with a status code, then one byte of body each time that every has
// passed, for ever.
func Drip(code int, every time.Duration) Answer {
	checkCode(code)
	return Func(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		stream(w, r, code, []byte("."), tick.C)
	})
}

// Endless answers with a status code, then with a body without an end, as fast as it is
// read.
func Endless(code int) Answer {
	checkCode(code)
	always := make(chan time.Time)
	close(always)
	return Func(func(w http.ResponseWriter, r *http.Request) {
		stream(w, r, code, make([]byte, 32<<10), always)
	})
}

// Hang reads the request and never answers.
func Hang() Answer {
	return Func(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // returning would be an answer
	})
}

// Reset reads the request and resets the connection. The sender cannot know whether it
// was processed.
func Reset() Answer { return Func(reset) }

// Refuse refuses the connection. A server that listens cannot do that, so the transport
// of [Receiver.Client] does it: it dials a port of the loopback interface on which
// nobody listens, and the error is the system's own. To any other client it is [Reset].
// Either way the request is not in [Receiver.Requests].
//
// The transport looks at the script before it sends the request, so do not use Refuse
// with several requests at once.
func Refuse() Answer { return Answer{handler: reset, refuse: true} }

// Handshake answers the challenges of package handshake that have the key, those of an
// Echo and those of a Hub, and all other requests as other does. It refuses challenges
// with another key.
func Handshake(key string, other Answer) Answer {
	handler := handshake.Echo{Key: key}.Handler(handshake.Hub{Token: key}.Handler(http.HandlerFunc(other.play)))
	return Func(handler.ServeHTTP)
}

// Func answers as f does, which may be a handler under test. f can read the request's
// body, which has arrived completely. The request's context ends when the sender goes
// away or the receiver is closed, and f must return then.
func Func(f http.HandlerFunc) Answer { return Answer{handler: f} }

// play needs a request whose body has been read: only then does net/http notice that
// the sender has gone.
func (a Answer) play(w http.ResponseWriter, r *http.Request) {
	if a.handler != nil {
		a.handler(w, r)
	}
}

// checkCode panics, where the script is written, for codes that net/http would not send,
// or after which it would expect another status.
func checkCode(code int) {
	if code < 200 || code > 999 {
		panic(fmt.Sprintf("webhooktest: status code %d, want 200 to 999", code))
	}
}

// stream answers with code, then with chunk each time that next receives, until nobody
// reads it.
func stream(w http.ResponseWriter, r *http.Request, code int, chunk []byte, next <-chan time.Time) {
	w.WriteHeader(code)
	conn := http.NewResponseController(w)
	for conn.Flush() == nil {
		select {
		case <-next:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler) // returning would end the body
		}
		if _, err := w.Write(chunk); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // RST in place of FIN
	}
	_ = conn.Close()
}
