package durable

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// Of the pending deliveries of an ordering, only the first is active, which a unique
// index makes sure of: it alone has a job of River's. When it ends, the next becomes
// active, in a transaction that locks the ordering, as each Enqueue does. So it does when
// the message of the first one cannot be read: that one becomes active again when no
// other is left. Where none can be read, they take turns.

// Supersede ends the waiting tasks of an order whose message has a rank, one above 0,
// below the given one, and returns them. It leaves alone what any process has handed out. The message of
// one that cannot be read has only what is clear.
func (e *Engine[T]) Supersede(ctx context.Context, order string, rank int) ([]queue.Task, error) {
	type row struct {
		task            queue.Task
		data, content   []byte
		refs            *string
		webhookID, kind string
	}
	var rows []row
	given := order
	order = clean(e.key.order(order))
	err := e.inTx(ctx, func(tx T) error {
		rows = nil
		from, until := e.held(e.clock.now())
		return e.inOrder(ctx, tx, order, store.Stmt{
			SQL:  e.sql.supersede,
			Args: []any{order, int64(rank), from, until},
			Scan: func(rs store.Row) error {
				var due int64
				r := row{task: queue.Task{Order: given}}
				err := rs.Scan(new(int64), &r.task.ID, &r.task.Key, &due, &r.data, &r.content, &r.refs,
					&r.webhookID, &r.kind)
				r.task.NotBefore = fromMicros(due)
				rows = append(rows, r)
				return err
			},
		})
	})
	if err != nil {
		return nil, fmt.Errorf("durable: supersede: %w", err)
	}
	var tasks []queue.Task
	for _, r := range rows {
		e.tallies.add(r.webhookID, e.clock.now(), string(StateDropped))
		m, err := e.decode(ctx, r.task.ID, r.data, r.content, r.refs)
		if err != nil { // it was dropped all the same
			e.logBlocked(ctx, "read a message", err)
			m = &webhook.Message{ID: r.task.ID, WebhookID: r.webhookID, Event: r.kind}
		}
		r.task.Message = m
		tasks = append(tasks, r.task)
	}
	return tasks, nil
}

// Newest returns the highest rank of the waiting tasks of an order, or false if there
// are none.
func (e *Engine[T]) Newest(ctx context.Context, order string) (rank int, ok bool, err error) {
	var highest *int64
	from, until := e.held(e.clock.now())
	err = e.store.Read(ctx, store.Stmt{
		SQL:  e.sql.newest,
		Args: []any{clean(e.key.order(order)), from, until},
		Scan: func(row store.Row) error { return row.Scan(&highest) },
	})
	if err != nil {
		return 0, false, fmt.Errorf("durable: newest: %w", err)
	}
	if highest == nil {
		return 0, false, nil
	}
	return int(*highest), true, nil
}

// Cancel ends the delivery of a message, and reports whether there was one to end. An
// attempt that is under way goes on: if it succeeds, the message counts as delivered; if
// not, there is no further attempt.
func (e *Engine[T]) Cancel(ctx context.Context, id string) (bool, error) {
	var order, webhookID string
	var found bool
	id = clean(id)
	err := e.store.Read(ctx, store.Stmt{
		SQL:  e.sql.ordering,
		Args: []any{id},
		Scan: func(row store.Row) error { return row.Scan(&order) },
	})
	if err == nil {
		err = e.inTx(ctx, func(tx T) error {
			found = false
			from, until := e.held(e.clock.now())
			return e.inOrder(ctx, tx, order, store.Stmt{
				SQL:  e.sql.cancel,
				Args: []any{id, from, until},
				Scan: func(row store.Row) error { found = true; return row.Scan(new(int64), &webhookID) },
			})
		})
	}
	if err != nil {
		return false, fmt.Errorf("durable: cancel: %w", err)
	}
	if found {
		e.tallies.add(webhookID, e.clock.now(), string(StateCanceled))
	}
	return found, nil
}

// next makes the delivery active that follows d, which has ended or steps aside, in its
// ordering.
func (e *Engine[T]) next(ctx context.Context, d *delivery) error {
	return e.inTx(ctx, func(tx T) error {
		return e.inOrder(ctx, tx, d.ordering, store.Stmt{SQL: e.sql.release, Args: []any{d.seq, d.gen}})
	})
}

// inOrder locks an order, runs statements that may end deliveries of it, and makes the
// first one that is left active. If the order is empty, it only runs the statements.
func (e *Engine[T]) inOrder(ctx context.Context, tx T, order string, stmts ...store.Stmt) error {
	if order == "" {
		return e.store.RunTx(ctx, tx, stmts...)
	}
	var jobs []river.InsertManyParams
	promote := e.promoteStmt(order, func(a args, due time.Time) { jobs = append(jobs, e.job(a, due)) })
	stmts = slices.Concat(e.store.Lock([]string{order}), stmts, []store.Stmt{promote})
	if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
		return err
	}
	return e.wake(ctx, tx, jobs)
}

// promoteStmt returns the statement that makes the first of an order active if none is,
// and calls wake for it. The transaction must have locked the order.
func (e *Engine[T]) promoteStmt(order string, wake func(a args, due time.Time)) store.Stmt {
	return store.Stmt{SQL: e.sql.promote, Args: []any{order}, Scan: func(row store.Row) error {
		var a args
		var due int64
		err := row.Scan(&a.Seq, &a.Gen, &due)
		wake(a, fromMicros(due))
		return err
	}}
}
