package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/bench/internal/pair"
	"github.com/ringhook/webhook/queue/memory"
)

// isolationCases tell what healthy endpoints get while others hang. There is no
// network: the receivers take their time, and nobody's CPU.
func isolationCases(o options) ([]pair.Case, func(), error) {
	none, rate1, rate5, p99 := pair.Goal{}, pair.AtLeast(0.98), pair.AtLeast(0.95), pair.AtMost(2)
	quiet := hungSlice(0, viaQueue)
	return []pair.Case{
		o.isolation("isolation/hung1", "through a queue, 1 % hung : none hung", rate1, p99, hungSlice(10, viaQueue), quiet),
		o.isolation("isolation/hung5", "through a queue, 5 % hung : none hung", rate5, none, hungSlice(50, viaQueue), quiet),
		o.isolation("isolation/shared1", "1 % hung, through a queue : 64 goroutines over a channel", none, none,
			hungSlice(10, viaQueue), hungSlice(10, viaPool)),
	}, nil, nil
}

// The load: at random times, to random endpoints. It keeps 30 attempts of healthy
// endpoints in flight, so that 64 goroutines have more than half of their time left.
const (
	hungEndpoints = 1000
	hungMessages  = 8000
	hungEvery     = 125 * time.Microsecond
	// of a healthy endpoint, at most; at least half of it
	hungLatency = 5 * time.Millisecond
	hungTimeout = 3 * time.Second
	// attempts in flight to each endpoint that hangs, before the load begins
	hungAlready = 4
)

func (o options) isolation(name, what string, rate, p99 pair.Goal, subject, reference pair.Slice) pair.Case {
	return pair.Case{Names: []string{name, name + "-p99"}, Run: func() ([]pair.Figure, error) {
		c, err := pair.CompareCold(o.longRounds, subject, reference)
		return []pair.Figure{
			c.Figure(name, what, pair.Speed, rate, pair.DeliverySlack),
			c.Figure(name+"-p99", what, pair.Tail, p99, pair.DeliverySlack),
		}, err
	}}
}

// A via starts a way to send through a client, and to end that.
type via func(*webhook.Client) (send func(*webhook.Message) error, stop func() error, err error)

// hungSlice is a slice of the load with so many endpoints that hang.
func hungSlice(hung int, via via) pair.Slice {
	return func() (pair.Sample, error) {
		l := &hungLoad{hung: hung, transport: newHangingTransport()}
		send, stop, err := via(&webhook.Client{Transport: l.transport, OnAttempt: l.note})
		if err != nil {
			return pair.Sample{}, err
		}
		err = l.run(send)
		s := l.sample()
		l.transport.end()
		return s, errors.Join(err, stop())
	}
}

// A hungLoad is one on its way.
type hungLoad struct {
	hung      int
	transport hangingTransport
	first     time.Time
	begun     [hungMessages]time.Time
	took      [hungMessages]atomic.Int64 // zero: not delivered
	delivered atomic.Int64
	healthy   []int // their messages
}

func (l *hungLoad) run(send func(*webhook.Message) error) error {
	random := rand.New(rand.NewPCG(1, 2)) // each slice has the same load
	for i := range l.hung * hungAlready {
		if err := send(l.message("already_"+strconv.Itoa(i), i%l.hung)); err != nil {
			return err
		}
	}
	l.first = time.Now()
	next := time.Duration(0)
	for i := range l.begun {
		next += time.Duration(random.ExpFloat64() * float64(hungEvery))
		time.Sleep(next - time.Since(l.first))
		to := random.IntN(hungEndpoints)
		if to >= l.hung {
			l.healthy = append(l.healthy, i)
		}
		l.begun[i] = time.Now()
		if err := send(l.message(strconv.Itoa(i), to)); err != nil {
			return err
		}
	}
	return nil
}

// message is one to the endpoint of that number: the first ones hang.
func (l *hungLoad) message(id string, to int) *webhook.Message {
	host := "healthy.example"
	if to < l.hung {
		host = hungHost
	}
	return &webhook.Message{
		ID: id, WebhookID: "wh_" + strconv.Itoa(to), Event: "bench:event",
		Method: http.MethodPost, URL: "https://" + host + "/", Body: []byte("{}"),
		Policy: webhook.Policy{Timeout: hungTimeout, Attempts: 1},
	}
}

// note is told of each attempt.
func (l *hungLoad) note(_ context.Context, m *webhook.Message, a webhook.Attempt) {
	if i, err := strconv.Atoi(m.ID); err == nil && a.Err == nil {
		l.took[i].Store(int64(time.Since(l.begun[i])))
		l.delivered.Add(1)
	}
}

// sample tells, for a message to a healthy endpoint, the time between deliveries and
// the p99 from sending to delivery. Both are taken when the last message has been sent:
// what has not arrived by then has taken all the time up to it.
func (l *hungLoad) sample() pair.Sample {
	end, delivered := time.Now(), l.delivered.Load()
	all := make([]time.Duration, len(l.healthy))
	for k, i := range l.healthy {
		if all[k] = time.Duration(l.took[i].Load()); all[k] == 0 {
			all[k] = end.Sub(l.begun[i])
		}
	}
	slices.Sort(all)
	return pair.Sample{
		// As if all were healthy: that less is sent to the healthy is no slowness of
		// theirs.
		Time: end.Sub(l.first).Seconds() / float64(delivered) * float64(len(all)) / hungMessages,
		Tail: all[len(all)*99/100].Seconds(),
	}
}

const hungHost = "hung.example"

// A hangingTransport stands for receivers that answer after their latency, or not at
// all.
type hangingTransport struct {
	ended context.Context
	end   context.CancelFunc
}

func newHangingTransport() hangingTransport {
	ended, end := context.WithCancel(context.Background())
	return hangingTransport{ended, end}
}

func (t hangingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == hungHost {
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-t.ended.Done(): // the slice is over
			return nil, t.ended.Err()
		}
	}
	time.Sleep(hungLatency/2 + rand.N(hungLatency/2))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func viaQueue(c *webhook.Client) (func(*webhook.Message) error, func() error, error) {
	q, err := runQueue(c, newMemory(memory.Config{}))
	if err != nil {
		return nil, nil, err
	}
	return func(m *webhook.Message) error { return q.Send(context.Background(), m) }, q.stop, nil
}

// viaPool is 64 goroutines over one channel: what one would write first.
func viaPool(c *webhook.Client) (func(*webhook.Message) error, func() error, error) {
	messages := make(chan *webhook.Message, hungMessages)
	stop := background(func(ctx context.Context) error {
		var pool sync.WaitGroup
		for range 64 {
			pool.Go(func() {
				for {
					select {
					case m := <-messages:
						c.Try(ctx, m, 1)
					case <-ctx.Done():
						return
					}
				}
			})
		}
		pool.Wait()
		return nil
	})
	return func(m *webhook.Message) error {
		messages <- m
		return nil
	}, stop, nil
}
