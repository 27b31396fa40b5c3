package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ringhook/webhook"
)

// Config says how an [Engine] works. The zero value is ready to use.
type Config struct {
	// Workers is how many attempts are made at once in this process, at most 4000. Most
	// of that time they wait for receivers, which takes no CPU, so there may be far more
	// than processors. Endpoints that were seen to take longer than a second have half of
	// them at most, all of them together, and those of one tenant a quarter. With
	// endpoints of which this process has seen nothing yet, as after a start, it is three
	// quarters, and three eighths: so those that are known have workers in any case, and
	// for the others have more than four thirds of the endpoints that may hang at once.
	// All endpoints of a tenant together have three quarters. Each worker holds one
	// message in memory. If zero, 1000.
	Workers int
	// MaxTimeout is the longest Timeout that a message's policy may have: Enqueue
	// refuses a message with a longer one. A delivery that a worker has held for 5 s
	// longer than this goes to another worker, so all processes on one database need
	// the same value. At most 10 minutes. If zero, 10 s.
	MaxTimeout time.Duration
	// Bounds are what customers may ask for in the webhooks of [Webhooks], which
	// refuses more when a webhook is stored. Messages of one that was stored before are
	// composed within the Bounds. A MaxTimeout of theirs above the one here is an
	// error; zero or negative is at most the one here.
	Bounds webhook.Bounds
	// Defaults says what the Policy of a webhook leaves open, by the type of the event;
	// its own zero fields are as [webhook.PolicyFor] says. If nil, all of it is. It
	// must be safe for concurrent use.
	Defaults func(eventType string) webhook.Policy
	// Verify accepts a webhook whose URL was stored, by a handshake with its receiver, or
	// returns why not, without a text of the receiver's. Until [Webhooks.Enable] has called
	// it and it has returned nil, the webhook is paused: what is dispatched to it is held, and
	// if another place is accepted in the end, dropped for [queue.ReasonUnverified]. It is
	// asked again when the URL leads to another place, as [handshake.Place] tells them apart,
	// but not of the TokenURL of an Auth. Webhooks that were stored without a Verify count as
	// accepted. A [handshake.Prover] is made for it:
	//
	//	prover := &handshake.Prover{Handshake: handshake.Echo{Key: key}}
	//	config.Verify = func(ctx context.Context, d durable.Definition) error {
	//		return prover.Prove(ctx, d.ID, d.URL)
	//	}
	//
	// If nil, none is asked, and what was not accepted before stays so: to do without it
	// again, let it return nil. Processes that store webhooks need the same. It must be safe
	// for concurrent use.
	Verify func(ctx context.Context, d Definition) error
	// DiscardEvents keeps no event beside a message that was composed, which takes less
	// room; [Webhooks.Recompose] and Compare cannot work with those then. An event that
	// could not be composed is always kept.
	DiscardEvents bool
	// Decode makes an event again of its type and JSON form, as they were kept. If nil,
	// it is one of package payload where [payload.ParseAs] reads it without changing
	// the JSON form, a [payload.Other] if it does not know the type, else a
	// [webhook.RawEvent]. It must be safe for concurrent use.
	Decode func(eventType string, json []byte) (webhook.Event, error)
	// Trace returns the [webhook.Message] Trace for messages that are enqueued in a context
	// and have none, such as those of Dispatch and Publish, as Traceparent of module
	// otelhook does. Anything but a traceparent is left out. It is called for each message,
	// and must be safe for concurrent use. If nil, they have none.
	Trace func(ctx context.Context) string
	// Keep says how long deliveries that have ended are kept, with their attempts.
	Keep Retention
	// KeepAnswer is how many bytes of an answer's body the history keeps of each
	// attempt; there are never more than the 16 KiB that a client reads. If zero, 2
	// KiB; if negative, none.
	KeepAnswer int
	// Sealer encrypts what is stored of webhooks, messages, events, answers and secrets;
	// the package comment says what stays clear. If nil, all of it is in the clear. Give
	// all processes the same one, or one with the same keys, before any of them writes
	// with it. What was stored before stays clear until [Engine.Reseal].
	Sealer Sealer
	// IndexKey is a key of 32 bytes, for what an index is to find although it is not
	// clear: refs, subjects, orderings, and [webhook.Message] Content are stored as MACs
	// under it. It is needed with a Sealer, and an error without one. With another one,
	// nothing of before is found by a ref or a subject, nor are orderings continued: so
	// never change it while anything is pending. It also goes into [Webhooks.ContentID] and
	// the IDs of Publish: a producer that repeats an event of before sends it again. And
	// subscriptions to identities other than all match nothing until [Engine.Reseal].
	IndexKey []byte
	// Schema is where the tables are in Postgres: a-z, 0-9 and _, at most 40 of them.
	// It must have no other user of River in it. If empty, ringhook. SQLite has none.
	Schema string
	// Logger is told what goes wrong, without any value of an event. If nil,
	// [slog.Default].
	Logger *slog.Logger
}

// Retention says how long deliveries are kept after their end. A negative time is for
// ever. While a delivery is kept, a message with its ID is taken for the same message.
type Retention struct {
	Delivered time.Duration // if zero, 7 days
	Failed    time.Duration // after the last attempt; if zero, 90 days
	Dropped   time.Duration // without a last attempt; if zero, 90 days
	Canceled  time.Duration // if zero, 7 days
	// Bodies is how long after its end the data of a delivery is kept, which is removed
	// then as [Engine.Erase] does, while its row stays for as long as the above say. A
	// delivery that has failed cannot be resent or recomposed any more then. If zero or
	// negative, as long as the delivery.
	Bodies  time.Duration
	Tallies time.Duration // how long [Engine.Tallies] go back; if zero, 90 days
}

// A worker holds a delivery for longer than MaxTimeout: while it waits for a place,
// reads the delivery, reads the response's body, and writes the result down.
const (
	placeWithin = time.Second // how long a job waits for a place before it is given back
	readWithin  = time.Second // how long reading a delivery may take
	// How much longer than MaxTimeout a lease is. The two above are in it, and the
	// second that webhook.Client has for a body.
	grace = 5 * time.Second
)

const day = 24 * time.Hour

// complete returns c with its defaults, or an error that names the field that is wrong.
func (c Config) complete() (Config, error) {
	switch {
	case c.Workers < 0 || c.Workers > 4000:
		return c, fmt.Errorf("durable: Workers: %d outside 0 to 4000", c.Workers)
	case c.MaxTimeout < 0 || c.MaxTimeout > 10*time.Minute:
		return c, fmt.Errorf("durable: MaxTimeout: %v outside 0s to 10m", c.MaxTimeout)
	}
	switch {
	case c.Sealer != nil && len(c.IndexKey) != indexKeySize:
		return c, fmt.Errorf("durable: IndexKey: %d bytes, want %d with a Sealer", len(c.IndexKey), indexKeySize)
	case c.Sealer == nil && len(c.IndexKey) > 0:
		return c, errors.New("durable: IndexKey: there is no Sealer")
	}
	c.IndexKey = slices.Clone(c.IndexKey)
	c.Workers = cmp.Or(c.Workers, 1000)
	c.MaxTimeout = cmp.Or(c.MaxTimeout, 10*time.Second)
	switch most := c.Bounds.MaxTimeout; {
	case most > c.MaxTimeout:
		return c, fmt.Errorf("durable: Bounds: MaxTimeout: %v, at most the %v of Config.MaxTimeout", most, c.MaxTimeout)
	case most == 0:
		c.Bounds.MaxTimeout = min(30*time.Second, c.MaxTimeout)
	case most < 0:
		c.Bounds.MaxTimeout = c.MaxTimeout
	}
	c.KeepAnswer = cmp.Or(c.KeepAnswer, 2<<10)
	c.Keep.Delivered = cmp.Or(c.Keep.Delivered, 7*day)
	c.Keep.Failed = cmp.Or(c.Keep.Failed, 90*day)
	c.Keep.Dropped = cmp.Or(c.Keep.Dropped, 90*day)
	c.Keep.Canceled = cmp.Or(c.Keep.Canceled, 7*day)
	c.Keep.Tallies = cmp.Or(c.Keep.Tallies, 90*day)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

const indexKeySize = 32

// lease is how long a delivery belongs to the worker that it was handed to.
func (c Config) lease() time.Duration { return c.MaxTimeout + grace }
