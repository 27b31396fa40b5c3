package postgres_test

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/postgres"
)

// onSQL is before the DSN in the name of a place whose engines are on database/sql.
const onSQL = "database/sql "

func TestMain(m *testing.M) {
	if strings.Contains(os.Getenv("RINGHOOK_TEST_PROCESS"), onSQL) {
		durabletest.Main(func(p durabletest.Place, config durable.Config) (*durable.Engine[*sql.Tx], error) {
			db, err := sql.Open("pgx", strings.TrimPrefix(p.Name, onSQL))
			if err != nil {
				return nil, err
			}
			db.SetMaxOpenConns(15)
			db.SetMaxIdleConns(15)
			e, err := postgres.NewSQL(db, config)
			if err != nil {
				return nil, err
			}
			return e, e.Migrate(context.Background())
		})
	}
	durabletest.Main(func(p durabletest.Place, config durable.Config) (*postgres.Engine, error) {
		poolConfig, err := pgxpool.ParseConfig(p.Name)
		if err != nil {
			return nil, err
		}
		poolConfig.MaxConns = 15
		pool, err := pgxpool.NewWithConfig(context.Background(), poolConfig)
		if err != nil {
			return nil, err
		}
		e, err := postgres.New(pool, config)
		if err != nil {
			return nil, err
		}
		return e, e.Migrate(context.Background())
	})
	os.Exit(m.Run())
}
