package durabletest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"runtime"
	"slices"
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

// Sealing reports how many events are dispatched, and then delivered, in a second, and
// how much of that is left when what is stored is sealed: messages of 1 KB with their
// events, two refs and an ordering, and an answer for each. The two take turns, since
// the machine may be busy with something else.
func Sealing[T any](b *testing.B, open func(config durable.Config) *durable.Engine[T]) {
	const rounds = 5
	var clear, sealed []pace
	for range rounds {
		clear = append(clear, paceOf(b, open(durable.Config{})))
		sealed = append(sealed, paceOf(b, open(Seal(durable.Config{}))))
	}
	for name, of := range map[string]func(pace) float64{
		"dispatched": func(p pace) float64 { return p.dispatched },
		"delivered":  func(p pace) float64 { return p.delivered },
	} {
		one, other := medianOf(clear, of), medianOf(sealed, of)
		b.ReportMetric(one, name+"-clear/s")
		b.ReportMetric(other, name+"-sealed/s")
		b.ReportMetric(other/one, name+"-ratio")
	}
	b.ReportMetric(0, "ns/op")
}

// A pace is how many events an engine takes and delivers in a second.
type pace struct{ dispatched, delivered float64 }

func medianOf(paces []pace, of func(pace) float64) float64 {
	values := make([]float64, len(paces))
	for i, p := range paces {
		values[i] = of(p)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func paceOf[T any](b *testing.B, e *durable.Engine[T]) pace {
	const n, callers = 6000, 50
	answer := strings.Repeat("answer ", 30)
	var left sync.WaitGroup
	left.Add(n)
	client := &webhook.Client{
		Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
		}),
		OnAttempt: func(context.Context, *webhook.Message, webhook.Attempt) { left.Done() },
	}
	q, err := queue.New(client, e, queue.Config{Logger: slog.New(slog.DiscardHandler), Limit: 50})
	require.NoError(b, err)
	hooks := e.Webhooks(q)
	var ids []string
	for range 20 {
		d, err := hooks.Create(b.Context(), webhook.Webhook{URL: "https://receiver.example/hook"})
		require.NoError(b, err)
		ids = append(ids, d.ID)
	}
	text := strings.Repeat("x", 900)
	begun := time.Now()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := range n / callers {
				// Ids of calls and messages are random, as MACs of them are: in an index, what
				// is in sequence takes less.
				event := plantedEvent{
					//nolint:gosec // no secret
					Number: fmt.Sprint(int64(910000000000) + mathrand.N(int64(10_000_000_000))),
					Text:   text, Ref: rand.Text(), News: rand.Text(),
				}
				if err := hooks.Dispatch(b.Context(), ids[i%len(ids)], event); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	p := pace{dispatched: n / time.Since(begun).Seconds()}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	begun = time.Now()
	go func() { ended <- q.Run(ctx) }()
	left.Wait()
	p.delivered = n / time.Since(begun).Seconds()
	cancel()
	require.NoError(b, <-ended)
	return p
}

// Size reports how many bytes a delivery takes that has ended, with its event and all
// indexes, without River's job, which goes after some minutes. Size has what the database
// takes.
func Size[T any](b *testing.B, e *durable.Engine[T], db Database[T], size func() int64) {
	const n = 10_000
	receiver := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok"))}, nil
	})
	q, err := queue.New(&webhook.Client{Transport: receiver}, e, queue.Config{Limit: 50})
	require.NoError(b, err)
	hooks := e.Webhooks(q)
	_, err = hooks.Create(b.Context(), webhook.Webhook{
		ID: hookID, Method: http.MethodPost, URL: "https://receiver.example/", Body: `{"call": {{payload}}}`,
	})
	require.NoError(b, err)
	before := size()
	event := webhook.RawEvent{Type: "test:size", JSON: []byte(`{"payload": {"text": "` + strings.Repeat("x", 1000) + `"}}`)}
	rate(b, n, writers, func(int) error { return hooks.Dispatch(b.Context(), hookID, event) })
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	require.NoError(b, q.Drain(b.Context()))
	cancel()
	require.NoError(b, <-ended)
	db.Exec(b, `DELETE FROM #river_job`)
	b.ReportMetric(float64(size()-before)/n, "bytes/delivery")
	b.ReportMetric(0, "ns/op")
}
