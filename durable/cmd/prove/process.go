package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A process is one that reports events and delivers. See [orders].
type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	quiet chan struct{} // closed when it has said that it reports no more events
	ended chan struct{} // closed when it has ended and all that it said is in the ledger
	err   error         // of its end; after ended
	says  head          // in its standard error; after ended
}

// start starts this program as a process of the trial.
func start(l *ledger, o orders) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program) //nolint:gosec,noctx // this program; kill and stop end it
	p := &process{cmd: cmd, quiet: make(chan struct{}), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), workerVariable+"=1")
	p.cmd.Stderr = &p.says
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		p.listen(l, stdout)
		p.err = p.cmd.Wait()
	}()
	line, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	// If it is not there any more, that shows elsewhere.
	_, _ = p.stdin.Write(append(line, '\n'))
	return p, nil
}

// listen reads what the process says. A line that is not whole, since it was killed, was
// not said.
func (p *process) listen(l *ledger, stdout io.Reader) {
	quiet := sync.OnceFunc(func() { close(p.quiet) })
	defer quiet()
	for r := bufio.NewReader(stdout); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch words := strings.Fields(line); {
		case len(words) == 4 && words[0] == "accepted":
			at, err := strconv.ParseInt(words[2], 10, 64)
			took, err2 := strconv.ParseInt(words[3], 10, 64)
			if err == nil && err2 == nil {
				l.accept(words[1], time.Unix(0, at), time.Duration(took))
			}
		case len(words) == 2 && words[0] == "rolled-back":
			l.undo(words[1])
		case len(words) == 1 && words[0] == "quiet":
			quiet()
		}
	}
}

// kill ends the process as a crash does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = p.stdin.Close()
}

// hush has it report no more events.
func (p *process) hush() { _, _ = io.WriteString(p.stdin, "\n") }

// stop has it stop, and kills it if it does not do so soon.
func (p *process) stop() {
	_ = p.stdin.Close()
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		p.kill()
	}
}

// byItself returns an error if the process has ended, which nobody has asked it to.
func (p *process) byItself() error {
	select {
	case <-p.ended:
		return fmt.Errorf("a process ended by itself (%w): %s", p.err, bytes.TrimSpace(p.says.text))
	default:
		return nil
	}
}

// A head keeps the beginning of what is written to it.
type head struct{ text []byte }

func (t *head) Write(p []byte) (int, error) {
	t.text = append(t.text, p[:min(len(p), 2000-len(t.text))]...)
	return len(p), nil
}
