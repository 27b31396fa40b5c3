package durabletest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Kill kills a process that enqueues and delivers 8 times, and starts it again each
// time. Nothing that was accepted may be lost, and nothing delivered twice that was not
// in flight at a kill.
func Kill(t *testing.T, place Place) {
	l := newLedger(t)
	s := settings{Place: place, URL: l.receiver.URL}
	killed := map[int]int{}
	for range 8 {
		s.Number++
		p := start(t, l, s)
		p.runFor(between(200*time.Millisecond, 4*time.Second))
		p.kill()
		killed[s.Number] = 1
	}
	at := time.Now()
	s.Number++
	p := start(t, l, s)
	p.runUntil(l, enough)
	finish(p)
	t.Logf("the last delivery came %v after the last kill", l.lastAfter(at))
	l.settle(t, killed)
}

// TakeOver kills one of two processes on one database. The other delivers what the dead
// one held.
func TakeOver(t *testing.T, place Place) {
	l := newLedger(t)
	s := settings{Place: place, URL: l.receiver.URL, Number: 1}
	dies := start(t, l, s)
	s.Number = 2
	lives := start(t, l, s)
	<-dies.begun // so that it holds something when it is killed
	lives.runFor(between(3*time.Second, 6*time.Second))
	lives.runUntil(l, enough)
	dies.kill()
	at := time.Now()
	finish(lives)
	took := l.lastAfter(at)
	t.Logf("the last delivery came %v after the kill", took)
	require.LessOrEqual(t, took, 50*time.Second)
	l.settle(t, map[int]int{1: 1})
}

// Clocks has processes whose clocks differ from the database's: they deliver on time, and
// each takes over what another has.
func Clocks(t *testing.T, place Place) {
	for _, all := range [][]time.Duration{{10 * time.Minute}, {-10 * time.Minute}, {0, 10 * time.Minute, -10 * time.Minute}} {
		l := newLedger(t)
		var processes []*process
		for n, ahead := range all {
			p := start(t, l, settings{Place: place, URL: l.receiver.URL, Number: n, Ahead: ahead})
			processes = append(processes, p)
		}
		processes[0].runFor(3 * time.Second)
		processes[0].runUntil(l, enough)
		at := time.Now()
		finish(processes...)
		last := l.lastAfter(at)
		t.Logf("%v: the last delivery came %v after the last Enqueue", all, last)
		// What a difference of the clocks delays comes minutes later.
		require.Less(t, last, time.Minute)
		l.settle(t, nil)
		place.Schema += "x"
	}
}

// Outage restarts the database twice, under a process that enqueues and delivers.
func Outage(t *testing.T, place Place, restart func()) {
	l := newLedger(t)
	p := start(t, l, settings{Place: place, URL: l.receiver.URL, Number: 1, Outages: true})
	for range 2 {
		p.runFor(between(2*time.Second, 4*time.Second))
		restart()
	}
	before := l.acceptedSoFar()
	p.runUntil(l, max(before+1, enough))
	at := time.Now()
	finish(p)
	t.Logf("the last delivery came %v after the last Enqueue", l.lastAfter(at))
	l.settle(t, map[int]int{1: 2})
}

func between(low, high time.Duration) time.Duration {
	return low + rand.N(high-low) //nolint:gosec // no secret
}

// A process runs [Main].
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
	begun  chan struct{} // closed when the process has enqueued something, or ended
	ended  chan struct{} // after it, all that the process said has been read
	err    error         // of its end
}

func start(t *testing.T, l *ledger, s settings) *process {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	program, err := os.Executable()
	require.NoError(t, err)
	//nolint:gosec // this program
	cmd := exec.CommandContext(t.Context(), program)
	p := &process{t: t, cmd: cmd, begun: make(chan struct{}), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), processVariable+"="+string(text), "GORACE=halt_on_error=1")
	p.cmd.Stderr = &p.stderr
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		begin := sync.OnceFunc(func() { close(p.begun) })
		defer begin()
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			begin()
			l.accept(lines.Text())
		}
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() { <-p.ended }) // t's context has ended, and the process with it
	return p
}

// runFor lets the process run for a while, in which it must not end by itself.
func (p *process) runFor(d time.Duration) {
	p.t.Helper()
	select {
	case <-time.After(d):
	case <-p.ended:
		require.FailNow(p.t, "the process ended by itself", "%v: %s", p.err, p.stderr.Bytes())
	}
}

// enough is how many messages must have been accepted for a trial to be one.
const enough = 51

// runUntil lets the process run until so many messages have been accepted: on a busy
// machine, that takes far longer than all else.
func (p *process) runUntil(l *ledger, accepted int) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); l.acceptedSoFar() < accepted; {
		require.True(p.t, time.Now().Before(deadline), "%d of %d messages were accepted", l.acceptedSoFar(), accepted)
		p.runFor(20 * time.Millisecond)
	}
}

// kill kills the process.
func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	<-p.ended
}

// finish has processes enqueue no more, and waits until they have delivered everything.
func finish(processes ...*process) {
	for _, p := range processes {
		p.t.Helper()
		require.NoError(p.t, p.stdin.Close())
	}
	for _, p := range processes {
		<-p.ended // which ends itself in any case
		require.NoError(p.t, p.err, "%s", p.stderr.Bytes())
	}
}
