package webhook_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// The reports on one message are three messages, however alike their ids are; the same
// report composed twice is one, also with another template or boundary.
func TestMessage_Differs(t *testing.T) {
	t.Parallel()
	status := func(s payload.Status) payload.MessageStatus {
		return payload.MessageStatus{ID: "a418d672", Status: s}
	}
	composed := func(w webhook.Webhook, e webhook.Event) *webhook.Message {
		m, err := webhook.MustCompile(w).ComposeID("a418d672", e)
		require.NoError(t, err)
		require.Len(t, m.Content, 16)
		return m
	}
	hook := webhook.Webhook{ID: "wh", URL: "https://h.test/", Format: webhook.FormatFormData, Body: `{"s":"{{status}}"}`}
	edited, other := hook, hook
	edited.URL, other.ID = "https://h.test/new", "wh2"
	sent := composed(hook, status(payload.StatusSent))
	require.Empty(t, sent.Differs(composed(hook, status(payload.StatusSent))), "the boundary is another one")
	require.Empty(t, sent.Differs(composed(edited, status(payload.StatusSent))))
	require.Equal(t, "content", sent.Differs(composed(hook, status(payload.StatusRead))))
	require.Equal(t, "webhook_id", sent.Differs(composed(other, status(payload.StatusSent))))

	var stored webhook.Message
	b, err := json.Marshal(sent)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &stored))
	require.Equal(t, sent, &stored)

	tests := []struct {
		want   string
		change func(m *webhook.Message)
	}{
		{"", func(*webhook.Message) {}},
		{"", func(m *webhook.Message) { m.Policy.Attempts, m.Subject, m.Rank, m.Event = 7, "s", 1, "e" }},
		{"", func(m *webhook.Message) { m.Content = []byte("0123456789abcdef") }},
		{"webhook_id", func(m *webhook.Message) { m.WebhookID = "x" }},
		{"method", func(m *webhook.Message) { m.Method = "PUT" }},
		{"url", func(m *webhook.Message) { m.URL += "x" }},
		{"header", func(m *webhook.Message) { m.Header = http.Header{} }},
		{"header", func(m *webhook.Message) { m.Header["Content-Type"] = []string{"a", "b"} }},
		{"body", func(m *webhook.Message) { m.Body = append(slices.Clone(m.Body), 'x') }},
	}
	for _, tt := range tests {
		m, o := message("https://h.test/"), message("https://h.test/")
		tt.change(o)
		require.Equal(t, tt.want, m.Differs(o))
		require.Equal(t, tt.want, o.Differs(m))
	}
}

func TestContentID(t *testing.T) {
	t.Parallel()
	event := func(typ, text string) webhook.RawEvent { return webhook.RawEvent{Type: typ, JSON: []byte(text)} }
	id := func(webhookID string, e webhook.Event) string {
		id, err := webhook.ContentID(webhookID, e)
		require.NoError(t, err)
		require.Regexp(t, `\A[A-Za-z0-9_-]{43}\z`, id)
		return id
	}
	first := id("wh", event("t", `{"a":1}`))
	require.Equal(t, first, id("wh", event("t", `{"a":1}`)))
	require.Equal(t, "5DT3rGdqd4xaW_d2xdh-WVdSnXjglv_gNbggcfq9TJs", first, "ids are kept by producers: they must not change")
	for _, other := range []string{
		id("wh", event("t", `{"a":2}`)), id("wh", event("u", `{"a":1}`)), id("wx", event("t", `{"a":1}`)), id("wht", event("", `{"a":1}`)),
	} {
		require.NotEqual(t, first, other)
	}
	require.Equal(t,
		id("wh", payload.MessageStatus{ID: "1"}), id("wh", &payload.MessageStatus{ID: "1"}), "a value and a pointer to it")

	_, err := webhook.ContentID("wh", nil)
	require.EqualError(t, err, "webhook: event: is nil")
	_, err = webhook.ContentID("wh", event("t", `{`))
	require.ErrorContains(t, err, "webhook: event: not JSON at offset 1")
}
