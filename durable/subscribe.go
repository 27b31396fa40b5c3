package durable

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// What a webhook is subscribed to is stored as a whole, each change as another row. Beside
// it is an index of the current one, a row for each pair of events and an identity, so that
// Publish reads only what may match: by the tenant, the identity in its normal form, and
// the lane, which is the name of an event, or of a glob what it begins with. It has what
// Publish needs, so that what is sealed need not be opened for that.

// ErrSubscription is wrapped by errors for a subscription that cannot be kept: events or
// identities that are none, or too many. The text says which.
var ErrSubscription = errors.New("bad subscription")

const (
	// maxSubscriptions is how many a webhook may have, and maxPairs how many pairs of
	// events and identities there may be in them, each of which is a row.
	maxSubscriptions = 100
	maxPairs         = 10_000
)

// A SubscriptionSet is all that a webhook is subscribed to. It is plain data.
type SubscriptionSet struct {
	WebhookID string    `json:"webhook_id"`
	Rev       int       `json:"rev"` // how often it was changed; 0: never
	Changed   time.Time `json:"changed,omitzero"`
	Author    string    `json:"author"` // who changed it, see [WithActor]; empty: not known

	Subscriptions []webhook.Subscription `json:"subscriptions"` // any of them may match
}

// Subscribe has a webhook get the events that are published with [Webhooks.Publish] and that
// match a subscription, beside those that it gets already; from now on, in all processes. An
// event that several of its subscriptions match comes once. If the webhook has the same
// subscription already, Subscribe does nothing.
//
// A webhook has at most 100 subscriptions, with at most 10,000 pairs of events and
// identities. The error wraps [ErrSubscription], or [webhook.ErrNotFound] for a webhook
// that is not there. [WithActor] says who does it.
func (w *Webhooks[T]) Subscribe(ctx context.Context, s webhook.Subscription) error {
	_, err := w.changeSubscriptions(ctx, s.WebhookID, adding(s))
	return err
}

// SubscribeTx is [Webhooks.Subscribe] in a transaction of the caller's own, on the same
// database, as [Webhooks.CreateTx] is Create. Until it ends, others wait who change the
// webhook's subscriptions; on SQLite, all that write.
func (w *Webhooks[T]) SubscribeTx(ctx context.Context, tx T, s webhook.Subscription) error {
	e := w.engine
	return e.undoable(ctx, tx, func() error {
		if err := e.store.RunTx(ctx, tx, e.lockSubscriptions(s.WebhookID)...); err != nil {
			return hookError(s.WebhookID, err)
		}
		next, err := w.nextSubscriptions(ctx, e.inside(tx), s.WebhookID, adding(s))
		if err == nil && next.changed {
			err = e.storeSubscriptions(ctx, tx, next)
		}
		return err
	})
}

// A subscriptionChange returns what becomes of what a webhook is subscribed to.
type subscriptionChange func(SubscriptionSet) ([]webhook.Subscription, error)

func adding(s webhook.Subscription) subscriptionChange {
	return func(set SubscriptionSet) ([]webhook.Subscription, error) {
		if slices.ContainsFunc(set.Subscriptions, func(other webhook.Subscription) bool { return sameSubscription(s, other) }) {
			return set.Subscriptions, nil
		}
		return append(slices.Clone(set.Subscriptions), s), nil
	}
}

// Unsubscribe ends a subscription that Subscribe or SetSubscriptions has made: one with the
// same events and identities, in whatever sequence and spelling. What was published
// before goes out. The error wraps [webhook.ErrNotFound] if there is none.
func (w *Webhooks[T]) Unsubscribe(ctx context.Context, s webhook.Subscription) error {
	_, err := w.changeSubscriptions(ctx, s.WebhookID, func(set SubscriptionSet) ([]webhook.Subscription, error) {
		left := slices.DeleteFunc(slices.Clone(set.Subscriptions), func(other webhook.Subscription) bool {
			return sameSubscription(s, other)
		})
		if len(left) == len(set.Subscriptions) {
			return nil, hookError(s.WebhookID, noSubscription{})
		}
		return left, nil
	})
	return err
}

// SetSubscriptions has a webhook get what these subscriptions match, and no other events;
// none ends them all. Their WebhookID may be empty. The rev is that of the
// [SubscriptionSet] that they replace, so that of two people who change it at once one gets
// an error, which wraps [ErrConflict]. Other errors are those of Subscribe; then nothing
// has changed.
func (w *Webhooks[T]) SetSubscriptions(
	ctx context.Context, webhookID string, rev int, all []webhook.Subscription,
) (SubscriptionSet, error) {
	return w.changeSubscriptions(ctx, webhookID, func(set SubscriptionSet) ([]webhook.Subscription, error) {
		if set.Rev != rev {
			return nil, changedSince(webhookID, rev)
		}
		return all, nil
	})
}

func changedSince(webhookID string, rev int) error {
	return hookError(webhookID, fmt.Errorf("subscriptions: %w since rev %d", ErrConflict, rev))
}

// Subscriptions returns what a webhook is subscribed to. The error wraps
// [webhook.ErrNotFound] or [ErrSealed].
func (w *Webhooks[T]) Subscriptions(ctx context.Context, webhookID string) (SubscriptionSet, error) {
	if _, err := w.current(ctx, w.engine.store.Read, webhookID, 0, 0); err != nil {
		return SubscriptionSet{}, err
	}
	return w.subscriptions(ctx, w.engine.store.Read, webhookID)
}

// SubscriptionChanges returns what a webhook was subscribed to, the newest first: those sets
// before a Rev, or for zero all, and at most limit of them, or for zero 100. They are kept
// until the webhook is deleted. The error wraps [webhook.ErrNotFound], [ErrSealed], or
// [ErrFilter] for a negative number.
func (w *Webhooks[T]) SubscriptionChanges(
	ctx context.Context, webhookID string, before, limit int,
) ([]SubscriptionSet, error) {
	if before < 0 || limit < 0 {
		return nil, hookError(webhookID, fmt.Errorf("%w: a negative number", ErrFilter))
	}
	if _, err := w.current(ctx, w.engine.store.Read, webhookID, 0, 0); err != nil {
		return nil, err
	}
	var rows []subscriptionRow
	params := []any{webhookID, cmp.Or(int64(before), math.MaxInt64), int64(min(cmp.Or(limit, 100), 1000))}
	err := w.engine.store.Read(ctx, store.Stmt{SQL: w.engine.sql.subscriptionLog, Args: params, Scan: func(row store.Row) error {
		r := subscriptionRow{webhookID: webhookID}
		err := r.scan(row)
		rows = append(rows, r)
		return err
	}})
	sets := make([]SubscriptionSet, len(rows))
	for i := 0; err == nil && i < len(rows); i++ {
		sets[i], err = w.engine.openSubscriptions(ctx, rows[i])
	}
	if err != nil {
		return nil, hookError(webhookID, err)
	}
	return sets, nil
}

// noSubscription is [webhook.ErrNotFound] for a subscription.
type noSubscription struct{}

func (noSubscription) Error() string { return "no such subscription" }

func (noSubscription) Is(target error) bool { return target == webhook.ErrNotFound }

// changeSubscriptions stores what change makes of the current subscriptions of a webhook,
// if that is something else. It asks again when another change comes first.
func (w *Webhooks[T]) changeSubscriptions(
	ctx context.Context, id string, change subscriptionChange,
) (SubscriptionSet, error) {
	e := w.engine
	for n := 1; ; n++ {
		next, err := w.nextSubscriptions(ctx, e.store.Read, id, change)
		if err != nil || !next.changed {
			return next.SubscriptionSet, err
		}
		err = e.inTx(ctx, func(tx T) error {
			if err := e.store.RunTx(ctx, tx, e.lockSubscriptions(id)...); err != nil {
				return hookError(id, err)
			}
			return e.storeSubscriptions(ctx, tx, next)
		})
		if err == nil {
			return next.SubscriptionSet, nil
		}
		if !errors.Is(err, ErrConflict) || n == 20 {
			return SubscriptionSet{}, err
		}
	}
}

// A nextSet is a set that may be stored after the current one.
type nextSet struct {
	SubscriptionSet
	changed bool
	text    string // as it is stored
}

// nextSubscriptions returns what change makes of the current subscriptions of a webhook,
// sealed: no transaction of the engine's waits for that.
func (w *Webhooks[T]) nextSubscriptions(
	ctx context.Context, run runFunc, id string, change subscriptionChange,
) (next nextSet, err error) {
	e := w.engine
	if _, err := w.current(ctx, run, id, 0, 0); err != nil {
		return nextSet{}, err
	}
	set, err := w.subscriptions(ctx, run, id)
	if err != nil {
		return nextSet{}, err
	}
	all, err := change(set)
	if err != nil {
		return nextSet{}, err
	}
	if all, err = checkSubscriptions(id, all); err != nil {
		return nextSet{}, hookError(id, err)
	}
	if slices.EqualFunc(all, set.Subscriptions, func(a, b webhook.Subscription) bool {
		return slices.Equal(a.Events, b.Events) && slices.Equal(a.Identities, b.Identities)
	}) {
		return nextSet{SubscriptionSet: set}, nil
	}
	next.changed, next.SubscriptionSet = true, SubscriptionSet{
		WebhookID: id, Rev: set.Rev + 1, Changed: utc(micros(e.clock.now())), Author: actorOf(ctx), Subscriptions: all,
	}
	text, err := json.Marshal(all)
	if err == nil {
		next.text, err = e.sealText(ctx, subscriptionPlace(id, int64(next.Rev)), string(text))
	}
	if err != nil {
		return nextSet{}, hookError(id, err)
	}
	return next, nil
}

// lockSubscriptions returns the statements after which nobody else changes the
// subscriptions of a webhook.
func (e *Engine[T]) lockSubscriptions(id string) []store.Stmt {
	return e.store.Lock([]string{"durable: subscriptions " + id})
}

// storeSubscriptions stores a set, of which the caller holds the lock. The error wraps
// ErrConflict if it does not follow the current one.
func (e *Engine[T]) storeSubscriptions(ctx context.Context, tx T, next nextSet) error {
	stored := false
	rev := int64(next.Rev)
	err := e.store.RunTx(ctx, tx, store.Stmt{
		SQL: e.sql.subscribe, Args: []any{next.WebhookID, rev, micros(next.Changed), next.Author, next.text},
		Scan: func(row store.Row) error { stored = true; return row.Scan(new(int64)) },
	})
	if err == nil && !stored {
		return changedSince(next.WebhookID, next.Rev-1)
	}
	if err == nil {
		err = e.store.RunTx(ctx, tx, e.indexStmts(next.SubscriptionSet)...)
	}
	if err != nil {
		return hookError(next.WebhookID, err)
	}
	return nil
}

// maxParts is up to how many colons a lane has, since an event is looked up in all of its
// lanes for each identity. Names have two or three.
const maxParts = 8

// checkSubscriptions returns subscriptions with the ID of their webhook, or an error that
// says which is none.
func checkSubscriptions(id string, all []webhook.Subscription) ([]webhook.Subscription, error) {
	if len(all) > maxSubscriptions {
		return nil, fmt.Errorf("%w: %d of them, at most %d", ErrSubscription, len(all), maxSubscriptions)
	}
	pairs := 0
	checked := make([]webhook.Subscription, len(all))
	for i, s := range all {
		if s.WebhookID == "" {
			s.WebhookID = id
		}
		err := s.Check()
		if err == nil && s.WebhookID != id {
			err = errors.New("webhook_id: of another webhook")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: subscriptions[%d]: %w", ErrSubscription, i, inner{err})
		}
		pairs += len(s.Events) * max(1, len(s.Identities))
		checked[i] = webhook.Subscription{
			WebhookID: id, Events: slices.Clone(s.Events), Identities: slices.Clone(s.Identities),
		}
	}
	if pairs > maxPairs {
		return nil, fmt.Errorf("%w: %d pairs of events and identities, at most %d", ErrSubscription, pairs, maxPairs)
	}
	return checked, nil
}

// An inner error is one of [webhook.Subscription.Check], without what its text begins
// with.
type inner struct{ error }

func (e inner) Error() string { return strings.TrimPrefix(e.error.Error(), "webhook: subscription: ") }

func (e inner) Unwrap() error { return e.error }

// sameSubscription reports whether two subscriptions match the same for the same reasons.
func sameSubscription(a, b webhook.Subscription) bool {
	same := func(a, b []string, normal func(string) string) bool {
		form := func(all []string) []string {
			forms := make([]string, len(all))
			for i, s := range all {
				forms[i] = normal(s)
			}
			slices.Sort(forms)
			return slices.Compact(forms)
		}
		return slices.Equal(form(a), form(b))
	}
	orAll := func(identities []string) []string {
		if len(identities) == 0 {
			return []string{webhook.IdentityAll}
		}
		return identities
	}
	return same(a.Events, b.Events, func(s string) string { return s }) &&
		same(orAll(a.Identities), orAll(b.Identities), webhook.NormalizeIdentity)
}

// A subscriptionRow is a row of the table.
type subscriptionRow struct {
	webhookID    string
	rev, changed int64
	author, text string
}

func (r *subscriptionRow) scan(row store.Row) error {
	return row.Scan(&r.rev, &r.changed, &r.author, &r.text)
}

// subscriptions returns the current set of a webhook that is there.
func (w *Webhooks[T]) subscriptions(ctx context.Context, run runFunc, id string) (SubscriptionSet, error) {
	found := subscriptionRow{webhookID: id}
	err := run(ctx, store.Stmt{SQL: w.engine.sql.subscriptions, Args: []any{id}, Scan: found.scan})
	var set SubscriptionSet
	if err == nil {
		set, err = w.engine.openSubscriptions(ctx, found)
	}
	if err != nil {
		return SubscriptionSet{}, hookError(id, err)
	}
	return set, nil
}

func (e *Engine[T]) openSubscriptions(ctx context.Context, r subscriptionRow) (SubscriptionSet, error) {
	set := SubscriptionSet{WebhookID: r.webhookID, Rev: int(r.rev), Author: r.author, Subscriptions: []webhook.Subscription{}}
	if r.rev == 0 {
		return set, nil
	}
	set.Changed = utc(r.changed)
	text, err := e.openText(ctx, subscriptionPlace(r.webhookID, r.rev), r.text)
	if err == nil && json.Unmarshal([]byte(text), &set.Subscriptions) != nil {
		err = errors.New("the stored subscriptions are unreadable")
	}
	return set, err
}

// deleteSubscriptions returns the statements that remove all that is stored of a webhook's
// subscriptions.
func (e *Engine[T]) deleteSubscriptions(id string) []store.Stmt {
	return []store.Stmt{
		{SQL: e.sql.unindex, Args: []any{id, int64(0)}},
		{SQL: e.sql.forgetSubscriptions, Args: []any{id}},
	}
}

// walkSubscriptions seals sets, and makes the index what it is with the IndexKey.
func (e *Engine[T]) walkSubscriptions() walk {
	type set struct {
		subscriptionRow
		newest int64
	}
	return &rowWalk[T, set]{
		engine: e, sql: e.sql.walkSubscriptions, start: []any{"", int64(0)},
		scan: func(row store.Row) (s set, _ []any, err error) {
			err = row.Scan(&s.webhookID, &s.rev, &s.text, &s.newest)
			return s, []any{s.webhookID, s.rev}, err
		},
		change: func(ctx context.Context, s set) (stmts []store.Stmt, err error) {
			text, err := e.resealedText(ctx, subscriptionPlace(s.webhookID, s.rev), s.text)
			if err != nil {
				return nil, err
			}
			if text != "" {
				stmts = append(stmts, store.Stmt{
					SQL: e.sql.resealSubscriptions, Args: []any{s.webhookID, s.rev, s.text, text},
				})
			}
			if s.newest != s.rev {
				return stmts, nil
			}
			whole, err := e.openSubscriptions(ctx, s.subscriptionRow)
			if err != nil {
				return stmts, nil //nolint:nilerr // resealedText has counted it
			}
			known := make(map[indexRow]bool)
			err = e.store.Read(ctx, store.Stmt{SQL: e.sql.indexed, Args: []any{s.webhookID}, Scan: func(row store.Row) error {
				var r indexRow
				err := row.Scan(&r.identity, &r.lane, &r.events)
				known[r] = true
				return err
			}})
			rows := e.indexRows(whole)
			if err != nil || len(rows) == len(known) && !slices.ContainsFunc(rows, func(r indexRow) bool { return !known[r] }) {
				return stmts, err
			}
			return slices.Concat(stmts, e.lockSubscriptions(s.webhookID), e.indexStmts(whole)), nil
		},
	}
}

func (s *statements) forSubscriptions(d store.Dialect) {
	s.subscribe = d.SQL(`INSERT INTO @subscription (webhook_id, rev, changed, actor, subscriptions)
		SELECT CAST($1 AS text), CAST($2 AS bigint), CAST($3 AS bigint), CAST($4 AS text), CAST($5 AS text)
			FROM @webhook WHERE id = $1 AND version = 1 AND deleted = 0
				AND $2 = 1 + coalesce((SELECT max(rev) FROM @subscription WHERE webhook_id = $1), 0)
		ON CONFLICT DO NOTHING RETURNING rev`)
	s.subscriptions = d.SQL(`SELECT rev, changed, actor, subscriptions FROM @subscription
		WHERE webhook_id = $1 ORDER BY rev DESC LIMIT 1`)
	s.subscriptionLog = d.SQL(`SELECT rev, changed, actor, subscriptions FROM @subscription
		WHERE webhook_id = $1 AND rev < $2 ORDER BY rev DESC LIMIT $3`)
	const isNewest = ` AND (CAST($2 AS bigint) = 0 OR $2 = (SELECT max(rev) FROM @subscription WHERE webhook_id = $1))`
	s.unindex = d.SQL(`DELETE FROM @subscriber WHERE webhook_id = $1` + isNewest)
	s.index = d.SQL(`INSERT INTO @subscriber (tenant, identity, lane, webhook_id, events)
		SELECT tenant, CAST($3 AS text), CAST($4 AS text), id, CAST($5 AS text) FROM @webhook
			WHERE id = $1 AND version = 1 AND deleted = 0` + isNewest + ` ON CONFLICT DO NOTHING`)
	s.subscribers = d.SQL(`SELECT webhook_id, events FROM @subscriber
		WHERE tenant = $1 AND identity = $2 AND lane = $3`)
	s.indexed = d.SQL(`SELECT identity, lane, events FROM @subscriber WHERE webhook_id = $1`)
	s.forgetSubscriptions = d.SQL(`DELETE FROM @subscription WHERE webhook_id = $1`)
	s.moveSubscribers = d.SQL(`UPDATE @subscriber SET tenant = $2 WHERE webhook_id = $1`)
	s.walkSubscriptions = d.SQL(`SELECT webhook_id, rev, subscriptions,
			(SELECT max(rev) FROM @subscription WHERE webhook_id = s.webhook_id)
		FROM @subscription AS s WHERE (webhook_id, rev) > ($1, $2) ORDER BY webhook_id, rev LIMIT $3`)
	s.resealSubscriptions = d.SQL(`UPDATE @subscription SET subscriptions = $4
		WHERE webhook_id = $1 AND rev = $2 AND subscriptions = $3`)
}
