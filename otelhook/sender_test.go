package otelhook_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/otelhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/webhooktest"
)

func TestSender_Conformance(t *testing.T) {
	t.Parallel()
	webhooktest.TestSender(t, func(t testing.TB, c *webhook.Client) (webhook.Sender, func()) {
		hook := newHook(t, otelhook.Config{})
		c.Trace = hook.Trace
		return hook.Sender(c), func() {}
	})
}

func TestSender(t *testing.T) {
	t.Parallel()
	hook, next := newHook(t, otelhook.Config{}), &sink{}
	m := message("https://example.com/")
	require.NoError(t, hook.Sender(next).Send(t.Context(), m))

	require.Equal(t, message("https://example.com/"), m, "the caller's message is not changed")
	span := hook.named("webhook send")[0]
	want := *m
	want.Trace = fmt.Sprintf("00-%s-%s-01", span.SpanContext().TraceID(), span.SpanContext().SpanID())
	require.Equal(t, []*webhook.Message{&want}, next.got)
	require.NoError(t, next.got[0].Check())
	require.Equal(t, want.Trace, otelhook.Traceparent(next.ctxs[0]), "next works in the span")
	require.Empty(t, span.Links())
}

// A message of an outbox has been sent before.
func TestSender_Again(t *testing.T) {
	t.Parallel()
	hook, next := newHook(t, otelhook.Config{}), &sink{}
	sender := hook.Sender(next)
	require.NoError(t, sender.Send(t.Context(), message("https://example.com/")))
	require.NoError(t, sender.Send(t.Context(), next.got[0]))
	spans := hook.named("webhook send")
	require.Len(t, spans[1].Links(), 1)
	require.Equal(t, spans[0].SpanContext().SpanID(), spans[1].Links()[0].SpanContext.SpanID())
	require.NotEqual(t, next.got[0].Trace, next.got[1].Trace)
}

// One message may be sent by several at once.
func TestSender_Concurrent(t *testing.T) {
	t.Parallel()
	hook, next, m := newHook(t, otelhook.Config{}), &sink{}, message("https://example.com/")
	sender := hook.Sender(next)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_ = sender.Send(t.Context(), m)
			hook.OnAttempt(t.Context(), m, webhook.Attempt{N: 1, Outcome: webhook.OutcomeDelivered})
			hook.OnDrop(m, queue.ReasonDisabled)
			hook.OnState(t.Context(), queue.StateChange{To: queue.StateResting})
		})
	}
	all.Wait()
	traces := make(map[string]bool)
	for _, got := range next.got {
		traces[got.Trace] = true
	}
	require.Len(t, traces, 20)
	require.InDelta(t, 20, hook.collect(t)["webhook.endpoints{webhook.state=resting}"], 0)
}

func TestSender_Errors(t *testing.T) {
	t.Parallel()

	tests := []struct {
		err  error
		want string
	}{
		{&webhook.DeliveryError{Last: webhook.Attempt{Class: webhook.ClassStatus, Status: 404}}, "404"},
		{&webhook.DeliveryError{Last: webhook.Attempt{Class: webhook.ClassTimeout}}, "timeout"},
		{&webhook.DeliveryError{}, "_OTHER"},
		{fmt.Errorf("wrapped: %w", queue.ErrFull), "full"},
		{queue.ErrTaken, "taken"},
		{queue.ErrStopped, "stopped"},
		{queue.ErrDisabled, "disabled"},
		{queue.ErrTooLarge, "too_large"},
		{context.Canceled, "canceled"},
		{context.DeadlineExceeded, "timeout"},
		{errors.New("secret"), "_OTHER"},
	}
	for _, tt := range tests {
		t.Run(tt.err.Error(), func(t *testing.T) {
			t.Parallel()
			hook := newHook(t, otelhook.Config{})
			err := hook.Sender(&sink{err: tt.err}).Send(t.Context(), message("https://example.com/"))
			require.Equal(t, tt.err, err)
			span := hook.named("webhook send")[0]
			require.Equal(t, codes.Error, span.Status().Code)
			require.Empty(t, span.Status().Description)
			require.Empty(t, span.Events())
			require.Equal(t, tt.want, attributes(span)["error.type"])
		})
	}
}

func TestSender_Panic(t *testing.T) {
	t.Parallel()
	hook := newHook(t, otelhook.Config{})
	sender := hook.Sender(webhook.SenderFunc(func(context.Context, *webhook.Message) error { panic("next") }))
	require.PanicsWithValue(t, "next", func() { _ = sender.Send(t.Context(), message("https://example.com/")) })
	require.Len(t, hook.named("webhook send"), 1)
}

func TestSender_NoMessage(t *testing.T) {
	t.Parallel()
	hook := newHook(t, otelhook.Config{})
	require.EqualError(t, hook.Sender(&webhook.Client{}).Send(t.Context(), nil),
		"webhook: message not delivered after 1 attempt: invalid message: no message")
	require.Empty(t, hook.named("webhook send"))
}

// Without an SDK there is no span: what is sent is what it was, and a trace that others
// have begun goes on.
func TestSender_NoSDK(t *testing.T) {
	t.Parallel()
	hook, err := otelhook.New(otelhook.Config{TracerProvider: noop.NewTracerProvider(), MeterProvider: noopmetric.NewMeterProvider(), Propagate: true})
	require.NoError(t, err)
	next, m := &sink{}, message("https://example.com/")
	require.NoError(t, hook.Sender(next).Send(t.Context(), m))
	require.Same(t, m, next.got[0])

	remote := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
	}))
	require.NoError(t, hook.Sender(next).Send(remote, m))
	require.Equal(t, "00-01000000000000000000000000000000-0200000000000000-00", next.got[1].Trace)

	_, traceparent, end := hook.Trace(t.Context(), m, 1)
	require.Empty(t, traceparent)
	end(webhook.Attempt{})
}

func TestTraceparent(t *testing.T) {
	t.Parallel()
	require.Empty(t, otelhook.Traceparent(t.Context()))
}
