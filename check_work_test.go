package webhook_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// A template may be made to take long: what Check does for one is bounded, here by what it
// allocates for each placeholder, name and suggestion that it looks at.
func TestCheck_Work(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	full := func(unit string) string { return strings.Repeat(unit, webhook.MaxTemplateSize/len(unit)) }
	numbered := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	headers := func(value string) webhook.Webhook {
		w := webhook.Webhook{Headers: map[string]string{}, Body: "{}"}
		for i := range webhook.MaxHeaders {
			w.Headers[fmt.Sprintf("X-%d", i)] = value
		}
		return w
	}
	text := func(body string) webhook.Webhook { return webhook.Webhook{Format: webhook.FormatText, Body: body} }
	long := strings.Repeat("a", 200)
	many := raw("{" + strings.TrimSuffix(numbered(`"`+long+`%d":1,`, 1000), ",") + "}")
	tests := []struct {
		name    string
		webhook webhook.Webhook
		sample  webhook.Event
		allocs  float64
	}{
		{"placeholders", text(full("{{id}}")), payload.MessageStatus{}, 15_000},
		{"placeholders of all headers", headers(full("{{id}}")), payload.MessageStatus{}, 400_000},
		{"faulty placeholders of all headers", headers(full("@<<a b>>")), payload.MessageStatus{}, 600_000},
		{"unknown filters", headers(full("{{id" + strings.Repeat("|date_formax", 32) + "}}")), payload.MessageStatus{}, 400_000},
		{"other languages", headers(full("$" + strings.Repeat("a.", 250) + "a ")), payload.MessageStatus{}, 400_000},
		{"long names that are almost known", text(numbered("{{"+long+"%db}}", 300)), many, 50_000},
	}
	for _, tt := range tests { //nolint:paralleltest // as its parent
		t.Run(tt.name, func(t *testing.T) {
			tt.webhook.URL = "https://example.com/"
			allocs := testing.AllocsPerRun(1, func() { webhook.Check(tt.webhook, tt.sample) })
			require.LessOrEqual(t, allocs, tt.allocs)
		})
	}
}
