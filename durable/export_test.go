package durable

import (
	"context"

	"github.com/riverqueue/river"
)

// NewBatcher returns do of a new batcher.
func NewBatcher[V any](most int, work func([]V) error, alone func(context.Context, V) error) func(context.Context, V) error {
	b := &batcher[V]{max: most, work: work, alone: alone}
	return b.do
}

// RiverConfig is what an engine of a Config tells River.
func RiverConfig(c Config) *river.Config {
	c, err := c.complete()
	if err != nil {
		panic(err)
	}
	return (&Engine[any]{config: c}).riverConfig(nil)
}
