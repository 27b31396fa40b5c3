package postgres_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/durable/postgres"
)

// TestPlans asks Postgres how it would run each statement among 50,000 deliveries, for
// its values and for any.
func TestPlans(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	spy := &durabletest.Spy[pgx.Tx]{Store: postgres.Store(pool, schema)}
	e := &postgres.Engine{}
	require.NoError(t, store.Open(e, spy, durable.Config{Schema: schema, Keep: durable.Retention{Bodies: time.Hour}}))
	require.NoError(t, e.Migrate(t.Context()))
	exec := execIn(pool, schema)
	durabletest.Fill(t, 50_000, exec)
	exec(t, `ANALYZE @delivery`)
	exec(t, `ANALYZE @attempt`)
	exec(t, `ANALYZE @event`)
	exec(t, `ANALYZE @ref`)
	exec(t, `ANALYZE @tally`)
	exec(t, `ANALYZE @webhook`)
	sorts := regexp.MustCompile(`Sort  \(.*\n\s+Sort Key:.*\n\s+->  (\w+)`)
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	durabletest.Plans(t, spy, e, func(t *testing.T, stmt store.Stmt, ordered bool) {
		if strings.HasPrefix(stmt.SQL, "SET ") { // which has no plan
			return
		}
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			_, err := conn.Exec(t.Context(), `SET plan_cache_mode = `+mode)
			require.NoError(t, err)
			tx, err := conn.Begin(t.Context())
			require.NoError(t, err)
			if ordered {
				_, err = tx.Exec(t.Context(), spy.Dialect().InOrder)
				require.NoError(t, err)
			}
			plan := explain(t, tx.Conn(), stmt)
			require.NoError(t, tx.Rollback(t.Context()))
			require.NotRegexp(t, `Seq Scan on \w*\.?(delivery|attempt|event|ref|tally|webhook)\b`, plan, "%s: %s", mode, stmt.SQL)
			if durabletest.IsPage(stmt.SQL) {
				for _, index := range regexp.MustCompile(`ringhook_(delivery|ref|webhook)_[a-z]\w*`).FindAllString(plan, -1) {
					require.Regexp(t, durabletest.Index(stmt.SQL), index, "%s: %s\n%s", mode, stmt.SQL, plan)
				}
			}
			if ordered { // but pages of a few states, which are merged
				require.NotContains(t, plan, "Bitmap", "%s: %s", mode, stmt.SQL)
				for _, sorted := range sorts.FindAllStringSubmatch(plan, -1) {
					require.Equal(t, "Append", sorted[1], "%s: %s\n%s", mode, stmt.SQL, plan)
				}
			}
		}
	})
}

// explain returns the plan of a statement, in the plan_cache_mode of the connection.
func explain(t *testing.T, conn *pgx.Conn, stmt store.Stmt) string {
	_, err := conn.Exec(t.Context(), `PREPARE plan AS `+stmt.SQL)
	require.NoError(t, err)
	defer func() { _, _ = conn.Exec(context.Background(), `DEALLOCATE plan`) }()
	var values []string
	args := stmt.Args
	if stmt.Rows != nil {
		for _, column := range store.Columns(stmt.Rows) {
			args = append(args, postgres.ArrayText(column))
		}
	}
	for _, arg := range args {
		switch arg := arg.(type) {
		case int64:
			values = append(values, fmt.Sprint(arg))
		case string:
			values = append(values, "'"+arg+"'")
		case *string:
			if arg == nil {
				values = append(values, "NULL")
			} else {
				values = append(values, "'"+*arg+"'")
			}
		case []byte:
			values = append(values, `''`)
		default:
			require.FailNow(t, "an argument of another type", "%T", arg)
		}
	}
	execute := `EXECUTE plan`
	if len(values) > 0 {
		execute += "(" + strings.Join(values, ", ") + ")"
	}
	rows, err := conn.Query(t.Context(), `EXPLAIN `+execute, pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return strings.Join(lines, "\n")
}

func execIn(pool *pgxpool.Pool, schema string) func(testing.TB, string) {
	return func(t testing.TB, text string) {
		_, err := pool.Exec(t.Context(), strings.NewReplacer("@", schema+".", "BLOB", "bytea").Replace(text))
		require.NoError(t, err)
	}
}

func BenchmarkEngine_List(b *testing.B) {
	pool, schema := connect(b)
	e := open(b, pool, durable.Config{Schema: schema})
	durabletest.List(b, e, execIn(pool, schema))
}

func BenchmarkWebhooks_Compare(b *testing.B) {
	pool, schema := connect(b)
	durabletest.Compare(b, open(b, pool, durable.Config{Schema: schema}))
}

func BenchmarkEngine_ResendMatching(b *testing.B) {
	pool, schema := connect(b)
	e := open(b, pool, durable.Config{Schema: schema})
	durabletest.ResendMatching(b, e, execIn(pool, schema))
}

func BenchmarkWebhooks_Delete(b *testing.B) {
	pool, schema := connect(b)
	durabletest.Delete(b, open(b, pool, durable.Config{Schema: schema}), databaseOn(pool, schema))
}

func BenchmarkEngine_Export(b *testing.B) {
	pool, schema := connect(b)
	e := open(b, pool, durable.Config{Schema: schema})
	durabletest.Export(b, e, execIn(pool, schema))
}
