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

// SealWithSalt is Seal of an [AESGCM] with a salt that is not random.
func SealWithSalt(s Sealer, salt, plain, context []byte) ([]byte, error) {
	gcm := s.(*aesGCM)
	return gcm.seal(nil, salt, plain, context)
}

// CheckConfig returns what is wrong with a Config.
func CheckConfig(c Config) error {
	_, err := c.complete()
	return err
}

// DeleteSecrets removes the secrets of a webhook.
func (e *Engine[T]) DeleteSecrets(ctx context.Context, id string) error {
	return e.store.Run(ctx, e.deleteSecrets(id)...)
}
