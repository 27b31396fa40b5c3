package durable

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/ringhook/webhook/durable/internal/store"
)

// An event that was published to several webhooks is stored once, in a table of its own:
// the rows of the deliveries in the table event name it. Who removes such a row removes the
// event too if no other names it.

// eventJSON is the JSON of an event, of which e is the row.
const eventJSON = `CASE WHEN e.shared IS NULL THEN e.json ELSE (SELECT json FROM @shared_event WHERE id = e.shared) END`

// A sharedEvent is one that several deliveries have.
type sharedEvent struct {
	id string
	keptEvent
	sealed []byte
}

func newShared(event keptEvent) *sharedEvent { return &sharedEvent{id: rand.Text(), keptEvent: event} }

// textOf returns a text that may be NULL.
func textOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// sharedIDs are those of shared events that are perhaps not needed any more.
type sharedIDs []string

func (ids *sharedIDs) scan(row store.Row) error {
	var id *string
	err := row.Scan(&id)
	if id != nil {
		*ids = append(*ids, *id)
	}
	return err
}

// dropUnused removes shared events that no delivery names any more, after the rows that
// named them were removed.
func (e *Engine[T]) dropUnused(ctx context.Context, tx T, ids sharedIDs) error {
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var stmts []store.Stmt
	for _, id := range ids {
		// Of two that remove the last rows which name an event, each would see the row of
		// the other. A lock of its row, since a transaction of a caller's own may hold it
		// for long: only who has to do with the same event waits.
		if e.sql.lockShared != "" {
			stmts = append(stmts, store.Stmt{SQL: e.sql.lockShared, Args: []any{id}})
		}
		stmts = append(stmts, e.unusedStmt(id))
	}
	return e.store.RunTx(ctx, tx, stmts...)
}

// unusedStmt returns the statement that removes a shared event if no delivery names it.
func (e *Engine[T]) unusedStmt(id string) store.Stmt {
	return store.Stmt{SQL: e.sql.unused, Args: []any{id}}
}

// orphanBatch is how many shared events are looked at each minute.
const orphanBatch = 5000

// dropOrphans removes shared events that no delivery names. There are some where a process
// of before there were any has removed deliveries. It goes on where it ended last.
func (e *Engine[T]) dropOrphans(ctx context.Context) error {
	var last string
	var n int
	var orphans sharedIDs
	err := e.store.Read(ctx, store.Stmt{
		SQL: e.sql.sharedAfter, Args: []any{e.lastShared, int64(orphanBatch)},
		Scan: func(row store.Row) error {
			var named int64
			err := row.Scan(&last, &named)
			if n++; named == 0 {
				orphans = append(orphans, last)
			}
			return err
		},
	})
	if err == nil && len(orphans) > 0 {
		err = e.inTx(ctx, func(tx T) error { return e.dropUnused(ctx, tx, slices.Clone(orphans)) })
	}
	if err != nil {
		return err
	}
	if e.lastShared = last; n < orphanBatch {
		e.lastShared = ""
	}
	return nil
}

func (e *Engine[T]) walkShared() walk {
	return &rowWalk[T, sharedEvent]{
		engine: e, sql: e.sql.walkShared, start: []any{""},
		scan: func(row store.Row) (s sharedEvent, _ []any, err error) {
			err = row.Scan(&s.id, &s.sealed)
			return s, []any{s.id}, err
		},
		change: func(ctx context.Context, s sharedEvent) ([]store.Stmt, error) {
			data, err := e.resealed(ctx, sharedPlace(s.id), s.sealed)
			if err != nil || data == nil {
				return nil, err
			}
			return []store.Stmt{{SQL: e.sql.resealShared, Args: []any{s.id, s.sealed, data}}}, nil
		},
	}
}

func (s *statements) forShared(d store.Dialect) {
	s.share = d.SQL(`INSERT INTO @shared_event (id, json) VALUES ($1, $2)`)
	s.unused = d.SQL(`DELETE FROM @shared_event
		WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM @event WHERE shared = $1)`)
	if d.ForUpdate != "" {
		s.lockShared = d.SQL(`SELECT id FROM @shared_event WHERE id = $1` + d.ForUpdate)
	}
	// With LIMIT, Postgres does not read all events at once, also where it believes that
	// they are few.
	s.sharedAfter = d.SQL(`SELECT id, coalesce((SELECT 1 FROM @event WHERE shared = s.id LIMIT 1), 0)
		FROM @shared_event AS s WHERE id > $1 ORDER BY id LIMIT $2`)
	s.walkShared = d.SQL(`SELECT id, json FROM @shared_event WHERE id > $1 ORDER BY id LIMIT $2`)
	s.resealShared = d.SQL(`UPDATE @shared_event SET json = $3 WHERE id = $1 AND json = $2`)
}
