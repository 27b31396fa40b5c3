package durable

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// Recompose composes the event of a delivery that has ended, in whatever state, with
// today's definition of its webhook and sends it. It returns the delivery that is pending
// then. That is the same one, with a new message under the same ID, if no attempt can
// have sent a request. Else it is a new one with a new ID, since receivers drop what
// comes again under an ID that they have; its Of names the old one, which stays as it is.
// Calling Recompose for the old one once more returns the new one, and sends nothing.
//
// An attempt that was cut off at the end of a process is not in the history, and is known
// here all the same. One in which the process died is not: so a delivery of which one died
// in its first attempt, and all later attempts had no connection, counts as never sent.
//
// It is one step: after an error that is not of the database, nothing has changed. The
// error wraps [webhook.ErrNotFound], for the delivery or its webhook, [ErrPending],
// [ErrNoEvent], [ErrSealed], [ErrNotComposed], [webhook.ErrUnwanted] for an event that
// today's When does not want, which [Tally] counts, or what Dispatch returns. See
// [Engine.Resend] for sending the same bytes again.
func (w *Webhooks[T]) Recompose(ctx context.Context, id string) (Delivery, error) {
	d, _, err := w.recompose(ctx, id, 1)
	if err != nil {
		return Delivery{}, fmt.Errorf("durable: recompose: %w", err)
	}
	return d, nil
}

// RecomposeMatching does as Recompose for the deliveries that match f and have failed,
// never composed ones included, after a template was mended. It leaves out those without
// a kept event, those that were recomposed before, and, without an error, those whose
// event today's When does not want. The oldest come first, and all of them after others
// that are due.
//
// The filter needs a WebhookID, Tenant, From, Ref or Subject. Without one, and with a Limit,
// an After, a State other than [StateFailed], or a negative limit, the error wraps
// [ErrFilter]. It recomposes limit deliveries at most, or all if limit is zero. Call it
// again to go on, until it returns 0.
//
// Those that cannot be opened or composed, or whose webhook is disabled or deleted, stay
// as they are. The error tells of the first of them, and wraps its error, once the others are
// done; with any other error it stops. It returns how many it has recomposed, also with
// an error.
func (w *Webhooks[T]) RecomposeMatching(ctx context.Context, f Filter, limit int) (int, error) {
	n, err := w.recomposeMatching(ctx, f, limit)
	if err != nil {
		err = fmt.Errorf("durable: recompose: %w", err)
	}
	return n, err
}

func (w *Webhooks[T]) recomposeMatching(ctx context.Context, f Filter, limit int) (done int, err error) {
	switch {
	case f.WebhookID == "" && f.From.IsZero() && f.Ref == "" && f.Subject == "" && f.Tenant == "":
		return 0, fmt.Errorf("%w: want a WebhookID, Tenant, From, Ref or Subject", ErrFilter)
	case f.State != "" && f.State != StateFailed:
		return 0, fmt.Errorf("%w: State is not failed", ErrFilter)
	case f.Limit != 0 || f.After != "":
		return 0, fmt.Errorf("%w: Limit or After", ErrFilter)
	case limit < 0:
		return 0, fmt.Errorf("%w: a negative limit", ErrFilter)
	}
	if limit == 0 {
		limit = math.MaxInt
	}
	var left int
	var first error
	for last := (position{micros(f.From) - 1, math.MaxInt64}); ; {
		ids, next, err := w.engine.recomposable(ctx, f, last)
		if err != nil {
			return done, err
		}
		for _, id := range ids {
			if done == limit {
				break
			}
			_, made, err := w.recompose(ctx, id, bulkPriority)
			switch {
			case made:
				done++
			case err == nil, errors.Is(err, ErrPending), errors.Is(err, ErrNoEvent), errors.As(err, &noDelivery{}):
				// another call, or Resend, came first
			case errors.Is(err, webhook.ErrUnwanted):
				// it stays as it is
			case errors.Is(err, ErrSealed), errors.Is(err, ErrNotComposed), errors.Is(err, errUnreadable),
				errors.Is(err, queue.ErrDisabled), errors.Is(err, webhook.ErrNotFound):
				left++
				first = cmp.Or(first, err)
			default:
				return done, err
			}
		}
		if done == limit || len(ids) < resendBatch {
			break
		}
		last = next
	}
	if left > 0 {
		return done, fmt.Errorf("%d stay as they are, the first since: %w", left, first)
	}
	return done, nil
}

// recomposable returns the first deliveries after a position that RecomposeMatching
// recomposes, and the position of the last.
func (e *Engine[T]) recomposable(ctx context.Context, f Filter, last position) (ids []string, _ position, err error) {
	f.State = StateFailed
	search, err := f.search(e.key)
	if err != nil {
		return nil, last, err
	}
	before := search.params[0]
	search.params[0], search.params[1] = last.created, last.seq
	search.params[2], search.params[3] = before, int64(resendBatch)
	text := search.oldest("id, created, seq", f.State, recomposable)
	err = e.readInOrder(ctx, store.Stmt{SQL: e.dialect.SQL(text), Args: search.params, Scan: func(row store.Row) error {
		ids = append(ids, "")
		return row.Scan(&ids[len(ids)-1], &last.created, &last.seq)
	}})
	return ids, last, err
}

// A source is a delivery of which another message is to be composed.
type source struct {
	seq, gen  int64
	state     State
	ended     *int64
	ordering  *string
	webhookID string
	content   []byte
	sent      int64   // 1 if an attempt may have sent a request
	successor *string // the ID of the delivery that was made of it
	event     keptEvent
}

func (s *source) scan(row store.Row) error {
	var eventType, shared *string
	err := row.Scan(&s.seq, &s.gen, (*string)(&s.state), &s.ended, &s.ordering, &s.webhookID, &s.content,
		&s.sent, &s.successor, &eventType, &s.event.json, &shared)
	if err == nil && eventType != nil {
		s.event.eventType, s.event.shared = *eventType, textOf(shared)
	} else if err == nil {
		s.event.json = nil
	}
	return err
}

// maybeSent reports whether the receiver may have had a request under the ID.
func (s *source) maybeSent(now time.Time, lease time.Duration) bool {
	switch s.state {
	case StateDelivered:
		return true
	case StateCanceled: // perhaps in the middle of an attempt, which is not over
		return s.sent == 1 || s.ended == nil || now.Before(fromMicros(*s.ended).Add(2*lease))
	default:
		return s.sent == 1
	}
}

// recompose returns the delivery that is made of that with an ID, and whether it has made
// it, or it was there.
func (w *Webhooks[T]) recompose(ctx context.Context, id string, priority int) (d Delivery, made bool, err error) {
	e := w.engine
	var s source
	err = e.find(ctx, id, store.Stmt{SQL: e.sql.source, Scan: s.scan})
	switch {
	case err != nil:
		return Delivery{}, false, err
	case s.successor != nil:
		d, err = e.Get(ctx, *s.successor)
		return d, false, err
	case s.state == StatePending:
		return Delivery{}, false, ErrPending
	case s.event.json == nil:
		return Delivery{}, false, e.withoutData(ctx, id, ErrNoEvent)
	}
	if err := e.openEvent(ctx, clean(id), &s.event); err != nil {
		return Delivery{}, false, err
	}
	same := !s.maybeSent(e.clock.now(), e.config.lease())
	newID := newID()
	if same {
		newID = id
	}
	task, err := w.composeAgain(ctx, newID, s)
	if err != nil {
		return Delivery{}, false, err
	}
	task.priority = priority
	err = e.inTx(ctx, func(tx T) error {
		var err error
		if same {
			err = e.replace(ctx, tx, s, task)
		} else {
			newID, err = e.succeed(ctx, tx, id, s, task)
		}
		if err != nil {
			return err
		}
		scan := func(row store.Row) (err error) {
			d, _, err = scanDelivery(row)
			return err
		}
		return e.store.RunTx(ctx, tx, store.Stmt{SQL: e.sql.get, Args: []any{clean(newID)}, Scan: scan})
	})
	if err != nil {
		return Delivery{}, false, err
	}
	if made = newID == task.ID; made {
		w.queue.Supersede(ctx, task.Task)
	}
	return d, made, nil
}

// composeAgain composes the event of a delivery with today's definition. The entry is
// prepared.
func (w *Webhooks[T]) composeAgain(ctx context.Context, id string, s source) (entry, error) {
	event, err := w.engine.event(&s.event)
	if err != nil {
		return entry{}, fmt.Errorf("%w: Decode: %w", ErrNotComposed, err)
	}
	task, err := w.compose(ctx, w.engine.store.Read, s.webhookID, id, event, false)
	if err != nil {
		_ = w.unlessUnwanted(s.webhookID, err) // which counts it
		return entry{}, err
	}
	if task.fault != nil {
		return entry{}, fmt.Errorf("%w: %w", ErrNotComposed, task.fault)
	}
	// As it came, whatever Decode has made of it: so the producer may report it again.
	key := w.engine.key
	if task.event = &s.event; len(s.content) > 0 && !bytes.Equal(key.content(task.Message.Content), s.content) {
		task.Message.Content = s.content
	}
	one := []entry{task}
	if err := w.engine.check(one); err != nil {
		return entry{}, err
	}
	err = w.engine.prepare(ctx, one)
	return one[0], err
}

// replace makes a delivery pending again, with another message under its ID.
func (e *Engine[T]) replace(ctx context.Context, tx T, s source, task entry) error {
	now := e.clock.now()
	var jobs []river.InsertManyParams
	wake := func(a args, due time.Time) {
		j := e.job(a, due)
		j.InsertOpts.Priority = task.priority
		jobs = append(jobs, j)
	}
	_, until := e.held(now)
	var ordering *string
	var orderings []string
	if task.Order != "" {
		ordering = &task.Order
		orderings = append(orderings, task.Order)
	}
	if s.ordering != nil && *s.ordering != task.Order {
		orderings = append(orderings, *s.ordering)
	}
	found := false
	stmts := append(e.store.Lock(orderings), store.Stmt{
		SQL: e.sql.replace,
		Args: []any{
			s.seq, s.gen, string(s.state), micros(now), until, task.sealed.message, task.sealed.content,
			int64(task.version), task.Key, ordering, int64(task.Message.Rank),
		},
		Scan: func(row store.Row) error {
			var gen, active int64
			err := row.Scan(&gen, &active)
			if found = true; active == 1 {
				wake(args{Seq: s.seq, Gen: gen}, now)
			}
			return err
		},
	})
	for _, ordering := range orderings {
		stmts = append(stmts, e.promoteStmt(ordering, wake))
	}
	if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
		return err
	}
	if !found {
		return ErrPending // changed since it was read
	}
	return e.wake(ctx, tx, jobs)
}

// succeed inserts a delivery that succeeds another one, unless that has a successor. It
// returns the ID of the successor.
func (e *Engine[T]) succeed(ctx context.Context, tx T, old string, s source, task entry) (id string, err error) {
	// So that of two calls one sees what the other has inserted.
	stmts := append(e.store.Lock([]string{"durable: recompose " + old}),
		store.Stmt{
			SQL: e.sql.successor, Args: []any{clean(old)},
			Scan: func(row store.Row) error { return row.Scan(&id) },
		},
	)
	found := false
	stmts = append(stmts, store.Stmt{
		SQL: e.sql.unchanged, Args: []any{s.seq, s.gen, string(s.state)},
		Scan: func(row store.Row) error { found = true; return row.Scan(new(int64)) },
	})
	err = e.store.RunTx(ctx, tx, stmts...)
	switch {
	case err != nil || id != "":
		return id, err
	case !found:
		return "", ErrPending
	}
	if err := e.insert(ctx, tx, []entry{task}); err != nil {
		return "", err
	}
	return task.ID, e.store.RunTx(ctx, tx, store.Stmt{SQL: e.sql.succeed, Args: []any{task.ID, clean(old)}})
}
