package otelhook

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// Sender returns a Sender that gives messages to next, each in a span "webhook send", and
// with that span as its Trace. The message of the caller is not changed: next has a copy,
// which shares header and body with it. A Trace that a message has already, such as
// that of the outbox it comes from, is linked to, and replaced.
func (h *Hook) Sender(next webhook.Sender) webhook.Sender {
	return webhook.SenderFunc(func(ctx context.Context, m *webhook.Message) error {
		if m == nil {
			return next.Send(ctx, nil) // which says what is wrong
		}
		ctx, span := h.tracer.Start(ctx, "webhook send", trace.WithSpanKind(trace.SpanKindProducer),
			trace.WithAttributes(about(m)...), trace.WithLinks(links(m.Trace)...))
		defer span.End() // also of a panic
		if kept := Traceparent(ctx); kept != "" {
			traced := *m
			traced.Trace = kept
			m = &traced
		}
		err := next.Send(ctx, m)
		if err != nil {
			span.SetAttributes(semconv.ErrorTypeKey.String(kindOf(err)))
			span.SetStatus(codes.Error, "") // whose error it is nobody knows, nor what it tells
		}
		return err
	})
}

// Traceparent returns the span of a context as [webhook.Message] Trace has it, or "" if
// there is none: for messages that no [Hook.Sender] sends. It is what Config.Trace of
// package durable takes, for what its Dispatch and Publish enqueue.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier.Get("traceparent")
}

// spanOf returns the span that a message was sent in. It is not valid if there is none.
func spanOf(traceparent string) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": traceparent})
	return trace.SpanContextFromContext(ctx)
}

// links returns a link to the span that a message was sent in, if there is one.
func links(traceparent string) []trace.Link {
	if span := spanOf(traceparent); span.IsValid() {
		return []trace.Link{{SpanContext: span}}
	}
	return nil
}

// about returns the attributes of a message that all of its spans have.
func about(m *webhook.Message) []attribute.KeyValue {
	return []attribute.KeyValue{text(keyID, m.WebhookID), text(keyMessage, m.ID), text(keyEvent, m.Event)}
}

// kindOf returns one of few words for why a message was not sent.
func kindOf(err error) string {
	var delivery *webhook.DeliveryError
	switch {
	case errors.As(err, &delivery):
		return errorType(delivery.Last)
	case errors.Is(err, queue.ErrFull):
		return "full"
	case errors.Is(err, queue.ErrTaken):
		return "taken"
	case errors.Is(err, queue.ErrStopped):
		return "stopped"
	case errors.Is(err, queue.ErrDisabled):
		return "disabled"
	case errors.Is(err, queue.ErrTooLarge):
		return "too_large"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return semconv.ErrorTypeOther.Value.AsString()
}
