//go:build !unix

package http1

const canReceive = false

func (s *socket) receiveNow(uintptr) {}
