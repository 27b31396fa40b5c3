package http1

import (
	"net"
	"os"
	"syscall"
	"time"
)

// A socket is the connection below TLS. It counts what is written, and can be read
// without waiting.
type socket struct {
	net.Conn
	raw     syscall.RawConn // nil, if there is none
	written int             // bytes of the request
	// noWait makes Read return os.ErrDeadlineExceeded if there is nothing to be read.
	noWait bool
	// isLeaving keeps the deadline for writing, for which TLS would have its own at the
	// end: of 5 seconds.
	isLeaving bool

	// What receive works on. It is kept, since a function made anew for each time would
	// be allocated.
	receive func(fd uintptr)
	into    []byte
	n       int
	err     error
}

func newSocket(c net.Conn) *socket {
	s := &socket{Conn: c}
	if conn, ok := c.(syscall.Conn); ok && canReceive {
		if raw, err := conn.SyscallConn(); err == nil {
			s.raw, s.receive = raw, s.receiveNow
		}
	}
	return s
}

func (s *socket) Read(p []byte) (int, error) {
	if s.noWait {
		return s.readNow(p)
	}
	return s.Conn.Read(p)
}

func (s *socket) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	s.written += n
	return n, err
}

func (s *socket) SetWriteDeadline(t time.Time) error {
	if s.isLeaving {
		return nil
	}
	return s.Conn.SetWriteDeadline(t)
}

// readNow reads without waiting. If there is no way to, it waits for a moment, and the
// deadline for reading is another one afterwards.
func (s *socket) readNow(p []byte) (int, error) {
	if s.raw == nil {
		const moment = time.Millisecond
		if err := s.SetReadDeadline(time.Now().Add(moment)); err != nil {
			return 0, err
		}
		return s.Conn.Read(p)
	}
	s.into = p
	err := s.raw.Control(s.receive)
	s.into = nil
	if err != nil {
		return 0, err
	}
	return s.n, s.err
}

func isTimeout(err error) bool {
	timeout, ok := err.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}

// errNothing is what readNow returns if there is nothing. TLS goes on after it, since it
// is temporary.
var errNothing error = os.ErrDeadlineExceeded
