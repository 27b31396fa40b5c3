package durable

import (
	"context"
	"fmt"
	"slices"

	"github.com/ringhook/webhook/durable/internal/store"
)

// A State is where a delivery stands.
type State string

// The states of a delivery. All but the first are its end.
const (
	Pending   State = "pending"   // to be sent, or being sent
	Delivered State = "delivered" // a receiver has it
	Failed    State = "failed"    // the last attempt failed
	Dropped   State = "dropped"   // ended without a last attempt; its reason says why
	Canceled  State = "canceled"  // by Cancel
)

// migrations are the steps from nothing to the newest layout. A step that was released is never changed: another follows it.
//
// seq numbers deliveries in the order of Enqueue. gen is one higher after each resending, so that a job and a verdict of before
// it count no more. active is 1 if a job of River's will wake the delivery: always, but for the later ones of an ordering, and
// for those that have ended while they were not handed out. held is until when an ordered delivery belongs to the worker that
// has it. message is empty where an event could not be composed, which is failed for good.
//
// webhook_version is that of the definition that the message was composed with; 0: of none in the table. Definitions are only
// ever added: the current one of an id has the highest version.
//
// A page is read from one of four indexes: that of the webhook or of the endpoint, else of the event, else of the state. What
// comes second in one is an expression there and in the statement, or Postgres could take the other: its statistics say that
// what half of all deliveries have is found soon among the newest, and are wrong where it was last used a month ago.
var migrations = [][]string{{
	`CREATE TABLE @delivery (
		seq        IDENTITY,
		id         text   NOT NULL,
		webhook_id text   NOT NULL,
		webhook_version bigint NOT NULL DEFAULT 0,
		key        text   NOT NULL,
		event      text   NOT NULL,
		ordering   text,
		rank       bigint NOT NULL,
		state      text   NOT NULL,
		reason     text   NOT NULL DEFAULT '',
		gen        bigint NOT NULL DEFAULT 0,
		active     bigint NOT NULL,
		attempts   bigint NOT NULL DEFAULT 0,
		created    bigint NOT NULL,
		due        bigint NOT NULL,
		held       bigint NOT NULL DEFAULT 0,
		ended      bigint,
		status     bigint NOT NULL DEFAULT 0,
		class      text   NOT NULL DEFAULT '',
		error      text   NOT NULL DEFAULT '',
		message    BLOB   NOT NULL
	)`,
	`CREATE UNIQUE INDEX ringhook_delivery_id ON @delivery (id)`,
	`CREATE INDEX ringhook_delivery_state ON @delivery (state, created, seq)`,
	`CREATE INDEX ringhook_delivery_webhook ON @delivery (webhook_id, (state || ''), created, seq, (event || ''))`,
	`CREATE INDEX ringhook_delivery_key ON @delivery (key, (state || ''), created, seq, (event || ''))`,
	`CREATE INDEX ringhook_delivery_event ON @delivery (event, (state || ''), created, seq)`,
	`CREATE INDEX ringhook_delivery_ended ON @delivery (state, ended) WHERE ended IS NOT NULL`,
	`CREATE INDEX ringhook_delivery_pending ON @delivery (key, due, created) WHERE state = 'pending'`,
	`CREATE INDEX ringhook_delivery_ordering ON @delivery (ordering, state, seq) WHERE ordering IS NOT NULL`,
	`CREATE UNIQUE INDEX ringhook_delivery_head ON @delivery (ordering) WHERE ordering IS NOT NULL AND active = 1`,
	`CREATE TABLE @attempt (
		seq      bigint NOT NULL,
		gen      bigint NOT NULL,
		n        bigint NOT NULL,
		at       bigint NOT NULL,
		duration bigint NOT NULL,
		status   bigint NOT NULL,
		class    text   NOT NULL,
		error    text   NOT NULL,
		PRIMARY KEY (seq, gen, n)
	)`,
	`CREATE TABLE @webhook (
		id         text   NOT NULL,
		version    bigint NOT NULL,
		disabled   bigint NOT NULL,
		changed    bigint NOT NULL,
		definition text   NOT NULL,
		PRIMARY KEY (id, version)
	)`,
}}

// Migrate brings the tables up to date, River's and ours. It changes nothing where they are, may be called by several processes
// at once, and never removes anything. Call it before the first Enqueue; sqlite.Open does. A service whose role in Postgres may
// not make tables can leave it to another one, and call Check.
func (e *Engine[T]) Migrate(ctx context.Context) error {
	err := e.store.Migrate(ctx, func(tx T) error {
		run := func(ctx context.Context, stmts ...store.Stmt) error { return e.store.RunTx(ctx, tx, stmts...) }
		version, err := e.version(ctx, run)
		if err == nil && version == 0 {
			err = run(ctx, store.Stmt{SQL: e.dialect.SQL(`CREATE TABLE IF NOT EXISTS @migration (version bigint PRIMARY KEY)`)})
		}
		if err != nil {
			return err
		}
		for ; version < len(migrations); version++ {
			texts := migrations[version]
			if version == 0 {
				texts = slices.Concat(texts, e.dialect.Tune)
			}
			for _, text := range texts {
				if err := e.store.RunTx(ctx, tx, store.Stmt{SQL: e.dialect.SQL(text)}); err != nil {
					return err
				}
			}
			done := store.Stmt{SQL: e.dialect.SQL(`INSERT INTO @migration (version) VALUES ($1)`), Args: []any{int64(version + 1)}}
			if err := e.store.RunTx(ctx, tx, done); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("durable: migrate: %w", err)
	}
	return nil
}

// version is that of our tables; 0: there are none.
func (e *Engine[T]) version(ctx context.Context, run runFunc) (int, error) {
	var tables, version int64
	err := run(ctx, store.Stmt{SQL: e.sql.tables, Scan: func(row store.Row) error { return row.Scan(&tables) }})
	if err != nil || tables == 0 {
		return 0, err
	}
	err = run(ctx, store.Stmt{SQL: e.sql.version, Scan: func(row store.Row) error { return row.Scan(&version) }})
	return int(version), err
}
