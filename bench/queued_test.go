package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/queue"
)

// In a bubble nothing disturbs: a queue's healthy endpoints do not notice, and those of
// a pool nearly stand still.
func TestHungSlice(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		hung       int
		via        via
		rate, tail [2]float64 // the least and the most, beside none hung
	}{
		{"none", 0, viaPool, [2]float64{0.99, 1.01}, [2]float64{0.99, 1.01}},
		{"queue", 10, viaQueue, [2]float64{0.99, 1.01}, [2]float64{0.99, 1.01}},
		{"pool", 10, viaPool, [2]float64{0.1, 0.5}, [2]float64{50, 500}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, err := pair.CompareCold(1, hungSlice(tt.hung, tt.via), hungSlice(0, viaQueue))
				require.NoError(t, err)
				rate, tail := c.Time.Inverse().Median, c.Tail.Median
				require.GreaterOrEqual(t, rate, tt.rate[0])
				require.LessOrEqual(t, rate, tt.rate[1])
				require.GreaterOrEqual(t, tail, tt.tail[0])
				require.LessOrEqual(t, tail, tt.tail[1])
			})
		})
	}
}

// In a bubble nothing is late, and each one takes its time.
func TestRetryLoad(t *testing.T) {
	t.Parallel()
	l := retryLoad{100, 3, 2 * time.Second, 4 * time.Second}
	tests := []struct {
		name  string
		slice func() pair.Slice
	}{
		{"memory", func() pair.Slice {
			var tasks []queue.Task
			for _, d := range retries(l.n) {
				d.NotBefore = time.Time{}
				tasks = append(tasks, d.Task)
			}
			return l.memory(tasks)
		}},
		{"timers", l.timers},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				s, err := tt.slice()()
				require.NoError(t, err)
				require.Zero(t, s.Tail)
				require.Greater(t, time.Since(begun), 6*time.Second, "three times the least wait")
				require.Less(t, time.Since(begun), 18*time.Second, "three times the longest")
			})
		})
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	b := newBatch("healthy.example", 100, 10)
	b.client.Transport = newHangingTransport()
	m, err := memoryOf(retries(50), 150)
	require.NoError(t, err)
	q, err := runQueue(b.client, m)
	require.NoError(t, err)
	for _, slice := range []pair.Slice{b.queued(q, 50), b.tried(4), b.queued(q, 50)} {
		s, err := slice()
		require.NoError(t, err)
		require.Positive(t, s.Time)
	}
	require.NoError(t, q.stop())
	require.Len(t, m.Pending(), 50)
}

func TestDispatched(t *testing.T) {
	t.Parallel()
	d := newDispatched(3 * dispatchSlice)
	ours, stop := d.memory(10)
	theirs, end := d.channel()
	for _, slice := range []pair.Slice{ours, theirs, theirs, ours, ours} {
		s, err := slice()
		require.NoError(t, err)
		require.Positive(t, s.Time)
	}
	end()
	require.NoError(t, stop())
	require.Equal(t, 5*dispatchSlice*11/10%len(d.tasks), d.next)
}

func TestKept(t *testing.T) { //nolint:paralleltest // counts the memory of the process
	var all [][]byte
	s, err := kept(100, func() (func(), error) {
		for range 100 {
			all = append(all, make([]byte, 64<<10))
		}
		return func() { all = nil }, nil
	})()
	require.NoError(t, err)
	require.InEpsilon(t, 64<<10, s.Heap, 0.1)
	require.Nil(t, all)
}
