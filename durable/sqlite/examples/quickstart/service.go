package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// serve is the service: it delivers what is in the file, and takes an event every 5 ms, whose ID it prints when it has it. When
// its standard input ends, it takes no more, and returns when everything is delivered.
func serve(ctx context.Context, file, receiver, number string) error {
	engine, err := sqlite.Open(file, durable.Config{MaxTimeout: 3 * time.Second})
	if err != nil {
		return err
	}
	defer engine.Close()
	client := &webhook.Client{
		Signer:    webhook.HMAC{},
		Transport: webhook.NewTransport(webhook.Egress{AnyPort: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}), // in production, leave it out
	}
	q, err := queue.New(client, engine, queue.Config{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()

	composer, err := webhook.Compile(webhook.Webhook{
		ID:     "dd4b91af-167d-48e6-901d-ae181ff6e80d",
		URL:    receiver + "/status",
		Body:   `{"id": "@{{payload.id}}", "status": "@{{payload.status}}"}`,
		Policy: &webhook.Policy{Attempts: 30, Waits: []time.Duration{200 * time.Millisecond}},
	})
	if err != nil {
		return err
	}
	for n, stop := 1, inputEnds(); !ended5ms(stop); n++ {
		id := fmt.Sprintf("service%s-message%d", number, n)
		message, err := composer.ComposeID(id, payload.MessageStatus{ID: id, Channel: payload.ChannelWhatsApp, Status: payload.StatusDelivered})
		if err != nil {
			return err
		}
		if err := q.Send(ctx, message); err != nil {
			return err
		}
		fmt.Println(id) // from here on it is the engine's
	}
	for {
		stats, err := q.Stats(ctx)
		if err != nil {
			return err
		}
		if stats.Pending+stats.InFlight == 0 {
			cancel()
			return <-ended
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func inputEnds() <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	return ended
}

// ended5ms waits 5 ms, and reports whether stop was closed by then.
func ended5ms(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	case <-time.After(5 * time.Millisecond):
		return false
	}
}
