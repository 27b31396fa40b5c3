package durable

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/ringhook/webhook/durable/internal/store"
)

const (
	presentEvery = 3 * time.Second
	presentFor   = 10 * time.Second
)

// Workers is how many attempts are made at once in this process; see [queue.Sizer].
func (e *Engine[T]) Workers() int { return e.config.Workers }

// Processes is how many processes have run an engine on this database in the last 10
// seconds, while Run is on in this one; see [queue.Sizer].
func (e *Engine[T]) Processes() int { return int(e.processes.Load()) }

// present writes down every few seconds that this process delivers, and counts those that
// do, until ctx ends. It keeps the clock right, too.
func (e *Engine[T]) present(ctx context.Context) {
	id := rand.Text()
	ticker := time.NewTicker(presentEvery)
	defer ticker.Stop()
	defer func() {
		// So that the others need not wait until it is missed.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = e.store.Run(ctx, store.Stmt{SQL: e.sql.absent, Args: []any{id, int64(0)}})
	}()
	for failing := false; ; {
		asked, cancel := context.WithTimeout(ctx, presentEvery)
		e.clock.compare(asked, presentEvery, e.askTime(e.store.Read))
		now := e.clock.now()
		var n int64
		err := e.store.Run(asked,
			store.Stmt{SQL: e.sql.present, Args: []any{id, micros(now)}},
			store.Stmt{SQL: e.sql.absent, Args: []any{"", micros(now.Add(-time.Hour))}},
			store.Stmt{
				SQL: e.sql.processes, Args: []any{micros(now.Add(-presentFor))},
				Scan: func(row store.Row) error { return row.Scan(&n) },
			})
		cancel()
		if err == nil {
			e.processes.Store(n)
		} else if !failing && ctx.Err() == nil {
			e.log(ctx, "write down that this process delivers", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *statements) forPresence(d store.Dialect) {
	s.present = d.SQL(`INSERT INTO @process (id, seen) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET seen = excluded.seen`)
	s.absent = d.SQL(`DELETE FROM @process WHERE id = $1 OR seen < $2`)
	s.processes = d.SQL(`SELECT count(*) FROM @process WHERE seen >= $1`)
	if d.Now != "" {
		s.now = d.SQL(`SELECT ` + d.Now)
	}
	// By its index, River has the oldest of each priority at hand.
	var oldest []string
	for _, state := range []string{"available", "scheduled", "retryable"} {
		for priority := 1; priority <= 4; priority++ {
			oldest = append(oldest, fmt.Sprintf(`SELECT min(scheduled_at) AS at FROM #river_job
				WHERE state = '%s' AND queue = '%s' AND priority = %d`, state, riverQueue, priority))
		}
	}
	s.oldestJob = d.SQL(`SELECT coalesce(min(` + fmt.Sprintf(d.Micros, "at") + `), 0)
		FROM (` + strings.Join(oldest, ` UNION ALL `) + `) AS a`)
	s.depth = d.Many(`SELECT r.n, (SELECT count(*) FROM (SELECT 1 AS one FROM @delivery
			WHERE key = r.key AND event = r.event AND state = 'pending' LIMIT r.most) AS d)
		FROM ROWS(key text, event text, most bigint)`)
}
