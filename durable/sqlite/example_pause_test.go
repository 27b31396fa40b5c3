package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

// A customer moves to another server: what is sent meanwhile is held.
func Example_pause() {
	folder, err := os.MkdirTemp("", "ringhook")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	engine, err := sqlite.Open(filepath.Join(folder, "webhooks.db"), durable.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close()
	q, err := queue.New(&webhook.Client{Transport: thanks{}}, engine, queue.Config{})
	if err != nil {
		log.Fatal(err)
	}
	hooks := engine.Webhooks(q)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()

	hook, err := hooks.Create(ctx, webhook.Webhook{URL: "https://crm.example/calls?call={{id}}", Method: "GET"})
	if err != nil {
		log.Fatal(err)
	}
	ann := durable.WithActor(ctx, "ann@support")
	if err := hooks.Pause(ann, hook.ID, "the customer moves"); err != nil {
		log.Fatal(err)
	}
	for _, call := range []string{`{"id": 1}`, `{"id": 2}`} {
		event := webhook.RawEvent{Type: "call", JSON: []byte(call)}
		if err := hooks.Dispatch(ctx, hook.ID, event); err != nil {
			log.Fatal(err)
		}
	}
	stats, err := q.Stats(ctx)
	fmt.Println("held:", stats.Held, err)

	if err := hooks.Enable(ann, hook.ID, ""); err != nil {
		log.Fatal(err)
	}
	fmt.Println("drained:", q.Drain(ctx))
	changes, err := engine.EndpointChanges(ctx, hook.ID, 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range changes {
		fmt.Printf("%s by %s: %q\n", c.To, c.Actor, c.Reason)
	}
	stop()
	fmt.Println(<-ended)
	// Output:
	// held: 2 <nil>
	// drained: <nil>
	// enabled by ann@support: ""
	// paused by ann@support: "the customer moves"
	// <nil>
}

// thanks is a receiver that wants everything.
type thanks struct{}

func (thanks) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}
