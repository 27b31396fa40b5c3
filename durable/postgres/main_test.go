package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/postgres"
)

func TestMain(m *testing.M) {
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
