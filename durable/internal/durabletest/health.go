package durabletest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
)

// Check returns the error of an engine's Check.
func Check[T any](t testing.TB, e *durable.Engine[T]) error {
	_, err := e.Check(t.Context())
	return err
}

// testHealth looks at what Check tells.
func testHealth[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	h, err := e.Check(t.Context())
	require.NoError(t, err)
	require.Positive(t, h.Tables)
	require.Positive(t, h.River)
	require.Zero(t, h.Behind)
	require.Less(t, h.ClockAhead.Abs(), time.Second)
	require.True(t, h.Clear)
	h, err = db.Open(t, Seal(durable.Config{})).Check(t.Context())
	require.NoError(t, err)
	require.False(t, h.Clear)

	require.NoError(t, e.Enqueue(t.Context(), Tasks("m", 10)...))
	later := Tasks("later", 1)
	later[0].NotBefore = time.Now().Add(time.Hour)
	require.NoError(t, e.Enqueue(t.Context(), later...))
	<-time.After(200 * time.Millisecond)
	h, err = e.Check(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, h.Behind, 150*time.Millisecond, "nobody delivers")
	require.Less(t, h.Behind, 20*time.Second)
	db.Exec(t, `UPDATE #river_job SET state = 'completed', finalized_at = CURRENT_TIMESTAMP WHERE state = 'available'`)
	db.Exec(t, `UPDATE #river_job SET scheduled_at = (SELECT min(scheduled_at) FROM #river_job) WHERE state = 'scheduled'`)
	h, err = e.Check(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, h.Behind, 150*time.Millisecond, "one that was put off, and is due")
	stop := Run(t, e, nothing)
	defer stop()
	require.Eventually(t, func() bool {
		h, err = e.Check(t.Context())
		require.NoError(t, err)
		return h.Behind == 0
	}, 20*time.Second, 10*time.Millisecond)
	require.Equal(t, 1, e.Processes(), "Check makes no process")

	// A wrong layout is told, with what was found.
	db.Exec(t, `INSERT INTO @migration (version) VALUES (99)`)
	h, err = e.Check(t.Context())
	require.ErrorContains(t, err, "newer version")
	require.Equal(t, 99, h.Tables)
	db.Exec(t, `DELETE FROM @migration WHERE version = 99`)

	// One that cannot write says so, although it can read.
	db.Exec(t, `ALTER TABLE @process RENAME TO gone_process`)
	require.ErrorContains(t, Check(t, e), "durable: check: write: ")
}
