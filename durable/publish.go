package durable

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// ErrPublication is wrapped by the error of Publish for what cannot be published: the text
// says which field of the [Publication] or what of the event is wrong.
var ErrPublication = errors.New("bad publication")

// The limits on what is published.
const (
	maxPublicationID = 256 // bytes
	maxIdentities    = 100
	maxEventType     = 128 // bytes; as in a webhook.Subscription
)

// A Publication says whom an event is for. It is plain data. The zero value is for all
// webhooks of no tenant that are subscribed to all identities.
type Publication struct {
	// ID names the event, and no other one: whoever publishes it again, since he does not
	// know whether he has, names it again, and no webhook gets it twice. At most 256
	// bytes. If empty, a random one.
	ID string
	// Tenant is the customer, to whose webhooks alone the event goes; see [Definition]. If
	// empty, to those of no tenant.
	Tenant string
	// Identities are what the event came from or went to, at most 100; see
	// [webhook.Subscription]. Every event has [webhook.IdentityAll] beside them, as the
	// last one unless it is among them.
	Identities []string
	// MostSpecific has the event go only to the webhooks that are subscribed to the first
	// of the Identities that any webhook is subscribed to, whatever its state: put the most
	// specific first. If false, it goes to those of all of them.
	MostSpecific bool
}

// Published says what became of an event for one of the webhooks that are subscribed to it.
type Published struct {
	WebhookID string
	MessageID string // of the delivery, as the receiver has it in Webhook-Id
	// Err is nil if the delivery is kept and goes out. It wraps [ErrNotComposed] for an event
	// that could not be composed, which is kept as failed: [Webhooks.Recompose] sends it once
	// the webhook is mended. So it is where the definition could not be opened, and Err wraps
	// [ErrSealed] too, or is damaged. It wraps [queue.ErrTaken] where the same event was
	// published before and erased since.
	Err error
}

// Publish reports an event to all webhooks that are subscribed to it, of one tenant: each
// of them gets a delivery of its own, as by [Webhooks.Dispatch], all in one transaction.
// When the error is nil, they are on disk. It returns them by the IDs of their webhooks;
// those that are disabled, or whose When does not want the event, are not among them. What
// goes wrong with one webhook is the Err of its [Published], and hurts no other.
//
// The ID of each message is made of the Publication's ID and the webhook's: 43 characters,
// the base64url form of the SHA-256 of both with a line feed between, or with an IndexKey
// a MAC of that. So an event that is published again with its ID is delivered only to
// webhooks that have not had it, as long as the [Retention] keeps their deliveries. The
// event is stored once for all, unless [Config] has DiscardEvents.
//
// With an error, nothing is kept. It wraps [ErrPublication] or [ErrTenant] for what cannot
// be published; and [queue.ErrTaken] if another event was published with the ID, to any
// of the webhooks. The statuses of a message are several events: the message's own ID
// is none for them. Other errors are those of Enqueue and the database.
//
// A thousand webhooks take about 0.2 s, in which others wait who write to SQLite. Where a
// queue is Ordered, Postgres holds a lock for each webhook meanwhile; its
// max_locks_per_transaction is to be enough.
func (w *Webhooks[T]) Publish(ctx context.Context, p Publication, event webhook.Event) ([]Published, error) {
	e := w.engine
	b, err := w.composeAll(ctx, e.store.Read, p, event, false)
	if err != nil {
		return nil, wrapPublish(err)
	}
	if len(b.tasks) == 0 {
		return b.published, nil
	}
	if ctx.Err() != nil {
		return nil, wrapPublish(context.Cause(ctx))
	}
	e.clock.compare(ctx, askClock, e.askTime(e.store.Read))
	err = e.inTx(ctx, func(tx T) error { return e.insertAll(ctx, tx, b) })
	if err != nil {
		return nil, wrapPublish(err)
	}
	for _, task := range b.tasks {
		if task.fault == nil {
			w.queue.Supersede(ctx, task.Task)
		}
	}
	return b.done(), nil
}

// PublishTx is [Webhooks.Publish] in a transaction of the caller's own, on the same
// database: the deliveries are kept if and only if that commits. After an error that is not
// the database's, nothing of the call is in the transaction, which can go on. As with
// [Webhooks.DispatchTx], the definitions are those that the transaction sees, and what is
// superseded is not dropped at once.
func (w *Webhooks[T]) PublishTx(ctx context.Context, tx T, p Publication, event webhook.Event) ([]Published, error) {
	e := w.engine
	b, err := w.composeAll(ctx, e.inside(tx), p, event, true)
	if err != nil {
		return nil, wrapPublish(err)
	}
	if len(b.tasks) == 0 {
		return b.published, nil
	}
	e.clock.compare(ctx, askClock, e.askTime(e.inside(tx)))
	err = e.undoable(ctx, tx, func() error { return e.insertAll(ctx, tx, b) })
	if err != nil {
		return nil, wrapPublish(err)
	}
	return b.done(), nil
}

func wrapPublish(err error) error {
	if err != nil {
		return fmt.Errorf("durable: publish: %w", err)
	}
	return nil
}

// A broadcast is what was composed of an event for all webhooks. Its tasks are prepared.
type broadcast struct {
	published []Published
	tasks     []entry
	taken     []error      // of published
	shared    *sharedEvent // nil: none
}

// done returns what is published, once the tasks are kept.
func (b *broadcast) done() []Published {
	for i, err := range b.taken {
		b.published[i].Err = cmp.Or(err, b.published[i].Err)
	}
	return b.published
}

// insertAll is insert for a broadcast.
func (e *Engine[T]) insertAll(ctx context.Context, tx T, b *broadcast) error {
	clear(b.taken)
	var stmts []store.Stmt
	if b.shared != nil {
		stmts = []store.Stmt{{SQL: e.sql.share, Args: []any{b.shared.id, b.shared.sealed}}}
	}
	if err := e.insert(ctx, tx, b.tasks, stmts...); err != nil {
		return err
	}
	if b.shared == nil {
		return nil
	}
	// If all deliveries were there. Not dropUnused: nobody else can name it before this
	// commits.
	return e.store.RunTx(ctx, tx, e.unusedStmt(b.shared.id))
}

// check returns an error for what cannot be published. It quotes nothing.
func (p Publication) check() error {
	switch {
	case len(p.ID) > maxPublicationID:
		return fmt.Errorf("%w: ID: longer than %d bytes", ErrPublication, maxPublicationID)
	case !storable(p.ID):
		return fmt.Errorf("%w: ID: not UTF-8, or has a NUL", ErrPublication)
	case p.Tenant != "" && !isTenant(p.Tenant):
		return ErrTenant
	case len(p.Identities) > maxIdentities:
		return fmt.Errorf("%w: Identities: %d, at most %d", ErrPublication, len(p.Identities), maxIdentities)
	}
	s := webhook.Subscription{WebhookID: "any", Events: []string{"*"}, Identities: p.Identities}
	if err := s.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrPublication, inner{err})
	}
	return nil
}

// messageID returns the ID of the message to a webhook.
func (e *Engine[T]) messageID(p Publication, webhookID string) string {
	sum := sha256.Sum256([]byte(p.ID + "\n" + webhookID))
	if e.key.macs != nil {
		return base64.RawURLEncoding.EncodeToString(e.key.sum(kindID, sum[:]))
	}
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// composeAll composes an event for all webhooks that are subscribed to it. inTx is whether
// run is in a transaction, which may be rolled back.
func (w *Webhooks[T]) composeAll(
	ctx context.Context, run runFunc, p Publication, event webhook.Event, inTx bool,
) (*broadcast, error) {
	b := &broadcast{}
	if w.queue == nil {
		return b, errors.New("Webhooks was given no queue")
	}
	if err := p.check(); err != nil {
		return b, err
	}
	if event == nil {
		return b, fmt.Errorf("%w: event: nil", ErrPublication)
	}
	eventType := typeOf(event)
	switch {
	case eventType == "":
		return b, fmt.Errorf("%w: event: no type, or a nil pointer", ErrPublication)
	case len(eventType) > maxEventType || !storable(eventType):
		return b, fmt.Errorf("%w: event: the type is longer than %d bytes, not UTF-8, or has a NUL",
			ErrPublication, maxEventType)
	}
	again := p.ID != ""
	if !again {
		p.ID = newID()
	}
	ids, err := w.engine.subscribers(ctx, run, p, eventType)
	if err != nil {
		return b, err
	}
	hooks, err := w.versions(ctx, run, p.Tenant, ids, inTx)
	if err != nil {
		return b, err
	}
	var kept *keptEvent // of all of them
	var keepers []int   // the tasks that it is kept with
	for _, hook := range hooks {
		published := Published{WebhookID: hook.id, MessageID: w.engine.messageID(p, hook.id)}
		task, err := w.composeFor(hook, published.MessageID, event)
		if errors.Is(err, webhook.ErrUnwanted) {
			w.engine.tallies.add(hook.id, w.engine.clock.now(), unwanted)
			continue
		}
		if task.fault != nil {
			published.Err = task.outcome(nil)
		}
		task.again = again
		if w.keeps(task) {
			if len(keepers) == 0 {
				kept = hook.composer.keep(event, task)
			}
			keepers = append(keepers, len(b.tasks))
		}
		b.tasks = append(b.tasks, task)
		b.published = append(b.published, published)
	}
	b.share(kept, keepers)
	return b, w.engine.prepareAll(ctx, b)
}

// composeFor is composeWith for a subscriber. One that cannot be opened has a fault, so that
// the event is not lost.
func (w *Webhooks[T]) composeFor(hook subscriber, messageID string, event webhook.Event) (entry, error) {
	if hook.err != nil {
		return failedEntry(hook.id, messageID, hook.version, event, unopened{hook.err}), nil
	}
	return w.composeWith(hook.composer, hook.id, messageID, event)
}

// An unopened error is that of a definition which cannot be opened. What the Sealer says is
// not in its text, which the history shows to everybody.
type unopened struct{ error }

func (e unopened) Error() string {
	if errors.Is(e.error, ErrSealed) {
		return "the stored definition is sealed and cannot be opened"
	}
	return errUnreadable.Error()
}

func (e unopened) Unwrap() error { return e.error }

// share has tasks keep an event: several of them one, in a row of its own.
func (b *broadcast) share(kept *keptEvent, keepers []int) {
	switch {
	case kept == nil: // it has no JSON form
	case len(keepers) == 1:
		b.tasks[keepers[0]].event = kept
	case len(keepers) > 1:
		b.shared = newShared(*kept)
		for _, i := range keepers {
			b.tasks[i].shared = b.shared.id
		}
	}
}

// prepareAll is check and prepare for a broadcast.
func (e *Engine[T]) prepareAll(ctx context.Context, b *broadcast) (err error) {
	b.taken = make([]error, len(b.published))
	byID := make(map[string]int, len(b.published))
	for i, published := range b.published {
		byID[published.MessageID] = i
	}
	for i := range b.tasks {
		b.tasks[i].taken = &b.taken[byID[b.tasks[i].ID]]
	}
	if err := e.check(b.tasks); err != nil {
		return err
	}
	if b.shared != nil {
		b.shared.sealed, err = e.seal(ctx, sharedPlace(b.shared.id), b.shared.json)
		if err != nil {
			return err
		}
	}
	return e.prepare(ctx, b.tasks)
}

// A subscriber is a webhook that gets an event.
type subscriber struct {
	id       string
	version  int64
	composer *composer // nil if it cannot be opened
	err      error     // why
}

// versionBatch is how many webhooks are read at once.
const versionBatch = 1000

// versions returns the current versions of the webhooks of a tenant with those IDs, in their
// sequence: not of those that are disabled, or were deleted.
func (w *Webhooks[T]) versions(
	ctx context.Context, run runFunc, tenant string, ids []string, inTx bool,
) (hooks []subscriber, err error) {
	for some := range slices.Chunk(ids, versionBatch) {
		asked := time.Now()
		known, read := make([]*composer, len(some)), make([]*wanted, len(some))
		for i, id := range some {
			known[i] = w.known(id)
			version, changed := known[i].number()
			read[i] = &wanted{id: id, version: version, changed: changed}
		}
		if err := run(ctx, w.engine.currentStmt(read)); err != nil {
			return nil, err
		}
		for i := range read {
			d := read[i].found
			if d == nil || d.tenant != tenant || d.state.State == queue.StateDisabled {
				continue
			}
			hook := subscriber{id: d.id, version: d.version}
			hook.composer, _, hook.err = w.renewed(ctx, known[i], d, asked, inTx)
			if hook.err != nil && ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if hook.err != nil {
				w.engine.logBlocked(ctx, "open a webhook to publish to", hook.err)
			}
			hooks = append(hooks, hook)
		}
	}
	return hooks, nil
}
