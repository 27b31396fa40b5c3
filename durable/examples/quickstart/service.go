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

// serve is the service: it takes events and delivers what is in the file. When its
// standard input ends, it takes no more, and returns when everything is delivered.
func serve(ctx context.Context, file, receiver, number string) error {
	engine, err := sqlite.Open(file, durable.Config{MaxTimeout: 3 * time.Second})
	if err != nil {
		return err
	}
	defer engine.Close()
	client := &webhook.Client{
		Signer: webhook.HMAC{},
		// It may reach this machine. In production, leave it out.
		Transport: webhook.NewTransport(webhook.Egress{
			AnyPort: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		}),
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
	if err := take(ctx, q, composer, number); err != nil {
		return err
	}
	if err := q.Drain(ctx); err != nil {
		return err
	}
	cancel()
	return <-ended
}

// take sends an event every 5 ms until standard input ends, and prints the ID of each
// that the queue has.
func take(ctx context.Context, q *queue.Queue, composer *webhook.Composer, number string) error {
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ticker.C:
		case <-stop:
			return nil
		}
		id := fmt.Sprintf("service%s-message%d", number, n)
		message, err := composer.ComposeID(id, payload.MessageStatus{
			ID: id, Channel: payload.ChannelWhatsApp, Status: payload.StatusDelivered,
		})
		if err != nil {
			return err
		}
		if err := q.Send(ctx, message); err != nil {
			return err
		}
		fmt.Println(id) // from here on it is not lost
	}
}
