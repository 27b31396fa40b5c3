package durabletest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// A Place is where the database of a process is.
type Place struct {
	Name   string // a file, or a DSN
	Schema string // of Postgres
	Sealed bool   // whether what is stored is sealed
}

// What a process of the kill tests does: senders that enqueue up to batch messages at a
// time, and workers that deliver.
const (
	senders = 4
	batch   = 3
	pause   = 50 * time.Millisecond // of a sender, so that the workers keep up
	workers = 16
	// One of so many of a sender's messages is ordered: an ordering delivers one at a
	// time.
	orderedEach = 20
	// Longer than the documented time to take over what a dead process held.
	drainWithin = 90 * time.Second
)

// config returns a Config for the place.
func (p Place) config(c durable.Config) durable.Config {
	if p.Sealed {
		return Seal(c)
	}
	return c
}

// processVariable has the settings of a process, as JSON.
const (
	processVariable = "RINGHOOK_TEST_PROCESS"
	processHeader   = "X-Process"
)

type settings struct {
	Place   Place
	URL     string // of the receiver
	Number  int    // of the process
	Outages bool   // whether the database goes away now and then
	Loose   bool   // whether nothing is ordered
	// Recompose has it do nothing but recompose what has failed.
	Recompose bool
	Decides   bool // whether it is one of Decide
	Publishes int  // if not 0, it does nothing but publish, from that number on
	Dies      bool // whether OnState ends it
	// Ahead is by how much its clock is ahead.
	Ahead time.Duration
}

// Main is the program that the kill tests run and kill. Their TestMain calls it first.
// In a process that a test has started for that, it does not return.
//
// The process enqueues and delivers at once, and writes the ID of each message that the
// engine has taken to its standard output. When its standard input ends, it enqueues no
// more, waits until nothing is left to deliver, and exits.
func Main[T any](open func(Place, durable.Config) (*durable.Engine[T], error)) {
	text, ok := os.LookupEnv(processVariable)
	if !ok {
		return
	}
	var s settings
	err := json.Unmarshal([]byte(text), &s)
	store.Clock = func() time.Time { return time.Now().Add(s.Ahead) }
	switch {
	case err != nil:
	case s.Decides:
		err = decide(s, open)
	default:
		err = work(s, open)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work[T any](s settings, open func(Place, durable.Config) (*durable.Engine[T], error)) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	e, err := open(s.Place, s.Place.config(durable.Config{
		Workers: workers, MaxTimeout: 3 * time.Second, Schema: s.Place.Schema, Logger: logger,
	}))
	if err != nil {
		return err
	}
	defer e.Close()
	if s.Recompose {
		return recomposeAll(e)
	}
	if s.Publishes > 0 {
		return publishAll(e, s.Publishes)
	}
	number := strconv.Itoa(s.Number)
	client := &webhook.Client{
		Signer: webhook.Signers{webhook.HMAC{}, webhook.SignerFunc(func(_ context.Context, _ *webhook.Message, _ time.Time, h http.Header) error {
			h.Set(processHeader, number)
			return nil
		})},
		Transport: webhook.NewTransport(webhook.Egress{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AnyPort: true}),
	}
	q, err := queue.New(client, e, queue.Config{Limit: workers, Ordered: true, Logger: logger})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- q.Run(running) }()
	if err := send(s, q); err != nil {
		return err
	}
	if err := drain(q); err != nil {
		return err
	}
	stop()
	return <-ended
}

// send enqueues until standard input ends.
func send(s settings, q *queue.Queue) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel(nil)
	}()
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			if err := sendEach(ctx, s, sender, q); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func sendEach(ctx context.Context, s settings, sender int, q *queue.Queue) error {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for n := 0; ; {
		var messages []*webhook.Message
		var ids bytes.Buffer
		for range 1 + n%batch {
			m := message(s, sender, n)
			messages = append(messages, m)
			ids.WriteString(m.ID + "\n")
			n++
		}
		// Without ctx: if that ended during the call, they might be kept or not.
		if err := q.SendAll(context.Background(), messages...); err == nil {
			if _, err := os.Stdout.Write(ids.Bytes()); err != nil {
				return err
			}
		} else if !s.Outages {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// drain waits until nothing is left.
func drain(q *queue.Queue) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainWithin)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		stats, err := q.Stats(ctx)
		if err == nil && stats.Pending+stats.InFlight == 0 {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("not empty after %v: %d pending, %d in flight, %w",
				drainWithin, stats.Pending, stats.InFlight, err)
		}
	}
}

// message returns the nth of a sender. All of it follows from its ID and the receiver's
// URL, so that the receiver knows what each must be.
func message(s settings, sender, n int) *webhook.Message {
	id := fmt.Sprintf("%d-%d-%d", s.Number, sender, n)
	m := &webhook.Message{
		ID: id, WebhookID: webhookID(sender), Event: "test:kill", Method: http.MethodPost, URL: s.URL + target(id),
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   body(id),
		Policy: webhook.Policy{Attempts: 50, Waits: []time.Duration{100 * time.Millisecond}, Timeout: 3 * time.Second},
	}
	if n%orderedEach == 0 && !s.Loose {
		m.Subject = fmt.Sprintf("%d-%d", s.Number, sender)
	}
	return m
}

func webhookID(sender int) string { return fmt.Sprintf("hook-%d", sender) }

func target(id string) string { return "/hook?id=" + id }

// body returns JSON whose bytes would change if something parsed it and wrote it again.
func body(id string) []byte {
	text := `\u00e9é` + strings.Repeat(" x", 200)
	return []byte(`{"z": 1.0, "id": "` + id + `", "a": 100000000000000000001, "z": "` + text + `" } `)
}
