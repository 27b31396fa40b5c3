package durable

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// The errors of [Webhooks], wrapped. For an id that is not there they return [webhook.ErrNotFound].
var (
	ErrExists   = errors.New("there is one of that id")       // by Create
	ErrConflict = errors.New("it has been changed meanwhile") // by Update
)

// Webhooks keeps the definitions of webhooks in the database of an engine, and dispatches events to them. A definition is
// never changed: each change adds a version, and the old ones remain, since messages were composed with them. It is safe for
// concurrent use, also by several processes, and keeps what it has compiled: make one and share it. See [Engine.Webhooks].
//
// The headers of a webhook may carry credentials of its receiver. They are kept in the clear, and no error quotes them.
type Webhooks[T any] struct {
	engine    *Engine[T]
	queue     *queue.Queue
	samples   []webhook.Event
	composers sync.Map     // of id to *composer
	compiled  atomic.Int64 // since it was empty
}

// maxComposers is how many compiled webhooks are kept at most, or those of a service that makes new ones all the time would
// fill its memory.
const maxComposers = 10_000

// Webhooks returns the webhooks in e's database. Dispatch makes tasks as q does, which should be a queue over e; if nil, there
// is no Dispatch. The samples are passed to [webhook.Compile], when a definition is stored and when it is used.
func (e *Engine[T]) Webhooks(q *queue.Queue, samples ...webhook.Event) *Webhooks[T] {
	return &Webhooks[T]{engine: e, queue: q, samples: samples}
}

// A Definition is one version of a webhook. It is plain data; as JSON, it has the members of the webhook beside its own.
type Definition struct {
	webhook.Webhook
	Version  int       `json:"version"`  // from 1
	Disabled bool      `json:"disabled"` // nothing is dispatched to it
	Changed  time.Time `json:"changed"`  // when this version was stored
}

// Create stores a new webhook. Its ID is a UUID in lower case; if empty, a random one is made. The error is a
// [*webhook.TemplateError] for one that does not compile, or wraps [ErrExists], or [ErrTimeout] for a Policy with a Timeout
// longer than [Config] MaxTimeout.
func (w *Webhooks[T]) Create(ctx context.Context, hook webhook.Webhook) (Definition, error) {
	if hook.ID == "" {
		hook.ID = newUUID()
	}
	if !isUUID(hook.ID) {
		return Definition{}, fmt.Errorf("durable: webhook %.64q: the id is no UUID in lower case", hook.ID)
	}
	text, err := w.encode(hook)
	if err != nil {
		return Definition{}, err
	}
	d, err := w.change(ctx, hook.ID, store.Stmt{SQL: w.engine.sql.create, Args: []any{hook.ID, micros(time.Now()), text}})
	if err == nil && d == nil {
		err = hookError(hook.ID, ErrExists)
	}
	if err != nil {
		return Definition{}, err
	}
	return d.decode()
}

// Get returns the current version of a webhook, also of one that is disabled.
func (w *Webhooks[T]) Get(ctx context.Context, id string) (Definition, error) {
	d, err := w.current(ctx, w.engine.store.Read, id, 0, 0)
	if err != nil {
		return Definition{}, err
	}
	return d.decode()
}

// Version returns a version of a webhook by its number, from 1.
func (w *Webhooks[T]) Version(ctx context.Context, id string, version int) (Definition, error) {
	d, err := one(ctx, w.engine.store.Read, id, store.Stmt{SQL: w.engine.sql.atVersion, Args: []any{id, int64(version)}})
	if err == nil && d == nil {
		err = hookError(id, fmt.Errorf("version %d: %w", version, webhook.ErrNotFound))
	}
	if err != nil {
		return Definition{}, err
	}
	return d.decode()
}

// Update stores a whole new definition of the webhook with that ID, in place of the version given. It wraps [ErrConflict] if
// another is the current one: get that, and decide again. A webhook that is disabled remains so. Other errors are as for
// Create.
func (w *Webhooks[T]) Update(ctx context.Context, hook webhook.Webhook, version int) (Definition, error) {
	text, err := w.encode(hook)
	if err != nil {
		return Definition{}, err
	}
	d, err := w.change(ctx, hook.ID, store.Stmt{SQL: w.engine.sql.update, Args: []any{hook.ID, int64(version), micros(time.Now()), text}})
	if err == nil && d == nil {
		if _, err = w.current(ctx, w.engine.store.Read, hook.ID, 0, 0); err == nil {
			err = hookError(hook.ID, ErrConflict)
		}
	}
	if err != nil {
		return Definition{}, err
	}
	return d.decode()
}

// Disable has nothing more dispatched or sent to a webhook, in any process. What is enqueued is dropped when it is due, for the
// reason [queue.ReasonDisabled], and can be sent with [Engine.ResendFailed] when the webhook is enabled again. An attempt that is under
// way goes on to its end. It is a new version, unless the webhook is disabled already.
func (w *Webhooks[T]) Disable(ctx context.Context, id string) error { return w.able(ctx, id, 1) }

// Enable ends what Disable did.
func (w *Webhooks[T]) Enable(ctx context.Context, id string) error { return w.able(ctx, id, 0) }

func (w *Webhooks[T]) able(ctx context.Context, id string, disabled int64) error {
	for { // until no other change comes between
		d, err := w.current(ctx, w.engine.store.Read, id, 0, 0)
		if err != nil || d.disabled == disabled {
			return err
		}
		d, err = w.change(ctx, id, store.Stmt{SQL: w.engine.sql.able, Args: []any{id, d.version, disabled, micros(time.Now())}})
		if err != nil || d != nil {
			return err
		}
	}
}

// maxList is the most that one call of List returns.
const maxList = 1000

// List returns the current versions of webhooks in the order of their IDs, disabled ones too: those after the given ID, which
// is empty for the first page. There are at most limit, which is 100 if zero and 1000 if more; fewer are the last.
func (w *Webhooks[T]) List(ctx context.Context, after string, limit int) ([]Definition, error) {
	if limit < 0 {
		return nil, fmt.Errorf("durable: list of webhooks: a limit of %d", limit)
	}
	var page []Definition
	err := w.engine.store.Read(ctx, store.Stmt{
		SQL:  w.engine.sql.list,
		Args: []any{clean(after), int64(min(cmp.Or(limit, 100), maxList))},
		Scan: func(row store.Row) error {
			var d definition
			if err := d.scan(row); err != nil {
				return err
			}
			whole, err := d.decode()
			page = append(page, whole)
			return err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("durable: list of webhooks: %w", err)
	}
	return page, nil
}

// Source is one for a [webhook.Registry]: the current definition of a webhook, whoever has changed it. For a disabled one it
// returns [webhook.ErrNotFound]. A registry notices a change when it asks the next time, so set its MaxAge to a second or so;
// [Webhooks.Dispatch] needs no registry.
func (w *Webhooks[T]) Source(ctx context.Context, id string) (webhook.Webhook, error) {
	d, err := w.Get(ctx, id)
	switch {
	case err != nil:
		return webhook.Webhook{}, err
	case d.Disabled:
		return webhook.Webhook{}, hookError(id, fmt.Errorf("%w: it is disabled", webhook.ErrNotFound))
	}
	return d.Webhook, nil
}

// encode checks a webhook and writes it as it is stored.
func (w *Webhooks[T]) encode(hook webhook.Webhook) (string, error) {
	if _, err := webhook.Compile(hook, w.samples...); err != nil {
		return "", err
	}
	var policy webhook.Policy
	if hook.Policy != nil {
		policy = *hook.Policy
	}
	if timeoutOf(policy, "") > w.engine.config.MaxTimeout {
		return "", hookError(hook.ID, ErrTimeout)
	}
	text, err := json.Marshal(hook)
	if err != nil {
		return "", hookError(hook.ID, err)
	}
	return string(text), nil
}

// change runs a statement that stores a version and returns it, or nil if there is no room for it.
func (w *Webhooks[T]) change(ctx context.Context, id string, stmt store.Stmt) (*definition, error) {
	return one(ctx, w.engine.store.Run, id, stmt)
}

// current reads the current version. If that is the one told, its text is left out.
func (w *Webhooks[T]) current(ctx context.Context, run runFunc, id string, version, changed int64) (*definition, error) {
	d, err := one(ctx, run, id, store.Stmt{SQL: w.engine.sql.current, Args: []any{id, version, changed}})
	if err == nil && d == nil {
		err = hookError(id, webhook.ErrNotFound)
	}
	return d, err
}

// A runFunc runs statements, in a transaction or out of one.
type runFunc func(ctx context.Context, stmts ...store.Stmt) error

// one runs a statement that returns a definition, or nil if it returns none.
func one(ctx context.Context, run runFunc, id string, stmt store.Stmt) (*definition, error) {
	if !isUUID(id) { // which not every database could look for
		return nil, nil //nolint:nilnil // as for any that is not there
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
	id                         string
	version, disabled, changed int64
	text                       string
}

func (d *definition) scan(row store.Row) error {
	return row.Scan(&d.id, &d.version, &d.disabled, &d.changed, &d.text)
}

func (d *definition) decode() (Definition, error) {
	whole := Definition{Version: int(d.version), Disabled: d.disabled == 1, Changed: fromMicros(d.changed)}
	if err := json.Unmarshal([]byte(d.text), &whole.Webhook); err != nil {
		return Definition{}, hookError(d.id, errors.New("the stored definition is unreadable")) // the detail could quote it
	}
	return whole, nil
}

func hookError(id string, err error) error {
	return fmt.Errorf("durable: webhook %.64q: %w", id, err)
}

// newUUID returns a random one, of version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// isUUID reports whether id is written as UUIDs are. One in upper case would be another webhook, and another key of [webhook.HMAC].
func isUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}
