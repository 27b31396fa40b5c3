package durable

import (
	"context"

	"github.com/ringhook/webhook"
)

// CreateTx stores a new webhook of a tenant, or of none if that is empty, in a
// transaction of the caller's own, on the same database: it is there if and only if
// that commits. The errors are those of [Webhooks.Create], and [ErrTenant]. After an
// error, nothing of the call is in the transaction, which can go on unless the database
// failed. Until it ends, others wait who create a webhook with the same ID; with a
// [Config] Verify all that decide about an endpoint; on SQLite, all that write.
func (w *Webhooks[T]) CreateTx(
	ctx context.Context, tx T, tenant string, hook webhook.Webhook,
) (d Definition, err error) {
	if tenant != "" && !isTenant(tenant) {
		return Definition{}, errTenant("create a webhook")
	}
	err = w.engine.undoable(ctx, tx, func() (err error) {
		d, err = w.create(ctx, w.engine.inside(tx), tenant, hook)
		return err
	})
	return d, err
}

// UpdateTx is [Webhooks.Update] in a transaction of the caller's own, as
// [Webhooks.CreateTx] is Create: the version counts in every process once that commits,
// and before only for what the transaction itself dispatches.
func (w *Webhooks[T]) UpdateTx(
	ctx context.Context, tx T, hook webhook.Webhook, version int,
) (d Definition, err error) {
	err = w.engine.undoable(ctx, tx, func() (err error) {
		d, err = w.update(ctx, w.engine.inside(tx), hook, version)
		return err
	})
	return d, err
}
