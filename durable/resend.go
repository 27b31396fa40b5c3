package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook/durable/internal/store"
)

// ErrPending is wrapped by the error of Resend and Recompose for a delivery that has not
// ended, or, in an ordering, whose last attempt has not.
var ErrPending = errors.New("the delivery has not ended")

// Resend sends a delivery once more that has ended, in whatever state: the same message
// with the same ID, from the first attempt on. The attempts so far stay in its history.
// In an ordering, it comes before those that were enqueued after it, but waits for the
// one whose turn it is, which may be between two attempts. Without an ordering, one that
// was canceled during an attempt is sent at once, while that attempt may go on.
//
// The error wraps [webhook.ErrNotFound], [ErrPending], or [ErrNoMessage].
func (e *Engine[T]) Resend(ctx context.Context, id string) error {
	var d ended
	err := e.find(ctx, id, store.Stmt{SQL: e.sql.ended, Scan: d.scan})
	switch {
	case err != nil:
	case d.state == StatePending:
		err = ErrPending
	case d.size == 0:
		err = ErrNoMessage
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
	bulkPriority = 2
)

// ResendFailed sends the deliveries of a webhook once more, as Resend does, that have
// ended since a time without being delivered: those that failed, and those that were
// dropped because their endpoint was disabled. It does not touch those that were
// canceled, superseded, never composed, or recomposed under another ID. The oldest come
// first, and all of them after others that are due.
//
// It works in batches, and returns how many it has resent, also with an error; call it
// again to go on.
func (e *Engine[T]) ResendFailed(ctx context.Context, webhookID string, since time.Time) (int, error) {
	total := 0
	for _, state := range []State{StateFailed, StateDropped} {
		for last := (ended{}); ; {
			batch, err := e.failed(ctx, webhookID, since, state, last)
			n := 0
			if err == nil && len(batch) > 0 {
				n, err = e.resend(ctx, batch, bulkPriority)
			}
			total += n
			if err != nil {
				return total, fmt.Errorf("durable: resend: %w", err)
			}
			if len(batch) < resendBatch {
				break
			}
			last = batch[len(batch)-1] // so none is found again that fails again
		}
	}
	return total, nil
}

// An ended delivery may be resent.
type ended struct {
	seq, created, size int64
	state              State
	ordering           *string
}

func (d *ended) scan(row store.Row) error {
	return row.Scan(&d.seq, &d.created, &d.size, (*string)(&d.state), &d.ordering)
}

// failed returns the first deliveries after last that ResendFailed resends.
func (e *Engine[T]) failed(
	ctx context.Context, webhookID string, since time.Time, state State, last ended,
) ([]ended, error) {
	var batch []ended
	err := e.store.Read(ctx, store.Stmt{
		SQL:  e.sql.failed,
		Args: []any{tag(webhookID), string(state), last.created, last.seq, micros(since), int64(resendBatch)},
		Scan: func(row store.Row) error {
			var d ended
			err := d.scan(row)
			batch = append(batch, d)
			return err
		},
	})
	return batch, err
}

// resend makes those of a batch pending that are still in the state they were in, and
// returns how many.
func (e *Engine[T]) resend(ctx context.Context, batch []ended, priority int) (int, error) {
	n := 0
	err := e.inTx(ctx, func(tx T) error {
		n = 0
		now := time.Now()
		from, until := e.held(now)
		var jobs []river.InsertManyParams
		wake := func(a args, due time.Time) {
			j := job(a, due)
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
