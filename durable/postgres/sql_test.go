package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/lib/pq"                // and driver "postgres"
	"github.com/lib/pq/pqerror"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/enginetest"
)

// drivers are those of database/sql that NewSQL works with, and the tests of the suite
// that they run; without, all of it. For lib/pq, these have all that drivers differ in:
// bytes, NULL, large numbers, batches, errors in transactions.
var drivers = []struct {
	name, driver string
	tests        []string
}{
	{"pgx", "pgx", nil},
	{"pq", "postgres", []string{
		"Migrate", "EnqueueTx", "EnqueueTx of an ordering", "two engines", "history", "list", "count",
		"tallies", "refs and subjects", "answers", "long names", "resend", "RetryNow",
		"an unreadable message is kept", "webhooks", "Dispatch", "Dispatch what cannot be composed",
		"an ID that is taken", "an ID that is taken, at once", "an ID that is taken, in a transaction",
		"an ID that is taken by a failure", "DispatchTx", "events are kept", "recompose", "compare",
		"decisions about endpoints", "pause", "the same IDs at once",
	}},
}

// connectSQL is connect with a driver of database/sql.
func connectSQL(t testing.TB, driver string) (db *sql.DB, pool *pgxpool.Pool, schema string) {
	pool, schema = connect(t)
	return openSQL(t, driver, pool), pool, schema
}

func openSQL(t testing.TB, driver string, pool *pgxpool.Pool) *sql.DB {
	dsn := pool.Config().ConnString()
	if driver == "postgres" && !strings.Contains(dsn, "sslmode") { // lib/pq insists on TLS otherwise
		dsn += "?sslmode=disable"
	}
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func newSQL(t testing.TB, db *sql.DB, config durable.Config) *durable.Engine[*sql.Tx] {
	e, err := postgres.NewSQL(db, config)
	require.NoError(t, err)
	require.NoError(t, e.Migrate(t.Context()))
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return e
}

func databaseOnSQL(db *sql.DB, pool *pgxpool.Pool, schema string) durabletest.Database[*sql.Tx] {
	names := strings.NewReplacer("@", schema+".", "#", schema+".", "BLOB", "bytea")
	return durabletest.Database[*sql.Tx]{
		Open: func(t testing.TB, config durable.Config) *durable.Engine[*sql.Tx] {
			config.Schema = schema
			return newSQL(t, db, config)
		},
		Bare: func(t testing.TB, config durable.Config) *durable.Engine[*sql.Tx] {
			config.Schema = schema
			e, err := postgres.NewSQL(db, config)
			require.NoError(t, err)
			return e
		},
		Store: func(testing.TB) store.Store[*sql.Tx] { return postgres.StoreSQL(db, schema) },
		Dump:  func(t testing.TB) []byte { return dump(t, pool, schema) },
		Exec: func(t testing.TB, text string) {
			_, err := db.ExecContext(t.Context(), names.Replace(inSchema(schema, text)))
			require.NoError(t, err)
		},
		Row: func(t testing.TB, text string, dest ...any) {
			require.NoError(t, db.QueryRowContext(t.Context(), names.Replace(text)).Scan(dest...))
		},
		Tx: func(t testing.TB, fn func(*sql.Tx, func(string)) error) error {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			defer tx.Rollback() //nolint:errcheck // an error after Commit
			err = fn(tx, func(text string) {
				_, err := tx.ExecContext(t.Context(), names.Replace(inSchema(schema, text)))
				require.NoError(t, err)
			})
			if err != nil {
				return err
			}
			return tx.Commit()
		},
	}
}

func TestDurableSQL(t *testing.T) {
	t.Parallel()
	for _, tt := range drivers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			durabletest.Test(t, func(t testing.TB) durabletest.Database[*sql.Tx] {
				db, pool, schema := connectSQL(t, tt.driver)
				return databaseOnSQL(db, pool, schema)
			}, tt.tests...)
		})
	}
}

func TestEngineSQL(t *testing.T) {
	t.Parallel()
	schemas := map[queue.Engine]string{}
	enginetest.TestEngine(t, func(t testing.TB, previous queue.Engine) queue.Engine {
		db, _, schema := connectSQL(t, "pgx")
		if previous != nil {
			schema = schemas[previous]
		}
		e := newSQL(t, db, durable.Config{Schema: schema})
		schemas[e] = schema
		return e
	})
}

// TestNewSQL_beside has a producer on database/sql, which reports events in transactions
// with rows of its own, and an engine on pgx that delivers.
func TestNewSQL_beside(t *testing.T) {
	t.Parallel()
	for _, tt := range drivers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db, pool, schema := connectSQL(t, tt.driver)
			delivers := open(t, pool, durable.Config{Schema: schema})
			got := make(chan string, 10)
			durabletest.Run(t, delivers, func(_ context.Context, d queue.Delivery) queue.Verdict {
				got <- string(d.Message.Body)
				return queue.Verdict{Kind: queue.KindDone}
			})
			produces := newSQL(t, db, durable.Config{Schema: schema})
			q, err := queue.New(&webhook.Client{}, produces, queue.Config{})
			require.NoError(t, err)
			hooks := produces.Webhooks(q)
			hook, err := hooks.Create(t.Context(), webhook.Webhook{
				URL: "https://crm.example/calls", Body: `{"call": "{{payload.id}}"}`,
			})
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), `CREATE TABLE `+schema+`.calls (id text)`)
			require.NoError(t, err)

			call := func(id string, end func(*sql.Tx) error) {
				tx, err := db.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				_, err = tx.ExecContext(t.Context(), `INSERT INTO `+schema+`.calls VALUES ($1)`, id)
				require.NoError(t, err)
				event := webhook.RawEvent{Type: "call", JSON: []byte(`{"id": "` + id + `"}`)}
				require.NoError(t, hooks.DispatchTx(t.Context(), tx, hook.ID, event))
				require.ErrorIs(t, hooks.DispatchTx(t.Context(), tx, "nobody", event), webhook.ErrNotFound)
				require.NoError(t, end(tx))
			}
			call("rolled back", (*sql.Tx).Rollback)
			call("one", (*sql.Tx).Commit)
			require.JSONEq(t, `{"call": "one"}`, await(t, got))
			call("two", (*sql.Tx).Commit)
			require.JSONEq(t, `{"call": "two"}`, await(t, got))
			var calls int
			require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM `+schema+`.calls`).Scan(&calls))
			require.Equal(t, 2, calls)
			page, err := delivers.List(t.Context(), durable.Filter{WebhookID: hook.ID})
			require.NoError(t, err)
			require.Len(t, page.Deliveries, 2)
		})
	}
}

func TestNewSQL(t *testing.T) {
	t.Parallel()
	// It connects when it is used.
	db, err := sql.Open("pgx", "postgres://nobody@127.0.0.1:1/none")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	tests := []struct {
		name   string
		db     *sql.DB
		config durable.Config
		want   string
	}{
		{"no database", nil, durable.Config{}, "durable: no database"},
		{"an odd schema", db, durable.Config{Schema: "a.b"}, "durable: Schema: want a-z, 0-9 and _"},
		{"negative workers", db, durable.Config{Workers: -1}, "durable: Workers: -1 outside 0 to 4000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.NewSQL(tt.db, tt.config)
			require.EqualError(t, err, tt.want)
		})
	}
	e, err := postgres.NewSQL(db, durable.Config{})
	require.NoError(t, err)
	require.ErrorContains(t, e.Migrate(t.Context()), "durable: migrate: ")
	require.ErrorContains(t, e.Enqueue(t.Context(), durabletest.Task("a")), "durable: enqueue: ")
	require.ErrorContains(t, e.Run(t.Context(), queue.Handler{}), "durable: ")
	require.ErrorContains(t, durabletest.Check(t, e), "durable: check: ")
	db.SetMaxOpenConns(1)
	require.EqualError(t, e.Migrate(t.Context()),
		"durable: migrate: the database has MaxOpenConns 1, and Migrate needs 2")
}

// TestConflict has the errors of both drivers.
func TestConflict(t *testing.T) {
	t.Parallel()
	conflict := postgres.Store(nil, "none").Conflict
	for code, want := range map[string]bool{"40001": true, "40P01": true, "23505": false} {
		require.Equal(t, want, conflict(fmt.Errorf("x: %w", &pgconn.PgError{Code: code})), code)
		require.Equal(t, want, conflict(fmt.Errorf("x: %w", &pq.Error{Code: pqerror.Code(code)})), code)
	}
	require.False(t, conflict(nil))
	require.False(t, conflict(sql.ErrConnDone))
}

// TestKillSQL is TestKill with engines on database/sql.
func TestKillSQL(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	durabletest.Kill(t, durabletest.Place{Name: onSQL + pool.Config().ConnString(), Schema: schema})
}

func BenchmarkEngineSQL(b *testing.B) {
	db, _, schema := connectSQL(b, "pgx")
	durabletest.Throughput(b, newSQL(b, db, durable.Config{Schema: schema}))
}

// BenchmarkEngine_Delay reports how long after its transaction has committed a message
// is handed out, one at a time.
func BenchmarkEngine_Delay(b *testing.B) {
	b.Run("pgx to pgx", func(b *testing.B) {
		pool, schema := connect(b)
		e := open(b, pool, durable.Config{Schema: schema})
		delay(b, e, e)
	})
	b.Run("sql to pgx", func(b *testing.B) {
		db, pool, schema := connectSQL(b, "pgx")
		e := open(b, pool, durable.Config{Schema: schema})
		delay(b, newSQL(b, db, durable.Config{Schema: schema}), e)
	})
	b.Run("sql to sql", func(b *testing.B) {
		db, _, schema := connectSQL(b, "pgx")
		e := newSQL(b, db, durable.Config{Schema: schema})
		delay(b, e, e)
	})
}

func delay[T any](b *testing.B, from queue.Engine, to *durable.Engine[T]) {
	got := make(chan time.Time, 1)
	durabletest.Run(b, to, func(context.Context, queue.Delivery) queue.Verdict {
		got <- time.Now()
		return queue.Verdict{Kind: queue.KindDone}
	})
	var delays []time.Duration
	for i := range 200 {
		require.NoError(b, from.Enqueue(b.Context(), durabletest.Task(fmt.Sprint(i))))
		committed := time.Now()
		delays = append(delays, max((<-got).Sub(committed), 0))
		<-time.After(rand.N(60 * time.Millisecond)) // so that no interval is met each time
	}
	slices.Sort(delays)
	b.ReportMetric(delays[len(delays)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(delays[len(delays)*99/100].Seconds()*1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
