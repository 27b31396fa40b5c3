package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// A trial is one engine, reopened or not, with what it was given and has handed out.
// Whatever a check is about, the trial checks each hand-out: of a task that is kept, to
// one worker at a time, unchanged, with the right N, and not too early.
type trial struct {
	testing.TB
	open     OpenFunc
	engine   queue.Engine
	ready    func(key string) (bool, time.Duration) // for Run; nil: all are
	deadline time.Time
	cancel   context.CancelFunc // of Run
	returned chan error         // of Run; nil unless it is on

	over    chan struct{} // closed at the end: nothing holds a handler any more
	changed chan struct{} // wakes await

	// mu guards what follows, and the tasks but for what is set when they are made.
	mu       sync.Mutex
	tasks    map[string]*task // all that the engine has been given
	inFlight int
}

// A task is one that the engine keeps, and what became of it. Its hand-outs are answered
// with its steps, one by one, and then with rest.
type task struct {
	queue.Task
	tr    *trial
	name  string // for people
	steps []step
	rest  step

	before []*task // those ahead of it in its order

	given    *webhook.Message // the engine's own: it must stay as Message is
	from, to time.Time        // when it was enqueued; to is zero while that goes on
	due      time.Time
	retries  int
	numbers  []int // N of each hand-out
	inFlight bool
	canceled bool // while in flight
	ended    bool
}

// A step answers a hand-out.
type step func() queue.Verdict

func newTrial(t testing.TB, open OpenFunc) *trial {
	return &trial{
		TB: t, open: open, engine: open(t, nil), deadline: time.Now().Add(patience),
		over: make(chan struct{}), changed: make(chan struct{}, 1), tasks: make(map[string]*task),
	}
}

// close ends the check: all handlers return, and then Run does.
func (tr *trial) close() {
	close(tr.over)
	tr.deadline = time.Now().Add(patience / 3)
	if tr.returned != nil {
		tr.stop()
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, t := range tr.tasks {
		if d := difference(t.given, t.Message); d != "" {
			tr.Errorf("%s: the engine has changed the caller's message: %s", t.name, d)
		}
	}
}

// task makes a task that will be answered by steps, and then with Done.
func (tr *trial) task(name, key string, steps ...step) *task {
	id := name + "-" + rand.Text() // new to any store
	return &task{
		Task:  queue.Task{ID: id, Key: key, Message: message(id)},
		tr:    tr,
		name:  name,
		steps: steps, rest: answer(queue.KindDone, 0),
	}
}

// tasksOf makes several.
func (tr *trial) tasksOf(key string, names ...string) (tasks []*task) {
	for _, name := range names {
		tasks = append(tasks, tr.task(name, key))
	}
	return tasks
}

func answer(kind queue.Kind, after time.Duration) step {
	return func() queue.Verdict { return queue.Verdict{Kind: kind, After: after} }
}

func retry(after time.Duration) step { return answer(queue.KindRetry, after) }

func deferral(after time.Duration) step { return answer(queue.KindDefer, after) }

// hold answers when gate is closed.
func (tr *trial) hold(gate <-chan struct{}, then step) step {
	return func() queue.Verdict {
		select {
		case <-gate:
		case <-tr.over:
		}
		return then()
	}
}

// enqueue has the engine keep tasks, in one batch.
func (tr *trial) enqueue(tasks ...*task) {
	tr.Helper()
	if err := tr.tryEnqueue(tasks...); err != nil {
		tr.Fatalf("Enqueue of %v: %v", names(tasks), err)
	}
}

// tryEnqueue may fail: then the engine must keep none of them.
func (tr *trial) tryEnqueue(tasks ...*task) error {
	batch := tr.expect(tasks...)
	err := tr.enqueueRaw(batch...)
	clear(batch) // the slice is the caller's again
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, t := range tasks {
		t.to = time.Now()
		if err != nil {
			delete(tr.tasks, t.ID)
		}
	}
	return err
}

// expect returns what the engine is about to be given.
func (tr *trial) expect(tasks ...*task) []queue.Task {
	batch := make([]queue.Task, len(tasks))
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for i, t := range tasks {
		t.given = clone(t.Message)
		batch[i] = t.Task
		batch[i].Message = t.given
		t.from, t.due = time.Now(), t.NotBefore
		tr.tasks[t.ID] = t
	}
	return batch
}

// enqueueRaw enqueues tasks, and expects nothing of them.
func (tr *trial) enqueueRaw(tasks ...queue.Task) error {
	ctx, cancel := tr.context()
	defer cancel()
	return tr.engine.Enqueue(ctx, tasks...)
}

func (tr *trial) context() (context.Context, context.CancelFunc) {
	return context.WithDeadline(context.Background(), tr.deadline)
}

// handle is given to Run.
func (tr *trial) handle(ctx context.Context, d queue.Delivery) queue.Verdict {
	t, next := tr.begin(ctx, d)
	if t == nil {
		return queue.Verdict{Kind: queue.KindDead}
	}
	v := next()
	if v.Kind != queue.KindDefer && v.Reason == "" {
		v.Attempt = attempt(d.N, v)
	}
	tr.note(ctx, t, v)
	return v
}

// begin checks a hand-out, and returns its task and how to answer.
func (tr *trial) begin(ctx context.Context, d queue.Delivery) (*task, step) {
	now := time.Now()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	defer tr.change()
	t := tr.tasks[d.ID]
	switch {
	case t == nil:
		tr.Errorf("%s: handed out, but it is not kept", d.ID)
		return nil, nil
	case t.inFlight:
		tr.Errorf("%s: handed out twice at once", t.name)
		return nil, nil
	case t.ended:
		tr.Errorf("%s: handed out again after its end", t.name)
		return nil, nil
	}
	t.inFlight = true
	tr.inFlight++
	t.numbers = append(t.numbers, d.N)
	if early := t.due.Sub(now); early > slack {
		tr.Errorf("%s: handed out %v too early", t.name, early)
	}
	if d.N != t.retries+1 {
		tr.Errorf("%s: handed out with N %d after %d retries", t.name, d.N, t.retries)
	}
	to := t.to
	if to.IsZero() {
		to = now
	}
	if d.Since.Before(t.from.Add(-slack)) || d.Since.After(to.Add(slack)) {
		tr.Errorf("%s: handed out with Since %v, but enqueued from %v to %v", t.name, d.Since, t.from, to)
	}
	for _, b := range t.before {
		if !b.ended {
			tr.Errorf("%s: handed out before the end of %s, which is ahead of it in its order", t.name, b.name)
		}
	}
	tr.checkTask(t.name+": handed out", d.Task, t)
	tr.checkAlive(ctx, t)
	next := t.rest
	if len(t.steps) > 0 {
		next, t.steps = t.steps[0], t.steps[1:]
	}
	return t, next
}

// checkTask checks that a task is as it was given to the engine, but for NotBefore, which
// engines may change.
func (tr *trial) checkTask(what string, got queue.Task, want *task) {
	if got.Key != want.Key || got.Order != want.Order {
		tr.Errorf("%s with Key %q and Order %q, want %q and %q", what, got.Key, got.Order, want.Key, want.Order)
	}
	if diff := difference(got.Message, want.Message); diff != "" {
		tr.Errorf("%s with another message: %s", what, diff)
	}
}

func (tr *trial) checkAlive(ctx context.Context, t *task) {
	if ctx.Err() != nil {
		tr.Errorf("%s: the context of Handle has ended", t.name)
	}
}

// note notes the verdict that the engine is about to get.
func (tr *trial) note(ctx context.Context, t *task, v queue.Verdict) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	defer tr.change()
	tr.checkAlive(ctx, t)
	t.inFlight = false
	tr.inFlight--
	t.due = time.Now().Add(v.After)
	t.ended = v.Kind == queue.KindDone || v.Kind == queue.KindDead || t.canceled
	if v.Kind == queue.KindRetry {
		t.retries++
	}
}

func (tr *trial) change() {
	select {
	case tr.changed <- struct{}{}:
	default:
	}
}

// start lets the engine run.
func (tr *trial) start() {
	engine, h := tr.engine, queue.Handler{Ready: tr.ready, Handle: tr.handle}
	tr.startRun(func(ctx context.Context) error { return engine.Run(ctx, h) })
}

func (tr *trial) startRun(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	returned := make(chan error, 1)
	tr.cancel, tr.returned = cancel, returned
	go func() { returned <- run(ctx) }()
}

// stop ends the context of Run and waits for Run's return.
func (tr *trial) stop() {
	tr.Helper()
	tr.cancel()
	returned := tr.returned
	tr.returned = nil
	select {
	case err := <-returned:
		if err != nil {
			tr.Errorf("Run returned: %v", err)
		}
	case <-time.After(time.Until(tr.deadline)):
		tr.Fatalf("Run has not returned in %v after the end of its context", patience)
	}
	tr.mu.Lock()
	running := tr.inFlight
	tr.mu.Unlock()
	if running > 0 {
		tr.Errorf("Run returned while %d handlers were running", running)
		tr.await("the handlers", func() bool { return tr.inFlight == 0 })
	}
}

// reopen stops the engine, if it runs, and starts another one on what it has kept.
func (tr *trial) reopen() {
	tr.Helper()
	if tr.returned != nil {
		tr.stop()
	}
	tr.engine = tr.open(tr.TB, tr.engine)
	tr.start()
}

// await waits until met, which is called with tr.mu held.
func (tr *trial) await(what string, met func() bool) {
	tr.Helper()
	locked := func() bool {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		return met()
	}
	for !locked() {
		select {
		case <-tr.changed:
		case <-time.After(time.Until(tr.deadline)):
			tr.Fatalf("waited too long for %s", what)
		}
	}
}

// awaitEnd waits until t has ended, after hand-outs with these numbers.
func (tr *trial) awaitEnd(t *task, numbers ...int) {
	tr.Helper()
	tr.await("the end of "+t.name, func() bool { return t.ended && !t.inFlight })
	if got := tr.numbersOf(t); !slices.Equal(got, numbers) {
		tr.Errorf("%s: handed out with N %v, want %v", t.name, got, numbers)
	}
}

// awaitEnds is awaitEnd for tasks that are done at once.
func (tr *trial) awaitEnds(tasks ...*task) {
	tr.Helper()
	for _, t := range tasks {
		tr.awaitEnd(t, 1)
	}
}

// awaitFlight waits until tasks have been handed out, each n times, and are held.
func (tr *trial) awaitFlight(n int, tasks ...*task) {
	tr.Helper()
	for _, t := range tasks {
		tr.await(t.name+" in flight", func() bool { return t.inFlight && len(t.numbers) == n })
	}
}

// awaitVerdict waits until t has got its nth verdict. On a busy machine it may have
// been handed out again since.
func (tr *trial) awaitVerdict(n int, t *task) {
	tr.Helper()
	tr.await("a verdict on "+t.name, func() bool {
		return len(t.numbers) > n || len(t.numbers) == n && !t.inFlight
	})
}

// checkNumbers compares the hand-outs until now.
func (tr *trial) checkNumbers(t *task, numbers ...int) {
	tr.Helper()
	if got := tr.numbersOf(t); !slices.Equal(got, numbers) {
		tr.Errorf("%s: handed out with N %v until now, want %v", t.name, got, numbers)
	}
}

func (tr *trial) numbersOf(t *task) []int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(t.numbers)
}

// checkRuns checks that Run has not returned.
func (tr *trial) checkRuns() {
	tr.Helper()
	select {
	case err := <-tr.returned:
		tr.Errorf("Run returned %v while handlers were running", err)
		tr.returned <- err
	default:
	}
}

// quiet waits for some time, in which nothing wrong should happen.
func (tr *trial) quiet(d time.Duration) { <-time.After(d) }

// attempt is for the engine's history.
func attempt(n int, v queue.Verdict) *webhook.Attempt {
	a := &webhook.Attempt{
		N: n, At: time.Now(), Duration: time.Millisecond, Status: 200, MayHaveArrived: true, Requests: 1,
		Body: []byte("\x00thank you\xff"), Outcome: webhook.OutcomeDelivered,
	}
	if v.Kind != queue.KindDone {
		a.Status, a.Class, a.Outcome = 500, webhook.ClassStatus, webhook.OutcomeFailed
		a.Err = errors.New("webhook: status 500")
	}
	if v.Kind == queue.KindRetry {
		a.Wait, a.Outcome = v.After, webhook.OutcomeRetrying
	}
	return a
}
