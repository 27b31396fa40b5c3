package queue_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// A chaos is what 50,000 messages to 200 endpoints go through: failures, resets before
// and after the receiver has read, hangs, throttling, and queues that stop at random
// moments, after which another queue continues.
type chaos struct {
	mu       sync.Mutex
	random   *rand.Rand
	requests map[string]int // by message id: as the receivers saw them
	accepted map[string]int // those that a receiver processed
	recorded map[string]int // as OnAttempt told
	wrong    []string
}

// RoundTrip is all receivers.
func (c *chaos) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	id := r.Header.Get(webhook.HeaderID)
	c.mu.Lock()
	if err != nil || !bytes.Equal(body, []byte(`{"id":"`+id+`"}`)) {
		c.wrong = append(c.wrong, "body of "+id)
	}
	c.requests[id]++
	fate, pause := c.random.IntN(100), time.Duration(c.random.IntN(500))*time.Millisecond
	if fate < 82 {
		c.accepted[id]++
	}
	c.mu.Unlock()

	<-time.After(pause)
	switch {
	case fate < 80:
		return answer(200)
	case fate < 82: // processed, and yet no answer
		return nil, io.ErrUnexpectedEOF
	case fate < 90:
		return answer(500)
	case fate < 95:
		return nil, syscall.ECONNRESET
	case fate < 96:
		return answer(429, "Retry-After", "2")
	default:
		return hang(r)
	}
}

// record is OnAttempt: the attempts of a message follow one another without a gap,
// whichever queue makes them.
func (c *chaos) record(_ context.Context, m *webhook.Message, a webhook.Attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recorded[m.ID]++; a.N != c.recorded[m.ID] {
		c.wrong = append(c.wrong, fmt.Sprintf("attempt %d of %s has the number %d", c.recorded[m.ID], m.ID, a.N))
	}
}

func TestQueue_Chaos(t *testing.T) {
	t.Parallel()
	const total, endpoints = 50_000, 200
	seed := uint64(time.Now().UnixNano()) // in the bubble it would always be the same
	t.Logf("seed %d", seed)
	synctest.Test(t, func(t *testing.T) {
		c := &chaos{
			random:   rand.New(rand.NewPCG(1, seed)),
			requests: map[string]int{}, accepted: map[string]int{}, recorded: map[string]int{},
		}
		client := &webhook.Client{Transport: c, OnAttempt: c.record}
		var (
			current atomic.Pointer[queue.Queue]
			sent    atomic.Int64
			left    []queue.Delivery
			runs    int
		)
		for producer := range 4 {
			go func() {
				for i := producer; i < total; i += 4 {
					m := message("m_"+strconv.Itoa(i), "wh_"+strconv.Itoa(i%endpoints))
					m.Policy = webhook.Policy{
						Attempts: 1000,
						Waits:    []time.Duration{time.Second, 5 * time.Second, 30 * time.Second},
					}
					for {
						err := queue.ErrStopped // also before there is one
						if q := current.Load(); q != nil {
							err = q.Send(context.Background(), m)
						}
						if err == nil {
							break
						}
						if !errors.Is(err, queue.ErrStopped) {
							t.Error(err)
							return
						}
						<-time.After(10 * time.Millisecond)
					}
					if sent.Add(1)%100 == 0 {
						<-time.After(100 * time.Millisecond)
					}
				}
			}()
		}
		moments := rand.New(rand.NewPCG(2, seed))
		for sent.Load() < total || len(left) > 0 {
			engine := newEngine(t, memory.Config{Workers: 256})
			require.NoError(t, engine.Resume(t.Context(), left...))
			q, err := queue.New(client, engine, queue.Config{
				Limit: 16, Failures: 3, Rest: 2 * time.Second, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			current.Store(q)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- q.Run(ctx) }()
			<-time.After(time.Duration(moments.IntN(10_000)) * time.Millisecond)
			cancel()
			require.NoError(t, <-ended)
			left = engine.Pending()
			for _, d := range left {
				c.mu.Lock()
				require.Equal(t, c.recorded[d.ID]+1, d.N)
				c.mu.Unlock()
			}
			runs++
		}
		synctest.Wait()

		require.Empty(t, c.wrong)
		require.Len(t, c.requests, total)
		again := 0
		for id, n := range c.requests {
			require.Equal(t, c.recorded[id], n, "requests and attempts on record of %s", id)
			require.Positive(t, c.accepted[id], "%s never arrived", id)
			again += n - 1
		}
		t.Logf("%d messages delivered over %d runs, %d attempts repeated", total, runs, again)
	})
}
