package durable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
)

// TestRiverConfig checks the settings without which something goes wrong after hours or
// under load.
func TestRiverConfig(t *testing.T) {
	t.Parallel()
	c := durable.RiverConfig(durable.Config{MaxTimeout: time.Minute, Workers: 10})
	require.Equal(t, 65*time.Second, c.RescueStuckJobsAfter, "no job is taken from a worker that may still be at it")
	require.Equal(t, 65*time.Second, c.JobTimeout, "River rescues no job that may take for ever")
	require.LessOrEqual(t, c.FetchCooldown, 10*time.Millisecond,
		"workers in a fetch, and fetches in a second, bound the throughput")
	require.Equal(t, 32767, c.MaxAttempts, "a rescue counts as an attempt of River's")
	require.Positive(t, c.DiscardedJobRetentionPeriod, "on SQLite, for ever is not at all")
	require.Positive(t, c.CompletedJobRetentionPeriod)
	for _, q := range c.Queues {
		require.Greater(t, q.MaxWorkers, 10)
	}
}

func TestConfig_IndexKey(t *testing.T) {
	t.Parallel()
	s, err := durable.AESGCM("a", map[string][]byte{"a": make([]byte, 32)})
	require.NoError(t, err)
	tests := []struct {
		name   string
		config durable.Config
		want   string
	}{
		{"none", durable.Config{Sealer: s}, "durable: IndexKey: 0 bytes, want 32 with a Sealer"},
		{"short", durable.Config{Sealer: s, IndexKey: make([]byte, 31)}, "durable: IndexKey: 31 bytes, want 32 with a Sealer"},
		{"without a Sealer", durable.Config{IndexKey: make([]byte, 32)}, "durable: IndexKey: there is no Sealer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, durable.CheckConfig(tt.config), tt.want)
		})
	}
	require.NoError(t, durable.CheckConfig(durable.Config{Sealer: s, IndexKey: make([]byte, 32)}))
}
