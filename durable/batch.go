package durable

import (
	"context"
	"sync"
)

// A batcher works what comes in one by one in batches: what comes while a batch is worked makes up the next one. So a lone
// call waits for nothing, and under load many share the price of one transaction.
type batcher[V any] struct {
	max  int
	work func(batch []V) error // told apart from its caller's context, which may end before the others' do
	// Alone works a value whose batch has failed, perhaps because of another, beside the next batches. If nil, nothing does.
	alone func(ctx context.Context, v V) error

	mu      sync.Mutex
	waiting []*call[V]
	working bool
}

type call[V any] struct {
	ctx   context.Context
	value V
	done  chan error
	left  bool // nobody waits for it any more
}

// do works v and returns the error of it, or why ctx has ended before: then it may be worked or not.
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

// leave takes out a call that is in no batch yet. Its place in the queue remains until its turn.
func (b *batcher[V]) leave(c *call[V]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.left, c.value = true, *new(V)
}

// run works batches until nothing waits.
func (b *batcher[V]) run() {
	for {
		calls, values := b.next()
		if len(calls) == 0 {
			return
		}
		err := b.work(values)
		for i, c := range calls {
			if err != nil && b.alone != nil {
				go func() { c.done <- b.alone(c.ctx, values[i]) }()
			} else {
				c.done <- err
			}
		}
	}
}

func (b *batcher[V]) next() (calls []*call[V], values []V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for ; n < len(b.waiting) && len(calls) < b.max; n++ {
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
