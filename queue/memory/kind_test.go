package memory_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// ofType makes a first attempt or a retry. The first letter of an id is its key, the
// second its type of event.
func ofType(id string, n int) queue.Delivery {
	d := queue.Delivery{Task: taskOf(id, id[:1]), N: n}
	d.Message.Event = id[1:2]
	return d
}

// At an endpoint, the first attempts of one type of event do not hold up those of
// another.
func TestEngine_TurnsOfTypes(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, ids, want string }{
		{"one type", "as1 as2 as3", "as1 as2 as3"},
		{"two types", "as1 as2 as3 as4 ac1 ac2", "as1 ac1 as2 ac2 as3 as4"},
		{"three types", "as1 as2 as3 ac1 ac2 ax1", "as1 ac1 ax1 as2 ac2 as3"},
		{"endpoints before types", "as1 as2 ac1 bs1 bs2", "as1 bs1 ac1 bs2 as2"},
		{"retries by age", "Rs1 Rs2 Rc1 as1", "as1 Rs1 Rs2 Rc1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newEngine(t, memory.Config{Workers: 1})
				for _, id := range strings.Fields(tt.ids) {
					n := 1
					if id[0] == 'R' {
						n = 2
					}
					require.NoError(t, m.Resume(t.Context(), ofType(id, n)))
				}
				s := &script{}
				runScript(t, m, s)
				synctest.Wait()
				require.Equal(t, tt.want, strings.Join(s.taken(), " "))
				requireEmpty(t, m)
			})
		})
	}
}

// With several attempts in flight to an endpoint, one place is kept for the type of which
// least waits.
func TestEngine_PlaceOfAType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, ids string
		workers   int
		want      string
	}{
		{"one place has turns", "as1 as2 as3 ax1 ax2 ac1", 1, "as1 ax1 ac1 as2 ax2 as3"},
		{"two places", "as1 as2 as3 as4 ax1 ax2 ax3 ax4 ac1 ac2", 2, "as1 ac1 ax1 ac2 as2 as3 ax2 as4 ax3 ax4"},
		{"one type has all", "as1 as2 as3 as4", 3, "as1 as2 as3 as4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newEngine(t, memory.Config{Workers: tt.workers})
				for _, id := range strings.Fields(tt.ids) {
					require.NoError(t, m.Enqueue(t.Context(), ofType(id, 1).Task))
				}
				taken := make(chan string, 100)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() {
					ended <- m.Run(ctx, queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
						taken <- d.ID
						if len(taken) == 1 { // so that they do not return at once
							<-time.After(5 * time.Second)
						} else {
							<-time.After(10 * time.Second)
						}
						return queue.Verdict{Kind: queue.KindDone}
					}})
				}()
				<-time.After(10 * time.Minute)
				cancel()
				require.NoError(t, <-ended)
				close(taken)
				var got []string
				for id := range taken {
					got = append(got, id)
				}
				require.Equal(t, tt.want, strings.Join(got, " "))
				requireEmpty(t, m)
			})
		})
	}
}

// Each task is handed out once, also when some are canceled, and with more types than are
// told apart. With fewer, those of a type keep their order.
func TestEngine_ManyTypes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		types := 1 + int(seed)
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			m := newEngine(t, memory.Config{Workers: 1})
			var want []string
			for i := range 500 {
				d := ofType(fmt.Sprintf("%c%c%03d", 'a'+r.IntN(3), '0'+r.IntN(types), i), 1)
				require.NoError(t, m.Enqueue(t.Context(), d.Task))
				want = append(want, d.ID)
				if r.IntN(4) == 0 {
					n := r.IntN(len(want))
					found, err := m.Cancel(t.Context(), want[n])
					require.NoError(t, err)
					require.True(t, found)
					want = slices.Delete(want, n, n+1)
				}
			}
			s := &script{}
			runScript(t, m, s)
			synctest.Wait()
			got := s.taken()
			require.ElementsMatch(t, want, got)
			slices.SortStableFunc(got, func(a, b string) int { return strings.Compare(a[:2], b[:2]) })
			slices.SortStableFunc(want, func(a, b string) int { return strings.Compare(a[:2], b[:2]) })
			require.True(t, types > 15 || slices.Equal(want, got))
			requireEmpty(t, m)
		})
	}
}
