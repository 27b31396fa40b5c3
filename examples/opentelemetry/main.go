// Opentelemetry shows the figures of a queue as OpenTelemetry instruments: its messages
// as gauges that are read when the exporter collects, and each attempt in a histogram
// by outcome and class. It prints them instead of exporting them. It is a module of its
// own: cd examples/opentelemetry && go run .
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
	"github.com/ringhook/webhook/webhooktest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	// The receiver stands for the customer's server.
	receiver := webhooktest.NewReceiver(webhooktest.Status(500), webhooktest.Status(200))
	defer receiver.Close()

	exporter, err := stdoutmetric.New(
		stdoutmetric.WithWriter(out), stdoutmetric.WithPrettyPrint(), stdoutmetric.WithoutTimestamps())
	if err != nil {
		return err
	}
	provider := sdk.NewMeterProvider(sdk.WithReader(sdk.NewPeriodicReader(exporter)))
	meter := provider.Meter("github.com/ringhook/webhook")

	client := receiver.Client() // in production: client := &webhook.Client{}
	if client.OnAttempt, err = observeAttempts(meter); err != nil {
		return err
	}
	engine, err := memory.New(memory.Config{})
	if err != nil {
		return err
	}
	q, err := queue.New(client, engine, queue.Config{})
	if err != nil {
		return err
	}
	if err := observeQueue(meter, q); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()

	composer := webhook.MustCompile(webhook.Webhook{
		ID: "wh_1", URL: receiver.URL, Policy: &webhook.Policy{Waits: []time.Duration{10 * time.Millisecond}},
	})
	m, err := composer.Compose(webhook.RawEvent{Type: "order:paid", JSON: []byte(`{"order": 7}`)})
	if err != nil {
		return err
	}
	if err := q.Send(ctx, m); err != nil {
		return err
	}
	if _, err := receiver.Wait(ctx, 2); err != nil {
		return err
	}
	stop()
	// Shutdown exports once more.
	return errors.Join(<-ended, provider.Shutdown(context.Background()))
}

// observeQueue reads the queue's figures whenever the exporter collects.
func observeQueue(meter metric.Meter, q *queue.Queue) error {
	pending, err1 := meter.Int64ObservableGauge("webhook.queue.pending",
		metric.WithDescription("Messages that wait"))
	inFlight, err2 := meter.Int64ObservableGauge("webhook.queue.in_flight",
		metric.WithDescription("Messages that are being sent"))
	ended, err3 := meter.Int64ObservableCounter("webhook.queue.ended",
		metric.WithDescription("Messages delivered, failed, dropped or canceled"))
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	_, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		s, err := q.Stats(ctx)
		if err != nil {
			return err
		}
		o.ObserveInt64(pending, int64(s.Pending))
		o.ObserveInt64(inFlight, int64(s.InFlight))
		for how, n := range map[string]uint64{
			"delivered": s.Delivered, "failed": s.Failed, "dropped": s.Dropped, "canceled": s.Canceled,
		} {
			o.ObserveInt64(ended, int64(n), metric.WithAttributes(attribute.String("how", how)))
		}
		return nil
	}, pending, inFlight, ended)
	return err
}

// observeAttempts returns an OnAttempt. Its attributes have few values. A webhook's id
// is not an attribute, since it has many.
func observeAttempts(meter metric.Meter) (func(context.Context, *webhook.Message, webhook.Attempt), error) {
	duration, err := meter.Float64Histogram("webhook.attempt.duration", metric.WithUnit("s"))
	return func(ctx context.Context, m *webhook.Message, a webhook.Attempt) {
		duration.Record(ctx, a.Duration.Seconds(), metric.WithAttributes(
			attribute.String("event", m.Event),
			attribute.String("outcome", string(a.Outcome)),
			attribute.String("class", string(a.Class)),
		))
	}, err
}
