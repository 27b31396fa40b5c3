package webhook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// What other languages would replace is text here, and Check says so.
func TestCheck_Dialects(t *testing.T) {
	t.Parallel()
	const (
		statement = "there are no conditions or loops, so this is sent as it is; " +
			"the webhook's own condition chooses events, and the filter translate values"
		text = "this is plain text; the placeholder is written "
	)
	e := raw(`{"to":"1","caller":{"name":"x"},"größe":1,"n":1}`)
	tests := []struct{ body, at, message, suggestion string }{
		{`"{% if status == 'ANSWER' %}"`, "{% if status == 'ANSWER' %}", statement, ""},
		{`"{%- endif -%} {{to}}"`, "{%- endif -%}", statement, ""},
		{`"{{to}} {# a comment #}"`, "{# a comment #}", statement, ""},
		{`"{to}"`, "{to}", text + "{{to}}", "{{to}}"},
		{`"{ caller.name }"`, "{ caller.name }", text + "{{caller.name}}", "{{caller.name}}"},
		{`"é {größe}"`, "{größe}", text + "{{größe}}", "{{größe}}"},
		{`"{to|cut:-10}"`, "{to|cut:-10}", text + "{{to}}", ""},
		{`"{to#nobody}"`, "{to#nobody}", text + "{{to}}", ""},
		{`"${to}"`, "${to}", text + "{{to}}", "{{to}}"},
		{`"%to%"`, "%to%", text + "{{to}}", "{{to}}"},
		{`"%message_id%"`, "%message_id%", text + "{{message_id}}", "{{message_id}}"},
		{`"--A--to--B--"`, "--A--to--B--", text + "{{to}}", "{{to}}"},
		{`"<<to>> <<x>>"`, "<<to>>", text + "{{to}}", "{{to}}"},
		{`"<<to | slice: -10>>"`, "<<to | slice: -10>>", text + "{{to}}", ""},
		{`"[[to]] [[ x ]]"`, "[[to]]", text + "{{to}}", "{{to}}"},
		{`"{To} {too}"`, "{To}", text + "{{to}}", "{{to}}"},
		{`"{ Caller name }"`, "{ Caller name }", text + "{{caller.name}}", "{{caller.name}}"},
		{`"{CALLER-NAME}"`, "{CALLER-NAME}", text + "{{caller.name}}", "{{caller.name}}"},
		{`"$to, $too"`, "$to", text + "{{to}}", "{{to}}"},
		{`"$caller.name."`, "$caller.name", text + "{{caller.name}}", "{{caller.name}}"},
		{`"Hello $to.Bye"`, "$to", text + "{{to}}", "{{to}}"},
		{`"($to)"`, "$to", text + "{{to}}", "{{to}}"},
		{`"$(to)"`, "$(to)", text + "{{to}}", "{{to}}"},
		{`"${to:-nobody}"`, "${to:-nobody}", text + "{{to}}", ""},
		{`"{$to}"`, "{$to}", text + "{{to}}", "{{to}}"},
		{`"#{to}"`, "#{to}", text + "{{to}}", "{{to}}"},
		{`"@{to}"`, "@{to}", text + "{{to}}", "{{to}}"},
		{`"#to#"`, "#to#", text + "{{to}}", "{{to}}"},
		{`"##TO##"`, "##TO##", text + "{{to}}", "{{to}}"},
		{`"{#to#}"`, "{#to#}", text + "{{to}}", "{{to}}"},
		{`"%(to)s"`, "%(to)s", text + "{{to}}", "{{to}}"},
		{`"%{to}"`, "%{to}", text + "{{to}}", "{{to}}"},
		{`"<%= to %>"`, "<%= to %>", text + "{{to}}", "{{to}}"},
		{`"<%to%>"`, "<%to%>", text + "{{to}}", "{{to}}"},
		{`"<?= $to ?>"`, "<?= $to ?>", text + "{{to}}", "{{to}}"},
		{`"<?php echo $to; ?>"`, "<?php echo $to; ?>", text + "{{to}}", "{{to}}"},
		{`"<% if (to) { %>"`, "<% if (to) { %>", statement, ""},
		{`"<?php if ($x): ?>"`, "<?php if ($x): ?>", statement, ""},
		{`"*|TO|*"`, "*|TO|*", text + "{{to}}", "{{to}}"},
		{`{"a {to}": 1, "$to": 2, "#to": 3}`, "{to}", text + "{{to}}", ""},
		{`"{{to}}}"`, "{{to}}}", "the third } is sent: a tag has two braces", "{{to}}"},
		{`"{a} @{{ to | upcase }}} {"`, "{{ to | upcase }}}", "the third } is sent: a tag has two braces", "{{ to | upcase }}"},
		{`["{{to}}", "{to}", {"{x}": "{too}"}]`, "{to}", text + "{{to}}", "{{to}}"},
	}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{URL: "https://h/", Body: tt.body}
			problems := webhook.Check(w, e)
			require.Len(t, problems, 1)
			p := problems[0]
			require.Equal(t, []any{tt.message, tt.suggestion, webhook.SeverityWarning}, []any{p.Message, p.Suggestion, p.Severity})
			require.Equal(t, tt.at, tt.body[p.Offset:p.Offset+p.Length])
			_, err := webhook.Compile(w, e)
			require.NoError(t, err)

			w.Body = htmlSafe.Replace(tt.body)
			encoded := webhook.Check(w, e)
			require.Len(t, encoded, 1, w.Body)
			require.Equal(t, htmlSafe.Replace(tt.at), w.Body[encoded[0].Offset:encoded[0].Offset+encoded[0].Length])
			require.Equal(t, []any{tt.message, tt.suggestion}, []any{encoded[0].Message, htmlPlain.Replace(encoded[0].Suggestion)})
		})
	}
	t.Run("in all templates", func(t *testing.T) {
		t.Parallel()
		problems := webhook.Check(webhook.Webhook{
			URL: "https://h/?a=%to%&b={to}", Headers: map[string]string{"X-A": "{to}"}, Body: `{"a":{to},"b":"[[to]]"}`,
		}, e)
		var fields []string
		for _, p := range problems {
			fields = append(fields, p.Field+" "+string(p.Severity))
		}
		require.Equal(t, []string{
			"body error", "url warning", "url warning", "headers.X-A warning", "body warning", "body warning",
		}, fields, "also of a body that is not JSON for that reason")
	})
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		body := `"` + strings.Repeat("{to}", 9000) + `"`
		require.Len(t, webhook.Check(webhook.Webhook{URL: "https://h/?a=%to%", Body: body}, e), 101)
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		for _, body := range []string{
			`"{too} %d% [x] {1} { {a: b} } ${ } [[]] %% --A--x--B-- 5% to 7%"`, `{"to":"x"}`, `"{{to}}"`, `"{{'{to} {% x %}'}}"`,
			`"100%20to%20go"`, `"{%"`, `"{#fff}"`, `"{to"`, `"to}"`, `"US$to $5 $$to \\$to a$to $"`, `{"$to":1,"$ref":"#/to"}`, `":to /:to/ 12:to"`,
			`"#to # a #b# <to> <% <?xml <? to"`, `"*to* |to| *|x|*"`, `{"a":{{n}}}`, `{"a":{"b":{{n}}}}`, `"{\"a\":{{to}}}"`, `"{ {{to}} }"`,
			`"@<<to>>}"`, `"{first {{to}}}"`,
		} {
			require.Empty(t, webhook.Check(webhook.Webhook{URL: "https://h/%7Bto%7D?a=%20to%20", Body: body}, e), body)
		}
		require.Empty(t, webhook.Check(webhook.Webhook{URL: "https://h/", Body: `"{to}"`}), "without samples no name is known")
	})
}

// htmlSafe writes what stands inside JSON texts as some encoders do, and htmlPlain undoes it.
var (
	htmlSafe = strings.NewReplacer("<", `\u003c`, ">", `\u003E`, "&", `\u0026`, "'", `\u0027`, "$", `\u0024`, "%", `\u0025`, "#", `\u0023`,
		"*", `\u002a`, "=", `\u003d`, "/", `\/`, "é", `\u00e9`, "ö", `\u00f6`)
	htmlPlain = strings.NewReplacer(`\u003E`, ">", `\u003c`, "<")
)

// In a JSON text, every check judges what its receiver reads.
func TestCheck_DialectsInJSON(t *testing.T) {
	t.Parallel()
	const (
		statement = "no-statements"
		dialect   = "plain-text"
	)
	e := raw(`{"to":"1","größe":1,"payload":{"x":1},"attributes":{"Day of":1},"d":"2026-11-28 12:00:00"}`)
	tests := []struct{ body, at, code, suggestion string }{
		{`"\n$to"`, "$to", dialect, "{{to}}"},
		{`"{\"a\":\"{to}\"}"`, "{to}", dialect, "{{to}}"},
		{`"{\"{to}\":1}"`, "{to}", dialect, "{{to}}"}, // a key of the JSON in the text
		{`"{\"$to\":1}"`, "$to", dialect, "{{to}}"},
		{`{"\"{to}\"":1}`, "{to}", dialect, ""}, // a key of the body
		{`"{\t to\u0020}"`, `{\t to\u0020}`, dialect, "{{to}}"},
		{`"{\u0074o}"`, `{\u0074o}`, dialect, "{{to}}"},
		{`"\ud83d\ude00{gr\u00f6\u00dfe}\ud83d"`, `{gr\u00f6\u00dfe}`, dialect, "{{größe}}"},
		{`"\u007b\u0025 if x \u0025\u007d"`, `\u007b\u0025 if x \u0025\u007d`, statement, ""},
		{`"{{attributes.Day\u0020of}}"`, `attributes.Day\u0020of`, "name-blank", "attributes['Day of']"},
		{`"@\u003c\u003cattributes.Day of\u003e\u003e"`, `attributes.Day of`, "name-blank", "attributes['Day of']"},
		{`"{{d | date_format: \u0027YYYY\u0027}}"`, `\u0027YYYY\u0027`, "date-pattern-foreign", `\u0027Y\u0027`},
		{`"{{d | date_format: \u0022YYYY\u0022}}"`, `\u0022YYYY\u0022`, "date-pattern-foreign", `\u0022Y\u0022`},
		{`"\u007b\u007b to }\u007d"`, `\u007b\u007b to }\u007d`, dialect, "{{to}}"}, // no tag: its braces are
		{`"{{ } }}"`, "}", "name-character", ""},
	}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			problems := webhook.Check(webhook.Webhook{URL: "https://h/", Body: tt.body}, e)
			require.Len(t, problems, 1)
			p := problems[0]
			require.Equal(t, []string{tt.at, tt.code, tt.suggestion}, []string{tt.body[p.Offset : p.Offset+p.Length], p.Code, p.Suggestion})
		})
	}
	for _, body := range []string{`"US\u0024to \\$to \u00e9$to"`, `{"\u0024to":1}`, `{"a\"$to":1}`} {
		require.Empty(t, webhook.Check(webhook.Webhook{URL: "https://h/", Body: body}, e), body)
	}
	problems := webhook.Check(webhook.Webhook{URL: "https://h/", Format: webhook.FormatText, Body: `\u007bto} a\n$to {{to}}`}, e)
	require.Empty(t, problems, "a text has no escapes")
}

// A name of a route is told where it is a segment of a path, and there alone; and a tag in
// the URL that a browser made of it.
func TestCheck_DialectOfRoutes(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://h/calls/:to": ":to", "https://h/:caller.name/x": ":caller.name", "https://h/a/:To?x=1": ":To", "https://h/:x/a:to/:to:x?:to/:to&": "",
		"https://h:80/to": "", "https://h/?a=%7B%7Bto%7D%7D&b": "%7B%7Bto%7D%7D", "https://h/%7b%7b%20caller.name%20%7d%7d/": "%7b%7b%20caller.name%20%7d%7d",
		"https://h/%7B%7Bto%7Cupcase%7D%7D": "%7B%7Bto%7Cupcase%7D%7D", "https://h/%7B%7Bx%7D%7D?%7Bto%7D=%7B%7Bto": "",
	} {
		problems := webhook.Check(webhook.Webhook{URL: url, Headers: map[string]string{"X": "/:to/"}}, raw(`{"to":"1","caller":{"name":"x"}}`))
		if want == "" {
			require.Empty(t, problems, url)
			continue
		}
		require.Len(t, problems, 1, url)
		require.Equal(t, want, url[problems[0].Offset:problems[0].Offset+problems[0].Length])
	}
}

// What begins a piece may stand there many times, and each is looked at.
func TestCheck_DialectsBegun(t *testing.T) {
	t.Parallel()
	for piece, want := range map[string]int{
		"{%": 0, "{#": 0, "<%": 0, "<?=": 0, "{to|": 0, "$to": 101, "${to:": 0, "%a": 0, "##": 0, "<<a|": 0, "[[ a": 0, "*|a": 0, "--A--": 0,
	} {
		body := `"` + strings.Repeat(piece+" ", 60_000/(len(piece)+1)) + `"`
		require.Len(t, webhook.Check(webhook.Webhook{URL: "https://h/", Body: body}, raw(`{"to":1}`)), want, piece)
	}
}

// A statement in a tag is an error that says so.
func TestCompile_Statements(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{
		"#if status", "/if", "#each list", "^empty", "> part", "! comment", "if status == 'x'", "else if x", "for x in list", "range .x",
		"unless x",
	} {
		problems := webhook.Check(webhook.Webhook{URL: "https://h/", Body: `"{{ ` + tag + ` }}"`}, raw(`{"status":1}`))
		require.Len(t, problems, 1, tag)
		require.Equal(t, "there are no conditions or loops; the webhook's own condition chooses events, and the filter translate values",
			problems[0].Message)
		require.Equal(t, []int{4, 1}, []int{problems[0].Offset, problems[0].Length})
	}
	for _, tag := range []string{"if", "if | upcase", "for.x", "['#'] | default: 'x'", "with|upcase", "else"} {
		_, err := webhook.Compile(webhook.Webhook{URL: "https://h/", Body: `"{{ ` + tag + ` }}"`})
		require.NoError(t, err, tag)
	}
}

// Words that are statements elsewhere are names here, and told only if they are unknown.
func TestCheck_StatementsAsNames(t *testing.T) {
	t.Parallel()
	problems := webhook.Check(webhook.Webhook{URL: "https://h/", Body: `"{{else}}{{end}}"`}, raw(`{"end":1}`))
	require.Len(t, problems, 1)
	require.Equal(t, `unknown name "else"; there are no conditions or loops`, problems[0].Message)
}

// A reserved name that hides a member of the event.
func TestCheck_ReservedNames(t *testing.T) {
	t.Parallel()
	const (
		delivery = "message_id is the delivery's; the event's own is payload.message_id"
		hook     = "webhook_id is the webhook's; the event's own is payload.webhook_id"
		event    = "event is the type of the event; the event's own is payload.event"
		whole    = "payload is the whole event; the event's own is payload.payload"
	)
	tests := []struct {
		name, tag  string
		event      webhook.Event
		message    string
		suggestion string
	}{
		{"the delivery's id", "message_id", raw(`{"message_id":"wamid-77"}`), delivery, "payload.message_id"},
		{"the webhook's id", "webhook_id", raw(`{"webhook_id":null}`), hook, "payload.webhook_id"},
		{"the type", "event", raw(`{"event":"click"}`), event, "payload.event"},
		{"the whole event", "payload", raw(`{"payload":"x"}`), whole, "payload.payload"},
		{"in an envelope's payload", "message_id", raw(`{"payload":{"message_id":1}}`), delivery, "payload.message_id"},
		{
			"at the top of an envelope", "message_id", raw(`{"message_id":1,"payload":{}}`),
			"message_id is the delivery's; the event's own is out of reach", "",
		},
		{"an argument", "nil | default: message_id", raw(`{"message_id":1}`), delivery, "payload.message_id"},
		{"a Go type", "event", reservedMember{}, event, "payload.event"},
		{"no such member", "message_id", raw(`{"id":1}`), "", ""},
		{"the same type", "event", raw(`{"event":"test"}`), "", ""},
		{"an envelope", "payload", raw(`{"payload":{"x":1}}`), "", ""},
		{"no payload", "payload", raw(`{"payload":null}`), "", ""},
		{"the member itself", "payload.message_id", raw(`{"message_id":1}`), "", ""},
		{"a message status", "event", payload.MessageStatus{}, "", ""},
		{"an incoming message", "event", payload.MessageIn{}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range []webhook.Webhook{
				{URL: "https://h/", Body: `"{{` + tt.tag + `}}"`}, {URL: "https://h/", Headers: map[string]string{"X": "{{ " + tt.tag + " }}"}},
			} {
				problems := webhook.Check(w, tt.event)
				if tt.message == "" {
					require.Empty(t, problems)
					continue
				}
				require.Len(t, problems, 1)
				require.Equal(t, []any{tt.message, tt.suggestion}, []any{problems[0].Message, problems[0].Suggestion})
				require.Equal(t, webhook.SeverityWarning, problems[0].Severity)
			}
		})
	}
	problems := webhook.Check(webhook.Webhook{URL: "https://h/", When: "message_id == 'x'"}, raw(`{"message_id":1}`))
	require.Len(t, problems, 1)
	require.Equal(t, []any{"when", 0, len("message_id"), delivery},
		[]any{problems[0].Field, problems[0].Offset, problems[0].Length, problems[0].Message})
}
