package pair

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// errNoTime is of a clock too coarse to measure with: no ratio would mean anything.
var errNoTime = errors.New("no time has passed on the clock during a slice")

// Loop is a slice of calls of f, as many as take about d. They are doubled after each
// slice that was too short, so that what disturbed the first one leaves no short slices
// for good.
func Loop(d time.Duration, f func()) Slice {
	calls := 0
	run := func() time.Duration {
		start := time.Now()
		for range calls {
			f()
		}
		return time.Since(start)
	}
	return func() (Sample, error) {
		if calls == 0 {
			f() // the first call is not like the others
			for calls = 1; run() < d/2; {
				calls *= 2
			}
		}
		took := run()
		if took <= 0 {
			return Sample{}, errNoTime
		}
		s := Sample{Time: took.Seconds() / float64(calls)}
		if took < d/2 {
			calls *= 2
		}
		return s, nil
	}
}

// Per is a slice whose calls do n things each, told for one of them.
func Per(n int, s Slice) Slice {
	return func() (Sample, error) {
		v, err := s()
		return Sample{Time: v.Time / float64(n), CPU: v.CPU / float64(n), Tail: v.Tail, Heap: v.Heap / float64(n)}, err
	}
}

// Measured tells what each of the things cost that f does, as many as it returns.
func Measured(f func() (n int, err error)) (Sample, error) {
	cpu, start := cpuTime(), time.Now()
	n, err := f()
	if err != nil {
		return Sample{}, err
	}
	took, used := time.Since(start), cpuTime()-cpu
	if took <= 0 {
		return Sample{}, errNoTime
	}
	return Sample{Time: took.Seconds() / float64(n), CPU: used.Seconds() / float64(n)}, nil
}

// manyWorkers need some of a slice to get going after another way had its turn, with as
// many connections: the first such slice was a tenth slower than the next one of the
// same way.
const manyWorkers = 256

// Load is a slice of d in which so many workers call f all the time. The first error
// ends it. Each worker is told its number, from 0. With very many workers, a quarter of
// d goes before it that does not count.
func Load(d time.Duration, workers int, f func(worker int) error) Slice {
	load := func(d time.Duration) (int, error) {
		var (
			calls  atomic.Int64
			failed atomic.Pointer[error]
			wg     sync.WaitGroup
		)
		start := time.Now()
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
			return 0, *err
		}
		return int(calls.Load()), nil
	}
	return func() (Sample, error) {
		if workers >= manyWorkers {
			if _, err := load(d / 4); err != nil {
				return Sample{}, err
			}
		}
		return Measured(func() (int, error) { return load(d) })
	}
}
