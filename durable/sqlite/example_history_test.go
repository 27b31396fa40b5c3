package sqlite_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A receiver was broken for a while. When it is repaired, its customer sees what has
// failed, and has all of it sent again.
func Example_history() {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	engine, err := sqlite.Open(filepath.Join(folder, "webhooks.db"), durable.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()

	var broken atomic.Bool // plays a receiver, so that the example needs no network
	broken.Store(true)
	client := &webhook.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		status := http.StatusOK
		if broken.Load() {
			status = http.StatusInternalServerError
		}
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(""))}, nil
	})}
	q, err := queue.New(client, engine, queue.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- q.Run(ctx) }()

	hook := webhook.MustCompile(webhook.Webhook{
		ID: "calls", URL: "https://receiver.example/calls", Policy: &webhook.Policy{Attempts: 1},
	})
	since := time.Now()
	for _, id := range []string{"call-1", "call-2"} {
		m, err := hook.ComposeID(id, webhook.RawEvent{Type: "call", JSON: []byte(`{}`)})
		if err != nil {
			log.Fatal(err)
		}
		if err := q.Send(ctx, m); err != nil {
			log.Fatal(err)
		}
	}
	list := func(state durable.State) {
		page := durable.Page{}
		for len(page.Deliveries) < 2 {
			<-time.After(10 * time.Millisecond)
			if page, err = engine.List(ctx, durable.Filter{WebhookID: "calls", State: state}); err != nil {
				log.Fatal(err)
			}
		}
		for _, d := range page.Deliveries {
			fmt.Println(d.ID, d.State, d.Status)
		}
	}
	list(durable.StateFailed)

	broken.Store(false)
	n, err := engine.ResendMatching(ctx, durable.Filter{WebhookID: "calls", From: since}, 0)
	fmt.Println("resent:", n, err)
	list(durable.StateDelivered)
	attempts, err := engine.Attempts(ctx, "call-1")
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range attempts {
		fmt.Printf("resent %d times, attempt %d: %d %q\n", a.Resent, a.N, a.Status, a.Error)
	}
	stop()
	fmt.Println(<-stopped)

	// Output:
	// call-2 failed 500
	// call-1 failed 500
	// resent: 2 <nil>
	// call-2 delivered 200
	// call-1 delivered 200
	// resent 0 times, attempt 1: 500 "webhook: status 500"
	// resent 1 times, attempt 1: 200 ""
	// <nil>
}
