package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"

	"github.com/valyala/fasthttp"
)

// The receiver is a process of its own, so that the CPU it needs is not counted as the sender's. It is the leanest that
// there is in Go, since what it needs is missing on both sides of each pair.

// receiverArg as the first argument makes the program a receiver.
const receiverArg = "receiver"

// A receiver is a running one.
type receiver struct {
	// Hosts are its addresses: the first at 127.0.0.1, the others each at one of their own.
	hosts []string
	stop  io.Closer
	cmd   *exec.Cmd
}

func startReceiver(hosts int) (*receiver, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, receiverArg, strconv.Itoa(hosts))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
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

// receive runs a receiver until its input ends.
func receive(hosts int) error {
	server := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetBodyString("ok")
	}}
	failed := make(chan error, hosts+1)
	for i := range hosts {
		ip := "127.0.0.1"
		if i > 0 { // all of 127/8 is loopback, on Linux at least
			ip = fmt.Sprintf("127.1.%d.%d", i>>8, i&0xff)
		}
		l, err := net.Listen("tcp4", ip+":0")
		if err != nil {
			return err
		}
		fmt.Println(l.Addr())
		go func() { failed <- server.Serve(l) }()
	}
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		failed <- err
	}()
	return <-failed
}
