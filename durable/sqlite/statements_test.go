package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable/sqlite"
)

// TestStatements uses the statements that a connection keeps in the ways that could
// spoil them.
func TestStatements(t *testing.T) {
	t.Parallel()
	db, read, err := sqlite.Connections(newFile(t))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, read.Close())
		require.NoError(t, db.Close())
	})
	exec := func(text string, args ...any) {
		_, err := db.ExecContext(t.Context(), text, args...)
		require.NoError(t, err)
	}
	exec(`CREATE TABLE n (i integer)`)
	for i := range 3 {
		exec(`INSERT INTO n VALUES (?)`, i)
	}
	const all = `SELECT * FROM n ORDER BY i`
	scan := func(rows *sql.Rows) (found []int) {
		for rows.Next() {
			found = append(found, -1)
			require.NoError(t, rows.Scan(&found[len(found)-1]))
		}
		require.NoError(t, rows.Err())
		return found
	}

	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	first, err := tx.QueryContext(t.Context(), all)
	require.NoError(t, err)
	require.True(t, first.Next())
	second, err := tx.QueryContext(t.Context(), all) // while the first is read
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 2}, scan(second))
	for i := range 500 { // more than are kept
		_, err := tx.ExecContext(t.Context(), fmt.Sprint(`UPDATE n SET i = i WHERE i = `, i))
		require.NoError(t, err)
	}
	require.Equal(t, []int{1, 2}, scan(first))
	require.NoError(t, tx.Commit())

	for range 2 {
		_, err = db.ExecContext(t.Context(), `INSERT INTO none VALUES (1)`)
		require.ErrorContains(t, err, "no such table: none")
		_, err = db.ExecContext(t.Context(), `INSERT INTO n VALUES (?)`)
		require.Error(t, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = db.QueryContext(ended, all)
	require.ErrorIs(t, err, context.Canceled)

	exec(`ALTER TABLE n ADD COLUMN j integer DEFAULT 7`)
	rows, err := db.QueryContext(t.Context(), all)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	require.Equal(t, []string{"i", "j"}, columns)
	var i, j int
	require.True(t, rows.Next())
	require.NoError(t, rows.Scan(&i, &j))
	require.Equal(t, [2]int{0, 7}, [2]int{i, j})
}
