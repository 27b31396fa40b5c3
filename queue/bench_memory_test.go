package queue_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// The benchmarks of this file compare the engine with a reference. The two take turns within one run, in the order A B B A,
// since a shared machine drifts; a ratio is the median of the pairs' ratios, and self is the same for the reference against
// itself: outside 0.9 to 1.1 the run says nothing.

// pairs measures both b.N times, or a few times more, and reports the ratios of what they return.
func pairs(b *testing.B, metric string, subject, reference func() float64) {
	b.Helper()
	subject() // both warm
	reference()
	var ratios, self []float64
	pair := func() {
		s1, r1, r2, s2 := subject(), reference(), reference(), subject()
		ratios = append(ratios, (s1+s2)/(r1+r2))
		self = append(self, r1/r2)
	}
	for b.Loop() {
		pair()
	}
	for len(ratios) < 5 { // one tells nothing
		pair()
	}
	b.ReportMetric(middle(ratios), metric)
	b.ReportMetric(middle(self), "self")
}

func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// BenchmarkMemory_Dispatch compares the time of a task from Enqueue to Handle, both trivial, with that of the same task
// through a buffered channel to as many consumers: one producer, room for as many, each task to the next endpoint.
func BenchmarkMemory_Dispatch(b *testing.B) {
	const slice = 100_000 // tasks
	for _, endpoints := range []int{1_000, 100_000, 1_000_000} {
		tasks := make([]queue.Task, max(endpoints, slice)) // of one id there is one at a time
		for i := range tasks {
			tasks[i] = taskOf("msg_"+strconv.Itoa(i), "key_"+strconv.Itoa(i%endpoints))
		}
		for _, batch := range []int{1, 10} {
			b.Run("endpoints="+strconv.Itoa(endpoints)+"/batch="+strconv.Itoa(batch), func(b *testing.B) {
				var left atomic.Int64
				done := make(chan struct{})
				finish := func() {
					if left.Add(-1) == 0 {
						done <- struct{}{}
					}
				}
				next := 0
				through := func(batch int, send func(tasks []queue.Task)) float64 {
					left.Store(slice)
					begun := time.Now()
					for range slice / batch {
						send(tasks[next : next+batch])
						if next += batch; next == len(tasks) {
							next = 0
						}
					}
					<-done
					return float64(time.Since(begun)) / slice
				}
				ours, stop := throughMemory(b, finish)
				ch, closed := throughChannel(finish)
				subject := func() float64 { return through(batch, ours) }
				pairs(b, "x-channel", subject, func() float64 { return through(1, ch) })
				b.ReportMetric(subject(), "ns/task")
				b.ReportMetric(testing.AllocsPerRun(1, func() { subject() })/slice, "allocs/task")
				closed()
				stop()
			})
		}
	}
}

const (
	benchRoom      = 4096
	benchConsumers = 1024
)

func throughMemory(b *testing.B, finish func()) (send func([]queue.Task), stop func()) {
	b.Helper()
	m := queue.NewMemory(queue.MemoryConfig{MaxPending: benchRoom, Block: true, Workers: benchConsumers})
	ctx := context.Background()
	first := ""
	return func(tasks []queue.Task) {
			if first == "" || first == tasks[0].ID { // once around: the last verdicts may not be booked yet
				first = tasks[0].ID
				for len(m.Pending()) > 0 {
					runtime.Gosched()
				}
			}
			if err := m.Enqueue(ctx, tasks...); err != nil {
				b.Error(err)
			}
		}, runMemory(b, m, queue.Handler{Handle: func(context.Context, queue.Delivery) queue.Verdict {
			finish()
			return queue.Verdict{Kind: queue.Done}
		}})
}

func throughChannel(finish func()) (send func([]queue.Task), closed func()) {
	ch := make(chan queue.Task, benchRoom)
	for range benchConsumers {
		go func() {
			for range ch {
				finish()
			}
		}()
	}
	return func(tasks []queue.Task) { ch <- tasks[0] }, func() { close(ch) }
}

// BenchmarkMemory_Bytes tells what a waiting retry takes beyond its message and its id text, and how many times that a
// timer with a closure takes, and a goroutine that sleeps.
func BenchmarkMemory_Bytes(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run("pending="+strconv.Itoa(n), func(b *testing.B) {
			all := retries(n)
			var ours, timer, goroutine []float64
			for b.Loop() {
				ours = append(ours, pendingBytes(b, all))
				timer = append(timer, timerBytes(all))
				goroutine = append(goroutine, goroutineBytes(all))
			}
			b.ReportMetric(middle(ours), "B/retry")
			b.ReportMetric(middle(timer)/middle(ours), "x-AfterFunc")
			b.ReportMetric(middle(goroutine)/middle(ours), "x-goroutine")
		})
	}
}

// fired is what a timer's closure does with its delivery.
var fired atomic.Int64

func timerBytes(all []queue.Delivery) float64 {
	before := heapBytes()
	timers := make([]*time.Timer, len(all)) // to stop them
	for i := range all {
		d := &all[i]
		timers[i] = time.AfterFunc(time.Until(d.NotBefore), func() { fired.Add(int64(d.N)) })
	}
	took := heapBytes() - before - int64(8*len(all))
	for _, t := range timers {
		t.Stop()
	}
	return float64(took) / float64(len(all))
}

func goroutineBytes(all []queue.Delivery) float64 {
	before := heapBytes()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range all {
		d := &all[i]
		wg.Go(func() {
			timer := time.NewTimer(time.Until(d.NotBefore))
			defer timer.Stop()
			select {
			case <-timer.C:
				fired.Add(int64(d.N))
			case <-stop:
			}
		})
	}
	for runtime.NumGoroutine() < len(all) {
		runtime.Gosched()
	}
	took := heapBytes() - before
	close(stop)
	wg.Wait()
	return float64(took) / float64(len(all))
}

// BenchmarkMemory_Delivering compares how many new messages are delivered per second, over loopback, with a million waiting
// and with none. These are two phases: with the million in the heap, both would pay for its collection.
func BenchmarkMemory_Delivering(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	client := &webhook.Client{Transport: webhook.NewTransport(webhook.Egress{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AnyPort: true,
	})}
	defer client.CloseIdleConnections()
	const slice = 10_000
	tasks := make([]queue.Task, slice)
	for i := range tasks {
		id := "new_" + strconv.Itoa(i)
		tasks[i] = queue.Task{ID: id, Key: "key_" + strconv.Itoa(i%1000), Message: &webhook.Message{
			ID: id, Event: "test:event", Method: http.MethodPost, URL: srv.URL, Body: []byte(`{"id":"` + id + `"}`),
		}}
	}
	rate := func(pending int) float64 {
		m := queue.NewMemory(queue.MemoryConfig{MaxPending: pending + slice, Workers: 64})
		require.NoError(b, m.Resume(b.Context(), retries(pending)...))
		done := make(chan struct{}, slice)
		stop := runMemory(b, m, queue.Handler{Handle: func(ctx context.Context, d queue.Delivery) queue.Verdict {
			if a := client.Try(ctx, d.Message, d.N); a.Err != nil {
				b.Error(a.Err)
			}
			done <- struct{}{}
			return queue.Verdict{Kind: queue.Done}
		}})
		runtime.GC()
		begun := time.Now()
		for _, task := range tasks {
			if err := m.Enqueue(b.Context(), task); err != nil {
				b.Error(err)
			}
		}
		for range tasks {
			<-done
		}
		took := time.Since(begun)
		stop()
		return slice / took.Seconds()
	}
	pairs(b, "x-empty", func() float64 { return rate(1_000_000) }, func() float64 { return rate(0) })
}
