package main

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/queue"
)

// open returns no engine, and no error, without a server to open it on.
func open(ctx context.Context) (queue.Engine, func(), error) {
	dsn := os.Getenv("RINGHOOK_POSTGRES")
	if dsn == "" {
		fmt.Println("built, but not run against a server: RINGHOOK_POSTGRES is not set")
		return nil, nil, nil
	}
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, nil, err
	}
	const schema = "ringhook_consumer"
	engine, err := postgres.New(pool, durable.Config{Schema: schema})
	if err == nil {
		err = engine.Migrate(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return engine, func() {
		_, _ = pool.Exec(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE")
		pool.Close()
	}, nil
}
