// Prometheus shows the figures of a queue as Prometheus reads them, through OpenTelemetry's
// exporter, and the spans of a message: it delivers one at the second attempt, and then
// scrapes itself, as go run ./otelhook/examples/prometheus.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/otelhook"
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

	// What a service sets up anyway. Prometheus scrapes metrics; spans would go to a
	// collector, and stay in memory here.
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo())
	if err != nil {
		return err
	}
	metrics := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer metrics.Close()
	spans := tracetest.NewInMemoryExporter()

	hook, err := otelhook.New(otelhook.Config{
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
	})
	if err != nil {
		return err
	}
	if err := deliver(ctx, hook); err != nil {
		return err
	}
	for _, span := range spans.GetSpans() {
		fmt.Fprintf(out, "span %q, links: %d\n", span.Name, len(span.Links))
	}
	return scrape(ctx, metrics.URL, out)
}

// deliver sends one message, and returns when the receiver has it.
func deliver(ctx context.Context, hook *otelhook.Hook) error {
	// The receiver stands for the customer's server.
	receiver := webhooktest.NewReceiver(webhooktest.Status(500), webhooktest.Status(200))
	defer receiver.Close()
	client := receiver.Client() // in production: client := &webhook.Client{}
	client.OnAttempt, client.Trace = hook.OnAttempt, hook.Trace
	engine, err := memory.New(memory.Config{})
	if err != nil {
		return err
	}
	q, err := queue.New(client, engine, queue.Config{OnDrop: hook.OnDrop, OnState: hook.OnState})
	if err != nil {
		return err
	}
	if _, err := hook.ObserveStats(q.Stats); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- q.Run(running) }()

	composer := webhook.MustCompile(webhook.Webhook{
		ID: "wh_1", URL: receiver.URL, Policy: &webhook.Policy{Waits: []time.Duration{10 * time.Millisecond}},
	})
	m, err := composer.Compose(webhook.RawEvent{Type: "order:paid", JSON: []byte(`{"order": 7}`)})
	if err != nil {
		return err
	}
	if err := hook.Sender(q).Send(ctx, m); err != nil {
		return err
	}
	err = q.Drain(ctx)
	stop()
	return errors.Join(err, <-ended)
}

// scrape prints what Prometheus would read of webhooks, but for the many lines of the
// histogram.
func scrape(ctx context.Context, url string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "webhook_") && !strings.Contains(line, "_bucket{") {
			fmt.Fprintln(out, line)
		}
	}
	return lines.Err()
}
