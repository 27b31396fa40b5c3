package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/enginetest"
	"github.com/ringhook/webhook/webhooktest"
)

func open(t testing.TB, path string, config durable.Config) *sqlite.Engine {
	e, err := sqlite.Open(path, config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "webhooks.db") }

func TestEngine(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		var config durable.Config
		if sealed {
			config = durabletest.Seal(config)
		}
		paths := map[queue.Engine]string{}
		enginetest.TestEngine(t, func(t testing.TB, previous queue.Engine) queue.Engine {
			path := paths[previous]
			if previous == nil {
				path = newFile(t)
			}
			e := open(t, path, config)
			paths[e] = path
			return e
		})
	})
}

func TestDurable(t *testing.T) {
	t.Parallel()
	durabletest.Test(t, func(t testing.TB) durabletest.Database[*sql.Tx] { return databaseOn(t, newFile(t)) })
}

func TestZones(t *testing.T) {
	t.Parallel()
	durabletest.Zones(t, "TestDurable")
}

func databaseOn(t testing.TB, path string) durabletest.Database[*sql.Tx] {
	db, err := sqlite.OpenDB(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	names := strings.NewReplacer("@", "ringhook_", "#", "")
	return durabletest.Database[*sql.Tx]{
		Open: func(t testing.TB, config durable.Config) *sqlite.Engine { return open(t, path, config) },
		Store: func(t testing.TB) store.Store[*sql.Tx] {
			s, err := sqlite.Store(path)
			require.NoError(t, err)
			return s
		},
		Exec: func(t testing.TB, text string) {
			_, err := db.ExecContext(t.Context(), names.Replace(text))
			require.NoError(t, err)
		},
		Row: func(t testing.TB, text string, dest ...any) {
			require.NoError(t, db.QueryRowContext(t.Context(), names.Replace(text)).Scan(dest...))
		},
		Dump:  func(t testing.TB) []byte { return dump(t, db) },
		Files: []string{path, path + "-wal"},
		Tx: func(t testing.TB, fn func(*sql.Tx, func(string)) error) error {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			exec := func(text string) {
				_, err := tx.ExecContext(t.Context(), names.Replace(text))
				require.NoError(t, err)
			}
			if err := fn(tx, exec); err != nil {
				return errors.Join(err, tx.Rollback())
			}
			return tx.Commit()
		},
	}
}

// dump returns the values of all tables.
func dump(t testing.TB, db *sql.DB) (all []byte) {
	read := func(text string, row func(values []any)) {
		rows, err := db.QueryContext(t.Context(), text)
		require.NoError(t, err)
		defer rows.Close()
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values, pointers := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				pointers[i] = &values[i]
			}
			require.NoError(t, rows.Scan(pointers...))
			row(values)
		}
		require.NoError(t, rows.Err())
	}
	var tables []string
	read(`SELECT name FROM sqlite_master WHERE type = 'table'`, func(values []any) {
		tables = append(tables, values[0].(string))
	})
	for _, table := range tables {
		read(`SELECT * FROM `+table, func(values []any) {
			for _, v := range values {
				switch v := v.(type) {
				case []byte:
					all = append(append(all, v...), '\n')
				case string:
					all = append(append(all, v...), '\n')
				}
			}
		})
	}
	return all
}

func TestOpen(t *testing.T) {
	t.Parallel()
	const want = "durable: open: want the path of a file, neither :memory: nor a URI"
	tests := []struct {
		name, path string
		config     durable.Config
		want       string
	}{
		{"no path", "", durable.Config{}, "durable: open: no path"},
		{"in memory", ":memory:", durable.Config{}, want},
		{"a URI", "file:a.db?mode=memory", durable.Config{}, want},
		{"a schema", newFile(t), durable.Config{Schema: "a"}, "durable: Schema: SQLite has none"},
		{"negative workers", newFile(t), durable.Config{Workers: -1}, "durable: Workers: -1 outside 0 to 4000"},
		{"many workers", newFile(t), durable.Config{Workers: 4001}, "durable: Workers: 4001 outside 0 to 4000"},
		{"a negative timeout", newFile(t), durable.Config{MaxTimeout: -1}, "durable: MaxTimeout: -1ns outside 0s to 10m"},
		{
			"a long timeout", newFile(t),
			durable.Config{MaxTimeout: time.Hour},
			"durable: MaxTimeout: 1h0m0s outside 0s to 10m",
		},
		{
			"bounds above the timeout", newFile(t),
			durable.Config{Bounds: webhook.Bounds{MaxTimeout: 11 * time.Second}},
			"durable: Bounds: MaxTimeout: 11s, at most the 10s of Config.MaxTimeout",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := sqlite.Open(tt.path, tt.config)
			require.EqualError(t, err, tt.want)
		})
	}
	odd := filepath.Join(t.TempDir(), "100% odd?#.db")
	open(t, odd, durable.Config{})
	require.FileExists(t, odd)
	nowhere := filepath.Join(t.TempDir(), "no", "such", "folder.db")
	_, err := sqlite.Open(nowhere, durable.Config{})
	require.ErrorContains(t, err, "durable: open: open "+nowhere)
	text := filepath.Join(t.TempDir(), "text.db")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600))
	_, err = sqlite.Open(text, durable.Config{})
	require.ErrorContains(t, err, "durable: open "+text+": ")
}

// TestOpen_Newer opens a file that a later version has migrated.
func TestOpen_Newer(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	open(t, path, durable.Config{})
	db, exec := connect(t, path)
	var newest int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT max(version) FROM ringhook_migration`).Scan(&newest))
	exec(t, fmt.Sprintf(`INSERT INTO @migration (version) VALUES (%d)`, newest+1))
	_, err := sqlite.Open(path, durable.Config{})
	require.EqualError(t, err, fmt.Sprintf("durable: open %s: the tables are of a newer version, %d with River's 8: "+
		"this program knows %d with River's 8", path, newest+1, newest))
}

// TestWriterWaits holds the file for a while: what is to be kept waits for it.
func TestWriterWaits(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	e := open(t, path, durable.Config{})
	db, err := sqlite.OpenDB(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	kept := make(chan error, 1)
	go func() { kept <- e.Enqueue(context.Background(), durabletest.Task("a")) }()
	select {
	case err := <-kept:
		require.FailNow(t, "did not wait", "%v", err)
	case <-time.After(200 * time.Millisecond):
	}
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-kept)
}

func TestSender(t *testing.T) {
	t.Parallel()
	webhooktest.TestSender(t, durabletest.Sender(func(t testing.TB) *sqlite.Engine {
		return open(t, newFile(t), durable.Config{})
	}))
}
