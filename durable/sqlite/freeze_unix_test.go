//go:build unix

package sqlite_test

import (
	"testing"

	"github.com/ringhook/webhook/durable/internal/durabletest"
)

func TestFreeze(t *testing.T) {
	t.Parallel()
	durabletest.Freeze(t, durabletest.Place{Name: newFile(t)})
}
