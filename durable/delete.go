package durable

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// A webhook that is deleted keeps its rows, without their text, and gets a last version
// that has none: so its ID is not free again, and a change that was not committed yet
// finds its version taken. In all of them deleted is the time. What follows, the purge,
// is done in batches and may be repeated: purge is when it is to be done (again), and
// equals deleted until it was done once.

// errDeleted is for a delivery whose message has no URL any more.
var errDeleted = fmt.Errorf("%w: its webhook was deleted", ErrNoMessage)

// endpointDeleted is the state of an endpoint whose webhook was deleted, as a worker
// loads it. It is stored as disabled.
const endpointDeleted queue.EndpointState = "deleted"

const (
	purgeBatch = 200
	wipeBatch  = 50 // fewer: messages may be large
	// After what time a purge is repeated, for what was being written while it ran.
	purgeAgain = 10 * time.Minute
	// How long a purge is left to the Delete that has begun it.
	purgeWithin = time.Minute
)

// Delete ends a webhook for good, in all processes. What is pending is canceled, for the
// reason [queue.ReasonDeleted]; an attempt that is under way goes on, and counts as
// delivered if it succeeds. All versions of the definition and the subscriptions are
// removed, and so are the URLs and the values of headers in the messages that the history
// keeps, and the Locations of attempts. The rest of the history stays for as long as
// [Retention] says.
//
// The ID is never free again: Create returns [ErrExists], everything else
// [webhook.ErrNotFound], also a second Delete. Its deliveries can be looked at, but not
// be sent: [Engine.Resend] and RetryNow return [ErrNoMessage].
//
// When it returns nil, all that is done, which takes some 10 s for 100,000 deliveries.
// Nothing more is sent from the moment on that it has begun, for which it waits until an
// UpdateTx or a SubscribeTx has committed. If it fails or its process dies, call it again; else Run does
// the rest after some minutes.
func (w *Webhooks[T]) Delete(ctx context.Context, id string) error {
	err := w.engine.deleteWebhook(ctx, id)
	w.composers.Delete(id)
	if err != nil {
		return hookError(id, err)
	}
	return nil
}

func (e *Engine[T]) deleteWebhook(ctx context.Context, id string) error {
	if !isUUID(id) { // Postgres refuses some texts
		return webhook.ErrNotFound
	}
	var deleted int64
	err := e.inTx(ctx, func(tx T) (err error) {
		deleted, err = e.entomb(ctx, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	return e.purge(ctx, id, deleted, deleted)
}

// errUpdated says that a version was added while the webhook was to be deleted.
var errUpdated = errors.New("it was changed at the same time: try again")

// entomb removes the definition of a webhook and disables its endpoint. It returns the
// time from which it is deleted: an earlier one if the purge was not done yet.
func (e *Engine[T]) entomb(ctx context.Context, tx T, id string) (deleted int64, err error) {
	if e.config.Verify != nil { // first, as an Update does that adds a version then
		if err := e.store.RunTx(ctx, tx, e.store.Lock([]string{endpointLock})...); err != nil {
			return 0, err
		}
	}
	for range 10 {
		found := false
		var purge int64
		scan := func(row store.Row) error { found = true; return row.Scan(&deleted, &purge) }
		err := e.store.RunTx(ctx, tx, store.Stmt{SQL: e.sql.tombstone, Args: []any{id}, Scan: scan})
		switch {
		case err != nil:
			return 0, err
		case !found, deleted != purge:
			return 0, webhook.ErrNotFound
		case deleted > 0:
			return deleted, nil
		}
		// The statement waits for a change that another transaction has not committed.
		added := false
		deleted = micros(e.clock.now())
		err = e.store.RunTx(ctx, tx, store.Stmt{
			SQL: e.sql.entomb, Args: []any{id, deleted},
			Scan: func(row store.Row) error { added = true; return row.Scan(new(int64)) },
		})
		if err != nil {
			return 0, err
		}
		if added {
			// After that statement, as who updates a webhook and subscribes it does.
			if err := e.store.RunTx(ctx, tx, e.lockSubscriptions(id)...); err != nil {
				return 0, err
			}
			return deleted, e.endEndpoint(ctx, tx, id, deleted)
		}
	}
	return 0, errUpdated
}

// endEndpoint clears all versions of a webhook, and disables its endpoint for good:
// SetEndpoint leaves it alone from then on. It locks the endpoints first, as that does.
func (e *Engine[T]) endEndpoint(ctx context.Context, tx T, key string, at int64) error {
	var known queue.Endpoint
	stmts := append(e.store.Lock([]string{endpointLock}),
		store.Stmt{SQL: e.sql.clearVersions, Args: []any{key, at}}, e.endpointStmt(key, &known))
	stmts = slices.Concat(stmts, e.deleteSecrets(key), e.deleteSubscriptions(key))
	if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
		return err
	}
	reason, actor := string(queue.ReasonDeleted), actorOf(ctx)
	state := string(queue.StateDisabled)
	return e.store.RunTx(ctx, tx,
		store.Stmt{SQL: e.sql.logDeleted, Args: []any{key, state, reason, actor, at}},
		store.Stmt{
			SQL: e.sql.endEndpoint,
			Args: []any{
				key, known.Rev, state, reason, actor, at,
				microsOrZero(known.FailingSince), microsOrZero(known.LastFailure), int64(0),
			},
		})
}

// purge ends what is pending of a webhook that is deleted, and removes what its history
// has of the receiver.
func (e *Engine[T]) purge(ctx context.Context, id string, deleted, purge int64) error {
	for n, err := purgeBatch, error(nil); n == purgeBatch; {
		if n, err = e.cancelSome(ctx, id); err != nil {
			return err
		}
	}
	// Those that end meanwhile go on to a state that comes later.
	for _, state := range []State{StatePending, StateCanceled, StateFailed, StateDropped, StateDelivered} {
		if err := e.wipe(ctx, id, state); err != nil {
			return err
		}
	}
	var again int64
	if purge == deleted {
		again = micros(e.clock.now().Add(purgeAgain))
	}
	// The secrets and subscriptions once more: one may have been added by a transaction
	// that had not committed when the webhook was deleted.
	stmts := append(slices.Concat(e.deleteSecrets(id), e.deleteSubscriptions(id)), store.Stmt{SQL: e.sql.purged, Args: []any{id, purge, again}})
	return e.store.Run(ctx, stmts...)
}

// cancelSome cancels some pending deliveries of a webhook, and returns how many it has
// found.
func (e *Engine[T]) cancelSome(ctx context.Context, id string) (int, error) {
	var seqs []int64
	var orderings []string
	known := make(map[string]bool)
	err := e.store.Read(ctx, store.Stmt{
		SQL: e.sql.pendingOf, Args: []any{tag(id), int64(purgeBatch)},
		Scan: func(row store.Row) error {
			var seq int64
			var ordering *string
			err := row.Scan(&seq, &ordering)
			seqs = append(seqs, seq)
			if ordering != nil && !known[*ordering] {
				known[*ordering] = true
				orderings = append(orderings, *ordering)
			}
			return err
		},
	})
	if err != nil || len(seqs) == 0 {
		return 0, err
	}
	canceled := 0
	err = e.inTx(ctx, func(tx T) error {
		canceled = 0
		from, until := e.held(e.clock.now())
		stmts := e.store.Lock(orderings)
		for _, seq := range seqs {
			stmts = append(stmts, store.Stmt{
				SQL: e.sql.cancelDeleted, Args: []any{seq, from, until},
				Scan: func(row store.Row) error { canceled++; return row.Scan(new(int64)) },
			})
		}
		var jobs []river.InsertManyParams
		for _, ordering := range orderings { // what was enqueued since is found when it is due
			stmts = append(stmts, e.promoteStmt(ordering, func(a args, due time.Time) {
				jobs = append(jobs, e.job(a, due))
			}))
		}
		if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
			return err
		}
		return e.wake(ctx, tx, jobs)
	})
	if err != nil {
		return 0, err
	}
	for range canceled {
		e.tallies.add(tag(id), e.clock.now(), string(StateCanceled))
	}
	return len(seqs), nil
}

// wipe removes what the deliveries of a webhook in a state have of the receiver.
func (e *Engine[T]) wipe(ctx context.Context, id string, state State) error {
	type kept struct {
		seq, gen int64
		id       string
		message  []byte
	}
	for last := (position{math.MinInt64, 0}); ; {
		var batch []kept
		err := e.store.Read(ctx, store.Stmt{
			SQL: e.sql.messagesOf, Args: []any{tag(id), string(state), last.created, last.seq, int64(wipeBatch)},
			Scan: func(row store.Row) error {
				var k kept
				err := row.Scan(&last.created, &last.seq, &k.gen, &k.id, &k.message)
				k.seq = last.seq
				batch = append(batch, k)
				return err
			},
		})
		if err != nil || len(batch) == 0 {
			return err
		}
		var stmts []store.Stmt
		for _, k := range batch {
			stmts = append(stmts, store.Stmt{SQL: e.sql.wipeAttempts, Args: []any{k.seq}})
			wiped, ok, err := e.wiped(ctx, k.id, k.message)
			if err != nil {
				return err
			}
			if ok {
				stmts = append(stmts, store.Stmt{SQL: e.sql.wipe, Args: []any{k.seq, k.gen, wiped, k.message}})
			}
		}
		if err := e.store.Run(ctx, stmts...); err != nil || len(batch) < wipeBatch {
			return err
		}
	}
}

// wiped returns the stored message of a delivery without its URL and the values of its
// headers, or false if it has none. One that a newer version has written becomes none. The
// error is the Sealer's.
func (e *Engine[T]) wiped(ctx context.Context, id string, message []byte) ([]byte, bool, error) {
	if len(message) == 0 {
		return nil, false, nil
	}
	m, order, err := e.decodeOrdered(ctx, id, message, nil, nil)
	if errors.Is(err, ErrSealed) { // it may be opened later
		return nil, false, err
	}
	if err != nil {
		return []byte{}, true, nil //nolint:nilerr // as above
	}
	change := m.URL != ""
	for name, values := range m.Header {
		for _, value := range values {
			change = change || value != ""
		}
		m.Header[name] = []string{""}
	}
	if !change {
		return nil, false, nil
	}
	m.URL = ""
	wiped, err := e.encode(ctx, m, order)
	return wiped, true, err
}

// endDeleted sets the verdict of a delivery that was enqueued while its webhook was being
// deleted, and removes what it has of the receiver.
func (e *Engine[T]) endDeleted(ctx context.Context, d *delivery) {
	d.webhookID = tag(d.key)
	d.verdict = queue.Verdict{Kind: queue.KindDead, Reason: queue.ReasonDeleted}
	wiped, ok, err := e.wiped(ctx, d.id, d.message)
	if ok && err == nil {
		err = e.store.Run(ctx, store.Stmt{SQL: e.sql.wipe, Args: []any{d.seq, d.gen, wiped, d.message}})
	}
	if err != nil {
		e.log(ctx, "end a delivery of a webhook that was deleted", err)
		d.verdict = queue.Verdict{Kind: queue.KindDefer, After: time.Second}
	}
}

// isDeleted reports whether the webhook with that ID was deleted.
func (e *Engine[T]) isDeleted(ctx context.Context, id string) (bool, error) {
	var deleted int64
	scan := func(row store.Row) error { return row.Scan(&deleted, new(int64)) }
	err := e.store.Read(ctx, store.Stmt{SQL: e.sql.tombstone, Args: []any{clean(id)}, Scan: scan})
	return deleted > 0, err
}

// purgeDue does what a Delete has begun and not done, and does once more what was done a
// while ago.
func (e *Engine[T]) purgeDue(ctx context.Context) error {
	type tombstone struct {
		id             string
		deleted, purge int64
	}
	var due []tombstone
	err := e.store.Read(ctx, store.Stmt{
		SQL: e.sql.purgeDue, Args: []any{micros(e.clock.now().Add(-purgeWithin))},
		Scan: func(row store.Row) error {
			var t tombstone
			err := row.Scan(&t.id, &t.deleted, &t.purge)
			due = append(due, t)
			return err
		},
	})
	for i := 0; i < len(due) && ctx.Err() == nil; i++ {
		err = errors.Join(err, e.purge(ctx, due[i].id, due[i].deleted, due[i].purge))
	}
	return err
}

// ofDeleted is a condition for deliveries: their webhook was deleted. With EXISTS,
// Postgres could read all webhooks.
const ofDeleted = `coalesce((SELECT deleted FROM @webhook AS gone
	WHERE gone.id = webhook_id AND gone.version = 1), 0) > 0`

func (s *statements) forDelete(d store.Dialect) {
	s.tombstone = d.SQL(`SELECT deleted, purge FROM @webhook WHERE id = $1 AND version = 1`)
	s.entomb = d.SQL(`INSERT INTO @webhook (id, version, disabled, changed, definition, deleted, tenant)
		SELECT id, version + 1, 0, CAST($2 AS bigint), '', CAST($2 AS bigint), tenant FROM @webhook
			WHERE id = $1 AND version = (SELECT max(version) FROM @webhook WHERE id = $1)
		ON CONFLICT DO NOTHING RETURNING version`)
	s.clearVersions = d.SQL(`UPDATE @webhook SET definition = '', deleted = $2, purge = $2 WHERE id = $1`)
	s.purged = d.SQL(`UPDATE @webhook SET purge = $3 WHERE id = $1 AND version = 1 AND purge = $2`)
	s.purgeDue = d.SQL(`SELECT id, deleted, purge FROM @webhook
		WHERE version = 1 AND purge > 0 AND purge < $1 ORDER BY purge LIMIT 100`)
	s.logDeleted = d.SQL(`INSERT INTO @endpoint_change (key, rev, at, actor, was, state, reason)
		SELECT CAST($1 AS text), ` + nextRev + `, CAST($5 AS bigint), CAST($4 AS text),
			coalesce(e.state, 'enabled'), CAST($2 AS text), CAST($3 AS text)
		FROM (SELECT 1 AS one) AS o LEFT JOIN @endpoint AS e ON e.key = $1`)
	s.endEndpoint = d.SQL(setEndpointText(``))

	s.pendingOf = d.SQL(`SELECT seq, ordering FROM @delivery
		WHERE webhook_id = $1 AND state || '' = 'pending' ORDER BY created, seq LIMIT $2`)
	// As Cancel: in an ordering, one that is held stays active.
	s.cancelDeleted = d.SQL(`UPDATE @delivery SET state = 'canceled', reason = 'deleted', ended = $2, parked = 0,
			active = CASE WHEN ordering IS NOT NULL AND held NOT BETWEEN $2 AND $3 THEN 0 ELSE active END
		WHERE seq = $1 AND state = 'pending' RETURNING seq`)
	s.messagesOf = d.SQL(`SELECT created, seq, gen, id, message FROM @delivery
		WHERE webhook_id = $1 AND state || '' = $2 AND (created, seq) > ($3, $4)
		ORDER BY created, seq LIMIT $5`)
	s.wipe = d.SQL(`UPDATE @delivery SET message = $3
		WHERE seq = $1 AND gen = $2 AND erased = 0 AND message = $4`)
	s.wipeAttempts = d.SQL(`UPDATE @attempt SET location = '' WHERE seq = $1 AND location <> ''`)
}
