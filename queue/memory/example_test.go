package memory_test

import (
	"context"
	"fmt"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
	"github.com/ringhook/webhook/webhooktest"
)

// What had not been delivered when a process stopped was stored. The next one goes on with
// it, at the attempt that it had reached.
func ExampleEngine_Resume() {
	receiver := webhooktest.NewReceiver()
	defer receiver.Close()
	m, err := webhook.MustCompile(webhook.Webhook{ID: "wh_1", URL: receiver.URL + "/hook"}).
		ComposeID("order-7", webhook.RawEvent{Type: "order:paid", JSON: []byte(`{"order": 7}`)})
	if err != nil {
		panic(err)
	}
	stored := queue.Delivery{Task: queue.Task{ID: m.ID, Key: queue.Key(m), Message: m}, N: 2} // as Pending had it

	engine, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	client := receiver.Client() // in production: &webhook.Client{}
	client.OnAttempt = func(_ context.Context, m *webhook.Message, a webhook.Attempt) {
		fmt.Println(m.ID, "attempt", a.N, a.Outcome)
	}
	q, err := queue.New(client, engine, queue.Config{})
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	if err := engine.Resume(ctx, stored); err != nil {
		panic(err)
	}
	ended := make(chan error)
	go func() { ended <- q.Run(ctx) }()
	if _, err := receiver.Wait(ctx, 1); err != nil {
		panic(err)
	}
	stop()
	fmt.Println(<-ended, len(engine.Pending()))
	// Output:
	// order-7 attempt 2 delivered
	// <nil> 0
}
