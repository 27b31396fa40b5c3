package durabletest

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// Alone is what River does without us, with what a program would write itself: a job for
// each message, whose worker sends it.
type Alone[T any] struct {
	Driver riverdriver.Driver[T] // on a migrated database
	Schema string
	// InTx runs a function in a transaction, in which row writes one row of an indexed
	// table of the program's own.
	InTx func(ctx context.Context, fn func(tx T, row func(id string) error) error) error
}

type posting struct {
	ID   string      `json:"id"`
	URL  string      `json:"url"`
	Head http.Header `json:"head"`
	Body []byte      `json:"body"`
}

func (posting) Kind() string { return "posting" }

type poster struct {
	river.WorkerDefaults[posting]
	client *http.Client
}

func (p *poster) Work(ctx context.Context, job *river.Job[posting]) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, job.Args.URL, bytes.NewReader(job.Args.Body))
	if err != nil {
		return err
	}
	req.Header = job.Args.Head
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// counting is a receiver that tells when it has had so many requests.
type counting struct {
	*httptest.Server
	left atomic.Int64
	done chan struct{}
}

func newCounting(tb testing.TB) *counting {
	c := &counting{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if c.left.Add(-1) == 0 {
			close(c.done)
		}
	}))
	tb.Cleanup(c.Close)
	return c
}

func (c *counting) expect(n int) {
	c.left.Store(int64(n))
	c.done = make(chan struct{})
}

// The rounds of a comparison, and what is sent in each.
const (
	rounds   = 7
	perRound = 2000
	spread   = 100 // webhooks
	writers  = 50  // callers at once
)

// A pairing has figures of both sides, by round.
type pairing struct {
	name         string
	ours, theirs []float64
}

// report tells the medians of both, and of the quotient.
func (p *pairing) report(b *testing.B) {
	quotients := make([]float64, len(p.ours))
	for i := range p.ours {
		quotients[i] = p.ours[i] / p.theirs[i]
	}
	for _, all := range [][]float64{p.ours, p.theirs, quotients} {
		slices.Sort(all)
	}
	mid := len(p.ours) / 2
	b.ReportMetric(quotients[mid], p.name+"-of-River's")
	b.Logf("%-20s %6.0f a second, River alone %6.0f, quotient %.2f (%.2f to %.2f)",
		p.name, p.ours[mid], p.theirs[mid], quotients[mid], quotients[0], quotients[len(p.ours)-1])
}

// rate has n calls made by so many callers, and returns how many a second that was.
func rate(b *testing.B, n, callers int, call func(i int) error) float64 {
	begun := time.Now()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				if err := call(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
	return float64(n) / time.Since(begun).Seconds()
}

// BesideRiver compares an engine with River alone, in turns: enqueueing by one caller, by
// 50, and 100 at a time, and delivering, of messages with 1 KB of body and as much of an
// event. Both ends of a delivery are in this process. Open opens the engine once more on
// the same database.
func BesideRiver[T any](b *testing.B, open func() *durable.Engine[T], alone Alone[T]) {
	receiver := newCounting(b)
	transport := webhook.NewTransport(webhook.Egress{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AnyPort: true,
	})
	event := webhook.RawEvent{Type: "test:bench", JSON: []byte(`{"payload": {"text": "` + strings.Repeat("x", 1000) + `"}}`)}
	one, fifty := &pairing{name: "enqueue-1"}, &pairing{name: "enqueue-50"}
	batched, delivered := &pairing{name: "enqueue-batched"}, &pairing{name: "deliver"}
	var message *webhook.Message
	us := func() {
		e := open()
		defer e.Close()
		q, err := queue.New(&webhook.Client{Transport: transport}, e, queue.Config{Limit: 50})
		require.NoError(b, err)
		hooks := e.Webhooks(q)
		var ids []string
		for range spread {
			d, err := hooks.Create(b.Context(), webhook.Webhook{
				Name: "bench", Method: http.MethodPost, URL: receiver.URL, Body: `{"call": {{payload}}}`,
			})
			require.NoError(b, err)
			ids = append(ids, d.ID)
		}
		dispatch := func(i int) error { return hooks.Dispatch(b.Context(), ids[i%spread], event) }
		receiver.expect(perRound)
		one.ours = append(one.ours, rate(b, perRound/10, 1, dispatch))
		fifty.ours = append(fifty.ours, rate(b, perRound*9/10-100, writers, dispatch))
		composer, err := webhook.Compile(webhook.Webhook{
			ID: ids[0], Method: http.MethodPost, URL: receiver.URL, Body: `{"call": {{payload}}}`,
		}, event)
		require.NoError(b, err)
		var tasks []queue.Task
		for range 100 {
			m, err := composer.Compose(event)
			require.NoError(b, err)
			task, err := q.Task(m)
			require.NoError(b, err)
			tasks, message = append(tasks, task), m
		}
		batched.ours = append(batched.ours, 100*rate(b, 1, 1, func(int) error {
			return e.Enqueue(b.Context(), tasks...)
		}))
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan error, 1)
		begun := time.Now()
		go func() { ended <- q.Run(ctx) }()
		<-receiver.done
		delivered.ours = append(delivered.ours, perRound/time.Since(begun).Seconds())
		cancel()
		require.NoError(b, <-ended)
	}
	them := func() {
		workers := river.NewWorkers()
		river.AddWorker(workers, &poster{client: &http.Client{Transport: transport}})
		client, err := river.NewClient(alone.Driver, &river.Config{
			Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1500}},
			Workers: workers, Schema: alone.Schema, Logger: slog.New(slog.DiscardHandler),
			FetchCooldown: 5 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond,
		})
		require.NoError(b, err)
		args := posting{URL: message.URL, Head: message.Header, Body: message.Body}
		insert := func(n int) error {
			return alone.InTx(b.Context(), func(tx T, row func(string) error) error {
				var jobs []river.InsertManyParams
				for range n {
					args.ID = rand.Text()
					if err := row(args.ID); err != nil {
						return err
					}
					jobs = append(jobs, river.InsertManyParams{Args: args})
				}
				_, err := client.InsertManyFastTx(b.Context(), tx, jobs)
				return err
			})
		}
		receiver.expect(perRound)
		one.theirs = append(one.theirs, rate(b, perRound/10, 1, func(int) error { return insert(1) }))
		// Its callers are batched as ours are: 50 calls are one transaction.
		const calls = perRound*9/10 - 100
		fifty.theirs = append(fifty.theirs, writers*rate(b, calls/writers, 1, func(int) error { return insert(writers) }))
		batched.theirs = append(batched.theirs, 100*rate(b, 1, 1, func(int) error { return insert(100) }))
		begun := time.Now()
		require.NoError(b, client.Start(b.Context()))
		<-receiver.done
		delivered.theirs = append(delivered.theirs, perRound/time.Since(begun).Seconds())
		require.NoError(b, client.Stop(b.Context()))
	}
	us() // a round that does not count
	them()
	for _, p := range []*pairing{one, fifty, batched, delivered} {
		p.ours, p.theirs = nil, nil
	}
	for round := range rounds {
		if round%2 == 0 {
			us()
			them()
		} else {
			them()
			us()
		}
	}
	for _, p := range []*pairing{one, fifty, batched, delivered} {
		p.report(b)
	}
	b.ReportMetric(0, "ns/op")
}
