package memory_test

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// The heap against a sorted list.
func TestEngine_HeapOracle(t *testing.T) {
	t.Parallel()
	type item struct{ due, number int }
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		var h memory.Heap
		var sorted []item
		for number := range 500 {
			added := item{r.IntN(40), number} // many are due at once
			h.Push(number, int64(added.due))
			sorted = append(sorted, added)
			slices.SortFunc(sorted, func(a, b item) int { return cmp.Or(a.due-b.due, a.number-b.number) })
			for len(sorted) > 0 && r.IntN(3) == 0 {
				i := 0
				if r.IntN(2) == 0 {
					i = r.IntN(len(sorted))
				}
				h.Remove(sorted[i].number)
				sorted = slices.Delete(sorted, i, i+1)
			}
			if len(sorted) > 0 {
				require.Equal(t, sorted[0].number, h.Top(), "seed %d", seed)
			}
		}
		for _, want := range sorted {
			require.Equal(t, want.number, h.Top(), "seed %d", seed)
			h.Remove(want.number)
		}
	}
}

// The table of ids against a map, with many equal hashes, and many that meet at the end
// of a part.
func TestEngine_IDsOracle(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		hashes := make([]uint32, 40)
		for i := range hashes {
			hashes[i] = uint32(r.IntN(2))<<24 | uint32(r.IntN(80)) - 8
		}
		var table memory.IDs
		kept := map[string]bool{}
		for range 2000 {
			i := r.IntN(120)
			id, hash := fmt.Sprint("m", i), hashes[i%len(hashes)]
			if r.IntN(2) == 0 {
				require.Equal(t, kept[id], table.Remove(hash, id), "seed %d", seed)
				delete(kept, id)
			} else if !kept[id] {
				table.Add(hash, id)
				kept[id] = true
			}
		}
		for i := range 120 {
			id := fmt.Sprint("m", i)
			require.Equal(t, kept[id], table.Remove(hashes[i%len(hashes)], id), "seed %d", seed)
		}
	}
}

// The engine against a model that looks at everything each time, with random tasks,
// verdicts, cancellations, supersessions and stops. Both hand out the same attempts at
// the same times, and within each order in the same sequence.
func TestEngine_Oracle(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { compareWithModel(t, rand.New(rand.NewPCG(seed, 2))) })
		})
	}
}

func compareWithModel(t *testing.T, r *rand.Rand) {
	t.Helper()
	want := &model{now: time.Now(), deferrals: map[string]int{}}
	var mu sync.Mutex
	var got []modelHandout
	deferrals := map[string]int{}
	h := queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, modelHandout{d.ID, d.Order, d.N, time.Now().UnixNano()})
		return modelVerdict(d, deferrals)
	}}
	m := newEngine(t, memory.Config{Workers: 3})
	stop := runEngine(t, m, h)
	ids := 0
	for range 400 {
		switch r.IntN(12) {
		case 0:
			id := fmt.Sprint("m", r.IntN(ids+1))
			ok, err := m.Cancel(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, want.drop(func(d *queue.Delivery) bool { return d.ID == id }) > 0, ok)
		case 1:
			order, rank := fmt.Sprint("o", r.IntN(4)), r.IntN(4)
			gone, err := m.Supersede(t.Context(), order, rank)
			require.NoError(t, err)
			require.Len(t, gone, want.drop(func(d *queue.Delivery) bool {
				return d.Order == order && d.Message.Rank > 0 && d.Message.Rank < rank
			}))
		case 2:
			stop()
			left := m.Pending()
			require.Len(t, left, len(want.kept))
			m = newEngine(t, memory.Config{Workers: 3})
			require.NoError(t, m.Resume(t.Context(), left...))
			stop = runEngine(t, m, h)
		default:
			ids++
			task := taskOf(fmt.Sprint("m", ids), fmt.Sprint("k", r.IntN(5)))
			if i := r.IntN(8); i < 4 {
				task = orderedTask(task.ID, task.Key, fmt.Sprint("o", i), r.IntN(4))
			}
			if r.IntN(3) == 0 {
				task.NotBefore = time.Now().Add(time.Duration(r.IntN(9)) * time.Second)
			}
			require.NoError(t, m.Enqueue(t.Context(), task))
			want.kept = append(want.kept, &queue.Delivery{Task: task, N: 1})
		}
		<-time.After(time.Duration(r.IntN(1500)) * time.Millisecond)
		synctest.Wait()
		want.advance(time.Now())
		require.Len(t, m.Pending(), len(want.kept))
	}
	<-time.After(time.Hour)
	want.advance(time.Now())
	requireEmpty(t, m)
	stop()
	for i := range 4 {
		order := fmt.Sprint("o", i)
		require.Equal(t, ofOrder(want.handouts, order), ofOrder(got, order))
	}
	require.ElementsMatch(t, want.handouts, got)
	require.Greater(t, len(got), ids)
}

// A model is an engine whose handlers take no time.
type model struct {
	now       time.Time
	kept      []*queue.Delivery // in the order of Enqueue
	deferrals map[string]int
	handouts  []modelHandout
}

type modelHandout struct {
	id, order string
	n         int
	at        int64
}

func ofOrder(all []modelHandout, order string) (some []modelHandout) {
	for _, h := range all {
		if h.order == order {
			some = append(some, h)
		}
	}
	return some
}

// modelVerdict depends on how often a delivery was tried and deferred.
func modelVerdict(d queue.Delivery, deferrals map[string]int) queue.Verdict {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, d.ID, d.N, deferrals[d.ID])
	wait := time.Duration(h.Sum32()%7) * time.Second
	switch kind := h.Sum32() / 7 % 10; {
	case kind < 4:
		return queue.Verdict{Kind: queue.KindRetry, After: wait}
	case kind < 6:
		deferrals[d.ID]++
		return queue.Verdict{Kind: queue.KindDefer, After: wait}
	case kind < 7:
		return queue.Verdict{Kind: queue.KindDead}
	}
	return queue.Verdict{Kind: queue.KindDone}
}

// next returns the index of what is handed out next, and when.
func (m *model) next() (index int, at time.Time) {
	index = -1
	ahead := map[string]bool{}
	for i, d := range m.kept {
		if d.Order != "" && ahead[d.Order] {
			continue
		}
		ahead[d.Order] = true
		due := d.NotBefore
		if due.Before(m.now) {
			due = m.now
		}
		if index < 0 || due.Before(at) {
			index, at = i, due
		}
	}
	return index, at
}

func (m *model) advance(to time.Time) {
	for i, at := m.next(); i >= 0 && !at.After(to); i, at = m.next() {
		m.now = at
		d := m.kept[i]
		m.handouts = append(m.handouts, modelHandout{d.ID, d.Order, d.N, at.UnixNano()})
		v := modelVerdict(*d, m.deferrals)
		d.NotBefore = at.Add(v.After)
		switch v.Kind {
		case queue.KindRetry:
			d.N++
		case queue.KindDone, queue.KindDead:
			m.kept = slices.Delete(m.kept, i, i+1)
		case queue.KindDefer:
		}
	}
	m.now = to
}

// drop removes some, and says how many.
func (m *model) drop(which func(*queue.Delivery) bool) int {
	before := len(m.kept)
	m.kept = slices.DeleteFunc(m.kept, which)
	return before - len(m.kept)
}
