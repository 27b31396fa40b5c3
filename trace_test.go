package webhook_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/webhooktest"
)

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func traced(url string) *webhook.Message {
	return &webhook.Message{
		ID: "m_1", WebhookID: "wh_1", Event: status, Method: http.MethodPost, URL: url,
		Header: http.Header{"X-Own": {"1"}}, Body: []byte(`{}`), Trace: traceparent,
	}
}

type traceKey struct{}

func TestClient_Trace(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, k carrier) {
		receiver := webhooktest.NewReceiver(webhooktest.Status(500), webhooktest.Status(200))
		t.Cleanup(receiver.Close)
		const attempts = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
		var seen []string
		see := func(ctx context.Context, where string) {
			value, _ := ctx.Value(traceKey{}).(string)
			seen = append(seen, where+" "+value)
		}
		c := k.client(t, loopback)
		c.Signer = webhook.SignerFunc(func(ctx context.Context, m *webhook.Message, _ time.Time, h http.Header) error {
			see(ctx, "sign")
			require.Equal(t, http.Header{"X-Own": {"1"}}, m.Header)
			h.Set("Signature", "s")
			return nil
		})
		c.OnAttempt = func(ctx context.Context, _ *webhook.Message, _ webhook.Attempt) { see(ctx, "told") }
		c.Trace = func(ctx context.Context, m *webhook.Message, n int) (context.Context, string, func(webhook.Attempt)) {
			require.Equal(t, "m_1", m.ID)
			return context.WithValue(ctx, traceKey{}, "of its own"), attempts, func(a webhook.Attempt) {
				require.Equal(t, n, a.N)
				seen = append(seen, string(a.Outcome))
			}
		}
		m := traced(receiver.URL)
		c.Try(t.Context(), m, 1)
		c.Try(t.Context(), m, 2)
		require.Equal(t, []string{
			"sign of its own", "told of its own", "retrying", "sign of its own", "told of its own", "delivered",
		}, seen)
		for _, r := range receiver.Requests() {
			require.Equal(t, []string{attempts}, r.Header["Traceparent"])
			require.Equal(t, "1", r.Header.Get("X-Own"))
		}
		require.Equal(t, traced(receiver.URL), m, "the message is not changed")
	})
}

func TestClient_Trace_Header(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name        string
		own         string // of the message
		traceparent string
		want        []string
	}{
		{"none", "", "", nil},
		{"a traceparent", "", traceparent, []string{traceparent}},
		{"the webhook's own stays", "own", traceparent, []string{"own"}},
		{"no traceparent", "", "secret", nil},
		{"two headers", "", traceparent + "\r\nX-Other: 1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			receiver := webhooktest.NewReceiver()
			t.Cleanup(receiver.Close)
			c := newClient(t, loopback)
			c.Trace = func(context.Context, *webhook.Message, int) (context.Context, string, func(webhook.Attempt)) {
				return nil, tt.traceparent, nil
			}
			m := traced(receiver.URL)
			if tt.own != "" {
				m.Header["traceparent"] = []string{tt.own}
			}
			require.NoError(t, c.Try(t.Context(), m, 1).Err)
			require.Equal(t, tt.want, receiver.Requests()[0].Header["Traceparent"])
		})
	}

	t.Run("never by itself", func(t *testing.T) {
		t.Parallel()
		receiver := webhooktest.NewReceiver()
		t.Cleanup(receiver.Close)
		require.NoError(t, newClient(t, loopback).Send(t.Context(), traced(receiver.URL)))
		require.NotContains(t, receiver.Requests()[0].Header, "Traceparent")
	})
}

// What is begun is ended, whatever becomes of the attempt; and nothing is begun for a
// message of which nothing would be sent.
func TestClient_Trace_Ends(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name   string
		change func(*webhook.Client, *webhook.Message, context.CancelCauseFunc)
		want   []webhook.Outcome
	}{
		{"delivered", func(*webhook.Client, *webhook.Message, context.CancelCauseFunc) {}, []webhook.Outcome{"delivered"}},
		{"canceled", func(c *webhook.Client, _ *webhook.Message, cancel context.CancelCauseFunc) {
			c.Transport = roundTripFunc(func(r *http.Request) (*http.Response, error) {
				cancel(nil)
				return nil, r.Context().Err()
			})
		}, []webhook.Outcome{"canceled"}},
		{"a panic in OnAttempt", func(c *webhook.Client, _ *webhook.Message, _ context.CancelCauseFunc) {
			c.OnAttempt = func(context.Context, *webhook.Message, webhook.Attempt) { panic("told") }
		}, []webhook.Outcome{"delivered"}},
		{"a message that is invalid", func(_ *webhook.Client, m *webhook.Message, _ context.CancelCauseFunc) {
			m.Trace = "secret"
		}, nil},
		{"a message that has expired", func(_ *webhook.Client, m *webhook.Message, _ context.CancelCauseFunc) {
			m.Policy.Expires, m.Composed = time.Minute, time.Now().Add(-time.Hour)
		}, nil},
		{"a context that has ended", func(_ *webhook.Client, _ *webhook.Message, cancel context.CancelCauseFunc) {
			cancel(nil)
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			receiver := webhooktest.NewReceiver()
			t.Cleanup(receiver.Close)
			c, m := newClient(t, loopback), traced(receiver.URL)
			begun, ended := 0, []webhook.Outcome(nil)
			c.Trace = func(ctx context.Context, _ *webhook.Message, _ int) (context.Context, string, func(webhook.Attempt)) {
				begun++
				return ctx, traceparent, func(a webhook.Attempt) { ended = append(ended, a.Outcome) }
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			tt.change(c, m, cancel)
			c.Try(ctx, m, 1)
			require.Equal(t, tt.want, ended)
			require.Equal(t, len(tt.want), begun)
		})
	}
}

func TestClient_Trace_Panics(t *testing.T) { //nolint:paralleltest // logs to slog's default
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	receiver := webhooktest.NewReceiver()
	t.Cleanup(receiver.Close)
	c := newClient(t, loopback)
	c.Trace = func(context.Context, *webhook.Message, int) (context.Context, string, func(webhook.Attempt)) {
		panic("secret")
	}
	require.NoError(t, c.Try(t.Context(), traced(receiver.URL), 1).Err)
	c.Trace = func(ctx context.Context, _ *webhook.Message, _ int) (context.Context, string, func(webhook.Attempt)) {
		return ctx, "", func(webhook.Attempt) { panic("secret") }
	}
	require.NoError(t, c.Try(t.Context(), traced(receiver.URL), 1).Err)
	require.Len(t, receiver.Requests(), 2)
	require.Equal(t, 2, strings.Count(logged.String(), "panic in Trace: string"))
	require.NotContains(t, logged.String(), "secret")
}

func TestMessage_Check_Trace(t *testing.T) {
	t.Parallel()

	valid := []string{
		"", traceparent,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
		"00-00000000000000000000000000000001-0000000000000001-ff",
	}
	for _, trace := range valid {
		m := traced("https://example.com/")
		m.Trace = trace
		require.NoError(t, m.Check(), "%q", trace)
	}
	invalid := []string{
		" ", "00", traceparent + "-", traceparent + "00", traceparent[:54], strings.ToUpper(traceparent),
		"01" + traceparent[2:], "ff" + traceparent[2:], "00_" + traceparent[3:], "00-" + strings.ReplaceAll(traceparent[3:], "-", "0"),
		"00-00000000000000000000000000000000-b7ad6b7169203331-00",
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00",
		traceparent[:54] + "g", traceparent[:54] + "\n", traceparent[:53] + "\u00e9",
	}
	for _, trace := range invalid {
		m := traced("https://example.com/")
		m.Trace = trace
		require.EqualError(t, m.Check(), "webhook: invalid message: trace is no traceparent of version 00", "%q", trace)
	}
}

// A message that comes again from elsewhere is the same one.
func TestMessage_Differs_Trace(t *testing.T) {
	t.Parallel()
	m, again := traced("https://example.com/"), traced("https://example.com/")
	again.Trace = ""
	require.Empty(t, m.Differs(again))
}
