package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/enginetest"
	"github.com/ringhook/webhook/webhooktest"
)

// database is the name of the variable with the DSN of a database that tests may make
// schemas in.
const database = "RINGHOOK_POSTGRES"

// connect returns a pool and the name of a schema that is removed when the test ends.
func connect(t testing.TB) (pool *pgxpool.Pool, schema string) {
	dsn := os.Getenv(database)
	if dsn == "" {
		t.Skip("needs Postgres: set " + database + " to a DSN, such as postgres://user:password@127.0.0.1:5432/database")
	}
	pool, err := pgxpool.New(t.Context(), dsn)
	require.NoError(t, err)
	schema = "ringhook_" + strings.ToLower(rand.Text()[:10])
	t.Cleanup(func() {
		_, err := pool.Exec(context.Background(), `DROP SCHEMA IF EXISTS `+schema+` CASCADE`)
		require.NoError(t, err)
		pool.Close()
	})
	return pool, schema
}

func open(t testing.TB, pool *pgxpool.Pool, config durable.Config) *postgres.Engine {
	e, err := postgres.New(pool, config)
	require.NoError(t, err)
	require.NoError(t, e.Migrate(t.Context()))
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func TestEngine(t *testing.T) {
	t.Parallel()
	durabletest.BothWays(t, func(t *testing.T, sealed bool) {
		schemas := map[queue.Engine]string{}
		enginetest.TestEngine(t, func(t testing.TB, previous queue.Engine) queue.Engine {
			pool, schema := connect(t)
			if previous != nil {
				schema = schemas[previous]
			}
			config := durable.Config{Schema: schema}
			if sealed {
				config = durabletest.Seal(config)
			}
			e := open(t, pool, config)
			schemas[e] = schema
			return e
		})
	})
}

func TestDurable(t *testing.T) {
	t.Parallel()
	durabletest.Test(t, func(t testing.TB) durabletest.Database[pgx.Tx] {
		pool, schema := connect(t)
		return databaseOn(pool, schema)
	})
}

func databaseOn(pool *pgxpool.Pool, schema string) durabletest.Database[pgx.Tx] {
	names := strings.NewReplacer("@", schema+".", "#", schema+".", "BLOB", "bytea")
	return durabletest.Database[pgx.Tx]{
		Open: func(t testing.TB, config durable.Config) *postgres.Engine {
			config.Schema = schema
			return open(t, pool, config)
		},
		Bare: func(t testing.TB, config durable.Config) *postgres.Engine {
			config.Schema = schema
			e, err := postgres.New(pool, config)
			require.NoError(t, err)
			return e
		},
		Store: func(testing.TB) store.Store[pgx.Tx] { return postgres.Store(pool, schema) },
		Exec: func(t testing.TB, text string) {
			_, err := pool.Exec(t.Context(), names.Replace(inSchema(schema, text)))
			require.NoError(t, err)
		},
		Row: func(t testing.TB, text string, dest ...any) {
			require.NoError(t, pool.QueryRow(t.Context(), names.Replace(text)).Scan(dest...))
		},
		Dump: func(t testing.TB) []byte { return dump(t, pool, schema) },
		Tx: func(t testing.TB, fn func(pgx.Tx, func(string)) error) error {
			return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				return fn(tx, func(text string) {
					_, err := tx.Exec(t.Context(), names.Replace(inSchema(schema, text)))
					require.NoError(t, err)
				})
			})
		},
	}
}

// dump returns the values of all tables in a schema.
func dump(t testing.TB, pool *pgxpool.Pool, schema string) (all []byte) {
	rows, err := pool.Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = $1`, schema)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, tables)
	for _, table := range tables {
		rows, err := pool.Query(t.Context(), `SELECT * FROM `+pgx.Identifier{schema, table}.Sanitize())
		require.NoError(t, err)
		for rows.Next() {
			values, err := rows.Values()
			require.NoError(t, err)
			for _, v := range values {
				if b, ok := v.([]byte); ok {
					all = append(append(all, b...), '\n')
				} else {
					all = fmt.Appendf(all, "%v\n", v)
				}
			}
		}
		require.NoError(t, rows.Err())
	}
	return all
}

// inSchema puts the table calls, the caller's own, where it is removed with the schema.
func inSchema(schema, text string) string {
	return strings.ReplaceAll(text, " calls ", " "+schema+".calls ")
}

// TestMigrate_Waits has another process migrate, for longer than the role may wait for
// locks or let a statement take.
func TestMigrate_Waits(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	other, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer other.Rollback(context.Background()) //nolint:errcheck // after Commit
	_, err = other.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, schema)
	require.NoError(t, err)

	config := pool.Config()
	for _, timeout := range []string{"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"} {
		config.ConnConfig.RuntimeParams[timeout] = "300"
	}
	impatient, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer impatient.Close()
	e, err := postgres.New(impatient, durable.Config{Schema: schema})
	require.NoError(t, err)
	migrated := make(chan error, 1)
	go func() { migrated <- e.Migrate(context.Background()) }()
	select {
	case err := <-migrated:
		require.FailNow(t, "did not wait", "%v", err)
	case <-time.After(time.Second):
	}
	require.NoError(t, other.Commit(t.Context()))
	require.NoError(t, <-migrated)
	require.NoError(t, durabletest.Check(t, e))
}

// TestShared has a schema in which another program works with River, and none of our
// tables.
func TestShared(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	_, err := pool.Exec(t.Context(), `CREATE SCHEMA `+schema)
	require.NoError(t, err)
	river, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: schema})
	require.NoError(t, err)
	_, err = river.Migrate(t.Context(), rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: 6})
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `INSERT INTO `+schema+`.river_queue (name, updated_at) VALUES ('default', now())`)
	require.NoError(t, err)
	e, err := postgres.New(pool, durable.Config{Schema: schema})
	require.NoError(t, err)
	require.ErrorContains(t, e.Migrate(t.Context()), `another user of River has "default" in the same tables`)
	var version, tables int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT max(version) FROM `+schema+`.river_migration`).Scan(&version))
	require.Equal(t, 6, version, "its tables are left alone")
	count := `SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename IN ('migration', 'delivery')`
	require.NoError(t, pool.QueryRow(t.Context(), count, schema).Scan(&tables))
	require.Zero(t, tables)
}

func TestNew(t *testing.T) {
	t.Parallel()
	// The pool connects when it is used.
	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none")
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	const long = "durable: Schema: more than 40 characters, or a digit first"
	tests := []struct {
		name   string
		pool   *pgxpool.Pool
		config durable.Config
		want   string
	}{
		{"no pool", nil, durable.Config{}, "durable: no pool"},
		{"an odd schema", pool, durable.Config{Schema: "a.b"}, "durable: Schema: want a-z, 0-9 and _"},
		{"upper case", pool, durable.Config{Schema: "Ringhook"}, "durable: Schema: want a-z, 0-9 and _"},
		{"a digit first", pool, durable.Config{Schema: "1a"}, long},
		{"a long schema", pool, durable.Config{Schema: strings.Repeat("a", 41)}, long},
		{"negative workers", pool, durable.Config{Workers: -1}, "durable: Workers: -1 outside 0 to 4000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.New(tt.pool, tt.config)
			require.EqualError(t, err, tt.want)
		})
	}
	e, err := postgres.New(pool, durable.Config{})
	require.NoError(t, err)
	require.ErrorContains(t, e.Migrate(t.Context()), "durable: migrate: ")
	require.ErrorContains(t, e.Enqueue(t.Context(), durabletest.Task("a")), "durable: enqueue: ")
	require.ErrorContains(t, e.Run(t.Context(), queue.Handler{}), "durable: ")
	// The second time too: it does not count as running.
	require.ErrorContains(t, e.Run(t.Context(), queue.Handler{}), "durable: ")
	require.ErrorContains(t, durabletest.Check(t, e), "durable: check: ")
}

func BenchmarkEngine(b *testing.B) {
	pool, schema := connect(b)
	durabletest.Throughput(b, open(b, pool, durable.Config{Schema: schema}))
}

func BenchmarkWebhooks_Publish(b *testing.B) {
	pool, schema := connect(b)
	durabletest.Publish(b, databaseOn(pool, schema))
}

func BenchmarkEngine_Delayed(b *testing.B) {
	pool, schema := connect(b)
	durabletest.Delayed(b, open(b, pool, durable.Config{Schema: schema}))
}

func BenchmarkEngine_Isolation(b *testing.B) {
	pool, schema := connect(b)
	durabletest.Isolation(b, open(b, pool, durable.Config{Schema: schema}))
}

func TestSender(t *testing.T) {
	t.Parallel()
	webhooktest.TestSender(t, durabletest.Sender(func(t testing.TB) *postgres.Engine {
		pool, schema := connect(t)
		return open(t, pool, durable.Config{Schema: schema})
	}))
}

// Check writes, so it tells of a server that only reads, as a replica does.
func TestCheck_ReadOnly(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	e, err := postgres.New(pool, durable.Config{Schema: schema})
	require.NoError(t, err)
	require.NoError(t, e.Migrate(t.Context()))
	require.NoError(t, durabletest.Check(t, e))
	config := pool.Config()
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	readOnly, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer readOnly.Close()
	e, err = postgres.New(readOnly, durable.Config{Schema: schema})
	require.NoError(t, err)
	require.ErrorContains(t, durabletest.Check(t, e), "durable: check: write: ERROR: cannot execute INSERT")
}
