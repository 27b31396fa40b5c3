package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// children are what the program does when it has started itself, by their first
// argument; the second is a number.
var children = map[string]func(n int) error{
	"receiver": receive, "receiver-tls": receiveTLS, "goroutines": goroutines, "deliverer": deliverer,
	"idle": idle, "idle-http": idleHTTP,
}

// child is this program as one of its children, which ends when its input is closed. Env
// is what its environment has besides this one's.
func child(name string, n int, env ...string) (cmd *exec.Cmd, input io.Closer, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd = exec.Command(self, name, strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), env...)
	input, err = cmd.StdinPipe()
	return cmd, input, err
}

// asChild runs what the arguments name, if they name a child. It ends when its input
// does, as that of a child whose parent is gone.
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
