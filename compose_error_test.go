package webhook_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// What Compile refuses, and where. Each row changes one thing in a webhook that compiles.
func TestCompile_Refused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		webhook     webhook.Webhook
		field       string
		offset      int
		placeholder string
		err         string
	}{
		// Settings.
		{"method", webhook.Webhook{Method: "post"}, "method", 0, "", `webhook: method: unknown method "post", want one of GET, POST, PUT, PATCH, DELETE`},
		{"method connect", webhook.Webhook{Method: "CONNECT"}, "method", 0, "", `webhook: method: unknown method "CONNECT", want one of GET, POST, PUT, PATCH, DELETE`},
		{"format", webhook.Webhook{Format: "yaml"}, "format", 0, "", `webhook: format: unknown format "yaml", want json, form-data, form-urlencoded, text, xml or none`},
		{"form lists", webhook.Webhook{FormLists: "[]"}, "form_lists", 0, "", `webhook: form_lists: unknown form_lists "[]", want index, brackets or repeat`},
		{"policy success", webhook.Webhook{Policy: &webhook.Policy{Success: []int{404}}}, "policy", 0, "", "webhook: policy: success: status 404 outside 200 to 299"},
		{"policy wait", webhook.Webhook{Policy: &webhook.Policy{Waits: []time.Duration{-1}}}, "policy", 0, "", "webhook: policy: waits: -1ns outside 0s to 720h0m0s"},

		// Tags, in any field.
		{"unclosed", webhook.Webhook{Body: `{"a":"{{x"}`}, "body", 6, "", "webhook: body: offset 6: a tag is not closed by }}"},
		{"unclosed angles", webhook.Webhook{Body: `["{{a}}@<<x"]`}, "body", 7, "", "webhook: body: offset 7: a tag is not closed by >>"},
		{"closed by the other", webhook.Webhook{Body: `["@<<x}}"]`}, "body", 2, "", "webhook: body: offset 2: a tag is not closed by >>"},
		{"tag in a tag", webhook.Webhook{Body: `["{{a {{b}}"]`}, "body", 2, "", "webhook: body: offset 2: a tag inside a tag"},
		{"angles in braces", webhook.Webhook{Body: `["{{a@<<b>>}}"]`}, "body", 2, "", "webhook: body: offset 2: a tag inside a tag"},
		{"braces in angles", webhook.Webhook{Body: `["@<<a{{b}}>>"]`}, "body", 2, "", "webhook: body: offset 2: a tag is not closed by >>"},
		{"empty name", webhook.Webhook{Body: `["{{ }}"]`}, "body", 4, "", "webhook: body: offset 4: an empty placeholder"},
		{"blank in a name", webhook.Webhook{Body: `["{{a b}}"]`}, "body", 5, "", "webhook: body: offset 5: a blank inside a name; a member with one is written ['a b']"},
		{"filter", webhook.Webhook{Body: `["{{a|up}}"]`}, "body", 6, "a", `webhook: body: offset 6: unknown filter "up"`},
		{"filter without a name", webhook.Webhook{Body: `["{{a|}}"]`}, "body", 6, "", "webhook: body: offset 6: expected a filter after |"},
		{"quote", webhook.Webhook{Body: `["{{'a}}"]`}, "body", 4, "", `webhook: body: offset 4: a text in quotes is not closed by '`},
		{"bracket", webhook.Webhook{Body: `["{{a[0}}"]`}, "body", 5, "", "webhook: body: offset 5: a [ is not closed by ]"},
		{"name in brackets", webhook.Webhook{Body: `["{{a[b]}}"]`}, "body", 6, "", "webhook: body: offset 6: an index that is not a whole number; a member's name stands in quotes"},
		{"brace", webhook.Webhook{Body: `["{{{a}}}"]`}, "body", 4, "", "webhook: body: offset 4: '{' in a name; a tag has two braces"},
		{"control", webhook.Webhook{Body: "[\"{{a\x01}}\"]"}, "body", 5, "", `webhook: body: offset 5: '\x01' in a name`},
		{"dot first", webhook.Webhook{Body: `["{{.a}}"]`}, "body", 4, "", "webhook: body: offset 4: an empty part in a name; it begins without a dot"},
		{"dot last", webhook.Webhook{Body: `["{{a.}}"]`}, "body", 5, "", "webhook: body: offset 5: an empty part in a name"},
		{"two dots", webhook.Webhook{Body: `["{{a..b}}"]`}, "body", 6, "", "webhook: body: offset 6: an empty part in a name"},
		{"not utf-8", webhook.Webhook{Body: "[\"\xff\"]"}, "body", 2, "", "webhook: body: offset 2: not UTF-8"},

		// URL.
		{"no url", webhook.Webhook{URL: "-"}, "url", 0, "", "webhook: url: offset 0: URL must start with http:// or https://"},
		{"placeholder alone", webhook.Webhook{URL: "{{u}}"}, "url", 0, "u", "webhook: url: offset 0: a placeholder in scheme, user, host or port: the address must not depend on an event"},
		{"placeholder in scheme", webhook.Webhook{URL: "http{{s}}://h/"}, "url", 4, "s", "webhook: url: offset 4: a placeholder in scheme, user, host or port: the address must not depend on an event"},
		{"placeholder in host", webhook.Webhook{URL: "https://{{h}}.example.com/"}, "url", 8, "h", "webhook: url: offset 8: a placeholder in scheme, user, host or port: the address must not depend on an event"},
		{"placeholder after host", webhook.Webhook{URL: "https://h.com{{h}}/"}, "url", 13, "h", "webhook: url: offset 13: a placeholder in scheme, user, host or port: the address must not depend on an event"},
		{"placeholder in port", webhook.Webhook{URL: "https://h:{{p}}/"}, "url", 10, "p", "webhook: url: offset 10: a placeholder in scheme, user, host or port: the address must not depend on an event"},
		{"placeholder in user", webhook.Webhook{URL: "https://{{u}}@h/"}, "url", 8, "u", "webhook: url: offset 8: a placeholder in scheme, user, host or port: the address must not depend on an event"},
		{"placeholder in no host", webhook.Webhook{URL: "https:///{{p}}"}, "url", 9, "p", "webhook: url: offset 9: a placeholder in scheme, user, host or port: the address must not depend on an event"},
		{"placeholder in query name", webhook.Webhook{URL: "https://h/?{{q}}=1"}, "url", 11, "q", "webhook: url: offset 11: a placeholder in the name of a query parameter"},
		{"placeholder in second query name", webhook.Webhook{URL: "https://h/?a={{a}}&b{{q}}"}, "url", 20, "q", "webhook: url: offset 20: a placeholder in the name of a query parameter"},
		{"user", webhook.Webhook{URL: "https://u@h/"}, "url", 0, "", "webhook: url: offset 0: URL must not have a user name or password; use a header"},
		{"fragment", webhook.Webhook{URL: "https://h/#{{x}}"}, "url", 10, "", "webhook: url: offset 10: a fragment is never sent"},
		{"scheme", webhook.Webhook{URL: "ftp://h/"}, "url", 0, "", "webhook: url: offset 0: URL must start with http:// or https://"},
		{"no host", webhook.Webhook{URL: "https://:80/"}, "url", 0, "", "webhook: url: offset 0: URL has no host"},
		{"opaque", webhook.Webhook{URL: "https:h/"}, "url", 0, "", "webhook: url: offset 0: URL has no host"},
		{"port", webhook.Webhook{URL: "https://h:99999/"}, "url", 0, "", "webhook: url: offset 0: URL has a port outside 1 to 65535"},
		{"zone", webhook.Webhook{URL: "https://[fe80::1%25lo]/"}, "url", 0, "", "webhook: url: offset 0: URL must not have a zone in its host"},
		{"blank", webhook.Webhook{URL: "https://h/a b"}, "url", 11, "", "webhook: url: offset 11: a blank, a control character or a backslash"},
		{"line break", webhook.Webhook{URL: "https://h/{{a}}\r\nx"}, "url", 15, "", "webhook: url: offset 15: a blank, a control character or a backslash"},
		{"backslash", webhook.Webhook{URL: `https://h\@x/`}, "url", 9, "", "webhook: url: offset 9: a blank, a control character or a backslash"},
		{"dot segment", webhook.Webhook{URL: "https://h/a/../b"}, "url", 0, "", "webhook: url: offset 0: a path segment that is . or .. would change the path"},
		{"dot segment encoded", webhook.Webhook{URL: "https://h/%2e%2E/{{b}}"}, "url", 0, "", "webhook: url: offset 0: a path segment that is . or .. would change the path"},

		// Headers.
		{"header name", webhook.Webhook{Headers: map[string]string{"Authorization: Bearer k": ""}}, "headers", 0, "", "webhook: headers: invalid character in a header name at offset 13"},
		{"header name empty", webhook.Webhook{Headers: map[string]string{"": ""}}, "headers", 0, "", "webhook: headers: empty header name"},
		{"header name of another script", webhook.Webhook{Headers: map[string]string{"X-é": ""}}, "headers", 0, "", "webhook: headers: invalid character in a header name at offset 2"},
		{"placeholder in header name", webhook.Webhook{Headers: map[string]string{"X-{{id}}": ""}}, "headers", 0, "", "webhook: headers: invalid character in a header name at offset 2"},
		{"header twice", webhook.Webhook{Headers: map[string]string{"x-a": "", "X-A": ""}}, "headers", 0, "", "webhook: headers: duplicate header X-A"},
		{"header line break", webhook.Webhook{Headers: map[string]string{"X-A": "{{a}}\r\nX-B: 1"}}, "headers.X-A", 5, "", "webhook: headers.X-A: offset 5: a control character in a header value"},
		{"header control", webhook.Webhook{Headers: map[string]string{"X-A": "é\u0085"}}, "headers.X-A", 2, "", "webhook: headers.X-A: offset 2: a control character in a header value"},
		{"content type of a form", webhook.Webhook{Format: "form-data", Headers: map[string]string{"content-type": "application/json"}}, "headers.content-type", 0, "", "webhook: headers.content-type: the format \"form-data\" sets its own Content-Type"},
		{"content type of another kind", webhook.Webhook{Headers: map[string]string{"Content-Type": "text/xml"}}, "headers.Content-Type", 0, "", "webhook: headers.Content-Type: want a type of JSON in UTF-8 such as application/json, without placeholders"},
		{"content type half", webhook.Webhook{Headers: map[string]string{"Content-Type": "+json"}}, "headers.Content-Type", 0, "", "webhook: headers.Content-Type: want a type of JSON in UTF-8 such as application/json, without placeholders"},
		{"content type of another charset", webhook.Webhook{Headers: map[string]string{"Content-Type": "application/json; charset=latin1"}}, "headers.Content-Type", 0, "", "webhook: headers.Content-Type: want a type of JSON in UTF-8 such as application/json, without placeholders"},
		{"content type from an event", webhook.Webhook{Headers: map[string]string{"Content-Type": "application/{{x}}"}}, "headers.Content-Type", 0, "", "webhook: headers.Content-Type: want a type of JSON in UTF-8 such as application/json, without placeholders"},

		// JSON.
		{"not json", webhook.Webhook{Body: "id={{id}}"}, "body", 0, "", "webhook: body: offset 0: not JSON"},
		{"trailing comma", webhook.Webhook{Body: `{"a":1,}`}, "body", 7, "", "webhook: body: offset 7: not JSON"},
		{"ends early", webhook.Webhook{Body: `{"a":{{x}}`}, "body", 10, "", "webhook: body: offset 10: not JSON: it ends early"},
		{"two values", webhook.Webhook{Body: `{} {}`}, "body", 3, "", "webhook: body: offset 3: not JSON"},
		{"two side by side", webhook.Webhook{Body: `{{a}}{{b}}`}, "body", 5, "b", "webhook: body: offset 5: a placeholder is not allowed here: outside a string it is a whole JSON value, and never a key"},
		{"next to digits", webhook.Webhook{Body: `[{{a}}1]`}, "body", 1, "a", "webhook: body: offset 1: text next to a bare placeholder: outside a string it is a whole JSON value"},
		{"digits next to it", webhook.Webhook{Body: `[1{{a}}]`}, "body", 2, "a", "webhook: body: offset 2: a placeholder is not allowed here: outside a string it is a whole JSON value, and never a key"},
		{"next to a string", webhook.Webhook{Body: `["x"{{a}}]`}, "body", 4, "a", "webhook: body: offset 4: a placeholder is not allowed here: outside a string it is a whole JSON value, and never a key"},
		{"bare key", webhook.Webhook{Body: `{ {{k}}:1}`}, "body", 2, "k", "webhook: body: offset 2: a placeholder is not allowed here: outside a string it is a whole JSON value, and never a key"},
		{"in a key", webhook.Webhook{Body: `{"a":1,"b{{k}}":1}`}, "body", 9, "k", "webhook: body: offset 9: a placeholder in a key"},
		{"in a key of a form", webhook.Webhook{Format: "form-data", Body: `{"b{{k}}":1}`}, "body", 3, "k", "webhook: body: offset 3: a placeholder in a key"},
		{"key twice", webhook.Webhook{Body: `{"a":1,"b":{"a":1},"\u0061":2}`}, "body", 19, "", `webhook: body: offset 19: duplicate key`},
		{"key twice further down", webhook.Webhook{Body: ` [ {"x":"{{x}}","x":2}]`}, "body", 16, "", `webhook: body: offset 16: duplicate key`},
		{"after a backslash", webhook.Webhook{Body: `["\{{a}}"]`}, "body", 3, "a", "webhook: body: offset 3: a placeholder after a backslash"},
		{"in an escape", webhook.Webhook{Body: `["\u00{{a}}"]`}, "body", 6, "a", "webhook: body: offset 6: a placeholder inside an escape"},
		{"line break in a string", webhook.Webhook{Body: "[\"a\nb\"]"}, "body", 3, "", "webhook: body: offset 3: not JSON"},
		{"form of a list", webhook.Webhook{Format: "form-urlencoded", Body: `["{{a}}"]`}, "body", 0, "", "webhook: body: offset 0: the body of a form must be one JSON object, or one placeholder for one"},
		{"form of a text", webhook.Webhook{Format: "form-data", Body: `"{{a}}"`}, "body", 0, "", "webhook: body: offset 0: the body of a form must be one JSON object, or one placeholder for one"},
		{"query of a list", webhook.Webhook{Method: "GET", Body: ` [1]`}, "body", 0, "", "webhook: body: offset 0: the body of a form must be one JSON object, or one placeholder for one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := tt.webhook
			if w.URL == "" {
				w.URL = "https://example.com/"
			}
			c, err := webhook.Compile(w)
			require.EqualError(t, err, tt.err)
			require.Nil(t, c)
			var te *webhook.TemplateError
			require.ErrorAs(t, err, &te)
			require.Equal(t, []any{tt.field, tt.offset, tt.placeholder}, []any{te.Field, te.Offset, te.Placeholder})
			require.NotErrorIs(t, err, webhook.ErrLimit)
			require.NotEmpty(t, te.Detail())
		})
	}
}

func TestCompile_ReservedHeaders(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Connection", "keep-alive", "Proxy-Connection", "Proxy-Authorization", "TE", "Trailer",
		"Transfer-Encoding", "Upgrade", "HTTP2-Settings", "Host", "content-length", "Content-Encoding",
		"Expect", "signature", "Webhook-Id", "WEBHOOK-TIMESTAMP", "webhook-signature", "Metadata",
		"metadata-flavor", "X-aws-ec2-metadata-token", "X-Aws-EC2-Metadata-Token-TTL-Seconds",
	} {
		_, err := webhook.Compile(webhook.Webhook{URL: "https://example.com/", Headers: map[string]string{name: "x"}})
		require.ErrorContains(t, err, "must not be set", name)
	}
}

// Detail shows the place, but no credential.
func TestTemplateError_Detail(t *testing.T) {
	t.Parallel()
	header := func(value string) webhook.Webhook {
		return webhook.Webhook{URL: "https://h/", Headers: map[string]string{"Authorization": value}}
	}
	tests := []struct {
		name    string
		webhook webhook.Webhook
		want    string
	}{
		{
			"body",
			webhook.Webhook{URL: "https://h/", Body: "{\r\n\t\"é\": \"{{a}}\",\r\n\t\"é\": 1 {{b}}\r\n}"},
			"webhook: body: offset 29: a placeholder is not allowed here: outside a string it is a whole JSON value, and never a key\n" +
				"\t\"é\": 1 {{b}}\n" +
				"\t       ^",
		},
		{
			"body with controls",
			webhook.Webhook{URL: "https://h/", Body: "[\"\x1b[2J\xc2\x85é{{a b}}\"]"},
			"webhook: body: offset 13: a blank inside a name; a member with one is written ['a b']\n[\"\ufffd[2J\ufffdé{{a b}}\"]\n           ^",
		},
		{
			"header", header("Bearer sk_live {{a b}} @<<c>> rest"),
			"webhook: headers.Authorization: offset 18: a blank inside a name; a member with one is written ['a b']\n****** ******* {{a b}} @<<c>> ****\n                  ^",
		},
		{
			"header with an unclosed tag", header("Bearer {{sk_live"),
			"webhook: headers.Authorization: offset 7: a tag is not closed by }}\n****** {{*******\n       ^",
		},
		{
			"header with a tag in a tag", header("{{sk live {{a}}"),
			"webhook: headers.Authorization: offset 0: a tag inside a tag\n{{** **** {{a}}\n^",
		},
		{
			"header of two lines", header("Bearer\nsk {{x}}"),
			"webhook: headers.Authorization: offset 6: a control character in a header value\n******\n      ^",
		},
		{
			"content type",
			webhook.Webhook{URL: "https://h/", Headers: map[string]string{"Content-Type": "sk/live"}},
			"webhook: headers.Content-Type: want a type of JSON in UTF-8 such as application/json, without placeholders",
		},
		{
			"url query",
			webhook.Webhook{URL: "https://h/{{a}}/p?key=s&cr=et?secret=x=y&only&to={{a b}}&z=1#z"},
			"webhook: url: offset 52: a blank inside a name; a member with one is written ['a b']\nhttps://h/{{a}}/p?key=*&cr=**?secret=*=*&****&to={{a b}}&z=***\n" + strings.Repeat(" ", 52) + "^",
		},
		{
			"url user",
			webhook.Webhook{URL: "https://us:pass@h/{{id}}?a=b"},
			"webhook: url: offset 0: URL must not have a user name or password; use a header\nhttps://*******@h/{{id}}?a=*\n^",
		},
		{
			"url user without a scheme",
			webhook.Webhook{URL: "https:/us:pass@h/{{a b}}"},
			"webhook: url: offset 20: a blank inside a name; a member with one is written ['a b']\n**************@h/{{a b}}\n" + strings.Repeat(" ", 20) + "^",
		},
		{
			"url user before a placeholder",
			webhook.Webhook{URL: "https://us:pass@{{host}}/p"},
			"webhook: url: offset 16: a placeholder in scheme, user, host or port: the address must not depend on an event\n" +
				"https://****************/p\n" + strings.Repeat(" ", 16) + "^",
		},
		{
			"url port of a placeholder",
			webhook.Webhook{URL: "https://h:80{{port}}/p"},
			"webhook: url: offset 12: a placeholder in scheme, user, host or port: the address must not depend on an event\n" +
				"https://h:80{{port}}/p\n" + strings.Repeat(" ", 12) + "^",
		},
		{
			"url fragment",
			webhook.Webhook{URL: "https://h/p#token=abc"},
			"webhook: url: offset 11: a fragment is never sent\nhttps://h/p******=***\n           ^",
		},
		{
			"settings",
			webhook.Webhook{URL: "https://h/", Method: "X"},
			`webhook: method: unknown method "X", want one of GET, POST, PUT, PATCH, DELETE`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := webhook.Compile(tt.webhook)
			var te *webhook.TemplateError
			require.ErrorAs(t, err, &te)
			require.Equal(t, tt.want, te.Detail())
		})
	}
}

// Of the webhook's text and the event's values, errors quote names only.
func TestCompose_ErrorsSaySoLittle(t *testing.T) {
	t.Parallel()
	const secret = "hush"
	e := raw(`{"text":"` + secret + `","a":{"b":"` + secret + `"},"dots":".."}`)
	webhooks := map[string]webhook.Webhook{
		"composite in url": {URL: "https://h/?k=" + secret + "&a={{a}}"},
		"dot segment":      {URL: "https://h/" + "{{dots}}?k=" + secret},
		"unknown name":     {Headers: map[string]string{"X": secret + " {{tex}}"}},
		"form of a text":   {Format: "form-data", Body: "{{text}}"},
		"unclosed":         {Headers: map[string]string{"X": secret + " {{" + secret}},
		"header control":   {Headers: map[string]string{"X": secret + "\x00"}},
		"user":             {URL: "https://" + secret + ":" + secret + "@h/"},
		"host":             {URL: "https://h:" + secret + "/?" + secret},
		"escape":           {URL: "https://h/?" + secret + "&" + secret + "#" + secret},
		"header name":      {Headers: map[string]string{"Authorization: " + secret: "x"}},
		"content type":     {Headers: map[string]string{"Content-Type": secret}},
	}
	for name, w := range webhooks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if w.URL == "" {
				w.URL = "https://h/"
			}
			c, err := webhook.Compile(w)
			if err == nil {
				_, err = c.Compose(e)
			}
			require.Error(t, err)
			for unwrapped := err; unwrapped != nil; unwrapped = errors.Unwrap(unwrapped) {
				require.NotContains(t, unwrapped.Error(), secret)
			}
			var te *webhook.TemplateError
			require.ErrorAs(t, err, &te)
			require.NotContains(t, te.Detail(), secret)
		})
	}
}
