package durable

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/handshake"
	"github.com/ringhook/webhook/queue"
)

// With a Config.Verify, a webhook whose URL nobody has proved to want events is paused for
// the reason unverified, from the transaction on that stores the URL. What was proved is
// kept with each version, so that Disable and Enable do not get around it, and what was
// composed with one that never was is not sent when another is enabled. A version has the
// proof of the one before, unless its URL is of another place, for which all processes that
// store webhooks need a Verify. Those without one enable and send nothing that was not
// proved.

// ErrUnverified is wrapped by the error of [Webhooks.Enable] for a webhook that [Config]
// Verify does not accept, together with Verify's error.
var ErrUnverified = errors.New("not verified")

// samePlace reports whether what was proved of a URL is true of another one.
func samePlace(a, b string) bool {
	place, err := handshake.Place(a)
	if err != nil { // as of a URL whose host is a placeholder
		return a == b
	}
	other, err := handshake.Place(b)
	return err == nil && place == other
}

// locked runs fn in a transaction of its own that has locked the endpoints, if the URLs of
// webhooks are to be verified.
func (w *Webhooks[T]) locked(ctx context.Context, fn func(run runFunc) error) error {
	if w.engine.config.Verify == nil {
		return fn(w.engine.store.Run)
	}
	return w.engine.inTx(ctx, func(tx T) error { return fn(w.engine.inside(tx)) })
}

// lockToVerify locks the endpoints, if the URLs of webhooks are to be verified.
func (w *Webhooks[T]) lockToVerify(ctx context.Context, run runFunc) error {
	if w.engine.config.Verify == nil {
		return nil
	}
	return run(ctx, w.engine.store.Lock([]string{endpointLock})...)
}

// toVerify returns the URL of a version, of which nothing is known to be proved if it is
// empty; and if no URLs are to be verified, it is.
func (w *Webhooks[T]) toVerify(ctx context.Context, run runFunc, id string, version int) (url string, err error) {
	if w.engine.config.Verify == nil {
		return "", nil
	}
	d, err := one(ctx, run, id, store.Stmt{SQL: w.engine.sql.atVersion, Args: []any{id, int64(version)}})
	if err != nil || d == nil { // there is nothing to update
		return "", err
	}
	before, err := w.decode(ctx, d)
	if before.Sealed || before.Unreadable { // it can be replaced all the same, by one to be proved
		return "", nil
	}
	return before.URL, err
}

// hold pauses a webhook that was just stored until its URL is verified, unless that was
// proved of the version before. It returns the definition as it is then.
func (w *Webhooks[T]) hold(
	ctx context.Context, run runFunc, d *definition, url, before string,
) (*definition, error) {
	e := w.engine
	if e.config.Verify == nil || d.version > 1 && d.proved == 0 || before != "" && samePlace(url, before) {
		return d, nil
	}
	known := queue.Endpoint{Key: d.id, State: queue.StateEnabled}
	err := run(ctx, store.Stmt{SQL: e.sql.prove, Args: []any{d.id, d.version, int64(0)}}, e.endpointStmt(d.id, &known))
	if err != nil {
		return nil, hookError(d.id, err)
	}
	if known.State == queue.StateEnabled {
		// Who has just made a webhook knows it, who has one that was enabled is told.
		tell := d.version > 1
		stmts := e.decide(known, queue.StatePaused, string(queue.ReasonUnverified), actorOf(ctx), tell)
		if err := run(ctx, stmts...); err != nil {
			return nil, hookError(d.id, err)
		}
	}
	return w.current(ctx, run, d.id, 0, 0)
}

// checkProved returns an error for a webhook whose URL is not verified.
func (e *Engine[T]) checkProved(ctx context.Context, id string) error {
	unproved := false
	err := e.store.Read(ctx, store.Stmt{
		SQL: e.sql.isUnproved, Args: []any{clean(id)},
		Scan: func(row store.Row) error { unproved = true; return row.Scan(new(int64)) },
	})
	if err == nil && unproved {
		err = ErrUnverified
	}
	return err
}

// decide returns the statements that store a decision about an endpoint, which is known to
// those that have locked the endpoints.
func (e *Engine[T]) decide(
	known queue.Endpoint, state queue.EndpointState, reason, actor string, tell bool,
) []store.Stmt {
	now, told := micros(e.clock.now()), int64(0)
	if tell {
		told = now
	}
	return []store.Stmt{
		{
			SQL:  e.sql.logEndpoint,
			Args: []any{known.Key, known.Rev, string(state), reason, actor, now},
		},
		{
			SQL:  e.sql.setEndpoint,
			Args: []any{known.Key, known.Rev, string(state), reason, actor, now, int64(0), int64(0), told},
		},
		{SQL: e.sql.copyState, Args: []any{known.Key}},
	}
}

// enableVerified enables a webhook whose URL was proved, or is now.
func (w *Webhooks[T]) enableVerified(ctx context.Context, id, reason string) error {
	proved := ""
	for range 10 {
		d, err := w.Get(ctx, id)
		if err != nil {
			return err
		}
		if d.Unverified && (proved == "" || !samePlace(proved, d.URL)) {
			if err := w.engine.config.Verify(ctx, d); err != nil {
				return hookError(id, fmt.Errorf("%w: %w", ErrUnverified, err))
			}
			proved = d.URL
		}
		enabled, err := w.enableAt(ctx, d, reason)
		if err != nil {
			return hookError(id, err)
		}
		if enabled {
			w.engine.lookForParked()
			return nil
		}
	}
	return hookError(id, errUpdated)
}

// enableAt enables a webhook whose URL was proved, unless there is another version of it
// meanwhile. Older versions of the same place are proved with it.
func (w *Webhooks[T]) enableAt(ctx context.Context, d Definition, reason string) (ok bool, err error) {
	e := w.engine
	proved, err := w.sameAs(ctx, d)
	if err != nil {
		return false, err
	}
	err = e.inTx(ctx, func(tx T) error {
		run := e.inside(tx)
		if err := w.lockToVerify(ctx, run); err != nil {
			return err
		}
		now, err := w.current(ctx, run, d.ID, 0, 0)
		if err != nil {
			return err
		}
		if ok = now.version == int64(d.Version); !ok {
			return nil
		}
		known := queue.Endpoint{Key: d.ID, State: queue.StateEnabled}
		stmts := []store.Stmt{e.endpointStmt(d.ID, &known)}
		for _, version := range proved {
			stmts = append(stmts, store.Stmt{SQL: e.sql.prove, Args: []any{d.ID, version, int64(1)}})
		}
		if err := run(ctx, stmts...); err != nil {
			return err
		}
		tell := known.State != queue.StateEnabled
		return run(ctx, e.decide(known, queue.StateEnabled, tidyReason(reason), actorOf(ctx), tell)...)
	})
	return ok, err
}

// sameAs returns the versions that are not proved and are of the same place as one that is
// now, which is among them.
func (w *Webhooks[T]) sameAs(ctx context.Context, d Definition) (same []int64, err error) {
	var versions []int64
	err = w.engine.store.Read(ctx, store.Stmt{
		SQL: w.engine.sql.unproved, Args: []any{d.ID},
		Scan: func(row store.Row) error {
			versions = append(versions, 0)
			return row.Scan(&versions[len(versions)-1])
		},
	})
	for _, version := range versions {
		if err != nil {
			return nil, err
		}
		var one Definition
		if one, err = w.Version(ctx, d.ID, int(version)); one.Sealed || one.Unreadable {
			err = nil // nothing is sent with it before it can be read
		} else if samePlace(one.URL, d.URL) {
			same = append(same, version)
		}
	}
	return same, err
}

func (s *statements) forVerify(d store.Dialect) {
	s.prove = d.SQL(`UPDATE @webhook SET proved = $3 WHERE id = $1 AND version = $2 AND deleted = 0`)
	s.unproved = d.SQL(`SELECT version FROM @webhook WHERE id = $1 AND proved = 0 AND deleted = 0`)
}
