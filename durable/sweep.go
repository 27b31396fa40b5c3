package durable

import (
	"context"
	"time"

	"github.com/ringhook/webhook/durable/internal/store"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 500 // so few that nothing waits long for a sweep
)

// sweep removes what was kept for long enough, every minute until ctx ends. Each process
// does so, which does no harm.
func (e *Engine[T]) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		for state, keep := range map[State]time.Duration{
			StateDelivered: e.config.Keep.Delivered, StateFailed: e.config.Keep.Failed,
			StateDropped: e.config.Keep.Dropped, StateCanceled: e.config.Keep.Canceled,
		} {
			if keep < 0 {
				continue
			}
			for n, err := sweepBatch, error(nil); n >= sweepBatch && ctx.Err() == nil; {
				if n, err = e.forget(ctx, state, e.clock.now().Add(-keep)); err != nil && ctx.Err() == nil {
					e.log(ctx, "remove what was kept for long enough", err)
				}
			}
		}
		if err := e.purgeDue(ctx); err != nil && ctx.Err() == nil {
			e.log(ctx, "remove what webhooks had that were deleted", err)
		}
		if keep := e.config.Keep.Bodies; keep > 0 {
			e.eraseOld(ctx, keep)
		}
		if err := e.dropOrphans(ctx); err != nil && ctx.Err() == nil {
			e.log(ctx, "remove events that no delivery has", err)
		}
		if keep := e.config.Keep.Tallies; keep >= 0 {
			stmt := store.Stmt{SQL: e.sql.forgetTallies, Args: []any{micros(e.clock.now().Add(-keep))}}
			if err := e.store.Run(ctx, stmt); err != nil && ctx.Err() == nil {
				e.log(ctx, "remove old tallies", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// forget removes some deliveries that ended before a time, with their attempts and
// events, and returns how many; fewer than sweepBatch are the last.
func (e *Engine[T]) forget(ctx context.Context, state State, before time.Time) (int, error) {
	var seqs []int64
	scan := func(row store.Row) error {
		seqs = append(seqs, 0)
		return row.Scan(&seqs[len(seqs)-1])
	}
	args := []any{string(state), micros(before), int64(sweepBatch)}
	err := e.store.Read(ctx,
		store.Stmt{SQL: e.sql.expired, Args: append(args, int64(0)), Scan: scan},
		store.Stmt{SQL: e.sql.expired, Args: append(args, int64(1)), Scan: scan})
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	stmts := make([]store.Stmt, 0, 4*len(seqs))
	var unused sharedIDs
	for _, seq := range seqs {
		// The delivery first: if it was resent since it was read, it stays, and so does
		// what belongs to it.
		stmts = append(stmts,
			store.Stmt{SQL: e.sql.forget, Args: []any{seq, string(state), micros(before)}},
			store.Stmt{SQL: e.sql.forgetAttempts, Args: []any{seq}},
			store.Stmt{SQL: e.sql.forgetEvent, Args: []any{seq}, Scan: unused.scan},
			store.Stmt{SQL: e.sql.forgetRefs, Args: []any{seq}})
	}
	err = e.inTx(ctx, func(tx T) error {
		unused = nil
		if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
			return err
		}
		return e.dropUnused(ctx, tx, unused)
	})
	if err != nil {
		return 0, err
	}
	return len(seqs), nil
}
