package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/enginetest"
)

func open(t testing.TB, path string, config durable.Config) *sqlite.Engine {
	e, err := sqlite.Open(path, config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "webhooks.db") }

func TestEngine(t *testing.T) {
	t.Parallel()
	paths := map[queue.Engine]string{}
	enginetest.TestEngine(t, func(t testing.TB, previous queue.Engine) queue.Engine {
		path := paths[previous]
		if previous == nil {
			path = newFile(t)
		}
		e := open(t, path, durable.Config{})
		paths[e] = path
		return e
	})
}
