//go:build unix

package postgres_test

import (
	"testing"

	"github.com/ringhook/webhook/durable/internal/durabletest"
)

func TestFreeze(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		pool, schema := connect(t)
		durabletest.Freeze(t, durabletest.Place{Name: pool.Config().ConnString(), Schema: schema, Sealed: sealed})
	})
}
