package durable

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// encode checks a webhook and returns it as that version is stored, and as it will be
// read.
func (w *Webhooks[T]) encode(
	ctx context.Context, hook webhook.Webhook, version int64,
) (text string, read webhook.Webhook, err error) {
	if _, err := webhook.Compile(hook, w.samples...); err != nil {
		return "", read, err
	}
	if err := w.engine.config.checkBounds(hook); err != nil {
		return "", read, err
	}
	plain, err := json.Marshal(hook)
	if err == nil {
		err = json.Unmarshal(plain, &read)
	}
	if err == nil {
		text, err = w.engine.sealDefinition(ctx, hook, version)
	}
	if err != nil {
		return "", read, hookError(hook.ID, err)
	}
	return text, read, nil
}

// change runs a statement that stores a version, and more, and returns the version, or
// nil if another change came first.
func (w *Webhooks[T]) change(
	ctx context.Context, run runFunc, id string, stmt store.Stmt, more ...store.Stmt,
) (*definition, error) {
	stored := false
	stmt.Scan = func(row store.Row) error {
		stored = true
		return row.Scan(new(int64))
	}
	both := func(ctx context.Context, read ...store.Stmt) error {
		return run(ctx, slices.Concat([]store.Stmt{stmt}, more, read)...)
	}
	d, err := w.current(ctx, both, id, 0, 0)
	if errors.Is(err, webhook.ErrNotFound) {
		err = nil
	}
	if err != nil || !stored {
		return nil, err
	}
	return d, nil
}

// current reads the current version. If that is the given one, its text is left out.
func (w *Webhooks[T]) current(
	ctx context.Context, run runFunc, id string, version, changed int64,
) (*definition, error) {
	hook := &wanted{id: id, version: version, changed: changed}
	return hook.read(func() error { return run(ctx, w.engine.currentStmt([]*wanted{hook})) })
}

// A wanted is a webhook whose current version is read. If that is the one given, its text
// is left out.
type wanted struct {
	id               string
	version, changed int64       // zero: none
	found            *definition // nil: there is no such webhook
}

// read has it read, and returns what was found.
func (h *wanted) read(read func() error) (*definition, error) {
	if !isUUID(h.id) { // Postgres refuses some texts
		return nil, hookError(h.id, webhook.ErrNotFound)
	}
	if err := read(); err != nil {
		return nil, hookError(h.id, err)
	}
	if h.found == nil {
		return nil, hookError(h.id, webhook.ErrNotFound)
	}
	return h.found, nil
}

// currentStmt returns the statement that reads webhooks.
func (e *Engine[T]) currentStmt(hooks []*wanted) store.Stmt {
	rows := make([][]any, len(hooks))
	for i, hook := range hooks {
		rows[i] = []any{hook.id, hook.version, hook.changed}
	}
	return e.sql.current.For(rows, func(row store.Row) error {
		var n int64
		var d definition
		err := d.scan(row, &n)
		if err == nil {
			hooks[n-1].found = &d
		}
		return err
	})
}

// lookUpBatch reads the webhooks that several callers dispatch to.
func (e *Engine[T]) lookUpBatch(batch []*wanted) error {
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	return e.store.Read(ctx, e.currentStmt(batch))
}

// A runFunc runs statements, inside of a transaction or not.
type runFunc func(ctx context.Context, stmts ...store.Stmt) error

// inside returns a runFunc for a transaction of the caller's.
func (e *Engine[T]) inside(tx T) runFunc {
	return func(ctx context.Context, stmts ...store.Stmt) error {
		return e.store.RunTx(ctx, tx, stmts...)
	}
}

// one runs a statement and returns the definition that it returns, or nil for none.
func one(ctx context.Context, run runFunc, id string, stmt store.Stmt) (*definition, error) {
	if !isUUID(id) { // Postgres refuses some texts
		return nil, nil //nolint:nilnil // as for any other that is not found
	}
	var found *definition
	stmt.Scan = func(row store.Row) error {
		found = &definition{}
		return found.scan(row)
	}
	if err := run(ctx, stmt); err != nil {
		return nil, hookError(id, err)
	}
	return found, nil
}

// A definition is a row of the table.
type definition struct {
	id               string
	version, changed int64
	text, tenant     string
	author           string
	proved           int64          // 0: its URL is not
	state            queue.Endpoint // not all of it
}

// scan reads the row, whose first columns go to before.
func (d *definition) scan(row store.Row, before ...any) error {
	var since, failing int64
	err := row.Scan(append(before, &d.id, &d.version, &d.changed, &d.text, (*string)(&d.state.State),
		&d.state.Reason, &d.state.Actor, &since, &failing, &d.tenant, &d.author, &d.proved)...)
	d.state.Since, d.state.FailingSince = utcOrZero(since), utcOrZero(failing)
	return err
}

// whole returns the definition with its webhook.
func (d *definition) whole(hook webhook.Webhook) Definition {
	return Definition{
		Webhook: hook,
		Tenant:  d.tenant, Version: int(d.version), Changed: fromMicros(d.changed), Author: d.author, State: d.state.State,
		Reason: d.state.Reason, Actor: d.state.Actor, Since: d.state.Since, FailingSince: d.state.FailingSince,
		Unverified: d.proved == 0,
	}
}

// decode returns the definition. With an error, it has what could be read.
func (w *Webhooks[T]) decode(ctx context.Context, d *definition) (Definition, error) {
	hook, err := w.engine.openDefinition(ctx, d.id, d.version, d.text)
	whole := d.whole(hook)
	if err != nil {
		whole.Sealed, whole.Unreadable = errors.Is(err, ErrSealed), errors.Is(err, errUnreadable)
		return whole, hookError(d.id, err)
	}
	return whole, nil
}
