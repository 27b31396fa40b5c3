package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook"
)

// ErrDisabled is what Send returns for an endpoint that is disabled; see [Queue.Disable].
// In the second after another process has disabled one, Send may take a message all the
// same, which is dropped.
var ErrDisabled = errors.New("queue: endpoint disabled")

// ErrTooLarge is wrapped by what Send returns for a message over [Config] MaxSize.
var ErrTooLarge = errors.New("queue: message too large")

// A Queue is a [webhook.Sender] that delivers asynchronously: Send returns nil when the
// [Engine] has the message, and Run delivers it. It makes the attempts with its client,
// and takes care of endpoints: how many attempts at once, how fast, rest for one that
// keeps failing, and its end.
//
// What is decided about an endpoint, and since when it fails, is stored by an engine that
// is an [Endpoints], for all processes. The rest of what a queue knows of an endpoint's
// health lives in its process. It is safe for concurrent use.
type Queue struct {
	client *webhook.Client
	engine Engine
	order  Orderer // nil unless Config.Ordered
	waker  Waker   // nil if the engine is none
	sizer  Sizer   // nil if the engine is none
	cfg    Config

	ran, ended                 atomic.Bool
	delivered, failed, dropped atomic.Uint64
	canceled                   atomic.Uint64
	disabled                   atomic.Int64 // endpoints
	freshAt                    atomic.Int64 // when Changed was last asked, since store.begun

	store store
	rev   int64 // up to which changes are known; store.asking guards it

	// mu guards all that follows, and what can be reached from there: endpoints and
	// hosts with their slots, breakers, limiters and backlogs.
	mu        sync.Mutex
	endpoints map[string]*endpoint
	peak      int    // of endpoints, since the map was made
	places    places // of all endpoints
	shares    map[string]*share
	crowd     backlog          // deferred deliveries for which there was no worker left
	slowMean  time.Duration    // of an attempt that is slow
	hosts     map[string]*host // if there is a HostLimit
	nextSweep int              // how many hosts, before idle ones are looked for
	// unsaved are endpoints of which something is to be stored, untold those that are
	// stored and OnState was not told of.
	unsaved     map[*endpoint]bool
	untold      map[string]decision
	proxyLogged time.Time // when the proxy was last said to fail

	tells teller // what attempts have shown
}

var _ webhook.Sender = (*Queue)(nil)

// New makes a queue that delivers with client what engine keeps. It returns an error
// for a nil client or engine, for a [Config] that cannot be, and for an order that the
// engine cannot keep.
func New(client *webhook.Client, engine Engine, cfg Config) (*Queue, error) {
	if client == nil {
		return nil, errors.New("queue: no client")
	}
	if engine == nil {
		return nil, errors.New("queue: no engine")
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	q := &Queue{
		client: client, engine: engine, cfg: cfg,
		endpoints: make(map[string]*endpoint), hosts: make(map[string]*host), nextSweep: maxHosts,
		shares: make(map[string]*share), slowMean: slowAfter,
		unsaved: make(map[*endpoint]bool), untold: make(map[string]decision),
	}
	q.waker, _ = engine.(Waker)
	q.sizer, _ = engine.(Sizer)
	if cfg.Ordered {
		var ok bool
		if q.order, ok = engine.(Orderer); !ok {
			return nil, fmt.Errorf("queue: Ordered: a %T is not an Orderer", engine)
		}
	}
	q.openStore(engine)
	return q, nil
}

// Send gives m to the engine, and returns nil when the engine has it: Run will deliver
// it. A message whose ID the engine keeps already is not taken twice; another message
// under that ID is [ErrTaken]. The caller must not change m any more.
//
// It returns an error, and nothing is kept, for a message that must not be sent
// ([webhook.Message.Check]) or is larger than MaxSize ([ErrTooLarge]), for a disabled
// endpoint ([ErrDisabled]), when ctx has ended (its cause), after Run has ended
// ([ErrStopped]), and when the engine has no room ([ErrFull]).
func (q *Queue) Send(ctx context.Context, m *webhook.Message) error {
	return q.SendAll(ctx, m)
}

// SendAll is [Queue.Send] for several messages: all are taken or, with an error, none.
func (q *Queue) SendAll(ctx context.Context, messages ...*webhook.Message) error {
	if ctx.Err() != nil {
		return fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	if q.ended.Load() {
		return ErrStopped
	}
	var one [1]Task // spares the allocation of the usual case
	tasks := one[:0]
	q.freshen(ctx)
	for _, m := range messages {
		task, err := q.Task(m)
		if err != nil {
			return err
		}
		if q.isDisabled(ctx, task.Key) {
			return ErrDisabled
		}
		tasks = append(tasks, task)
	}
	if err := q.engine.Enqueue(ctx, tasks...); err != nil {
		return err
	}
	q.Supersede(ctx, tasks...)
	return nil
}

// Task makes the task that Send enqueues for m, or returns the error that Send would for
// a message that must not be sent or is too large. It is for those who call an engine
// themselves: to enqueue in a transaction of their own, or for a later time. It does not
// look whether the endpoint is disabled: what is enqueued for one is dropped when it is
// due.
func (q *Queue) Task(m *webhook.Message) (Task, error) {
	if err := m.Check(); err != nil {
		return Task{}, err
	}
	if size := Size(m); size > q.cfg.MaxSize {
		return Task{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, q.cfg.MaxSize)
	}
	task := Task{ID: m.ID, Key: Key(m), Message: m}
	if q.cfg.Ordered && m.Subject != "" {
		task.Order = task.Key + "\x1f" + orderSubject(m.Subject) // a separator that no store minds
	}
	return task, nil
}

// Supersede drops the messages that tasks, which the engine has taken, have made
// outdated, if [Config] Supersede says so. Send does it by itself: this is for those
// who call an engine themselves, once their transaction has committed. If it is not
// called, or the engine fails, an outdated message is tried at most once more before
// the new one.
func (q *Queue) Supersede(ctx context.Context, tasks ...Task) {
	if !q.cfg.Supersede {
		return
	}
	for _, task := range tasks {
		if task.Order == "" || task.Message.Rank <= 0 {
			continue
		}
		// Only what waits supersedes: not a message that was left out because one with
		// its ID is kept.
		newest, ok, err := q.order.Newest(ctx, task.Order)
		if err != nil || !ok || newest < task.Message.Rank {
			continue
		}
		old, err := q.order.Supersede(ctx, task.Order, task.Message.Rank)
		if err != nil {
			continue
		}
		for _, t := range old {
			q.drop(ctx, t.Message, ReasonSuperseded)
		}
	}
}

// Run delivers until ctx ends. Then it begins no more attempts, waits for those in
// flight for at most Grace, and returns nil. From then on Send returns [ErrStopped], so
// stop what calls Send first.
//
// It returns an error when the engine cannot start or cannot continue, and may be
// called again then; and [ErrRunning] when it runs or has run.
func (q *Queue) Run(ctx context.Context) (err error) {
	if !q.ran.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer func() {
		if err != nil {
			q.ran.Store(false)
		} else {
			q.ended.Store(true)
		}
	}()

	grace, expire := context.WithCancelCause(context.WithoutCancel(ctx))
	defer expire(nil)
	var timer atomic.Pointer[time.Timer]
	defer context.AfterFunc(ctx, func() {
		timer.Store(time.AfterFunc(q.cfg.Grace, func() { expire(errGrace) }))
	})()
	defer func() {
		if t := timer.Load(); t != nil {
			t.Stop()
		}
	}()
	defer q.tells.wait()
	if !q.store.local {
		watching, end := context.WithCancel(context.WithoutCancel(ctx))
		var watch sync.WaitGroup
		watch.Go(func() { q.watch(watching) })
		defer watch.Wait()
		defer end() // when the engine has no more attempts
	}
	return q.engine.Run(ctx, Handler{
		Ready: q.ready,
		Handle: func(ctx context.Context, d Delivery) Verdict {
			return q.handle(ctx, grace, d)
		},
		Redact: q.client.Redact,
	})
}

var errGrace = errors.New("queue: stopped before the attempt had ended")

// handle makes one attempt, if the endpoint has a slot for it.
func (q *Queue) handle(ctx, grace context.Context, d Delivery) Verdict {
	s, wait, ok := q.enter(d)
	if !ok {
		return Verdict{Kind: KindDefer, After: wait}
	}
	defer q.leave(&s) // also when a hook ends the goroutine
	if s.disabled {
		d.Drop = ReasonDisabled
	}
	if d.Drop != "" {
		q.drop(ctx, d.Message, d.Drop)
		return Verdict{Kind: KindDead, Reason: d.Drop}
	}
	if ctx.Done() == nil { // the engine never takes a task from its worker
		ctx = grace
	} else {
		both, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(grace, func() { cancel(context.Cause(grace)) })()
		ctx = both
	}

	a := q.client.Try(ctx, fresh(d, s.enabled), d.N)
	q.record(ctx, &s, eventOf(d), a)
	if a.Outcome == webhook.OutcomeDelivered {
		q.delivered.Add(1)
		return Verdict{Kind: KindDone, Attempt: &a}
	}
	v := Verdict{Kind: KindRetry, After: a.Wait, Attempt: &a}
	if wait, ok := q.putOff(ctx, &s, d, a); ok {
		v = Verdict{Kind: KindDefer, After: wait}
	} else if a.Outcome == webhook.OutcomeCanceled {
		if v = (Verdict{Kind: KindDefer}); a.MayHaveArrived {
			v.Attempt = &a
		}
	} else if a.Outcome != webhook.OutcomeRetrying {
		q.failed.Add(1)
		return Verdict{Kind: KindDead, Attempt: &a}
	}
	if q.isOutdated(ctx, d) {
		q.drop(ctx, d.Message, ReasonSuperseded)
		v.Kind, v.After, v.Reason = KindDead, 0, ReasonSuperseded
	}
	return v
}

// fresh returns the message of a delivery, so composed that it expires as it should: not
// before it was resent, nor before its endpoint was enabled.
func fresh(d Delivery, enabled time.Time) *webhook.Message {
	if d.Message.Policy.Expires == 0 {
		return d.Message
	}
	from := d.Message.Composed
	if from.IsZero() {
		from = d.Since
	}
	m := *d.Message
	m.Composed = latest(from, d.Resent, enabled)
	return &m
}

// isOutdated reports whether a message of higher rank waits behind one that is in
// flight, which Supersede leaves alone, and that has a rank itself.
func (q *Queue) isOutdated(ctx context.Context, d Delivery) bool {
	if !q.cfg.Supersede || d.Order == "" || d.Message.Rank <= 0 {
		return false
	}
	rank, ok, err := q.order.Newest(context.WithoutCancel(ctx), d.Order)
	return err == nil && ok && rank > d.Message.Rank
}

// Cancel ends the delivery of a message, and reports whether there was one to end; see
// [Canceler]. With an engine that is none it returns [errors.ErrUnsupported], wrapped.
func (q *Queue) Cancel(ctx context.Context, id string) (bool, error) {
	c, ok := q.engine.(Canceler)
	if !ok {
		return false, fmt.Errorf("queue: Cancel: a %T is not a Canceler: %w", q.engine, errors.ErrUnsupported)
	}
	found, err := c.Cancel(ctx, id)
	if found && err == nil {
		q.canceled.Add(1)
	}
	return found, err
}

// Stats tells what is kept and what was done, with the 10 busiest endpoints. With an
// engine that is not a [Statser], all but InFlight and what was done is zero.
func (q *Queue) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	if e, ok := q.engine.(Statser); ok {
		var err error
		if s, err = e.Stats(ctx, busiest); err != nil {
			return Stats{}, err
		}
	} else {
		s.InFlight = q.inFlight()
	}
	for i := range s.Busiest {
		s.Busiest[i].State = q.State(s.Busiest[i].Key)
	}
	s.Delivered, s.Failed, s.Dropped = q.delivered.Load(), q.failed.Load(), q.dropped.Load()
	s.Canceled = q.canceled.Load()
	return s, nil
}

const busiest = 10

// drop reports a message that ends without a last attempt.
func (q *Queue) drop(ctx context.Context, m *webhook.Message, reason Reason) {
	q.dropped.Add(1)
	if q.cfg.OnDrop != nil {
		defer q.recovered(ctx, "OnDrop")
		q.cfg.OnDrop(m, reason)
	}
}

// recovered keeps a panic in a hook from ending the process. The value may hold an
// event's data, so only its type is logged.
func (q *Queue) recovered(ctx context.Context, hook string) {
	if v := recover(); v != nil {
		q.cfg.Logger.ErrorContext(ctx, "queue: recovered", slog.String("hook", hook),
			slog.String("panic", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
	}
}
