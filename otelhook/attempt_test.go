package otelhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/otelhook"
	"github.com/ringhook/webhook/webhooktest"
)

// Where the sender waits, all of it is one trace.
func TestAttempt_Child(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Trace", "OnAttempt alone"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := newHook(t, otelhook.Config{})
			receiver := webhooktest.NewReceiver()
			t.Cleanup(receiver.Close)
			client := receiver.Client()
			t.Cleanup(client.CloseIdleConnections)
			client.OnAttempt = hook.OnAttempt
			if name == "Trace" {
				client.Trace = hook.Trace
			}
			require.NoError(t, hook.Sender(client).Send(t.Context(), message(receiver.URL)))
			send, attempts := hook.named("webhook send")[0], hook.named("webhook attempt")
			require.Len(t, attempts, 1)
			require.Equal(t, send.SpanContext().TraceID(), attempts[0].SpanContext().TraceID())
			require.Equal(t, send.SpanContext().SpanID(), attempts[0].Parent().SpanID())
			require.Empty(t, attempts[0].Links(), "its parent is no link too")
			require.False(t, attempts[0].StartTime().Before(send.StartTime()))
			require.False(t, attempts[0].EndTime().After(send.EndTime()))
		})
	}
}

// A message that no Sender of a hook has sent belongs to who makes the attempt.
func TestAttempt_NotSent(t *testing.T) {
	t.Parallel()
	hook := newHook(t, otelhook.Config{})
	ctx, span := hook.tracer.Start(t.Context(), "caller")
	hook.OnAttempt(ctx, message("https://example.com/"), webhook.Attempt{N: 1})
	span.End()
	require.Equal(t, span.SpanContext().SpanID(), hook.named("webhook attempt")[0].Parent().SpanID())
}

// Without Trace the span is made afterwards, for the time that was.
func TestOnAttempt_Times(t *testing.T) {
	t.Parallel()
	hook := newHook(t, otelhook.Config{})
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hook.OnAttempt(t.Context(), message("https://example.com/"), webhook.Attempt{N: 3, At: at, Duration: 1500 * time.Millisecond})
	span := hook.named("webhook attempt")[0]
	require.Equal(t, at, span.StartTime())
	require.Equal(t, at.Add(1500*time.Millisecond), span.EndTime())
	require.Equal(t, int64(2), attributes(span)["http.request.resend_count"])
}

// Two hooks of one client do not take each other's spans for their own.
func TestOnAttempt_TwoHooks(t *testing.T) {
	t.Parallel()
	one, other := newHook(t, otelhook.Config{}), newHook(t, otelhook.Config{})
	ctx, _, end := one.Trace(t.Context(), message("https://example.com/"), 1)
	a := webhook.Attempt{N: 1, Outcome: webhook.OutcomeDelivered}
	one.OnAttempt(ctx, message("https://example.com/"), a)
	other.OnAttempt(ctx, message("https://example.com/"), a)
	end(a)
	require.Len(t, one.named("webhook attempt"), 1)
	require.Len(t, other.named("webhook attempt"), 1)
}

func TestAttempt_Outcomes(t *testing.T) {
	t.Parallel()

	failed := errors.New("webhook: no connection")
	tests := []struct {
		name    string
		attempt webhook.Attempt
		status  codes.Code
		want    map[string]any // of outcome, class, status and error.type
		ends    bool
	}{
		{
			"delivered",
			webhook.Attempt{Outcome: "delivered", Status: 202},
			codes.Unset,
			map[string]any{"webhook.outcome": "delivered", "http.response.status_code": int64(202)},
			true,
		},
		{
			"failed",
			webhook.Attempt{Outcome: "failed", Class: "connect", Err: failed},
			codes.Error,
			map[string]any{"webhook.outcome": "failed", "webhook.class": "connect", "error.type": "connect"},
			true,
		},
		{
			"gone",
			webhook.Attempt{Outcome: "gone", Class: "status", Status: 410, Err: failed},
			codes.Error,
			map[string]any{"webhook.outcome": "gone", "webhook.class": "status", "http.response.status_code": int64(410), "error.type": "410"},
			true,
		},
		{
			"retrying",
			webhook.Attempt{Outcome: "retrying", Class: "timeout", Err: failed},
			codes.Error,
			map[string]any{"webhook.outcome": "retrying", "webhook.class": "timeout", "error.type": "timeout"},
			false,
		},
		{
			"our proxy",
			webhook.Attempt{Outcome: "failed", Class: "proxy", Err: failed},
			codes.Error,
			map[string]any{"webhook.outcome": "failed", "webhook.class": "proxy", "error.type": "proxy"},
			false,
		},
		{
			"our proxy, on the way back",
			webhook.Attempt{Outcome: "failed", Class: "proxy", Err: failed, MayHaveArrived: true},
			codes.Error,
			map[string]any{"webhook.outcome": "failed", "webhook.class": "proxy", "error.type": "proxy"},
			true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			hook := newHook(t, otelhook.Config{})
			tt.attempt.N = 1
			hook.OnAttempt(t.Context(), message("https://example.com/"), tt.attempt)
			span := hook.named("webhook attempt")[0]
			require.Equal(t, tt.status, span.Status().Code)
			got := attributes(span)
			for _, name := range []string{"webhook.outcome", "webhook.class", "http.response.status_code", "error.type"} {
				require.Equal(t, tt.want[name], got[name], name)
			}
			require.Equal(t, "example.com", got["server.address"])
			require.Equal(t, int64(443), got["server.port"])
			count := hook.collect(t)["webhook.deliveries{webhook.event=order:paid,webhook.outcome="+string(tt.attempt.Outcome)+"}"]
			require.Equal(t, tt.ends, count == 1)
		})
	}
}

// Who cancels an attempt has no result: it is a span without an error, and not counted.
func TestAttempt_Canceled(t *testing.T) {
	t.Parallel()
	hook := newHook(t, otelhook.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	client := &webhook.Client{OnAttempt: hook.OnAttempt, Trace: hook.Trace, Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		cancel()
		return nil, r.Context().Err()
	})}
	client.Try(ctx, message("https://example.com/"), 1)
	span := hook.named("webhook attempt")[0]
	require.Equal(t, "canceled", attributes(span)["webhook.outcome"])
	require.Equal(t, codes.Unset, span.Status().Code)
	require.Empty(t, hook.collect(t))
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a span is begun for is not sampled: the receiver is told so, not nothing.
func TestTrace_NotSampled(t *testing.T) {
	t.Parallel()
	hook, err := otelhook.New(otelhook.Config{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())), Propagate: true,
	})
	require.NoError(t, err)
	_, traceparent, end := hook.Trace(t.Context(), message("https://example.com/"), 1)
	end(webhook.Attempt{})
	require.Regexp(t, "^00-[0-9a-f]{32}-[0-9a-f]{16}-00$", traceparent)
}

// Whatever a message has, what is told of it is text, and little; and nothing of it is a
// secret or a number to call.
func TestAttempt_Hostile(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("\u00e9", 1000)
	tests := []struct {
		name   string
		change func(*webhook.Message)
	}{
		{"no text", func(m *webhook.Message) {
			m.Event, m.WebhookID, m.ID, m.Method, m.URL = "\xff", "\xfe\xff", "\xff", "\xff", "\xff"
		}},
		{"long", func(m *webhook.Message) {
			m.Event, m.WebhookID, m.ID, m.Method, m.URL = long, long, long, long, "http://"+long
		}},
		{"nothing", func(m *webhook.Message) { *m = webhook.Message{} }},
		{"secrets", func(m *webhook.Message) {
			m.URL = "https://4915112345678:4915112345678@example.com/4915112345678?4915112345678#4915112345678"
			m.Header = http.Header{"4915112345678": {"4915112345678"}}
			m.Body, m.Subject, m.Refs = []byte("4915112345678"), "4915112345678", []string{"4915112345678"}
			m.Trace = "4915112345678"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			hook, m := newHook(t, otelhook.Config{}), message("https://example.com/")
			tt.change(m)
			client := &webhook.Client{OnAttempt: hook.OnAttempt, Trace: hook.Trace}
			require.Error(t, hook.Sender(client).Send(t.Context(), m))
			ctx, _, end := hook.Trace(t.Context(), m, 1) // also if it came to that
			end(webhook.Attempt{N: 1})
			require.NotNil(t, ctx)
			spans := hook.spans.Ended()
			require.NotEmpty(t, spans)
			for _, span := range spans {
				for name, value := range attributes(span) {
					text := fmt.Sprint(value)
					require.True(t, utf8.ValidString(text), name)
					require.LessOrEqual(t, len(text), 256, name)
					require.NotContains(t, text, "4915112345678", name)
				}
				require.True(t, utf8.ValidString(span.Status().Description))
				require.NotContains(t, span.Status().Description, "4915112345678")
			}
		})
	}

	t.Run("no message", func(t *testing.T) {
		t.Parallel()
		hook := newHook(t, otelhook.Config{})
		(&webhook.Client{OnAttempt: hook.OnAttempt, Trace: hook.Trace}).Try(t.Context(), nil, 1)
		require.Equal(t, "invalid", attributes(hook.named("webhook attempt")[0])["webhook.class"])
	})
}

// However many types of events there are, there are few series.
func TestOnAttempt_Cardinality(t *testing.T) {
	t.Parallel()
	hook := newHook(t, otelhook.Config{})
	for i := range 1000 {
		m := message("https://example.com/")
		m.ID, m.WebhookID, m.Event = fmt.Sprint("m_", i), fmt.Sprint("wh_", i), fmt.Sprint("event:", i)
		hook.OnAttempt(t.Context(), m, webhook.Attempt{N: 1, Outcome: webhook.OutcomeDelivered})
		hook.OnDrop(m, "disabled")
	}
	for _, event := range []string{strings.Repeat("x", 65), "\xff"} {
		m := message("https://example.com/")
		m.Event = event
		hook.OnAttempt(t.Context(), m, webhook.Attempt{N: 1, Outcome: webhook.OutcomeDelivered})
	}
	got := hook.collect(t)
	require.InDelta(t, 1, got["webhook.attempts{webhook.event=event:99,webhook.outcome=delivered}"], 0)
	require.InDelta(t, 902, got["webhook.attempts{webhook.event=_OTHER,webhook.outcome=delivered}"], 0)
	require.InDelta(t, 900, got["webhook.deliveries{webhook.event=_OTHER,webhook.outcome=dropped}"], 0)
	require.Len(t, got, 3*101+1)
}
