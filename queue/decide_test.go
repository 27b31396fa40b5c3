package queue_test

import (
	"context"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// A table stores endpoints for several queues, as a database does for several processes.
type table struct {
	rows   queue.LocalEndpoints
	away   atomic.Bool // it cannot be reached
	stored atomic.Int64
	asked  atomic.Int64 // for what has changed
}

func (b *table) Endpoint(ctx context.Context, key string) (queue.Endpoint, error) {
	if b.away.Load() {
		return queue.Endpoint{}, errDown
	}
	return b.rows.Endpoint(ctx, key)
}

func (b *table) SetEndpoint(ctx context.Context, e queue.Endpoint) (queue.Endpoint, bool, error) {
	if b.away.Load() {
		return queue.Endpoint{}, false, errDown
	}
	b.stored.Add(1)
	return b.rows.SetEndpoint(ctx, e)
}

func (b *table) Changed(ctx context.Context, rev int64) ([]queue.Endpoint, error) {
	b.asked.Add(1)
	if b.away.Load() {
		return nil, errDown
	}
	rows, err := b.rows.Changed(ctx, rev)
	return rows[:min(len(rows), 3)], err // more than one page
}

// row returns what is stored of a key.
func (b *table) row(t *testing.T, key string) queue.Endpoint {
	t.Helper()
	e, err := b.rows.Endpoint(t.Context(), key)
	require.NoError(t, err)
	return e
}

// A process is a queue over an engine by hand, whose endpoints are in a table.
type process struct {
	trial
	stop func()
}

type sharing struct {
	*byHand
	*table
}

// process begins one more, in a synctest bubble.
func (b *table) process(t *testing.T, rt http.RoundTripper, cfg queue.Config) process {
	t.Helper()
	p := process{trial: trial{byHand: &byHand{}, log: &records{}}}
	cfg.Logger = slog.New(p.log)
	q, err := queue.New(&webhook.Client{Transport: rt}, sharing{p.byHand, b}, cfg)
	require.NoError(t, err)
	p.Queue = q
	p.stop = run(t, q)
	synctest.Wait()
	return p
}

// try makes an attempt at an endpoint.
func (tr trial) try(key string) queue.Verdict { return tr.hand(message("m_1", key), 1) }

// aSecond is within what another process decides must count.
func aSecond() {
	<-time.After(time.Second)
	synctest.Wait()
}

// What one process decides counts in all others, wherever they use it.
func TestQueue_Decisions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		status := 500
		answers := transport(func(*http.Request) (*http.Response, error) { return answer(status) })
		cfg := queue.Config{Failures: 2}
		one, two := b.process(t, answers, cfg), b.process(t, answers, cfg)
		idle := newQueue(t, answers, sharing{&byHand{}, &b}, cfg) // it only sends
		all := map[string]*queue.Queue{"one": one.Queue, "two": two.Queue, "idle": idle}
		states := func(want queue.EndpointState) {
			t.Helper()
			for name, q := range all {
				m := message("m_1", "wh_1")
				if want == queue.StateDisabled {
					require.ErrorIs(t, q.Send(t.Context(), m), queue.ErrDisabled, name)
				} else {
					require.NoError(t, q.Send(t.Context(), m), name)
				}
				require.Equal(t, want, q.State("wh_1"), name)
			}
		}
		require.NoError(t, one.Disable(t.Context(), "wh_1", "the customer left"))
		require.Equal(t, queue.StateDisabled, one.State("wh_1"), "here at once")
		aSecond()
		states(queue.StateDisabled)
		row := b.row(t, "wh_1")
		require.Equal(t, "the customer left", row.Reason)
		require.Zero(t, row.Tell, "OnDisable is not told")
		require.Equal(t, queue.Verdict{Kind: queue.KindDead, Reason: queue.ReasonDisabled}, two.try("wh_1"))
		require.NoError(t, two.Disable(t.Context(), "wh_1", "again"))
		require.Equal(t, row, b.row(t, "wh_1"), "the first one stays")

		require.NoError(t, two.Pause(t.Context(), "wh_1", "they move"))
		require.Equal(t, queue.StatePaused, two.State("wh_1"))
		require.NoError(t, one.Send(t.Context(), message("m_1", "wh_1")), "it asks before it refuses")
		aSecond()
		states(queue.StatePaused)
		require.Equal(t, queue.KindDefer, one.try("wh_1").Kind)
		ok, wait := one.Ready("wh_1")
		require.False(t, ok)
		require.Positive(t, wait)

		require.NoError(t, idle.Enable(t.Context(), "wh_1", ""))
		aSecond()
		states(queue.StateHealthy)
		for range 2 {
			require.Equal(t, queue.KindRetry, two.try("wh_1").Kind)
		}
		require.Equal(t, queue.StateResting, two.State("wh_1"))
		aSecond()
		require.NoError(t, one.Enable(t.Context(), "wh_1", "it is mended"))
		aSecond()
		require.Equal(t, queue.StateHealthy, two.State("wh_1"), "as good as new")
		require.Zero(t, b.row(t, "wh_1").FailingSince)

		asked := b.asked.Load()
		<-time.After(time.Minute)
		require.LessOrEqual(t, b.asked.Load()-asked, int64(2*121), "twice a second, by those that run")
	})
}

// What an engine has read to hand out a message is newer than what the queue has heard.
func TestQueue_FreshState(t *testing.T) {
	t.Parallel()
	tests := []struct {
		known, fresh queue.EndpointState
		want         queue.Kind
	}{
		{queue.StateDisabled, queue.StateEnabled, queue.KindDone},
		{queue.StateDisabled, queue.StatePaused, queue.KindDefer},
		{queue.StateDisabled, "", queue.KindDead},
		{queue.StatePaused, queue.StateEnabled, queue.KindDone},
		{queue.StatePaused, queue.StateDisabled, queue.KindDead},
		{queue.StatePaused, "", queue.KindDefer},
		{queue.StateEnabled, queue.StateDisabled, queue.KindDead},
		{queue.StateEnabled, queue.StatePaused, queue.KindDefer},
		{queue.StateEnabled, "", queue.KindDone},
	}
	for _, tt := range tests {
		t.Run(string(tt.known+" "+tt.fresh), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, always(200), queue.Config{Limit: 1})
				synctest.Wait()
				hand := func() queue.Verdict {
					m := message("m_1", "wh_1")
					return tr.Handle(t.Context(), queue.Delivery{
						Task: queue.Task{ID: m.ID, Key: "wh_1", Message: m}, N: 1, State: tt.fresh,
					})
				}
				_, err := queue.SetState(t.Context(), onlyKnown{tr.Queue}, "wh_1", tt.known, "")
				require.NoError(t, err)
				require.Equal(t, tt.want, hand().Kind)
				if ok, _ := tr.Ready("wh_1"); ok { // with a slot that Ready gave
					require.Equal(t, tt.want, hand().Kind)
				}
				require.NoError(t, tr.Enable(t.Context(), "wh_1", ""))
				require.Equal(t, queue.KindDone, tr.try("wh_1").Kind, "no slot is lost")
			})
		})
	}
}

// onlyKnown has a queue's own methods store what it knows.
type onlyKnown struct{ *queue.Queue }

func (k onlyKnown) Endpoint(context.Context, string) (queue.Endpoint, error) {
	return queue.Endpoint{Rev: 1}, nil // another state than all there are
}

func (k onlyKnown) SetEndpoint(ctx context.Context, e queue.Endpoint) (queue.Endpoint, bool, error) {
	set := map[queue.EndpointState]func(context.Context, string, string) error{
		queue.StateEnabled: k.Enable, queue.StatePaused: k.Pause, queue.StateDisabled: k.Disable,
	}
	return e, true, set[e.State](ctx, e.Key, e.Reason)
}

func (k onlyKnown) Changed(context.Context, int64) ([]queue.Endpoint, error) { return nil, nil }

// Messages to a paused endpoint stay in memory, and leave when it is enabled.
func TestQueue_Pause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status := 200
		var requests atomic.Int64
		q, _ := inMemory(t, transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "wh_1.example" {
				requests.Add(1)
			}
			return answer(status)
		}), memory.Config{}, queue.Config{Limit: 100})
		stats := func() queue.Stats {
			synctest.Wait()
			s, err := q.Stats(t.Context())
			require.NoError(t, err)
			return s
		}
		status = 500
		require.NoError(t, q.Send(t.Context(), message("retry", "wh_1")))
		synctest.Wait()
		status = 200
		begun := time.Now()
		require.NoError(t, q.Pause(t.Context(), "wh_1", ""))
		require.NoError(t, q.SendAll(t.Context(), messages(20, "wh_1")...))
		<-time.After(5 * time.Second)
		require.NoError(t, q.Send(t.Context(), message("other", "wh_2")))
		s := stats()
		require.Equal(t, queue.Stats{
			Pending: 21, Held: 21, Delivered: 1, Busiest: []queue.EndpointStats{
				{Key: "wh_1", Pending: 21, State: queue.StatePaused},
			},
		}, s)
		<-time.After(3 * time.Hour)
		require.EqualValues(t, 1, requests.Load())
		require.Equal(t, 21, stats().Held, "the retry, which is due, too")
		require.Zero(t, stats().Due)

		require.NoError(t, q.Enable(t.Context(), "wh_1", ""))
		s = stats()
		require.EqualValues(t, 22, requests.Load(), "at once")
		require.Zero(t, s.Pending+s.Held)
		require.EqualValues(t, 22, s.Delivered)
		require.Equal(t, 3*time.Hour+5*time.Second, time.Since(begun))

		require.NoError(t, q.Pause(t.Context(), "wh_1", ""))
		require.NoError(t, q.SendAll(t.Context(), messages(5, "wh_1")...))
		synctest.Wait()
		require.NoError(t, q.Disable(t.Context(), "wh_1", ""))
		s = stats()
		require.Zero(t, s.Pending)
		require.EqualValues(t, 5, s.Dropped)
		require.EqualValues(t, 22, requests.Load())
	})
}

// An endpoint that fails for longer than DisableAfter is disabled, however often
// processes start and stop, and whichever of them has tried.
func TestQueue_FailingOverDeploys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		var told []string
		cfg := queue.Config{
			DisableAfter: 2 * time.Hour,
			OnDisable:    func(key string, reason queue.Reason) { told = append(told, key+" "+string(reason)) },
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
			return queue.Config{OnDisable: func(key string, reason queue.Reason) {
				told.add(name + " " + key + " " + string(reason))
			}}
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
				p := b.process(t, always(410), queue.Config{OnDisable: func(string, queue.Reason) {
					n++
					hook()
				}})
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
		p := b.process(t, always(410), queue.Config{OnDisable: func(key string, _ queue.Reason) { told.add(key) }})
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
		}), queue.Config{OnDisable: func(string, queue.Reason) { told++ }})
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
				}), queue.Config{OnDisable: func(key string, _ queue.Reason) { told = append(told, key) }})
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

// Two queues over one engine in memory know the same at once.
func TestQueue_SharedMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, engine := inMemory(t, always(200), memory.Config{}, queue.Config{})
		other := newQueue(t, always(200), engine, queue.Config{})
		require.NoError(t, other.Disable(t.Context(), "wh_1", ""))
		require.ErrorIs(t, q.Send(t.Context(), message("m_1", "wh_1")), queue.ErrDisabled)
		require.NoError(t, q.Pause(t.Context(), "wh_1", ""))
		require.NoError(t, other.Send(t.Context(), message("m_1", "wh_1")))
		synctest.Wait()
		require.Zero(t, q.Delivered())
		require.NoError(t, other.Enable(t.Context(), "wh_1", ""))
		synctest.Wait()
		require.EqualValues(t, 1, q.Delivered())
		ended, end := context.WithCancelCause(t.Context())
		end(errDown)
		require.ErrorIs(t, q.Enable(ended, "wh_1", ""), errDown)
		require.NoError(t, q.Enable(t.Context(), "wh_1", ""))
	})
}
