// Outbox-postgres reports events in the transactions that write the business data they
// tell of, to webhooks that are in the same database: an event leaves if and only if
// its call is kept. Of three calls, the transaction of the second is rolled back. It
// needs a database that it may make a schema in, which it removes at the end.
//
//	RINGHOOK_POSTGRES=postgres://user:password@127.0.0.1:5432/database go run ./examples/outbox-postgres
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/webhooktest"
)

func main() {
	dsn := os.Getenv("RINGHOOK_POSTGRES")
	if dsn == "" {
		log.Fatal("set RINGHOOK_POSTGRES to the DSN of a database")
	}
	if err := run(context.Background(), os.Stdout, dsn); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, dsn string) error {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	schema := "outbox_" + strings.ToLower(rand.Text()) // yours is the default one
	engine, err := postgres.New(pool, durable.Config{Schema: schema})
	if err != nil {
		return err
	}
	//nolint:errcheck // there is nobody to tell
	defer pool.Exec(context.WithoutCancel(ctx), `DROP SCHEMA IF EXISTS `+schema+` CASCADE`)
	if err := engine.Migrate(ctx); err != nil {
		return err
	}
	calls := schema + ".calls" // yours is in any schema of the same database
	_, err = pool.Exec(ctx, `CREATE TABLE `+calls+` (id text PRIMARY KEY, seconds bigint NOT NULL)`)
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
	hooks := engine.Webhooks(q, payload.CallReport{})
	// This is what the customer wrote into your form.
	hook, err := hooks.Create(ctx, webhook.Webhook{
		URL:  receiver.URL + "/calls",
		Body: `{"call": "@{{payload.mid}}", "seconds": "@{{payload.duration}}"}`,
	})
	if err != nil {
		return err
	}
	service := &service{pool: pool, calls: calls, hooks: hooks}
	for i, seconds := range []int{30, -1, 12} {
		id := fmt.Sprintf("call-%d", i+1)
		if err := service.callEnded(ctx, hook.ID, id, seconds); err != nil {
			fmt.Fprintf(out, "%s: rolled back: %v\n", id, err)
			continue
		}
		fmt.Fprintf(out, "%s: committed\n", id)
	}

	if err := deliver(ctx, q); err != nil {
		return err
	}
	var n int
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM `+calls).Scan(&n); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d calls are in the table, and the receiver got:\n", n)
	for _, r := range receiver.Requests() {
		fmt.Fprintf(out, "%s\n", r.Body)
	}
	return nil
}

type service struct {
	pool  *pgxpool.Pool
	calls string // the table
	hooks *durable.Webhooks[pgx.Tx]
}

// callEnded keeps a call and dispatches its report to a webhook, both or neither.
func (s *service) callEnded(ctx context.Context, webhookID, id string, seconds int) error {
	took := payload.SecondsNumber(time.Duration(seconds) * time.Second)
	report := payload.CallReport{MID: id, Duration: took}
	// BeginFunc commits if the function returns nil.
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO `+s.calls+` (id, seconds) VALUES ($1, $2)`, id, seconds)
		if err != nil {
			return err
		}
		// A call that is reported twice is one message. Its ID is not the call's, which
		// may be reported to other webhooks too, and again when it has another status.
		messageID, err := s.hooks.ContentID(webhookID, report)
		if err != nil {
			return err
		}
		err = s.hooks.DispatchIDTx(ctx, tx, webhookID, messageID, report)
		// An event that cannot be composed is in the history, as failed.
		if err != nil && !errors.Is(err, durable.ErrNotComposed) {
			return err
		}
		if seconds < 0 { // whatever goes wrong in here, the report does not leave
			return errors.New("a call cannot take less than no time")
		}
		return nil
	})
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
