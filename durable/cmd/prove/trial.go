package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// processes is how many there are at a time. In Postgres, one of three is on
// database/sql.
const processes = 3

// drainWithin is how long it may take until all is delivered: longer than the documented
// time to take over what a dead process held, and a hanging endpoint's backlog.
const drainWithin = 3 * time.Minute

// removeWithin is how long removing may take, also after the trial was interrupted.
const removeWithin = 30 * time.Second

// A trial is one run of the command.
type trial struct {
	options
	ledger *ledger
	screen *screen

	place     place
	base      base
	receiver  *receiver
	endpoints []endpoint
	processes []*process
	number    int // of the last process

	began, stopped time.Time // reporting
	left           error     // what could not be removed
	kills          int
	hangs          bool

	cuts struct {
		sync.WaitGroup
		sync.Mutex       // guards what follows
		n          int   // how many there were
		err        error // of the last that was none
	}
}

func newTrial(o options, progress io.Writer) *trial {
	return &trial{options: o, ledger: newLedger(), screen: newScreen(progress)}
}

// run tries it, and removes all that it has made.
func (t *trial) run(ctx context.Context) (r report, err error) {
	defer t.screen.clear()
	t.place = newPlace(t.options.place)
	t.screen.say("making the tables")
	if t.base, err = openBase(ctx, t.place); err != nil {
		return report{}, err
	}
	defer func() {
		// Also when ctx has ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
		defer cancel()
		t.left = t.base.remove(ctx)
	}()
	if t.receiver, err = newReceiver(t.ledger); err != nil {
		return report{}, err
	}
	defer t.receiver.close()
	if t.endpoints, err = t.receiver.endpoints(ctx, t.base); err != nil {
		return report{}, err
	}
	defer func() { t.end(ctx.Err() != nil) }()
	for range processes {
		if err := t.start(); err != nil {
			return report{}, err
		}
	}
	if err := t.disturb(ctx); err != nil {
		return report{}, err
	}
	if err := t.drain(ctx); err != nil {
		return report{}, err
	}
	return t.report(ctx)
}

// start starts one more process.
func (t *trial) start() error {
	t.number++
	p, err := start(t.ledger, orders{
		Place: t.place, Number: t.number, SQL: t.number%3 == 0, Endpoints: t.endpoints,
		Pause: time.Second * processes * reports / time.Duration(t.rate),
	})
	if err == nil {
		t.processes = append(t.processes, p)
	}
	return err
}

// end ends all processes, at once or after what they are doing.
func (t *trial) end(atOnce bool) {
	var all sync.WaitGroup
	for _, p := range t.processes {
		if atOnce {
			all.Go(p.kill)
		} else {
			all.Go(p.stop)
		}
	}
	all.Wait()
	t.processes = nil
}

// soon returns after how long to do something again: 3 to 9 s, or less in a trial of a
// few seconds.
func (t *trial) soon() time.Duration {
	if t.harshly {
		return t.during/8 + rand.N(t.during/4) //nolint:gosec // no secret
	}
	return 3*time.Second + rand.N(6*time.Second) //nolint:gosec // no secret
}

// disturb kills, cuts and hangs for as long as the trial takes.
func (t *trial) disturb(ctx context.Context) error {
	if err := t.awaitFirst(ctx); err != nil {
		return err
	}
	t.began = time.Now()
	over := time.After(t.during)
	kill, cut := time.NewTimer(t.soon()), time.NewTimer(t.soon())
	if t.gently {
		kill.Stop()
		cut.Stop()
	}
	// One of two times is with endpoints that hang.
	hang := time.NewTicker(min(20*time.Second, t.during/4))
	second := time.NewTicker(time.Second)
	defer t.cuts.Wait()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-over:
			return nil
		case <-kill.C:
			if err := t.killOne(); err != nil {
				return err
			}
			kill.Reset(t.soon())
		case <-cut.C:
			t.cuts.Go(func() { t.cut(ctx) })
			cut.Reset(t.soon())
		case <-hang.C:
			t.hangs = !t.hangs
			t.receiver.hang(t.hangs)
		case <-second.C:
			if err := t.check(); err != nil {
				return err
			}
			t.show(fmt.Sprintf("%s of %s", clock(time.Since(t.began)), clock(t.during)))
		}
	}
}

// awaitFirst waits until something was delivered: before that, there is nothing to kill.
func (t *trial) awaitFirst(ctx context.Context) error {
	deadline := time.After(time.Minute)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		if _, delivered := t.ledger.progress(); delivered > 0 {
			return nil
		}
		if err := t.check(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline:
			return errors.New("nothing was delivered within a minute, before anything was done to it")
		case <-look.C:
		}
	}
}

// killOne kills a process at random, and starts another.
func (t *trial) killOne() error {
	i := rand.IntN(len(t.processes)) //nolint:gosec // no secret
	t.processes[i].kill()
	t.processes = append(t.processes[:i], t.processes[i+1:]...)
	t.kills++
	return t.start()
}

// cut cuts connections once.
func (t *trial) cut(ctx context.Context) {
	// Of a file, for how long another writer holds it.
	most := min(3*time.Second, t.during/8)
	err := t.base.cut(ctx, most/3+rand.N(2*most/3)) //nolint:gosec // no secret
	t.cuts.Lock()
	defer t.cuts.Unlock()
	if err != nil {
		t.cuts.err = err
	} else {
		t.cuts.n++
	}
}

// check returns an error if a process has ended by itself.
func (t *trial) check() error {
	for _, p := range t.processes {
		if err := p.byItself(); err != nil {
			return err
		}
	}
	return nil
}

// drain has no more events reported, and waits until nothing is left to deliver.
func (t *trial) drain(ctx context.Context) error {
	t.cuts.Wait()
	t.receiver.hang(false)
	t.hangs = false
	for _, p := range t.processes {
		p.hush()
	}
	for _, p := range t.processes {
		select {
		case <-p.quiet:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	t.stopped = time.Now()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for time.Since(t.stopped) < drainWithin {
		stats, err := t.base.stats(ctx)
		if err == nil && stats.Pending+stats.InFlight == 0 {
			return nil
		}
		if err := t.check(); err != nil {
			return err
		}
		t.show(fmt.Sprintf("delivering the last %s", clock(time.Since(t.stopped))))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
	return nil // the report says what is missing
}

// show shows how far it is.
func (t *trial) show(when string) {
	accepted, delivered := t.ledger.progress()
	t.cuts.Lock()
	cuts := t.cuts.n
	t.cuts.Unlock()
	hang := ""
	if t.hangs {
		hang = "  some hang"
	}
	// Short, since a line that a terminal has to break cannot be erased.
	t.screen.say("%s  accepted %s  delivered %s  kills %d  cuts %d%s",
		when, thousands(accepted), thousands(delivered), t.kills, cuts, hang)
}

// report ends the processes and compares.
func (t *trial) report(ctx context.Context) (report, error) {
	drained := time.Since(t.stopped)
	stats, err := t.base.stats(ctx)
	if err != nil {
		return report{}, err
	}
	t.end(false)
	rows, err := t.base.rows(ctx)
	if err != nil {
		return report{}, err
	}
	r := report{
		comparison: t.ledger.settle(rows, t.stopped), database: t.base.name(), during: t.during, rate: t.rate,
		kills: t.kills, cuts: t.cuts.n, cutErr: t.cuts.err, drained: drained, pending: stats.Pending,
		sqlite: t.place.DSN == "",
	}
	if r.enqueued+r.dispatched == 0 {
		return r, errors.New("nothing was accepted, so nothing is shown")
	}
	return r, nil
}
