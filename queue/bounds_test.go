package queue_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// inMemory runs a queue over the engine in memory until the test ends.
func inMemory(
	t *testing.T, rt http.RoundTripper, mc memory.Config, cfg queue.Config,
) (*queue.Queue, *memory.Engine) {
	t.Helper()
	engine := newEngine(t, mc)
	q := newQueue(t, rt, engine, cfg)
	run(t, q)
	return q, engine
}

// takes answers after so long.
func takes(d time.Duration) transport {
	return func(*http.Request) (*http.Response, error) {
		<-time.After(d)
		return answer(200)
	}
}

// toOneHost is a message whose webhook shares its host with others.
func toOneHost(id, webhookID string) *webhook.Message {
	m := message(id, webhookID)
	m.URL = "https://shared.example/" + webhookID
	return m
}

// At a host that is full, the webhooks take turns: one with much to send does not keep
// out one with little.
func TestQueue_HostTurns(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			var came journal
			q, _ := inMemory(t, transport(func(r *http.Request) (*http.Response, error) {
				came.add(r.Header.Get(webhook.HeaderID))
				return takes(100 * time.Millisecond)(r)
			}), memory.Config{}, queue.Config{HostLimit: limit})
			for i := range 1000 {
				require.NoError(t, q.Send(t.Context(), toOneHost("much_"+strconv.Itoa(i), "wh_much")))
			}
			<-time.After(time.Second)
			require.NoError(t, q.Send(t.Context(), toOneHost("little", "wh_little")))
			<-time.After(250 * time.Millisecond)
			require.Contains(t, came.all(), "little")
		})
	}
}

// A full host is never idle while a webhook has something for it.
func TestQueue_HostBusy(t *testing.T) {
	t.Parallel()
	for _, endpoints := range []int{50, 2000} {
		synctest.Test(t, func(t *testing.T) {
			const limit, each, latency = 10, 5, 10 * time.Millisecond
			q, _ := inMemory(t, takes(latency), memory.Config{}, queue.Config{HostLimit: limit})
			begun := time.Now()
			for i := range endpoints * each {
				m := toOneHost("m_"+strconv.Itoa(i), "wh_"+strconv.Itoa(i%endpoints))
				require.NoError(t, q.Send(t.Context(), m))
			}
			for q.Delivered() < uint64(endpoints*each) {
				<-time.After(latency)
			}
			require.LessOrEqual(t, time.Since(begun), 11*time.Duration(endpoints*each)*latency/limit/10+latency)
		})
	}
}

// 1,100 events of 1 MB to an endpoint that hangs leave room for the others.
func TestQueue_LargeToDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, _ := inMemory(t, transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "wh_dead.example" {
				return hang(r)
			}
			return answer(200)
		}), memory.Config{}, queue.Config{})
		body := make([]byte, 1_000_000) // one for all, to spare the machine
		send := func(key string, n int) (sent int) {
			for _, m := range messages(n, key) {
				m.ID, m.Body = key+m.ID, body
				if err := q.Send(t.Context(), m); err == nil {
					sent++
				} else {
					require.ErrorIs(t, err, queue.ErrFull)
				}
			}
			return sent
		}
		require.InDelta(t, 800, send("wh_dead", 1100), 10)
		require.Equal(t, 200, send("wh_ok", 200))
		synctest.Wait()
		require.EqualValues(t, 200, q.Delivered())
	})
}

// An OnDrop that takes long holds up its endpoint only, and an OnState nothing.
func TestQueue_SlowHooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type hook struct{ in, most atomic.Int64 }
		var dropped, told hook
		slow := func(h *hook) {
			if n := h.in.Add(1); n > h.most.Load() {
				h.most.Store(n)
			}
			<-time.After(time.Hour)
			h.in.Add(-1)
		}
		q, _ := inMemory(t, transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "wh_gone.example" {
				return answer(410)
			}
			return answer(200)
		}), memory.Config{Workers: 50}, queue.Config{
			OnState: onDisable(func(string, queue.Reason) { slow(&told) }),
			OnDrop:  func(*webhook.Message, queue.Reason) { slow(&dropped) },
		})
		require.NoError(t, q.SendAll(t.Context(), messages(500, "wh_gone")...))
		require.NoError(t, q.Send(t.Context(), message("ok", "wh_ok")))
		synctest.Wait()
		require.EqualValues(t, 1, q.Delivered())
		<-time.After(10 * time.Hour)
		require.EqualValues(t, 4, dropped.most.Load())
		require.EqualValues(t, 1, told.most.Load())
		<-time.After(200 * time.Hour) // until all were told
	})
}

// Enable and Disable reach messages that wait already.
func TestQueue_EnableWakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var status atomic.Int64
		status.Store(429)
		dropped := 0
		q, engine := inMemory(t, transport(func(*http.Request) (*http.Response, error) {
			return answer(int(status.Load()), "Retry-After", "3600")
		}), memory.Config{}, queue.Config{OnDrop: func(*webhook.Message, queue.Reason) { dropped++ }})
		send := func(id string) {
			require.NoError(t, q.Send(t.Context(), message(id, "wh_1")))
			synctest.Wait()
		}
		send("first")
		send("second")
		status.Store(200)
		require.NoError(t, q.Enable(t.Context(), "wh_1", ""))
		synctest.Wait()
		require.EqualValues(t, 1, q.Delivered(), "second, which had not been tried")

		status.Store(429)
		send("third")
		send("fourth")
		require.NoError(t, q.Disable(t.Context(), "wh_1", ""))
		synctest.Wait()
		require.Equal(t, 1, dropped, "fourth")
		require.Len(t, engine.Pending(), 2, "the others at the time of their next attempt")
	})
}

// A message that is sent again after it was canceled in flight is delivered.
func TestQueue_CancelAndSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		q, _ := inMemory(t, transport(func(r *http.Request) (*http.Response, error) {
			if requests++; requests == 1 {
				return hang(r)
			}
			return answer(200)
		}), memory.Config{}, queue.Config{})
		m := message("m_1", "wh_1")
		require.NoError(t, q.Send(t.Context(), m))
		synctest.Wait()
		found, err := q.Cancel(t.Context(), m.ID)
		require.NoError(t, err)
		require.True(t, found)
		require.NoError(t, q.Send(t.Context(), m))
		<-time.After(time.Minute)
		synctest.Wait()
		require.EqualValues(t, 1, q.Delivered())
	})
}

// A hook that waits for room does not keep Run from ending.
func TestQueue_BlockedHook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var q *queue.Queue
		refused := make(chan error, 1)
		engine := newEngine(t, memory.Config{MaxPending: 2, Block: true, Workers: 1})
		q = newQueue(t, transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "wh_1.example" {
				return answer(410)
			}
			return hang(r)
		}), engine, queue.Config{OnState: onDisable(func(string, queue.Reason) {
			for n, err := 0, error(nil); ; n++ { // until there is no room
				if err = q.Send(context.Background(), message(fmt.Sprint("alert-", n), "wh_alert")); err != nil {
					refused <- err
					return
				}
			}
		})})
		stop := run(t, q)
		require.NoError(t, q.Send(t.Context(), message("m_1", "wh_1")))
		synctest.Wait()
		require.Empty(t, refused)
		stop()
		require.ErrorIs(t, <-refused, queue.ErrStopped)
	})
}

// An endpoint that got nothing between two failures has not failed all that time.
func TestQueue_QuietEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, always(500), queue.Config{})
		synctest.Wait()
		for range 5 {
			tr.hand(message("m_1", "wh_1"), 1)
			<-time.After(6 * 24 * time.Hour)
		}
		require.Equal(t, queue.StateHealthy, tr.State("wh_1"))
	})
}

// An engine that cannot ask Ready does not get thousands of deferrals a second, whatever
// limits an endpoint.
func TestQueue_DeferralsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		cfg    queue.Config
		parked int
		most   int // deferrals a second
	}{
		{"slow rate", queue.Config{Rate: 1}, 5000, 200},
		{"rate", queue.Config{Rate: 20}, 500, 200},
		{"one at a time", queue.Config{Limit: 1}, 5000, 1200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var handled atomic.Int64
				engine := countHandled{newEngine(t, memory.Config{}), &handled}
				q := newQueue(t, takes(2*time.Millisecond), engine, tt.cfg)
				run(t, q)
				for _, m := range messages(tt.parked, "wh_1") {
					require.NoError(t, q.Send(t.Context(), m))
				}
				<-time.After(10 * time.Second)
				before, delivered := handled.Load(), q.Delivered()
				<-time.After(10 * time.Second)
				deferrals := handled.Load() - before - int64(q.Delivered()-delivered)
				t.Logf("%d deferrals in 10 s, %d deliveries", deferrals, q.Delivered()-delivered)
				require.LessOrEqual(t, deferrals, int64(10*tt.most))
			})
		})
	}
}

// countHandled is the engine in memory, as one that cannot ask Ready. It counts what it
// hands out.
type countHandled struct {
	*memory.Engine
	n *atomic.Int64
}

func (e countHandled) Run(ctx context.Context, h queue.Handler) error {
	return e.Engine.Run(ctx, queue.Handler{Handle: func(ctx context.Context, d queue.Delivery) queue.Verdict {
		e.n.Add(1)
		return h.Handle(ctx, d)
	}})
}

// A hook that ends its goroutine, as a test's may, costs an attempt, but no slot.
func TestQueue_HookGoexit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		exits := 0
		client := &webhook.Client{Transport: always(200)}
		client.OnAttempt = func(context.Context, *webhook.Message, webhook.Attempt) {
			if exits++; exits <= 8 {
				runtime.Goexit()
			}
		}
		q, err := queue.New(client, newEngine(t, memory.Config{Workers: 1}), queue.Config{})
		require.NoError(t, err)
		run(t, q)
		for _, m := range messages(10, "wh_1") {
			require.NoError(t, q.Send(t.Context(), m))
		}
		<-time.After(time.Hour)
		require.EqualValues(t, 10, q.Delivered())
	})
}

// A message that the engine leaves out, since it keeps another one of that ID,
// supersedes nothing.
func TestQueue_SupersedeSameID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := newEngine(t, memory.Config{})
		q := newQueue(t, always(200), engine, queue.Config{Ordered: true, Supersede: true})
		for rank := range 2 {
			m := message("m_1", "wh_1")
			m.Subject, m.Rank = "a418", rank+1
			require.NoError(t, q.Send(t.Context(), m))
		}
		require.Len(t, engine.Pending(), 1)
		run(t, q)
		synctest.Wait()
		require.EqualValues(t, 1, q.Delivered())
	})
}

// What is not the endpoint's fault does not count against it.
func TestQueue_NotTheEndpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, always(200), queue.Config{Failures: 2})
		synctest.Wait()
		for range 5 {
			m := message("m_1", "wh_1")
			m.Method = "BREW"
			require.Equal(t, queue.KindDead, tr.hand(m, 1).Kind)
		}
		require.Equal(t, queue.StateHealthy, tr.State("wh_1"))
	})
	synctest.Test(t, func(t *testing.T) {
		client := &webhook.Client{Transport: always(200)}
		client.Auth = func(context.Context, string) (*webhook.Auth, error) { return nil, errors.New("away") }
		tr := beginWith(t, client, queue.Config{Failures: 2})
		synctest.Wait()
		for range 5 {
			v := tr.hand(message("m_1", "wh_1"), 1)
			require.Equal(t, queue.KindRetry, v.Kind)
			require.Equal(t, webhook.ClassAuth, v.Attempt.Class)
		}
		require.Equal(t, queue.StateHealthy, tr.State("wh_1"))
	})
}

// However many endpoints come and go, one that is disabled remains so.
func TestQueue_DisabledRemains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, always(200), queue.Config{})
		synctest.Wait()
		require.NoError(t, tr.Disable(t.Context(), "wh_off", ""))
		for i := range 20_000 {
			tr.hand(message("m_1", "wh_"+strconv.Itoa(i)), 1)
			if i%1000 == 0 {
				<-time.After(40 * 24 * time.Hour)
			}
		}
		require.Equal(t, queue.StateDisabled, tr.State("wh_off"))
		require.LessOrEqual(t, queue.Remembered(tr.Queue), 5000)
	})
}
