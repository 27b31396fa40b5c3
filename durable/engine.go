package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// An Engine keeps deliveries in a database. T is the type of its transactions. It is
// made by sqlite.Open or postgres.New, and safe for concurrent use. Migrate must have
// been called once before it is used, which Open does.
type Engine[T any] struct {
	config  Config
	store   store.Store[T]
	dialect store.Dialect
	sql     statements
	known   layout // the versions of the tables that this program works with
	// client enqueues jobs. Run makes the one that works them, since a client can be
	// started only once.
	client *river.Client[T]

	enqueues  batcher[[]entry]
	lookUps   batcher[*wanted]
	loads     batcher[*delivery]
	reads     reads
	verdicts  batcher[*delivery]
	endpoints batcher[*endpointChange]
	unparks   chan struct{} // has a value if an endpoint may have been enabled
	clock     clock
	processes atomic.Int64 // that deliver, as present has counted them
	tallies   *tallies

	ran       atomic.Bool
	handler   queue.Handler // set before the client is started
	stop      chan struct{} // closed when Run is to end
	places    chan struct{} // holds a value for each attempt under way, at most Workers
	comparing gate          // Compare, by tenant
	flights   flights
	counted   counted
	depths    depths
	secrets   secretCache
	reseals   resealer
	key       indexKey
	// blockedLogged is when it was last logged that a message cannot be read.
	blockedLogged atomic.Int64
	lastShared    string // where dropOrphans goes on; of sweep alone
}

var (
	_ queue.Orderer   = (*Engine[any])(nil)
	_ queue.Canceler  = (*Engine[any])(nil)
	_ queue.Statser   = (*Engine[any])(nil)
	_ queue.Endpoints = (*Engine[any])(nil)
	_ queue.Sizer     = (*Engine[any])(nil)
)

// An opener is an Engine of any T.
type opener interface {
	open(s any, config Config) error
}

func init() {
	store.Open = func(engine, s, config any) error {
		return engine.(opener).open(s, config.(Config))
	}
}

// open makes e, which is new, an engine on s, a [store.Store] of T.
func (e *Engine[T]) open(s any, config Config) error {
	config, err := config.complete()
	if err != nil {
		return err
	}
	e.config = config
	e.store = s.(store.Store[T])
	e.dialect = e.store.Dialect()
	e.sql = newStatements(e.dialect)
	e.clock.logger = config.Logger
	e.clock.asks = e.sql.now != ""
	e.key = newIndexKey(config.IndexKey)
	e.stop = make(chan struct{})
	e.places = make(chan struct{}, config.Workers)
	e.enqueues = batcher[[]entry]{max: 200, work: e.enqueueBatch, alone: e.enqueueAlone}
	e.lookUps = batcher[*wanted]{max: 500, work: e.lookUpBatch}
	e.loads = batcher[*delivery]{max: 500, fit: e.reads.fit, work: e.loadBatch}
	e.verdicts = batcher[*delivery]{max: 500, work: e.bookBatch}
	e.tallies = &tallies{write: e.writeTallies}
	e.endpoints = batcher[*endpointChange]{max: 200, work: e.setEndpoints}
	e.unparks = make(chan struct{}, 1)
	e.secrets.looking = make(chan struct{}, 1)
	e.client, err = e.newClient()
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	migrator, err := rivermigrate.New(e.store.Driver(), &rivermigrate.Config{Schema: e.dialect.Schema})
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	all := migrator.AllVersions()
	e.known = layout{own: len(migrations), river: all[len(all)-1].Version}
	e.reseals.walks = e.newWalks()
	e.warnClear()
	return nil
}

// askTime returns what asks the database for its time.
func (e *Engine[T]) askTime(run runFunc) askFunc {
	return func(ctx context.Context) (time.Time, error) {
		var n int64
		scan := func(row store.Row) error { return row.Scan(&n) }
		err := run(ctx, store.Stmt{SQL: e.sql.now, Scan: scan})
		return fromMicros(n), err
	}
}

// The intervals at which River looks for jobs.
const (
	// The shortest time between two fetches. A fetch gets at most MaxWorkers jobs, so
	// both together bound how many are handed out in a second.
	fetchCooldown = 5 * time.Millisecond
	// Retries are found by polling only, and on SQLite new jobs too.
	fetchPoll = 50 * time.Millisecond
	// How long River keeps a job that has ended. A worker that takes longer finds its
	// job gone, which River's SQLite driver does not expect.
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
		// More than there are places, so that the next jobs are at hand when one is
		// free.
		Queues:            map[string]river.QueueConfig{riverQueue: {MaxWorkers: e.config.Workers + min(e.config.Workers+100, 500)}},
		Workers:           workers,
		Schema:            e.dialect.Schema,
		Logger:            slog.New(quiet{e.config.Logger.Handler()}),
		FetchCooldown:     fetchCooldown,
		FetchPollInterval: fetchPoll,
		// Attempts have timeouts of their own, but River rescues no job without one.
		JobTimeout: e.config.lease(),
		// The most there can be: River counts rescues too. Attempts are in the table.
		MaxAttempts:                 32767,
		RescueStuckJobsAfter:        e.config.lease(),
		CompletedJobRetentionPeriod: keepJobs,
		CancelledJobRetentionPeriod: keepJobs,
		DiscardedJobRetentionPeriod: keepJobs,
		// It is meant for tests, but there is no other way to give River the database's time.
		Test: river.TestConfig{Time: &e.clock},
	}
}

// Run hands out what is due until ctx ends, then waits for the attempts under way and
// returns nil. It also removes deliveries that were kept for long enough. It is called
// once; a second call returns [queue.ErrRunning]. If it cannot begin, since the
// database cannot be reached or has tables of another version, it returns an error and
// may be called again.
func (e *Engine[T]) Run(ctx context.Context, h queue.Handler) error {
	if !e.ran.CompareAndSwap(false, true) {
		return queue.ErrRunning
	}
	if ctx.Err() != nil {
		return nil
	}
	// Also since River's Start does not end with ctx where there is no database.
	found, err := e.layout(ctx, e.store.Read)
	if err == nil {
		err = e.checkLayout(found)
	}
	if err != nil {
		e.ran.Store(false)
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("durable: run: %w", err)
	}
	e.handler = h
	// The contexts of attempts come from that of River's client, and go on after ctx.
	whole := context.WithoutCancel(ctx)
	client, err := e.newClient()
	if err == nil {
		err = client.Start(whole)
	}
	if err != nil {
		e.ran.Store(false)
		return fmt.Errorf("durable: run: %w", err)
	}
	e.clock.compare(ctx, presentEvery, e.askTime(e.store.Read))
	var upkeep sync.WaitGroup
	upkeep.Go(func() { e.present(ctx) })
	upkeep.Go(func() { e.sweep(ctx) })
	upkeep.Go(func() { e.revive(ctx) })
	upkeep.Go(func() { e.unpark(ctx) })
	<-ctx.Done()
	close(e.stop)
	err = client.Stop(whole)
	upkeep.Wait()
	e.tallies.flush()
	if err != nil {
		return fmt.Errorf("durable: stop: %w", err)
	}
	return nil
}

// Close writes the last [Engine.Tallies], and closes the database if the engine has
// opened it itself. Call it after Run has returned, and before a pool of one's own is
// closed.
func (e *Engine[T]) Close() error {
	e.tallies.close()
	return e.store.Close()
}

// args are the arguments of a job of River's: which delivery it wakes.
type args struct {
	Seq int64 `json:"seq"`
	Gen int64 `json:"gen"`
}

func (args) Kind() string { return "ringhook" }

type worker[T any] struct {
	river.WorkerDefaults[args]
	engine *Engine[T]
}

// NextRetry returns when a rescued job is run again: at once.
func (w *worker[T]) NextRetry(*river.Job[args]) time.Time { return w.engine.clock.now() }

// Work delivers. It never fails: a job that cannot be worked now is put off.
func (w *worker[T]) Work(ctx context.Context, job *river.Job[args]) error {
	got := time.Now()
	again, after := w.engine.deliver(ctx, got, job.Args)
	if !again {
		return nil
	}
	if w.engine.late(got) { // another worker may have the job now, and this ends it
		after = max(after, w.engine.config.lease())
	}
	return river.JobSnooze(after)
}

// late reports whether another worker may have taken over a delivery that one got at a
// time, because its process was stopped for a while.
func (e *Engine[T]) late(got time.Time) bool {
	// By the wall clock, since the monotonic one may stop with the machine.
	return time.Now().Round(0).Sub(got.Round(0)) > e.config.lease()
}

// deliver hands out the delivery of a job that a worker got at a time, and reports
// whether the job is to be run again and after how long.
func (e *Engine[T]) deliver(ctx context.Context, got time.Time, a args) (again bool, after time.Duration) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), got.Add(e.config.lease()-time.Second))
	defer cancel()
	if !e.place(got) {
		return true, 0
	}
	d := &delivery{seq: a.Seq, gen: a.Gen, now: e.clock.now()}
	again, after = e.attempt(ctx, d)
	if !again && d.ordering != "" && !d.parked {
		// In a transaction of its own, since one that enqueues holds the ordering until
		// it ends. If it fails, the job is run again.
		if err := e.next(ctx, d); err != nil {
			e.log(ctx, "next of an ordering", err)
			return true, time.Second
		}
	}
	return again, after
}

// place waits for a place, and reports whether it got one.
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
	timer := time.NewTimer(time.Until(got.Add(placeWithin)))
	defer timer.Stop()
	select {
	case e.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-e.stop:
	}
	return false
}

// attempt reads d, has it handled, writes the verdict down, and leaves its place.
func (e *Engine[T]) attempt(ctx context.Context, d *delivery) (again bool, after time.Duration) {
	defer func() { <-e.places }()
	if err := e.load(ctx, d); err != nil {
		e.log(ctx, "read a delivery", err)
		return true, time.Second
	}
	switch {
	case d.state != StatePending: // ended, resent since, or not there any more
		return false, 0
	case d.ordering != "" && !d.active: // it could not be known whether it was its turn
		return false, 0
	case d.endpoint == queue.StatePaused: // parked, unless it was enabled at this moment
		return !d.parked, 0
	case d.busy: // in a worker that may have died
		return true, min(max(d.held.Sub(e.clock.now()), 0), e.config.lease())
	case d.due.After(d.now): // it was put off, and the process died before its job was
		return true, d.due.Sub(d.now)
	}
	e.flights.add(d.key, 1)
	defer e.flights.add(d.key, -1)
	select {
	case <-e.stop:
		// So that no process has to wait for the end of the lease.
		d.verdict = queue.Verdict{Kind: queue.KindDefer}
	default:
		e.handle(ctx, d)
	}
	if err := e.book(ctx, d); err != nil {
		e.log(ctx, "book a verdict", err)
		return true, 0 // what was done is not known: it is done again
	}
	switch {
	case d.state == "" && d.unsure:
		// The verdict was written after all. The next run of the job reads it.
		return true, time.Second
	case d.state == "":
		// Another worker has the delivery, and perhaps this job, which must not be
		// ended then. It is run once more, after that worker's lease.
		return true, e.config.lease()
	}
	if d.blocked != "" && d.ordering != "" { // it steps aside, and those behind it go on
		return false, 0
	}
	return d.state == StatePending, d.verdict.After
}

// handle sets the verdict of d. The handler runs in a goroutine of its own: one that it
// ends would be missed by River, whose Stop waits for it.
func (e *Engine[T]) handle(ctx context.Context, d *delivery) {
	if d.endpoint == endpointDeleted {
		e.endDeleted(ctx, d)
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.handOut(ctx, d)
	}()
	<-ended
}

func (e *Engine[T]) handOut(ctx context.Context, d *delivery) {
	returned := false
	defer func() {
		if returned {
			return
		}
		what := "durable: a handler ended its goroutine"
		reason := recover()
		if reason != nil { // it may hold an event's data
			what = "durable: a handler panicked"
		}
		e.config.Logger.ErrorContext(ctx, what,
			slog.String("id", d.id), slog.String("type", fmt.Sprintf("%T", reason)))
		d.verdict = queue.Verdict{Kind: queue.KindRetry, After: 10 * time.Second}
	}()
	message, order, err := e.decodeOrdered(ctx, d.id, d.message, d.content, d.refs)
	if err != nil { // perhaps written by a newer version, or there is no key; it is kept
		e.logBlocked(ctx, "read a message", err)
		d.verdict = queue.Verdict{Kind: queue.KindDefer, After: time.Minute}
		d.blocked = blockedText(err)
		returned = true
		return
	}
	d.webhookID = tag(message.WebhookID)
	var drop queue.Reason
	if d.unproved { // its webhook is enabled, so it is another version whose URL was proved
		drop = queue.ReasonUnverified
	}
	d.verdict = e.handler.Handle(ctx, queue.Delivery{
		Task:   queue.Task{ID: d.id, Key: d.key, Order: cmp.Or(order, d.ordering), NotBefore: d.due, Message: message},
		N:      d.attempts + 1,
		Since:  d.created,
		Resent: d.resent,
		Tenant: d.tenant,
		State:  d.endpoint,
		Drop:   drop,
	})
	returned = true
	d.verdict.After = max(d.verdict.After, 0)
	for _, reason := range []error{errSecrets, errAuth} {
		if a := d.verdict.Attempt; a != nil && errors.Is(a.Err, reason) {
			e.logBlocked(ctx, "read a message", reason)
			d.verdict = queue.Verdict{Kind: queue.KindDefer, After: time.Minute, Attempt: a}
			d.blocked = reason.Error()
		}
	}
	if a := d.verdict.Attempt; a != nil && d.verdict.Kind != queue.KindDefer {
		d.answer = e.sealAnswer(ctx, d.id, a.At, e.answerOf(ctx, message, a))
	}
}

func (e *Engine[T]) log(ctx context.Context, what string, err error) {
	e.config.Logger.ErrorContext(ctx, "durable: "+what, slog.Any("error", err))
}

// A quiet handler passes on River's warnings and errors only.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && q.Handler.Enabled(ctx, level)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }
func (q quiet) WithGroup(name string) slog.Handler       { return quiet{q.Handler.WithGroup(name)} }
