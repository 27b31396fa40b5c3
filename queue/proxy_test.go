package queue_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/http1"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

func proxyDown(*http.Request) (*http.Response, error) {
	return nil, &http1.ProxyError{Err: errors.New("dial tcp 10.0.0.1:3128: no route to host")}
}

// What fails at the proxy is put off, from 10 seconds to 5 minutes, and neither counted nor
// held against the endpoint.
func TestQueue_Proxy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		tr := begin(t, transport(func(r *http.Request) (*http.Response, error) {
			if down {
				return proxyDown(r)
			}
			return answer(200)
		}), queue.Config{Failures: 1, DisableAfter: time.Minute})
		synctest.Wait()
		outage := func(id string) {
			m, since := message(id, "wh_1"), time.Now()
			for i, want := range []int{10, 20, 40, 80, 160, 300, 300, 300} {
				v := tr.Handle(context.Background(), queue.Delivery{
					Task: queue.Task{ID: m.ID, Key: queue.Key(m), Message: m}, N: 1 + i%3, Since: since,
				})
				require.Equal(t, queue.Verdict{Kind: queue.KindDefer, After: time.Duration(want) * time.Second}, v)
				require.Equal(t, queue.StateHealthy, tr.State("wh_1"))
				<-time.After(v.After)
			}
		}
		outage("m_1")
		lines := tr.log.take()
		require.Len(t, lines, 6, "not each of those within a minute")
		require.Equal(t, "ERROR queue: outgoing proxy error=proxy: dial tcp 10.0.0.1:3128: no route to host", lines[0])
		down = false
		require.Equal(t, queue.KindDone, tr.try("wh_1").Kind)
		down = true
		outage("m_2") // it begins anew
		require.NoError(t, tr.Enable(t.Context(), "wh_1", ""))
		outage("m_3")
	})
}

// It is put off for a day, or until it expires; after that it counts.
func TestQueue_ProxyForLong(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := []struct {
		name          string
		n             int
		since, resent time.Duration // ago; zero: never
		expires       time.Duration
		enable        bool
		want          queue.Kind
		class         webhook.Class // of the attempt that counts
	}{
		{name: "nearly a day", n: 3, since: day - 1, want: queue.KindDefer},
		{name: "a day", n: 1, since: day, want: queue.KindRetry, class: webhook.ClassProxy},
		{name: "the last attempt after a day", n: 3, since: day, want: queue.KindDead, class: webhook.ClassProxy},
		{name: "resent", n: 3, since: 9 * day, resent: time.Hour, want: queue.KindDefer},
		{name: "enabled", n: 3, since: 9 * day, enable: true, want: queue.KindDefer},
		{name: "expired", n: 1, since: 2 * time.Hour, expires: time.Hour, want: queue.KindDead, class: webhook.ClassExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, transport(proxyDown), queue.Config{Failures: 1})
				synctest.Wait()
				m, now := message("m_1", "wh_1"), time.Now()
				m.Policy.Expires = tt.expires
				d := queue.Delivery{Task: queue.Task{ID: m.ID, Key: queue.Key(m), Message: m}, N: tt.n, Since: now.Add(-tt.since)}
				if tt.resent != 0 {
					d.Resent = now.Add(-tt.resent)
				}
				if tt.enable {
					require.NoError(t, tr.Pause(t.Context(), d.Key, ""))
					require.NoError(t, tr.Enable(t.Context(), d.Key, ""))
				}
				v := tr.Handle(context.Background(), d)
				require.Equal(t, tt.want, v.Kind)
				require.Equal(t, queue.StateHealthy, tr.State(d.Key))
				if tt.class == "" {
					require.Nil(t, v.Attempt)
				} else {
					require.Equal(t, tt.class, v.Attempt.Class)
				}
			})
		})
	}
}

// A proxy that is down for hours costs no message, and is then no one's first attempt.
func TestQueue_ProxyOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mended := time.Now().Add(6 * time.Hour)
		var attempts []webhook.Attempt
		engine := newEngine(t, memory.Config{})
		q, err := queue.New(&webhook.Client{
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				if time.Now().Before(mended) {
					return proxyDown(r)
				}
				return answer(200)
			}),
			OnAttempt: func(_ context.Context, _ *webhook.Message, a webhook.Attempt) { attempts = append(attempts, a) },
		}, engine, queue.Config{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		run(t, q)
		m := message("m_1", "wh_1")
		m.Policy.Attempts = 1
		require.NoError(t, q.Send(t.Context(), m))
		<-time.After(time.Until(mended) + 5*time.Minute)
		synctest.Wait()
		require.EqualValues(t, 1, q.Delivered())
		require.Less(t, len(attempts), 80)
		for _, a := range attempts {
			require.Equal(t, 1, a.N)
		}
	})
}
