package durable

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook/durable/internal/store"
)

// ErrPending is wrapped by the error of Resend and Recompose for a delivery that has
// not ended, or, in an ordering, whose last attempt has not.
var ErrPending = errors.New("the delivery has not ended")

// Resend sends a delivery once more that has ended, in whatever state: the same message
// with the same ID, from the first attempt on. The attempts so far stay in its history.
// In an ordering, it comes before those that were enqueued after it, but waits for the
// one whose turn it is, which may be between two attempts. Without an ordering, one
// that was canceled during an attempt is sent at once, while that attempt may go on.
//
// The error wraps [webhook.ErrNotFound], [ErrPending], or [ErrNoMessage].
func (e *Engine[T]) Resend(ctx context.Context, id string) error {
	var d ended
	err := e.find(ctx, id, store.Stmt{SQL: e.sql.ended, Scan: d.scan})
	switch {
	case err != nil:
	case d.state == StatePending:
		err = ErrPending
	case d.size < 0:
		err = errDeleted
	case d.size == 0:
		err = e.withoutData(ctx, id, ErrNoMessage)
	default:
		var n int
		if n, err = e.resend(ctx, []ended{d}, 1); err == nil && n == 0 {
			err = ErrPending // resent since it was read, or canceled in flight
		}
	}
	if err != nil {
		return fmt.Errorf("durable: resend: %w", err)
	}
	return nil
}

const (
	resendBatch = 200 // so few that nothing waits long for them
	// Deliveries that are resent together come after others that are due: River takes
	// the jobs with the lowest priority number first.
	bulkPriority = 4
)

// ResendMatching sends the deliveries that match a filter once more, as Resend does, at
// most limit of them, or all if limit is zero. They are those that failed and those
// that were dropped because their endpoint was disabled; if the filter's State is one
// of these, only those; if it is [StateDelivered], those that were delivered. It does
// not touch what was superseded or never composed, or whose webhook was deleted. The
// oldest come first, and all of them after others that are due.
//
// The filter needs a webhook, an endpoint, a tenant, a ref, a subject, or a From or To:
// otherwise, and with a Limit, an After, another State, or a negative limit, the error
// wraps [ErrFilter].
//
// It works in batches, and returns how many it has resent, also with an error; call it
// again to go on. One that fails again while it works is not resent again by the same
// call, but can be by the next one.
func (e *Engine[T]) ResendMatching(ctx context.Context, f Filter, limit int) (int, error) {
	states, err := f.resendable(limit)
	if err != nil {
		return 0, fmt.Errorf("durable: resend: %w", err)
	}
	if limit == 0 {
		limit = math.MaxInt
	}
	total := 0
	for _, state := range states {
		f.State = state
		n, err := e.resendState(ctx, f, limit-total)
		total += n
		if err != nil {
			return total, fmt.Errorf("durable: resend: %w", err)
		}
	}
	return total, nil
}

// resendable returns the states that ResendMatching looks for, or what is wrong with f.
func (f Filter) resendable(limit int) ([]State, error) {
	all := f.WebhookID == "" && f.Key == "" && f.Ref == "" && f.Subject == "" && f.From.IsZero() && f.To.IsZero() &&
		f.Tenant == ""
	switch {
	case limit < 0:
		return nil, fmt.Errorf("%w: a negative limit", ErrFilter)
	case f.Limit != 0 || f.After != "": // who sets them wants less than all
		return nil, fmt.Errorf("%w: Limit or After", ErrFilter)
	case all:
		return nil, fmt.Errorf("%w: want a webhook, endpoint, tenant, ref, subject, From or To", ErrFilter)
	case f.State == "" && f.byClass():
		return []State{StateFailed}, nil
	case f.State == "":
		return []State{StateFailed, StateDropped}, nil
	case f.State == StateFailed, f.State == StateDropped, f.State == StateDelivered:
		return []State{f.State}, nil
	}
	return nil, fmt.Errorf("%w: want the State failed, dropped or delivered", ErrFilter)
}

// resendState resends at most limit deliveries that match f, which has a State.
func (e *Engine[T]) resendState(ctx context.Context, f Filter, limit int) (total int, err error) {
	search, err := f.search(e.key)
	if err != nil {
		return 0, err
	}
	before := search.params[0].(int64)
	for last := (position{micros(f.From) - 1, math.MaxInt64}); total < limit; {
		size := min(resendBatch, limit-total)
		search.params[0], search.params[1] = last.created, last.seq
		search.params[2], search.params[3] = before, int64(size)
		batch, err := e.endedBatch(ctx, store.Stmt{
			SQL: e.dialect.SQL(search.oldest(endedColumns, f.State, resendable)), Args: search.params,
		})
		if err != nil || len(batch) == 0 {
			return total, err
		}
		n, err := e.resend(ctx, batch, bulkPriority)
		total += n
		if err != nil || len(batch) < size {
			return total, err
		}
		end := batch[len(batch)-1]
		last = position{end.created, end.seq} // so none is found again that fails again
	}
	return total, nil
}

// An ended delivery may be resent.
type ended struct {
	seq, created int64
	size         int64 // of the message; -1 if the webhook was deleted
	state        State
	ordering     *string
}

// endedColumns are what ended.scan reads.
const endedColumns = `seq, created, CASE WHEN ` + ofDeleted + ` THEN -1 ELSE length(message) END, state, ordering`

func (d *ended) scan(row store.Row) error {
	return row.Scan(&d.seq, &d.created, &d.size, (*string)(&d.state), &d.ordering)
}

func (e *Engine[T]) endedBatch(ctx context.Context, stmt store.Stmt) (batch []ended, err error) {
	stmt.Scan = func(row store.Row) error {
		var d ended
		err := d.scan(row)
		batch = append(batch, d)
		return err
	}
	err = e.readInOrder(ctx, stmt)
	return batch, err
}

// resend makes those of a batch pending that are still in the state they were in, and
// returns how many.
func (e *Engine[T]) resend(ctx context.Context, batch []ended, priority int) (int, error) {
	n := 0
	err := e.inTx(ctx, func(tx T) error {
		n = 0
		now := e.clock.now()
		from, until := e.held(now)
		var jobs []river.InsertManyParams
		wake := func(a args, due time.Time) {
			j := e.job(a, due)
			j.InsertOpts.Priority = priority
			jobs = append(jobs, j)
		}
		var orderings []string
		var stmts, promotions []store.Stmt
		known := make(map[string]bool)
		for _, d := range batch {
			scan := func(row store.Row) error {
				var gen, active int64
				err := row.Scan(&gen, &active)
				n++
				if active == 1 {
					wake(args{Seq: d.seq, Gen: gen}, now)
				}
				return err
			}
			params := []any{d.seq, string(d.state), from, until}
			stmts = append(stmts, store.Stmt{SQL: e.sql.resend, Args: params, Scan: scan})
			if d.ordering != nil && !known[*d.ordering] {
				known[*d.ordering] = true
				orderings = append(orderings, *d.ordering)
				promotions = append(promotions, e.promoteStmt(*d.ordering, wake))
			}
		}
		stmts = append(append(e.store.Lock(orderings), stmts...), promotions...)
		if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
			return err
		}
		return e.wake(ctx, tx, jobs)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
