package sqlite_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// setup opens an engine for an example, on a file that goes with the folder.
func setup(config durable.Config) (engine *sqlite.Engine, hooks *durable.Webhooks[*sql.Tx], path string, end func()) {
	config.Logger = slog.New(slog.DiscardHandler)
	folder, err := os.MkdirTemp("", "ringhook")
	if err != nil {
		log.Fatal(err)
	}
	path = filepath.Join(folder, "webhooks.db")
	if engine, err = sqlite.Open(path, config); err != nil {
		log.Fatal(err)
	}
	q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
	if err != nil {
		log.Fatal(err)
	}
	return engine, engine.Webhooks(q), path, func() {
		if err := errors.Join(engine.Close(), os.RemoveAll(folder)); err != nil {
			log.Fatal(err)
		}
	}
}

const crmID = "1f6e2d8c-92b4-4d0c-8f0e-2f6f5a1f9e02"

func createCRM(ctx context.Context, hooks *durable.Webhooks[*sql.Tx]) {
	if _, err := hooks.Create(ctx, webhook.Webhook{ID: crmID, URL: "https://crm.example/hook"}); err != nil {
		log.Fatal(err)
	}
}

// An event leaves if and only if the transaction commits that it belongs to.
func Example_transaction() {
	engine, hooks, path, end := setup(durable.Config{})
	defer end()
	ctx := context.Background()
	createCRM(ctx, hooks)
	db, err := sqlite.OpenDB(path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for _, commits := range []bool{false, true} {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		// Here the rows are written that say the same to the service itself.
		if err := hooks.DispatchTx(ctx, tx, crmID, payload.CallReport{MID: "7"}); err != nil {
			log.Fatal(err)
		}
		finish := tx.Rollback
		if commits {
			finish = tx.Commit
		}
		if err := finish(); err != nil {
			log.Fatal(err)
		}
		counts, err := engine.Count(ctx, durable.Filter{})
		fmt.Println("committed:", commits, "deliveries:", counts.States[durable.StatePending], err)
	}
	// Output:
	// committed: false deliveries: 0 <nil>
	// committed: true deliveries: 1 <nil>
}

// With a Sealer, the file has no number, no text and no credential that can be read.
func Example_sealed() {
	key, indexKey := make([]byte, 32), make([]byte, 32) // from where secrets are kept
	_, _ = rand.Read(key)
	_, _ = rand.Read(indexKey)
	sealer, err := durable.AESGCM("2026-11", map[string][]byte{"2026-11": key})
	if err != nil {
		log.Fatal(err)
	}
	for _, config := range []durable.Config{{}, {Sealer: sealer, IndexKey: indexKey}} {
		engine, hooks, path, end := setup(config)
		ctx := context.Background()
		createCRM(ctx, hooks)
		if err := hooks.Dispatch(ctx, crmID, payload.CallReport{MID: "7", To: payload.PhoneString("919019912345")}); err != nil {
			log.Fatal(err)
		}
		found, err := engine.List(ctx, durable.Filter{Ref: "919019912345"})
		if err != nil {
			log.Fatal(err)
		}
		stored, err := contents(path)
		fmt.Println("sealed:", config.Sealer != nil, "found:", len(found.Deliveries), "readable:", bytes.Contains(stored, []byte("9019912345")), err)
		end()
	}
	// Output:
	// sealed: false found: 1 readable: true <nil>
	// sealed: true found: 1 readable: false <nil>
}

// contents are all bytes of a file of SQLite, with its log.
func contents(path string) ([]byte, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	wal, err := os.ReadFile(path + "-wal")
	return append(file, wal...), err
}

// A person is forgotten: what was sent is gone, and the rows stay that say it was sent. The
// rest can be handed out as lines of JSON.
func Example_erase() {
	engine, hooks, _, end := setup(durable.Config{})
	defer end()
	ctx := context.Background()
	createCRM(ctx, hooks)
	for _, number := range []string{"919019912345", "919019900000"} {
		if err := hooks.Dispatch(ctx, crmID, payload.CallReport{MID: "7", To: payload.PhoneString(number)}); err != nil {
			log.Fatal(err)
		}
	}
	erased, err := engine.Erase(ctx, durable.Filter{Ref: "919019912345"}, 0)
	fmt.Println("erased:", erased.Deliveries, "of them not sent yet:", erased.Canceled, err)

	var lines strings.Builder
	n, err := engine.Export(ctx, durable.Filter{}, &lines, durable.ExportBodies)
	fmt.Println("lines:", n, err)
	fmt.Println(strings.Contains(lines.String(), "919019912345"), strings.Contains(lines.String(), "919019900000"))
	// Output:
	// erased: 1 of them not sent yet: 1 <nil>
	// lines: 2 <nil>
	// false true
}
