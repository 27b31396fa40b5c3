package queue_test

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
)

// The benchmarks of this file compare the engine with a reference. The two take turns within one run, in the order A B B A,
// since a shared machine drifts; a ratio is the median of the pairs' ratios, and self is the same for the reference against
// itself: outside 0.9 to 1.1 the run says nothing.

// pairs measures both b.N times and reports the ratios of what they return.
func pairs(b *testing.B, metric string, subject, reference func() float64) {
	b.Helper()
	subject() // both warm
	reference()
	var ratios, self []float64
	for b.Loop() {
		s1, r1, r2, s2 := subject(), reference(), reference(), subject()
		ratios = append(ratios, (s1+s2)/(r1+r2))
		self = append(self, r1/r2)
	}
	b.ReportMetric(middle(ratios), metric)
	b.ReportMetric(middle(self), "self")
}

func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// BenchmarkMemory_Dispatch compares the time of a task from Enqueue to Handle, both trivial, with that of the same task
// through a buffered channel to as many consumers: one producer, room for as many, and each task to another endpoint.
func BenchmarkMemory_Dispatch(b *testing.B) {
	const (
		room      = 4096
		consumers = 1024
		slice     = 300_000 // tasks
	)
	for _, endpoints := range []int{1_000, 100_000, 1_000_000} {
		b.Run("endpoints="+strconv.Itoa(endpoints), func(b *testing.B) {
			tasks := make([]queue.Task, endpoints)
			for i := range tasks {
				tasks[i] = taskOf("msg_"+strconv.Itoa(i), "key_"+strconv.Itoa(i))
			}
			for len(tasks) < slice { // of one id there is one at a time
				tasks = append(tasks, taskOf("msg_"+strconv.Itoa(len(tasks)), tasks[len(tasks)%endpoints].Key))
			}
			var left atomic.Int64
			done := make(chan struct{})
			finish := func() {
				if left.Add(-1) == 0 {
					done <- struct{}{}
				}
			}
			next := 0
			through := func(send func(queue.Task)) float64 {
				left.Store(slice)
				begun := time.Now()
				for range slice {
					send(tasks[next])
					if next++; next == len(tasks) {
						next = 0
					}
				}
				<-done
				return float64(time.Since(begun)) / slice
			}

			m := queue.NewMemory(queue.MemoryConfig{MaxPending: room, Block: true, Workers: consumers})
			stop := runMemory(b, m, queue.Handler{Handle: func(context.Context, queue.Delivery) queue.Verdict {
				finish()
				return queue.Verdict{Kind: queue.Done}
			}})
			ctx := context.Background()
			enqueue := func(t queue.Task) {
				if err := m.Enqueue(ctx, t); err != nil {
					b.Error(err)
				}
			}
			ch := make(chan queue.Task, room)
			for range consumers {
				go func() {
					for range ch {
						finish()
					}
				}()
			}
			send := func(t queue.Task) { ch <- t }

			ours := func() float64 {
				took := through(enqueue)
				for len(m.Pending()) > 0 { // the last verdicts are not booked yet
					runtime.Gosched()
				}
				return took
			}
			pairs(b, "x-channel", ours, func() float64 { return through(send) })
			b.ReportMetric(ours(), "ns/task")
			b.ReportMetric(testing.AllocsPerRun(1, func() { ours() })/slice, "allocs/task")
			close(ch)
			stop()
			require.Empty(b, m.Pending())
		})
	}
}
