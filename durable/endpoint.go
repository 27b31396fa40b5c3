package durable

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// An endpoint has a row from the first decision or failure on, which is never removed:
// changes are found by their rev, which must not be used twice. Whoever writes one locks
// all of them, so that they become visible in the order of their revs.

type actorKey struct{}

// WithActor returns a context that says who makes a change, such as the name of a user:
// [Webhooks] Create, Update, Subscribe, SetSubscriptions, Enable, Pause and Disable, and
// those of [queue.Queue], store at most 256 bytes of it. A change without one is the
// library's own.
func WithActor(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

func actorOf(ctx context.Context) string {
	actor, _ := ctx.Value(actorKey{}).(string)
	return tag(actor)
}

// An EndpointChange is a decision about an endpoint. It is plain data.
type EndpointChange struct {
	At     time.Time           `json:"at"`
	Actor  string              `json:"actor"` // see [WithActor]; empty: the library
	From   queue.EndpointState `json:"from"`
	To     queue.EndpointState `json:"to"`
	Reason string              `json:"reason"`
	Rev    int64               `json:"rev"` // of the change, as [queue.Endpoint] has it
}

// EndpointChanges returns the decisions about an endpoint, whose key is the ID of its
// webhook, the newest first: those before a Rev, or for zero all, and at most limit of
// them, or for zero 100. They are kept for ever. The error wraps [ErrFilter] for a
// negative number.
func (e *Engine[T]) EndpointChanges(
	ctx context.Context, key string, before int64, limit int,
) ([]EndpointChange, error) {
	if before < 0 || limit < 0 {
		return nil, fmt.Errorf("durable: endpoint changes: %w: a negative number", ErrFilter)
	}
	changes := []EndpointChange{}
	params := []any{clean(key), cmp.Or(before, math.MaxInt64), int64(min(cmp.Or(limit, 100), 1000))}
	err := e.store.Read(ctx, store.Stmt{SQL: e.sql.endpointLog, Args: params, Scan: func(row store.Row) error {
		var c EndpointChange
		var at int64
		err := row.Scan(&c.Rev, &at, &c.Actor, (*string)(&c.From), (*string)(&c.To), &c.Reason)
		c.At = utc(at)
		changes = append(changes, c)
		return err
	}})
	if err != nil {
		return nil, fmt.Errorf("durable: endpoint changes: %w", err)
	}
	return changes, nil
}

// Endpoint returns what is stored of an endpoint, with times on the clock of this process;
// see [queue.Endpoints].
func (e *Engine[T]) Endpoint(ctx context.Context, key string) (queue.Endpoint, error) {
	e.clock.compare(ctx, askClock, e.askTime(e.store.Read))
	found := queue.Endpoint{Key: key, State: queue.StateEnabled}
	if err := e.store.Read(ctx, e.endpointStmt(key, &found)); err != nil {
		return queue.Endpoint{}, fmt.Errorf("durable: endpoint: %w", err)
	}
	return shifted(found, -e.clock.difference()), nil
}

// shifted returns an endpoint with its times on another clock. A queue has those of its
// process, and the table those of the database, which the queues of all share.
func shifted(row queue.Endpoint, by time.Duration) queue.Endpoint {
	for _, t := range []*time.Time{&row.Since, &row.FailingSince, &row.LastFailure, &row.Tell} {
		if !t.IsZero() {
			*t = t.Add(by)
		}
	}
	return row
}

// endpointStmt returns the statement that reads what is stored of an endpoint, if it is.
func (e *Engine[T]) endpointStmt(key string, found *queue.Endpoint) store.Stmt {
	return store.Stmt{SQL: e.sql.endpoint, Args: []any{clean(key)}, Scan: func(row store.Row) (err error) {
		*found, err = scanEndpoint(row)
		return err
	}}
}

// endpointColumns are what scanEndpoint reads.
const endpointColumns = `key, state, reason, actor, since, failing_since, last_failure, tell, rev`

func scanEndpoint(row store.Row) (queue.Endpoint, error) {
	var found queue.Endpoint
	var since, failing, last, tell int64
	err := row.Scan(&found.Key, (*string)(&found.State), &found.Reason, &found.Actor,
		&since, &failing, &last, &tell, &found.Rev)
	found.Since, found.FailingSince = utcOrZero(since), utcOrZero(failing)
	found.LastFailure, found.Tell = utcOrZero(last), utcOrZero(tell)
	return found, err
}

// microsOrZero returns a time as it is stored where zero is none.
func microsOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

func utcOrZero(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return utc(n)
}

// An endpointChange is a call of SetEndpoint.
type endpointChange struct {
	want   queue.Endpoint
	actor  string
	stored queue.Endpoint
	ok     bool
}

const maxReason = 1024 // bytes that are kept

// tidyReason returns a reason as it is stored.
func tidyReason(reason string) string {
	reason = clean(reason)
	return strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
}

// SetEndpoint stores what is decided about an endpoint, and keeps a log of it; see
// [queue.Endpoints]. Users call the methods of [Webhooks] or [queue.Queue]. Of a webhook
// that was deleted, nothing can be decided any more: the error wraps
// [webhook.ErrNotFound]. One whose URL is not verified is enabled by [Webhooks.Enable]
// alone: the error wraps [ErrUnverified].
func (e *Engine[T]) SetEndpoint(ctx context.Context, want queue.Endpoint) (queue.Endpoint, bool, error) {
	var err error
	switch want.State {
	case queue.StateEnabled, queue.StatePaused, queue.StateDisabled:
		if want.Key == "" || !storable(want.Key) {
			err = errors.New("the key is empty, not UTF-8, has a NUL, or is longer than 2 KiB")
		}
	default:
		err = errors.New("not a state that is stored")
	}
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return queue.Endpoint{}, false, fmt.Errorf("durable: set endpoint: %w", err)
	}
	want.Reason = tidyReason(want.Reason)
	e.clock.compare(ctx, askClock, e.askTime(e.store.Read))
	ahead := e.clock.difference()
	c := &endpointChange{want: shifted(want, ahead), actor: actorOf(ctx)}
	if err := e.endpoints.do(ctx, c); err != nil {
		return queue.Endpoint{}, false, fmt.Errorf("durable: set endpoint: %w", err)
	}
	if c.ok {
		e.lookForParked()
	} else if want.State != queue.StateDisabled {
		deleted, err := e.isDeleted(ctx, want.Key)
		if err == nil && deleted {
			err = fmt.Errorf("%w: it was deleted", webhook.ErrNotFound)
		}
		if err == nil && want.State == queue.StateEnabled {
			err = e.checkProved(ctx, want.Key)
		}
		if err != nil {
			return queue.Endpoint{}, false, fmt.Errorf("durable: set endpoint: %w", err)
		}
	}
	return shifted(c.stored, -ahead), c.ok, nil
}

// endpointLock is what those lock that change an endpoint.
const endpointLock = "durable: endpoints"

func (e *Engine[T]) setEndpoints(batch []*endpointChange) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return e.inTx(ctx, func(tx T) error {
		stmts := e.store.Lock([]string{endpointLock})
		for _, c := range batch {
			c.ok, c.stored = false, queue.Endpoint{Key: c.want.Key, State: queue.StateEnabled}
			w := c.want
			since := microsOrZero(w.Since)
			stmts = append(stmts, store.Stmt{
				SQL:  e.sql.logEndpoint,
				Args: []any{w.Key, w.Rev, string(w.State), w.Reason, c.actor, since},
			}, store.Stmt{
				SQL: e.sql.setEndpoint,
				Args: []any{
					w.Key, w.Rev, string(w.State), w.Reason, c.actor, since,
					microsOrZero(w.FailingSince), microsOrZero(w.LastFailure), microsOrZero(w.Tell),
				},
				Scan: func(row store.Row) error {
					c.ok = true
					return row.Scan(new(int64))
				},
			}, store.Stmt{SQL: e.sql.copyState, Args: []any{w.Key}}, e.endpointStmt(w.Key, &c.stored))
		}
		return e.store.RunTx(ctx, tx, stmts...)
	})
}

// Changed returns the endpoints that were stored after a Rev, at most 1000; see
// [queue.Endpoints].
func (e *Engine[T]) Changed(ctx context.Context, rev int64) ([]queue.Endpoint, error) {
	ahead := e.clock.difference()
	var changed []queue.Endpoint
	scan := func(row store.Row) error {
		one, err := scanEndpoint(row)
		changed = append(changed, shifted(one, -ahead))
		return err
	}
	err := e.store.Read(ctx, store.Stmt{SQL: e.sql.endpointsAfter, Args: []any{rev}, Scan: scan})
	if err != nil {
		return nil, fmt.Errorf("durable: changed endpoints: %w", err)
	}
	if len(changed) > 0 {
		e.lookForParked()
	}
	return changed, nil
}

// A delivery to a paused endpoint is parked: it has no job of River's. Whoever would
// otherwise give it one, or runs the one that it has, parks it. When its endpoint is
// paused no more, whichever process first sees that gives jobs to what is parked.

const (
	unparkEvery = time.Second
	unparkBatch = 1000
	unparkLock  = "durable: unpark"
)

// lookForParked makes unpark look whether there is something to do.
func (e *Engine[T]) lookForParked() {
	select {
	case e.unparks <- struct{}{}:
	default:
	}
}

// unpark gives jobs to what is parked at endpoints that are paused no more, until ctx
// ends: at once when this process has made or heard of a change, and else every second.
func (e *Engine[T]) unpark(ctx context.Context) {
	ticker := time.NewTicker(unparkEvery)
	defer ticker.Stop()
	for {
		if err := e.unparkAll(ctx); err != nil && ctx.Err() == nil {
			e.log(ctx, "give jobs to the deliveries of endpoints that were paused", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-e.unparks:
		case <-ticker.C:
		}
	}
}

func (e *Engine[T]) unparkAll(ctx context.Context) error {
	var keys []string
	err := e.store.Read(ctx, store.Stmt{SQL: e.sql.parkedKeys, Scan: func(row store.Row) error {
		keys = append(keys, "")
		return row.Scan(&keys[len(keys)-1])
	}})
	// The endpoints take turns, so that one with many does not hold up the others.
	for len(keys) > 0 && err == nil && ctx.Err() == nil {
		left := keys[:0]
		for _, key := range keys {
			n, unparkErr := e.unparkSome(ctx, key)
			if err = unparkErr; err != nil {
				break
			}
			if n == unparkBatch {
				left = append(left, key)
			}
		}
		keys = left
	}
	return err
}

// unparkSome gives jobs to the oldest deliveries that are parked at an endpoint, and
// returns to how many. Others that are due go first.
func (e *Engine[T]) unparkSome(ctx context.Context, key string) (n int, err error) {
	type parked struct {
		created, due, active int64
		state                State
		args
	}
	err = e.inTx(ctx, func(tx T) error {
		var all []parked
		stmts := append(e.store.Lock([]string{unparkLock}), store.Stmt{
			SQL: e.sql.unpark, Args: []any{key, int64(unparkBatch)},
			Scan: func(row store.Row) error {
				var p parked
				err := row.Scan(&p.Seq, &p.Gen, &p.created, &p.due, &p.active, (*string)(&p.state))
				all = append(all, p)
				return err
			},
		})
		if err := e.store.RunTx(ctx, tx, stmts...); err != nil {
			return err
		}
		n = len(all)
		slices.SortFunc(all, func(a, b parked) int {
			return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.Seq, b.Seq))
		})
		var jobs []river.InsertManyParams
		for _, p := range all {
			if p.state == StatePending && p.active == 1 {
				j := e.job(p.args, fromMicros(p.due))
				j.InsertOpts.Priority = bulkPriority
				jobs = append(jobs, j)
			}
		}
		return e.wake(ctx, tx, jobs)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

const (
	nextRev = `(SELECT coalesce(max(rev), 0) + 1 FROM @endpoint)`
	// The key of an endpoint is not that of a webhook which was deleted.
	notDeleted = ` AND NOT EXISTS (SELECT 1 FROM @webhook WHERE id = $1 AND version = 1 AND deleted > 0)`
)

// notUnproved refuses to enable a webhook whose URL is not verified.
const notUnproved = ` AND NOT ($3 = 'enabled' AND EXISTS (` + currentUnproved + `))`

// currentUnproved selects the current version of a webhook, if that is not verified.
const currentUnproved = `SELECT 1 FROM @webhook AS now WHERE now.id = $1 AND now.proved = 0
	AND now.version = (SELECT max(version) FROM @webhook WHERE id = $1)`

// setEndpointText returns the statement that stores an endpoint, if a condition holds.
func setEndpointText(condition string) string {
	// Of what is known about a decision, only a new one changes anything. The time of one
	// that is not may come back a little different, from a process that has found out
	// meanwhile how far its clock is from the database's.
	const same = `e.state = excluded.state AND e.reason = excluded.reason AND abs(e.since - excluded.since) < 100000`
	return `INSERT INTO @endpoint AS e (` + endpointColumns + `)
		SELECT CAST($1 AS text), CAST($3 AS text), CAST($4 AS text), CAST($5 AS text), CAST($6 AS bigint),
			CAST($7 AS bigint), CAST($8 AS bigint), CAST($9 AS bigint), ` + nextRev + `
		WHERE coalesce((SELECT rev FROM @endpoint WHERE key = $1), 0) = $2` + condition + `
		ON CONFLICT (key) DO UPDATE SET state = excluded.state, reason = excluded.reason,
			actor = CASE WHEN ` + same + ` THEN e.actor ELSE excluded.actor END,
			since = CASE WHEN ` + same + ` THEN e.since ELSE excluded.since END, failing_since = excluded.failing_since,
			last_failure = excluded.last_failure, tell = excluded.tell, rev = excluded.rev
		RETURNING rev`
}

func (s *statements) forEndpoints(d store.Dialect) {
	s.endpoint = d.SQL(`SELECT ` + endpointColumns + ` FROM @endpoint WHERE key = $1`)
	s.endpointsAfter = d.SQL(`SELECT ` + endpointColumns + ` FROM @endpoint
		WHERE rev > $1 ORDER BY rev LIMIT 1000`)
	s.endpointLog = d.SQL(`SELECT rev, at, actor, was, state, reason FROM @endpoint_change
		WHERE key = $1 AND rev < $2 ORDER BY rev DESC LIMIT $3`)
	s.logEndpoint = d.SQL(`INSERT INTO @endpoint_change (key, rev, at, actor, was, state, reason)
		SELECT CAST($1 AS text), ` + nextRev + `, CAST($6 AS bigint), CAST($5 AS text),
			coalesce(e.state, 'enabled'), CAST($3 AS text), CAST($4 AS text)
		FROM (SELECT 1 AS one) AS o LEFT JOIN @endpoint AS e ON e.key = $1
		WHERE coalesce(e.rev, 0) = $2 AND coalesce(e.state, 'enabled') <> $3` + notDeleted + notUnproved)
	s.isUnproved = d.SQL(currentUnproved)
	s.setEndpoint = d.SQL(setEndpointText(notDeleted + notUnproved))

	s.park = d.SQL(`UPDATE @delivery SET parked = 1
		WHERE seq = $1 AND gen = $2 AND state = 'pending' AND key IN
			(SELECT key FROM @endpoint WHERE key = $3 AND state = 'paused')
		RETURNING seq`)
	// The index has each key once for each delivery, so this steps from key to key.
	s.parkedKeys = d.SQL(`WITH RECURSIVE keys (key) AS (
			SELECT (SELECT key FROM @delivery WHERE parked = 1 AND key > '' ORDER BY key LIMIT 1)
			UNION ALL
			SELECT (SELECT key FROM @delivery WHERE parked = 1 AND key > k.key ORDER BY key LIMIT 1)
			FROM keys AS k WHERE k.key IS NOT NULL)
		SELECT key FROM keys AS k WHERE key IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM @endpoint WHERE key = k.key AND state = 'paused')`)
	s.unpark = d.SQL(`UPDATE @delivery SET parked = 0
		WHERE parked = 1 AND seq IN (SELECT seq FROM @delivery WHERE parked = 1 AND key = $1
				AND NOT EXISTS (SELECT 1 FROM @endpoint WHERE key = $1 AND state = 'paused')
			ORDER BY created, seq LIMIT $2)
		RETURNING seq, gen, created, due, active, state`)
}
