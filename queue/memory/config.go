package memory

import (
	"cmp"
	"errors"
)

// The defaults of a [Config].
const (
	defaultMaxPending = 1_000_000
	defaultMaxBytes   = 1 << 30
	defaultWorkers    = 1024 // many more than cores: nearly all wait for a receiver
)

// A Config says how much an [Engine] keeps and hands out. The zero Config is ready to
// use. What the engine keeps in all is always bounded: there is no off for MaxPending
// and MaxBytes.
type Config struct {
	// MaxPending is how many messages are kept at most, including those in flight. If
	// zero, 1,000,000.
	//
	// A dead endpoint must leave room for the others: the last sixteenth, unless that
	// is below 10,000, is not for endpoints that have a quarter of MaxPending. They are
	// refused with an error that wraps [queue.ErrFull], even with Block.
	MaxPending int
	// MaxBytes is how many bytes the kept messages have at most, by [queue.Size]. If
	// zero, 1 GiB.
	//
	// As by number, an endpoint can have no more than a quarter of MaxBytes once three
	// quarters are in use, unless that is below 64 KiB. Where several endpoints are dead,
	// each can have that quarter; EndpointBytes bounds them more.
	MaxBytes int64
	// EndpointBytes is how many bytes the messages to one endpoint have at most,
	// however little else is kept. More are refused with an error that wraps
	// [queue.ErrFull], even with Block, but for those of Resume. If zero or negative,
	// there is no such limit.
	EndpointBytes int64
	// Block makes Enqueue wait for room, until its context or Run ends, instead of
	// returning [queue.ErrFull]. What would not even fit into an empty engine is
	// refused all the same. A Handler or hook that enqueues must not wait for room that
	// only its own return makes.
	Block bool
	// Workers is how many tasks are handed out at once, each in a goroutine that is
	// started on demand. If zero, 1024: more than 700 endpoints can hang at the same time
	// before others notice that nothing is known of yet, as [queue.Sizer] says.
	Workers int
}

// complete fills in the defaults, or returns an error that names a field.
func (c Config) complete() (Config, error) {
	switch {
	case c.MaxPending < 0:
		return c, errors.New("queue: memory: MaxPending is negative")
	case c.MaxBytes < 0:
		return c, errors.New("queue: memory: MaxBytes is negative")
	case c.Workers < 0:
		return c, errors.New("queue: memory: Workers is negative")
	}
	c.MaxPending = cmp.Or(c.MaxPending, defaultMaxPending)
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultMaxBytes)
	c.Workers = cmp.Or(c.Workers, defaultWorkers)
	return c, nil
}
