package memory

import (
	"cmp"
	"errors"
)

// The defaults of a [Config].
const (
	defaultMaxPending = 1_000_000
	defaultMaxBytes   = 1 << 30
	defaultWorkers    = 1024 // many more than cores: nearly all of them wait for a receiver
)

// A Config says how much a [Engine] keeps and hands out. The zero Config is ready to use.
type Config struct {
	// MaxPending is how many messages are kept at most, those in flight included. If zero,
	// 1,000,000. From 10,000 on, the last sixteenth is not for endpoints that have a quarter
	// of it: a dead one must leave room for the others.
	MaxPending int
	// MaxBytes is how many bytes the kept messages have at most, by [queue.Size]. If zero,
	// 1 GiB. From 64 KiB on, the last quarter is not for endpoints that have a quarter of it.
	MaxBytes int64
	// EndpointBytes is how many bytes the messages to one endpoint have at most, however
	// empty the engine is. If zero or negative, there is no such limit.
	EndpointBytes int64
	// Block makes Enqueue wait for room, until its context or Run ends, instead of returning [queue.ErrFull]. What could not even
	// fit into an empty queue is ErrFull all the same. A Handler or a hook that enqueues must not wait for room that only
	// its own return makes.
	Block bool
	// Workers is how many tasks are handed out at once, each in a goroutine that is started on demand. If zero, 1024. So many
	// endpoints as go into this by [Config] Limit can hang at the same time before the others feel it: 256.
	Workers int
}

// complete fills in the zero fields, or returns an error that names one that cannot be.
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
