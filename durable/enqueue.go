package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// ErrTimeout is wrapped by the error of Enqueue for a message whose policy has a longer
// Timeout than [Config] MaxTimeout, and by those of [Webhooks] for such a webhook.
var ErrTimeout = errors.New("the timeout is longer than MaxTimeout")

// An entry is a task to be kept, with what only [Webhooks] knows of it.
type entry struct {
	queue.Task
	version int         // of the webhook's definition; zero: unknown
	again   bool        // it replaces a delivery of its ID that has no message
	fault   error       // why there is no message to send: it is kept as failed
	event   *keptEvent  // nil: none of its own is kept
	shared  string      // the ID of the shared event that is its event; empty: none
	sealed  sealedEntry // set by prepare
	// priority of its job, at least; see depths
	priority int
	// taken, if not nil, is set in place of the error of insert where the delivery that
	// has the ID was erased.
	taken *error
}

func entries(tasks []queue.Task) []entry {
	all := make([]entry, len(tasks))
	for i, task := range tasks {
		all[i].Task = task
	}
	return all
}

// Enqueue keeps the tasks, all of them or none: when it returns nil, they are on disk.
// A task whose ID is kept already is left out, also when that delivery has ended. The error
// wraps [queue.ErrTaken] if the kept one is another message, is of an event that was never
// composed, or was erased so that nobody can tell; [ErrTimeout] for a message whose
// Timeout is too long; and [ErrSealed] where it cannot be told whether a kept message is
// the same. If ctx ends before it returns, they may be kept or not.
func (e *Engine[T]) Enqueue(ctx context.Context, tasks ...queue.Task) error {
	return e.enqueue(ctx, entries(tasks))
}

func (e *Engine[T]) enqueue(ctx context.Context, tasks []entry) error {
	if err := e.check(tasks); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := e.prepare(ctx, tasks); err != nil {
		return wrap(err)
	}
	e.clock.compare(ctx, askClock, e.askTime(e.store.Read))
	if slices.ContainsFunc(tasks, func(t entry) bool { return t.Order != "" }) {
		// Not in a batch, since it may have to wait for a transaction that holds the
		// ordering.
		return wrap(e.enqueueAlone(ctx, tasks))
	}
	return wrap(e.enqueues.do(ctx, tasks))
}

// EnqueueTx is Enqueue in a transaction of the caller's own, on the same database: the
// tasks are kept if and only if it commits. Until then, calls wait that enqueue a task of
// one of their orderings or IDs; on SQLite, all that write. There, the transaction must
// be one of sqlite.OpenDB, or begin by writing.
//
// After an error that wraps [queue.ErrTaken], nothing of the call is in the transaction.
func (e *Engine[T]) EnqueueTx(ctx context.Context, tx T, tasks ...queue.Task) error {
	return e.enqueueTx(ctx, tx, entries(tasks))
}

func (e *Engine[T]) enqueueTx(ctx context.Context, tx T, tasks []entry) error {
	if err := e.check(tasks); err != nil {
		return err
	}
	if err := e.prepare(ctx, tasks); err != nil {
		return wrap(err)
	}
	// In the transaction, since a pool may have a single connection.
	e.clock.compare(ctx, askClock, e.askTime(e.inside(tx)))
	return wrap(e.insertOrUndo(ctx, tx, tasks))
}

// insertOrUndo is insert in a transaction of the caller's, who may go on after ErrTaken.
func (e *Engine[T]) insertOrUndo(ctx context.Context, tx T, tasks []entry) error {
	return e.undoable(ctx, tx, func() error { return e.insert(ctx, tx, tasks) })
}

// undoable runs fn in a transaction of the caller's, who may go on after an error: then
// nothing of fn is in the transaction.
func (e *Engine[T]) undoable(ctx context.Context, tx T, fn func() error) error {
	const savepoint = "ringhook_undo"
	exec := func(text string) error {
		return e.store.RunTx(ctx, tx, store.Stmt{SQL: text + " " + savepoint})
	}
	if err := exec("SAVEPOINT"); err != nil {
		return err
	}
	if err := fn(); err != nil {
		return errors.Join(err, exec("ROLLBACK TO SAVEPOINT"), exec("RELEASE SAVEPOINT"))
	}
	return exec("RELEASE SAVEPOINT")
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("durable: enqueue: %w", err)
	}
	return nil
}

// check returns an error for tasks that cannot be kept. It quotes nothing of them.
func (e *Engine[T]) check(tasks []entry) error {
	for i, task := range tasks {
		var err error
		switch m := task.Message; {
		case m == nil:
			err = errors.New("no message")
		case task.ID == "" || task.ID != m.ID:
			err = errors.New("no ID, or not that of the message")
		case task.Key == "":
			err = errors.New("no Key")
		case !storable(task.ID) || !storable(task.Key) || !storable(task.Order):
			err = errors.New("ID, Key or Order is not UTF-8, has a NUL, or is longer than 2 KiB")
		case task.NotBefore.Year() > 9999:
			err = errors.New("NotBefore after the year 9999")
		case task.fault == nil && timeoutOf(m.Policy, m.Event) > e.config.MaxTimeout:
			err = fmt.Errorf("%w: %v, at most %v", ErrTimeout, timeoutOf(m.Policy, m.Event), e.config.MaxTimeout)
		}
		if err != nil {
			return fmt.Errorf("durable: enqueue: task %d: %w", i, err)
		}
	}
	return nil
}

// timeoutOf returns how long an attempt may take until the status line.
func timeoutOf(p webhook.Policy, event string) time.Duration {
	return cmp.Or(p.Timeout, webhook.PolicyFor(event).Timeout)
}

// storable reports whether s can be a key of an index everywhere.
func storable(s string) bool {
	return len(s) <= 2048 && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

// tag returns s as it is stored in an index, whose keys may not be long: its first 256
// bytes. The history does not tell names apart that differ only after those.
func tag(s string) string {
	s = clean(s)
	return strings.ToValidUTF8(s[:min(len(s), 256)], "")
}

// enqueueBatch keeps the tasks of several callers. It waits only for a moment for a
// transaction that has enqueued one of their IDs, for whose end the other callers need
// not wait.
func (e *Engine[T]) enqueueBatch(batch [][]entry) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return e.store.InTx(ctx, func(tx T) error {
		return e.insert(ctx, tx, slices.Concat(batch...), e.store.LockTimeout()...)
	})
}

func (e *Engine[T]) enqueueAlone(ctx context.Context, tasks []entry) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return e.inTx(ctx, func(tx T) error { return e.insert(ctx, tx, tasks) })
}

// inTx is the store's InTx. It runs fn again, up to ten times, when two transactions were
// in conflict.
func (e *Engine[T]) inTx(ctx context.Context, fn func(tx T) error) error {
	for n := 1; ; n++ {
		err := e.store.InTx(ctx, fn)
		if n == 10 || ctx.Err() != nil || !e.store.Conflict(err) {
			return err
		}
	}
}

// insert runs stmts, and writes the tasks whose ID is new, which are prepared, and the
// jobs that wake them.
func (e *Engine[T]) insert(ctx context.Context, tx T, tasks []entry, stmts ...store.Stmt) error {
	if len(tasks) == 0 {
		return nil
	}
	// Two transactions that wait for an ID of each other would do so for ever, so all
	// insert them in the same sequence. Those of orderings, which are locked, keep the
	// sequence that they have.
	slices.SortStableFunc(tasks, func(a, b entry) int {
		if a.Order == "" && b.Order == "" {
			return cmp.Compare(a.ID, b.ID)
		}
		return cmp.Compare(min(len(a.Order), 1), min(len(b.Order), 1))
	})
	var orderings []string
	for _, task := range tasks {
		if task.Order != "" {
			orderings = append(orderings, task.Order)
		}
	}
	stmts = append(e.store.Lock(orderings), stmts...)
	stmts = append(stmts, e.depths.stmts(e.sql.depth, tasks)...)
	in := insertion{now: e.clock.now(), isNew: make([]bool, len(tasks))}
	all := make([]int, len(tasks))
	for i := range tasks {
		all[i] = i
	}
	stmts = append(stmts, e.insertStmts(&in, tasks, all)...)
	err := e.store.RunTx(ctx, tx, stmts...)
	if err == nil {
		err = e.insertAgain(ctx, tx, &in, tasks)
	}
	if err == nil {
		err = e.checkAllSame(ctx, tx, tasks, in.isNew)
	}
	if err != nil {
		return err
	}
	for i, task := range tasks {
		if in.isNew[i] && task.fault != nil { // "about": the transaction may still not commit
			e.tallies.add(tag(task.Message.WebhookID), in.now, string(StateFailed))
		}
	}
	return e.wake(ctx, tx, in.jobs)
}

// An insertion is what comes of inserting tasks.
type insertion struct {
	now   time.Time
	isNew []bool // by task: no delivery had its ID
	jobs  []river.InsertManyParams
}

// insertAgain inserts those tasks that may replace a delivery of their ID without a
// message, which it removes before.
func (e *Engine[T]) insertAgain(ctx context.Context, tx T, in *insertion, tasks []entry) error {
	var stmts []store.Stmt
	var unused sharedIDs
	for i, task := range tasks {
		if !task.again || task.fault != nil || in.isNew[i] {
			continue
		}
		params := []any{task.ID, tag(task.Message.WebhookID), task.sealed.content, task.Message.Content}
		stmts = append(stmts,
			store.Stmt{SQL: e.sql.deleteFaultEvent, Args: params, Scan: unused.scan},
			store.Stmt{SQL: e.sql.deleteFaultRefs, Args: params},
			store.Stmt{SQL: e.sql.deleteFault, Args: params})
		stmts = append(stmts, e.insertStmts(in, tasks, []int{i})...)
	}
	if len(stmts) == 0 {
		return nil
	}
	if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
		return err
	}
	return e.dropUnused(ctx, tx, unused)
}

// A namesake is a delivery that has the ID of a task.
type namesake struct {
	found              bool
	webhookID          string
	data, content      []byte
	sameTenant, erased int64
	state              State
}

// unmade reports whether it is of an event that was never composed.
func (k namesake) unmade() bool { return len(k.data) == 0 && k.erased == 0 }

// lost reports whether nobody can tell any more that the receiver has the message.
func (k namesake) lost() bool {
	return k.erased == 1 && (k.state != StateDelivered || len(k.content) == 0)
}

// checkAllSame returns an error that wraps [queue.ErrTaken] unless all deliveries which
// have the IDs of tasks that are not new are of the same messages.
func (e *Engine[T]) checkAllSame(ctx context.Context, tx T, tasks []entry, isNew []bool) error {
	var old []entry
	for i, task := range tasks {
		if !isNew[i] {
			old = append(old, task)
		}
	}
	for some := range slices.Chunk(old, sameBatch) {
		kept, stmts := make([]namesake, len(some)), make([]store.Stmt, len(some))
		for i, task := range some {
			k, m := &kept[i], task.Message
			stmts[i] = store.Stmt{
				SQL: e.sql.kept, Args: []any{m.ID, tag(m.WebhookID)},
				Scan: func(row store.Row) error {
					k.found = true
					return row.Scan(&k.webhookID, &k.data, &k.content, &k.sameTenant, &k.erased, (*string)(&k.state))
				},
			}
		}
		if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
			return err
		}
		for i, task := range some {
			err := e.checkSame(ctx, kept[i], task)
			if err != nil && task.taken != nil && kept[i].lost() && kept[i].webhookID == tag(task.Message.WebhookID) {
				*task.taken, err = err, nil
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sameBatch is how many deliveries are read at once, since they come with their messages.
const sameBatch = 200

// checkSame returns an error that wraps [queue.ErrTaken] unless the delivery that has the
// ID of a task is of the same message.
func (e *Engine[T]) checkSame(ctx context.Context, k namesake, task entry) error {
	m := task.Message
	switch {
	case !k.found: // it was there a moment ago
		return errors.New("the delivery of that ID was removed meanwhile: enqueue again")
	case k.webhookID != tag(m.WebhookID) && k.sameTenant == 0: // whose it is, is nobody's business
		return fmt.Errorf("%w: %s", queue.ErrTaken, m.ID)
	case k.webhookID != tag(m.WebhookID):
		return queue.CheckSame(&webhook.Message{WebhookID: k.webhookID}, m)
	case k.lost():
		return errErased(m.ID)
	case len(k.content) > 0 && len(m.Content) > 0 && k.webhookID == m.WebhookID:
		given := *m
		if isKeyed(k.content) {
			given.Content = task.sealed.content
		}
		err := queue.CheckSame(&webhook.Message{WebhookID: m.WebhookID, Content: k.content}, &given)
		if err == nil && k.unmade() && task.fault == nil {
			err = errUnmade(m.ID)
		}
		return err
	case k.erased == 1: // what it was is not known
		return errErased(m.ID)
	case k.unmade() && task.fault != nil && len(k.content)+len(m.Content) == 0:
		return nil // neither has a JSON form: nothing can ever be sent, and the caller has the fault
	case k.unmade():
		return errUnmade(m.ID)
	}
	kept, err := e.decode(ctx, m.ID, k.data, k.content, nil)
	if err != nil { // written by a newer version, or there is no key
		return err
	}
	return queue.CheckSame(kept, m)
}

// errUnmade is that of a message with the ID of an event that was never composed, even if
// it is the same: nothing will be sent.
func errUnmade(id string) error {
	return fmt.Errorf("%w: %s is of an event that was not composed", queue.ErrTaken, id)
}

// insertStmts returns the statements that insert those of the tasks which have the
// indexes, with their refs and events.
func (e *Engine[T]) insertStmts(in *insertion, tasks []entry, indexes []int) (stmts []store.Stmt) {
	// Whether a delivery of an ordering is active depends on those before it, and of one
	// ID only the first is inserted.
	keys := func(i int) []string {
		if order := tasks[i].Order; order != "" {
			return []string{"id " + tasks[i].ID, "ordering " + order}
		}
		return []string{"id " + tasks[i].ID}
	}
	for _, part := range distinct(indexes, keys) {
		for len(part) > 0 {
			n := atOnce(tasks, part)
			stmts = append(stmts, e.insertDistinct(in, tasks, part[:n])...)
			part = part[n:]
		}
	}
	return stmts
}

// atOnce returns how many of the tasks with the indexes go into one statement: a few
// megabytes, since the server has its arguments in memory, and has a limit for them.
func atOnce(tasks []entry, indexes []int) int {
	size := 0
	for n, i := range indexes {
		sealed := &tasks[i].sealed
		size += len(sealed.message) + len(sealed.content) + len(sealed.event)
		if n > 0 && size > readBytes {
			return n
		}
	}
	return len(indexes)
}

func (e *Engine[T]) insertDistinct(in *insertion, tasks []entry, indexes []int) []store.Stmt {
	byID := make(map[string]int, len(indexes))
	var deliveries, events, refs [][]any
	for _, i := range indexes {
		task := tasks[i]
		byID[task.ID] = i
		deliveries = append(deliveries, task.row(in.now))
		for n, ref := range task.sealed.refs {
			refs = append(refs, []any{task.ID, micros(in.now), int64(n), ref})
		}
		switch {
		case task.shared != "":
			events = append(events, []any{task.ID, tag(task.Message.Event), []byte{}, &task.shared})
		case task.event != nil:
			row := []any{task.ID, clean(task.event.eventType), task.sealed.event, (*string)(nil)}
			events = append(events, row)
		}
	}
	scan := func(row store.Row) error {
		var id string
		var seq, active, stale, parked int64
		if err := row.Scan(&id, &seq, &active, &stale, &parked); err != nil {
			return err
		}
		i, ok := byID[id]
		if !ok {
			return errors.New("a delivery of another ID was inserted")
		}
		in.isNew[i] = true
		task := tasks[i]
		// One that has a job and is not active asks then whether it is its turn.
		if task.fault == nil && (active == 1 && parked == 0 || stale == 1) {
			j := e.job(args{Seq: seq}, task.due(in.now))
			j.InsertOpts.Priority = max(task.priority, e.depths.priority(task))
			in.jobs = append(in.jobs, j)
		}
		return nil
	}
	stmts := []store.Stmt{e.sql.insert.For(deliveries, scan)}
	if refs != nil {
		stmts = append(stmts, e.sql.refs.For(refs, nil))
	}
	if events != nil {
		stmts = append(stmts, e.sql.keepEvent.For(events, nil))
	}
	return stmts
}

// due returns when the task is due that is enqueued now.
func (t entry) due(now time.Time) time.Time {
	if t.fault != nil || t.NotBefore.Before(now) {
		return now
	}
	return t.NotBefore
}

// row returns what the task, which is prepared, is inserted as.
func (t entry) row(now time.Time) []any {
	webhookID, event := tag(t.Message.WebhookID), tag(t.Message.Event)
	key, rank, state, class := t.Key, int64(t.Message.Rank), StatePending, webhook.Class("")
	var ordering *string
	if t.Order != "" {
		ordering = &t.Order
	}
	if t.fault != nil {
		key, rank, state, class, ordering = webhookID, 0, StateFailed, webhook.ClassInvalid, nil
	}
	return []any{
		t.ID, webhookID, int64(t.version), key, event, ordering, rank, string(state),
		micros(now), micros(t.due(now)), string(class), errorText(t.fault),
		t.sealed.message, t.sealed.content, t.sealed.subject,
	}
}

// job returns the job that wakes a delivery when it is due. River looks for scheduled
// jobs every 5 seconds only. A job that is due earlier is run at once and snoozes, which
// has no such delay.
func (e *Engine[T]) job(a args, due time.Time) river.InsertManyParams {
	opts := &river.InsertOpts{Queue: riverQueue}
	if due.Sub(e.clock.now()) > 5*time.Second {
		opts.ScheduledAt = due
	}
	return river.InsertManyParams{Args: a, InsertOpts: opts}
}

// fewJobs is up to how many jobs an INSERT is faster than what River has for many, which
// is COPY on Postgres.
const fewJobs = 20

// wake inserts jobs.
func (e *Engine[T]) wake(ctx context.Context, tx T, jobs []river.InsertManyParams) error {
	if len(jobs) == 0 {
		return nil
	}
	var err error
	if len(jobs) < fewJobs {
		_, err = e.client.InsertManyTx(ctx, tx, jobs)
	} else {
		_, err = e.client.InsertManyFastTx(ctx, tx, jobs)
	}
	return err
}
