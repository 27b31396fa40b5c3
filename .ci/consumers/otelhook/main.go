// A consumer traces and measures nothing, as there is no SDK, and delivers all the same.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/otelhook"
	"github.com/ringhook/webhook/webhooktest"
)

func main() {
	receiver := webhooktest.NewReceiver(webhooktest.Status(200))
	defer receiver.Close()
	hook, err := otelhook.New(otelhook.Config{Propagate: true})
	if err != nil {
		log.Fatal(err)
	}
	client := receiver.Client()
	client.OnAttempt, client.Trace = hook.OnAttempt, hook.Trace
	composer := webhook.MustCompile(webhook.Webhook{ID: "wh_1", URL: receiver.URL})
	m, err := composer.Compose(webhook.RawEvent{Type: "order:paid", JSON: []byte(`{"order": 7}`)})
	if err != nil {
		log.Fatal(err)
	}
	if err := hook.Sender(client).Send(context.Background(), m); err != nil {
		log.Fatal(err)
	}
	fmt.Println("delivered, and told nobody:", receiver.Requests()[0].Header["Traceparent"])
}
