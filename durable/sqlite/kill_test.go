package sqlite_test

import (
	"testing"

	"github.com/ringhook/webhook/durable/internal/durabletest"
)

func TestKill(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		durabletest.Kill(t, durabletest.Place{Name: newFile(t), Sealed: sealed})
	})
}

func TestKillRecompose(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		path := newFile(t)
		durabletest.KillRecompose(t, durabletest.Place{Name: path, Sealed: sealed}, databaseOn(t, path))
	})
}

func TestDecide(t *testing.T) {
	t.Parallel()
	durabletest.Decide(t, durabletest.Place{Name: newFile(t)})
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		durabletest.TakeOver(t, durabletest.Place{Name: newFile(t), Sealed: sealed})
	})
}

func TestKillPublish(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		path := newFile(t)
		durabletest.KillPublish(t, durabletest.Place{Name: path, Sealed: sealed}, databaseOn(t, path))
	})
}
