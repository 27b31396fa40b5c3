package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"log"
	"os"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// A service on database/sql keeps a call and dispatches its report, both or neither. It
// delivers nothing itself: that is for a process that runs an engine of postgres.New on
// the same database.
func ExampleNewSQL() {
	ctx := context.Background()
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL")) // with _ "github.com/jackc/pgx/v5/stdlib"
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	engine, err := postgres.NewSQL(db, durable.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	if err := engine.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
	if err != nil {
		log.Fatal(err)
	}
	hooks := engine.Webhooks(q, payload.CallReport{})

	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // an error after Commit
	const webhookID = "5b0b1c0a-7785-41e3-964f-000c2977e6c8"
	if _, err := tx.ExecContext(ctx, `INSERT INTO calls (id) VALUES ('call-1')`); err != nil {
		log.Panic(err)
	}
	err = hooks.DispatchTx(ctx, tx, webhookID, payload.CallReport{MID: "call-1"})
	if err != nil && !errors.Is(err, durable.ErrNotComposed) {
		log.Panic(err)
	}
	if err := tx.Commit(); err != nil {
		log.Panic(err)
	}
}
