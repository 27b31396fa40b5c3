// Outbox-sqlite enqueues webhooks in the transactions that write the business data they
// tell of: an event leaves if and only if its call is kept. Of three calls, the
// transaction of the second is rolled back. Calls and webhooks are in one SQLite file.
//
//	go run ./examples/outbox-sqlite
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/webhooktest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	folder, err := os.MkdirTemp("", "outbox")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "calls.db")
	engine, err := sqlite.Open(file, durable.Config{})
	if err != nil {
		return err
	}
	defer engine.Close()
	db, err := sqlite.OpenDB(file)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, `CREATE TABLE calls (id text PRIMARY KEY, seconds integer NOT NULL)`)
	if err != nil {
		return err
	}

	receiver := webhooktest.NewReceiver() // plays the customer's server
	defer receiver.Close()
	// In production, the client is &webhook.Client{}.
	q, err := queue.New(receiver.Client(), engine, queue.Config{})
	if err != nil {
		return err
	}
	service := &service{db: db, engine: engine, queue: q, composer: webhook.MustCompile(webhook.Webhook{
		ID:   "dd4b91af-167d-48e6-901d-ae181ff6e80d",
		URL:  receiver.URL + "/calls",
		Body: `{"call": "@{{payload.mid}}", "seconds": "@{{payload.duration}}"}`,
	})}
	for i, seconds := range []int{30, -1, 12} {
		id := fmt.Sprintf("call-%d", i+1)
		if err := service.callEnded(ctx, id, seconds); err != nil {
			fmt.Fprintf(out, "%s: rolled back: %v\n", id, err)
			continue
		}
		fmt.Fprintf(out, "%s: committed\n", id)
	}

	if err := deliver(ctx, q); err != nil {
		return err
	}
	var calls int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM calls`).Scan(&calls); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d calls are in the table, and the receiver got:\n", calls)
	for _, r := range receiver.Requests() {
		fmt.Fprintf(out, "%s\n", r.Body)
	}
	return nil
}

type service struct {
	db       *sql.DB
	engine   *sqlite.Engine
	queue    *queue.Queue
	composer *webhook.Composer
}

// callEnded keeps a call and enqueues its report, both or neither.
func (s *service) callEnded(ctx context.Context, id string, seconds int) error {
	took := payload.SecondsNumber(time.Duration(seconds) * time.Second)
	message, err := s.composer.ComposeID(id, payload.CallReport{MID: id, Duration: took})
	if err != nil {
		return err
	}
	task, err := s.queue.Task(message)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it does nothing after Commit
	_, err = tx.ExecContext(ctx, `INSERT INTO calls (id, seconds) VALUES (?, ?)`, id, seconds)
	if err != nil {
		return err
	}
	if err := s.engine.EnqueueTx(ctx, tx, task); err != nil {
		return err
	}
	if seconds < 0 { // whatever goes wrong in here, the report does not leave
		return errors.New("a call cannot take less than no time")
	}
	return tx.Commit()
}

// deliver runs the queue until nothing is left in it. A service runs it for as long as
// it lives.
func deliver(ctx context.Context, q *queue.Queue) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	if err := q.Drain(ctx); err != nil {
		return err
	}
	cancel()
	return <-ended
}
