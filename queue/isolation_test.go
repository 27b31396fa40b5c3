package queue_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// unasked is the engine in memory as one that cannot ask Ready.
type unasked struct{ *memory.Engine }

func (e unasked) Run(ctx context.Context, h queue.Handler) error {
	h.Ready = nil
	return e.Engine.Run(ctx, h)
}

// A load is what is sent to 1000 endpoints, at random times to random ones. Some hang.
type load struct {
	hung     int           // endpoints that hang
	messages int           // in all
	every    time.Duration // between two of them, on average
	latency  time.Duration // of a healthy endpoint, at most
}

const loadEndpoints = 1000

// result is how a load went for the healthy endpoints.
type result struct {
	rate float64       // delivered per second while messages were sent
	p99  time.Duration // from Send to delivered
}

// send puts a load on a sender, and returns what was delivered by the time that the
// last message was sent. Each sender gets the same load.
func (l load) send(tb testing.TB, start func(*webhook.Client) (s webhook.Sender, stop func())) result {
	var (
		mu    sync.Mutex
		begun = make(map[string]time.Time, l.messages)
		took  []time.Duration
	)
	random := rand.New(rand.NewPCG(1, 2))
	client := &webhook.Client{
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			if strings.HasPrefix(r.URL.Host, "wh_hung") {
				return hang(r)
			}
			<-time.After(l.latency/2 + rand.N(l.latency/2))
			return answer(200)
		}),
		OnAttempt: func(_ context.Context, m *webhook.Message, a webhook.Attempt) {
			if a.Err == nil {
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(begun[m.ID]))
			}
		},
	}
	sender, stop := start(client)
	first, next := time.Now(), time.Duration(0)
	for i := range l.messages {
		next += time.Duration(random.ExpFloat64() * float64(l.every))
		if wait := next - time.Since(first); wait > 0 {
			<-time.After(wait)
		}
		to := random.IntN(loadEndpoints)
		key := "wh_" + strconv.Itoa(to)
		if to < l.hung {
			key = "wh_hung" + strconv.Itoa(to)
		}
		m := message("m_"+strconv.Itoa(i), key)
		mu.Lock()
		begun[m.ID] = time.Now()
		mu.Unlock()
		require.NoError(tb, sender.Send(tb.Context(), m))
	}
	mu.Lock()
	done, elapsed := len(took), time.Since(first)
	mu.Unlock()
	stop()
	slices.Sort(took)
	healthy := float64(loadEndpoints-l.hung) / loadEndpoints
	return result{rate: float64(done) / elapsed.Seconds() / healthy, p99: took[len(took)*99/100]}
}

// queued starts a queue over an engine.
func queued(tb testing.TB, engine func() queue.Engine) func(*webhook.Client) (webhook.Sender, func()) {
	return func(c *webhook.Client) (webhook.Sender, func()) {
		q, err := queue.New(c, engine(), queue.Config{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(tb, err)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		return q, func() {
			cancel()
			require.NoError(tb, <-ended)
		}
	}
}

// Ten of a thousand endpoints hang, and the others do not notice, whether the engine can
// ask Ready or not.
func TestQueue_Isolation(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		engine func() queue.Engine
	}{
		{"asking", func() queue.Engine { return newEngine(t, memory.Config{Workers: 128}) }},
		{"unasked", func() queue.Engine { return unasked{newEngine(t, memory.Config{Workers: 128})} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				// 15 of the 128 workers are busy, and 40 more with those that hang.
				l := load{messages: 20_000, every: time.Millisecond, latency: 20 * time.Millisecond}
				none := l.send(t, queued(t, tt.engine))
				l.hung = 10
				some := l.send(t, queued(t, tt.engine))
				t.Logf("none hung: %.0f/s, p99 %v", none.rate, none.p99)
				t.Logf("10 hung: %.0f/s, p99 %v", some.rate, some.p99)
				require.GreaterOrEqual(t, some.rate, 0.98*none.rate)
				require.LessOrEqual(t, some.p99, 2*none.p99)
			})
		})
	}
}
