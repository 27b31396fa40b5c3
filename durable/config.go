package durable

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"
)

// Config says how an [Engine] works. The zero value is ready to use.
type Config struct {
	// Workers is how many attempts are made at once in this process, at most 4000. If zero, 50.
	Workers int
	// MaxTimeout bounds the Timeout of messages' policies: Enqueue refuses a message with a longer one. A delivery that a
	// worker has held for 5 s longer than this is taken from it, so all processes on one database need the same value. At
	// most 10 minutes. If zero, 10 s.
	MaxTimeout time.Duration
	// Keep says how long deliveries that have ended are kept, with their attempts.
	Keep Retention
	// Schema is where the tables are in Postgres: a-z, 0-9 and _, at most 40 of them. If empty, ringhook. SQLite has none.
	Schema string
	// Logger is told what goes wrong, without any value of an event. If nil, [slog.Default].
	Logger *slog.Logger
}

// Retention says how long deliveries are kept after their end. For each, zero means the default, and negative for ever.
// While a delivery is kept, another message of its ID is taken for the same one.
type Retention struct {
	Delivered time.Duration // if zero, 7 days
	Failed    time.Duration // after the last attempt; if zero, 90 days
	Dropped   time.Duration // without a last attempt; if zero, 90 days
	Canceled  time.Duration // if zero, 7 days
}

// Beyond MaxTimeout, a worker holds a delivery while it waits for a place, is read, sends its last byte and is booked.
const (
	patience   = time.Second     // how long a job waits for a place before it is given back
	readWithin = time.Second     // how long reading a delivery may take
	grace      = 5 * time.Second // a lease is this much longer than MaxTimeout; the first two and the client's 1 s for bodies are in it
)

const day = 24 * time.Hour

func (c Config) complete() (Config, error) {
	switch {
	case c.Workers < 0 || c.Workers > 4000:
		return c, fmt.Errorf("durable: Workers: %d outside 0 to 4000", c.Workers)
	case c.MaxTimeout < 0 || c.MaxTimeout > 10*time.Minute:
		return c, fmt.Errorf("durable: MaxTimeout: %v outside 0s to 10m", c.MaxTimeout)
	}
	c.Workers = cmp.Or(c.Workers, 50)
	c.MaxTimeout = cmp.Or(c.MaxTimeout, 10*time.Second)
	c.Keep.Delivered = cmp.Or(c.Keep.Delivered, 7*day)
	c.Keep.Failed = cmp.Or(c.Keep.Failed, 90*day)
	c.Keep.Dropped = cmp.Or(c.Keep.Dropped, 90*day)
	c.Keep.Canceled = cmp.Or(c.Keep.Canceled, 7*day)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// lease is how long a delivery belongs to the worker it was handed to.
func (c Config) lease() time.Duration { return c.MaxTimeout + grace }
