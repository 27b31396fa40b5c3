package durable

import "context"

// NewBatcher returns do of a new batcher.
func NewBatcher[V any](most int, work func([]V) error, alone func(context.Context, V) error) func(context.Context, V) error {
	b := &batcher[V]{max: most, work: work, alone: alone}
	return b.do
}
