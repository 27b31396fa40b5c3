package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// A webhook is kept beside the deliveries. Its customer changes it, and an event is
// dispatched to its ID, together with a row of the caller's own.
func Example_webhooks() {
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
	ctx := context.Background()
	hooks := engine.Webhooks(q, payload.CallReport{})

	hook, err := hooks.Create(ctx, webhook.Webhook{
		ID:   "5b0b1c0a-7785-41e3-964f-000c2977e6c8",
		URL:  "https://crm.example/calls",
		Body: `{"status": "{{payload.status}}"}`,
	})
	if err != nil {
		log.Fatal(err)
	}
	hook.Body = `{"call": "{{payload.id}}", "state": "{{payload.staus}}"}`
	_, err = hooks.Update(ctx, hook.Webhook, hook.Version)
	fmt.Println(err)
	hook.Body = `{"call": "{{payload.id}}", "state": "{{payload.status}}"}`
	hook, err = hooks.Update(ctx, hook.Webhook, hook.Version)
	fmt.Println(hook.Version, err)

	db, err := sqlite.OpenDB(path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = tx.ExecContext(ctx, `CREATE TABLE calls AS SELECT 'c1' AS id, 'answered' AS status`)
	if err == nil {
		event := webhook.RawEvent{Type: "call", JSON: []byte(`{"id": "c1", "status": "answered"}`)}
		err = hooks.DispatchTx(ctx, tx, hook.ID, event)
	}
	if err != nil && !errors.Is(err, durable.ErrNotComposed) {
		log.Fatal(errors.Join(err, tx.Rollback()))
	}
	fmt.Println(tx.Commit())
	stats, err := q.Stats(ctx)
	fmt.Println(stats.Pending, err)
	// Output:
	// webhook: body: offset 39: unknown name "payload.staus"; did you mean "payload.status"?
	// 2 <nil>
	// <nil>
	// 1 <nil>
}
