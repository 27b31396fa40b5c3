package durable

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// A Tally is about how many deliveries ended in an hour.
type Tally struct {
	Hour      time.Time `json:"hour"` // its beginning, in UTC
	Delivered int       `json:"delivered"`
	Failed    int       `json:"failed"`
	Dropped   int       `json:"dropped"`
	Canceled  int       `json:"canceled"`
	// Retried counts attempts that failed and were to be repeated.
	Retried int `json:"retried"`
	// Unwanted counts events for which the webhook's When did not hold: nothing else is
	// kept of them. Each time that Recompose finds so of a kept event, it counts too.
	Unwanted int `json:"unwanted"`
}

// Tallies returns what happened in each hour between two times, for charts and for the
// last 24 hours: of a webhook, or of all if its ID is empty. Hours in which nothing
// happened are left out; the first is the one that from is in, and none begins at to or
// later.
//
// The numbers are about right: each process adds to them once a second, so one that is
// killed may lose the last second, and a delivery that was resent counts once more.
// They are kept for as long as [Retention] says, also when their deliveries are not.
func (e *Engine[T]) Tallies(ctx context.Context, webhookID string, from, to time.Time) ([]Tally, error) {
	key := allWebhooks
	if webhookID != "" {
		key = tag(webhookID)
		if strings.HasPrefix(key, allWebhooks) {
			return []Tally{}, nil
		}
	}
	return e.readTallies(ctx, key, from, to)
}

func (e *Engine[T]) readTallies(ctx context.Context, key string, from, to time.Time) ([]Tally, error) {
	e.tallies.flush() // one's own are all there
	tallies := []Tally{}
	stmt := store.Stmt{
		SQL: e.sql.tallies, Args: []any{micros(from.UTC().Truncate(time.Hour)), micros(to), key},
		Scan: func(row store.Row) error {
			var hour, n int64
			var outcome string
			err := row.Scan(&hour, &outcome, &n)
			if last := len(tallies) - 1; last < 0 || !tallies[last].Hour.Equal(utc(hour)) {
				tallies = append(tallies, Tally{Hour: utc(hour)})
			}
			tallies[len(tallies)-1].add(outcome, int(n))
			return err
		},
	}
	if err := e.store.Read(ctx, stmt); err != nil {
		return nil, fmt.Errorf("durable: tallies: %w", err)
	}
	return tallies, nil
}

func (t *Tally) add(outcome string, n int) {
	switch outcome {
	case string(StateDelivered):
		t.Delivered += n
	case string(StateFailed):
		t.Failed += n
	case string(StateDropped):
		t.Dropped += n
	case string(StateCanceled):
		t.Canceled += n
	case retried:
		t.Retried += n
	case unwanted:
		t.Unwanted += n
	}
}

// retried is the outcome of an attempt that failed and is to be repeated; the others
// are states of deliveries.
const retried = "retried"

// unwanted is the outcome of an event that was dispatched, and made no delivery.
const unwanted = "unwanted"

// outcome returns what is tallied of a verdict that was written down, or nothing.
func (d *delivery) outcome() string {
	switch d.state {
	case StatePending:
		if d.verdict.Kind == queue.KindRetry {
			return retried
		}
	case StateDelivered, StateFailed, StateDropped:
		return string(d.state)
	case StateCanceled:
		if d.verdict.Reason == queue.ReasonDeleted {
			return string(d.state)
		}
	}
	return "" // another worker has it, or it was canceled, which Cancel has counted
}

// allWebhooks stands for all webhooks together, which a sum over thousands of them
// would take long for; with a tenant behind it, for all of that. No webhook has such an
// ID.
const allWebhooks = "\x1f"

// tallyEvery is how often a process adds its tallies to those in the database.
const tallyEvery = time.Second

// tallies are those of this process that are not in the database yet.
type tallies struct {
	write func(map[tallyKey]int64) error

	mu     sync.Mutex // guards what follows
	n      map[tallyKey]int64
	timer  *time.Timer // nil if nothing is to be written
	closed bool

	writing sync.Mutex // held while they are written
}

type tallyKey struct {
	webhookID string
	hour      int64
	outcome   string
}

// add counts an outcome; an empty one is none. A second after the first, they are
// written: so a process that only enqueues needs no Run for it.
func (t *tallies) add(webhookID string, at time.Time, outcome string) {
	if outcome == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if t.n == nil {
		t.n = make(map[tallyKey]int64)
	}
	hour := micros(at.UTC().Truncate(time.Hour))
	t.n[tallyKey{webhookID, hour, outcome}]++
	t.n[tallyKey{allWebhooks, hour, outcome}]++
	if t.timer == nil {
		t.timer = time.AfterFunc(tallyEvery, t.flush)
	}
}

// flush writes them. If that fails, they are lost: they are not worth waiting for.
func (t *tallies) flush() {
	t.writing.Lock()
	defer t.writing.Unlock()
	t.mu.Lock()
	n := t.n
	t.n = nil
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	t.mu.Unlock()
	if len(n) > 0 {
		_ = t.write(n)
	}
}

// close writes them for the last time.
func (t *tallies) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.flush()
}

// writeTallies adds tallies to those in the database, always in the same sequence, so
// that no two processes wait for each other.
func (e *Engine[T]) writeTallies(n map[tallyKey]int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.addTenants(ctx, n); err != nil {
		e.log(ctx, "write tallies", err)
		return err
	}
	keys := slices.SortedFunc(maps.Keys(n), func(a, b tallyKey) int {
		return cmp.Or(strings.Compare(a.webhookID, b.webhookID), cmp.Compare(a.hour, b.hour),
			strings.Compare(a.outcome, b.outcome))
	})
	stmts := make([]store.Stmt, len(keys))
	for i, key := range keys {
		stmts[i] = store.Stmt{SQL: e.sql.tallyUp, Args: []any{key.webhookID, key.hour, key.outcome, n[key]}}
	}
	err := e.store.Run(ctx, stmts...)
	if err != nil {
		e.log(ctx, "write tallies", err)
	}
	return err
}
