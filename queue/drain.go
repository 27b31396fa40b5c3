package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Drain waits until nothing is pending or in flight, not even a retry that waits for
// its time, or what is held at a paused endpoint, and returns nil. It is for tests, and
// for programs that end when their work is done: Run must be on, and nobody should call
// Send any more, since what comes during Drain is waited for too. When it returns nil,
// the hooks of what this queue delivered have returned.
//
// It asks the engine for its Stats again and again: a quarter of a second apart at
// most, unless they take so long that this would be more than a tenth of the time.
// Where several processes share an engine, Drain waits for what any of them has
// enqueued, whichever delivers it.
//
// While Run does not run, or after it has failed, Drain waits for another Run. It returns
// an error when ctx ends (its cause), when Run has ended in this process and
// something is left ([ErrStopped]), when the engine cannot tell its Stats, and,
// wrapping [errors.ErrUnsupported], for an engine that is not a [Statser]. It is safe for
// concurrent use.
func (q *Queue) Drain(ctx context.Context) error {
	engine, ok := q.engine.(Statser)
	if !ok {
		return fmt.Errorf("queue: Drain: a %T is not a Statser: %w", q.engine, errors.ErrUnsupported)
	}
	first := time.Now()
	for {
		ended := q.ended.Load() // before asking: what it has left is left for good
		asked := time.Now()
		s, err := engine.Stats(ctx, 0)
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("queue: %w", context.Cause(ctx))
		case err != nil:
			return err
		case s.Pending == 0 && s.InFlight == 0:
			return nil
		case ended:
			return ErrStopped
		}
		select {
		case <-time.After(drainInterval(time.Since(first), time.Since(asked))):
		case <-ctx.Done():
			return fmt.Errorf("queue: %w", context.Cause(ctx))
		}
	}
}

// drainInterval is how long to wait before Stats are asked again, which took so long
// the last time: about a fiftieth of what Drain has waited until now, so that neither a
// short wait is late nor a long one a burden.
func drainInterval(waited, took time.Duration) time.Duration {
	return max(min(waited/50, 250*time.Millisecond), 9*took, time.Millisecond)
}
