package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// An Engine keeps deliveries in a database. T is a transaction of it. It is made by sqlite.Open or postgres.New, and safe for
// concurrent use. Migrate must have been called once before it is used.
type Engine[T any] struct {
	config  Config
	store   store.Store[T]
	dialect store.Dialect
	sql     statements
	client  *river.Client[T] // enqueues; the one that works is made by Run, since it can be started only once

	enqueues batcher[[]entry]
	loads    batcher[*delivery]
	verdicts batcher[*delivery]

	ran     atomic.Bool
	handler queue.Handler // set before the client is started
	stop    chan struct{} // closed when Run is to end
	places  chan struct{} // one of Workers each
	flights flights
}

var (
	_ queue.Orderer  = (*Engine[any])(nil)
	_ queue.Canceler = (*Engine[any])(nil)
	_ queue.Statser  = (*Engine[any])(nil)
)

// New returns an engine on a store; sqlite.Open and postgres.New call it.
func New[T any](s store.Store[T], config Config) (*Engine[T], error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	e := &Engine[T]{
		config:  config,
		store:   s,
		dialect: s.Dialect(),
		sql:     newStatements(s.Dialect()),
		stop:    make(chan struct{}),
		places:  make(chan struct{}, config.Workers),
	}
	e.enqueues = batcher[[]entry]{max: 200, work: e.enqueueBatch, alone: e.enqueueAlone}
	e.loads = batcher[*delivery]{max: 500, work: e.loadBatch}
	e.verdicts = batcher[*delivery]{max: 500, work: e.bookBatch}
	e.client, err = e.newClient()
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	return e, nil
}

// The intervals at which River looks for jobs.
const (
	// The shortest time between two fetches: with no more than MaxWorkers a fetch, it bounds what can be handed out.
	fetchCooldown = 5 * time.Millisecond
	// Retries are found by asking, and on SQLite new jobs too.
	fetchPoll = 50 * time.Millisecond
	// A worker that was held up for longer than this finds its job gone, for which River's SQLite driver is not made.
	keepJobs = 10 * time.Minute
)

const riverQueue = "ringhook"

func (e *Engine[T]) newClient() (*river.Client[T], error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker[T]{engine: e}); err != nil {
		return nil, err
	}
	return river.NewClient(e.store.Driver(), e.riverConfig(workers))
}

func (e *Engine[T]) riverConfig(workers *river.Workers) *river.Config {
	return &river.Config{
		// More than have a place, so that the next ones are at hand when places come free.
		Queues:                      map[string]river.QueueConfig{riverQueue: {MaxWorkers: 2*e.config.Workers + 100}},
		Workers:                     workers,
		Schema:                      e.dialect.Schema,
		Logger:                      slog.New(quiet{e.config.Logger.Handler()}),
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           fetchPoll,
		JobTimeout:                  -1,    // each attempt has its own
		MaxAttempts:                 32767, // River counts rescues, too; ours are counted in the table
		RescueStuckJobsAfter:        e.config.lease(),
		CompletedJobRetentionPeriod: keepJobs,
		CancelledJobRetentionPeriod: keepJobs,
		DiscardedJobRetentionPeriod: keepJobs,
	}
}

// Run hands out what is due until ctx ends, then waits for the attempts under way and returns nil. Meanwhile it also removes what
// was kept for long enough. It is called once; a second call returns [queue.ErrRunning]. If the database cannot be reached at
// first, it returns why, and may be called again.
func (e *Engine[T]) Run(ctx context.Context, h queue.Handler) error {
	if !e.ran.CompareAndSwap(false, true) {
		return queue.ErrRunning
	}
	if ctx.Err() != nil {
		return nil
	}
	if _, err := e.version(ctx, e.store.Read); err != nil { // for River does not end its start with ctx
		e.ran.Store(false)
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("durable: run: %w", err)
	}
	e.handler = h
	whole := context.WithoutCancel(ctx) // ending the context of River's client would end that of the attempts
	client, err := e.newClient()
	if err == nil {
		err = client.Start(whole)
	}
	if err != nil {
		e.ran.Store(false)
		return fmt.Errorf("durable: run: %w", err)
	}
	var sweeping sync.WaitGroup
	sweeping.Go(func() { e.sweep(ctx) })
	sweeping.Go(func() { e.revive(ctx) })
	<-ctx.Done()
	close(e.stop)
	err = client.Stop(whole)
	sweeping.Wait()
	if err != nil {
		return fmt.Errorf("durable: stop: %w", err)
	}
	return nil
}

// Close closes the database if the engine has opened it itself. Call it after Run has returned.
func (e *Engine[T]) Close() error { return e.store.Close() }

// Check returns nil if the database can be reached and has the tables of this version: for a health check. Its error is for
// the operator.
func (e *Engine[T]) Check(ctx context.Context) error {
	version, err := e.version(ctx, e.store.Read)
	switch {
	case err != nil:
		return fmt.Errorf("durable: check: %w", err)
	case version < len(migrations):
		return errors.New("durable: check: the tables are not up to date: call Migrate")
	}
	return nil
}

// args is what a job of River's holds.
type args struct {
	Seq int64 `json:"seq"`
	Gen int64 `json:"gen"`
}

func (args) Kind() string { return "ringhook" }

type worker[T any] struct {
	river.WorkerDefaults[args]
	engine *Engine[T]
}

// NextRetry is when a rescued job is run again.
func (w *worker[T]) NextRetry(*river.Job[args]) time.Time { return time.Now() }

// Work never fails: a job that cannot be worked now is put off.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[args]) error {
	got := time.Now()
	again, after := w.engine.deliver(ctx, got, job.Args)
	if !again {
		return nil
	}
	if w.engine.late(got) { // another worker may be at it, whose job this now ends
		after = max(after, w.engine.config.lease())
	}
	return river.JobSnooze(after)
}

// late reports whether a worker that got a delivery then may have lost it to another, because its process was stopped for a while.
func (e *Engine[T]) late(got time.Time) bool {
	return time.Now().Round(0).Sub(got.Round(0)) > e.config.lease() // on the wall clock: the other one may stop with the machine
}

// deliver hands out the delivery of a job that was got at a time, and reports whether the job is to come again and after how long.
func (e *Engine[T]) deliver(ctx context.Context, got time.Time, a args) (again bool, after time.Duration) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), got.Add(e.config.lease()-time.Second))
	defer cancel()
	if !e.place(got) {
		return true, 0
	}
	d := &delivery{seq: a.Seq, gen: a.Gen, now: time.Now()}
	again, after = e.attempt(ctx, d)
	if !again && d.ordering != "" {
		// On its own, since whoever enqueues in a transaction holds the ordering until its end. If it fails, the job comes again.
		if err := e.next(ctx, d); err != nil {
			e.log(ctx, "next of an ordering", err)
			return true, time.Second
		}
	}
	return again, after
}

// place waits for one of the places, and reports whether it got one.
func (e *Engine[T]) place(got time.Time) bool {
	select {
	case <-e.stop: // first, since select takes any that is ready
		return false
	default:
	}
	select {
	case e.places <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(time.Until(got.Add(patience)))
	defer timer.Stop()
	select {
	case e.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-e.stop:
	}
	return false
}

// attempt reads d, has it handled, books the verdict, and leaves the place that it was made in.
func (e *Engine[T]) attempt(ctx context.Context, d *delivery) (again bool, after time.Duration) {
	defer func() { <-e.places }()
	if err := e.load(ctx, d); err != nil {
		e.log(ctx, "read a delivery", err)
		return true, time.Second
	}
	switch {
	case d.state != Pending: // ended, resent since, or not there any more
		return false, 0
	case d.ordering != "" && !d.active: // it could not be known whether it was its turn
		return false, 0
	case d.busy: // in a worker that may have died
		return true, min(max(time.Until(d.held), 0), e.config.lease())
	case d.due.After(d.now): // it was put off, and the process died before its job was
		return true, d.due.Sub(d.now)
	}
	e.flights.add(d.key, 1)
	defer e.flights.add(d.key, -1)
	select {
	case <-e.stop:
		d.verdict = queue.Verdict{Kind: queue.KindDefer} // so that nobody has to wait for the end of the lease
	default:
		e.handle(ctx, d)
	}
	if err := e.book(ctx, d); err != nil {
		e.log(ctx, "book a verdict", err)
		return true, 0 // what was done is not known: it is done again
	}
	switch {
	case d.state == "" && d.unsure: // it was booked after all: what comes again sees how it goes on
		return true, time.Second
	case d.state == "":
		// Another worker has it, and perhaps this job. To say that this job has done its work would take it from that one; so
		// it comes once more, when nobody is at it any more, and sees.
		return true, e.config.lease()
	}
	return d.state == Pending, d.verdict.After
}

// handle sets the verdict of d.
func (e *Engine[T]) handle(ctx context.Context, d *delivery) {
	defer func() {
		if reason := recover(); reason != nil {
			e.config.Logger.ErrorContext(ctx, "durable: a handler panicked", slog.String("id", d.id), slog.String("type", fmt.Sprintf("%T", reason)))
			d.verdict = queue.Verdict{Kind: queue.KindRetry, After: 10 * time.Second}
		}
	}()
	message, err := queue.Decode(d.message)
	if err != nil { // perhaps written by a newer version; it is kept
		e.log(ctx, "read a message", err)
		d.verdict = queue.Verdict{Kind: queue.KindDefer, After: time.Minute}
		return
	}
	d.verdict = e.handler.Handle(ctx, queue.Delivery{
		Task:     queue.Task{ID: d.id, Key: d.key, Order: d.ordering, NotBefore: d.due, Message: message},
		N:        d.attempts + 1,
		Since:    d.created,
		Disabled: d.disabled,
	})
	d.verdict.After = max(d.verdict.After, 0)
}

func (e *Engine[T]) log(ctx context.Context, what string, err error) {
	e.config.Logger.ErrorContext(ctx, "durable: "+what, slog.Any("error", err))
}

// quiet passes on River's warnings and errors only: what it informs of is its own business.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }
func (q quiet) WithGroup(name string) slog.Handler       { return quiet{q.Handler.WithGroup(name)} }
