//go:build unix

package http1

import (
	"io"
	"syscall"
)

const canReceive = true

// receiveNow reads from the file descriptor, which never blocks in package net.
func (s *socket) receiveNow(fd uintptr) {
	for {
		s.n, s.err = syscall.Read(int(fd), s.into)
		if s.err != syscall.EINTR { //nolint:errorlint // a plain errno
			break
		}
	}
	switch {
	case s.err == syscall.EAGAIN: //nolint:errorlint // a plain errno
		s.n, s.err = 0, errNothing
	case s.err != nil:
		s.n = 0
	case s.n == 0:
		s.err = io.EOF
	}
}
