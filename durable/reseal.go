package durable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/ringhook/webhook/durable/internal/store"
)

const (
	resealRead  = 200 // rows that are read at once, so few that they fit into memory
	resealWrite = 100 // rows that are written at once, so few that nothing waits long for them
)

// Reseal seals what is clear, since it was stored before there was a Sealer, and what
// its Sealer does not call Current, such as what [AESGCM] has sealed with an older key.
// It rewrites limit rows at most; if zero, 1000; and returns how many it has, also with
// an error. Call it again until it returns 0. Each call in a process goes on where the
// last one ended; in a new process, it passes over what is done. Deliveries go on
// beside it.
//
// Where it finds refs and subjects that are clear, it hides them, so that deliveries of
// before are found by them; orderings only of deliveries that have ended.
//
// What cannot be opened stays as it is. Then, at the end, the error wraps [ErrSealed] and
// says how many there are.
//
// The database may still have what was clear in pages that are free, in its log and in
// backups.
func (e *Engine[T]) Reseal(ctx context.Context, limit int) (int, error) {
	n, err := e.reseals.run(ctx, limit)
	if err != nil {
		err = fmt.Errorf("durable: reseal: %w", err)
	}
	return n, err
}

// A resealer walks through the tables by their keys.
type resealer struct {
	mu     sync.Mutex // held by one call at a time; guards what follows
	walks  []walk
	at     int // which of walks is next
	failed int // values that could not be opened
	first  error
}

// A walk goes through one table.
type walk interface {
	// next reads some rows after the last ones, and returns what changes them, with one
	// statement or more for each of at most limit rows, and whether there were any rows.
	next(ctx context.Context, limit int) (changes [][]store.Stmt, more bool, err error)
	run(ctx context.Context, stmts []store.Stmt) error
	restart()
}

func (r *resealer) run(ctx context.Context, limit int) (int, error) {
	switch {
	case limit < 0:
		return 0, fmt.Errorf("%w: a negative limit", ErrFilter)
	case limit == 0:
		limit = 1000
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.walks) == 0 {
		return 0, errors.New("there is no Sealer")
	}
	done := 0
	for r.at < len(r.walks) {
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
		if done == limit {
			return done, nil
		}
		w := r.walks[r.at]
		changes, more, err := w.next(ctx, min(resealWrite, limit-done))
		if err != nil {
			return done, err
		}
		if !more {
			r.at++
			continue
		}
		var stmts []store.Stmt
		for _, change := range changes {
			stmts = append(stmts, change...)
		}
		if len(stmts) > 0 {
			if err := w.run(ctx, stmts); err != nil {
				w.restart() // the rows are read once more
				return done, err
			}
		}
		done += len(changes)
	}
	failed, first := r.failed, r.first
	r.at, r.failed, r.first = 0, 0, nil
	for _, w := range r.walks {
		w.restart()
	}
	if failed > 0 {
		return done, fmt.Errorf("%d values stay as they are, the first since: %w", failed, first)
	}
	return done, nil
}

// fail notes that a value could not be opened. The caller runs under mu.
func (r *resealer) fail(err error) {
	r.failed++
	if r.first == nil {
		r.first = err
	}
}

// A rowWalk is a walk through the rows of type R, with keys of a few columns.
type rowWalk[T, R any] struct {
	engine *Engine[T]
	sql    string // reads rows after a key; the last parameter is the limit
	start  []any
	after  []any
	scan   func(store.Row) (row R, key []any, err error)
	change func(ctx context.Context, row R) ([]store.Stmt, error)
}

func (w *rowWalk[T, R]) restart() { w.after = nil }

func (w *rowWalk[T, R]) run(ctx context.Context, stmts []store.Stmt) error {
	return w.engine.store.Run(ctx, stmts...)
}

func (w *rowWalk[T, R]) next(ctx context.Context, limit int) (changes [][]store.Stmt, more bool, err error) {
	if w.after == nil {
		w.after = w.start
	}
	var rows []R
	var keys [][]any
	err = w.engine.store.Read(ctx, store.Stmt{
		SQL: w.sql, Args: append(append([]any{}, w.after...), int64(resealRead)),
		Scan: func(row store.Row) error {
			r, key, err := w.scan(row)
			rows, keys = append(rows, r), append(keys, key)
			return err
		},
	})
	last := w.after
	for i := 0; err == nil && i < len(rows) && len(changes) < limit; i++ {
		var stmts []store.Stmt
		stmts, err = w.change(ctx, rows[i])
		if last = keys[i]; len(stmts) > 0 {
			changes = append(changes, stmts)
		}
	}
	if err != nil {
		return nil, false, err
	}
	w.after = last
	return changes, len(rows) > 0, nil
}

// resealed returns a value sealed as the Sealer does now; nil if it is already, or
// cannot be opened. The error is that of Seal.
func (e *Engine[T]) resealed(ctx context.Context, p place, data []byte) ([]byte, error) {
	if len(data) == 0 || e.isCurrent(data) {
		return nil, nil
	}
	plain, err := e.unseal(ctx, p, data)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		e.reseals.fail(err)
		return nil, nil
	}
	return e.seal(ctx, p, plain)
}

func (e *Engine[T]) isCurrent(data []byte) bool {
	sealed, ok := bytes.CutPrefix(data, []byte(sealMark))
	if !ok {
		return false
	}
	s, ok := e.config.Sealer.(interface{ Current(sealed []byte) bool })
	return !ok || s.Current(sealed)
}

// resealedText is resealed for a column of text; empty if it stays.
func (e *Engine[T]) resealedText(ctx context.Context, p place, text string) (string, error) {
	data := sealedText(text)
	if data == nil {
		data = []byte(text)
	}
	data, err := e.resealed(ctx, p, data)
	if err != nil || data == nil {
		return "", err
	}
	return encodeText(data), nil
}

// newWalks returns what Reseal walks through.
func (e *Engine[T]) newWalks() []walk {
	if e.config.Sealer == nil {
		return nil
	}
	return []walk{e.walkWebhooks(), e.walkSecrets(), e.walkAttempts(), e.walkDeliveries(), e.walkShared(), e.walkSubscriptions()}
}

func (e *Engine[T]) walkWebhooks() walk {
	return &rowWalk[T, definition]{
		engine: e, sql: e.sql.walkWebhooks, start: []any{"", int64(0)},
		scan: func(row store.Row) (d definition, _ []any, err error) {
			err = row.Scan(&d.id, &d.version, &d.text)
			return d, []any{d.id, d.version}, err
		},
		change: func(ctx context.Context, d definition) ([]store.Stmt, error) {
			if sealed := definitionSeal(d.text); sealed != nil && e.isCurrent(sealed) {
				return nil, nil
			}
			hook, err := e.openDefinition(ctx, d.id, d.version, d.text)
			if err != nil {
				e.reseals.fail(err)
				return nil, nil
			}
			text, err := e.sealDefinition(ctx, hook, d.version)
			return []store.Stmt{{SQL: e.sql.resealWebhook, Args: []any{d.id, d.version, d.text, text}}}, err
		},
	}
}

func (e *Engine[T]) walkSecrets() walk {
	type secret struct {
		id   string
		n    int64
		data []byte
	}
	return &rowWalk[T, secret]{
		engine: e, sql: e.sql.walkSecrets, start: []any{"", int64(0)},
		scan: func(row store.Row) (s secret, _ []any, err error) {
			err = row.Scan(&s.id, &s.n, &s.data)
			return s, []any{s.id, s.n}, err
		},
		change: func(ctx context.Context, s secret) ([]store.Stmt, error) {
			data, err := e.resealed(ctx, secretPlace(s.id, s.n), s.data)
			if err != nil || data == nil {
				return nil, err
			}
			return []store.Stmt{{SQL: e.sql.resealSecret, Args: []any{s.id, s.n, s.data, data}}}, nil
		},
	}
}

// A storedDelivery is what is sealed of a delivery.
type storedDelivery struct {
	seq                     int64
	id                      string
	state                   State
	message, content, event []byte
	subject, ordering, refs *string
}

func (e *Engine[T]) walkDeliveries() walk {
	return &rowWalk[T, storedDelivery]{
		engine: e, sql: e.sql.walkDeliveries, start: []any{int64(0)},
		scan: func(row store.Row) (d storedDelivery, _ []any, err error) {
			err = row.Scan(&d.seq, &d.id, (*string)(&d.state), &d.message, &d.content, &d.subject, &d.ordering,
				&d.refs, &d.event)
			return d, []any{d.seq}, err
		},
		change: e.resealDelivery,
	}
}

// resealDelivery returns what seals a delivery. The statements change only what is as it
// was read.
func (e *Engine[T]) resealDelivery(ctx context.Context, d storedDelivery) (stmts []store.Stmt, err error) {
	key := e.key
	add := func(sql string, args ...any) {
		stmts = append(stmts, store.Stmt{SQL: sql, Args: append([]any{d.seq}, args...)})
	}
	event, err := e.resealed(ctx, eventPlace(d.id), d.event)
	if err != nil {
		return nil, err
	}
	if event != nil {
		add(e.sql.resealEvent, d.event, event)
	}
	if len(d.message) > 0 && !e.isCurrent(d.message) {
		message, err := e.resealedMessage(ctx, d)
		if message == nil {
			return stmts, err // what it is found by stays too
		}
		add(e.sql.resealMessage, d.message, message)
	}
	if len(d.content) > 0 && !isKeyed(d.content) {
		add(e.sql.resealContent, d.content, key.content(d.content))
	}
	if isClear(d.subject) {
		add(e.sql.resealSubject, *d.subject, key.text(kindSubject, *d.subject))
	}
	if isClear(d.ordering) && d.state != StatePending {
		add(e.sql.resealOrdering, *d.ordering, key.order(*d.ordering))
	}
	if isClear(d.refs) {
		for ref := range strings.SplitSeq(*d.refs, "\n") {
			add(e.sql.resealRef, ref, key.text(kindRef, ref))
		}
	}
	return stmts, nil
}

// resealedMessage is resealed for a message. One that is clear is sealed with what is
// beside it and will be hidden.
func (e *Engine[T]) resealedMessage(ctx context.Context, d storedDelivery) ([]byte, error) {
	if bytes.HasPrefix(d.message, []byte(sealMark)) {
		return e.resealed(ctx, messagePlace(d.id), d.message)
	}
	m, err := e.decode(ctx, d.id, d.message, d.content, d.refs)
	if err != nil {
		e.reseals.fail(err)
		return nil, nil
	}
	order := ""
	if d.ordering != nil {
		order = *d.ordering
	}
	return e.encode(ctx, m, order)
}

func isClear(s *string) bool { return s != nil && *s != "" && !strings.HasPrefix(*s, keyedMark) }

func (e *Engine[T]) walkAttempts() walk {
	type attempt struct {
		seq, gen, n, at int64
		id              string
		answer          answer
	}
	return &rowWalk[T, attempt]{
		engine: e, sql: e.sql.walkAttempts, start: []any{int64(0), int64(0), int64(0)},
		scan: func(row store.Row) (a attempt, _ []any, err error) {
			dest := []any{&a.seq, &a.gen, &a.n, &a.at, &a.id}
			for i := range a.answer {
				dest = append(dest, &a.answer[i])
			}
			err = row.Scan(dest...)
			return a, []any{a.seq, a.gen, a.n}, err
		},
		change: func(ctx context.Context, a attempt) ([]store.Stmt, error) {
			var stmts []store.Stmt
			for i, column := range answerColumns {
				text, err := e.resealedText(ctx, attemptPlace(column, a.id, a.at), a.answer[i])
				if err != nil {
					return nil, err
				}
				if text != "" {
					params := []any{a.seq, a.gen, a.n, a.answer[i], text}
					stmts = append(stmts, store.Stmt{SQL: e.sql.resealAnswer[i], Args: params})
				}
			}
			return stmts, nil
		},
	}
}

// forReseal sets the statements of Reseal. What it changes, it changes only if it is as
// it was read.
func (s *statements) forReseal(d store.Dialect) {
	s.walkWebhooks = d.SQL(`SELECT id, version, definition FROM @webhook
		WHERE (id, version) > ($1, $2) AND definition <> '' ORDER BY id, version LIMIT $3`)
	s.resealWebhook = d.SQL(`UPDATE @webhook SET definition = $4
		WHERE id = $1 AND version = $2 AND definition = $3`)
	s.walkSecrets = d.SQL(`SELECT webhook_id, n, secret FROM @secret
		WHERE (webhook_id, n) > ($1, $2) ORDER BY webhook_id, n LIMIT $3`)
	s.resealSecret = d.SQL(`UPDATE @secret SET secret = $4 WHERE webhook_id = $1 AND n = $2 AND secret = $3`)
	s.walkDeliveries = d.SQL(`SELECT d.seq, d.id, d.state, d.message, d.content, d.subject, d.ordering, ` +
		refsColumn + `, (SELECT json FROM @event WHERE seq = d.seq)
		FROM @delivery AS d WHERE d.seq > $1 ORDER BY d.seq LIMIT $2`)
	s.resealEvent = d.SQL(`UPDATE @event SET json = $3 WHERE seq = $1 AND json = $2`)
	s.resealMessage = d.SQL(`UPDATE @delivery SET message = $3 WHERE seq = $1 AND message = $2`)
	s.resealContent = d.SQL(`UPDATE @delivery SET content = $3 WHERE seq = $1 AND content = $2`)
	s.resealSubject = d.SQL(`UPDATE @delivery SET subject = $3 WHERE seq = $1 AND subject = $2`)
	s.resealOrdering = d.SQL(`UPDATE @delivery SET ordering = $3
		WHERE seq = $1 AND ordering = $2 AND state <> 'pending' AND active = 0`)
	s.resealRef = d.SQL(`UPDATE @ref SET ref = $3 WHERE delivery_seq = $1 AND ref = $2`)
	s.walkAttempts = d.SQL(`SELECT seq, gen, n, at, coalesce((SELECT id FROM @delivery WHERE seq = a.seq), ''), ` +
		strings.Join(answerColumns[:], ", ") + `
		FROM @attempt AS a WHERE (seq, gen, n) > ($1, $2, $3) ORDER BY seq, gen, n LIMIT $4`)
	for i, column := range answerColumns {
		s.resealAnswer[i] = d.SQL(`UPDATE @attempt SET ` + column + ` = $5
			WHERE seq = $1 AND gen = $2 AND n = $3 AND ` + column + ` = $4`)
	}
}
