package queue

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"golang.org/x/time/rate"

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

// A Config says how a [Queue] treats endpoints. An endpoint is a WebhookID, or for messages without one the scheme, host and
// port of the URL; see [Key]. The zero Config is ready to use. To do without rest, or without being disabled by time, set
// Failures or DisableAfter to their greatest values; a 410 disables all the same.
type Config struct {
	// Limit is how many attempts may be in flight to one endpoint. If zero, 4.
	Limit int
	// HostLimit is how many may be in flight to one host and port over all webhooks. If zero, there is no such limit.
	HostLimit int
	// Rate is how many attempts may begin per second at one endpoint, retries included. If zero, there is no such limit.
	Rate rate.Limit
	// Burst is how many of them may begin at once. If zero, 1, or the Rate if that is more.
	Burst int
	// MaxSize is how many bytes one message may have, by [Size]. If zero, 2 MiB.
	MaxSize int

	// Failures in a row after which an endpoint rests. If zero, 30.
	Failures int
	// Rest is how long nothing is sent to an endpoint that rests, before one message is tried; if that one fails, it rests
	// again, else messages flow. It is spread by ±20 %, so that endpoints that failed together are not tried together. If
	// zero, 30 seconds. Waiting for it is no attempt.
	Rest time.Duration
	// DisableAfter is how long an endpoint may fail without a success before it is disabled. If zero, 5 days. When nothing
	// was tried for half of that time, it begins anew.
	DisableAfter time.Duration
	// OnDisable is told once when the queue disables an endpoint: reason is [ReasonGone] or [ReasonFailing]. The embedder keeps that in
	// its own table and tells the customer; see [Queue.Disable]. If nil, nobody is told, and the endpoint is disabled as well.
	OnDisable func(key string, reason Reason)
	// OnDrop is told of each message that ends without a last attempt: reason is [ReasonDisabled] or [ReasonSuperseded]. It must not
	// change m. If nil, nobody is told, but [Stats] counts them. It is called by the goroutine that delivers, several at once,
	// or for superseded messages by Send's; OnDisable by the former. While it runs, it takes the place of an attempt.
	OnDrop func(m *webhook.Message, reason Reason)

	// Ordered sends messages with the same endpoint and Subject one after another, in the order of Send: none before the one
	// ahead has been delivered or given up. Messages without a Subject have no order. The engine must be an [Orderer].
	Ordered bool
	// Supersede drops a waiting message when one of the same endpoint and Subject and of higher Rank comes, such as a
	// message's status "delivered" when "read" comes. It needs Ordered.
	Supersede bool

	// Grace is how long attempts in flight may go on when the context of Run has ended; after that they are cut off, and
	// the engine keeps their messages with no attempt counted, although the receiver may have one. If zero, 10 seconds; the
	// Timeout of policies may be longer.
	Grace time.Duration
	// Logger is told of changes of an endpoint's state, and of panics in the hooks above. If nil, [slog.Default].
	Logger *slog.Logger
}

// complete fills in the zero fields, or names one that cannot be.
func (c *Config) complete() error {
	for _, field := range []struct {
		name     string
		negative bool
	}{
		{"Limit", c.Limit < 0},
		{"HostLimit", c.HostLimit < 0},
		{"Rate", c.Rate < 0 || math.IsNaN(float64(c.Rate))},
		{"Burst", c.Burst < 0},
		{"MaxSize", c.MaxSize < 0},
		{"Failures", c.Failures < 0},
		{"Rest", c.Rest < 0},
		{"DisableAfter", c.DisableAfter < 0},
		{"Grace", c.Grace < 0},
	} {
		if field.negative {
			return fmt.Errorf("%s is negative", field.name)
		}
	}
	if c.Supersede && !c.Ordered {
		return fmt.Errorf("%s without %s", "Supersede", "Ordered")
	}
	setDefault(&c.Limit, defaultLimit)
	setDefault(&c.Burst, int(max(1, min(c.Rate, math.MaxInt32))))
	setDefault(&c.MaxSize, defaultMaxSize)
	setDefault(&c.Failures, defaultFailures)
	setDefault(&c.Rest, defaultRest)
	setDefault(&c.DisableAfter, defaultDisableAfter)
	setDefault(&c.Grace, defaultGrace)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
