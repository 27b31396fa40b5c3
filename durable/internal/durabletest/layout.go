package durabletest

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// testNewer has tables that a later version of this module or of River has migrated.
func testNewer[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), Task("kept")))
	var own int
	db.Row(t, `SELECT max(version) FROM @migration`, &own)
	newest, newer := strconv.Itoa(own), strconv.Itoa(own+1)
	refused := func(want string) {
		t.Helper()
		want = "the tables are of a newer version, " + want + ": this program knows " + newest + " with River's 8"
		require.EqualError(t, Check(t, e), "durable: check: "+want)
		require.EqualError(t, e.Run(t.Context(), queue.Handler{}), "durable: run: "+want)
		require.EqualError(t, e.Migrate(t.Context()), "durable: migrate: "+want)
	}
	db.Exec(t, `INSERT INTO @migration (version) VALUES (`+newer+`)`)
	refused(newer + " with River's 8")
	db.Exec(t, `INSERT INTO #river_migration (line, version) VALUES ('main', 99)`)
	refused(newer + " with River's 99")
	db.Exec(t, `DELETE FROM @migration WHERE version = `+newer)
	refused(newest + " with River's 99")
	db.Exec(t, `DELETE FROM #river_migration WHERE version = 99`)
	require.NoError(t, Check(t, e))
	require.NoError(t, e.Migrate(t.Context()))

	db.Exec(t, `DELETE FROM #river_migration WHERE version = 8`)
	const old = "the tables are not up to date: call Migrate"
	require.EqualError(t, Check(t, e), "durable: check: "+old)
	require.EqualError(t, e.Run(t.Context(), queue.Handler{}), "durable: run: "+old)
	db.Exec(t, `INSERT INTO #river_migration (line, version) VALUES ('main', 8)`)
	r := record(nil)
	Run(t, e, r.handle) // it did not count as running
	r.await(t, 1)
}

// testOtherUser has another program use River in the same place, whose clients may lead and
// know nothing of our jobs.
func testOtherUser[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), Task("ours")))
	const give = " in the same tables: give each a schema or file of its own"
	db.Exec(t, `INSERT INTO #river_queue (name) VALUES ('ringhook'), ('emails')`)
	require.EqualError(t, e.Migrate(t.Context()), `durable: migrate: another user of River has "emails"`+give)
	db.Exec(t, `DELETE FROM #river_queue WHERE name = 'emails'`)
	require.NoError(t, e.Migrate(t.Context()))
	for _, kind := range []string{"email", "sms"} { // before ours in the index, and after
		db.Exec(t, `INSERT INTO #river_job (kind, args) VALUES ('`+kind+`', '{}')`)
		require.EqualError(t, e.Migrate(t.Context()), `durable: migrate: another user of River has "`+kind+`"`+give)
		db.Exec(t, `DELETE FROM #river_job WHERE kind = '`+kind+`'`)
	}
	require.NoError(t, e.Migrate(t.Context()))
}
