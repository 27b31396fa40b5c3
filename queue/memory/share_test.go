package memory_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// A dead endpoint does not fill the queue.
func TestEngine_Share(t *testing.T) {
	t.Parallel()
	for _, block := range []bool{false, true} {
		m := newEngine(t, memory.Config{MaxPending: 16_000, Block: block})
		var err error
		kept := 0
		for ; err == nil; kept++ {
			err = m.Enqueue(t.Context(), taskOf("dead-"+strconv.Itoa(kept), "dead"))
		}
		require.ErrorIs(t, err, queue.ErrFull)
		require.EqualError(t, err, "queue: full for this endpoint")
		require.Equal(t, 15_001, kept)
		for i := range 1000 {
			require.NoError(t, m.Enqueue(t.Context(), taskOf("other-"+strconv.Itoa(i), "other")))
		}
		next := newEngine(t, memory.Config{MaxPending: 16_000})
		require.NoError(t, next.Resume(t.Context(), m.Pending()...), "what was kept once is taken in again")
	}
}

// sized is a task whose message has so many bytes. All share one body, so that a test
// with a gigabyte of them takes a megabyte.
func sized(id, key string, size int) queue.Task {
	return queue.Task{ID: id, Key: key, Message: &webhook.Message{ID: id, Body: body[:size-len(id)]}}
}

var body = make([]byte, 1<<20)

// Large events to a dead endpoint leave room for the others.
func TestEngine_ShareOfBytes(t *testing.T) {
	t.Parallel()
	const mb = 1_000_000
	tests := []struct {
		name  string
		cfg   memory.Config
		size  int
		dead  int // how many of 1,100 are kept
		other int // how many of 1,100 of another endpoint, after that
	}{
		{"as it is", memory.Config{}, mb, 805, 268},
		{"that would wait", memory.Config{Block: true}, mb, 805, 268},
		{"smaller", memory.Config{MaxBytes: 100_000}, 100, 750, 250},
		{"too small for shares", memory.Config{MaxBytes: 64_000}, 100, 640, 0},
		{"fixed", memory.Config{EndpointBytes: 10 * mb}, mb, 10, 10},
		{"fixed, and would wait", memory.Config{EndpointBytes: 10 * mb, Block: true}, mb, 10, 10},
		{"fixed, small", memory.Config{MaxBytes: 1000, EndpointBytes: 200}, 100, 2, 2},
		{"not fixed", memory.Config{EndpointBytes: -1}, mb, 805, 268},
		{"fixed, but the share is less", memory.Config{MaxBytes: 100 * mb, EndpointBytes: 90 * mb}, mb, 75, 25},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newEngine(t, tt.cfg)
			fill := func(key string, n int) (kept int) {
				for i := range n {
					err := m.Enqueue(t.Context(), sized(key+"-"+strconv.Itoa(i), key, tt.size))
					if err != nil {
						require.ErrorIs(t, err, queue.ErrFull)
						continue
					}
					kept++
				}
				return kept
			}
			require.Equal(t, tt.dead, fill("dead", 1100))
			require.Equal(t, tt.other, fill("other", 1100))
			if tt.other == 0 {
				return
			}
			err := m.Enqueue(t.Context(), sized("one-more", "dead", tt.size))
			require.EqualError(t, err, "queue: full for this endpoint")
			left := m.Pending()
			ok, err := m.Cancel(t.Context(), "other-0")
			require.NoError(t, err)
			require.True(t, ok)
			require.NoError(t, m.Enqueue(t.Context(), sized("third", "third", tt.size)))

			next := newEngine(t, tt.cfg)
			require.NoError(t, next.Resume(t.Context(), left...), "what was kept once is taken in again")
		})
	}
}

// An endpoint can have more again when its messages have ended; all of a batch are kept,
// or none; and the only message of an endpoint may be larger than its share.
func TestEngine_ShareGivenBack(t *testing.T) {
	t.Parallel()
	m := newEngine(t, memory.Config{MaxBytes: 100_000, EndpointBytes: 90_000})
	require.NoError(t, m.Enqueue(t.Context(), sized("large", "a", 80_000)), "more than three quarters, but alone")
	require.ErrorIs(t, m.Enqueue(t.Context(), sized("a1", "a", 100)), queue.ErrFull)
	require.ErrorIs(t, m.Enqueue(t.Context(), sized("b1", "b", 100), sized("a1", "a", 100)), queue.ErrFull)
	require.Equal(t, []string{"large"}, pendingIDs(m))
	small := newEngine(t, memory.Config{EndpointBytes: 99})
	require.ErrorIs(t, small.Enqueue(t.Context(), sized("c1", "c", 100)), queue.ErrFull)

	ok, err := m.Cancel(t.Context(), "large")
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, m.Enqueue(t.Context(), sized("a1", "a", 45_000), sized("a2", "a", 30_000)))
	require.EqualError(t, m.Enqueue(t.Context(), sized("a3", "a", 100)), "queue: full for this endpoint")
	require.NoError(t, m.Enqueue(t.Context(), sized("b1", "b", 25_000)))
	require.EqualError(t, m.Enqueue(t.Context(), sized("c1", "c", 100)), "queue: full")
}
