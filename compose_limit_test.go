package webhook_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/request"
)

// requireLimit requires err to be nil at a limit, and the limit's error over it.
func requireLimit(t *testing.T, over bool, err error, text string) {
	t.Helper()
	if !over {
		require.NoError(t, err)
		return
	}
	require.ErrorIs(t, err, webhook.ErrLimit)
	require.EqualError(t, err, text)
	var te *webhook.TemplateError
	require.ErrorAs(t, err, &te)
	require.NotEmpty(t, te.Detail())
}

// What composes may be sent, also with as many headers as a webhook may have.
func TestCompose_MayBeSent(t *testing.T) {
	t.Parallel()
	for _, format := range []webhook.Format{webhook.FormatJSON, webhook.FormatFormData, webhook.FormatFormURLEncoded} {
		for _, own := range []bool{false, true} {
			headers := map[string]string{}
			if own && format == webhook.FormatJSON {
				headers["content-type"] = "application/vnd.api+json"
			}
			for len(headers) < webhook.MaxHeaders {
				headers[fmt.Sprintf("X-%d", len(headers))] = "{{text}}"
			}
			e := raw(`{"text":"` + strings.Repeat("é", webhook.MaxHeaderSize) + `"}`)
			m := compose(t, webhook.Webhook{Format: format, Headers: headers, Body: `{"a":1}`}, e)
			require.NoError(t, m.Check())
			headers["X-Y"] = ""
			_, err := webhook.Compile(webhook.Webhook{URL: "https://h/", Format: format, Headers: headers})
			require.ErrorIs(t, err, webhook.ErrLimit)
		}
	}
}

// nested returns a list in a list, n deep.
func nested(n int, inner string) string {
	return strings.Repeat("[", n) + inner + strings.Repeat("]", n)
}

// Each limit of Compile, at the limit and one over it.
func TestCompile_Limits(t *testing.T) {
	t.Parallel()
	headers := func(n int, value string) map[string]string {
		h := map[string]string{}
		for i := range n {
			h[fmt.Sprintf("X-%d", i)] = value
		}
		return h
	}
	tests := []struct {
		name  string
		limit int
		make  func(n int) webhook.Webhook
		err   string
	}{
		{"body size", webhook.MaxTemplateSize, func(n int) webhook.Webhook {
			return webhook.Webhook{Body: `"` + strings.Repeat("x", n-2) + `"`}
		}, "webhook: body: a template of 65537 bytes, at most 65536: over the limit"},
		{"url size", webhook.MaxURLSize, func(n int) webhook.Webhook {
			return webhook.Webhook{URL: "https://h/" + strings.Repeat("x", n-len("https://h/"))}
		}, "webhook: url: offset 0: URL of 8193 bytes, at most 8192: over the limit"},
		{"url size, encoded", webhook.MaxURLSize, func(n int) webhook.Webhook {
			return webhook.Webhook{URL: "https://h/" + strings.Repeat("|", 10) + strings.Repeat("x", n-30-len("https://h/"))}
		}, "webhook: url: offset 0: URL of 8193 bytes, at most 8192: over the limit"},
		{"header size", webhook.MaxHeaderSize, func(n int) webhook.Webhook {
			return webhook.Webhook{Headers: map[string]string{"A": strings.Repeat("x", n-3) + "{{a}}yyy"}}
		}, "webhook: headers.A: 4097 bytes without its placeholders, at most 4096: over the limit"},
		{"header name size", webhook.MaxNameSize, func(n int) webhook.Webhook {
			return webhook.Webhook{Headers: map[string]string{strings.Repeat("x", n): ""}}
		}, "webhook: headers: header name of 257 bytes, at most 256: over the limit"},
		{"headers", webhook.MaxHeaders, func(n int) webhook.Webhook {
			return webhook.Webhook{Headers: headers(n, "")}
		}, "webhook: headers: 51 headers, at most 50: over the limit"},
		{"placeholders", webhook.MaxPlaceholders, func(n int) webhook.Webhook {
			return webhook.Webhook{Body: `"` + strings.Repeat("{{a}}", n) + `"`}
		}, "webhook: body: offset 2501: more than 500 placeholders in all templates: over the limit"},
		{"placeholders of all templates", webhook.MaxPlaceholders, func(n int) webhook.Webhook {
			return webhook.Webhook{
				URL: "https://h/{{a}}", Headers: headers(10, strings.Repeat("{{b}}", 40)),
				Body: `"` + strings.Repeat("{{a}}", n-401) + `"`,
			}
		}, "webhook: body: offset 496: more than 500 placeholders in all templates: over the limit"},
		{"name size", webhook.MaxNameSize, func(n int) webhook.Webhook {
			return webhook.Webhook{Body: `{{ ` + strings.Repeat("n", n) + ` }}`}
		}, "webhook: body: offset 3: a name of 257 bytes, at most 256: over the limit"},
		{"parts of a name", webhook.MaxDepth, func(n int) webhook.Webhook {
			return webhook.Webhook{Body: `{{` + strings.Repeat("n.", n-1) + `n}}`}
		}, "webhook: body: offset 2: a name of 33 parts, at most 32: over the limit"},
		{"nesting", webhook.MaxDepth, func(n int) webhook.Webhook {
			return webhook.Webhook{Body: nested(n, "{{a}}")}
		}, "webhook: body: offset 32: nested too deeply: over the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for over := range 2 {
				w := tt.make(tt.limit + over)
				if w.URL == "" {
					w.URL = "https://h/"
				}
				_, err := webhook.Compile(w)
				requireLimit(t, over == 1, err, tt.err)
			}
		})
	}
}

// Each limit of Compose.
func TestCompose_Limits(t *testing.T) {
	t.Parallel()
	const mib = webhook.MaxOutputSize
	text := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name    string
		webhook webhook.Webhook
		make    func(over int) string // of {"a": ...}
		err     string
	}{
		{"url", webhook.Webhook{URL: "https://h/{{a}}?b=1"}, func(over int) string {
			return `"` + text(webhook.MaxURLSize-len("https://h/?b=1")+over) + `"`
		}, "webhook: url: offset 0: composed to more than 8192 bytes: over the limit"},
		{"url of three bytes for one", webhook.Webhook{URL: "https://h/ab/{{a}}"}, func(over int) string {
			return `"` + strings.Repeat("/", (webhook.MaxURLSize-len("https://h/ab/"))/3) + text(1+over) + `"`
		}, "webhook: url: offset 13: composed to more than 8192 bytes: over the limit"},
		{"query of fields", webhook.Webhook{Method: "GET", Body: `{"f":{{a}}}`}, func(over int) string {
			return `"` + text(webhook.MaxURLSize-len("https://h/?f=")+over) + `"`
		}, "webhook: url: more than 8192 bytes with the fields of the body: over the limit"},
		{"json", webhook.Webhook{Body: `"{{a}}"`}, func(over int) string { return `"` + text(mib-2+over) + `"` }, "webhook: body: offset 0: composed to more than 1048576 bytes: over the limit"},
		{"json without template", webhook.Webhook{}, func(over int) string { return `"` + text(mib-8+over) + `"` }, "webhook: body: composed to more than 1048576 bytes: over the limit"},
		{"urlencoded", webhook.Webhook{Format: "form-urlencoded"}, func(over int) string {
			return `"` + text(mib-2-3*10+over) + strings.Repeat("/", 10) + `"`
		}, "webhook: body: composed to more than 1048576 bytes: over the limit"},
		{"depth of a form", webhook.Webhook{Format: "form-urlencoded"}, func(over int) string {
			return nested(webhook.MaxDepth+over, "1")
		}, "webhook: body: a value nested more than 32 deep: over the limit"},
		{"depth of a query", webhook.Webhook{Method: "GET", Body: `{"k":{{a}}}`}, func(over int) string {
			return nested(webhook.MaxDepth+over, "1")
		}, "webhook: body: a value nested more than 32 deep: over the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for over := range 2 {
				if tt.webhook.URL == "" {
					tt.webhook.URL = "https://h/"
				}
				m, err := webhook.MustCompile(tt.webhook).Compose(raw(`{"a":` + tt.make(over) + `}`))
				text := tt.err
				if te := (*webhook.TemplateError)(nil); errors.As(err, &te) {
					text = strings.Replace(text, "offset 0:", fmt.Sprintf("offset %d:", te.Offset), 1)
				}
				requireLimit(t, over == 1, err, text)
				require.Equal(t, over == 1, m == nil)
			}
		})
	}
	t.Run("multipart", func(t *testing.T) {
		t.Parallel()
		c := webhook.MustCompile(webhook.Webhook{URL: "https://h/", Format: "form-data"})
		m, err := c.Compose(raw(`{"a":""}`))
		require.NoError(t, err)
		frame := len(m.Body)
		for over := range 2 {
			_, err = c.Compose(raw(`{"a":"` + text(mib-frame+over) + `"}`))
			requireLimit(t, over == 1, err, "webhook: body: composed to more than 1048576 bytes: over the limit")
		}
	})
}

// A header is cut, between two characters.
func TestCompose_HeaderCut(t *testing.T) {
	t.Parallel()
	c := webhook.MustCompile(webhook.Webhook{
		URL: "https://h/", Headers: map[string]string{"A": "[{{a}}]{{b}}", "B": "{{b}}"}, Body: "{}",
	})
	for _, char := range []string{"x", "é", "☃", "😀"} {
		for lead := range 5 {
			value := strings.Repeat("y", lead) + strings.Repeat(char, 3*webhook.MaxHeaderSize)
			m, err := c.Compose(raw(`{"a":"` + value + `","b":"b"}`))
			require.NoError(t, err)
			got := m.Header.Get("A")
			require.LessOrEqual(t, len(got), webhook.MaxHeaderSize)
			require.Greater(t, len(got), webhook.MaxHeaderSize-len(char))
			require.True(t, utf8.ValidString(got))
			require.True(t, strings.HasPrefix("["+value, got))
			require.Equal(t, "b", m.Header.Get("B"))
		}
	}
	for extra, want := range []string{"x]b", "x]", "x"} {
		m, err := c.Compose(raw(`{"a":"` + strings.Repeat("x", webhook.MaxHeaderSize-3+extra) + `","b":"b"}`))
		require.NoError(t, err)
		got := m.Header.Get("A")
		require.Len(t, got, webhook.MaxHeaderSize)
		require.True(t, strings.HasSuffix(got, want), got[webhook.MaxHeaderSize-5:])
	}
	m, err := c.Compose(raw(`{"a":"` + strings.Repeat("x", 4*webhook.MaxOutputSize) + `","b":"b"}`))
	require.NoError(t, err)
	require.Len(t, m.Header.Get("A"), webhook.MaxHeaderSize)
}

// Input that is made to cost far more than its length is refused early.
func TestCompose_Bombs(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	long := strings.Repeat("k", mib/2)
	many := "[" + strings.Repeat("0,", mib/8) + "0]"
	names := make([]string, webhook.MaxPlaceholders)
	for i := range names {
		names[i] = fmt.Sprintf(`"{{a%d}}"`, i)
	}
	var members strings.Builder
	for i := range mib / 16 {
		fmt.Fprintf(&members, `"key%06d":1,`, i)
	}
	tests := []struct {
		name    string
		webhook webhook.Webhook
		event   string
	}{
		{"one value in all places", webhook.Webhook{Body: `"` + strings.Repeat("{{a}}", 500) + `"`}, `{"a":"` + strings.Repeat(`\u0000`, mib) + `"}`},
		{"one object in all places", webhook.Webhook{Body: `"` + strings.Repeat("{{a}}", 500) + `"`}, `{"a":{"b":"` + strings.Repeat(`x`, mib) + `"}}`},
		{"long name over many fields", webhook.Webhook{Format: "form-urlencoded"}, `{"` + long + `":` + many + `}`},
		{"long names without fields", webhook.Webhook{Format: "form-data"}, `{"` + long + `":[` + strings.Repeat("[],", mib/8) + "[]]}"},
		{"long name on each level", webhook.Webhook{Format: "form-data"}, strings.Repeat(`{"`+long[:mib/32]+`":`, 31) + many + strings.Repeat("}", 31)},
		{"many small fields", webhook.Webhook{Format: "form-data"}, `{"a":` + many + `}`},
		{"unknown name among many", webhook.Webhook{Body: "{{" + strings.Repeat("key", 80) + "}}"}, "{" + members.String() + `"z":1}`},
		{"unknown name below a long one", webhook.Webhook{Body: "{{nothing}}"}, `{"` + long + `":{` + members.String() + `"z":1}}`},
		{"unknown name, deeply nested", webhook.Webhook{Body: "{{nothing}}"}, strings.Repeat(`{"a":`, 5000) + many + strings.Repeat("}", 5000)},
		{"deep value", webhook.Webhook{Body: "{{" + strings.Repeat("a.", 31) + "b}}"}, strings.Repeat(`{"a":`, 9000) + many + strings.Repeat("}", 9000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.webhook.URL = "https://h/"; tt.webhook.Format == "" {
				tt.webhook.Format = webhook.FormatJSON
			}
			c := webhook.MustCompile(tt.webhook)
			e := raw(tt.event)
			start := time.Now()
			_, err := c.Compose(e)
			t.Log(time.Since(start), err)
			require.Error(t, err)
			require.Less(t, len(err.Error()), 1024)
		})
	}
}

// A template cannot cost far more than its length, either.
func TestCompile_Bombs(t *testing.T) {
	t.Parallel()
	const size = webhook.MaxTemplateSize
	fill := func(s string) string { return strings.Repeat(s, (size-16)/len(s)) }
	keys := &strings.Builder{}
	for i := 0; keys.Len() < size-64; i++ {
		fmt.Fprintf(keys, `"%x":0,`, i)
	}
	distinct := &strings.Builder{}
	for i := 0; distinct.Len() < size-64; i++ {
		fmt.Fprintf(distinct, `{{%x}}`, i)
	}
	headers := map[string]string{}
	for i := range webhook.MaxHeaders {
		headers[fmt.Sprintf("X-%d", i)] = distinct.String()
	}
	webhooks := map[string]webhook.Webhook{
		"open tags":           {Body: fill("{{")},
		"open angles":         {Body: fill("@<<")},
		"url of open tags":    {URL: "https://h/?" + fill("{{")},
		"url of equals":       {URL: "https://h/" + fill("=") + "#"},
		"url of parameters":   {URL: "https://h/?" + fill("&") + "#"},
		"url of ats":          {URL: "https://h/" + fill("@<<{{") + "#"},
		"header of open tags": {Headers: map[string]string{"A": fill("{{")}},
		"header of tags":      {Headers: map[string]string{"A": fill("{{a}}") + "{{"}},
		"headers":             {Headers: headers},
		"keys":                {Body: "{" + keys.String() + `"0":1}`},
		"keys and tags":       {Body: "{" + keys.String()[:size-8000] + `"x":["` + strings.Repeat("{{a}}", 501) + `"]}`},
		"depth":               {Body: fill("[")},
		"quotes":              {Body: "[" + fill(`"\\",`) + "]"},
		"dots":                {Body: "{{" + fill("a.") + "}}"},
		"segments":            {URL: "https://h/" + fill("/")},
	}
	for name, w := range webhooks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if w.URL == "" {
				w.URL = "https://h/"
			}
			start := time.Now()
			_, err := webhook.Compile(w)
			compiled := time.Since(start)
			var te *webhook.TemplateError
			require.ErrorAs(t, err, &te)
			detail := te.Detail()
			t.Log(compiled, time.Since(start)-compiled, len(detail))
			require.Less(t, len(detail), 3*size)
			require.Less(t, len(err.Error()), 1024)
		})
	}
}

// The limits and header names of package request are those that users see.
func TestRequestConstants(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{
		webhook.MaxTemplateSize, webhook.MaxPlaceholders, webhook.MaxNameSize,
		webhook.MaxDepth, webhook.MaxOutputSize, webhook.MaxURLSize, webhook.MaxHeaderSize, webhook.MaxHeaders,
	}, []int{
		request.MaxTemplateSize, request.MaxPlaceholders, request.MaxNameSize,
		request.MaxDepth, request.MaxOutputSize, request.MaxURLSize, request.MaxHeaderSize, request.MaxHeaders,
	})
	require.Equal(t, []string{
		webhook.HeaderID, webhook.HeaderTimestamp, webhook.HeaderWebhookSignature, webhook.HeaderSignature,
	}, []string{
		request.HeaderID, request.HeaderTimestamp, request.HeaderWebhookSignature, request.HeaderSignature,
	})
}
