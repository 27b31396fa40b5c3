package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/queue"
)

// TestIsolation enqueues to an ordering in transactions that do not see how the first of
// the ordering ends.
func TestIsolation(t *testing.T) {
	t.Parallel()
	for _, level := range []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable} {
		t.Run(string(level), func(t *testing.T) {
			t.Parallel()
			pool, schema := connect(t)
			e := open(t, pool, durable.Config{Schema: schema})
			got := make(chan string, 10)
			durabletest.Run(t, e, func(_ context.Context, d queue.Delivery) queue.Verdict {
				got <- d.ID
				return queue.Verdict{Kind: queue.KindDone}
			})
			task := func(id string) queue.Task {
				task := durabletest.Task(id)
				task.Order = "o"
				return task
			}
			tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
			require.NoError(t, err)
			defer tx.Rollback(context.Background()) //nolint:errcheck // after Commit
			require.NoError(t, e.Enqueue(t.Context(), task("a")))
			active := `SELECT count(*) FROM ` + schema + `.delivery WHERE active = 1`
			require.NoError(t, tx.QueryRow(t.Context(), active).Scan(new(int)))
			require.Equal(t, "a", await(t, got))
			released := func() bool {
				var n int
				require.NoError(t, pool.QueryRow(t.Context(), active).Scan(&n))
				return n == 0
			}
			require.Eventually(t, released, 10*time.Second, 10*time.Millisecond)
			require.NoError(t, e.EnqueueTx(t.Context(), tx, task("b"), durabletest.Task("loose"), task("c")))
			require.NoError(t, tx.Commit(t.Context()))
			first, second, third := await(t, got), await(t, got), await(t, got)
			require.ElementsMatch(t, []string{"b", "loose", "c"}, []string{first, second, third})
			require.NotEqual(t, "c", first)
			require.NotEqual(t, "b", third)
		})
	}
}

func await(t *testing.T, got <-chan string) string {
	t.Helper()
	select {
	case id := <-got:
		return id
	case <-time.After(20 * time.Second):
		require.FailNow(t, "waited in vain for a delivery")
		return ""
	}
}

// TestIsolation_order enqueues the second of an ordering before the first of it, which
// was enqueued in a transaction that does not see what others do, could become active.
func TestIsolation_order(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	e := open(t, pool, durable.Config{Schema: schema})
	first, second := durabletest.Task("first"), durabletest.Task("second")
	first.Order, second.Order = "o", "o"
	repeatable := pgx.TxOptions{IsoLevel: pgx.RepeatableRead}
	require.NoError(t, pgx.BeginTxFunc(t.Context(), pool, repeatable, func(tx pgx.Tx) error {
		return e.EnqueueTx(t.Context(), tx, first)
	}))
	require.NoError(t, e.Enqueue(t.Context(), second))
	got := make(chan string, 10)
	durabletest.Run(t, e, func(_ context.Context, d queue.Delivery) queue.Verdict {
		got <- d.ID
		return queue.Verdict{Kind: queue.KindDone}
	})
	require.Equal(t, "first", await(t, got))
	require.Equal(t, "second", await(t, got))
}

// TestOpenTransaction leaves a transaction open that has enqueued. Only an Enqueue of the
// same ID waits for it.
func TestOpenTransaction(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	e := open(t, pool, durable.Config{Schema: schema})
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, e.EnqueueTx(t.Context(), tx, durabletest.Task("same")))
	same := make(chan error, 1)
	go func() { same <- e.Enqueue(context.Background(), durabletest.Task("same")) }()
	for i := range 3 {
		// It may be one: the machine may be busy.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		require.NoError(t, e.Enqueue(ctx, durabletest.Tasks("other", i+1)...))
		cancel()
	}
	select {
	case err := <-same:
		require.FailNow(t, "did not wait", "%v", err)
	default:
	}
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-same)
	var n int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM `+schema+`.delivery WHERE id = 'same'`).Scan(&n))
	require.Equal(t, 1, n)
}

// TestMigrate_hooks connects as a pool does whose settings are only known when it
// connects, such as a password that changes.
func TestMigrate_hooks(t *testing.T) {
	t.Parallel()
	known, schema := connect(t)
	config := known.Config()
	right := config.ConnConfig.Port
	config.ConnConfig.Port = 1
	after := 0
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error { c.Port = right; return nil }
	config.AfterConnect = func(context.Context, *pgx.Conn) error { after++; return nil }
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer pool.Close()
	require.NoError(t, pool.Ping(t.Context()))
	e, err := postgres.New(pool, durable.Config{Schema: schema})
	require.NoError(t, err)
	require.NoError(t, e.Migrate(t.Context()))
	require.GreaterOrEqual(t, after, 2)
}

// TestMigrate_rights has a role that may use the tables and make none: there is nothing
// to make.
func TestMigrate_rights(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	open(t, pool, durable.Config{Schema: schema})
	role := schema + "_user"
	for _, text := range []string{
		`CREATE ROLE ` + role,
		`GRANT USAGE ON SCHEMA ` + schema + ` TO ` + role,
		`GRANT ALL ON ALL TABLES IN SCHEMA ` + schema + ` TO ` + role,
		`GRANT ALL ON ALL SEQUENCES IN SCHEMA ` + schema + ` TO ` + role,
	} {
		_, err := pool.Exec(t.Context(), text)
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		_, err := pool.Exec(context.Background(), `DROP OWNED BY `+role+`; DROP ROLE `+role)
		require.NoError(t, err)
	})
	config := pool.Config()
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET ROLE `+role)
		return err
	}
	limited, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(limited.Close)
	e := open(t, limited, durable.Config{Schema: schema})
	require.NoError(t, durabletest.Check(t, e))
	require.NoError(t, e.Enqueue(t.Context(), durabletest.Task("a")))
}
