package durable

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/ringhook/webhook/durable/internal/store"
)

// A batcher handles values in batches: those that arrive while a batch is handled are
// the next batch. So a single call does not wait, and under load many calls share one
// transaction.
type batcher[V any] struct {
	max int
	// fit returns how many values are a batch at the moment, at most max. If nil, max.
	fit func() int
	// work handles a batch. It gets no context, since those of its callers end at
	// different times.
	work func(batch []V) error
	// alone handles a value whose batch has failed, perhaps because of another value.
	// It runs beside the next batches. If nil, the value fails with its batch.
	alone func(ctx context.Context, v V) error

	mu      sync.Mutex // guards what follows, and the fields of calls
	waiting []*call[V]
	working bool // run is running
}

type call[V any] struct {
	ctx   context.Context
	value V
	done  chan error
	left  bool // its caller waits no more
}

// do has v handled and returns its error. If ctx ends before that, do returns the cause,
// and v may be handled or not.
func (b *batcher[V]) do(ctx context.Context, v V) error {
	c := &call[V]{ctx: ctx, value: v, done: make(chan error, 1)}
	b.mu.Lock()
	b.waiting = append(b.waiting, c)
	if !b.working {
		b.working = true
		go b.run()
	}
	b.mu.Unlock()
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		b.leave(c)
		return context.Cause(ctx)
	}
}

// leave drops the value of a call that is in no batch yet. The call itself stays in
// waiting until its turn.
func (b *batcher[V]) leave(c *call[V]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.left, c.value = true, *new(V)
}

// run handles batches until nothing waits.
func (b *batcher[V]) run() {
	for {
		calls, values := b.next()
		if len(calls) == 0 {
			return
		}
		err := b.work(values)
		for i, c := range calls {
			if err != nil && b.alone != nil && !errors.Is(err, store.ErrWaited) {
				go func() { c.done <- b.alone(c.ctx, values[i]) }()
			} else {
				c.done <- err
			}
		}
	}
}

// next takes the next batch out of waiting. When there is none, run is to end.
func (b *batcher[V]) next() (calls []*call[V], values []V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, most := 0, b.max
	if b.fit != nil {
		most = min(b.fit(), most)
	}
	for ; n < len(b.waiting) && len(calls) < most; n++ {
		if c := b.waiting[n]; !c.left {
			calls, values = append(calls, c), append(values, c.value)
		}
	}
	b.waiting = b.waiting[n:]
	if len(calls) == 0 {
		b.waiting, b.working = nil, false
	}
	return calls, values
}

// distinct splits values into parts, which keep the sequence, so that none has a key
// twice.
func distinct[V any, K comparable](values []V, keys func(V) []K) (parts [][]V) {
	seen := make(map[K]bool)
	from := 0
	for i, v := range values {
		own := keys(v)
		if slices.ContainsFunc(own, func(k K) bool { return seen[k] }) {
			parts, from = append(parts, values[from:i]), i
			clear(seen)
		}
		for _, k := range own {
			seen[k] = true
		}
	}
	return append(parts, values[from:])
}
