// Package durabletest holds what the tests of the engines on SQLite and on Postgres
// share.
package durabletest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// Task returns a task whose message has all that one may have.
func Task(id string) queue.Task {
	return queue.Task{ID: id, Key: "https://receiver.example", Message: &webhook.Message{
		ID: id, WebhookID: "5b0b1c0a-hook", Event: "voice:message:out",
		Method: http.MethodPost, URL: "https://receiver.example/hook?a=1",
		Header: http.Header{"Content-Type": {"application/json"}, "X-Two": {"a", "b"}},
		Body:   []byte(`{"id":"` + id + `","text":"` + strings.Repeat("x", 300) + `"}`),
		Policy: webhook.PolicyFor("voice:message:out"),
	}}
}

// Tasks returns n tasks for a few endpoints, with IDs that begin with prefix.
func Tasks(prefix string, n int) []queue.Task {
	tasks := make([]queue.Task, n)
	for i := range tasks {
		tasks[i] = Task(fmt.Sprintf("%s-%d", prefix, i))
		tasks[i].Key = fmt.Sprintf("https://receiver-%d.example", i%20)
	}
	return tasks
}

// Run runs an engine until the test ends or the returned function is called, which
// waits for its end.
func Run[T any](
	t testing.TB, e *durable.Engine[T], handle func(context.Context, queue.Delivery) queue.Verdict,
) (stop func()) {
	return runHandler(t, e, queue.Handler{Handle: handle})
}

func runHandler[T any](t testing.TB, e *durable.Engine[T], handler queue.Handler) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx, handler) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(30 * time.Second):
			t.Error("Run did not return within 30 s")
		}
	})
	t.Cleanup(stop)
	return stop
}

// A recorder is a handler that keeps what it is given.
type recorder struct {
	mu   sync.Mutex
	got  []queue.Delivery
	news chan struct{}
	then func(queue.Delivery) queue.Verdict // if nil, Done
}

func record(then func(queue.Delivery) queue.Verdict) *recorder {
	return &recorder{news: make(chan struct{}, 1), then: then}
}

func (r *recorder) handle(_ context.Context, d queue.Delivery) queue.Verdict {
	r.mu.Lock()
	r.got = append(r.got, d)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
	if r.then == nil {
		return queue.Verdict{Kind: queue.KindDone, Attempt: &webhook.Attempt{N: d.N, At: time.Now(), Status: 200}}
	}
	return r.then(d)
}

// all returns what has come so far.
func (r *recorder) all() []queue.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// ids returns the IDs and how often each came.
func (r *recorder) ids() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make(map[string]int)
	for _, d := range r.got {
		ids[d.ID]++
	}
	return ids
}

// await waits until n have come.
func (r *recorder) await(t testing.TB, n int) {
	deadline := time.After(30 * time.Second)
	for {
		r.mu.Lock()
		got := len(r.got)
		r.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-r.news:
		case <-deadline:
			require.FailNow(t, "waited in vain", "%d of %d deliveries", got, n)
		}
	}
}

// Throughput reports what an engine keeps and hands out in a second.
func Throughput[T any](b *testing.B, e *durable.Engine[T]) {
	const n = 20_000
	started := time.Now()
	for i := range n / 500 {
		require.NoError(b, e.Enqueue(b.Context(), Tasks(fmt.Sprint("batch", i), 500)...))
	}
	b.ReportMetric(n/time.Since(started).Seconds(), "batched/s")

	const single = 2000
	started = time.Now()
	for i := range single {
		require.NoError(b, e.Enqueue(b.Context(), Tasks(fmt.Sprint("single", i), 1)...))
	}
	b.ReportMetric(single/time.Since(started).Seconds(), "single/s")

	started = time.Now()
	var many sync.WaitGroup
	for worker := range 50 {
		many.Go(func() {
			for i := range single / 50 {
				if err := e.Enqueue(b.Context(), Tasks(fmt.Sprint("many", worker, "-", i), 1)...); err != nil {
					b.Error(err)
				}
			}
		})
	}
	many.Wait()
	b.ReportMetric(single/time.Since(started).Seconds(), "single50/s")

	left := make(chan struct{}, n+2*single)
	started = time.Now()
	stop := Run(b, e, func(context.Context, queue.Delivery) queue.Verdict {
		left <- struct{}{}
		return queue.Verdict{Kind: queue.KindDone, Attempt: &webhook.Attempt{
			N: 1, At: time.Now(), Duration: time.Millisecond, Status: 200, Outcome: webhook.OutcomeDelivered,
		}}
	})
	for range n + 2*single {
		<-left
	}
	b.ReportMetric((n+2*single)/time.Since(started).Seconds(), "deliveries/s")
	b.ReportMetric(0, "ns/op")
	stop()
}

// durableMicros returns the time after d from now, as the tables have it.
func durableMicros(d time.Duration) string {
	return strconv.FormatInt(time.Now().Add(d).UnixMicro(), 10)
}
