//go:build unix

package sqlite_test

import (
	"testing"

	"github.com/ringhook/webhook/durable/internal/durabletest"
)

func TestFreeze(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		durabletest.Freeze(t, durabletest.Place{Name: newFile(t), Sealed: sealed})
	})
}
