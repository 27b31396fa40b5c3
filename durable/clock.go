package durable

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook/durable/internal/store"
)

// A clock is that of the database, as far as a process can tell: what several processes
// write must be comparable, and River compares it with what the database's own clock
// says. Where the database is in the process, it is the process's clock.
type clock struct {
	asks   bool // whether the database has one
	logger *slog.Logger

	ahead atomic.Int64 // how much the database's is ahead of the process's
	asked atomic.Int64 // when it was asked last, on the process's clock; zero: never
	// asking is whether it is being asked, and told whether the log was told of a
	// difference.
	asking, told atomic.Bool
}

// An askFunc asks the database for its time.
type askFunc func(context.Context) (time.Time, error)

const (
	// askClock is how often the database is asked for its time where Run is not on.
	askClock = 30 * time.Second
	// A difference below sameClock is as well one of the way there and back.
	sameClock = 20 * time.Millisecond
	// tellClock is from which difference on the log is told.
	tellClock = time.Second
)

// now returns the time on the database's clock, with a monotonic reading of the
// process's.
func (c *clock) now() time.Time { return store.Clock().Add(c.difference()) }

// difference is how much the database's clock is ahead of the process's.
func (c *clock) difference() time.Duration { return time.Duration(c.ahead.Load()) }

// Now and NowOrNil make a clock River's source of time.
func (c *clock) Now() time.Time { return c.now() }

// NowOrNil returns the time: without one, River's driver for Postgres takes that of the
// process for some columns, and that of the database for others.
func (c *clock) NowOrNil() *time.Time {
	now := c.now()
	return &now
}

// compare asks for the difference of the clocks, unless that was done a moment ago: less
// than every. If the database does not answer, all stays as it was. It waits for nobody
// else: who asks may hold a connection for which another waits who asks.
func (c *clock) compare(ctx context.Context, every time.Duration, ask askFunc) {
	asked := c.asked.Load()
	if !c.asks || asked != 0 && store.Clock().Sub(time.Unix(0, asked)).Abs() < every {
		return
	}
	if asked != 0 { // otherwise each has to know, before it writes a time
		if !c.asking.CompareAndSwap(false, true) {
			return
		}
		defer c.asking.Store(false)
	}
	before := store.Clock()
	theirs, err := ask(ctx)
	took := store.Clock().Sub(before)
	if err != nil || took > time.Second {
		return
	}
	ahead := theirs.Sub(before.Add(took / 2).Round(0))
	if ahead.Abs() < max(sameClock, took) {
		ahead = 0
	}
	// Nor does it change by as little, so that a time stays what it is.
	if (ahead - c.difference()).Abs() >= max(sameClock, took) {
		c.ahead.Store(int64(ahead))
	}
	c.asked.Store(before.UnixNano())
	if far := ahead.Abs() >= tellClock; c.told.Swap(far) != far {
		if far {
			c.logger.WarnContext(ctx, "durable: the clock of this process differs from the database's, which counts",
				slog.Duration("ahead", -ahead))
		}
	}
}
