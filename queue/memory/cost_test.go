package memory_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/race"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// retries makes messages that wait for their second attempt, over 1000 endpoints, due
// within a day.
func retries(n int) []queue.Delivery {
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("5d2b0f3e-6a1c-4f0a-9c64-%012d", i)
	}
	all := make([]queue.Delivery, n)
	now := time.Now()
	for i := range all {
		id := "msg_" + strconv.Itoa(i)
		all[i] = queue.Delivery{
			Task: queue.Task{
				ID: id, Key: keys[i%len(keys)], Message: &webhook.Message{ID: id, Body: []byte("12345")},
				NotBefore: now.Add(time.Hour + time.Duration(uint32(i)*2654435761)*20*time.Microsecond),
			},
			N: 2,
		}
	}
	return all
}

// heapBytes is what is live on the heap, and all stacks.
func heapBytes() int64 {
	runtime.GC()
	runtime.GC() // the second one has swept what the first one found
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}

// pendingBytes is what one of n waiting retries takes beyond its message, its id text
// and the text of its key.
func pendingBytes(tb testing.TB, all []queue.Delivery) float64 {
	tb.Helper()
	before := heapBytes()
	m := newEngine(tb, memory.Config{MaxPending: len(all)})
	for i := range all {
		// One at a time, as they come.
		require.NoError(tb, m.Resume(context.Background(), all[i]))
	}
	took := heapBytes() - before
	runtime.KeepAlive(m)
	return float64(took) / float64(len(all))
}

// With some of the sizes, the parts of the table of ids have just grown, and so are half
// empty.
//
//nolint:paralleltest // counts the memory of the process
func TestEngine_PendingBytes(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, n := range []int{10_000, 60_000, 100_000, 128_000, 250_000} {
		all := retries(n)
		got := pendingBytes(t, all)
		require.LessOrEqual(t, got, 192.0, "%d pending", n)
		require.Greater(t, got, 100.0, "%d pending: is it measured at all?", n)
		runtime.KeepAlive(all)
	}
}

// Tasks that come and go allocate nothing.
//
//nolint:paralleltest // counts the allocations of the process
func TestEngine_Allocations(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	m := newEngine(t, memory.Config{})
	handed := make(chan struct{})
	runEngine(t, m, queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
		if d.N == 1 {
			return queue.Verdict{Kind: queue.KindRetry, After: time.Nanosecond}
		}
		handed <- struct{}{}
		return queue.Verdict{Kind: queue.KindDone}
	}})
	tasks := make([]queue.Task, 25_000) // an id that comes again might be kept still
	for i := range tasks {
		tasks[i] = taskOf("m_"+strconv.Itoa(i), "k"+strconv.Itoa(i%100))
	}
	i := 0
	once := func() {
		if err := m.Enqueue(context.Background(), tasks[i]); err != nil {
			t.Error(err)
		}
		<-handed
		i++
	}
	for range 10_000 {
		once()
	}
	require.Zero(t, testing.AllocsPerRun(10_000, once))
}
