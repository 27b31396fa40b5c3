package postgres_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/enginetest"
)

// database is the name of the variable with the DSN of a database that tests may make schemas in.
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
	return e
}

func TestEngine(t *testing.T) {
	t.Parallel()
	schemas := map[queue.Engine]string{}
	enginetest.TestEngine(t, func(t testing.TB, previous queue.Engine) queue.Engine {
		pool, schema := connect(t)
		if previous != nil {
			schema = schemas[previous]
		}
		e := open(t, pool, durable.Config{Schema: schema})
		schemas[e] = schema
		return e
	})
}

func BenchmarkEngine(b *testing.B) {
	pool, schema := connect(b)
	durabletest.Throughput(b, open(b, pool, durable.Config{Schema: schema}))
}
