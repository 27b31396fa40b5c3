package queue_test

import (
	"context"
	"expvar"
	"fmt"
	"log/slog"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
	"github.com/ringhook/webhook/webhooktest"
)

// Send returns when the queue has the message. When the service stops, what was not
// delivered can be stored.
func Example() {
	receiver := webhooktest.NewReceiver(webhooktest.Status(200), webhooktest.Status(503))
	defer receiver.Close()
	composer := webhook.MustCompile(webhook.Webhook{ID: "wh_1", URL: receiver.URL + "/hook"})

	engine, err := memory.New(memory.Config{MaxPending: 100_000})
	if err != nil {
		panic(err)
	}
	client := receiver.Client() // in production: &webhook.Client{}
	q, err := queue.New(client, engine, queue.Config{})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- q.Run(ctx) }()

	for i, id := range []string{"first", "second"} {
		m, err := composer.ComposeID(id, webhook.RawEvent{Type: "order:paid", JSON: []byte(`{"order": 7}`)})
		if err != nil {
			panic(err)
		}
		if err := q.Send(ctx, m); err != nil {
			panic(err)
		}
		if _, err := receiver.Wait(ctx, i+1); err != nil {
			panic(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		panic(err)
	}
	// Store what is left, and give it to Resume of the next engine.
	for _, d := range engine.Pending() {
		fmt.Println(d.ID, "goes on with attempt", d.N)
	}
	// Output: second goes on with attempt 2
}

// A queue's figures as a variable of package expvar, which every scraper of /debug/vars
// reads. Module otelhook has them as OpenTelemetry instruments.
func ExampleQueue_Stats() {
	engine, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
	if err != nil {
		panic(err)
	}
	expvar.Publish("webhooks", expvar.Func(func() any {
		stats, err := q.Stats(context.Background())
		if err != nil {
			return err.Error()
		}
		return stats
	}))
	err = q.Send(context.Background(), &webhook.Message{
		ID: "m_1", WebhookID: "wh_1", Method: "POST", URL: "https://example.com/hook",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(expvar.Get("webhooks").(expvar.Func).Value().(queue.Stats).Pending)
	// Output: 1
}

// The customer is told when his webhook gets nothing any more, and why.
func ExampleConfig_onState() {
	receiver := webhooktest.NewReceiver(webhooktest.Status(410))
	defer receiver.Close()
	engine, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	told := make(chan queue.StateChange, 1)
	q, err := queue.New(receiver.Client(), engine, queue.Config{
		Logger:  slog.New(slog.DiscardHandler),
		OnState: func(_ context.Context, change queue.StateChange) { told <- change },
	})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- q.Run(ctx) }()
	m, err := webhook.MustCompile(webhook.Webhook{ID: "wh_1", URL: receiver.URL}).
		Compose(webhook.RawEvent{Type: "order:paid", JSON: []byte(`{"order": 7}`)})
	if err != nil {
		panic(err)
	}
	if err := q.Send(ctx, m); err != nil {
		panic(err)
	}
	change := <-told
	fmt.Println(change.Key, change.From, change.To, change.Reason)
	stop()
	fmt.Println(<-ended)
	// Output:
	// wh_1 healthy disabled gone
	// <nil>
}
