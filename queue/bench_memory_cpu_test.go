//go:build unix

package queue_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ringhook/webhook/queue"
)

// BenchmarkMemory_Fire compares the processor time of retries, from being added to being handed out, with that of timers,
// and tells how late the last percent is. The retries are due all over a while, in no order, after all have been added.
func BenchmarkMemory_Fire(b *testing.B) {
	for _, load := range []struct {
		n      int
		begin  time.Duration // of that while
		length time.Duration
	}{
		{100_000, 300 * time.Millisecond, 400 * time.Millisecond},
		{1_000_000, 3 * time.Second, 4 * time.Second},
	} {
		b.Run("pending="+strconv.Itoa(load.n), func(b *testing.B) {
			f := firing{all: retries(load.n), late: make([]time.Duration, load.n)}
			var ratios, self, late, lateTimers []float64
			for b.Loop() {
				f.due(load.begin, load.length)
				s1 := f.memory(b)
				late = append(late, f.p99())
				f.due(load.begin, load.length)
				r1 := f.timers()
				lateTimers = append(lateTimers, f.p99())
				f.due(load.begin, load.length)
				r2 := f.timers()
				f.due(load.begin, load.length)
				s2 := f.memory(b)
				late = append(late, f.p99())
				ratios = append(ratios, (s1+s2)/(r1+r2))
				self = append(self, r1/r2)
			}
			b.ReportMetric(middle(ratios), "x-AfterFunc")
			b.ReportMetric(middle(self), "self")
			b.ReportMetric(middle(late), "ms-late-p99")
			b.ReportMetric(middle(lateTimers), "ms-late-p99-AfterFunc")
		})
	}
}

// firing is retries, and how late each of them was.
type firing struct {
	all  []queue.Delivery
	late []time.Duration
}

func (f *firing) due(begin, length time.Duration) {
	now := time.Now()
	for i := range f.all {
		f.all[i].NotBefore = now.Add(begin + time.Duration(uint64(uint32(i*2654435761))*uint64(length)>>32)) //nolint:gosec // scattered
	}
}

func (f *firing) p99() float64 {
	slices.Sort(f.late)
	return float64(f.late[len(f.late)*99/100]) / float64(time.Millisecond)
}

// memory returns the nanoseconds of processor time of one retry.
func (f *firing) memory(b *testing.B) float64 {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(len(f.all)))
	done := make(chan struct{})
	m := queue.NewMemory(queue.MemoryConfig{})
	stop := runMemory(b, m, queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
		i := left.Add(-1)
		f.late[i] = time.Since(d.NotBefore)
		if i == 0 {
			close(done)
		}
		return queue.Verdict{Kind: queue.Done}
	}})
	before := cpuTime()
	for i := range f.all {
		if err := m.Resume(b.Context(), f.all[i]); err != nil {
			b.Fatal(err)
		}
	}
	<-done
	took := cpuTime() - before
	stop()
	return float64(took) / float64(len(f.all))
}

func (f *firing) timers() float64 {
	var wg sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(len(f.all)))
	wg.Add(len(f.all))
	before := cpuTime()
	for i := range f.all {
		d := &f.all[i]
		time.AfterFunc(time.Until(d.NotBefore), func() {
			f.late[left.Add(-1)] = time.Since(d.NotBefore)
			wg.Done()
		})
	}
	wg.Wait()
	return float64(cpuTime()-before) / float64(len(f.all))
}

// cpuTime is what the process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
