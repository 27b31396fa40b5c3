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
) (Definition, error) {
	if tenant != "" && !isTenant(tenant) {
		return Definition{}, errTenant("create a webhook")
	}
	change, err := w.create(ctx, tenant, hook)
	if err != nil {
		return Definition{}, err
	}
	return w.apply(ctx, w.within(tx), change)
}

// UpdateTx is [Webhooks.Update] in a transaction of the caller's own, as
// [Webhooks.CreateTx] is Create: the version counts in every process once that commits,
// and before only for what the transaction itself dispatches.
func (w *Webhooks[T]) UpdateTx(
	ctx context.Context, tx T, hook webhook.Webhook, version int,
) (Definition, error) {
	change, err := w.update(ctx, w.engine.inside(tx), hook, version)
	if err != nil {
		return Definition{}, err
	}
	return w.apply(ctx, w.within(tx), change)
}

// within returns what runs fn in a transaction of the caller's, in which there is nothing
// of it after an error.
func (w *Webhooks[T]) within(tx T) func(ctx context.Context, fn func(run runFunc) error) error {
	return func(ctx context.Context, fn func(run runFunc) error) error {
		return w.engine.undoable(ctx, tx, func() error { return fn(w.engine.inside(tx)) })
	}
}
