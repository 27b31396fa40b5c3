package otelhook_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/otelhook"
	"github.com/ringhook/webhook/webhooktest"
)

// The spans of a message that a client delivers: they end in this order.
func Example() {
	spans := tracetest.NewSpanRecorder() // in production: an exporter
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	hook, err := otelhook.New(otelhook.Config{TracerProvider: provider})
	if err != nil {
		panic(err)
	}
	receiver := webhooktest.NewReceiver(webhooktest.Status(200))
	defer receiver.Close()
	client := receiver.Client() // in production: &webhook.Client{}
	client.OnAttempt, client.Trace = hook.OnAttempt, hook.Trace

	composer := webhook.MustCompile(webhook.Webhook{ID: "wh_1", URL: receiver.URL + "/hook"})
	m, err := composer.Compose(webhook.RawEvent{Type: "order:paid", JSON: []byte(`{"order": 7}`)})
	if err != nil {
		panic(err)
	}
	if err := hook.Sender(client).Send(context.Background(), m); err != nil {
		panic(err)
	}
	for _, span := range spans.Ended() {
		of := attribute.NewSet(span.Attributes()...)
		id, _ := of.Value("webhook.id")
		fmt.Println(span.Name(), id.AsString())
	}
	// Output:
	// webhook attempt wh_1
	// webhook send wh_1
}
