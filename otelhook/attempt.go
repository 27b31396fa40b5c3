package otelhook

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// tracedBy is the key of contexts in which Trace of a hook has begun a span.
type tracedBy struct{ hook *Hook }

// Trace is for [webhook.Client] Trace. It begins the span of an attempt before anything is
// signed and sent, so that what is logged and traced inside of it belongs to the span, and
// the receiver can be told of it; see [Config] Propagate. Without it, OnAttempt makes the
// span when the attempt has ended.
func (h *Hook) Trace(ctx context.Context, m *webhook.Message, n int) (attempt context.Context, traceparent string, end func(webhook.Attempt)) {
	attempt, span := h.begin(ctx, m, n, time.Now(), true)
	if h.propagate {
		traceparent = Traceparent(attempt)
	}
	return context.WithValue(attempt, tracedBy{h}, true), traceparent, func(a webhook.Attempt) {
		finish(span, a)
		span.End()
	}
}

// OnAttempt is for [webhook.Client] OnAttempt. It counts the attempt, and makes its span,
// unless Trace has begun one.
func (h *Hook) OnAttempt(ctx context.Context, m *webhook.Message, a webhook.Attempt) {
	if m == nil { // which is invalid
		m = &webhook.Message{}
	}
	if ctx.Value(tracedBy{h}) == nil {
		var span trace.Span
		ctx, span = h.begin(ctx, m, a.N, a.At, a.Class != webhook.ClassInvalid)
		finish(span, a)
		span.End(trace.WithTimestamp(a.At.Add(a.Duration)))
	}
	event, outcome := h.events.label(m.Event), keyOutcome.String(string(a.Outcome))
	attributes := []attribute.KeyValue{outcome}
	if a.Class != "" {
		attributes = append(attributes, keyClass.String(string(a.Class)))
	}
	h.duration.Record(ctx, a.Duration.Seconds(), metric.WithAttributes(attributes...))
	h.attempts.Add(ctx, 1, metric.WithAttributes(append(attributes, event)...))
	switch a.Outcome {
	case webhook.OutcomeFailed, webhook.OutcomeGone:
		if a.Class == webhook.ClassProxy && !a.MayHaveArrived {
			return // of a queue's, this is not the end
		}
		fallthrough
	case webhook.OutcomeDelivered:
		h.deliveries.Add(ctx, 1, metric.WithAttributes(event, outcome))
	}
}

// OnDrop is for [queue.Config] OnDrop. It counts a delivery that has ended without a last
// attempt, with the outcome "dropped". [Hook.OnState] tells more of endpoints.
func (h *Hook) OnDrop(m *webhook.Message, _ queue.Reason) {
	h.deliveries.Add(context.Background(), 1, metric.WithAttributes(h.events.label(m.Event), keyOutcome.String("dropped")))
}

// OnState is for [queue.Config] OnState. It counts the change.
func (h *Hook) OnState(ctx context.Context, change queue.StateChange) {
	h.endpoints.Add(ctx, 1, metric.WithAttributes(keyState.String(string(change.To))))
}

// begin begins the span of an attempt. Of a message that is not valid nothing is told that
// could be anything.
func (h *Hook) begin(ctx context.Context, m *webhook.Message, n int, at time.Time, isValid bool) (context.Context, trace.Span) {
	attributes := append(about(m), keyAttempt.Int(n))
	if isValid {
		attributes = append(attributes, request(m)...)
		if n > 1 {
			attributes = append(attributes, semconv.HTTPRequestResendCount(n-1))
		}
	}
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(at), trace.WithAttributes(attributes...),
	}
	// The context of a queue has the span of whoever has started that, if any: it would get
	// every attempt there ever is. In that of a caller who waits there is the trace in
	// which he has sent the message, or the message has none.
	parent, sent := trace.SpanContextFromContext(ctx), spanOf(m.Trace)
	if sent.IsValid() && sent.TraceID() != parent.TraceID() {
		options = append(options, trace.WithNewRoot())
	}
	if sent.IsValid() && sent.SpanID() != parent.SpanID() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: sent}))
	}
	return h.tracer.Start(ctx, "webhook attempt", options...)
}

// request returns the attributes of a message's request.
func request(m *webhook.Message) []attribute.KeyValue {
	u, err := url.Parse(m.URL)
	if err != nil { // as it is valid, there is none
		return nil
	}
	attributes := []attribute.KeyValue{
		text(semconv.HTTPRequestMethodKey, m.Method), text(semconv.URLSchemeKey, u.Scheme),
		text(semconv.ServerAddressKey, u.Hostname()),
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	if n, err := strconv.Atoi(port); err == nil {
		attributes = append(attributes, semconv.ServerPort(n))
	}
	return attributes
}

// finish says what came of an attempt.
func finish(span trace.Span, a webhook.Attempt) {
	span.SetAttributes(keyOutcome.String(string(a.Outcome)))
	if a.Status != 0 {
		span.SetAttributes(semconv.HTTPResponseStatusCode(a.Status))
	}
	if a.Err == nil {
		return
	}
	span.SetAttributes(keyClass.String(string(a.Class)), semconv.ErrorTypeKey.String(errorType(a)))
	if a.Outcome != webhook.OutcomeCanceled { // which is nobody's fault
		span.SetStatus(codes.Error, a.Err.Error())
	}
}

// errorType returns one of few words for why an attempt failed: the status, as the
// semantic conventions want it, or the class.
func errorType(a webhook.Attempt) string {
	if a.Class == webhook.ClassStatus {
		return strconv.Itoa(a.Status)
	}
	return cmp.Or(string(a.Class), semconv.ErrorTypeOther.Value.AsString())
}
