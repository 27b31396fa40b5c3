package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/durable/postgres"
)

// TestRows gives a statement rows of all types, on pgx and on each driver of database/sql.
func TestRows(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	type row struct {
		n, number int64
		text      string
		maybe     *string
		data      []byte
	}
	odd := "é \"quoted\" \\ {a,b} 'x' NULL\n"
	want := []row{
		{1, -7, "", nil, nil},
		{2, 1 << 62, odd, &odd, []byte{}},
		{3, 0, "NULL", new(string), []byte("\x00\\\"\xff,")},
	}
	var rows [][]any
	for _, r := range want {
		rows = append(rows, []any{r.number, r.text, r.maybe, r.data})
	}
	check := func(t *testing.T, d store.Dialect, read func(store.Stmt) error) {
		var got []row
		statement := d.Many(`SELECT r.n, r.number, r.text, r.maybe, r.data
			FROM ROWS(number bigint, text text, maybe text, data BLOB) ORDER BY r.n`)
		scan := func(from store.Row) error {
			var r row
			err := from.Scan(&r.n, &r.number, &r.text, &r.maybe, &r.data)
			got = append(got, r)
			return err
		}
		require.NoError(t, read(statement.For(rows, scan)))
		require.Equal(t, want, got)
		for i := range rows { // each alone, which is another statement
			got = nil
			require.NoError(t, read(statement.For(rows[i:i+1], scan)))
			alone := want[i]
			alone.n = 1
			require.Equal(t, []row{alone}, got)
		}
	}
	t.Run("pgxpool", func(t *testing.T) {
		t.Parallel()
		s := postgres.Store(pool, schema)
		check(t, s.Dialect(), func(stmt store.Stmt) error { return s.Read(t.Context(), stmt) })
	})
	for _, driver := range []string{"pgx", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			db, _, schema := connectSQL(t, driver)
			s := postgres.StoreSQL(db, schema)
			check(t, s.Dialect(), func(stmt store.Stmt) error { return s.Read(t.Context(), stmt) })
		})
	}
}
