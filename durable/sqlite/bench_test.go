package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/sqlite"
)

func BenchmarkEngine(b *testing.B) {
	e, err := sqlite.Open(filepath.Join(b.TempDir(), "webhooks.db"), durable.Config{})
	require.NoError(b, err)
	defer func() { require.NoError(b, e.Close()) }()
	durabletest.Throughput(b, e)
}
