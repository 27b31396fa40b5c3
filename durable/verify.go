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
// kept with the version, so that Disable and Enable do not get around it, and what was
// composed with a version that never was is not sent when a later one is enabled. Whoever
// decides by it locks the endpoints first, as all do that change one.

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

// A verified is what is known of a version of a webhook.
type verified struct {
	url    string
	proved bool
}

// toVerify locks the endpoints, and returns what is known of the current version, if the
// URLs of webhooks are to be verified.
func (w *Webhooks[T]) toVerify(ctx context.Context, run runFunc, id string) (verified, error) {
	if w.engine.config.Verify == nil {
		return verified{}, nil
	}
	if err := w.lockToVerify(ctx, run); err != nil {
		return verified{}, hookError(id, err)
	}
	d, err := w.current(ctx, run, id, 0, 0)
	if err != nil {
		return verified{}, err
	}
	whole, err := w.decode(ctx, d)
	if err != nil {
		return verified{}, err
	}
	proved, err := w.isProved(ctx, run, id, d.version)
	return verified{whole.URL, proved}, err
}

// isProved reports whether the URL of a version was proved, or nobody had to.
func (w *Webhooks[T]) isProved(ctx context.Context, run runFunc, id string, version int64) (bool, error) {
	var proved int64
	err := run(ctx, store.Stmt{
		SQL: w.engine.sql.proved, Args: []any{id, version},
		Scan: func(row store.Row) error { return row.Scan(&proved) },
	})
	if err != nil {
		return false, hookError(id, err)
	}
	return proved > 0, nil
}

// hold pauses a webhook that was just stored until its URL is verified, unless that was
// proved of the version before. It returns the definition as it is then.
func (w *Webhooks[T]) hold(
	ctx context.Context, run runFunc, d *definition, url string, before verified,
) (*definition, error) {
	e := w.engine
	if e.config.Verify == nil || before.proved && samePlace(url, before.url) {
		return d, nil
	}
	known := queue.Endpoint{Key: d.id, State: queue.StateEnabled}
	err := run(ctx, store.Stmt{SQL: e.sql.prove, Args: []any{d.id, d.version, int64(0)}}, e.endpointStmt(d.id, &known))
	if err != nil {
		return nil, hookError(d.id, err)
	}
	if known.State != queue.StateEnabled {
		return d, nil
	}
	stmts := e.decide(known, queue.StatePaused, string(queue.ReasonUnverified), actorOf(ctx), false)
	if err := run(ctx, stmts...); err != nil {
		return nil, hookError(d.id, err)
	}
	return w.current(ctx, run, d.id, 0, 0)
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
	for range 10 {
		d, err := w.Get(ctx, id)
		if err != nil {
			return err
		}
		proved, err := w.isProved(ctx, w.engine.store.Read, id, int64(d.Version))
		if err != nil {
			return err
		}
		if !proved {
			if err := w.engine.config.Verify(ctx, d); err != nil {
				return hookError(id, fmt.Errorf("%w: %w", ErrUnverified, err))
			}
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
// meanwhile.
func (w *Webhooks[T]) enableAt(ctx context.Context, d Definition, reason string) (ok bool, err error) {
	e := w.engine
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
		err = run(ctx, store.Stmt{SQL: e.sql.prove, Args: []any{d.ID, now.version, int64(1)}}, e.endpointStmt(d.ID, &known))
		if err != nil {
			return err
		}
		return run(ctx, e.decide(known, queue.StateEnabled, tidyReason(reason), actorOf(ctx), true)...)
	})
	return ok, err
}

// isHeldBack reports whether a delivery was composed with a version whose URL was never
// proved. Its webhook is enabled, so it is another version that was.
func (e *Engine[T]) isHeldBack(ctx context.Context, d *delivery) (held bool, err error) {
	if e.config.Verify == nil {
		return false, nil
	}
	err = e.store.Read(ctx, store.Stmt{
		SQL: e.sql.heldBack, Args: []any{d.seq},
		Scan: func(row store.Row) error { held = true; return row.Scan(new(int64)) },
	})
	return held, err
}

func (s *statements) forVerify(d store.Dialect) {
	s.proved = d.SQL(`SELECT proved FROM @webhook WHERE id = $1 AND version = $2`)
	s.prove = d.SQL(`UPDATE @webhook SET proved = $3 WHERE id = $1 AND version = $2 AND deleted = 0`)
	s.heldBack = d.SQL(`SELECT d.seq FROM @delivery AS d
		JOIN @webhook AS w ON w.id = d.webhook_id AND w.version = d.webhook_version
		WHERE d.seq = $1 AND w.proved = 0`)
}
