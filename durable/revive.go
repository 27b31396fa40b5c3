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
	reviveLock  = "durable: revive" // may be an ordering, too: then they wait for each other
)

// revive gives deliveries that nothing will wake what wakes them, at first and now and then until ctx ends. There are none, as
// long as nobody else removes River's jobs, or ends them.
func (e *Engine[T]) revive(ctx context.Context) {
	ticker := time.NewTicker(reviveEvery)
	defer ticker.Stop()
	for {
		for n, err := reviveBatch, error(nil); n >= reviveBatch && ctx.Err() == nil; {
			if n, err = e.reviveSome(ctx, time.Now().Add(-2*e.config.lease())); err != nil && ctx.Err() == nil {
				e.log(ctx, "look for deliveries that nothing wakes", err)
			} else if n > 0 {
				e.config.Logger.WarnContext(ctx, "durable: deliveries had no job any more, and got one", slog.Int("deliveries", n))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// reviveSome does that for some deliveries that were due before a time, and returns for how many. Two processes do not do it at
// once: a delivery would get two jobs.
func (e *Engine[T]) reviveSome(ctx context.Context, before time.Time) (n int, err error) {
	var jobs []river.InsertManyParams
	var orderings []string
	scan := func(row store.Row) error {
		var a args
		err := row.Scan(&a.Seq, &a.Gen)
		jobs = append(jobs, job(a, before))
		return err
	}
	some := []any{micros(before), int64(reviveBatch)}
	search := []store.Stmt{
		{SQL: e.sql.lost, Args: some, Scan: scan},
		{SQL: e.sql.lostEnds, Args: some, Scan: scan},
		{SQL: e.sql.headless, Args: some, Scan: func(row store.Row) error {
			orderings = append(orderings, "")
			return row.Scan(&orderings[len(orderings)-1])
		}},
	}
	// First without a transaction that others would wait for.
	if err := e.store.Read(ctx, search...); err != nil || len(jobs)+len(orderings) == 0 {
		return 0, err
	}
	err = e.inTx(ctx, func(tx T) error {
		jobs, orderings = nil, nil
		if err := e.store.RunTx(ctx, tx, append(e.store.Lock([]string{reviveLock}), search...)...); err != nil {
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
