package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/durable"
)

// Each slice does what it says, on a file.
func TestDurable(t *testing.T) {
	t.Parallel()
	r, err := startReceiver("receiver", 1)
	require.NoError(t, err)
	defer r.close()
	host := r.hosts[0]
	d, err := openSQLite()
	require.NoError(t, err)
	defer d.close()
	secret, err := openSQLite()
	require.NoError(t, err)
	defer secret.close()
	tests := []struct {
		name  string
		on    string // which files count
		slice pair.Slice
	}{
		{"delivered", "ours", d.delivered(host, durable.Config{}, 100)},
		{"jobs delivered", "theirs", d.jobsDelivered(host, 100)},
		{"dispatched", "ours", d.dispatched(host, durable.Config{}, 100, 10)},
		{"jobs inserted", "theirs", d.jobsInserted(100, 50)},
		{"enqueued", "ours", d.enqueued(host, 1)},
		{"sealed", "sealed", secret.delivered(host, sealed(), 100)},
	}
	want := map[string]int{}
	for _, tt := range tests {
		s, err := tt.slice()
		require.NoError(t, err, tt.name)
		require.Positive(t, s.Time, tt.name)
		want[tt.on] += 100
	}
	e, err := d.engine(durable.Config{Logger: quiet})
	require.NoError(t, err)
	defer e.Close()
	counts, err := e.Count(context.Background(), durable.Filter{})
	require.NoError(t, err)
	require.Equal(t, 100, counts.States[durable.StateDelivered].N)
	require.Equal(t, want["ours"]-100, counts.States[durable.StatePending].N)
}

func TestDurable_size(t *testing.T) {
	t.Parallel()
	r, err := startReceiver("receiver", 1)
	require.NoError(t, err)
	defer r.close()
	d, err := openSQLite()
	require.NoError(t, err)
	defer d.close()
	size, err := d.bytesEach(r.hosts[0], 500)
	require.NoError(t, err)
	require.Greater(t, size, 2000.0, "body and event")
	require.Less(t, size, 10_000.0)
}

func TestDurable_enable(t *testing.T) {
	t.Parallel()
	d, err := openSQLite()
	require.NoError(t, err)
	defer d.close()
	took, err := d.enabled("127.0.0.1:1", 1)
	require.NoError(t, err)
	require.Positive(t, took.Median)
}

// Where there is no Postgres, its rows say so.
func TestDurable_missing(t *testing.T) {
	t.Parallel()
	b := basesOf("postgres", func() (*base[any], error) { return nil, errNoPostgres })
	for _, c := range b.cases(quick, "127.0.0.1:1") {
		figures, err := c.Measure()
		require.NoError(t, err)
		require.Len(t, figures, 1)
		f := figures[0]
		require.Equal(t, "not measured: no PostgreSQL is installed here", f.String())
		require.Equal(t, pair.Reported, f.Verdict())
		_, relative := f.Relative()
		require.False(t, relative)
		require.Contains(t, report{figures: figures}.markdown(),
			"| "+f.Name+" | "+f.What+" | not measured: no PostgreSQL is installed here |  |  |  |  |  |\n")
	}
}
