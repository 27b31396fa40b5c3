package durable

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ringhook/webhook/durable/internal/store"
)

// A State is that of a delivery.
type State string

// The states of a delivery. With all but the first, it has ended.
const (
	StatePending   State = "pending"   // to be sent, or being sent
	StateDelivered State = "delivered" // a receiver has it
	StateFailed    State = "failed"    // the last attempt failed
	StateDropped   State = "dropped"   // without a last attempt, for its Reason
	StateCanceled  State = "canceled"  // by Cancel, or since its webhook was deleted
)

// migrations are the steps from an empty database to the newest layout. A step that was
// released is never changed: a change is another step.
//
// seq numbers deliveries in the order of Enqueue. gen goes up each time that a delivery
// is resent, or is to be sent at once (which hurried counts), so that older jobs and
// verdicts no longer count. The gen of an attempt is how often its delivery had been
// resent. active is 1 if a job of River's will wake the delivery: always, except for
// the later ones of an ordering, and for those that ended while they were not handed
// out. held is the time until which an ordered delivery belongs to its worker, or -1 for
// one whose message could not be read. message
// is empty for an event that could not be composed.
//
// problem is the code of what went wrong with an attempt and its arguments, as a list in
// JSON; empty: none. answer, location and header are what the receiver said; see
// attempt.go.
//
// erased is 1 if what was sent is kept no more; then message is empty, subject and
// ordering are NULL, and there are no event, refs, and answers.
//
// sent is 1 if an attempt that is not in the table, since it was cut off and does not count,
// may have sent something.
//
// parked is 1 if the delivery has no job since its endpoint is paused; see endpoint.go.
//
// webhook_version is that of the definition that the message was composed with; 0 if it
// is of none in the table. Definitions are only added: the current one of an id has the
// highest version. Its disabled counted before there was a table of endpoints. For
// deleted and purge, see delete.go. All versions have the tenant. The first also stands
// for the webhook as a whole: its state is a copy of that of the endpoint, so that an
// index has it.
//
// event has the event of a delivery, in a table of its own since it is written once,
// and a delivery several times. of_id is the ID of the delivery that one was made of
// with another definition; empty: of none.
//
// shared is the ID of the shared_event that has the JSON of an event which was published
// to several webhooks; its own is empty then. NULL: it has its own.
//
// subscription has what webhooks are subscribed to, all of it in each row, of which the
// one with the highest rev counts. subscriber has that of the rows which count, by what an
// event is looked up: see subscribe.go.
//
// secret has those of webhooks; until is when one ends, 0 for never. Each change of them
// raises the only rev in secret_rev.
//
// proved is 0 for a version whose URL Verify has not accepted; see verify.go.
//
// ref has what deliveries are found by, each with the time that its delivery was
// created, so that pages are in its index. subject is NULL where there is none.
//
// A page is read from one of seven indexes, unless it is of a ref or a subject: of the
// webhook, the endpoint or the tenant, of a webhook's or a tenant's events, of the event,
// or of the state. Those that failed in some way have three of their own, which cost
// nothing until a delivery has failed: of the webhook, else of the tenant, or of all.
// Further conditions are expressions, in the index and in the statement, or Postgres could
// choose another index: its statistics say that what half of all deliveries have is
// found soon among the newest, which is wrong if it was last used a month ago.
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
}, {
	// Only what a dialect adds.
}, {
	`ALTER TABLE @delivery ADD COLUMN content BLOB`,
}, {
	`CREATE TABLE @event (
		seq  bigint PRIMARY KEY,
		type text   NOT NULL,
		json BLOB   NOT NULL
	)`,
	`ALTER TABLE @delivery ADD COLUMN of_id text NOT NULL DEFAULT ''`,
	`CREATE INDEX ringhook_recomposed ON @delivery (of_id) WHERE of_id <> ''`,
	// Attempts of before may have arrived: of those nobody knows.
	`ALTER TABLE @attempt ADD COLUMN requests bigint NOT NULL DEFAULT 0`,
	`ALTER TABLE @attempt ADD COLUMN arrived  bigint NOT NULL DEFAULT 1`,
	`ALTER TABLE @attempt ADD COLUMN want     text   NOT NULL DEFAULT ''`,
	`ALTER TABLE @attempt ADD COLUMN location text   NOT NULL DEFAULT ''`,
	`ALTER TABLE @attempt ADD COLUMN answer   text   NOT NULL DEFAULT ''`,
	`ALTER TABLE @delivery ADD COLUMN hurried bigint NOT NULL DEFAULT 0`,
	`ALTER TABLE @delivery ADD COLUMN subject text`,
	`CREATE INDEX ringhook_delivery_subject ON @delivery (subject, created, seq) WHERE subject IS NOT NULL`,
	`CREATE TABLE @ref (
		delivery_seq bigint NOT NULL,
		n            bigint NOT NULL,
		ref          text   NOT NULL,
		at           bigint NOT NULL,
		PRIMARY KEY (delivery_seq, n)
	)`,
	`CREATE INDEX ringhook_ref_ref ON @ref (ref, at, delivery_seq)`,
	`CREATE TABLE @tally (
		webhook_id text   NOT NULL,
		hour       bigint NOT NULL,
		outcome    text   NOT NULL,
		n          bigint NOT NULL,
		PRIMARY KEY (webhook_id, hour, outcome)
	)`,
	`CREATE INDEX ringhook_tally_hour ON @tally (hour)`,
	`CREATE TABLE @endpoint (
		key           text   PRIMARY KEY,
		state         text   NOT NULL,
		reason        text   NOT NULL,
		actor         text   NOT NULL,
		since         bigint NOT NULL,
		failing_since bigint NOT NULL,
		last_failure  bigint NOT NULL,
		tell          bigint NOT NULL,
		rev           bigint NOT NULL
	)`,
	`CREATE UNIQUE INDEX ringhook_endpoint_rev ON @endpoint (rev)`,
	`CREATE INDEX ringhook_endpoint_paused ON @endpoint (key) WHERE state = 'paused'`,
	`CREATE TABLE @endpoint_change (
		key    text   NOT NULL,
		rev    bigint NOT NULL,
		at     bigint NOT NULL,
		actor  text   NOT NULL,
		was    text   NOT NULL,
		state  text   NOT NULL,
		reason text   NOT NULL,
		PRIMARY KEY (key, rev)
	)`,
	`ALTER TABLE @delivery ADD COLUMN parked bigint NOT NULL DEFAULT 0`,
	`CREATE INDEX ringhook_delivery_parked ON @delivery (key, created, seq) WHERE parked = 1`,
	// The webhooks whose newest version was disabled, since the first of such versions.
	`INSERT INTO @endpoint (key, state, reason, actor, since, failing_since, last_failure, tell, rev)
		SELECT id, 'disabled', '', '', (SELECT min(changed) FROM @webhook WHERE id = w.id AND version >
				(SELECT coalesce(max(version), 0) FROM @webhook WHERE id = w.id AND disabled = 0)),
			0, 0, 0, row_number() OVER (ORDER BY id)
		FROM @webhook AS w WHERE disabled = 1 AND version = (SELECT max(version) FROM @webhook WHERE id = w.id)`,
	`INSERT INTO @endpoint_change (key, rev, at, actor, was, state, reason)
		SELECT key, rev, since, '', 'enabled', state, '' FROM @endpoint`,
}, {
	`DROP INDEX #ringhook_delivery_pending`,
	`CREATE INDEX ringhook_delivery_waiting ON @delivery (key, event, due, created) WHERE state = 'pending'`,
	`CREATE TABLE @process (
		id   text   PRIMARY KEY,
		seen bigint NOT NULL
	)`,
	// Webhooks of before get their first when it is asked for.
	`CREATE TABLE @secret (
		webhook_id text   NOT NULL,
		n          bigint NOT NULL,
		created    bigint NOT NULL,
		until      bigint NOT NULL,
		secret     BLOB   NOT NULL,
		PRIMARY KEY (webhook_id, n)
	)`,
	`CREATE TABLE @secret_rev (one bigint PRIMARY KEY, rev bigint NOT NULL)`,
	`INSERT INTO @secret_rev (one, rev) VALUES (1, 0)`,
	`ALTER TABLE @webhook ADD COLUMN deleted bigint NOT NULL DEFAULT 0`,
	`ALTER TABLE @webhook ADD COLUMN purge bigint NOT NULL DEFAULT 0`,
	`CREATE INDEX ringhook_webhook_purge ON @webhook (purge) WHERE version = 1 AND purge > 0`,
	`ALTER TABLE @webhook ADD COLUMN tenant text NOT NULL DEFAULT ''`,
	`ALTER TABLE @webhook ADD COLUMN state text NOT NULL DEFAULT 'enabled'`,
	`UPDATE @webhook SET state = coalesce((SELECT state FROM @endpoint WHERE key = id), 'enabled')
		WHERE version = 1`,
	`CREATE INDEX ringhook_webhook_all ON @webhook (id) WHERE version = 1 AND deleted = 0`,
	`CREATE INDEX ringhook_webhook_state ON @webhook (state, id) WHERE version = 1 AND deleted = 0`,
	`CREATE INDEX ringhook_webhook_tenant ON @webhook (tenant, id) WHERE version = 1 AND deleted = 0`,
	`CREATE INDEX ringhook_webhook_tenant_state ON @webhook (tenant, state, id)
		WHERE version = 1 AND deleted = 0`,
	`ALTER TABLE @delivery ADD COLUMN tenant text NOT NULL DEFAULT ''`,
	`CREATE INDEX ringhook_delivery_tenant ON @delivery (tenant, (state || ''), created, seq, (event || ''))
		WHERE tenant <> ''`,
	`ALTER TABLE @delivery ADD COLUMN erased bigint NOT NULL DEFAULT 0`,
	// With erased first, it finds what still has data, and costs no more than before.
	`DROP INDEX #ringhook_delivery_ended`,
	`CREATE INDEX ringhook_delivery_ended ON @delivery (erased, state, ended) WHERE ended IS NOT NULL`,
}, {
	`CREATE INDEX ringhook_delivery_class ON @delivery
		(class, created, seq, (status + 0), (event || '')) WHERE state || '' = 'failed'`,
	`CREATE INDEX ringhook_delivery_class_webhook ON @delivery
		((webhook_id || ''), (class || ''), created, seq, (status + 0), (event || '')) WHERE state || '' = 'failed'`,
	`CREATE INDEX ringhook_delivery_class_tenant ON @delivery
		((tenant || ''), (class || ''), created, seq, (status + 0), (event || ''))
		WHERE tenant <> '' AND state || '' = 'failed'`,
	// Who stored the versions of before is not known.
	`ALTER TABLE @webhook ADD COLUMN actor text NOT NULL DEFAULT ''`,
}, {
	`ALTER TABLE @attempt ADD COLUMN header  text NOT NULL DEFAULT ''`,
	`ALTER TABLE @attempt ADD COLUMN problem text NOT NULL DEFAULT ''`,
}, {
	// With what failures are counted by, so that no table is read for it.
	`DROP INDEX #ringhook_delivery_state`,
	`CREATE INDEX ringhook_delivery_state ON @delivery (state, created, seq, class, status)`,
	`DROP INDEX #ringhook_delivery_webhook`,
	`CREATE INDEX ringhook_delivery_webhook ON @delivery (webhook_id, (state || ''), created, seq, class, status)`,
	`DROP INDEX #ringhook_delivery_tenant`,
	`CREATE INDEX ringhook_delivery_tenant ON @delivery (tenant, (state || ''), created, seq, class, status)
		WHERE tenant <> ''`,
	`CREATE INDEX ringhook_delivery_webhook_event ON @delivery (webhook_id, event, (state || ''), created, seq)`,
	`CREATE INDEX ringhook_delivery_tenant_event ON @delivery (tenant, event, (state || ''), created, seq)
		WHERE tenant <> ''`,
}, {
	`CREATE TABLE @subscription (
		webhook_id    text   NOT NULL,
		rev           bigint NOT NULL,
		changed       bigint NOT NULL,
		actor         text   NOT NULL,
		subscriptions text   NOT NULL,
		PRIMARY KEY (webhook_id, rev)
	)`,
	`CREATE TABLE @subscriber (
		tenant     text NOT NULL,
		identity   text NOT NULL,
		lane       text NOT NULL,
		webhook_id text NOT NULL,
		events     text NOT NULL,
		PRIMARY KEY (tenant, identity, lane, webhook_id, events)
	)`,
	`CREATE INDEX ringhook_subscriber_webhook ON @subscriber (webhook_id)`,
	`CREATE TABLE @shared_event (
		id   text PRIMARY KEY,
		json BLOB NOT NULL
	)`,
	`ALTER TABLE @event ADD COLUMN shared text`,
	`CREATE INDEX ringhook_event_shared ON @event (shared) WHERE shared IS NOT NULL`,
}, {
	`ALTER TABLE @webhook ADD COLUMN proved bigint NOT NULL DEFAULT 1`,
}, {
	`ALTER TABLE @delivery ADD COLUMN sent bigint NOT NULL DEFAULT 0`,
}}

// Migrate brings the tables up to date, River's and ours. It changes nothing where they
// are, may be called by several processes at once, and never removes anything. Call it
// before the first Enqueue; sqlite.Open does. A service whose role in Postgres may not
// make tables can leave it to another one, and call Check.
//
// It refuses tables of a newer version than this program's, and those that another user
// of River keeps jobs in: its clients would throw ours away.
func (e *Engine[T]) Migrate(ctx context.Context) error {
	before := func(tx T) error {
		found, err := e.layout(ctx, e.inside(tx))
		if err == nil {
			err = e.refuseNewer(found)
		}
		if err == nil && found.river > 0 {
			err = e.refuseShared(ctx, e.inside(tx))
		}
		return err
	}
	after := func(tx T) error {
		found, err := e.layout(ctx, e.inside(tx))
		if err != nil {
			return err
		}
		return e.migrate(ctx, e.inside(tx), found.own)
	}
	if err := e.store.Migrate(ctx, before, after); err != nil {
		return fmt.Errorf("durable: migrate: %w", err)
	}
	return nil
}

// migrate takes our tables from a version to the newest.
func (e *Engine[T]) migrate(ctx context.Context, run runFunc, version int) error {
	exec := func(text string, args ...any) error {
		return run(ctx, store.Stmt{SQL: e.dialect.SQL(text), Args: args})
	}
	if version == 0 {
		if err := exec(`CREATE TABLE IF NOT EXISTS @migration (version bigint PRIMARY KEY)`); err != nil {
			return err
		}
	}
	for ; version < len(migrations); version++ {
		texts := migrations[version]
		if version < len(e.dialect.Migrations) {
			texts = slices.Concat(texts, e.dialect.Migrations[version])
		}
		for _, text := range texts {
			if err := exec(text); err != nil {
				return err
			}
		}
		if err := exec(`INSERT INTO @migration (version) VALUES ($1)`, int64(version+1)); err != nil {
			return err
		}
	}
	return nil
}

// A layout is the versions of the tables, ours and River's. Zero: there are none.
type layout struct{ own, river int }

// layout returns that of the database.
func (e *Engine[T]) layout(ctx context.Context, run runFunc) (layout, error) {
	number := func(text string) (int, error) {
		var n int64
		err := run(ctx, store.Stmt{SQL: text, Scan: func(row store.Row) error { return row.Scan(&n) }})
		return int(n), err
	}
	var found layout
	err := run(ctx, store.Stmt{SQL: e.dialect.Tables, Scan: func(row store.Row) error {
		var own, river int64
		err := row.Scan(&own, &river)
		found = layout{int(own), int(river)}
		return err
	}})
	if err == nil && found.own > 0 {
		found.own, err = number(e.sql.version)
	}
	if err == nil && found.river > 0 {
		found.river, err = number(e.sql.riverVersion)
	}
	return found, err
}

// checkLayout returns nil if the tables are of the version that this program works
// with.
func (e *Engine[T]) checkLayout(found layout) error {
	if err := e.refuseNewer(found); err != nil {
		return err
	}
	if found != e.known {
		return errors.New("the tables are not up to date: call Migrate")
	}
	return nil
}

// refuseNewer returns an error for tables of a newer version.
func (e *Engine[T]) refuseNewer(found layout) error {
	if found.own > e.known.own || found.river > e.known.river {
		const format = "the tables are of a newer version, %d with River's %d: this program knows %d with River's %d"
		return fmt.Errorf(format, found.own, found.river, e.known.own, e.known.river)
	}
	return nil
}

// refuseShared returns an error if another program keeps jobs in River's tables.
func (e *Engine[T]) refuseShared(ctx context.Context, run runFunc) error {
	const format = "another user of River has %q in the same tables: give each a schema or file of its own"
	var other *string
	scan := func(row store.Row) error { return row.Scan(&other) }
	for _, text := range []string{e.sql.otherQueue, e.sql.otherKind} {
		if err := run(ctx, store.Stmt{SQL: text, Scan: scan}); err != nil {
			return err
		}
		if other != nil {
			return fmt.Errorf(format, *other)
		}
	}
	return nil
}
