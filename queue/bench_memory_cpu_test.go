//go:build unix

package queue_test

import (
	"context"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// BenchmarkMemory_Retry compares the processor time of a retry, from being booked to being handed out, with that of a timer
// whose closure sets the next one, and tells how late the last percent is. All are booked before the first is due; then they
// are due all over a while, in no order, while there is nothing else to do.
func BenchmarkMemory_Retry(b *testing.B) {
	for _, load := range []retryLoad{
		{100_000, 3, 150 * time.Millisecond, 300 * time.Millisecond},
		{1_000_000, 1, 2 * time.Second, 4 * time.Second},
	} {
		b.Run("pending="+strconv.Itoa(load.n), func(b *testing.B) {
			tasks := make([]queue.Task, load.n)
			for i, d := range retries(load.n) {
				tasks[i] = d.Task
				tasks[i].NotBefore = time.Time{}
			}
			late := make([]time.Duration, load.n*load.rounds)
			var ratios, self, ours, theirs []float64
			for b.Loop() {
				s1 := load.memory(b, tasks, late)
				ours = append(ours, p99(late))
				r1 := load.timers(late)
				theirs = append(theirs, p99(late))
				r2 := load.timers(late)
				s2 := load.memory(b, tasks, late)
				ratios = append(ratios, (s1+s2)/(r1+r2))
				self = append(self, r1/r2)
			}
			b.ReportMetric(middle(ratios), "x-AfterFunc")
			b.ReportMetric(middle(self), "self")
			b.ReportMetric(middle(ours), "ms-late-p99")
			b.ReportMetric(middle(theirs), "ms-late-p99-AfterFunc")
		})
	}
}

// A retryLoad is that many retries, that many times.
type retryLoad struct {
	n, rounds   int
	least, over time.Duration // how long they wait: from the one, over the other
}

// wait is that of the ith one.
func (l retryLoad) wait(i int64) time.Duration {
	return l.least + time.Duration(uint64(uint32(i)*2654435761)*uint64(l.over)>>32)
}

// memory returns the nanoseconds of processor time of a retry.
func (l retryLoad) memory(b *testing.B, tasks []queue.Task, late []time.Duration) float64 {
	b.Helper()
	var booked, fired atomic.Int64
	done := make(chan struct{})
	m := queue.NewMemory(queue.MemoryConfig{})
	require.NoError(b, m.Enqueue(b.Context(), tasks...))
	runtime.GC()
	before := cpuTime()
	stop := runMemory(b, m, queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
		if d.N > 1 {
			i := fired.Add(1)
			late[i-1] = time.Since(d.NotBefore)
			if int(i) == len(late) {
				close(done)
			}
		}
		if d.N > l.rounds {
			return queue.Verdict{Kind: queue.Done}
		}
		return queue.Verdict{Kind: queue.Retry, After: l.wait(booked.Add(1))}
	}})
	<-done
	took := cpuTime() - before
	stop()
	return float64(took) / float64(len(late))
}

func (l retryLoad) timers(late []time.Duration) float64 {
	var booked, fired atomic.Int64
	done := make(chan struct{})
	var book func(n int)
	book = func(n int) {
		wait := l.wait(booked.Add(1))
		due := time.Now().Add(wait)
		time.AfterFunc(wait, func() {
			i := fired.Add(1)
			late[i-1] = time.Since(due)
			if int(i) == len(late) {
				close(done)
			}
			if n < l.rounds {
				book(n + 1)
			}
		})
	}
	runtime.GC()
	before := cpuTime()
	for range l.n {
		book(1)
	}
	<-done
	return float64(cpuTime()-before) / float64(len(late))
}

// p99 is how many milliseconds late the last percent is.
func p99(late []time.Duration) float64 {
	slices.Sort(late)
	return float64(late[len(late)*99/100]) / float64(time.Millisecond)
}

// BenchmarkMemory_Collect tells what a cycle of the garbage collector costs in processor time with a million waiting, and
// when their messages alone are there.
func BenchmarkMemory_Collect(b *testing.B) {
	var both, alone []float64
	for b.Loop() {
		m := queue.NewMemory(queue.MemoryConfig{})
		require.NoError(b, m.Resume(b.Context(), retries(1_000_000)...))
		both = append(both, collect())
		var messages []*webhook.Message
		for _, d := range m.Pending() {
			messages = append(messages, d.Message)
		}
		m = nil
		alone = append(alone, collect())
		runtime.KeepAlive(messages)
	}
	b.ReportMetric(middle(both)-middle(alone), "ms/cycle")
	b.ReportMetric(middle(alone), "ms/cycle-messages")
}

// collect returns the milliseconds of processor time of a cycle.
func collect() float64 {
	runtime.GC() // what nobody needs any more is another's
	var cycles []float64
	for range 5 {
		before := cpuTime()
		runtime.GC()
		cycles = append(cycles, float64(cpuTime()-before)/float64(time.Millisecond))
	}
	return middle(cycles)
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
