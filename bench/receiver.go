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

// children are what the program does when it has started itself, by their first argument; the second is a number.
var children = map[string]func(n int) error{"receiver": receive, "goroutines": goroutines}

// child is this program as one of its children.
func child(name string, n int) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, name, strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// asChild runs what the arguments name, if they name a child. It ends when its input does, as that of a child whose parent is
// gone.
func asChild(args []string) (is bool, err error) {
	if len(args) != 3 || children[args[1]] == nil {
		return false, nil
	}
	n, err := strconv.Atoi(args[2])
	if err != nil || n < 1 {
		return true, fmt.Errorf("%s: want a number of 1 or more", args[1])
	}
	ended := make(chan error, 1)
	go func() { ended <- children[args[1]](n) }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	return true, <-ended
}

// A receiver is a running one.
type receiver struct {
	// Hosts are its addresses, each a host of its own to the sender's transport, by its port.
	hosts []string
	stop  io.Closer
	cmd   *exec.Cmd
}

func startReceiver(hosts int) (*receiver, error) {
	cmd, err := child("receiver", hosts)
	if err != nil {
		return nil, err
	}
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

// receive runs a receiver.
func receive(hosts int) error {
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
		go func() { failed <- server.Serve(l) }()
	}
	return <-failed
}
