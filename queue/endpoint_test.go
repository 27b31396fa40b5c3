package queue_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// handAll hands out messages at once and waits until all goroutines are blocked. The
// verdicts are set when their attempts end.
func (tr trial) handAll(messages ...*webhook.Message) []queue.Verdict {
	verdicts := make([]queue.Verdict, len(messages))
	for i, m := range messages {
		go func() { verdicts[i] = tr.hand(m, 1) }()
		synctest.Wait()
	}
	return verdicts
}

func messages(n int, webhookID string) (all []*webhook.Message) {
	for i := range n {
		all = append(all, message("m_"+strconv.Itoa(i), webhookID))
	}
	return all
}

func TestQueue_Limit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, transport(hang), queue.Config{})
		synctest.Wait()
		verdicts := tr.handAll(messages(6, "wh_1")...)
		other := tr.handAll(message("m_9", "wh_2"))
		for _, v := range verdicts[:4] {
			require.Zero(t, v, "in flight")
		}
		for _, v := range verdicts[4:] {
			require.Equal(t, queue.KindDefer, v.Kind)
			require.Positive(t, v.After)
			require.Nil(t, v.Attempt)
		}
		require.Zero(t, other[0], "in flight")
		s, err := tr.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, 5, s.InFlight)
		<-time.After(3 * time.Second)
		synctest.Wait()
		require.Equal(t, queue.KindRetry, verdicts[0].Kind)
		require.Equal(t, queue.KindRetry, tr.hand(message("m_5", "wh_1"), 1).Kind, "there is a slot again")
	})
}

// A slot that Ready gave is used by the next Handle of that key, and no other.
func TestQueue_Ready(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, always(200), queue.Config{Limit: 2})
		synctest.Wait()
		for range 2 {
			ok, _ := tr.Ready("wh_1")
			require.True(t, ok)
		}
		ok, wait := tr.Ready("wh_1")
		require.False(t, ok)
		require.Zero(t, wait, "until a slot is free")
		ok, _ = tr.Ready("wh_2")
		require.True(t, ok)
		require.Equal(t, queue.KindDone, tr.hand(message("m_1", "wh_1"), 1).Kind)
		ok, _ = tr.Ready("wh_1")
		require.True(t, ok)
		for range 2 {
			require.Equal(t, queue.KindDone, tr.hand(message("m_1", "wh_1"), 1).Kind)
		}
		require.Equal(t, queue.KindDone, tr.hand(message("m_1", "wh_2"), 1).Kind)
	})
}

func TestQueue_HostLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, transport(hang), queue.Config{HostLimit: 3})
		synctest.Wait()
		var all []*webhook.Message
		for i := range 5 {
			m := message("m_"+strconv.Itoa(i), "wh_"+strconv.Itoa(i))
			m.URL = "https://SHARED.example/" + m.ID
			if i%2 == 0 {
				m.URL = "https://shared.example:443/" + m.ID
			}
			all = append(all, m)
		}
		verdicts := tr.handAll(all...)
		for _, v := range verdicts[:3] {
			require.Zero(t, v, "in flight")
		}
		for _, v := range verdicts[3:] {
			require.Equal(t, queue.KindDefer, v.Kind)
		}
		// A slot that was reserved while the endpoint's host was not known is none at
		// a host that is full.
		ok, _ := tr.Ready("wh_9")
		require.True(t, ok)
		m := message("m_9", "wh_9")
		m.URL = all[0].URL
		require.Equal(t, queue.KindDefer, tr.hand(m, 1).Kind)
		ok, _ = tr.Ready("wh_9")
		require.False(t, ok, "now it is known")

		<-time.After(time.Minute)
		require.Equal(t, queue.KindRetry, tr.hand(all[4], 1).Kind)
		<-time.After(time.Hour)
		ok, _ = tr.Ready("wh_9")
		require.True(t, ok)
		m.URL = "https://elsewhere.example"
		require.Equal(t, queue.KindRetry, tr.hand(m, 1).Kind, "a webhook may change its host")
	})
}

func TestQueue_Rate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, always(200), queue.Config{Rate: 2, Burst: 3})
		synctest.Wait()
		begun := time.Now()
		done := 0
		for done < 23 {
			ok, wait := tr.Ready("wh_1")
			if !ok {
				require.Positive(t, wait)
				<-time.After(wait)
				continue
			}
			require.Equal(t, queue.KindDone, tr.hand(message("m_1", "wh_1"), 1).Kind)
			done++
		}
		require.InDelta(t, 10, time.Since(begun).Seconds(), 0.01, "3 at once, 20 at 2 a second")
		v := tr.hand(message("m_1", "wh_1"), 1)
		require.Equal(t, queue.KindDefer, v.Kind)
		require.GreaterOrEqual(t, v.After, 490*time.Millisecond)
	})
}

// After repeated failures one message at a time is tried, and the others wait without
// an attempt.
func TestQueue_Rest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		status, requests := 500, 0
		tr := begin(t, transport(func(*http.Request) (*http.Response, error) {
			requests++
			<-time.After(time.Second)
			return answer(status)
		}), queue.Config{Failures: 3, Rest: time.Minute})
		synctest.Wait()
		for range 3 {
			require.Equal(t, queue.StateHealthy, tr.State("wh_1"))
			require.Equal(t, queue.KindRetry, tr.hand(message("m_1", "wh_1"), 1).Kind)
		}
		require.Equal(t, queue.StateResting, tr.State("wh_1"))
		require.Equal(t, []string{
			"WARN webhook endpoint resting class=status status=500 endpoint=wh_1 was=healthy",
		}, tr.log.take())

		ok, wait := tr.Ready("wh_1")
		require.False(t, ok)
		require.InDelta(t, 60, wait.Seconds(), 12.1, "spread by 20 %")
		v := tr.hand(message("m_2", "wh_1"), 1)
		require.Equal(t, queue.KindDefer, v.Kind)
		require.GreaterOrEqual(t, v.After, wait)
		require.Equal(t, 3, requests)

		probe := func() (queue.Verdict, queue.Verdict) { // one is tried, another waits
			_, wait := tr.Ready("wh_1")
			<-time.After(wait)
			verdicts := tr.handAll(messages(2, "wh_1")...)
			require.Zero(t, verdicts[0], "in flight")
			ok, wait := tr.Ready("wh_1")
			require.False(t, ok)
			require.Zero(t, wait, "until the one that is tried has returned")
			<-time.After(time.Second)
			synctest.Wait()
			return verdicts[0], verdicts[1]
		}
		tried, waited := probe()
		require.Equal(t, queue.KindRetry, tried.Kind)
		require.Equal(t, queue.KindDefer, waited.Kind)
		require.Equal(t, 4, requests)
		require.Equal(t, queue.StateResting, tr.State("wh_1"))
		require.Empty(t, tr.log.take(), "still the same state")

		status = 200
		tried, waited = probe()
		require.Equal(t, queue.KindDone, tried.Kind)
		require.Equal(t, queue.KindDefer, waited.Kind)
		require.Equal(t, []string{
			"INFO webhook endpoint healthy class= status=200 endpoint=wh_1 was=resting",
		}, tr.log.take())
		for range 4 {
			require.Equal(t, queue.KindDone, tr.hand(message("m_1", "wh_1"), 1).Kind)
		}
	})
}

// What is not the endpoint's fault neither makes it rest, nor takes the slot of the
// message that is tried.
func TestQueue_RestIgnores(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, always(500), queue.Config{Failures: 2, Rest: time.Minute})
		synctest.Wait()
		ended, end := context.WithCancel(t.Context())
		end()
		cut := func() queue.Verdict {
			m := message("m_1", "wh_1")
			return tr.Handle(ended, queue.Delivery{Task: queue.Task{ID: m.ID, Key: "wh_1", Message: m}, N: 1})
		}
		for range 5 {
			require.Equal(t, queue.Verdict{Kind: queue.KindDefer}, cut())
		}
		require.Equal(t, queue.StateHealthy, tr.State("wh_1"))
		for range 2 {
			tr.hand(message("m_1", "wh_1"), 1)
		}
		require.Equal(t, queue.StateResting, tr.State("wh_1"))
		<-time.After(72*time.Second + time.Millisecond)
		require.Equal(t, queue.Verdict{Kind: queue.KindDefer}, cut())
		require.Equal(t, queue.KindRetry, tr.hand(message("m_1", "wh_1"), 1).Kind, "the try was not used up")
	})
}

func TestQueue_Throttle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer transport
		want   time.Duration
	}{
		{"503 with Retry-After", always(503, "Retry-After", "120"), 2 * time.Minute},
		{"429 with Retry-After", always(429, "Retry-After", "7"), 7 * time.Second},
		{"429", always(429), 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, tt.answer, queue.Config{})
				synctest.Wait()
				require.Equal(t, queue.KindRetry, tr.hand(message("m_1", "wh_1"), 1).Kind)
				require.Equal(t, queue.StateThrottled, tr.State("wh_1"))
				ok, wait := tr.Ready("wh_1")
				require.False(t, ok)
				require.Equal(t, tt.want, wait)
				v := tr.hand(message("m_2", "wh_1"), 1)
				require.Equal(t, queue.KindDefer, v.Kind)
				require.GreaterOrEqual(t, v.After, tt.want)
				require.Equal(t, queue.KindRetry, tr.hand(message("m_3", "wh_2"), 1).Kind, "another endpoint")
				<-time.After(tt.want)
				require.Equal(t, queue.StateHealthy, tr.State("wh_1"))
				require.Equal(t, queue.KindRetry, tr.hand(message("m_2", "wh_1"), 1).Kind)
			})
		})
	}
}

// An endpoint is disabled once, by 410 or by failing for too long. What waits for it is
// dropped, and OnDrop is told.
func TestQueue_Disable(t *testing.T) {
	t.Parallel()
	type told struct {
		key    string
		reason queue.Reason
	}
	tests := []struct {
		name   string
		status int
		after  time.Duration
		want   queue.Reason
		was    string
	}{
		{"gone", 410, 0, queue.ReasonGone, "healthy"},
		{"failing", 500, 48 * time.Hour, queue.ReasonFailing, "resting"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var disabled, dropped []told
				status := tt.status
				tr := begin(t, transport(func(*http.Request) (*http.Response, error) {
					<-time.After(time.Second)
					return answer(status)
				}), queue.Config{
					DisableAfter: 48 * time.Hour,
					OnState: onDisable(func(key string, reason queue.Reason) {
						disabled = append(disabled, told{key, reason})
					}),
					OnDrop: func(m *webhook.Message, reason queue.Reason) {
						dropped = append(dropped, told{m.ID, reason})
					},
				})
				synctest.Wait()
				for begun := time.Now(); time.Since(begun) < tt.after; <-time.After(time.Hour) {
					require.Empty(t, disabled)
					tr.hand(message("m_0", "wh_1"), 1)
				}
				verdicts := tr.handAll(messages(3, "wh_1")...)
				<-time.After(time.Second)
				synctest.Wait()
				require.NotZero(t, verdicts[2])
				require.Equal(t, []told{{"wh_1", tt.want}}, disabled)
				require.Equal(t, queue.StateDisabled, tr.State("wh_1"))

				ok, _ := tr.Ready("wh_1")
				require.True(t, ok, "to be dropped")
				want := queue.Verdict{Kind: queue.KindDead, Reason: queue.ReasonDisabled}
				require.Equal(t, want, tr.hand(message("m_8", "wh_1"), 1))
				require.Equal(t, want, tr.hand(message("m_9", "wh_1"), 2))
				require.Equal(t, []told{{"m_8", queue.ReasonDisabled}, {"m_9", queue.ReasonDisabled}}, dropped)
				require.ErrorIs(t, tr.Send(t.Context(), message("m_1", "wh_1")), queue.ErrDisabled)
				s, err := tr.Stats(t.Context())
				require.NoError(t, err)
				require.EqualValues(t, 2, s.Dropped)
				require.Zero(t, s.InFlight)

				status = 200
				require.NoError(t, tr.Enable(t.Context(), "wh_1", "mended"))
				require.NoError(t, tr.Send(t.Context(), message("m_1", "wh_1")))
				require.Equal(t, queue.KindDone, tr.hand(message("m_1", "wh_1"), 1).Kind)
				require.Equal(t, []told{{"wh_1", tt.want}}, disabled)
				log := tr.log.take()
				require.Equal(t, []string{
					"WARN webhook endpoint disabled class=status status=" + strconv.Itoa(tt.status) +
						" endpoint=wh_1 was=" + tt.was,
					"INFO webhook endpoint healthy reason=mended endpoint=wh_1 was=disabled",
				}, log[len(log)-2:])
			})
		})
	}
}

// A success in between starts the time of failing again.
func TestQueue_DisableNeedsAllToFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		tr := begin(t, transport(func(*http.Request) (*http.Response, error) {
			if n++; n%30 == 0 {
				return answer(200)
			}
			return answer(500)
		}), queue.Config{DisableAfter: 48 * time.Hour})
		synctest.Wait()
		for range 200 {
			tr.hand(message("m_0", "wh_1"), 1)
			<-time.After(time.Hour)
		}
		require.NotEqual(t, queue.StateDisabled, tr.State("wh_1"))
	})
}

// Many messages that wait for one endpoint ask less often than with a fixed wait, and
// all are delivered.
func TestQueue_DeferralsGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const parked, mean = 5000, 200 * time.Millisecond
		tr := begin(t, transport(func(*http.Request) (*http.Response, error) {
			<-time.After(mean)
			return answer(200)
		}), queue.Config{})
		synctest.Wait()
		var (
			mu        sync.Mutex
			deferrals int
			all       sync.WaitGroup
		)
		begun := time.Now()
		for i := range parked {
			all.Go(func() {
				for {
					v := tr.hand(message("m_"+strconv.Itoa(i), "wh_1"), 1)
					if v.Kind == queue.KindDone {
						return
					}
					mu.Lock()
					deferrals++
					mu.Unlock()
					<-time.After(v.After)
				}
			})
		}
		all.Wait()
		ideal := parked * mean / 4
		took := time.Since(begun)
		t.Logf("%d deliveries took %v (at best %v) and %d deferrals", parked, took, ideal, deferrals)
		require.Less(t, took, 2*ideal)
		require.Less(t, deferrals, 20*parked)
	})
}

// Whatever happens in whatever order, no more than the limits allow is in flight, and in
// the end nothing is left.
func TestQueue_Invariants(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			var (
				mu       sync.Mutex
				statuses = rand.New(rand.NewPCG(seed, 2))
				inFlight = map[string]int{}
				hosts    = map[string]int{}
			)
			add := func(r *http.Request, n int) (status int) {
				mu.Lock()
				defer mu.Unlock()
				key := r.Header.Get("X-Key")
				inFlight[key] += n
				hosts[r.URL.Host] += n
				require.LessOrEqual(t, inFlight[key], 3)
				require.LessOrEqual(t, hosts[r.URL.Host], 5)
				if strings.HasPrefix(key, "wh_new") {
					return 200
				}
				return []int{200, 200, 200, 500, 500, 429, 503}[statuses.IntN(7)]
			}
			tr := begin(t, transport(func(r *http.Request) (*http.Response, error) {
				status := add(r, 1)
				defer add(r, -1)
				<-time.After(time.Duration(status) * time.Millisecond)
				return answer(status, "Retry-After", "1")
			}), queue.Config{Limit: 3, HostLimit: 5, Failures: 2, Rest: 2 * time.Second, Rate: 10, Burst: 2})
			synctest.Wait()
			var all sync.WaitGroup
			for i := range 300 {
				m := message("m_"+strconv.Itoa(i), "wh_"+strconv.Itoa(random.IntN(6)))
				m.Header = http.Header{"X-Key": {m.WebhookID}}
				m.URL = "https://" + []string{"a", "b"}[random.IntN(2)] + ".example/"
				m.Policy = webhook.Policy{Attempts: 20, Waits: []time.Duration{time.Second}}
				first := time.Duration(random.IntN(20000)) * time.Millisecond
				asks, disables := random.IntN(2) == 0, random.IntN(50) == 0
				all.Go(func() {
					<-time.After(first)
					if disables {
						_ = tr.Disable(t.Context(), m.WebhookID, "") // never fails here
						_ = tr.Enable(t.Context(), m.WebhookID, "")
					}
					for n := 1; ; {
						if asks {
							ok, wait := tr.Ready(m.WebhookID)
							if !ok {
								<-time.After(wait + 100*time.Millisecond)
								continue
							}
						}
						v := tr.hand(m, n)
						switch v.Kind {
						case queue.KindRetry:
							n++
						case queue.KindDone, queue.KindDead:
							return
						}
						<-time.After(v.After)
					}
				})
			}
			all.Wait()
			s, err := tr.Stats(t.Context())
			require.NoError(t, err)
			require.Zero(t, s.InFlight)
			require.EqualValues(t, 300, s.Delivered+s.Failed)
		})
	}
}
