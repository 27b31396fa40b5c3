package durable

import (
	"context"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook/durable/internal/store"
)

const (
	reviveEvery = time.Hour
	reviveBatch = 500
	// An ordering of that name would do no harm: both would wait for each other.
	reviveLock = "durable: revive"
)

// revive gives jobs to pending deliveries that have none, once at first and then every
// hour until ctx ends. There are none, unless somebody else removes or ends River's jobs.
func (e *Engine[T]) revive(ctx context.Context) {
	ticker := time.NewTicker(reviveEvery)
	defer ticker.Stop()
	for {
		for n, err := reviveBatch, error(nil); n >= reviveBatch && ctx.Err() == nil; {
			n, err = e.reviveSome(ctx, e.clock.now().Add(-2*e.config.lease()))
			if err != nil && ctx.Err() == nil {
				e.log(ctx, "look for deliveries without a job", err)
			} else if n > 0 {
				e.config.Logger.WarnContext(ctx, "durable: deliveries without a job got one",
					slog.Int("deliveries", n))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// reviveSome does that for some deliveries that were due before a time, and returns for
// how many. It holds a lock, or two processes would give two jobs to a delivery.
func (e *Engine[T]) reviveSome(ctx context.Context, before time.Time) (n int, err error) {
	var jobs []river.InsertManyParams
	var orderings []string
	scan := func(row store.Row) error {
		var a args
		err := row.Scan(&a.Seq, &a.Gen)
		jobs = append(jobs, e.job(a, before))
		return err
	}
	some := []any{micros(before), int64(reviveBatch)}
	search := []store.Stmt{
		{SQL: e.sql.jobless, Args: some, Scan: scan},
		{SQL: e.sql.unreleased, Args: some, Scan: scan},
		{SQL: e.sql.inactive, Args: some, Scan: func(row store.Row) error {
			orderings = append(orderings, "")
			return row.Scan(&orderings[len(orderings)-1])
		}},
	}
	// First outside of a transaction, for which others would wait.
	if err := e.store.Read(ctx, search...); err != nil || len(jobs)+len(orderings) == 0 {
		return 0, err
	}
	err = e.inTx(ctx, func(tx T) error {
		jobs, orderings = nil, nil
		stmts := append(e.store.Lock([]string{reviveLock}), search...)
		if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
			return err
		}
		n = len(jobs)
		return e.wake(ctx, tx, jobs)
	})
	for i := 0; i < len(orderings) && err == nil; i++ {
		n++
		err = e.inTx(ctx, func(tx T) error { return e.inOrder(ctx, tx, orderings[i]) })
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}
