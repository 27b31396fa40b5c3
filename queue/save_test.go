package queue_test

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
)

// An endpoint that fails for longer than DisableAfter is disabled, however often
// processes start and stop, and whichever of them has tried.
func TestQueue_FailingOverDeploys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		var told []string
		cfg := queue.Config{
			DisableAfter: 2 * time.Hour,
			OnState:      onDisable(func(key string, reason queue.Reason) { told = append(told, key+" "+string(reason)) }),
		}
		begun := time.Now()
		for time.Since(begun) <= 2*time.Hour {
			require.Equal(t, queue.StateEnabled, b.row(t, "wh_1").State)
			p, other := b.process(t, always(500), cfg), b.process(t, always(500), cfg)
			for range 7 {
				p.try("wh_1")
				<-time.After(3 * time.Minute)
				other.try("wh_1")
				<-time.After(3 * time.Minute)
			}
			p.stop()
			other.stop()
		}
		p := b.process(t, always(500), cfg)
		p.try("wh_1")
		require.Equal(t, []string{"wh_1 failing"}, told)
		row := b.row(t, "wh_1")
		require.Equal(t, queue.StateDisabled, row.State)
		require.Equal(t, begun, row.FailingSince)
		require.Less(t, b.stored.Load(), int64(40), "that it still fails is not stored each time")
	})
}

// A success in any process starts the time of failing again; so does a long time without
// any attempt.
func TestQueue_FailingEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		succeeds  bool
		pause     time.Duration
		wantState queue.EndpointState
	}{
		{"nothing between", false, 0, queue.StateDisabled},
		{"a success", true, 0, queue.StateEnabled},
		{"quiet", false, 65 * time.Minute, queue.StateEnabled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var b table
				status := 500
				answers := transport(func(*http.Request) (*http.Response, error) { return answer(status) })
				cfg := queue.Config{DisableAfter: 2 * time.Hour, Failures: -1}
				one, two := b.process(t, answers, cfg), b.process(t, answers, cfg)
				fail := func(times int) {
					for range times {
						one.try("wh_1")
						<-time.After(150 * time.Second)
					}
				}
				fail(40)
				if tt.succeeds {
					status = 200
					require.Equal(t, queue.KindDone, two.try("wh_1").Kind)
					aSecond()
					status = 500
				}
				if tt.pause > 0 { // also over a deploy
					one.stop()
					<-time.After(tt.pause)
					one = b.process(t, answers, cfg)
				}
				fail(12)
				require.Equal(t, tt.wantState, b.row(t, "wh_1").State)
			})
		})
	}
}

// However often an endpoint fails and succeeds, it is stored at most once a minute.
func TestQueue_FlappingIsStoredSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		var n atomic.Int64
		p := b.process(t, transport(func(*http.Request) (*http.Response, error) {
			if n.Add(1)%2 == 0 {
				return answer(200)
			}
			return answer(500)
		}), queue.Config{})
		const endpoints, minutes = 20, 5
		for range minutes * 60 {
			for i := range endpoints {
				p.try("wh_" + strconv.Itoa(i))
			}
			n.Add(1) // the other half next time
			<-time.After(time.Second)
		}
		require.LessOrEqual(t, b.stored.Load(), int64(endpoints*(minutes+1)))
		require.Positive(t, b.stored.Load())
		for i := range endpoints {
			p.try("wh_" + strconv.Itoa(i))
			if p.try("wh_"+strconv.Itoa(i)).Kind != queue.KindDone {
				p.try("wh_" + strconv.Itoa(i))
			}
		}
		<-time.After(2 * time.Minute)
		synctest.Wait()
		for i := range endpoints {
			require.Zero(t, b.row(t, "wh_"+strconv.Itoa(i)).FailingSince)
		}
	})
}

// What the queue decides is told by one process, though others have the hook as well; and
// by another one if that dies before it has told it.
func TestQueue_Told(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		var told journal
		hook := func(name string) queue.Config {
			return queue.Config{OnState: onDisable(func(key string, reason queue.Reason) {
				told.add(name + " " + key + " " + string(reason))
			})}
		}
		one, two := b.process(t, always(410), hook("one")), b.process(t, always(410), hook("two"))
		deaf := b.process(t, always(410), queue.Config{})
		var all sync.WaitGroup
		for range 3 { // in flight at once
			all.Go(func() { one.try("wh_1") })
		}
		all.Wait()
		<-time.After(2 * time.Minute)
		require.Equal(t, []string{"one wh_1 gone"}, told.all())
		require.Zero(t, b.row(t, "wh_1").Tell)

		// One without the hook leaves it to the others.
		deaf.try("wh_2")
		aSecond()
		require.Len(t, told.all(), 2)
		require.Regexp(t, "^(one|two) wh_2 gone$", told.all()[1])
		require.Zero(t, b.row(t, "wh_2").Tell)

		// One has died when it had stored wh_3 as told by itself.
		_, ok, err := b.SetEndpoint(t.Context(), queue.Endpoint{
			Key: "wh_3", State: queue.StateDisabled, Reason: string(queue.ReasonFailing), Since: time.Now(),
			Tell: time.Now().Add(30 * time.Second),
		})
		require.NoError(t, err)
		require.True(t, ok)
		<-time.After(29 * time.Second)
		require.Len(t, told.all(), 2)
		<-time.After(2 * time.Second)
		synctest.Wait()
		require.Len(t, told.all(), 3)
		require.Regexp(t, "^(one|two) wh_3 failing$", told.all()[2])
		<-time.After(2 * time.Minute)
		require.Len(t, told.all(), 3)
		require.Zero(t, b.row(t, "wh_3").Tell)

		// Nothing is told of what was enabled meanwhile.
		_, ok, err = b.SetEndpoint(t.Context(), queue.Endpoint{
			Key: "wh_4", State: queue.StateDisabled, Reason: string(queue.ReasonGone), Since: time.Now(),
			Tell: time.Now().Add(30 * time.Second),
		})
		require.NoError(t, err)
		require.True(t, ok)
		<-time.After(10 * time.Second)
		require.NoError(t, two.Enable(t.Context(), "wh_4", ""))
		<-time.After(2 * time.Minute)
		require.Len(t, told.all(), 3)
	})
}

// A hook that ends its goroutine, or that panics, has been told.
func TestQueue_ToldOnce(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]func(){"Goexit": runtime.Goexit, "panic": func() { panic(errDown) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var b table
				n := 0
				p := b.process(t, always(410), queue.Config{OnState: onDisable(func(string, queue.Reason) {
					n++
					hook()
				})})
				go p.try("wh_1")
				<-time.After(2 * time.Minute)
				require.Equal(t, 1, n)
				require.Zero(t, b.row(t, "wh_1").Tell)
			})
		})
	}
}

// While what was decided cannot be stored, it counts in the process that has decided it,
// and is stored and told as soon as possible.
func TestQueue_StoreAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		var told journal
		p := b.process(t, always(410), queue.Config{OnState: onDisable(func(key string, _ queue.Reason) { told.add(key) })})
		b.away.Store(true)
		err := p.Disable(t.Context(), "wh_2", "")
		require.EqualError(t, err, "queue: endpoint: store down")
		require.ErrorIs(t, err, errDown)
		require.Equal(t, queue.StateHealthy, p.State("wh_2"))
		p.try("wh_1")
		require.Equal(t, queue.StateDisabled, p.State("wh_1"))
		require.ErrorIs(t, p.Send(t.Context(), message("m_1", "wh_1")), queue.ErrDisabled)
		<-time.After(time.Hour)
		require.Empty(t, told.all())
		b.away.Store(false)
		aSecond()
		require.Equal(t, queue.StateDisabled, b.row(t, "wh_1").State)
		require.Equal(t, []string{"wh_1"}, told.all())
		require.NoError(t, p.Disable(t.Context(), "wh_2", ""))

		b.away.Store(true)
		p.try("wh_3")
		b.away.Store(false)
		p.stop()
		require.Equal(t, queue.StateDisabled, b.row(t, "wh_3").State, "at the latest when it ends")
		require.Equal(t, []string{"wh_1", "wh_3"}, told.all())
	})
}

// An endpoint that somebody enables while it is being disabled stays enabled.
func TestQueue_EnabledMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		told := 0
		one := b.process(t, transport(func(*http.Request) (*http.Response, error) {
			<-time.After(2 * time.Second)
			return answer(410)
		}), queue.Config{OnState: onDisable(func(string, queue.Reason) { told++ })})
		other := newQueue(t, always(200), sharing{&byHand{}, &b}, queue.Config{})
		require.NoError(t, other.Disable(t.Context(), "wh_1", ""))
		require.NoError(t, other.Enable(t.Context(), "wh_1", "before the attempt"))
		<-time.After(time.Millisecond)
		go one.try("wh_1")
		<-time.After(3 * time.Second)
		require.Equal(t, queue.StateDisabled, b.row(t, "wh_1").State, "an attempt after it was enabled")
		require.Equal(t, 1, told)

		require.NoError(t, other.Enable(t.Context(), "wh_1", ""))
		aSecond()
		go one.try("wh_1")
		<-time.After(1900 * time.Millisecond)
		require.NoError(t, other.Disable(t.Context(), "wh_1", ""))
		require.NoError(t, other.Enable(t.Context(), "wh_1", "during the attempt"))
		<-time.After(3 * time.Second)
		require.Equal(t, queue.StateEnabled, b.row(t, "wh_1").State)
		require.Equal(t, 1, told)
	})
}

// A 410 counts also in a process that has not heard yet that the endpoint was enabled, if
// its engine knew so and let the attempt through.
func TestQueue_GoneBeforeHeard(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		disabled bool // by another process, while the attempt is under way
		told     []string
	}{
		{"enabled", false, []string{"wh_1"}},
		{"disabled again", true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var b table
				var told []string
				one := b.process(t, transport(func(*http.Request) (*http.Response, error) {
					<-time.After(100 * time.Millisecond)
					return answer(410)
				}), queue.Config{OnState: onDisable(func(key string, _ queue.Reason) { told = append(told, key) })})
				require.NoError(t, one.Disable(t.Context(), "wh_1", "by hand"))
				other := newQueue(t, always(200), sharing{&byHand{}, &b}, queue.Config{})
				require.NoError(t, other.Enable(t.Context(), "wh_1", ""))
				<-time.After(time.Millisecond)
				require.Equal(t, queue.StateDisabled, one.State("wh_1"), "it has not heard")

				m := message("m_1", "wh_1")
				go one.Handle(t.Context(), queue.Delivery{
					Task: queue.Task{ID: m.ID, Key: "wh_1", Message: m}, N: 1, State: queue.StateEnabled,
				})
				<-time.After(50 * time.Millisecond)
				if tt.disabled {
					require.NoError(t, other.Disable(t.Context(), "wh_1", "again"))
				}
				aSecond()
				row := b.row(t, "wh_1")
				require.Equal(t, queue.StateDisabled, row.State)
				require.Equal(t, tt.disabled, row.Reason == "again")
				require.Equal(t, tt.told, told)
				require.Equal(t, queue.StateDisabled, one.State("wh_1"))

				require.NoError(t, other.Enable(t.Context(), "wh_1", ""))
				aSecond()
				require.Equal(t, queue.StateHealthy, one.State("wh_1"), "nothing is left of it")
			})
		})
	}
}
