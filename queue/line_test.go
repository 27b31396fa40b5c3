package queue_test

import (
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// A sized is an engine by hand that says how much it does at once.
type sized struct {
	*byHand
	workers   int
	processes atomic.Int64
}

func (e *sized) Workers() int   { return e.workers }
func (e *sized) Processes() int { return int(e.processes.Load()) }

// sizedTrial is begin with an engine of so many workers.
func sizedTrial(t *testing.T, rt http.RoundTripper, cfg queue.Config, workers int) (trial, *sized) {
	t.Helper()
	engine := &sized{byHand: &byHand{}, workers: workers}
	tr := trial{byHand: engine.byHand, log: &records{}}
	cfg.Logger = slog.New(tr.log)
	q, err := queue.New(&webhook.Client{Transport: rt}, engine, cfg)
	require.NoError(t, err)
	tr.Queue = q
	run(t, q)
	synctest.Wait()
	return tr, engine
}

// flying is how many attempts are under way.
func flying(t *testing.T, tr trial) int {
	t.Helper()
	synctest.Wait()
	s, err := tr.Stats(t.Context())
	require.NoError(t, err)
	return s.InFlight
}

// typed is a message of a type of event to one endpoint.
func typed(id, event string) *webhook.Message {
	m := message(id, "wh_1")
	m.Event = event
	return m
}

// A campaign's statuses that wait for their turn do not hold up a conversation.
func TestQueue_TypesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, transport(func(*http.Request) (*http.Response, error) {
			<-time.After(500 * time.Millisecond)
			return answer(200)
		}), queue.Config{})
		synctest.Wait()
		refused := func(m *webhook.Message) time.Duration {
			v := tr.hand(m, 1)
			require.Equal(t, queue.KindDefer, v.Kind)
			return v.After
		}
		campaign := func(n int) *webhook.Message { return typed("s_"+strconv.Itoa(n), "status") }
		for n := range 4 {
			go tr.hand(campaign(n), 1)
		}
		synctest.Wait()
		for n := range 10_000 {
			refused(campaign(n))
		}
		require.Greater(t, refused(campaign(0)), 3*time.Second)
		require.Less(t, refused(typed("c", "conversation")), time.Second)

		<-time.After(450 * time.Millisecond)
		require.Less(t, refused(typed("c", "conversation")), time.Second, "it comes back")
		<-time.After(51 * time.Millisecond) // the four have ended
		synctest.Wait()
		for n := range 3 {
			go tr.hand(campaign(n), 1)
		}
		synctest.Wait()
		require.Greater(t, refused(campaign(3)), 3*time.Second, "the last place is kept")
		ended := make(chan queue.Verdict, 1)
		go func() { ended <- tr.hand(typed("c", "conversation"), 1) }()
		require.Equal(t, queue.KindDone, (<-ended).Kind)

		<-time.After(time.Second)
		for n := range 4 { // nothing else waits
			go tr.hand(campaign(n), 1)
		}
		require.Equal(t, 4, flying(t, tr))
		<-time.After(time.Second)
	})
}

// A place is not kept for long for what does not come back.
func TestQueue_PlaceIsKeptForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, transport(hang), queue.Config{Limit: 2})
		synctest.Wait()
		m := func(event string) *webhook.Message { return typed("m", event) }
		for range 2 {
			go tr.hand(m("a"), 1)
		}
		synctest.Wait()
		for range 100 {
			require.Equal(t, queue.KindDefer, tr.hand(m("a"), 1).Kind)
		}
		back := tr.hand(m("b"), 1).After
		<-time.After(3 * time.Second)
		require.Less(t, back, 3*time.Second-300*time.Millisecond)
		synctest.Wait()
		for range 2 {
			go tr.hand(m("a"), 1)
		}
		require.Equal(t, 2, flying(t, tr))
		<-time.After(time.Minute)
	})
}

func TestQueue_PolicyOfAWebhook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr, engine := sizedTrial(t, always(200), queue.Config{Rate: 100}, 50)
		asks := func(id string, rate float64, concurrency int) *webhook.Message {
			m := message("m_1", id)
			m.Policy.Rate, m.Policy.Concurrency = rate, concurrency
			return m
		}
		// attempts counts those that could begin in 10 s.
		attempts := func(m *webhook.Message) (n int) {
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(time.Millisecond) {
				if tr.hand(m, 1).Kind == queue.KindDone {
					n++
				}
			}
			return n
		}
		require.InDelta(t, 20, attempts(asks("wh_1", 2, 0)), 2)
		require.InDelta(t, 1000, attempts(asks("wh_2", 0, 0)), 110, "that of the queue")
		require.InDelta(t, 1000, attempts(asks("wh_3", 500, 0)), 110, "that of the queue is less")
		mixed := 0 // with and without, as after a change of the webhook
		for n := range 10_000 {
			if tr.hand(asks("wh_5", float64(n%2)*2, 0), 1).Kind == queue.KindDone {
				mixed++
			}
			<-time.After(time.Millisecond)
		}
		require.InDelta(t, 20, mixed, 3)
		engine.processes.Store(4)
		require.InDelta(t, 25, attempts(asks("wh_4", 10, 0)), 10, "a quarter, and a burst")
		require.InDelta(t, 5, attempts(asks("wh_1", 2, 0)), 2, "of one that is known, too")
	})
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, transport(hang), queue.Config{Limit: 3})
		synctest.Wait()
		for _, tt := range []struct{ asked, want int }{{0, 3}, {1, 1}, {2, 2}, {9, 3}} {
			all := messages(5, "wh_"+strconv.Itoa(tt.asked))
			for _, m := range all {
				m.Policy.Concurrency = tt.asked
			}
			for _, m := range all {
				go tr.hand(m, 1)
			}
			require.Equal(t, tt.want, flying(t, tr))
			<-time.After(time.Minute)
		}
	})
}

// Endpoints that hang have half of the workers, all of them together; while that is not
// known of them, three quarters.
func TestQueue_SlowEndpoints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := true
		tr, _ := sizedTrial(t, transport(func(r *http.Request) (*http.Response, error) {
			if slow && r.URL.Host != "good.example" {
				return hang(r)
			}
			return answer(200)
		}), queue.Config{Failures: -1}, 10)
		hand := func() {
			for n := range 20 {
				for i := range 4 {
					go tr.hand(message("m_"+strconv.Itoa(i), "wh_"+strconv.Itoa(n)), 1)
				}
			}
			synctest.Wait()
		}
		require.Equal(t, queue.KindDone, tr.hand(message("m_1", "good"), 1).Kind)
		hand()
		require.Equal(t, 7, flying(t, tr), "nothing is known yet")
		<-time.After(1500 * time.Millisecond)
		require.Equal(t, queue.KindDone, tr.hand(message("m_1", "good"), 1).Kind)
		v := tr.hand(message("m_9", "wh_0"), 1)
		require.Equal(t, queue.KindDefer, v.Kind)
		for range 20 { // until all are known
			<-time.After(4 * time.Second)
			hand()
		}
		<-time.After(4 * time.Second)
		hand()
		require.LessOrEqual(t, flying(t, tr), 5)
		require.Positive(t, flying(t, tr))
		require.Equal(t, queue.KindDone, tr.hand(message("m_1", "good"), 1).Kind)

		slow = false
		<-time.After(4 * time.Second)
		require.Zero(t, flying(t, tr))
		for range 100 { // as fast again as the others
			for n := range 20 {
				tr.hand(message("m_1", "wh_"+strconv.Itoa(n)), 1)
			}
		}
		for n := range 20 {
			require.Equal(t, queue.KindDone, tr.hand(message("m_1", "wh_"+strconv.Itoa(n)), 1).Kind)
		}
	})
}
