package webhook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// A name that stands in several places is written in each as if it stood there alone.
func TestCompose_Again(t *testing.T) {
	t.Parallel()
	texts := []string{
		"", "a418d672-9781.ab_c~", "-1.5.x", "-", "a b", `"&<'=`, "+91", "é", "\xff", "null", "0", "..x",
		strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a", 2000),
	}
	csv := map[string]string{"Content-Type": "text/csv"}
	tests := []struct {
		name    string
		webhook webhook.Webhook
		before  string // of the body
		after   string
	}{
		{"string", webhook.Webhook{}, `["x{{id}}",`, `"{{id}}"]`},
		{"JSON", webhook.Webhook{}, `[{{id}},`, `{{id}}]`},
		{"text", webhook.Webhook{Format: webhook.FormatText}, "<{{id}}>", "{{id}}"},
		{"CSV", webhook.Webhook{Format: webhook.FormatText, Headers: csv}, "{{id}},", "{{id}}"},
		{"quoted CSV", webhook.Webhook{Format: webhook.FormatText, Headers: csv}, `"{{id}}",`, `"{{id}}"`},
		{"XML", webhook.Webhook{Format: webhook.FormatXML}, `<a b="{{id}}">`, `{{id}}</a>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			twice, once := tt.webhook, tt.webhook
			twice.URL, twice.Body = "https://example.com/{{id}}x?q={{id}}", tt.before+tt.after
			once.URL, once.Body = "https://example.com/", strings.Replace(twice.Body, "{{id}}", "{{foreign_id}}", 1)
			c := webhook.MustCompile(twice, payload.MessageStatus{})
			for _, text := range texts {
				event := payload.MessageStatus{ID: text, ForeignID: text}
				require.Equal(t, compose(t, once, event).Body, compose(t, twice, event).Body, "%q", text)
				m, err := c.Compose(event)
				require.NoError(t, err)
				escaped := strings.TrimPrefix(compose(t, webhook.Webhook{URL: "https://example.com/?q={{id}}"}, event).URL, "https://example.com/?q=")
				require.Equal(t, "https://example.com/"+escaped+"x?q="+escaped, m.URL)
			}
		})
	}
}

// A readOnce is a field that counts how often it is read.
type readOnce struct{ reads *int }

func (r readOnce) MarshalJSON() ([]byte, error) { *r.reads++; return []byte(`{"a":1}`), nil }

type counting struct {
	Value readOnce `json:"value"`
	Other readOnce `json:"other"`
}

func (counting) EventType() string { return "counting" }

// A name is read once for a message, however often the templates have it, and not at all
// for an event that is not wanted.
func TestCompose_ReadsOnce(t *testing.T) {
	t.Parallel()
	event := counting{Value: readOnce{new(int)}, Other: readOnce{new(int)}}
	w := webhook.Webhook{URL: "https://example.com/", Headers: map[string]string{"X-A": "{{value}}"}, Body: `[{{value}}, "{{value}}"]`}
	c, err := webhook.Compile(w)
	require.NoError(t, err)
	m, err := c.Compose(&event)
	require.NoError(t, err)
	require.JSONEq(t, `[{"a":1}, "{\"a\":1}"]`, string(m.Body))
	require.Equal(t, 1, *event.Value.reads)
	require.Zero(t, *event.Other.reads)

	w.When = "event == 'another'"
	_, err = webhook.MustCompile(w).Compose(&event)
	require.ErrorIs(t, err, webhook.ErrUnwanted)
	require.Equal(t, 1, *event.Value.reads)
}
