package durabletest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

type traceKey struct{}

// testTrace enqueues messages in a context with a trace, and reads them back.
func testTrace[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Trace: func(ctx context.Context) string {
		trace, _ := ctx.Value(traceKey{}).(string)
		return trace
	}})
	hooks, q, _ := dispatcher(t, e, queue.Config{})
	const one, other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	in := func(trace string) context.Context { return context.WithValue(t.Context(), traceKey{}, trace) }
	traceOf := func(id string) string {
		m, err := e.Message(t.Context(), id)
		require.NoError(t, err)
		return m.Trace
	}
	require.NoError(t, hooks.DispatchID(in(one), hookID, "dispatched", sent))
	require.Equal(t, one, traceOf("dispatched"))
	require.NoError(t, hooks.DispatchID(in(other), hookID, "dispatched", sent), "it is the same message")
	require.Equal(t, one, traceOf("dispatched"))

	for id, none := range map[string]string{"none": "", "word": "secret", "long": one + "-"} {
		require.NoError(t, hooks.DispatchID(in(none), hookID, id, sent))
		require.Empty(t, traceOf(id))
	}

	m := &webhook.Message{ID: "own", WebhookID: hookID, Method: "GET", URL: "https://receiver.example/", Trace: other}
	require.NoError(t, q.Send(in(one), m))
	require.Equal(t, other, traceOf("own"), "it has one already")
	m = &webhook.Message{ID: "sent", WebhookID: hookID, Method: "GET", URL: "https://receiver.example/"}
	require.NoError(t, q.Send(in(one), m))
	require.Equal(t, one, traceOf("sent"))
	require.Empty(t, m.Trace, "what is enqueued is not changed")

	// What is sent again is still the same message; what is composed again is not.
	end(t, db, "dispatched", "failed", "status")
	require.NoError(t, e.Resend(in(other), "dispatched"))
	require.Equal(t, one, traceOf("dispatched"))
	end(t, db, "dispatched", "failed", "")
	d, err := hooks.Recompose(in(other), "dispatched")
	require.NoError(t, err)
	require.Equal(t, other, traceOf(d.ID))
}
