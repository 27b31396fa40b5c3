// Prove shows on your own database that nothing is lost. It starts processes that report
// events and deliver them to a receiver on this machine, kills them at random, cuts
// their connections, has endpoints hang and fail, and in the end compares what was
// accepted with what was received.
//
//	go run github.com/ringhook/webhook/durable/cmd/prove@latest DSN -for 5m
//
// prove -h tells the rest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = `Usage: prove [flags] DSN|FILE

Prove shows on your own database that nothing is lost. It starts processes that report
events and deliver them, to a receiver on 127.0.0.1. While they work, it
  - kills one of them every few seconds (SIGKILL; on Windows, TerminateProcess) and
    starts it again,
  - cuts the database's connections: all those that prove has opened are terminated; an
    SQLite file is held by another writer for up to 3 s,
  - has some endpoints fail two requests of three, and others hang, for half of the time.
Then it lets everything be delivered, which takes up to a minute, and compares: what was
accepted, by Enqueue or in a transaction with a row of prove's own, with what the
receiver got.

  DSN   of a Postgres, as in postgres://user@host/database or "host=h user=u dbname=d".
        Prove makes a schema of its own there, ringhook_prove_..., and removes it.
  FILE  a path for SQLite. Prove makes a file of its own, FILE.prove-..., and removes it:
        what matters is the disk. FILE itself is not opened, and need not exist.

Flags:
  -for duration   how long the processes are killed: 1s to 6h (default 5m)
  -rate number    events in a second, in all: 1 to 2000 (default 100)

Exit status: 0 if nothing was lost; 1 if something was; 2 if it could not be tried, or
not be removed; 130 if it was interrupted (Ctrl-C), which removes everything too.
`

// The exit statuses.
const (
	exitFine = iota
	exitLost
	exitNotTried
	exitInterrupted = 130 // as shells have it
)

func main() {
	if isWorker() {
		os.Exit(workerMain())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the command. It returns its exit status.
func run(ctx context.Context, args []string, out, progress io.Writer) int {
	o, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, usage)
		return exitFine
	case err != nil:
		fmt.Fprintf(progress, "prove: %v\nprove -h tells how it is used.\n", err)
		return exitNotTried
	}
	return newTrial(o, progress).command(ctx, out, progress)
}

// command runs a trial, and returns the exit status.
func (t *trial) command(ctx context.Context, out, progress io.Writer) int {
	r, err := t.run(ctx)
	status := exitFine
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(progress, "prove: interrupted")
		status = exitInterrupted
	case err != nil:
		fmt.Fprintf(progress, "prove: %v\n", err)
		status = exitNotTried
	default:
		r.print(out)
		if r.lost() {
			status = exitLost
		} else if t.left != nil {
			status = exitNotTried
		}
	}
	if t.left != nil {
		fmt.Fprintf(progress, "prove: left behind: %v\n", t.left)
	}
	return status
}

// options are what the command line says.
type options struct {
	place   string // a DSN or a file
	during  time.Duration
	rate    int
	harshly bool // kills and cuts come one after another, for trials of a few seconds
	gently  bool // nothing is killed or cut, for tests
}

// maxEvents is how many events a trial may have, at about 200 bytes of memory each.
const maxEvents = 5_000_000

// parse reads the command line. Flags may also come after the place.
func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("prove", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.DurationVar(&o.during, "for", 5*time.Minute, "")
	f.IntVar(&o.rate, "rate", 100, "")
	var places []string
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return o, err
		}
		if args = f.Args(); len(args) > 0 {
			places, args = append(places, args[0]), args[1:]
		}
	}
	switch {
	case len(places) == 0:
		return o, errors.New("where? It needs the DSN of a Postgres, or a path for an SQLite file")
	case len(places) > 1:
		return o, fmt.Errorf("one DSN or FILE, not %d; quote one with blanks", len(places))
	case o.during < time.Second || o.during > 6*time.Hour:
		return o, fmt.Errorf("-for %v: from 1s to 6h", o.during)
	case o.rate < 1 || o.rate > 2000:
		return o, fmt.Errorf("-rate %d: from 1 to 2000", o.rate)
	case o.during.Seconds()*float64(o.rate) > maxEvents:
		return o, fmt.Errorf("-for and -rate: more than %s events, whose IDs are kept in memory",
			thousands(maxEvents))
	}
	o.place = places[0]
	o.harshly = o.during < 30*time.Second
	return o, checkPlace(o.place)
}
