package queue_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// BenchmarkQueue_Deliver compares deliveries through the queue with as many goroutines that call Client.Try, over loopback.
// The two take turns in pairs of the order A B B A; x-try is the median of the pairs' ratios of deliveries per second, and
// try-self the same for Try against itself: outside 0.9 to 1.1 the run says nothing.
func BenchmarkQueue_Deliver(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	defer srv.Close()
	client := &webhook.Client{Transport: webhook.NewTransport(webhook.Egress{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AnyPort: true,
	})}
	defer client.CloseIdleConnections()

	const batch = 2000
	var sets [2][]*webhook.Message // in turn: at the end of one batch the engine may not yet have taken note of all
	for i := range sets {
		for j := range batch {
			m := message(fmt.Sprintf("m_%d_%d", i, j), "wh_"+strconv.Itoa(j%100))
			m.URL = srv.URL
			m.Policy = webhook.Policy{Timeout: time.Minute, Attempts: 1}
			sets[i] = append(sets[i], m)
		}
	}
	for _, workers := range []int{16, 64} {
		b.Run("workers="+strconv.Itoa(workers), func(b *testing.B) {
			var left sync.WaitGroup
			counting := &webhook.Client{Transport: client.Transport, OnAttempt: func(_ context.Context, _ *webhook.Message, a webhook.Attempt) {
				if a.Err != nil {
					b.Error(a.Err)
				}
				left.Done()
			}}
			q, err := queue.New(counting, queue.NewMemory(queue.MemoryConfig{Workers: workers}), queue.Config{})
			require.NoError(b, err)
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			go func() { ended <- q.Run(ctx) }()
			through := func() float64 {
				begun := time.Now()
				left.Add(batch)
				sets[0], sets[1] = sets[1], sets[0]
				for _, m := range sets[0] {
					if err := q.Send(ctx, m); err != nil {
						b.Fatal(err)
					}
				}
				left.Wait()
				return batch / time.Since(begun).Seconds()
			}
			bare := func() float64 {
				begun := time.Now()
				left.Add(batch)
				var next atomic.Int64
				for range workers {
					go func() {
						for i := next.Add(1) - 1; i < batch; i = next.Add(1) - 1 {
							counting.Try(ctx, sets[0][i], 1)
						}
					}()
				}
				left.Wait()
				return batch / time.Since(begun).Seconds()
			}
			through()
			bare()
			var ratios, self []float64
			for b.Loop() {
				q1, t1, t2, q2 := through(), bare(), bare(), through()
				ratios = append(ratios, (q1+q2)/(t1+t2))
				self = append(self, t1/t2)
			}
			b.ReportMetric(middle(ratios), "x-try")
			b.ReportMetric(middle(self), "try-self")
			cancel()
			require.NoError(b, <-ended)
		})
	}
}

// BenchmarkQueue_Isolation puts the same load on 1000 endpoints of which none, 1 % or 5 % hang for the 3 s of their timeout:
// on a queue, and on 64 goroutines that share one channel. x-rate and x-p99 are the healthy endpoints' deliveries per second
// and time from Send to delivery, against those of the same sender when none hangs.
func BenchmarkQueue_Isolation(b *testing.B) {
	senders := []struct {
		name  string
		start func(*webhook.Client) (webhook.Sender, func())
	}{
		{"queue", queued(b, func() queue.Engine { return queue.NewMemory(queue.MemoryConfig{}) })},
		{"pool=64", pool},
	}
	for _, s := range senders {
		l := load{messages: 8000, every: 500 * time.Microsecond, latency: 20 * time.Millisecond}
		none := l.send(b, s.start)
		for _, hung := range []int{0, 10, 50} {
			b.Run(s.name+"/hung="+strconv.Itoa(hung), func(b *testing.B) {
				l.hung = hung
				var rates, p99s []float64
				for b.Loop() {
					r := l.send(b, s.start)
					rates = append(rates, r.rate/none.rate)
					p99s = append(p99s, float64(r.p99)/float64(none.p99))
				}
				b.ReportMetric(middle(rates), "x-rate")
				b.ReportMetric(middle(p99s), "x-p99")
			})
		}
	}
}

// pool is 64 goroutines over one channel: what one would write first.
func pool(c *webhook.Client) (webhook.Sender, func()) {
	var (
		tasks   = make(chan *webhook.Message, 100_000)
		workers sync.WaitGroup
	)
	for range 64 {
		workers.Go(func() {
			for m := range tasks {
				c.Try(context.Background(), m, 1)
			}
		})
	}
	send := func(_ context.Context, m *webhook.Message) error {
		tasks <- m
		return nil
	}
	stop := func() {
		for len(tasks) > 0 {
			<-tasks
		}
		close(tasks)
		workers.Wait()
	}
	return webhook.SenderFunc(send), stop
}
