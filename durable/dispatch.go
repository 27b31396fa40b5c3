package durable

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// ErrNotComposed is wrapped, together with the reason, by the error of Dispatch for an
// event that no message can be made of, now or later: its webhook cannot compose it,
// the message is too large or not valid, or the producer's ID is none that a message
// can have. The event is then kept as a failed delivery of its webhook. [Published] has it too
// where the webhook's definition cannot be opened.
var ErrNotComposed = errors.New("event not composed")

// Dispatch reports an event to the webhook with that ID: it looks the webhook up,
// composes the message and enqueues it. When it returns nil, the message is on disk.
// The definition is the current one in the database, and so is its state, whichever
// process has changed them; the delivery has the definition's version.
//
// An event that cannot be composed is kept as a failed delivery, of the class
// [webhook.ClassInvalid] and without a message, so that the history shows why; the
// error wraps [ErrNotComposed] and the reason, mostly a [*webhook.TemplateError];
// [Webhooks.Recompose] sends it once the webhook is mended. With other errors nothing
// is kept: [webhook.ErrNotFound]; [queue.ErrDisabled] for a webhook that is disabled;
// [ErrSealed] for one whose definition cannot be opened; the errors of Enqueue and of the
// database. What is dispatched to a webhook that is paused is kept until it is enabled. Of
// an event that the webhook's When does not want nothing is kept, and nil returned; [Tally]
// counts it.
func (w *Webhooks[T]) Dispatch(ctx context.Context, webhookID string, event webhook.Event) error {
	return w.dispatch(ctx, webhookID, newID(), event, false)
}

// DispatchID is [Webhooks.Dispatch] with the producer's own ID for the message; see
// [webhook.Composer.ComposeID]. An ID is one message's: [Webhooks.ContentID] makes one
// of all that tells messages apart, so that each status of a message has its own:
//
//	id, err := hooks.ContentID(webhookID, status)
//	if err == nil {
//		err = hooks.DispatchID(ctx, webhookID, id, status)
//	}
//
// The error wraps [queue.ErrTaken] for an ID that another message has. As long as its
// delivery is kept, the same ID is not delivered once more. An event that could not be
// composed is composed again: if it can be now, the message replaces the failure. An ID
// that no message can have, such as one of more than 64 characters, is a failure with
// an ID made of it.
func (w *Webhooks[T]) DispatchID(ctx context.Context, webhookID, messageID string, event webhook.Event) error {
	return w.dispatch(ctx, webhookID, messageID, event, true)
}

// DispatchTx is [Webhooks.Dispatch] in a transaction of the caller's own, on the same
// database: the event leaves if and only if that commits. The definition is the one
// that the transaction sees: the current one, unless it works on an older snapshot, as
// at a higher isolation level of Postgres.
//
// With [ErrNotComposed], the failed delivery is part of the transaction too. So commit
// all the same, unless the event is to count as one that has not happened:
//
//	if err := hooks.DispatchTx(ctx, tx, id, event); err != nil && !errors.Is(err, durable.ErrNotComposed) {
//		return err // which rolls back
//	}
//
// Older deliveries that the event supersedes are not dropped at once, as the
// transaction may not commit; see [queue.Queue.Supersede].
func (w *Webhooks[T]) DispatchTx(ctx context.Context, tx T, webhookID string, event webhook.Event) error {
	return w.dispatchTx(ctx, tx, webhookID, newID(), event, false)
}

// DispatchIDTx is [Webhooks.DispatchTx] with the producer's own ID for the message, as
// in [Webhooks.DispatchID].
func (w *Webhooks[T]) DispatchIDTx(
	ctx context.Context, tx T, webhookID, messageID string, event webhook.Event,
) error {
	return w.dispatchTx(ctx, tx, webhookID, messageID, event, true)
}

func (w *Webhooks[T]) dispatch(
	ctx context.Context, webhookID, messageID string, event webhook.Event, again bool,
) error {
	task, err := w.compose(ctx, w.engine.store.Read, webhookID, messageID, event, false)
	if err != nil {
		return w.unlessUnwanted(webhookID, err)
	}
	task.again = again
	err = w.engine.enqueue(ctx, []entry{task})
	if err == nil && task.fault == nil {
		w.queue.Supersede(ctx, task.Task)
	}
	return task.outcome(err)
}

func (w *Webhooks[T]) dispatchTx(
	ctx context.Context, tx T, webhookID, messageID string, event webhook.Event, again bool,
) error {
	task, err := w.compose(ctx, w.engine.inside(tx), webhookID, messageID, event, true)
	if err != nil {
		return w.unlessUnwanted(webhookID, err)
	}
	task.again = again
	return task.outcome(w.engine.enqueueTx(ctx, tx, []entry{task}))
}

// unlessUnwanted counts an event that the webhook's condition does not want, which is no
// error, and no delivery either. Others are returned.
func (w *Webhooks[T]) unlessUnwanted(webhookID string, err error) error {
	if !errors.Is(err, webhook.ErrUnwanted) {
		return err
	}
	w.engine.tallies.add(webhookID, w.engine.clock.now(), unwanted)
	return nil
}

// newID returns an ID as [webhook.Composer.Compose] makes them.
func newID() string { return "msg_" + rand.Text() }

// outcome returns the error of Dispatch for an entry, given the error of keeping it.
func (t entry) outcome(err error) error {
	switch {
	case t.fault == nil:
		return err
	case err != nil:
		return fmt.Errorf("%w, nor kept as failed: %w", t.fault, err)
	default:
		return fmt.Errorf("durable: %w: %w", ErrNotComposed, t.fault)
	}
}

// compose makes the entry for an event, or one with a fault. With an error there is
// nothing to keep. inTx is whether run is in a transaction, which may be rolled back.
func (w *Webhooks[T]) compose(
	ctx context.Context, run runFunc, webhookID, messageID string, event webhook.Event, inTx bool,
) (entry, error) {
	if w.queue == nil {
		return entry{}, errors.New("durable: dispatch: Webhooks was given no queue")
	}
	c, err := w.composer(ctx, run, webhookID, inTx)
	if err != nil {
		return entry{}, err
	}
	made, err := w.composeWith(c, webhookID, messageID, event)
	if err == nil && w.keeps(made) {
		made.event = c.keep(event, made)
	}
	return made, err
}

// composeWith makes the entry for an event with a version of its webhook, or one with a
// fault; without the event. The error is [webhook.ErrUnwanted].
func (w *Webhooks[T]) composeWith(
	c *composer, webhookID, messageID string, event webhook.Event,
) (entry, error) {
	m, err := (*webhook.Message)(nil), c.err
	if err == nil {
		m, err = c.composer.ComposeID(messageID, event)
	}
	var task queue.Task
	if err == nil {
		m.Policy = w.engine.policy(c.policy, m.Event)
		task, err = w.queue.Task(m)
	}
	if err == nil {
		return entry{Task: task, version: int(c.version)}, nil
	}
	if errors.Is(err, webhook.ErrUnwanted) {
		return entry{}, err
	}
	// Whatever it is, it is the event's, the template's or the id's fault, for good.
	return failedEntry(webhookID, messageID, c.version, event, err), nil
}

// failedEntry makes the entry for an event with a fault.
func failedEntry(webhookID, messageID string, version int64, event webhook.Event, fault error) entry {
	m := faulty(webhookID, messageID, event)
	return entry{Task: queue.Task{ID: m.ID, Key: queue.Key(m), Message: m}, version: int(version), fault: fault}
}

// keeps reports whether the event of an entry is kept.
func (w *Webhooks[T]) keeps(made entry) bool {
	return made.fault != nil || !w.engine.config.DiscardEvents
}

// onlyContent composes nothing of an event but what is beside the request.
var onlyContent = webhook.MustCompile(webhook.Webhook{URL: "https://content.invalid/", Method: http.MethodGet})

// faulty returns what is kept as the message of an event that cannot be composed: what
// it is found by, and its Content, if it has a JSON form.
func faulty(webhookID, messageID string, event webhook.Event) *webhook.Message {
	m, err := onlyContent.ComposeID("content", event)
	if err != nil {
		m = &webhook.Message{Event: typeOf(event)}
	}
	m = &webhook.Message{
		ID: messageID, WebhookID: webhookID, Event: m.Event, Content: m.Content,
		Subject: m.Subject, Rank: m.Rank, Refs: m.Refs,
	}
	if !isMessageID(messageID) {
		// One that a store may not take, and that no message can have. The same ID of
		// the same event is the same failure.
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %x", messageID, webhookID, m.Content))
		m.ID = "bad_" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return m
}

// isMessageID reports whether a message may have that ID.
func isMessageID(id string) bool {
	m := webhook.Message{ID: id, Method: http.MethodGet, URL: "https://content.invalid/"}
	return m.Check() == nil
}

// typeOf returns the type of an event. If it panics, as that of a nil pointer can, the
// type is empty.
func typeOf(event webhook.Event) (name string) {
	defer func() { _ = recover() }()
	return event.EventType()
}

// A composer is a version of a webhook, compiled.
type composer struct {
	version int64
	// changed tells versions apart that have the same number since a backup was
	// restored.
	changed  int64
	composer *webhook.Composer
	policy   webhook.Policy // as the definition has it
	plain    bool           // the body is the JSON form of the event
	auth     *webhook.Auth
	asked    time.Time // when it was the current version
	// err is of one that does not compile, which another version of this module stored.
	err error

	sum [sha256.Size]byte // of the definition's text
	// sure is whether it was seen outside of a transaction. One that was not may have
	// been rolled back, and another version may have its number: the text decides.
	sure bool
}

// composer returns the current version of a webhook, compiled, unless it is disabled.
func (w *Webhooks[T]) composer(ctx context.Context, run runFunc, id string, inTx bool) (*composer, error) {
	c, state, err := w.version(ctx, run, id, inTx)
	switch {
	case state == queue.StateDisabled:
		return nil, hookError(id, queue.ErrDisabled)
	case err != nil:
		return nil, err
	}
	return c, nil
}

// version returns the current version of a webhook, compiled, and the webhook's state. It
// asks the database for its number each time, and reads and compiles it if that is new.
func (w *Webhooks[T]) version(ctx context.Context, run runFunc, id string, inTx bool) (*composer, queue.EndpointState, error) {
	known, asked := w.known(id), time.Now()
	version, changed := known.number()
	hook := &wanted{id: id, version: version, changed: changed}
	d, err := hook.read(func() error {
		if !inTx {
			return w.engine.lookUps.do(ctx, hook)
		}
		return run(ctx, w.engine.currentStmt([]*wanted{hook}))
	})
	if err != nil {
		return nil, "", err
	}
	return w.renewed(ctx, known, d, asked, inTx)
}

// known returns a webhook as it was last compiled.
func (w *Webhooks[T]) known(id string) *composer {
	if c, ok := w.composers.Load(id); ok {
		return c.(*composer)
	}
	return &composer{}
}

// number returns the version, and when it was stored, for the statement current, which
// leaves out the text if they are still those of the webhook.
func (c *composer) number() (version, changed int64) {
	if !c.sure {
		return 0, 0 // so that the text comes
	}
	return c.version, c.changed
}

// renewed returns the version that was read at a time, compiled, and the webhook's state;
// known is what was compiled of it before.
func (w *Webhooks[T]) renewed(
	ctx context.Context, known *composer, d *definition, asked time.Time, inTx bool,
) (*composer, queue.EndpointState, error) {
	id := d.id
	if d.text == "" {
		if !inTx && asked.Sub(known.asked) > authAge/2 {
			again := *known
			again.asked = asked
			w.composers.Store(id, &again)
		}
		return known, d.state.State, nil
	}
	sum := sha256.Sum256([]byte(d.text))
	if known.version == d.version && known.changed == d.changed && known.sum == sum {
		if !inTx {
			sure := *known
			sure.sure, sure.asked = true, asked
			w.composers.Store(id, &sure)
		}
		return known, d.state.State, nil
	}
	whole, err := w.decode(ctx, d)
	if err != nil {
		return nil, d.state.State, err
	}
	c := &composer{
		version: d.version, changed: d.changed, plain: isPlain(whole.Webhook), auth: whole.Credentials(), sum: sum,
		sure: !inTx,
	}
	if !inTx {
		c.asked = asked
	}
	if whole.Policy != nil {
		c.policy = *whole.Policy
	}
	c.composer, c.err = webhook.Compile(whole.Webhook, w.samples...)
	if w.compiled.Add(1) > maxComposers {
		w.composers.Clear()
		w.compiled.Store(1)
	}
	w.composers.Store(id, c)
	return c, d.state.State, nil
}
