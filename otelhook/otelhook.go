// Package otelhook traces and measures deliveries by OpenTelemetry. It needs the API of
// OpenTelemetry alone; which SDK and which exporters there are is up to the service.
//
//	hook, err := otelhook.New(otelhook.Config{})
//	...
//	client := &webhook.Client{OnAttempt: hook.OnAttempt, Trace: hook.Trace}
//	q, err := queue.New(client, engine, queue.Config{OnDrop: hook.OnDrop, OnState: hook.OnState})
//	...
//	registration, err := hook.ObserveStats(q.Stats)
//	sender := hook.Sender(q) // instead of q
//
// Each of them may be left out; a function of one's own calls the hook's in addition. The
// program in examples/prometheus has all of it, and what comes of it.
//
// # Spans
//
// "webhook send" is a [Hook.Sender]'s call of Send, a child of the caller's span. It is
// kept with the message ([webhook.Message] Trace), also in a database, and on a resend.
//
// "webhook attempt" is one attempt. It begins a trace of its own, with a link to where
// the message was sent, since days may lie between the two; where the sender waits, as
// with a [webhook.Client], it is a child of the caller's. It ends when the attempt ends,
// which may be 2 seconds after the receiver's status line. It is an error unless the
// message was delivered.
//
// The attributes are those of HTTP clients in the semantic conventions
// (http.request.method, http.request.resend_count, http.response.status_code,
// server.address, server.port, url.scheme, error.type) and webhook.id,
// webhook.message.id, webhook.event, webhook.attempt, webhook.class and webhook.outcome.
// None is url.full, url.path or url.query, although the conventions want the first: a
// path and a query can hold a phone number or a secret. Nor is anything of a header, a
// body or an answer. A producer that makes ids of messages should make none of a number.
// Values are cut to 256 bytes of valid UTF-8, without which an exporter may lose all that
// it has.
//
// # Instruments
//
//	webhook.attempts          counter    by webhook.event, webhook.outcome, webhook.class
//	webhook.attempt.duration  histogram  in s, by webhook.outcome, webhook.class
//	webhook.deliveries        counter    that have ended, by webhook.event, webhook.outcome
//	webhook.endpoints         counter    changes of endpoints, by the webhook.state they came to
//	webhook.pending           gauge      messages that wait, including those due and held
//	webhook.due               gauge      those whose time has come
//	webhook.held              gauge      those at paused endpoints
//	webhook.in_flight         gauge      messages that are being sent
//	webhook.oldest            gauge      in s, the age of the oldest message, or 0
//
// No instrument has an id of a webhook or a message, of which there are many. Types of
// events are few, but for what somebody else has made them: the first 100 of up to 64
// bytes are told apart, all others count as "_OTHER".
//
// The outcome of a delivery is delivered, failed, gone or dropped; what is canceled is told
// to no hook. An attempt that ends one, but failed at our own outgoing proxy, is counted
// under webhook.attempts only, since a queue tries it again.
//
// How many endpoints are in a state cannot be told from changes: of those that share a
// database, one process hears that an endpoint is disabled, and another one that it is
// enabled again, and after a start nobody knows what was before. So webhook.endpoints
// counts how often one became healthy, throttled, resting, paused or disabled, which adds up
// over processes and restarts.
package otelhook

import (
	"errors"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Config says where spans and figures go, and what receivers see of it. The zero value is
// ready to use.
type Config struct {
	// TracerProvider makes the spans. If nil, the global one of OpenTelemetry does.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the instruments. If nil, the global one of OpenTelemetry does.
	MeterProvider metric.MeterProvider
	// Propagate sends the span of each attempt to the receiver, in the header Traceparent;
	// [Hook.Trace] is to be the client's Trace then. Receivers are often others' systems,
	// to which one's trace ids say how much is sent, and when: so it is for those of one's
	// own. No signature covers the header, and neither tracestate nor baggage is sent.
	Propagate bool
}

// A Hook has what traces and measures. It is safe for concurrent use.
type Hook struct {
	propagate bool
	tracer    trace.Tracer
	meter     metric.Meter
	events    events

	attempts   metric.Int64Counter
	duration   metric.Float64Histogram
	deliveries metric.Int64Counter
	endpoints  metric.Int64Counter
	gauges     gauges
}

// scope is the name of the instrumentation.
const scope = "github.com/ringhook/webhook/otelhook"

// New makes a Hook. The error is of the MeterProvider.
func New(c Config) (*Hook, error) {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	h := &Hook{
		propagate: c.Propagate,
		tracer:    c.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)),
		meter:     c.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)),
	}
	var errs [5]error
	h.attempts, errs[0] = h.meter.Int64Counter("webhook.attempts", metric.WithUnit("{attempt}"),
		metric.WithDescription("Attempts to deliver a message."))
	h.duration, errs[1] = h.meter.Float64Histogram("webhook.attempt.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of attempts to deliver a message."),
		// As for HTTP clients, and up to the longest timeouts that are usual.
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 30))
	h.deliveries, errs[2] = h.meter.Int64Counter("webhook.deliveries", metric.WithUnit("{message}"),
		metric.WithDescription("Messages that were delivered or given up."))
	h.endpoints, errs[3] = h.meter.Int64Counter("webhook.endpoints", metric.WithUnit("{change}"),
		metric.WithDescription("Changes of endpoints, by the state that they came to."))
	errs[4] = h.gauges.open(h.meter)
	return h, errors.Join(errs[:]...)
}

// Names of attributes that the semantic conventions do not have.
const (
	keyID      = attribute.Key("webhook.id")
	keyMessage = attribute.Key("webhook.message.id")
	keyEvent   = attribute.Key("webhook.event")
	keyAttempt = attribute.Key("webhook.attempt")
	keyClass   = attribute.Key("webhook.class")
	keyOutcome = attribute.Key("webhook.outcome")
	keyState   = attribute.Key("webhook.state")
)

// text is an attribute that others have made the value of.
func text(key attribute.Key, value string) attribute.KeyValue {
	const most = 256
	return key.String(strings.ToValidUTF8(value[:min(len(value), most)], ""))
}
