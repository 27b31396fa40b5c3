package pair

import (
	"sync"
	"sync/atomic"
	"time"
)

// Loop is a slice of calls of f, as many as take about d, which is found out in the first one.
func Loop(d time.Duration, f func()) Slice {
	run := func(n int) time.Duration {
		start := time.Now()
		for range n {
			f()
		}
		return time.Since(start)
	}
	calls := 0
	return func() (Sample, error) {
		if calls == 0 {
			calls = 1
			run(calls) // the first call is not like the others
			for run(calls) < d/2 {
				calls *= 2
			}
		}
		return Sample{Time: run(calls).Seconds() / float64(calls)}, nil
	}
}

// Per is a slice of which each call does n things, told for one of them.
func Per(n int, s Slice) Slice {
	return func() (Sample, error) {
		v, err := s()
		return Sample{v.Time / float64(n), v.CPU / float64(n)}, err
	}
}

// Load is a slice of d in which so many workers call f all the time. The first error ends it. Each worker is told its
// number, from 0.
func Load(d time.Duration, workers int, f func(worker int) error) Slice {
	return func() (Sample, error) {
		var (
			calls  atomic.Int64
			failed atomic.Pointer[error]
			wg     sync.WaitGroup
		)
		cpu, start := cpuTime(), time.Now()
		for worker := range workers {
			wg.Go(func() {
				n := int64(0)
				for failed.Load() == nil && (n == 0 || time.Since(start) < d) {
					if err := f(worker); err != nil {
						failed.CompareAndSwap(nil, &err)
						break
					}
					n++
				}
				calls.Add(n)
			})
		}
		wg.Wait()
		if err := failed.Load(); err != nil {
			return Sample{}, *err
		}
		n := float64(calls.Load())
		return Sample{time.Since(start).Seconds() / n, (cpuTime() - cpu).Seconds() / n}, nil
	}
}
