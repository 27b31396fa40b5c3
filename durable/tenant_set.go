package durable

import (
	"context"
	"fmt"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// moveBatch is of how many deliveries SetTenant sets the tenant at once.
const moveBatch = 500

// SetTenant gives a webhook that has no tenant one, for good: it is for webhooks of before
// there were tenants. Its subscriptions, deliveries and tallies become that tenant's too,
// which takes some milliseconds for each hundred; those of messages that are enqueued from
// now on are so at once. If it fails midway, call it again. Where the webhook has that tenant
// already, it looks for deliveries that it has left out.
//
// The error wraps [ErrTenant] for what is no tenant, [ErrExists] for a webhook of another
// one, and [webhook.ErrNotFound].
func (w *Webhooks[T]) SetTenant(ctx context.Context, id, tenant string) error {
	if !isTenant(tenant) {
		return errTenant("set tenant")
	}
	if !isUUID(id) {
		return hookError(id, webhook.ErrNotFound)
	}
	e := w.engine
	e.tallies.flush() // as they are read with the tenant
	err := e.inTx(ctx, func(tx T) error {
		set := false
		scan := func(row store.Row) error { set = true; return row.Scan(new(string)) }
		// With the lock, since who changes the subscriptions copies the tenant.
		stmt := store.Stmt{SQL: e.sql.setTenant, Args: []any{id, tenant}, Scan: scan}
		err := e.store.RunTx(ctx, tx, append(e.lockSubscriptions(id), stmt)...)
		if err != nil || !set {
			return err
		}
		return e.store.RunTx(ctx, tx,
			store.Stmt{SQL: e.sql.moveSubscribers, Args: []any{id, tenant}},
			store.Stmt{SQL: e.sql.tenantTallies, Args: []any{id, allWebhooks + tenant}})
	})
	if err != nil {
		return hookError(id, err)
	}
	d, err := w.current(ctx, e.store.Read, id, 0, 0)
	if err != nil {
		return err
	}
	if d.tenant != tenant {
		return hookError(id, fmt.Errorf("%w: of another tenant", ErrExists))
	}
	// What is pending comes once more in the end: what was resent meanwhile is.
	for i := range len(states) + 1 {
		if err := e.moveDeliveries(ctx, e.sql.ofNobody[i%len(states)], id, tenant); err != nil {
			return hookError(id, err)
		}
	}
	return nil
}

// moveDeliveries sets the tenant of the deliveries of a webhook that a statement lists, and
// that have none.
func (e *Engine[T]) moveDeliveries(ctx context.Context, list, id, tenant string) error {
	var last position
	for n := moveBatch; n == moveBatch; {
		var moves []store.Stmt
		scan := func(row store.Row) error {
			err := row.Scan(&last.created, &last.seq)
			moves = append(moves, store.Stmt{SQL: e.sql.moveDelivery, Args: []any{last.seq, tenant}})
			return err
		}
		params := []any{id, last.created, last.seq, int64(moveBatch)}
		err := e.store.Read(ctx, store.Stmt{SQL: list, Args: params, Scan: scan})
		if n = len(moves); err == nil && n > 0 {
			err = e.store.Run(ctx, moves...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
