package queue

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/ringhook/webhook"
)

// The defaults of a [Config].
const (
	defaultLimit        = 4
	defaultMaxSize      = 2 << 20 // more than any composed message has
	defaultFailures     = 30
	defaultRest         = 30 * time.Second
	defaultDisableAfter = 5 * 24 * time.Hour
	defaultGrace        = 10 * time.Second
)

// A Config says how a [Queue] treats endpoints. An endpoint is a WebhookID, or for
// messages without one the scheme, host and port of the URL; see [Key].
//
// The zero Config is ready to use: a zero field has its default. A negative number or
// duration switches off what the field is about; only Burst cannot be negative.
type Config struct {
	// Limit is how many attempts may be in flight to one endpoint. If zero, 4; if
	// negative, any number.
	Limit int
	// HostLimit is how many may be in flight to one host and port, over all webhooks.
	// If zero or negative, any number.
	HostLimit int
	// Rate is how many attempts may begin per second at one endpoint, retries included.
	// If zero or negative, any number.
	Rate float64
	// Burst is how many of them may begin at once. If zero, 1, or the Rate if that is
	// more.
	Burst int
	// MaxSize is how many bytes one message may have, by [Size]. If zero, 2 MiB; if
	// negative, any number.
	MaxSize int

	// Failures is after how many failures in a row an endpoint rests. If zero, 30; if
	// negative, it never does.
	Failures int
	// Rest is how long nothing is sent to an endpoint that rests. After that, one
	// message is tried: if it is delivered, the others follow, else the endpoint rests
	// again. It is spread by ±20 %, so that endpoints that failed together are not
	// tried together. Waiting for it is no attempt. If zero, 30 seconds; if negative,
	// endpoints do not rest.
	Rest time.Duration
	// DisableAfter is how long an endpoint may fail without a success before it is
	// disabled. If nothing was tried for about half of that time, it starts again with
	// the next failure. With an engine that is an [Endpoints] it goes on over restarts,
	// and a success in any process ends it. If zero, 5 days; if negative, endpoints are
	// not disabled for failing, but still by a 410.
	DisableAfter time.Duration
	// OnState is told once of each change of how an endpoint is treated: it rests, is
	// throttled, paused or disabled, by the queue or by somebody, or is healthy again. It is
	// for telling the customer; there is nothing to store or to pass on. If nil, nobody is
	// told.
	//
	// What was decided (paused, disabled, enabled) is told by one of the processes that
	// share an engine which is an [Endpoints]: at least once, since if it dies, or does not
	// return within half a minute, another one tells it again, and only if nothing else was
	// decided since. One of more than 7 days ago, for which no process with an OnState was
	// on, is told to nobody. What attempts have shown (resting, throttled, healthy) is told
	// by each process that sees it. An endpoint that flaps is told of three times, and then once in
	// 20 minutes; that it is healthy again, each time that something else was told.
	//
	// Attempts with an event whose type begins with [payload.WebhookEvents] show nothing
	// that is told, so that webhooks which report on each other come to an end. If one of
	// them disables its endpoint, that is told.
	//
	// It is called by goroutines of its own, at most one for what was decided by others and
	// one for all else, or by that of Enable, Pause and Disable; its context ends after half
	// a minute. Run returns when it has.
	OnState func(ctx context.Context, change StateChange)
	// OnDrop is told of each message that ends without a last attempt: reason is
	// [ReasonDisabled], [ReasonSuperseded] or, with an engine that verifies URLs,
	// [ReasonUnverified]. It must not change m. If nil, nobody is told, but [Stats] counts
	// them.
	//
	// It is called by the goroutine that delivers, several at once, or for superseded
	// messages by Send's. While it runs, it takes up the attempt's slot.
	OnDrop func(m *webhook.Message, reason Reason)

	// Ordered sends messages with the same endpoint and Subject one after another, in
	// the order of Send: each when the one before has been delivered or given up.
	// Messages without a Subject have no order. The engine must be an [Orderer].
	Ordered bool
	// Supersede drops a waiting message when one of the same endpoint and Subject and
	// of higher Rank comes, such as a message's status "delivered" when "read" comes.
	// Messages without a Rank, 0 or less, neither drop others nor are dropped, as what
	// they say may be older or newer. It needs Ordered.
	Supersede bool

	// Grace is how long attempts in flight may go on when the context of Run has ended.
	// After that they are cut off, and the engine keeps their messages with no attempt
	// counted, although the receiver may have one. If zero, 10 seconds, which is less
	// than the Timeout of some policies; if negative, they are cut off at once.
	Grace time.Duration
	// Logger is told of changes of an endpoint's state, and of panics in the hooks
	// above. If nil, [slog.Default].
	Logger *slog.Logger
}

// complete fills in the defaults and what off means, or returns an error that names a
// field.
func (c Config) complete() (Config, error) {
	switch {
	case math.IsNaN(c.Rate):
		return c, errors.New("queue: Rate is not a number")
	case c.Burst < 0:
		return c, errors.New("queue: Burst is negative")
	case c.Supersede && !c.Ordered:
		return c, errors.New("queue: Supersede without Ordered")
	}
	if c.Rate < 0 || math.IsInf(c.Rate, 0) {
		c.Rate = 0
	}
	if c.Rest < 0 {
		c.Failures = -1
	}
	c.Limit = noneIfNegative(cmp.Or(c.Limit, defaultLimit), math.MaxInt)
	c.HostLimit = max(c.HostLimit, 0)
	c.Burst = cmp.Or(c.Burst, int(max(1, min(c.Rate, math.MaxInt32))))
	c.MaxSize = noneIfNegative(cmp.Or(c.MaxSize, defaultMaxSize), math.MaxInt)
	c.Failures = noneIfNegative(cmp.Or(c.Failures, defaultFailures), math.MaxInt)
	c.Rest = cmp.Or(c.Rest, defaultRest)
	c.DisableAfter = noneIfNegative(cmp.Or(c.DisableAfter, defaultDisableAfter), math.MaxInt64)
	c.Grace = max(cmp.Or(c.Grace, defaultGrace), 0)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c, nil
}

// noneIfNegative returns a limit, or for a negative one another that is never reached.
func noneIfNegative[T int | time.Duration](limit, never T) T {
	if limit < 0 {
		return never
	}
	return limit
}
