package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

// A customer is created together with its first webhook. What an API of it works with has
// nothing of others, whatever IDs it is asked for.
func Example_tenants() {
	folder, err := os.MkdirTemp("", "ringhook")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "webhooks.db")
	engine, err := sqlite.Open(path, durable.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqlite.OpenDB(path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ctx := context.Background()
	hooks := engine.Webhooks(q)

	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	hook, err := createCustomer(ctx, tx, hooks, "acme")
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		log.Fatal(err)
	}
	event := webhook.RawEvent{Type: "call", JSON: []byte(`{"id": "c1", "status": "answered"}`)}
	if err := hooks.DispatchID(ctx, hook.ID, "call-1", event); err != nil {
		log.Fatal(err)
	}

	for _, customer := range []string{"acme", "globex"} {
		own, err := hooks.Tenant(customer)
		if err != nil {
			log.Fatal(err)
		}
		history, err := engine.Tenant(customer)
		if err != nil {
			log.Fatal(err)
		}
		_, err = own.Get(ctx, hook.ID)
		page, listErr := history.List(ctx, durable.Filter{})
		fmt.Println(customer, errors.Is(err, webhook.ErrNotFound), len(page.Deliveries), listErr)
	}
	// Output:
	// acme false 1 <nil>
	// globex true 0 <nil>
}

func createCustomer(
	ctx context.Context, tx *sql.Tx, hooks *durable.Webhooks[*sql.Tx], name string,
) (durable.Definition, error) {
	_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS customers (name text)`)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO customers VALUES (?)`, name)
	}
	if err != nil {
		return durable.Definition{}, err
	}
	return hooks.CreateTx(ctx, tx, name, webhook.Webhook{URL: "https://crm.example/calls"})
}
