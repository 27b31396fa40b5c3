package durable

import (
	"context"
	"fmt"
	"time"

	"github.com/ringhook/webhook/durable/internal/store"
)

// Health is what [Engine.Check] has found. It is plain data.
type Health struct {
	// Tables and River are the versions of the tables, ours and River's.
	Tables int `json:"tables"`
	River  int `json:"river"`
	// ClockAhead is by how much the clock of this process is ahead of the database's.
	// What is due is decided by the database's, which is also that of all that is stored;
	// times in logs are the process's. It is zero for SQLite, and below 20 ms.
	ClockAhead time.Duration `json:"clock_ahead"`
	// Behind is how long the oldest job that is due has waited for a worker of any
	// process: some milliseconds, unless there is more to do than the processes manage,
	// or none runs.
	Behind time.Duration `json:"behind"`
	// Log is how large SQLite's write-ahead log is, in bytes; zero for Postgres.
	Log int64 `json:"log"`
	// Clear says that there is no Sealer: what this process stores is in the clear.
	Clear bool `json:"clear"`
}

// Check tells whether the engine can work, for a health check: it reads, and writes a row
// of its own. It returns an error, for the operator, if the database cannot be reached or
// is read-only, has tables of another version than this program's, or if SQLite's
// write-ahead log grows since another program has been reading for long. What it has
// found until then is in the Health all the same. That there is no Sealer is no error, but
// Clear; a line of the log says so too when the engine is made. Nor is the Sealer asked:
// what it cannot open waits, and its delivery says so.
func (e *Engine[T]) Check(ctx context.Context) (Health, error) {
	h := Health{Clear: e.config.Sealer == nil}
	fail := func(err error) (Health, error) { return h, fmt.Errorf("durable: check: %w", err) }
	found, err := e.layout(ctx, e.store.Read)
	h.Tables, h.River = found.own, found.river
	if err != nil {
		return fail(err)
	}
	if err := e.checkLayout(found); err != nil {
		return fail(err)
	}
	e.clock.compare(ctx, 0, e.askTime(e.store.Read))
	h.ClockAhead = -e.clock.difference()
	var due int64
	err = e.store.Read(ctx, store.Stmt{SQL: e.sql.oldestJob, Scan: func(row store.Row) error {
		return row.Scan(&due)
	}})
	if err != nil {
		return fail(err)
	}
	if due > 0 {
		h.Behind = max(0, e.clock.now().Sub(fromMicros(due)))
	}
	if c, ok := e.store.(store.Checker); ok {
		if h.Log, err = c.Check(ctx); err != nil {
			return fail(err)
		}
	}
	// The row counts as no process.
	if err := e.store.Run(ctx, store.Stmt{SQL: e.sql.present, Args: []any{"check", int64(-1)}}); err != nil {
		return fail(fmt.Errorf("write: %w", err))
	}
	return h, nil
}
