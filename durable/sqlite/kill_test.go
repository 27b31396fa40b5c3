package sqlite_test

import (
	"testing"

	"github.com/ringhook/webhook/durable/internal/durabletest"
)

func TestKill(t *testing.T) {
	t.Parallel()
	durabletest.Kill(t, durabletest.Place{Name: newFile(t)})
}

func TestKillRecompose(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	durabletest.KillRecompose(t, durabletest.Place{Name: path}, databaseOn(t, path))
}

func TestDecide(t *testing.T) {
	t.Parallel()
	durabletest.Decide(t, durabletest.Place{Name: newFile(t)})
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	durabletest.TakeOver(t, durabletest.Place{Name: newFile(t)})
}
