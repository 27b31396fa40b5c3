// A consumer delivers one message over a durable engine. The consumer check builds it,
// together with the open.go of one of the folders beside it, in a module outside the
// repository.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/webhooktest"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	engine, closeEngine, err := open(ctx)
	if err == nil && engine != nil {
		err = deliver(ctx, engine)
	}
	if closeEngine != nil {
		closeEngine()
	}
	if err != nil {
		log.Fatal(err)
	}
}

func deliver(ctx context.Context, engine queue.Engine) error {
	arrived := make(chan string, 1)
	receiver := webhooktest.NewReceiver(webhooktest.Func(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- string(body)
	}))
	defer receiver.Close()

	composer, err := webhook.Compile(webhook.Webhook{ID: "consumer", URL: receiver.URL, Body: `{"status": "{{payload.status}}"}`})
	if err != nil {
		return err
	}
	message, err := composer.Compose(payload.MessageStatus{Status: payload.StatusRead})
	if err != nil {
		return err
	}
	q, err := queue.New(receiver.Client(), engine, queue.Config{})
	if err != nil {
		return err
	}
	if err := q.Send(ctx, message); err != nil {
		return err
	}

	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- q.Run(running) }()
	select {
	case body := <-arrived:
		fmt.Println("delivered:", body)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	stop()
	<-ended
	return err
}
