package durable

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// The errors of [Webhooks], wrapped. For an id that is not there they return
// [webhook.ErrNotFound].
var (
	ErrExists   = errors.New("already exists")                     // by Create, and SetTenant
	ErrConflict = errors.New("was changed")                        // by Update
	ErrID       = errors.New("the id is not a UUID in lower case") // by Create
)

// Webhooks keeps the definitions of webhooks in the database of an engine, and
// dispatches events to them. A stored definition is never changed: each change adds a
// version, and the old ones stay, since messages were composed with them. It is safe
// for concurrent use, also by several processes. It keeps compiled webhooks in memory:
// make one and share it. See [Engine.Webhooks].
//
// The headers of a webhook, and its Auth, may carry credentials of its receiver. They are
// kept in the clear unless [Config] has a Sealer, and no error quotes them. What Auth has
// is sent only by a client whose Auth is that of [Webhooks.Auth]. Each webhook has a secret
// from the beginning, for signatures: see [Webhooks.Keyring].
type Webhooks[T any] struct {
	engine    *Engine[T]
	queue     *queue.Queue
	samples   []webhook.Event
	composers sync.Map     // of ID to *composer
	compiled  atomic.Int64 // how many were stored in composers since it was cleared
}

// maxComposers is how many compiled webhooks are kept at most, so that those of a
// service that creates webhooks all the time do not fill its memory.
const maxComposers = 10_000

// Webhooks returns the webhooks in e's database. Dispatch makes tasks with q, which
// should be a queue over e; if it is nil, Dispatch returns an error. The samples are
// passed to [webhook.Compile], when a definition is stored and when it is used.
func (e *Engine[T]) Webhooks(q *queue.Queue, samples ...webhook.Event) *Webhooks[T] {
	return &Webhooks[T]{engine: e, queue: q, samples: samples}
}

// A Definition is one version of a webhook. It is plain data; as JSON, it has the
// members of the webhook beside its own. It prints as its webhook does, without headers.
type Definition struct {
	webhook.Webhook
	// Tenant is the customer whose webhook it is, for [Webhooks.Tenant]; once set, it never
	// changes. Empty where there are none.
	Tenant  string    `json:"tenant"`
	Version int       `json:"version"` // from 1
	Changed time.Time `json:"changed"` // when this version was stored
	Author  string    `json:"author"`  // who stored it, see [WithActor]; empty: not known

	// Unverified says that [Config] Verify has not accepted the URL of this version: nothing is
	// sent there.
	Unverified bool `json:"unverified,omitempty"`

	// Sealed says that [Config] Sealer cannot open it. List returns such a one all the
	// same, with its ID, Name, and the scheme and host of its URL.
	Sealed bool `json:"sealed,omitempty"`
	// Unreadable says that what is stored is no definition, since it is damaged. List returns
	// such a one all the same, with its ID; all else of the webhook is empty.
	Unreadable bool `json:"unreadable,omitempty"`

	// The state of the webhook, which is no part of the version: [queue.StateEnabled],
	// StatePaused or StateDisabled; why, who decided it, and when. Of one that was never
	// paused or disabled, all but State are zero. See [queue.Endpoint].
	State  queue.EndpointState `json:"state"`
	Reason string              `json:"reason"`
	Actor  string              `json:"actor"`
	Since  time.Time           `json:"since,omitzero"`
	// FailingSince is the first failure since the last success; zero if there is none.
	FailingSince time.Time `json:"failing_since,omitzero"`
}

// Create stores a new webhook, of no tenant; [Hooks.Create] stores one of a tenant. Its
// ID is a UUID in lower case; if empty, a random one is made; the error wraps [ErrID]
// for any other, and [ErrExists] for one that is there. It is a
// [*webhook.TemplateError] for a webhook that does not compile or asks for more than
// [Config] Bounds allow, and wraps [ErrTimeout] too where that is the Timeout of its
// Policy. The webhook gets its first secret in the same step; [Webhooks.Secrets] tells it.
//
// With a [Config] Verify, the webhook is paused for the reason [queue.ReasonUnverified], as
// State and Reason of the result say, until Enable has verified it.
func (w *Webhooks[T]) Create(ctx context.Context, hook webhook.Webhook) (Definition, error) {
	return w.createOf(ctx, "", hook)
}

func (w *Webhooks[T]) createOf(ctx context.Context, tenant string, hook webhook.Webhook) (Definition, error) {
	change, err := w.create(ctx, tenant, hook)
	if err != nil {
		return Definition{}, err
	}
	return w.apply(ctx, w.locked, change)
}

// A versionChange stores a version of a webhook, for which all is sealed and opened: no
// transaction waits for that.
type versionChange struct {
	hook  webhook.Webhook // as it will be read
	store func(ctx context.Context, run runFunc) (*definition, error)
}

// apply makes a change in a transaction that in begins.
func (w *Webhooks[T]) apply(
	ctx context.Context, in func(ctx context.Context, fn func(run runFunc) error) error, change versionChange,
) (Definition, error) {
	var d *definition
	err := in(ctx, func(run runFunc) (err error) {
		d, err = change.store(ctx, run)
		return err
	})
	if err != nil {
		return Definition{}, err
	}
	return d.whole(change.hook), nil
}

// create returns the change that stores a new webhook.
func (w *Webhooks[T]) create(ctx context.Context, tenant string, hook webhook.Webhook) (versionChange, error) {
	if hook.ID == "" {
		hook.ID = newUUID()
	}
	if !isUUID(hook.ID) {
		return versionChange{}, hookError(hook.ID, ErrID)
	}
	text, read, err := w.encode(ctx, hook, 1)
	if err != nil {
		return versionChange{}, err
	}
	secret, err := w.engine.firstSecret(ctx, hook.ID)
	if err != nil {
		return versionChange{}, hookError(hook.ID, err)
	}
	return versionChange{read, func(ctx context.Context, run runFunc) (*definition, error) {
		if err := w.lockToVerify(ctx, run); err != nil {
			return nil, hookError(hook.ID, err)
		}
		params := []any{hook.ID, micros(w.engine.clock.now()), text, tenant, actorOf(ctx)}
		d, err := w.change(ctx, run, hook.ID, store.Stmt{SQL: w.engine.sql.create, Args: params}, secret)
		if err == nil && d == nil {
			err = hookError(hook.ID, ErrExists)
		}
		if err != nil {
			return nil, err
		}
		return w.hold(ctx, run, d, hook.URL, "")
	}}, nil
}

// Get returns the current version of a webhook, also of one that is disabled. The error
// wraps [webhook.ErrNotFound] or [ErrSealed].
func (w *Webhooks[T]) Get(ctx context.Context, id string) (Definition, error) {
	d, err := w.current(ctx, w.engine.store.Read, id, 0, 0)
	if err != nil {
		return Definition{}, err
	}
	return w.decode(ctx, d)
}

// Version returns a version of a webhook by its number, from 1. The error wraps
// [webhook.ErrNotFound], also for a number that is none, or [ErrSealed].
func (w *Webhooks[T]) Version(ctx context.Context, id string, version int) (Definition, error) {
	stmt := store.Stmt{SQL: w.engine.sql.atVersion, Args: []any{id, int64(version)}}
	d, err := one(ctx, w.engine.store.Read, id, stmt)
	if err == nil && d == nil {
		err = hookError(id, fmt.Errorf("version %d: %w", version, webhook.ErrNotFound))
	}
	if err != nil {
		return Definition{}, err
	}
	return w.decode(ctx, d)
}

// Update stores a whole new definition of the webhook with that ID, in place of the given
// version. The error wraps [ErrConflict] if that is not the current one: get the current
// one, and decide again; and [webhook.ErrNotFound] if there is none. The state of the
// webhook stays as it is, unless the URL leads to another place, which [Config] Verify has
// to accept: then it is as for Create. Other errors are as for Create.
func (w *Webhooks[T]) Update(ctx context.Context, hook webhook.Webhook, version int) (Definition, error) {
	change, err := w.update(ctx, w.engine.store.Read, hook, version)
	if err != nil {
		return Definition{}, err
	}
	return w.apply(ctx, w.locked, change)
}

// update returns the change that stores another version of a webhook. It reads the one
// before, which never changes, with run.
func (w *Webhooks[T]) update(
	ctx context.Context, run runFunc, hook webhook.Webhook, version int,
) (versionChange, error) {
	text, read, err := w.encode(ctx, hook, int64(version)+1)
	if err != nil {
		return versionChange{}, err
	}
	before, err := w.toVerify(ctx, run, hook.ID, version)
	if err != nil {
		return versionChange{}, err
	}
	return versionChange{read, func(ctx context.Context, run runFunc) (*definition, error) {
		if err := w.lockToVerify(ctx, run); err != nil {
			return nil, hookError(hook.ID, err)
		}
		params := []any{hook.ID, int64(version), micros(w.engine.clock.now()), text, actorOf(ctx)}
		d, err := w.change(ctx, run, hook.ID, store.Stmt{SQL: w.engine.sql.update, Args: params})
		if err == nil && d == nil {
			if _, err = w.current(ctx, run, hook.ID, 0, 0); err == nil {
				err = hookError(hook.ID, fmt.Errorf("%w since version %d", ErrConflict, version))
			}
		}
		if err != nil {
			return nil, err
		}
		return w.hold(ctx, run, d, hook.URL, before)
	}}, nil
}

// Disable keeps events from being dispatched and sent to a webhook, in all processes.
// What is enqueued is dropped when it is due, for the reason [queue.ReasonDisabled], and
// can be sent with [Engine.ResendMatching] when the webhook is enabled again. An attempt
// that is under way goes on.
//
// The reason is for people; at most 1 KiB of it is kept. [WithActor] says who decides it;
// [Engine.EndpointChanges] tells both later. It is no change of the definition, and adds
// no version. For a webhook that is disabled already, it does nothing. The error wraps
// [webhook.ErrNotFound].
func (w *Webhooks[T]) Disable(ctx context.Context, id, reason string) error {
	return w.setState(ctx, id, queue.StateDisabled, reason)
}

// Pause holds what is sent to a webhook, in all processes: events are dispatched as ever,
// but nothing is sent until Enable or Disable. An attempt that is under way goes on.
// Otherwise it is as Disable.
func (w *Webhooks[T]) Pause(ctx context.Context, id, reason string) error {
	return w.setState(ctx, id, queue.StatePaused, reason)
}

// Enable ends what Disable, Pause or the queue did, in all processes, and makes the
// webhook as good as new: nothing of its failures counts any more. What was held goes
// out, the oldest first, after others that are due. Otherwise it is as Disable.
//
// With a [Config] Verify, it first calls that, outside of any transaction, unless the URL
// was verified before. If Verify returns an error, the state stays as it is, and the error
// wraps that and [ErrUnverified]. This process knows of the change within a second, as the
// others do.
func (w *Webhooks[T]) Enable(ctx context.Context, id, reason string) error {
	return w.setState(ctx, id, queue.StateEnabled, reason)
}

func (w *Webhooks[T]) setState(ctx context.Context, id string, state queue.EndpointState, reason string) error {
	if _, err := w.current(ctx, w.engine.store.Read, id, 0, 0); err != nil {
		return err
	}
	if state == queue.StateEnabled && w.engine.config.Verify != nil {
		return w.enableVerified(ctx, id, reason)
	}
	var err error
	switch {
	case w.queue == nil:
		_, err = queue.SetState(ctx, w.engine, id, state, reason)
	case state == queue.StateDisabled: // by the queue, so that it knows it at once
		err = w.queue.Disable(ctx, id, reason)
	case state == queue.StatePaused:
		err = w.queue.Pause(ctx, id, reason)
	default:
		err = w.queue.Enable(ctx, id, reason)
	}
	if err != nil {
		return hookError(id, err)
	}
	return nil
}

// A WebhookFilter says which webhooks List returns: those that all of its fields that
// are set agree with. The zero value is all.
type WebhookFilter struct {
	Tenant string              // see [Definition]
	State  queue.EndpointState // StateEnabled, StatePaused or StateDisabled
	// Text is part of the Name or of the URL's host, in upper or lower case.
	Text string
	// Limit is how many there are on a page, at most 1000. If zero, 100.
	Limit int
	// After is Next of the page before, with the same fields. If empty, the page is the
	// first.
	After string
}

// A WebhookPage is a part of the webhooks.
type WebhookPage struct {
	Webhooks []Definition `json:"webhooks"`
	// Next is for [WebhookFilter] After. If empty, this page is the last.
	Next string `json:"next"`
}

// List returns the current versions of the webhooks that match a filter, disabled ones
// too, in the order of their IDs. One that cannot be read says so. The error wraps [ErrFilter] for a filter that it
// cannot understand. With a Text, it reads definitions until it has found a page of
// them.
func (w *Webhooks[T]) List(ctx context.Context, f WebhookFilter) (WebhookPage, error) {
	limit := min(cmp.Or(f.Limit, 100), 1000)
	switch {
	case f.Limit < 0:
		return WebhookPage{}, fmt.Errorf("durable: list webhooks: %w: a negative Limit", ErrFilter)
	case f.After != "" && !isUUID(f.After):
		return WebhookPage{}, fmt.Errorf("durable: list webhooks: %w", errAfter)
	}
	switch f.State {
	case "", queue.StateEnabled, queue.StatePaused, queue.StateDisabled:
	default:
		return WebhookPage{}, fmt.Errorf("durable: list webhooks: %w: no such State", ErrFilter)
	}
	page := WebhookPage{Webhooks: []Definition{}}
	text := strings.ToLower(f.Text)
	size := limit + 1 // one more, to know whether there is another page
	if text != "" {
		size = 500
	}
	for after := f.After; ; {
		ids, batch, err := w.read(ctx, f, after, size)
		if err != nil {
			return WebhookPage{}, fmt.Errorf("durable: list webhooks: %w", err)
		}
		for _, d := range batch {
			switch {
			case !d.has(text):
			case len(page.Webhooks) == limit:
				page.Next = page.Webhooks[limit-1].ID
				return page, nil
			default:
				page.Webhooks = append(page.Webhooks, d)
			}
		}
		if len(ids) < size {
			return page, nil
		}
		after = ids[len(ids)-1]
	}
}

// read returns the first webhooks after an ID that match all of a filter but its Text, by
// their IDs and their definitions. One that was deleted in between has an ID only.
func (w *Webhooks[T]) read(
	ctx context.Context, f WebhookFilter, after string, limit int,
) (ids []string, batch []Definition, err error) {
	by, params := 0, []any{after, int64(limit)}
	if f.Tenant != "" {
		by, params = by+2, append(params, clean(f.Tenant))
	}
	if f.State != "" {
		by, params = by+1, append(params, string(f.State))
	}
	stmt := store.Stmt{SQL: w.engine.sql.list[by], Args: params, Scan: func(row store.Row) error {
		ids = append(ids, "")
		return row.Scan(&ids[len(ids)-1])
	}}
	if err := w.engine.store.Read(ctx, stmt); err != nil || len(ids) == 0 {
		return nil, nil, err
	}
	// Not one statement with the one above: Postgres could read all versions for that.
	hooks := make([]*wanted, len(ids))
	for i, id := range ids {
		hooks[i] = &wanted{id: id}
	}
	err = w.engine.store.Read(ctx, w.engine.currentStmt(hooks))
	var rows []*definition
	for _, hook := range hooks {
		if hook.found != nil {
			rows = append(rows, hook.found)
		}
	}
	batch = make([]Definition, len(rows))
	for i := range rows {
		if err != nil {
			return nil, nil, err
		}
		if batch[i], err = w.decode(ctx, rows[i]); batch[i].Sealed || batch[i].Unreadable {
			err = nil
		}
	}
	return ids, batch, err
}

// has reports whether text, in lower case, is in the name or the host.
func (d Definition) has(text string) bool {
	_, host, _ := strings.Cut(d.URL, "://")
	if end := strings.IndexAny(host, "/?# \t\n"); end >= 0 {
		host = host[:end]
	}
	return strings.Contains(strings.ToLower(d.Name), text) || strings.Contains(strings.ToLower(host), text)
}

// Source is a Source for a [webhook.Registry]. It returns the current definition of a
// webhook, whichever process has changed it, [webhook.ErrNotFound] for a disabled one, and
// [ErrUnverified] for one that [Config] Verify has not accepted. A registry asks again after its MaxAge, so set that to a second or so;
// [Webhooks.Dispatch] needs no registry.
func (w *Webhooks[T]) Source(ctx context.Context, id string) (webhook.Webhook, error) {
	d, err := w.Get(ctx, id)
	switch {
	case err != nil:
		return webhook.Webhook{}, err
	case d.State == queue.StateDisabled:
		return webhook.Webhook{}, hookError(id, fmt.Errorf("%w: it is disabled", webhook.ErrNotFound))
	case d.Unverified: // what a registry composes goes out whatever becomes of the webhook
		return webhook.Webhook{}, hookError(id, ErrUnverified)
	}
	return d.Webhook, nil
}

func hookError(id string, err error) error {
	return fmt.Errorf("durable: webhook %.64q: %w", id, err)
}

// newUUID returns a random UUID, of version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// isUUID reports whether id is a UUID in lower case. The same one in upper case would
// be another webhook, and another key of [webhook.HMAC].
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
