package durabletest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// Delayed reports how many MiB of memory the process has more when 200,000 deliveries
// wait for an hour, than when none do.
func Delayed[T any](b *testing.B, e *durable.Engine[T]) {
	stop := Run(b, e, func(context.Context, queue.Delivery) queue.Verdict { return queue.Verdict{Kind: queue.KindDone} })
	idle := heap()
	const n, batch = 200_000, 500
	due := time.Now().Add(time.Hour)
	for i := range n / batch {
		tasks := Tasks(fmt.Sprint("delayed", i), batch)
		for j := range tasks {
			tasks[j].NotBefore = due
		}
		require.NoError(b, e.Enqueue(b.Context(), tasks...))
	}
	b.ReportMetric(float64(heap())/(1<<20)-float64(idle)/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
	stop()
}

// heap returns the bytes of heap and stacks in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Isolation reports how long 5,000 deliveries take through a queue, without the 5 % of
// them that go to an endpoint which takes five seconds for each.
func Isolation[T any](b *testing.B, e *durable.Engine[T]) {
	const n, slow = 5000, 250
	var fast sync.WaitGroup
	fast.Add(n - slow)
	client := &webhook.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Host, "slow") {
				select {
				case <-time.After(5 * time.Second):
				case <-r.Context().Done():
					return nil, r.Context().Err()
				}
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
		}),
		OnAttempt: func(_ context.Context, m *webhook.Message, _ webhook.Attempt) {
			if m.WebhookID != "slow" {
				fast.Done()
			}
		},
	}
	q, err := queue.New(client, e, queue.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	var messages []*webhook.Message
	for i := range n {
		m := &webhook.Message{
			ID: fmt.Sprint("isolation", i), WebhookID: fmt.Sprint("fast", i%100), Method: http.MethodPost,
			URL: "https://fast.example/", Body: []byte(`{}`), Policy: webhook.Policy{Timeout: 9 * time.Second},
		}
		if i%20 == 0 {
			m.WebhookID, m.URL = "slow", "https://slow.example/"
		}
		messages = append(messages, m)
	}
	require.NoError(b, q.SendAll(b.Context(), messages...))
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	begun := time.Now()
	go func() { ended <- q.Run(ctx) }()
	fast.Wait()
	b.ReportMetric(time.Since(begun).Seconds(), "s")
	b.ReportMetric(0, "ns/op")
	cancel()
	require.NoError(b, <-ended)
}

// Publish reports how long it takes to publish an event to 1,000 webhooks, of 100,000
// that are subscribed to something, and to those of an identity that nobody has.
func Publish[T any](b *testing.B, db Database[T]) {
	e := db.Open(b, durable.Config{})
	q, _ := newQueue(b, e, queue.Config{})
	hooks := e.Webhooks(q)
	subscribeMany(b, db, hooks, 1000, 100_000)
	p := durable.Publication{Identities: []string{"number:1"}}
	_, err := hooks.Publish(b.Context(), p, sent) // which compiles them
	require.NoError(b, err)
	for b.Loop() {
		got, err := hooks.Publish(b.Context(), p, sent)
		require.NoError(b, err)
		require.Len(b, got, 1000)
	}
	p.Identities = []string{"number:2"}
	begun := time.Now()
	const few = 100
	for range few {
		_, err := hooks.Publish(b.Context(), p, sent)
		require.NoError(b, err)
	}
	b.ReportMetric(time.Since(begun).Seconds()*1000/few, "ms/nobody")
}
