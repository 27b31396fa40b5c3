package sqlite_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/sqlite"
)

func BenchmarkEngine(b *testing.B) {
	durabletest.Throughput(b, open(b, newFile(b), durable.Config{}))
}

func BenchmarkEngine_Delayed(b *testing.B) {
	durabletest.Delayed(b, open(b, newFile(b), durable.Config{}))
}

func BenchmarkEngine_Isolation(b *testing.B) {
	durabletest.Isolation(b, open(b, newFile(b), durable.Config{}))
}

func BenchmarkEngine_BesideRiver(b *testing.B) {
	path := newFile(b)
	open := func() *durable.Engine[*sql.Tx] {
		e, err := sqlite.Open(path, durable.Config{})
		require.NoError(b, err)
		return e
	}
	db, err := sqlite.OpenDB(newFile(b))
	require.NoError(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	driver := riversqlite.New(db)
	migrator, err := rivermigrate.New(driver, nil)
	require.NoError(b, err)
	_, err = migrator.Migrate(b.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(b, err)
	_, err = db.ExecContext(b.Context(), `CREATE TABLE sent (id text PRIMARY KEY)`)
	require.NoError(b, err)
	durabletest.BesideRiver(b, open, durabletest.Alone[*sql.Tx]{
		Driver: driver,
		InTx: func(ctx context.Context, fn func(*sql.Tx, func(string) error) error) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() //nolint:errcheck // an error after Commit
			row := func(id string) error {
				_, err := tx.ExecContext(ctx, `INSERT INTO sent (id) VALUES (?)`, id)
				return err
			}
			if err := fn(tx, row); err != nil {
				return err
			}
			return tx.Commit()
		},
	})
}

func BenchmarkEngine_Sealing(b *testing.B) {
	durabletest.Sealing(b, func(config durable.Config) *sqlite.Engine { return open(b, newFile(b), config) })
}

func BenchmarkEngine_Size(b *testing.B) {
	path := newFile(b)
	db := databaseOn(b, path)
	durabletest.Size(b, open(b, path, durable.Config{}), db, func() (size int64) {
		db.Exec(b, `VACUUM`)
		db.Row(b, `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`, &size)
		return size
	})
}
