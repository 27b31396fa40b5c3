package durable

import (
	"sync"
)

// A batcher works what comes in one by one in batches: what comes while a batch is worked makes up the next one. So a lone
// call waits for nothing, and under load many share the price of one transaction.
type batcher[V any] struct {
	max  int
	work func(batch []V) error // told apart from its caller's context, which may end before the others' do

	mu      sync.Mutex
	waiting []call[V]
	working bool
}

type call[V any] struct {
	value V
	done  chan<- error
}

// do returns a channel that gets the error of the batch that v was in.
func (b *batcher[V]) do(v V) <-chan error {
	done := make(chan error, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, call[V]{v, done})
	if !b.working {
		b.working = true
		go b.run()
	}
	return done
}

// run works batches until nothing waits.
func (b *batcher[V]) run() {
	for {
		b.mu.Lock()
		calls := b.waiting[:min(len(b.waiting), b.max)]
		b.waiting = b.waiting[len(calls):]
		if len(calls) == 0 {
			b.waiting, b.working = nil, false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		values := make([]V, len(calls))
		for i, c := range calls {
			values[i] = c.value
		}
		err := b.work(values)
		for _, c := range calls {
			c.done <- err
		}
	}
}
