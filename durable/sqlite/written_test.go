package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable/internal/durabletest"
)

// TestWritten opens files that an earlier version wrote.
func TestWritten(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"utc", "kolkata"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", "1e4f513-"+zone+".db"))
			require.NoError(t, err)
			path := newFile(t)
			require.NoError(t, os.WriteFile(path, data, 0o600))
			db := databaseOn(t, path)
			durabletest.Written(t, durabletest.Fixture[*sql.Tx]{
				Database: db,
				Zone:     zone != "utc",
				Shift: func(t testing.TB, by time.Duration) {
					for _, column := range []string{"scheduled_at", "attempted_at", "finalized_at", "created_at"} {
						shiftTexts(t, path, "river_job", column, by)
					}
					shiftTexts(t, path, "river_leader", "expires_at", by)
				},
			})
		})
	}
}

// shiftTexts moves the times in a column, each in the form that it has.
func shiftTexts(t testing.TB, path, table, column string, by time.Duration) {
	db, _ := connect(t, path)
	names := strings.NewReplacer("COLUMN", column, "TABLE", table)
	read := names.Replace(`SELECT rowid, CAST(COLUMN AS text) FROM TABLE WHERE COLUMN IS NOT NULL`)
	rows, err := db.QueryContext(t.Context(), read)
	require.NoError(t, err)
	texts := map[int64]string{}
	for rows.Next() {
		var id int64
		var text string
		require.NoError(t, rows.Scan(&id, &text))
		texts[id] = text
	}
	require.NoError(t, rows.Err())
	for id, text := range texts {
		// Both with any fraction.
		const ours, gos = "2006-01-02 15:04:05", "2006-01-02 15:04:05 -0700 MST"
		layout, monotonic := ours+".000", ""
		at, err := time.Parse(ours, text)
		if err != nil {
			text, monotonic, _ = strings.Cut(text, " m=")
			layout, monotonic = "2006-01-02 15:04:05.000000000 -0700 MST", " m="+monotonic
			at, err = time.Parse(gos, text)
		}
		require.NoError(t, err)
		write := names.Replace(`UPDATE TABLE SET COLUMN = ? WHERE rowid = ?`)
		_, err = db.ExecContext(t.Context(), write, at.Add(by).Format(layout)+monotonic, id)
		require.NoError(t, err)
	}
}
