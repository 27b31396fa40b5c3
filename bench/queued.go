package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// A batch is what is delivered in a slice: to so many endpoints of one host, through
// one client.
type batch struct {
	client   *webhook.Client
	messages []*webhook.Message
	left     sync.WaitGroup
	failed   atomic.Pointer[error]
}

func newBatch(host string, messages, endpoints int) *batch {
	b := &batch{client: newClient()}
	b.client.OnAttempt = func(_ context.Context, _ *webhook.Message, a webhook.Attempt) {
		if a.Err != nil {
			b.failed.CompareAndSwap(nil, &a.Err)
		}
		b.left.Done()
	}
	for i := range messages {
		id := "new_" + strconv.Itoa(i)
		b.messages = append(b.messages, &webhook.Message{
			ID: id, WebhookID: "wh_" + strconv.Itoa(i%endpoints), Event: "bench:event",
			Method: http.MethodPost, URL: "http://" + host + "/", Body: []byte(`{"id":"` + id + `"}`),
			Policy: webhook.Policy{Attempts: 1},
		})
	}
	return b
}

// measure tells what a delivery costs when send sends all messages, until the last one
// has been delivered.
func (b *batch) measure(send func()) (pair.Sample, error) {
	return pair.Measured(func() (int, error) {
		b.left.Add(len(b.messages))
		send()
		b.left.Wait()
		if err := b.failed.Load(); err != nil {
			return 0, *err
		}
		return len(b.messages), nil
	})
}

// tried is a slice in which so many goroutines do no more than Try.
func (b *batch) tried(workers int) pair.Slice {
	send := func() {
		var next atomic.Int64
		for range workers {
			go func() {
				for i := next.Add(1) - 1; i < int64(len(b.messages)); i = next.Add(1) - 1 {
					b.client.Try(context.Background(), b.messages[i], 1)
				}
			}()
		}
	}
	return func() (pair.Sample, error) { return b.measure(send) }
}

// queued is a slice through a queue in which other messages wait all the time.
func (b *batch) queued(q *runningQueue, waiting int) pair.Slice {
	return func() (pair.Sample, error) {
		settle(q.memory, waiting) // of one id there is one at a time
		return b.measure(func() {
			for _, m := range b.messages {
				must(q.Send(context.Background(), m))
			}
		})
	}
}

func newMemory(cfg memory.Config) *memory.Engine {
	m, err := memory.New(cfg)
	must(err)
	return m
}

// A runningQueue is one over an engine in memory.
type runningQueue struct {
	*queue.Queue
	memory *memory.Engine
	stop   func() error
}

func runQueue(c *webhook.Client, m *memory.Engine) (*runningQueue, error) {
	q, err := queue.New(c, m, queue.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return &runningQueue{q, m, background(q.Run)}, nil
}

// background runs until stop is called.
func background(run func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// settle waits until m keeps no more than what is to wait: what has been delivered may
// not be booked yet.
func settle(m *memory.Engine, waiting int) {
	for {
		s, err := m.Stats(context.Background(), 0)
		must(err)
		if s.Pending+s.InFlight == waiting {
			return
		}
		runtime.Gosched()
	}
}

// queueCases are those of deliver that go through a queue.
func (o options) queueCases(host string) []pair.Case {
	const size, endpoints = 4000, 100
	var cases []pair.Case
	for _, workers := range []int{16, 64} {
		name := fmt.Sprintf("deliver/queue@%d", workers)
		cases = append(cases, pair.Of(name, func() (f pair.Figure, err error) {
			b := newBatch(host, size, endpoints)
			q, err := runQueue(b.client, newMemory(memory.Config{Workers: workers}))
			if err != nil {
				return f, err
			}
			c, err := pair.Compare(o.deliveryRounds, b.queued(q, 0), b.tried(workers))
			return c.Figure(name, "through a queue : Client.Try", pair.Speed, pair.AtLeast(0.95), pair.DeliverySlack),
				errors.Join(err, q.stop())
		}))
	}
	return cases
}
