package webhook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// What cannot be seen, and was perhaps pasted, is told where it changes what is asked for:
// in URLs, the names of fields and conditions. Texts may have it.
func TestCheck_Invisible(t *testing.T) {
	t.Parallel()
	e := raw(`{"v":"a"}`)
	tests := []struct {
		w     webhook.Webhook
		field string
		at    int
		char  string
	}{
		{webhook.Webhook{URL: "https://h/a\u200bb"}, "url", len("https://h/a"), "U+200B"},
		{webhook.Webhook{URL: "https://h/{{v}}?a=b\u00a0c"}, "url", len("https://h/{{v}}?a=b"), "U+00A0"},
		{webhook.Webhook{URL: "\ufeff https://h/a\u202ab\u200b"}, "url", len("\ufeff https://h/a"), "U+202A"},
		{webhook.Webhook{URL: "https://h/", Body: "{\"a\u200f\": \"\u200f\"}"}, "body", len(`{"a`), "U+200F"},
		{webhook.Webhook{URL: "https://h/", Body: `{"\ufeffa": "\ufeff"}`}, "body", len(`{"`), "U+FEFF"},
		{webhook.Webhook{URL: "https://h/", Body: "{\"a\u200db\": \"\"}"}, "body", len(`{"a`), "U+200D"},
		{webhook.Webhook{URL: "https://h/", When: "v == 'a\u200b'"}, "when", len("v == 'a"), "U+200B"},
		{webhook.Webhook{URL: "https://h/", When: "v ==\u00a0'a'"}, "when", len("v =="), "U+00A0"},
		{webhook.Webhook{URL: "\u200b\u202ahttps://h/a\u202c\u00a0"}, "", 0, ""},
		{webhook.Webhook{URL: "https://h/", Body: "{\"می\u200cخواهم\": \"Zo\u00eb\u00a0\u00ad\u200b\"}"}, "", 0, ""},
		{webhook.Webhook{URL: "https://h/", When: "v == '\u06dd\u0661' or v == '\U0001f3f4\U000e0067\U000e0062\U000e007f'"}, "", 0, ""},
		{webhook.Webhook{URL: "https://h/", When: "v != 'a\U000e0067'"}, "when", len("v != 'a"), "U+E0067"},
		{webhook.Webhook{URL: "https://h/", Format: webhook.FormatText, Body: "\ufeffa\u200b\":{{v}}"}, "", 0, ""},
	}
	for _, tt := range tests {
		problems := webhook.Check(tt.w, e)
		if tt.field == "" {
			require.Empty(t, problems, tt.w.URL)
			c, err := webhook.Compile(tt.w, e)
			require.NoError(t, err)
			if tt.w.When != "" {
				continue
			}
			m, err := c.Compose(e)
			require.NoError(t, err)
			require.Contains(t, []string{"https://h/a", "https://h/"}, m.URL)
			continue
		}
		require.Len(t, problems, 1)
		p := problems[0]
		require.Equal(t, []any{tt.field, tt.at, "character-invisible", []string{tt.char}}, []any{p.Field, p.Offset, p.Code, p.Args})
	}
}

// What is pasted from HTML, user and password without base64, and zones that many take for
// others.
func TestCheck_Habits(t *testing.T) {
	t.Parallel()
	e := raw(`{"v":"a","d":"2026-11-28 12:00:00"}`)
	header := func(value string) webhook.Webhook {
		return webhook.Webhook{URL: "https://h/", Headers: map[string]string{"authorization": value}}
	}
	zone := func(name string) webhook.Webhook {
		return webhook.Webhook{URL: "https://h/", Body: `"{{d | date_format: 'H:i', '` + name + `'}} {{d | date: '%H:%M', '` + name + `'}}"`}
	}
	tests := []struct {
		name       string
		w          webhook.Webhook
		code       string
		n          int
		suggestion string
		args       []string
	}{
		{"HTML", webhook.Webhook{URL: "https://h/?a=1&amp;b={{v}}&amp;c=amp;&d=&lt;"}, "url-html", 2, "&", nil},
		{"HTML without a query", webhook.Webhook{URL: "https://h/a&amp;b?amp;c=1"}, "", 0, "", nil},
		{"Basic", header("Basic user:password"), "basic-not-base64", 1, "", nil},
		{"Basic of a value", header("basic {{v}}:x"), "", 0, "", nil},
		{"Basic before a value", header("Basic user:{{v}}"), "basic-not-base64", 1, "", nil},
		{"Basic in base64", header("Basic dXNlcjpwYXNzd29yZA=="), "", 0, "", nil},
		{"Basic by the filter", header("Basic {{'user:password' | base64_encode}}"), "", 0, "", nil},
		{"another scheme", header("Digest user:password"), "", 0, "", nil},
		{"a sign", zone("Etc/GMT+5"), "date-zone-fixed", 2, "", []string{"Etc/GMT+5", "-05:00"}},
		{"a zone that New York has in winter", zone("EST"), "date-zone-fixed", 2, "", []string{"EST", "-05:00"}},
		{"a place", zone("America/New_York"), "", 0, "", nil},
		{"UTC", zone("UTC"), "", 0, "", nil},
		{"GMT", zone("Etc/GMT"), "", 0, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			problems := webhook.Check(tt.w, e)
			require.Len(t, problems, tt.n)
			for _, p := range problems {
				require.Equal(t, []any{tt.code, tt.suggestion, tt.args, webhook.SeverityWarning}, []any{p.Code, p.Suggestion, p.Args, p.Severity})
			}
		})
	}
}
