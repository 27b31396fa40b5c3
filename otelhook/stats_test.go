package otelhook_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"

	"github.com/ringhook/webhook/otelhook"
	"github.com/ringhook/webhook/queue"
)

func TestObserveStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hook := newHook(t, otelhook.Config{})
		stats := queue.Stats{Pending: 7, Due: 3, Held: 2, InFlight: 4, Oldest: time.Now().Add(-90 * time.Second)}
		calls := 0
		registration, err := hook.ObserveStats(func(context.Context) (queue.Stats, error) {
			calls++
			return stats, nil
		}, attribute.String("queue", "calls"))
		require.NoError(t, err)
		want := map[string]float64{
			"webhook.pending{queue=calls}": 7, "webhook.due{queue=calls}": 3, "webhook.held{queue=calls}": 2,
			"webhook.in_flight{queue=calls}": 4, "webhook.oldest{queue=calls}": 90,
		}
		require.Equal(t, want, hook.collect(t))

		// Soon after, nothing is read again; but the oldest gets older.
		time.Sleep(4 * time.Second)
		want["webhook.oldest{queue=calls}"] = 94
		require.Equal(t, want, hook.collect(t))
		require.Equal(t, 1, calls)

		time.Sleep(time.Second)
		stats = queue.Stats{Oldest: time.Now().Add(time.Hour)} // by another clock
		for name := range want {
			want[name] = 0
		}
		require.Equal(t, want, hook.collect(t))
		require.Equal(t, 2, calls)

		require.NoError(t, registration.Unregister())
		time.Sleep(time.Minute)
		require.Empty(t, hook.collect(t))
		require.Equal(t, 2, calls)
	})
}

func TestObserveStats_None(t *testing.T) {
	t.Parallel()
	_, err := newHook(t, otelhook.Config{}).ObserveStats(nil)
	require.EqualError(t, err, "otelhook: ObserveStats: no stats")
}

// handled keeps what the global handler of errors is told until the test ends.
func handled(t *testing.T) (told func() []string) {
	var mu sync.Mutex
	var all []string
	before := otel.GetErrorHandler()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, err.Error())
	}))
	t.Cleanup(func() { otel.SetErrorHandler(before) })
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

// What is wrong with one queue takes nothing else away, and does not hold up who collects.
func TestObserveStats_Fails(t *testing.T) { //nolint:paralleltest // the handler of errors is global
	synctest.Test(t, func(t *testing.T) {
		told := handled(t)
		hook := newHook(t, otelhook.Config{})
		fail := errors.New("no database")
		calls := 0
		_, err := hook.ObserveStats(func(context.Context) (queue.Stats, error) {
			calls++
			if calls == 2 {
				panic("secret")
			}
			return queue.Stats{Pending: 1}, fail
		})
		require.NoError(t, err)
		hook.OnState(t.Context(), queue.StateChange{To: queue.StatePaused})
		rest := map[string]float64{"webhook.endpoints{webhook.state=paused}": 1}
		require.Equal(t, rest, hook.collect(t))
		require.Equal(t, rest, hook.collect(t), "it is not asked again at once")
		require.Equal(t, []string{"otelhook: figures of the queue: no database"}, told())

		time.Sleep(10 * time.Second)
		require.Equal(t, rest, hook.collect(t))
		require.Len(t, told(), 2)
		require.Contains(t, told()[1], "otelhook: panic in Stats: string\n")
		require.NotContains(t, told()[1], "secret")

		time.Sleep(10 * time.Second)
		fail = nil
		require.Len(t, hook.collect(t), 6)
	})
}

func TestObserveStats_Slow(t *testing.T) { //nolint:paralleltest // as above
	synctest.Test(t, func(t *testing.T) {
		told := handled(t)
		hook := newHook(t, otelhook.Config{})
		var calls, takes atomic.Int64
		takes.Store(int64(10 * time.Second))
		_, err := hook.ObserveStats(func(ctx context.Context) (queue.Stats, error) {
			n := calls.Add(1)
			select {
			case <-time.After(time.Duration(takes.Load())):
				return queue.Stats{Pending: int(n)}, nil
			case <-ctx.Done():
				return queue.Stats{}, context.Cause(ctx)
			}
		})
		require.NoError(t, err)

		begun := time.Now()
		require.Empty(t, hook.collect(t))
		require.Equal(t, 3*time.Second, time.Since(begun))
		require.Equal(t, []string{"otelhook: figures of the queue were not there in time"}, told())
		require.Empty(t, hook.collect(t), "nothing is read twice at a time")
		require.EqualValues(t, 1, calls.Load())

		time.Sleep(30 * time.Second) // when the next one comes, the first has been read
		require.InDelta(t, 1, hook.collect(t)["webhook.pending{}"], 0)
		require.EqualValues(t, 2, calls.Load())
		time.Sleep(10 * time.Second)
		require.InDelta(t, 2, hook.collect(t)["webhook.pending{}"], 0)

		takes.Store(int64(time.Hour)) // it hangs, as a database can
		time.Sleep(10 * time.Second)
		require.InDelta(t, 2, hook.collect(t)["webhook.pending{}"], 0)
		time.Sleep(28 * time.Second)
		require.Empty(t, hook.collect(t), "the time for reading was up")
		require.Contains(t, told(), "otelhook: figures of the queue: context deadline exceeded")
		time.Sleep(time.Minute) // until nothing reads any more
	})
}

// Who collects may have less time.
func TestObserveStats_Ends(t *testing.T) { //nolint:paralleltest // as above
	synctest.Test(t, func(t *testing.T) {
		told := handled(t)
		hook := newHook(t, otelhook.Config{})
		_, err := hook.ObserveStats(func(ctx context.Context) (queue.Stats, error) {
			<-ctx.Done()
			return queue.Stats{}, ctx.Err()
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		hook.collectIn(ctx, t)
		require.Equal(t, time.Second, time.Since(begun))
		time.Sleep(time.Minute)
		require.Len(t, told(), 2)
	})
}

func TestNew_Global(t *testing.T) {
	t.Parallel()
	hook, err := otelhook.New(otelhook.Config{})
	require.NoError(t, err)
	require.NoError(t, hook.Sender(&sink{}).Send(t.Context(), message("https://example.com/")))
	_, err = hook.ObserveStats(func(context.Context) (queue.Stats, error) { return queue.Stats{}, nil })
	require.NoError(t, err)
}
