package durabletest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// Decide has three processes decide about endpoints, which counts in all of them, and
// kills one between storing that an endpoint is disabled and telling OnState.
func Decide(t *testing.T, place Place) {
	dying := startDecider(t, settings{Place: place, Number: 1, Decides: true, Dies: true})
	dying.await("ready")
	dying.say("send gone")
	dying.await("dies in OnState of gone")
	<-dying.ended

	processes := make([]*decider, 3)
	for i := range processes {
		processes[i] = startDecider(t, settings{Place: place, Number: 2 + i, Decides: true})
		processes[i].await("ready")
	}
	var took []time.Duration
	for _, by := range processes {
		for _, step := range [][2]string{
			{"disable", "disabled"}, {"enable", "healthy"}, {"pause", "paused"}, {"enable", "healthy"},
		} {
			begun := by.say(step[0] + " hook")
			for _, p := range processes {
				if at := p.await("state hook " + step[1]); p != by {
					took = append(took, at.Sub(begun))
				}
			}
		}
	}
	slices.Sort(took)
	t.Logf("until a decision counted in another process: median %v, longest %v of %d",
		took[len(took)/2], took[len(took)-1], len(took))
	require.Less(t, took[len(took)/4], time.Second)
	require.Less(t, took[len(took)/2], 5*time.Second, "on a busy machine")

	// 30 s after the first process died, one of the others tells it.
	told := func() (n int) {
		for _, p := range processes {
			n += p.has("told gone gone")
		}
		return n
	}
	for deadline := time.Now().Add(60 * time.Second); told() == 0; <-time.After(50 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "nobody was told")
	}
	<-time.After(2 * time.Second)
	require.Equal(t, 1, told())
	for _, p := range processes {
		require.NoError(t, p.stdin.Close())
		<-p.ended
		require.NoError(t, p.err, "%s", p.log)
	}
}

// A decider is a process that does what it is told, line by line, and says what it knows.
type decider struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   *strings.Builder // read after the end
	ended chan struct{}
	err   error
	seen  int // lines that await has passed

	mu    sync.Mutex // guards lines
	lines []line
	news  chan struct{}
}

type line struct {
	text string
	at   time.Time
}

func startDecider(t *testing.T, s settings) *decider {
	t.Helper()
	text, err := json.Marshal(s)
	require.NoError(t, err)
	program, err := os.Executable()
	require.NoError(t, err)
	//nolint:gosec // this program
	p := &decider{
		t: t, cmd: exec.CommandContext(t.Context(), program), log: &strings.Builder{},
		ended: make(chan struct{}), news: make(chan struct{}, 1),
	}
	p.cmd.Env = append(os.Environ(), processVariable+"="+string(text), "GORACE=halt_on_error=1")
	p.cmd.Stderr = p.log
	p.stdin, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, line{lines.Text(), time.Now()})
			p.mu.Unlock()
			select {
			case p.news <- struct{}{}:
			default:
			}
		}
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() { <-p.ended })
	return p
}

// say tells the process to do something, and returns when it was told.
func (p *decider) say(what string) time.Time {
	p.t.Helper()
	at := time.Now()
	_, err := io.WriteString(p.stdin, what+"\n")
	require.NoError(p.t, err)
	return at
}

// await waits for the next line of that text, and returns when it came.
func (p *decider) await(text string) time.Time {
	p.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		p.mu.Lock()
		for p.seen < len(p.lines) {
			l := p.lines[p.seen]
			p.seen++
			if l.text == text {
				p.mu.Unlock()
				return l.at
			}
		}
		p.mu.Unlock()
		select {
		case <-p.news:
		case <-timeout:
			require.FailNow(p.t, "waited in vain", "for %q: %v", text, p.lines)
		}
	}
}

// has returns how many lines of that text came.
func (p *decider) has(text string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if l.text == text {
			n++
		}
	}
	return n
}

// gone is a receiver that wants nothing.
type gone struct{}

func (gone) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusGone, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, Request: r,
	}, nil
}

// decide is what a decider runs until standard input ends.
func decide[T any](s settings, open func(Place, durable.Config) (*durable.Engine[T], error)) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	e, err := open(s.Place, durable.Config{Schema: s.Place.Schema, Logger: logger})
	if err != nil {
		return err
	}
	defer e.Close()
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(os.Stdout, format+"\n", args...)
	}
	q, err := queue.New(&webhook.Client{Transport: gone{}}, e, queue.Config{
		Logger: logger,
		OnState: onDisable(func(key string, reason queue.Reason) {
			if s.Dies {
				say("dies in OnState of %s", key)
				os.Exit(1)
			}
			say("told %s %s", key, reason)
		}),
	})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	go func() {
		for last := queue.StateHealthy; ; <-time.After(2 * time.Millisecond) {
			if state := q.State("hook"); state != last {
				last = state
				say("state hook %s", state)
			}
		}
	}()
	say("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		what, key, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "disable":
			err = q.Disable(ctx, key, "")
		case "pause":
			err = q.Pause(ctx, key, "")
		case "enable":
			err = q.Enable(ctx, key, "")
		case "send":
			m := Task("m").Message
			m.WebhookID = key
			err = q.Send(ctx, m)
		default:
			err = errors.New("what?")
		}
		if err != nil {
			return err
		}
	}
	stop()
	return <-ended
}
