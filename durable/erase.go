package durable

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// Erased says what Erase has done. It is plain data.
type Erased struct {
	Deliveries int `json:"deliveries"` // whose data is gone
	// Canceled is how many of all that it came to were pending before.
	Canceled int `json:"canceled"`
	// InFlight is how many were left, since an attempt is under way, perhaps in a
	// process that has died: they are canceled, and go when Erase is called again, after
	// [Config] MaxTimeout or, if one died, a minute more. Those that were resent at the
	// same time are among them.
	InFlight int `json:"in_flight"`
}

const eraseBatch = 200 // so few that nothing waits long for them

// Erase removes what the deliveries that match a filter hold of people, as when one
// asks to be forgotten: the message, the event, refs and subject, and of each attempt
// the answer, its header and the location. What stays says that there was a delivery,
// when, and how it ended: states, times, classes, and codes and texts of errors, which
// quote no values. Pending ones are canceled first. No data is read for it.
// A number as Ref is compared by all of its digits, unlike elsewhere: where a person's
// numbers are stored with and without a country code, erase both.
//
// The filter needs a webhook, an endpoint, a tenant, a ref, a subject, or a From or To:
// otherwise, and with a Limit, an After, or a negative limit, the error wraps
// [ErrFilter]. A ref alone is what is wanted mostly. Erase ends after limit deliveries; if
// zero, it goes on to the last. It works in batches, and returns what it has done also
// with an error; call it again to go on, and as long as there are some InFlight.
//
// What was erased cannot be sent any more: [Delivery] Erased is true, Message and
// Resend return [ErrNoMessage], and Recompose [ErrNoEvent]. Its ID stays taken while
// the delivery is kept: the same event is a repetition only if it was delivered and
// [webhook.Message] has a Content; else the error wraps [queue.ErrTaken].
//
// Files and tables may hold the removed bytes for a while; see the package comment.
func (e *Engine[T]) Erase(ctx context.Context, f Filter, limit int) (Erased, error) {
	total := eraser{left: make(map[int64]bool), limit: limit}
	if limit == 0 {
		total.limit = math.MaxInt
	}
	err := f.wide(limit)
	if err == nil && f.State == StatePending {
		err = fmt.Errorf("%w: State pending: what is pending is canceled first; leave State out", ErrFilter)
	}
	if err == nil {
		err = e.eraseMatching(ctx, f, e.key, &total)
	}
	if err == nil && e.config.Sealer != nil && (f.Ref != "" || f.Subject != "") {
		// What was stored before there was a Sealer, and is not sealed yet.
		err = e.eraseMatching(ctx, f, indexKey{}, &total)
	}
	total.InFlight = len(total.left)
	if err != nil {
		return total.Erased, fmt.Errorf("durable: erase: %w", err)
	}
	return total.Erased, nil
}

// wide returns an error if all deliveries could match f, or if the limit is negative.
func (f Filter) wide(limit int) error {
	f.State = "" // whatever it is, it does not count here
	_, err := f.resendable(limit)
	return err
}

// An eraser counts what one call of Erase does.
type eraser struct {
	Erased
	limit int
	left  map[int64]bool // by seq
}

// A target is a delivery that is to be erased, as it was read.
type target struct {
	seq, created int64
	id           string
	state        State
	ordering     *string
}

// targetColumns are what target.scan reads.
const targetColumns = `seq, created, id, state, ordering`

func (d *target) scan(row store.Row) error {
	return row.Scan(&d.seq, &d.created, &d.id, (*string)(&d.state), &d.ordering)
}

// notErased is a condition for oldest. It is an expression, or Postgres could take it
// for so rare that it reads and sorts all.
const notErased = ` AND CASE WHEN erased = 0 THEN TRUE ELSE FALSE END`

func (e *Engine[T]) eraseMatching(ctx context.Context, f Filter, key indexKey, total *eraser) error {
	f.wholeRef = true
	search, err := f.search(key)
	if err != nil {
		return err
	}
	before := search.params[0]
	found := search.states
	if len(found) == 0 {
		found = []State{""} // one statement finds all
	}
	// What is pending comes first: what ends until then is found by its new state.
	for _, state := range found {
		text := e.dialect.SQL(search.oldest(targetColumns, state, notErased))
		// Pages by a position, and not by what is left: refs go while it works, and
		// what is in flight stays.
		for last := (position{micros(f.From) - 1, math.MaxInt64}); total.limit > 0; {
			size := min(eraseBatch, total.limit)
			search.params[0], search.params[1] = last.created, last.seq
			search.params[2], search.params[3] = before, int64(size)
			batch, err := e.targets(ctx, store.Stmt{SQL: text, Args: search.params})
			if err != nil {
				return err
			}
			if err := e.eraseBatch(ctx, batch, total); err != nil {
				return err
			}
			if len(batch) < size {
				break
			}
			end := batch[len(batch)-1]
			last = position{end.created, end.seq}
		}
	}
	return nil
}

func (e *Engine[T]) targets(ctx context.Context, stmt store.Stmt) (batch []target, err error) {
	stmt.Scan = func(row store.Row) error {
		var d target
		err := d.scan(row)
		batch = append(batch, d)
		return err
	}
	err = e.readInOrder(ctx, stmt)
	return batch, err
}

// eraseBatch cancels what is pending of a batch, and erases what is not in flight.
func (e *Engine[T]) eraseBatch(ctx context.Context, batch []target, total *eraser) error {
	if err := e.cancelBatch(ctx, batch, total); err != nil {
		return err
	}
	flying, err := e.inFlight(ctx, batch)
	if err != nil {
		return err
	}
	seqs := make([]int64, 0, len(batch))
	for _, d := range batch {
		if !flying[d.seq] {
			seqs = append(seqs, d.seq)
		}
	}
	erased, err := e.erase(ctx, seqs)
	if err != nil {
		return err
	}
	for _, d := range batch { // which it comes to twice if its state has changed
		total.left[d.seq] = true
	}
	for _, seq := range erased {
		delete(total.left, seq)
	}
	total.Deliveries += len(erased)
	total.limit -= len(erased)
	return nil
}

// cancelBatch cancels what is pending of a batch, as Cancel does.
func (e *Engine[T]) cancelBatch(ctx context.Context, batch []target, total *eraser) error {
	if !slices.ContainsFunc(batch, func(d target) bool { return d.state == StatePending }) {
		return nil
	}
	var webhookIDs []string
	now := e.clock.now()
	err := e.inTx(ctx, func(tx T) error {
		webhookIDs = nil
		from, until := e.held(now)
		var jobs []river.InsertManyParams
		wake := func(a args, due time.Time) { jobs = append(jobs, e.job(a, due)) }
		var orderings []string
		var stmts, promotions []store.Stmt
		known := make(map[string]bool)
		for _, d := range batch {
			if d.state != StatePending {
				continue
			}
			stmts = append(stmts, store.Stmt{
				SQL: e.sql.cancel, Args: []any{d.id, from, until},
				Scan: func(row store.Row) error {
					webhookIDs = append(webhookIDs, "")
					return row.Scan(new(int64), &webhookIDs[len(webhookIDs)-1])
				},
			})
			if d.ordering != nil && !known[*d.ordering] {
				known[*d.ordering] = true
				orderings = append(orderings, *d.ordering)
				promotions = append(promotions, e.promoteStmt(*d.ordering, wake))
			}
		}
		stmts = slices.Concat(e.store.Lock(orderings), stmts, promotions)
		if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
			return err
		}
		return e.wake(ctx, tx, jobs)
	})
	if err != nil {
		return err
	}
	for _, webhookID := range webhookIDs {
		e.tallies.add(webhookID, now, string(StateCanceled))
	}
	total.Canceled += len(webhookIDs)
	return nil
}

// inFlight returns the deliveries that a worker may have, if some of a batch may be
// among them: it reads a delivery only once its job is running. So the caller has
// canceled those of the batch before, and no worker begins with them any more.
func (e *Engine[T]) inFlight(ctx context.Context, batch []target) (map[int64]bool, error) {
	flying := make(map[int64]bool)
	maybe := func(d target) bool { return d.state == StatePending || d.state == StateCanceled }
	if !slices.ContainsFunc(batch, maybe) {
		return flying, nil
	}
	var running []int64
	err := e.store.Read(ctx, store.Stmt{SQL: e.sql.running, Scan: func(row store.Row) error {
		running = append(running, 0)
		return row.Scan(&running[len(running)-1])
	}})
	for _, d := range batch {
		// A job is running for a moment after its delivery has ended.
		flying[d.seq] = maybe(d) && slices.Contains(running, d.seq)
	}
	return flying, err
}

// erase removes the data of deliveries, and returns which of them it was removed of:
// not of one that is pending, or whose turn in an ordering is not over.
func (e *Engine[T]) erase(ctx context.Context, seqs []int64) (erased []int64, err error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	stmts := make([]store.Stmt, 0, 4*len(seqs))
	scan := func(row store.Row) error {
		erased = append(erased, 0)
		return row.Scan(&erased[len(erased)-1])
	}
	var unused sharedIDs
	for _, seq := range seqs {
		// The delivery first: the others look whether it was erased.
		stmts = append(stmts,
			store.Stmt{SQL: e.sql.erase, Args: []any{seq, []byte{}}, Scan: scan},
			store.Stmt{SQL: e.sql.eraseAttempts, Args: []any{seq}},
			store.Stmt{SQL: e.sql.eraseEvent, Args: []any{seq}, Scan: unused.scan},
			store.Stmt{SQL: e.sql.eraseRefs, Args: []any{seq}})
	}
	err = e.inTx(ctx, func(tx T) error {
		erased, unused = nil, nil
		if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
			return err
		}
		return e.dropUnused(ctx, tx, unused)
	})
	if err != nil {
		return nil, err
	}
	return erased, nil
}

// eraseOld erases what ended some time ago and has its data still.
func (e *Engine[T]) eraseOld(ctx context.Context, keep time.Duration) {
	// One that was canceled may be in flight for a while.
	keep = max(keep, 2*e.config.lease())
	for _, state := range states {
		if state == StatePending {
			continue
		}
		for n, err := sweepBatch, error(nil); n == sweepBatch && ctx.Err() == nil; {
			if n, err = e.eraseSome(ctx, state, e.clock.now().Add(-keep)); err != nil && ctx.Err() == nil {
				e.log(ctx, "erase what has ended long enough ago", err)
			}
		}
	}
}

// eraseSome erases at most sweepBatch deliveries that ended before a time, the oldest
// first, and returns how many.
func (e *Engine[T]) eraseSome(ctx context.Context, state State, before time.Time) (int, error) {
	var seqs []int64
	err := e.store.Read(ctx, store.Stmt{
		SQL:  e.sql.erasable,
		Args: []any{string(state), micros(before), int64(sweepBatch)},
		Scan: func(row store.Row) error {
			seqs = append(seqs, 0)
			return row.Scan(&seqs[len(seqs)-1])
		},
	})
	if err != nil {
		return 0, err
	}
	erased, err := e.erase(ctx, seqs)
	return len(erased), err
}

// withoutData returns err, which says that a delivery lacks something, with the reason
// if it was erased.
func (e *Engine[T]) withoutData(ctx context.Context, id string, err error) error {
	if d, getErr := e.Get(ctx, id); getErr == nil && d.Erased {
		return fmt.Errorf("%w: it was erased", err)
	}
	return err
}

// errErased is that of a message with the ID of a delivery that was erased.
func errErased(id string) error {
	return fmt.Errorf("%w: %s was erased", queue.ErrTaken, id)
}

func (s *statements) forErasure(d store.Dialect) {
	s.running = d.SQL(`SELECT CAST(args->>'seq' AS bigint) FROM #river_job
		WHERE state = 'running' AND queue = '` + riverQueue + `'`)
	const erased = ` AND EXISTS (SELECT 1 FROM @delivery WHERE seq = $1 AND erased = 1)`
	s.erase = d.SQL(`UPDATE @delivery SET message = $2, subject = NULL, ordering = NULL, erased = 1
		WHERE seq = $1 AND state <> 'pending' AND erased = 0 AND (ordering IS NULL OR active = 0)
		RETURNING seq`)
	// Those whose turn in an ordering is not over are left out, or the same ones could
	// be found again and again.
	s.erasable = d.SQL(`SELECT seq FROM @delivery
		WHERE erased = 0 AND state = $1 AND ended IS NOT NULL AND ended < $2
			AND (ordering IS NULL OR active = 0) ORDER BY ended LIMIT $3`)
	s.eraseAttempts = d.SQL(`UPDATE @attempt SET answer = '', location = '', header = ''
		WHERE seq = $1 AND (answer <> '' OR location <> '' OR header <> '')` + erased)
	s.eraseEvent = d.SQL(`DELETE FROM @event WHERE seq = $1` + erased + ` RETURNING shared`)
	s.eraseRefs = d.SQL(`DELETE FROM @ref WHERE delivery_seq = $1` + erased)
}
