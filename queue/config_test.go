package queue_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
)

// A negative field switches off what it is about, which otherwise limits the test.
func TestConfig_Off(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		off  queue.Config
		on   queue.Config
		free func(tr trial) bool // whether nothing is in the way
	}{
		{"limit", queue.Config{Limit: -1}, queue.Config{}, allInFlight},
		{
			"host limit",
			queue.Config{Limit: -1, HostLimit: -1},
			queue.Config{Limit: -1, HostLimit: 10},
			allInFlight,
		},
		{"rate", queue.Config{Limit: -1, Rate: -1}, queue.Config{Limit: -1, Rate: 10}, allInFlight},
		{
			"infinite rate",
			queue.Config{Limit: -1, Rate: math.Inf(1)},
			queue.Config{Limit: -1, Rate: 10},
			allInFlight,
		},
		{"size", queue.Config{MaxSize: -1}, queue.Config{}, func(tr trial) bool {
			m := message("m_1", "wh_1")
			m.Body = make([]byte, 3<<20)
			return !errors.Is(tr.Send(context.Background(), m), queue.ErrTooLarge)
		}},
		{"failures", queue.Config{Failures: -1}, queue.Config{}, neverRests},
		{"rest", queue.Config{Rest: -1}, queue.Config{}, neverRests},
		{
			"disabled after",
			queue.Config{DisableAfter: -1, Failures: -1},
			queue.Config{Failures: -1},
			neverDisabled,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, cfg := range []struct {
				queue.Config
				free bool
			}{{tt.off, true}, {tt.on, false}} {
				synctest.Test(t, func(t *testing.T) {
					tr := begin(t, byHost, cfg.Config)
					synctest.Wait()
					require.Equal(t, cfg.free, tt.free(tr))
					tr.hand(message("m_410", "wh_410"), 1)
					require.Equal(t, queue.StateDisabled, tr.State("wh_410"), "a 410 disables all the same")
				})
			}
		})
	}
}

// byHost answers as the host's name says, or after a second with 200.
var byHost = transport(func(r *http.Request) (*http.Response, error) {
	switch r.URL.Host {
	case "wh_410.example":
		return answer(410)
	case "wh_500.example":
		return answer(500)
	}
	return takes(time.Second)(r)
})

func allInFlight(tr trial) bool {
	const n = 50
	verdicts := tr.handAll(messages(n, "wh_1")...)
	s, err := tr.Stats(context.Background())
	<-time.After(time.Minute)
	synctest.Wait()
	return err == nil && s.InFlight == n && verdicts[n-1].Kind == queue.KindDone
}

func neverRests(tr trial) bool {
	for i := range 200 {
		v := tr.hand(message("m_"+strconv.Itoa(i), "wh_500"), 1)
		if v.Kind != queue.KindRetry || tr.State("wh_500") != queue.StateHealthy {
			return false
		}
	}
	return true
}

// neverDisabled lets an endpoint fail for sixty days.
func neverDisabled(tr trial) bool {
	for range 60 * 24 {
		tr.hand(message("m_1", "wh_500"), 1)
		<-time.After(time.Hour)
	}
	return tr.State("wh_500") != queue.StateDisabled
}

// Without Grace, attempts in flight are cut off when Run ends.
func TestConfig_NoGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &byHand{}
		q := newQueue(t, transport(hang), drains{engine}, queue.Config{Grace: -1})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		synctest.Wait()
		verdict := make(chan queue.Verdict, 1)
		go func() { verdict <- engine.hand(message("m_1", "wh_1"), 1) }()
		synctest.Wait()
		begun := time.Now()
		cancel()
		require.Equal(t, queue.Verdict{Kind: queue.KindDefer}, <-verdict)
		require.Zero(t, time.Since(begun))
		require.NoError(t, <-ended)
	})
}
