package durable

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// ErrSecret is wrapped by the error of SetSecret for a secret that a webhook cannot
// have: the zero one, or one made of the id of another webhook.
var ErrSecret = errors.New("not a secret that can be stored")

// A StoredSecret is a secret of a webhook. However it is printed, logged or marshaled,
// the secret itself is not shown; [webhook.Secret.Reveal] tells it.
type StoredSecret struct {
	Secret  webhook.Secret `json:"secret"`
	Created time.Time      `json:"created"`
	// Until is when it ends; zero: not as long as no other one comes.
	Until time.Time `json:"until,omitzero"`
	// Warning says what its owner should know of it; empty if nothing. It is safe to
	// show.
	Warning string `json:"warning,omitempty"`
}

const (
	warnShort     = "shorter than 24 bytes: it can be guessed, and Standard Webhooks do not sign with it"
	warnWebhookID = "the webhook's id, which is no secret: Standard Webhooks do not sign with it"
)

// maxOldSecrets is how many old secrets count at most beside the newest: with Standard
// Webhooks there is a signature for each on every request.
const maxOldSecrets = 4

// Rotate makes a new secret for a webhook and returns it. It signs from now on, in all
// processes within a second. The old ones go on beside it until overlap has passed, so
// that receivers have that time to take the new one: with [webhook.StandardWebhooks],
// requests have a signature for each, while [webhook.HMAC] signs with the newest only.
// If overlap is not positive, they end at once, as after a leak. Of the old ones, at
// most the newest 4 go on.
//
// The error wraps [webhook.ErrNotFound], or is the database's or the Sealer's: then the
// old ones go on.
func (w *Webhooks[T]) Rotate(ctx context.Context, id string, overlap time.Duration) (webhook.Secret, error) {
	secret := webhook.GenerateSecret()
	if _, err := w.addSecret(ctx, id, secret, overlap); err != nil {
		return webhook.Secret{}, err
	}
	return secret, nil
}

// SetSecret gives a webhook a secret that its receiver has already, such as one that
// [webhook.ExistingSecret] made. It is the only one from now on; in other processes,
// within a second. The result has a Warning for a short one. [webhook.WebhookIDSecret]
// of the webhook's own id may be set too, for a receiver that checks the platform's
// signature.
//
// The error wraps [ErrSecret] or [webhook.ErrNotFound], or is the database's or the
// Sealer's: then the old ones go on.
func (w *Webhooks[T]) SetSecret(ctx context.Context, id string, secret webhook.Secret) (StoredSecret, error) {
	// As it will be read.
	if read, err := readSecret(id, secret.Reveal()); err != nil || read.Reveal() != secret.Reveal() {
		return StoredSecret{}, hookError(id, ErrSecret)
	}
	return w.addSecret(ctx, id, secret, 0)
}

// Secrets returns the secrets of a webhook that count now, the newest first: to show
// them to the customer whose webhook it is, and to nobody else. The error wraps
// [webhook.ErrNotFound], or [ErrSealed] if one of them cannot be opened, an old one too.
func (w *Webhooks[T]) Secrets(ctx context.Context, id string) ([]StoredSecret, error) {
	if _, err := w.current(ctx, w.engine.store.Read, id, 0, 0); err != nil {
		return nil, err
	}
	secrets, shut, err := w.engine.secretsOf(ctx, id)
	if err = cmp.Or(err, shut); err != nil {
		return nil, hookError(id, err)
	}
	return slices.DeleteFunc(secrets, func(s StoredSecret) bool { return s.ended(w.engine.clock.now()) }), nil
}

// Keyring returns a Keyring with the secrets of the webhooks in the database, for
// [webhook.StandardWebhooks] and [webhook.HMAC]. It keeps them in memory, and looks
// twice a second whether some process has changed any.
//
// While the database cannot be reached, those in memory are used for up to a minute;
// then, and for a webhook whose newest secret is not there or cannot be opened, it returns
// an error, so that nothing is sent without a signature: a delivery waits then, says so,
// and has used up no attempt. Old ones that cannot be opened are left out, so that requests
// lack their signatures; the log says so every few seconds, and they are tried again each
// time. For an id that no webhook has, it returns none, which is [webhook.ErrNoKey] to
// signers.
func (w *Webhooks[T]) Keyring() webhook.Keyring { return w.engine.keys }

func (s StoredSecret) ended(now time.Time) bool { return !s.Until.IsZero() && !s.Until.After(now) }

// addSecret stores a secret as the newest of a webhook. The others end after overlap.
func (w *Webhooks[T]) addSecret(
	ctx context.Context, id string, secret webhook.Secret, overlap time.Duration,
) (StoredSecret, error) {
	if _, err := w.current(ctx, w.engine.store.Read, id, 0, 0); err != nil {
		return StoredSecret{}, err
	}
	e := w.engine
	e.clock.compare(ctx, askClock, e.askTime(e.store.Read))
	for range 10 { // until no other call has come between
		var newest int64
		err := e.store.Read(ctx, store.Stmt{
			SQL: e.sql.newestSecret, Args: []any{id},
			Scan: func(row store.Row) error { return row.Scan(&newest) },
		})
		if err != nil {
			return StoredSecret{}, hookError(id, err)
		}
		n := newest + 1
		stmt, err := e.secretStmt(ctx, id, n, secret)
		if err != nil {
			return StoredSecret{}, hookError(id, err)
		}
		added := false
		stmt.Scan = func(row store.Row) error { added = true; return row.Scan(new(int64)) }
		now := e.clock.now()
		err = e.inTx(ctx, func(tx T) error {
			added = false
			if err := e.store.RunTx(ctx, tx, stmt); err != nil || !added {
				return err
			}
			return e.store.RunTx(ctx, tx,
				store.Stmt{SQL: e.sql.endSecrets, Args: []any{id, n, micros(now.Add(max(overlap, 0)))}},
				store.Stmt{SQL: e.sql.forgetSecrets, Args: []any{id, n, micros(now), n - maxOldSecrets}},
				store.Stmt{SQL: e.sql.secretsChanged})
		})
		if err != nil {
			return StoredSecret{}, hookError(id, err)
		}
		if added {
			e.secrets.forget()
			return newStoredSecret(secret, id, now, 0), nil
		}
	}
	return StoredSecret{}, hookError(id, errors.New("its secrets are being changed by others"))
}

// secretStmt returns the statement that stores the nth secret of a webhook, if there is
// no such one and there is the webhook. It seals it, so that no transaction waits for
// that.
func (e *Engine[T]) secretStmt(ctx context.Context, id string, n int64, secret webhook.Secret) (store.Stmt, error) {
	data, err := e.seal(ctx, secretPlace(id, n), []byte(secret.Reveal()))
	return store.Stmt{SQL: e.sql.addSecret, Args: []any{id, n, micros(e.clock.now()), data}}, err
}

// firstSecret returns the statement that gives a webhook its first secret, after the
// one that creates it.
func (e *Engine[T]) firstSecret(ctx context.Context, id string) (store.Stmt, error) {
	return e.secretStmt(ctx, id, 1, webhook.GenerateSecret())
}

// deleteSecrets returns the statements that remove all secrets of a webhook.
func (e *Engine[T]) deleteSecrets(id string) []store.Stmt {
	return []store.Stmt{
		{SQL: e.sql.deleteSecrets, Args: []any{id}},
		{SQL: e.sql.secretsChanged},
	}
}

func newStoredSecret(secret webhook.Secret, id string, created time.Time, until int64) StoredSecret {
	s := StoredSecret{Secret: secret, Created: utc(micros(created)), Until: utcOrZero(until)}
	switch {
	case secret.IsShort():
		s.Warning = warnShort
	case secret.Reveal() == id:
		s.Warning = warnWebhookID
	}
	return s
}

// readSecret makes a secret of what its Reveal has returned.
func readSecret(id, text string) (webhook.Secret, error) {
	if text == id {
		return webhook.WebhookIDSecret(id), nil
	}
	key, ok := strings.CutPrefix(text, "whsec_")
	b, err := base64.StdEncoding.DecodeString(key)
	if !ok || err != nil {
		return webhook.Secret{}, errors.New("the stored secret is unreadable")
	}
	return webhook.ExistingSecret(b)
}

// secretsOf reads the secrets of a webhook that count, the newest first. Old ones that
// cannot be opened are left out: shut is why the first of them cannot. A webhook that has none gets its first: it was created
// by an older version, which knew of none.
func (e *Engine[T]) secretsOf(ctx context.Context, id string) (found []StoredSecret, shut, err error) {
	if !isUUID(id) {
		return nil, nil, nil
	}
	found, shut, err = e.readSecrets(ctx, id)
	if err != nil || len(found) > 0 {
		return found, shut, err
	}
	// Of two processes that do so at once, the primary key lets one through.
	stmt, err := e.firstSecret(ctx, id)
	if err == nil {
		err = e.store.Run(ctx, stmt)
	}
	if err != nil {
		return nil, nil, err
	}
	return e.readSecrets(ctx, id)
}

func (e *Engine[T]) readSecrets(ctx context.Context, id string) (found []StoredSecret, shut, err error) {
	type row struct {
		n, created, until int64
		data              []byte
	}
	var rows []row
	err = e.store.Read(ctx, store.Stmt{SQL: e.sql.secrets, Args: []any{id}, Scan: func(r store.Row) error {
		var one row
		err := r.Scan(&one.n, &one.created, &one.until, &one.data)
		rows = append(rows, one)
		return err
	}})
	for _, r := range rows {
		if err != nil {
			break
		}
		if r.until != 0 && r.until <= micros(e.clock.now()) { // it does not matter whether it opens
			continue
		}
		var text []byte
		var secret webhook.Secret
		if text, err = e.unseal(ctx, secretPlace(id, r.n), r.data); err == nil {
			secret, err = readSecret(id, string(text))
		}
		if errors.Is(err, ErrSealed) && len(found) > 0 { // an old one: the newest signs
			shut, err = cmp.Or(shut, err), nil
			continue
		}
		found = append(found, newStoredSecret(secret, id, fromMicros(r.created), r.until))
	}
	if err != nil {
		return nil, nil, err
	}
	return found, shut, nil
}

const (
	secretsEvery  = 500 * time.Millisecond // how often it is looked for changes
	secretsWithin = time.Second            // how long that may take
	secretsStale  = time.Minute            // how long they count without a database
	secretsShut   = 10 * time.Second       // how long they count if an old one could not be opened
	maxSecrets    = 10_000                 // webhooks whose secrets are in memory
)

// secretCache has the secrets that were used.
type secretCache struct {
	looking chan struct{} // holds a value while somebody looks for changes

	mu    sync.Mutex // guards what follows
	known map[string]knownSecrets
	epoch int // goes up when known is emptied
	rev   int64
	asked time.Time // when rev was read
	tried time.Time // when it was last tried to read it
	err   error     // of the last time
}

// knownSecrets are those of a webhook.
type knownSecrets struct {
	secrets []StoredSecret
	until   time.Time // when to read them again; zero: when something was changed
}

// forget empties the cache.
func (c *secretCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetLocked()
}

// forgetLocked needs mu.
func (c *secretCache) forgetLocked() {
	c.known = make(map[string]knownSecrets)
	c.epoch++
}

// get returns the secrets of a webhook, and whether they are known. fresh is false if
// it has to be looked for changes first; err is why they may not be used any more.
func (c *secretCache) get(id string, now time.Time) (secrets []StoredSecret, epoch int, fresh, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.tried).Abs() >= secretsEvery {
		return nil, 0, false, false, nil
	}
	if c.err != nil && now.Sub(c.asked) > secretsStale {
		return nil, 0, true, false, c.err
	}
	known, ok := c.known[id]
	ok = ok && (known.until.IsZero() || now.Before(known.until))
	return known.secrets, c.epoch, true, ok, nil
}

// put keeps secrets that were read, unless there was a change since.
func (c *secretCache) put(id string, known knownSecrets, epoch int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch || c.known == nil {
		return
	}
	if len(c.known) >= maxSecrets {
		clear(c.known)
	}
	c.known[id] = known
}

// errSecrets says that the secrets of a webhook could not be read. An attempt that ends
// so was none: its delivery waits, as one does whose message cannot be opened.
var errSecrets = errors.New("the secrets of the webhook cannot be read")

func noSecrets(err error) error { return unread(errSecrets, err) }

func unread(reason, err error) error {
	text := err.Error() // without the end of a context, which would say something else
	if errors.Is(err, ErrSealed) {
		return fmt.Errorf("durable: %w: %w: %s", reason, ErrSealed, text)
	}
	return fmt.Errorf("durable: %w: %s", reason, text)
}

// keys is the Keyring.
func (e *Engine[T]) keys(ctx context.Context, id string) ([]webhook.Secret, error) {
	secrets, epoch, fresh, ok, err := e.secrets.get(id, time.Now())
	if !fresh {
		if err := e.lookForSecrets(ctx); err != nil {
			return nil, noSecrets(err)
		}
		secrets, epoch, _, ok, err = e.secrets.get(id, time.Now())
	}
	if err != nil {
		return nil, noSecrets(err)
	}
	if !ok {
		var shut error
		if secrets, shut, err = e.secretsOf(ctx, id); err != nil {
			return nil, noSecrets(err)
		}
		known := knownSecrets{secrets: secrets}
		if shut != nil { // so that it counts soon when it can be opened
			known.until = time.Now().Add(secretsShut)
			e.logBlocked(ctx, "read an old secret", shut)
		}
		if len(secrets) > 0 {
			e.secrets.put(id, known, epoch)
		}
	}
	keys := make([]webhook.Secret, 0, len(secrets))
	now := e.clock.now() // which until is on
	for _, s := range secrets {
		if !s.ended(now) {
			keys = append(keys, s.Secret)
		}
	}
	return keys, nil
}

// lookForSecrets empties the cache if a secret was changed since the last time. One
// call does so at a time; the others wait for it. Its error is that ctx has ended: that
// of the database is kept.
func (e *Engine[T]) lookForSecrets(ctx context.Context) error {
	c := &e.secrets
	select {
	case c.looking <- struct{}{}:
		defer func() { <-c.looking }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if _, _, fresh, _, _ := c.get("", time.Now()); fresh { // by another call
		return nil
	}
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), secretsWithin)
	defer cancel()
	begun := time.Now()
	var rev int64
	err := e.store.Read(reading, store.Stmt{
		SQL: e.sql.secretsRev, Scan: func(row store.Row) error { return row.Scan(&rev) },
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried, c.err = time.Now(), err
	if err != nil {
		return nil
	}
	c.asked = begun
	if rev != c.rev || c.known == nil {
		c.rev = rev
		c.forgetLocked()
	}
	return nil
}

func (s *statements) forSecrets(d store.Dialect) {
	s.secrets = d.SQL(`SELECT n, created, until, secret FROM @secret WHERE webhook_id = $1 ORDER BY n DESC`)
	s.newestSecret = d.SQL(`SELECT coalesce(max(n), 0) FROM @secret WHERE webhook_id = $1`)
	s.addSecret = d.SQL(`INSERT INTO @secret (webhook_id, n, created, until, secret)
		SELECT CAST($1 AS text), CAST($2 AS bigint), CAST($3 AS bigint), 0, CAST($4 AS BLOB)
		WHERE EXISTS (SELECT 1 FROM @webhook WHERE id = $1 AND version = 1 AND deleted = 0)
			AND ($2 > 1 OR NOT EXISTS (SELECT 1 FROM @secret WHERE webhook_id = $1)) ON CONFLICT DO NOTHING RETURNING n`)
	s.endSecrets = d.SQL(`UPDATE @secret SET until = $3
		WHERE webhook_id = $1 AND n < $2 AND (until = 0 OR until > $3)`)
	s.forgetSecrets = d.SQL(`DELETE FROM @secret WHERE webhook_id = $1 AND n < $2 AND (until <= $3 OR n < $4)`)
	s.deleteSecrets = d.SQL(`DELETE FROM @secret WHERE webhook_id = $1`)
	// The row is locked until the end of the transaction, so that changes become visible
	// in the order of their numbers.
	s.secretsChanged = d.SQL(`UPDATE @secret_rev SET rev = rev + 1`)
	s.secretsRev = d.SQL(`SELECT rev FROM @secret_rev`)
}
