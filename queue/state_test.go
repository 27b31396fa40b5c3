package queue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// states has an OnState that notes what it is told as "KEY FROM>TO reason status".
func states(j *journal) queue.Config {
	return queue.Config{OnState: func(_ context.Context, c queue.StateChange) {
		line := fmt.Sprintf("%s %s>%s", c.Key, c.From, c.To)
		if c.Reason != "" {
			line += " " + c.Reason
		}
		if c.Status != 0 {
			line += fmt.Sprint(" ", c.Class, c.Status)
		}
		j.add(line)
	}}
}

// OnState is told of each change once, and never of an attempt that changes nothing.
func TestQueue_OnState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told journal
		var status atomic.Int64
		tr := begin(t, transport(func(*http.Request) (*http.Response, error) {
			return answer(int(status.Load()))
		}), states(&told))
		synctest.Wait()
		try := func(answers int, times int) {
			status.Store(int64(answers))
			for range times {
				tr.try("wh_1")
			}
			synctest.Wait()
		}
		want := func(lines ...string) {
			t.Helper()
			require.Equal(t, lines, told.all())
		}
		try(200, 3)
		try(500, 29)
		require.Empty(t, told.all())
		try(500, 3)
		want("wh_1 healthy>resting status500")
		<-time.After(time.Minute)
		try(500, 1) // the one that is tried
		<-time.After(time.Minute)
		try(200, 3)
		want("wh_1 healthy>resting status500", "wh_1 resting>healthy 200")
		try(429, 2)
		<-time.After(10 * time.Second)
		try(500, 1) // it need not wait any more, but nothing says that it is well
		try(200, 2)
		begun := []string{
			"wh_1 healthy>resting status500", "wh_1 resting>healthy 200",
			"wh_1 healthy>throttled status429", "wh_1 throttled>healthy 200",
		}
		want(begun...)

		ctx := t.Context()
		require.NoError(t, tr.Pause(ctx, "wh_1", "maintenance"))
		require.NoError(t, tr.Pause(ctx, "wh_1", "again"))
		try(200, 1)
		require.NoError(t, tr.Enable(ctx, "wh_1", "done"))
		require.NoError(t, tr.Enable(ctx, "wh_1", "done"))
		require.NoError(t, tr.Disable(ctx, "wh_1", ""))
		require.NoError(t, tr.Enable(ctx, "wh_1", ""))
		try(410, 1)
		require.NoError(t, tr.Enable(ctx, "wh_2", "nobody knows it"))
		want(append(begun, "wh_1 healthy>paused maintenance", "wh_1 paused>healthy done",
			"wh_1 healthy>disabled", "wh_1 disabled>healthy", "wh_1 healthy>disabled gone")...)
	})
}

// What is decided is told by one of the processes, whichever has decided it, and also
// after the one has died that had decided it without telling.
func TestQueue_OnStateOverProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		var told journal
		one, two := b.process(t, always(200), states(&told)), b.process(t, always(200), states(&told))
		deaf := newQueue(t, always(200), sharing{&byHand{}, &b}, queue.Config{}) // and does not run
		want := []string{}
		for i, p := range []*queue.Queue{one.Queue, two.Queue, deaf} {
			key := fmt.Sprintf("wh_%d", i)
			require.NoError(t, p.Pause(t.Context(), key, "a"))
			aSecond()
			require.NoError(t, p.Enable(t.Context(), key, "b"))
			aSecond()
			want = append(want, key+" healthy>paused a", key+" paused>healthy b")
		}
		require.Equal(t, want, told.all())
		one.stop()
		two.stop()

		require.NoError(t, deaf.Disable(t.Context(), "wh_8", "while nobody listens"))
		require.NoError(t, deaf.Pause(t.Context(), "wh_9", "first"))
		require.NoError(t, deaf.Disable(t.Context(), "wh_9", "last"))
		// What it was before, a process that has just begun does not know.
		require.NoError(t, deaf.Pause(t.Context(), "wh_6", ""))
		for range 2 {
			require.NoError(t, deaf.Enable(t.Context(), "wh_6", "at night"))
		}
		<-time.After(24 * time.Hour)
		again := b.process(t, always(200), states(&told))
		<-time.After(time.Minute)
		require.ElementsMatch(t, append(want, "wh_8 healthy>disabled while nobody listens",
			"wh_9 healthy>disabled last", "wh_6 >healthy at night"), told.all())
		again.stop()

		// Nobody wants to hear of it after so long.
		require.NoError(t, deaf.Disable(t.Context(), "wh_7", ""))
		<-time.After(8 * 24 * time.Hour)
		b.process(t, always(200), states(&told))
		<-time.After(time.Minute)
		require.Len(t, told.all(), len(want)+3)
	})
}

// Of an attempt that says nothing about the endpoint nothing is told, and an endpoint that
// is enabled while it rests is healthy in the eyes of each process.
func TestQueue_OnStateCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		var told, others journal
		one := b.process(t, always(500), states(&told))
		two := b.process(t, always(500), states(&others))
		state := message("m_1", "wh_1")
		state.Event = payload.EventWebhookState
		for range 30 { // which is told of by none of these
			one.hand(state, 1)
		}
		require.Equal(t, queue.StateResting, one.State("wh_1"))
		invalid := message("m_1", "wh_1")
		invalid.URL = "ftp://receiver.test/"
		one.hand(invalid, 1)
		require.Empty(t, told.all())
		<-time.After(time.Minute)
		one.try("wh_1")
		synctest.Wait()
		require.Equal(t, []string{"wh_1 healthy>resting status500"}, told.all())
		require.NoError(t, two.Enable(t.Context(), "wh_1", "mended"))
		aSecond()
		require.Equal(t, []string{"wh_1 healthy>resting status500", "wh_1 resting>healthy mended"}, told.all())
		require.Empty(t, others.all(), "it was healthy here")
	})
}

// A store whose clock is not this one's may give the time of a decision a little different:
// that is no decision.
func TestQueue_OnStateOfClocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b table
		var told journal
		p := b.process(t, always(500), states(&told))
		require.NoError(t, p.Pause(t.Context(), "wh_1", ""))
		require.NoError(t, p.Enable(t.Context(), "wh_1", "mended"))
		<-time.After(time.Second)
		for range 30 {
			p.try("wh_1")
		}
		synctest.Wait()
		lines := told.all()
		require.Equal(t, "wh_1 healthy>resting status500", lines[2])
		row := b.row(t, "wh_1")
		row.Since = row.Since.Add(25 * time.Millisecond)
		_, ok, err := b.SetEndpoint(t.Context(), row)
		require.NoError(t, err)
		require.True(t, ok)
		aSecond()
		require.Equal(t, queue.StateResting, p.State("wh_1"))
		require.Equal(t, lines, told.all())
	})
}

// hurried is a store whose callers go away as soon as it has stored something.
type hurried struct {
	sharing
	gone context.CancelFunc
}

func (h hurried) SetEndpoint(ctx context.Context, e queue.Endpoint) (queue.Endpoint, bool, error) {
	defer h.gone()
	return h.sharing.SetEndpoint(ctx, e)
}

// OnState is told in time to do something, also if who has decided does not wait for it.
func TestQueue_OnStateOfWhoIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, gone := context.WithCancel(t.Context())
		var err error
		told := 0
		q := newQueue(t, always(200), hurried{sharing{&byHand{}, new(table)}, gone}, queue.Config{
			OnState: func(ctx context.Context, _ queue.StateChange) {
				told++
				err = ctx.Err()
				_, bounded := ctx.Deadline()
				require.True(t, bounded)
			},
		})
		require.NoError(t, q.Pause(ctx, "wh_1", ""))
		require.Error(t, ctx.Err())
		require.NoError(t, err)
		require.Equal(t, 1, told)
	})
}

// Of an endpoint that flaps, OnState is told a bounded number of times, and what it was
// told last is true in the end.
func TestQueue_OnStateFlapping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told journal
		var n atomic.Int64
		tr := begin(t, transport(func(*http.Request) (*http.Response, error) {
			if n.Add(1)%2 == 1 {
				return answer(429)
			}
			return answer(200)
		}), states(&told))
		synctest.Wait()
		const hours = 5
		for begun := time.Now(); time.Since(begun) < hours*time.Hour; <-time.After(6 * time.Second) {
			tr.try("wh_1")
		}
		synctest.Wait()
		lines := told.all()
		require.LessOrEqual(t, len(lines), 2*(3+3*hours))
		require.GreaterOrEqual(t, len(lines), 2*3*hours)
		for i, line := range lines {
			require.Equal(t, []string{
				"wh_1 healthy>throttled status429", "wh_1 throttled>healthy 200",
			}[i%2], line)
		}
		n.Store(1)
		tr.try("wh_1")
		synctest.Wait()
		require.Zero(t, len(told.all())%2, "it is healthy, and was told so last")
	})
}

// However long OnState takes, or how it ends, the verdict is there at once, and changes are
// told one after another.
func TestQueue_OnStateHoldsUpNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told journal
		var status atomic.Int64
		tr := begin(t, transport(func(*http.Request) (*http.Response, error) {
			return answer(int(status.Load()))
		}), queue.Config{OnState: func(ctx context.Context, c queue.StateChange) {
			<-ctx.Done() // after half a minute
			told.add(string(c.To))
			if c.To == queue.StateThrottled {
				runtime.Goexit()
			}
		}})
		synctest.Wait()
		for _, answers := range []int64{429, 200, 410} {
			status.Store(answers)
			begun := time.Now()
			require.Equal(t, answers == 200, tr.try("wh_1").Kind == queue.KindDone)
			require.Zero(t, time.Since(begun))
			<-time.After(6 * time.Second) // after which it need not wait any more
		}
		require.Empty(t, told.all())
		<-time.After(2 * time.Minute)
		require.Equal(t, []string{"throttled", "healthy", "disabled"}, told.all())
	})
}

// Webhooks that report on each other come to an end, though both fail.
func TestQueue_OnStateOfEachOther(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"failing": 500, "throttled": 429, "gone": 410} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				other := map[string]string{"a": "b", "b": "a"}
				var q *queue.Queue
				told, requests := 0, 0
				config := queue.Config{Failures: 1, Rest: time.Second, OnState: func(ctx context.Context, c queue.StateChange) {
					told++
					body, err := json.Marshal(c.Event())
					require.NoError(t, err)
					m := message(fmt.Sprintf("told-%d", told), other[c.Key])
					m.Event, m.Body = c.Event().EventType(), body
					m.Policy = webhook.Policy{Attempts: 2, Waits: []time.Duration{time.Second}}
					if err := q.Send(ctx, m); err != nil {
						require.ErrorIs(t, err, queue.ErrDisabled)
					}
				}}
				q, _ = inMemory(t, transport(func(*http.Request) (*http.Response, error) {
					requests++
					return answer(status)
				}), memory.Config{}, config)
				require.NoError(t, q.Send(t.Context(), message("first", "a")))
				<-time.After(24 * time.Hour)
				synctest.Wait()
				s, err := q.Stats(t.Context())
				require.NoError(t, err)
				require.Zero(t, s.Pending)
				require.LessOrEqual(t, told, 2)
				require.LessOrEqual(t, requests, 5)
				require.Positive(t, told)
			})
		})
	}
}

// The event of a change is one that its receiver can read.
func TestStateChange_Event(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		change queue.StateChange
		want   string
	}{
		{
			queue.StateChange{
				Key: "wh_1", From: queue.StateHealthy, To: queue.StateResting, At: at,
				Class: webhook.ClassStatus, Status: 503,
			},
			`{"event":"webhook:state","payload":{"id":"wh_1","state":"resting","was":"healthy","reason":"",` +
				`"class":"status","status_code":503,"at":"2026-11-30T09:00:00.000000Z"}}`,
		},
		{
			queue.StateChange{
				Key: "wh_1", From: queue.StateResting, To: queue.StateDisabled, At: at, Reason: "gone", Actor: "ana",
			},
			`{"event":"webhook:state","payload":{"id":"wh_1","state":"disabled","was":"resting","reason":"gone",` +
				`"class":"","status_code":null,"at":"2026-11-30T09:00:00.000000Z"}}`,
		},
	}
	for _, tt := range tests {
		body, err := json.Marshal(tt.change.Event())
		require.NoError(t, err)
		require.Equal(t, tt.want, string(body))
		event, err := payload.Parse(body)
		require.NoError(t, err)
		read := event.(*payload.WebhookState)
		require.Equal(t, string(tt.change.To), read.State)
	}
}
