package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// Two systems of a customer want the messages to one of his numbers, one of them the
// statuses as well. What comes in is published once, for all of them.
func Example_publish() {
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
	q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
	if err != nil {
		log.Fatal(err)
	}
	hooks := engine.Webhooks(q)
	ctx := context.Background()
	for _, system := range []struct {
		name, body string
		events     []string
	}{
		{"crm", `{"text": "{{text}}"}`, []string{"whatsapp:message:in"}},
		{"archive", "", []string{"whatsapp:*"}},
	} {
		hook, err := hooks.Create(ctx, webhook.Webhook{
			Name: system.name, URL: "https://" + system.name + ".example/events", Body: system.body,
		})
		if err == nil {
			err = hooks.Subscribe(ctx, webhook.Subscription{
				WebhookID: hook.ID, Events: system.events, Identities: []string{"number:919019120120"},
			})
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	publish := func(p durable.Publication, event webhook.Event) {
		p.Identities = []string{"number:+91 90191 20120"}
		published, err := hooks.Publish(ctx, p, event)
		if errors.Is(err, queue.ErrTaken) {
			fmt.Println("another event has this ID")
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		stats, err := engine.Stats(ctx, 0)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s for %d, %d to deliver in all\n", event.EventType(), len(published), stats.Pending)
	}
	read := payload.MessageStatus{ID: "a418d672", Channel: "whatsapp", Status: payload.StatusRead}
	in := webhook.RawEvent{Type: "whatsapp:message:in", JSON: []byte(`{"text": "Hi"}`)}
	publish(durable.Publication{ID: "a418d672 read"}, read)
	publish(durable.Publication{ID: "1f0b6d1e"}, in)
	publish(durable.Publication{ID: "1f0b6d1e"}, in) // once more, as after a crash
	publish(durable.Publication{ID: "1f0b6d1e"}, read)
	// Output:
	// whatsapp:message:status for 1, 1 to deliver in all
	// whatsapp:message:in for 2, 3 to deliver in all
	// whatsapp:message:in for 2, 3 to deliver in all
	// another event has this ID
}
