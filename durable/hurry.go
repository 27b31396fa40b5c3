package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook/durable/internal/store"
)

// ErrEnded is wrapped by the error of RetryNow for a delivery that has ended: Resend is
// for these.
var ErrEnded = errors.New("the delivery has ended")

// RetryNow makes a delivery due that waits for its next attempt, or for its NotBefore.
// It changes nothing for one that is due already, perhaps in flight. In an ordering, it
// still waits for its turn; and its endpoint may rest, or have a limit, and put it off
// again.
//
// The error wraps [webhook.ErrNotFound], [ErrEnded], or [ErrNoMessage] if the webhook was
// deleted.
func (e *Engine[T]) RetryNow(ctx context.Context, id string) error {
	var state State
	var deleted int64
	scan := func(row store.Row) error { return row.Scan((*string)(&state), &deleted) }
	err := e.find(ctx, id, store.Stmt{SQL: e.sql.state, Scan: scan})
	if err == nil && deleted == 1 {
		err = errDeleted
	} else if err == nil && state != StatePending {
		err = ErrEnded
	}
	if err == nil {
		err = e.inTx(ctx, func(tx T) error { return e.hurry(ctx, tx, clean(id)) })
	}
	if err != nil {
		return fmt.Errorf("durable: retry: %w", err)
	}
	return nil
}

// hurry makes a delivery due. Its new job is of another gen than the one that would
// wake it later, which then finds nothing to do: to find that one would take an index
// on River's table.
func (e *Engine[T]) hurry(ctx context.Context, tx T, id string) error {
	now := e.clock.now()
	from, until := e.held(now)
	var jobs []river.InsertManyParams
	err := e.store.RunTx(ctx, tx, store.Stmt{
		SQL: e.sql.hurry, Args: []any{id, from, until},
		Scan: func(row store.Row) error {
			var a args
			var active int64
			err := row.Scan(&a.Seq, &a.Gen, &active)
			if active == 1 {
				jobs = append(jobs, e.job(a, now))
			}
			return err
		},
	})
	if err != nil {
		return err
	}
	return e.wake(ctx, tx, jobs)
}
