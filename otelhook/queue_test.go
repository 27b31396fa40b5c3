package otelhook_test

import (
	"context"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/otelhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
	"github.com/ringhook/webhook/webhooktest"
)

// One message on its way through a queue: what is seen of it, and what is not.
func TestQueue(t *testing.T) {
	t.Parallel()
	for _, propagate := range []bool{true, false} {
		t.Run("propagate "+strconv.FormatBool(propagate), func(t *testing.T) {
			t.Parallel()
			hook := newHook(t, otelhook.Config{Propagate: propagate})
			receiver := webhooktest.NewReceiver(webhooktest.Status(503), webhooktest.Status(200))
			t.Cleanup(receiver.Close)
			client := receiver.Client()
			t.Cleanup(client.CloseIdleConnections)
			client.OnAttempt, client.Trace = hook.OnAttempt, hook.Trace
			engine, err := memory.New(memory.Config{})
			require.NoError(t, err)
			q, err := queue.New(client, engine, queue.Config{OnDrop: hook.OnDrop, OnState: hook.OnState})
			require.NoError(t, err)
			_, err = hook.ObserveStats(q.Stats)
			require.NoError(t, err)

			// Run is called in a span, of which the attempts are no part.
			starting, startup := hook.tracer.Start(t.Context(), "startup")
			running, stop := context.WithCancel(starting)
			defer stop()
			ended := make(chan error, 1)
			go func() { ended <- q.Run(running) }()
			startup.End()

			m := message(receiver.URL + "/4915112345678?to=%2B4915112345678&key=hunter2")
			m.Policy.Waits = []time.Duration{time.Millisecond}
			caller, request := hook.tracer.Start(t.Context(), "request")
			require.NoError(t, hook.Sender(q).Send(caller, m))
			request.End()
			require.NoError(t, q.Drain(t.Context()))
			stop()
			require.NoError(t, <-ended)

			u, err := url.Parse(receiver.URL)
			require.NoError(t, err)
			port, err := strconv.Atoi(u.Port())
			require.NoError(t, err)

			send := hook.named("webhook send")
			require.Len(t, send, 1)
			require.Equal(t, request.SpanContext().SpanID(), send[0].Parent().SpanID())
			require.Equal(t, trace.SpanKindProducer, send[0].SpanKind())
			require.Equal(t, codes.Unset, send[0].Status().Code)
			require.Equal(t, map[string]any{
				"webhook.id": "wh_1", "webhook.message.id": "m_1", "webhook.event": "order:paid",
			}, attributes(send[0]))

			attempts := hook.named("webhook attempt")
			require.Len(t, attempts, 2)
			for i, span := range attempts {
				require.Equal(t, trace.SpanKindClient, span.SpanKind())
				require.False(t, span.Parent().IsValid(), "a trace of its own")
				require.Len(t, span.Links(), 1)
				require.Equal(t, send[0].SpanContext().SpanID(), span.Links()[0].SpanContext.SpanID())
				require.Equal(t, send[0].SpanContext().TraceID(), span.Links()[0].SpanContext.TraceID())
				header := receiver.Requests()[i].Header["Traceparent"]
				if propagate {
					require.Equal(t, []string{"00-" + span.SpanContext().TraceID().String() + "-" + span.SpanContext().SpanID().String() + "-01"}, header)
				} else {
					require.Empty(t, header)
				}
			}
			want := func(more map[string]any) map[string]any {
				all := map[string]any{
					"webhook.id": "wh_1", "webhook.message.id": "m_1", "webhook.event": "order:paid",
					"http.request.method": "POST", "url.scheme": "http",
					"server.address": u.Hostname(), "server.port": int64(port),
				}
				for name, value := range more {
					all[name] = value
				}
				return all
			}
			require.Equal(t, want(map[string]any{
				"webhook.attempt": int64(1), "webhook.outcome": "retrying", "webhook.class": "status",
				"http.response.status_code": int64(503), "error.type": "503",
			}), attributes(attempts[0]))
			require.Equal(t, codes.Error, attempts[0].Status().Code)
			require.Equal(t, "webhook: status 503", attempts[0].Status().Description)
			require.Equal(t, want(map[string]any{
				"webhook.attempt": int64(2), "webhook.outcome": "delivered", "http.request.resend_count": int64(1),
				"http.response.status_code": int64(200),
			}), attributes(attempts[1]))
			require.Equal(t, codes.Unset, attempts[1].Status().Code)

			require.Equal(t, map[string]float64{
				"webhook.attempts{webhook.class=status,webhook.event=order:paid,webhook.outcome=retrying}": 1,
				"webhook.attempts{webhook.event=order:paid,webhook.outcome=delivered}":                     1,
				"webhook.attempt.duration{webhook.class=status,webhook.outcome=retrying}":                  1,
				"webhook.attempt.duration{webhook.outcome=delivered}":                                      1,
				"webhook.deliveries{webhook.event=order:paid,webhook.outcome=delivered}":                   1,
				"webhook.pending{}": 0, "webhook.due{}": 0, "webhook.held{}": 0, "webhook.in_flight{}": 0, "webhook.oldest{}": 0,
			}, hook.collect(t))
		})
	}
}

// What ends without an attempt, and what becomes of endpoints.
func TestQueue_Ends(t *testing.T) {
	t.Parallel()
	hook := newHook(t, otelhook.Config{})
	receiver := webhooktest.NewReceiver(webhooktest.Status(410))
	t.Cleanup(receiver.Close)
	client := receiver.Client()
	t.Cleanup(client.CloseIdleConnections)
	client.OnAttempt = hook.OnAttempt
	engine, err := memory.New(memory.Config{})
	require.NoError(t, err)
	q, err := queue.New(client, engine, queue.Config{Limit: 1, OnDrop: hook.OnDrop, OnState: hook.OnState})
	require.NoError(t, err)
	var messages []*webhook.Message
	for _, id := range []string{"a", "b", "c"} {
		m := message(receiver.URL)
		m.ID = id
		messages = append(messages, m)
	}
	require.NoError(t, q.SendAll(t.Context(), messages...))
	require.NoError(t, q.Pause(t.Context(), "wh_2", "by hand"))
	require.NoError(t, q.Enable(t.Context(), "wh_2", "by hand"))

	running, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- q.Run(running) }()
	require.NoError(t, q.Drain(t.Context()))
	stop()
	require.NoError(t, <-ended)

	got := hook.collect(t)
	require.InDelta(t, 1, got["webhook.deliveries{webhook.event=order:paid,webhook.outcome=gone}"], 0)
	require.InDelta(t, 2, got["webhook.deliveries{webhook.event=order:paid,webhook.outcome=dropped}"], 0)
	for _, state := range []string{"paused", "healthy", "disabled"} {
		require.InDelta(t, 1, got["webhook.endpoints{webhook.state="+state+"}"], 0, state)
	}
	for name := range got {
		require.NotContains(t, name, "wh_")
		require.NotContains(t, name, "id=")
	}
}
