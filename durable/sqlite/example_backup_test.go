package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

// A file is copied while the service uses it, and the copy is opened in its place.
func ExampleOpenDB_backup() {
	folder, err := os.MkdirTemp("", "ringhook")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path, backup := filepath.Join(folder, "webhooks.db"), filepath.Join(folder, "backup.db")
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
	composer := webhook.MustCompile(webhook.Webhook{ID: "calls", URL: "https://receiver.example/calls"})
	for _, id := range []string{"call-1", "call-2"} {
		m, err := composer.ComposeID(id, webhook.RawEvent{Type: "call", JSON: []byte(`{}`)})
		if err == nil {
			err = q.Send(ctx, m)
		}
		if err != nil {
			log.Fatal(err)
		}
	}

	db, err := sqlite.OpenDB(path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", backup); err != nil {
		log.Fatal(err)
	}

	restored, err := sqlite.Open(backup, durable.Config{}) // as webhooks.db, with no -wal and -shm beside it
	if err != nil {
		log.Fatal(err)
	}
	defer restored.Close()
	counts, err := restored.Count(ctx, durable.Filter{State: durable.StatePending})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("pending in the backup:", counts.States[durable.StatePending].N)
	// Output:
	// pending in the backup: 2
}

// moveWebhooks takes the webhooks of one database to another, of whatever kind, with
// their ids, customers, secrets and states. Receivers notice nothing.
func moveWebhooks(ctx context.Context, from *durable.Hooks, to func(tenant string) (*durable.Hooks, error)) error {
	for filter := (durable.WebhookFilter{}); ; {
		page, err := from.List(ctx, filter)
		if err != nil {
			return err
		}
		for _, d := range page.Webhooks {
			hooks, err := to(d.Tenant)
			if err != nil {
				return err
			}
			if err := moveWebhook(ctx, from, hooks, d); err != nil {
				return fmt.Errorf("webhook %s: %w", d.ID, err)
			}
		}
		if filter.After = page.Next; page.Next == "" {
			return nil
		}
	}
}

func moveWebhook(ctx context.Context, from, to *durable.Hooks, d durable.Definition) error {
	secrets, err := from.Secrets(ctx, d.ID)
	if err != nil {
		return err
	}
	if _, err := to.Create(ctx, d.Webhook); err != nil {
		return err
	}
	if len(secrets) > 0 { // the newest first: older ones end soon anyway
		if _, err := to.SetSecret(ctx, d.ID, secrets[0].Secret); err != nil {
			return err
		}
	}
	switch d.State {
	case queue.StatePaused:
		return to.Pause(ctx, d.ID, d.Reason)
	case queue.StateDisabled:
		return to.Disable(ctx, d.ID, d.Reason)
	default:
		return nil
	}
}

// Webhooks move to another database, such as one of Postgres. Then the service dispatches
// there, while the queue of the old one runs until nothing is pending.
func Example_move() {
	folder, err := os.MkdirTemp("", "ringhook")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	open := func(name string) (*sqlite.Engine, error) { // the second one could be postgres.New's
		return sqlite.Open(filepath.Join(folder, name), durable.Config{})
	}
	before, err := open("old.db")
	if err != nil {
		log.Fatal(err)
	}
	defer before.Close()
	after, err := open("new.db")
	if err != nil {
		log.Fatal(err)
	}
	defer after.Close()
	ctx := context.Background()
	acme, err := before.Webhooks(nil).Tenant("acme")
	if err != nil {
		log.Fatal(err)
	}
	const paused = "3b0c4a52-0c6d-4f0e-9a51-7c1f0a2b7c11"
	for id, name := range map[string]string{"1f6e2d8c-92b4-4d0c-8f0e-2f6f5a1f9e02": "calls", paused: "statuses"} {
		if _, err := acme.Create(ctx, webhook.Webhook{ID: id, Name: name, URL: "https://receiver.example/"}); err != nil {
			log.Fatal(err)
		}
	}
	if err := acme.Pause(ctx, paused, "maintenance"); err != nil {
		log.Fatal(err)
	}

	to := after.Webhooks(nil)
	err = moveWebhooks(ctx, before.Webhooks(nil).All(), func(tenant string) (*durable.Hooks, error) {
		if tenant == "" {
			return to.All(), nil
		}
		return to.Tenant(tenant)
	})
	if err != nil {
		log.Fatal(err)
	}
	page, err := to.List(ctx, durable.WebhookFilter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range page.Webhooks {
		old, err := acme.Secrets(ctx, d.ID)
		if err != nil {
			log.Fatal(err)
		}
		moved, err := to.Secrets(ctx, d.ID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(d.Tenant, d.Name, d.State, d.Reason, "same secret:", old[0].Secret.Reveal() == moved[0].Secret.Reveal())
	}
	// Unordered output:
	// acme calls enabled  same secret: true
	// acme statuses paused maintenance same secret: true
}
