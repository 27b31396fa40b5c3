package durable

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// Stats returns figures of what is in the database. So they are the same in each process
// and not to be added up, except for InFlight, which is what this process has handed out;
// what other processes have handed out counts as pending. It reads an index of all that
// is pending, which takes some 100 ms for a million: if there are many, what a call has
// read is also returned by those in the next seconds, for 20 times as long as it took.
func (e *Engine[T]) Stats(ctx context.Context, busiest int) (queue.Stats, error) {
	if stats, ok := e.counted.get(busiest); ok {
		return stats, nil
	}
	begun := time.Now()
	stats, err := e.count(ctx, busiest)
	if err == nil {
		e.counted.put(stats, busiest, begun)
	}
	return stats, err
}

// counted is what Stats has read, where that takes long. The zero value is ready to use.
type counted struct {
	mu      sync.Mutex // guards what follows
	stats   queue.Stats
	busiest int
	until   time.Time
}

// manyPending is from how many on Stats need not be exact.
const manyPending = 10_000

func (c *counted) get(busiest int) (queue.Stats, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if busiest != c.busiest || time.Now().After(c.until) {
		return queue.Stats{}, false
	}
	stats := c.stats
	stats.Busiest = slices.Clone(stats.Busiest) // the caller's own
	return stats, true
}

func (c *counted) put(stats queue.Stats, busiest int, begun time.Time) {
	if stats.Pending < manyPending {
		return
	}
	took := time.Since(begun)
	stats.Busiest = slices.Clone(stats.Busiest)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats, c.busiest, c.until = stats, busiest, time.Now().Add(20*took)
}

// count reads the figures for Stats.
func (e *Engine[T]) count(ctx context.Context, busiest int) (queue.Stats, error) {
	flying := e.flights.all()
	var stats queue.Stats
	var pending, due, held, flyingHeld int64
	var oldest *int64
	stmts := []store.Stmt{{
		SQL:  e.sql.totals,
		Args: []any{micros(e.clock.now())},
		Scan: func(row store.Row) error { return row.Scan(&pending, &due, &held, &oldest) },
	}, {
		SQL: e.sql.paused,
		Scan: func(row store.Row) error {
			var key string
			err := row.Scan(&key)
			flyingHeld += int64(flying[key])
			return err
		},
	}}
	if busiest > 0 {
		scan := func(row store.Row) error {
			var s queue.EndpointStats
			var n int64
			err := row.Scan(&s.Key, &n)
			s.InFlight = flying[s.Key]
			s.Pending = max(0, int(n)-s.InFlight)
			stats.Busiest = append(stats.Busiest, s)
			return err
		}
		stmts = append(stmts, store.Stmt{SQL: e.sql.busiest, Args: []any{int64(busiest)}, Scan: scan})
	}
	if err := e.store.Read(ctx, stmts...); err != nil {
		return queue.Stats{}, fmt.Errorf("durable: stats: %w", err)
	}
	for _, n := range flying {
		stats.InFlight += n
	}
	stats.Pending = max(0, int(pending)-stats.InFlight)
	// What is in flight is among the pending, and was due unless its endpoint was paused.
	stats.Due = max(0, int(due)-stats.InFlight+int(flyingHeld))
	stats.Held = max(0, int(held-flyingHeld))
	if oldest != nil {
		stats.Oldest = fromMicros(*oldest)
	}
	return stats, nil
}

// flights counts the deliveries that are handed out, by endpoint. The zero value is ready
// to use.
type flights struct {
	mu sync.Mutex     // guards n
	n  map[string]int // none is zero
}

func (f *flights) add(key string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.n == nil {
		f.n = make(map[string]int)
	}
	f.n[key] += n
	if f.n[key] == 0 {
		delete(f.n, key)
	}
}

func (f *flights) all() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.n)
}
