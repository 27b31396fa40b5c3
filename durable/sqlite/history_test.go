package sqlite_test

import (
	"database/sql"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/durable/sqlite"
)

// TestPlans asks SQLite, which decides without looking at the rows, how it would run
// each statement.
func TestPlans(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	s, err := sqlite.Store(path)
	require.NoError(t, err)
	spy := &durabletest.Spy[*sql.Tx]{Store: s}
	e := &sqlite.Engine{}
	require.NoError(t, store.Open(e, spy, durable.Config{Keep: durable.Retention{Bodies: time.Hour}}))
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	require.NoError(t, e.Migrate(t.Context()))
	db, exec := connect(t, path)
	durabletest.Fill(t, 200, exec)
	index := regexp.MustCompile(`ringhook_(delivery|ref|webhook)_[a-z]\w*`)
	durabletest.Plans(t, spy, e, func(t *testing.T, stmt store.Stmt, _ bool) {
		args := stmt.Args
		if stmt.Rows != nil {
			args = append(slices.Clone(stmt.Rows[0]), int64(1))
		}
		rows, err := db.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+stmt.SQL, args...)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var step string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
			// The index of what is pending is scanned for Stats.
			if strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, "INDEX ringhook_delivery_waiting") {
				require.NotRegexp(t, `\b(ringhook_)?(delivery|attempt|event|ref|tally|webhook|w|gone)\b`, step, stmt.SQL)
			}
			if name := index.FindString(step); name != "" && durabletest.IsPage(stmt.SQL) {
				require.Regexp(t, durabletest.Index(stmt.SQL), name, stmt.SQL)
			}
			if strings.HasPrefix(step, "USE TEMP B-TREE") { // of a few pages
				require.Regexp(t, "UNION|GROUP BY|EXCEPT", stmt.SQL)
			}
		}
		require.NoError(t, rows.Err())
	})
}

func connect(t testing.TB, path string) (db *sql.DB, exec func(testing.TB, string)) {
	db, err := sqlite.OpenDB(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, func(t testing.TB, text string) {
		_, err := db.ExecContext(t.Context(), strings.ReplaceAll(text, "@", "ringhook_"))
		require.NoError(t, err)
	}
}

func BenchmarkEngine_List(b *testing.B) {
	path := newFile(b)
	e := open(b, path, durable.Config{})
	_, exec := connect(b, path)
	durabletest.List(b, e, exec)
}

func BenchmarkWebhooks_Compare(b *testing.B) {
	durabletest.Compare(b, open(b, newFile(b), durable.Config{}))
}

func BenchmarkEngine_ResendMatching(b *testing.B) {
	path := newFile(b)
	e := open(b, path, durable.Config{})
	_, exec := connect(b, path)
	durabletest.ResendMatching(b, e, exec)
}

func BenchmarkWebhooks_Delete(b *testing.B) {
	path := newFile(b)
	durabletest.Delete(b, open(b, path, durable.Config{}), databaseOn(b, path))
}

func BenchmarkEngine_Export(b *testing.B) {
	path := newFile(b)
	e := open(b, path, durable.Config{})
	_, exec := connect(b, path)
	durabletest.Export(b, e, exec)
}
