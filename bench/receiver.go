package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"

	"github.com/valyala/fasthttp"
)

// The receiver is a process of its own, so that the CPU it needs is not counted as the
// sender's. It is the leanest that there is in Go, since what it needs is missing on
// both sides of each pair.

// A receiver is a running one.
type receiver struct {
	// Hosts are its addresses, each a host of its own to the sender's transport, by its
	// port.
	hosts []string
	stop  io.Closer
	cmd   *exec.Cmd
}

// startReceiver starts the child of that name.
func startReceiver(name string, hosts int) (*receiver, error) {
	cmd, stdin, err := child(name, hosts)
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &receiver{stop: stdin, cmd: cmd}
	for lines := bufio.NewScanner(stdout); len(r.hosts) < hosts; {
		if !lines.Scan() {
			r.close()
			return nil, errors.New("the receiver has not started")
		}
		r.hosts = append(r.hosts, lines.Text())
	}
	return r, nil
}

func (r *receiver) close() {
	_ = r.stop.Close()
	_ = r.cmd.Wait()
}

// receive runs a receiver.
func receive(hosts int) error { return serve(hosts, (*fasthttp.Server).Serve) }

// receiveTLS runs one with a certificate that nobody knows.
func receiveTLS(hosts int) error {
	certificate, key, err := fasthttp.GenerateTestCertificate("127.0.0.1")
	if err != nil {
		return err
	}
	return serve(hosts, func(s *fasthttp.Server, l net.Listener) error { return s.ServeTLSEmbed(l, certificate, key) })
}

func serve(hosts int, accept func(*fasthttp.Server, net.Listener) error) error {
	server := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetBodyString("ok")
	}}
	failed := make(chan error, hosts)
	for range hosts {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println(l.Addr())
		go func() { failed <- accept(server, l) }()
	}
	return <-failed
}
