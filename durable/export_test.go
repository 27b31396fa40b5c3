package durable

import (
	"context"

	"github.com/riverqueue/river"
)

// NewBatcher returns the method do of a new batcher.
func NewBatcher[V any](
	most int, work func([]V) error, alone func(context.Context, V) error,
) (do func(context.Context, V) error) {
	b := &batcher[V]{max: most, work: work, alone: alone}
	return b.do
}

// RiverConfig returns River's configuration for an engine with a Config.
func RiverConfig(c Config) *river.Config {
	c, err := c.complete()
	if err != nil {
		panic(err)
	}
	return (&Engine[any]{config: c}).riverConfig(nil)
}
