package postgres_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable/internal/durabletest"
)

// TestWritten migrates a schema that an earlier version wrote.
func TestWritten(t *testing.T) {
	t.Parallel()
	dump, err := os.ReadFile(filepath.Join("testdata", "1e4f513.sql"))
	require.NoError(t, err)
	pool, schema := connect(t)
	text := strings.ReplaceAll(string(dump), "ringhook.", schema+".")
	text = strings.Replace(text, "CREATE SCHEMA ringhook;", "CREATE SCHEMA "+schema+";", 1)
	_, err = pool.Exec(t.Context(), text)
	require.NoError(t, err)
	db := databaseOn(pool, schema)
	durabletest.Written(t, durabletest.Fixture[pgx.Tx]{
		Database: db,
		Shift: func(t testing.TB, by time.Duration) {
			us := fmt.Sprintf(" + interval '%d us'", by.Microseconds())
			db.Exec(t, `UPDATE #river_job SET scheduled_at = scheduled_at`+us+`, created_at = created_at`+us+`,
				attempted_at = attempted_at`+us+`, finalized_at = finalized_at`+us)
			db.Exec(t, `UPDATE #river_leader SET expires_at = expires_at`+us)
		},
	})
}
