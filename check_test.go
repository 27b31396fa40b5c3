package webhook_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

func errorAt(field string, offset, length int, message, suggestion string) webhook.Problem {
	return webhook.Problem{
		Field: field, Offset: offset, Length: length, Message: message, Suggestion: suggestion,
		Severity: webhook.SeverityError,
	}
}

func warningAt(field string, offset, length int, message string) webhook.Problem {
	return webhook.Problem{
		Field: field, Offset: offset, Length: length, Message: message, Severity: webhook.SeverityWarning,
	}
}

// All errors are returned at once, in the order in which an author reads a webhook.
func TestCheck_Errors(t *testing.T) {
	t.Parallel()
	got := check(t, webhook.Webhook{
		Method: "PUSH",
		URL:    "https://example.com/{{payload.statuss}}?a={{payload.id | foor}}",
		Headers: map[string]string{
			"Host": "x", "X-A": "{{nope}} {{ payload.channel | slice }}", "X-B": "{{ x",
		},
		Body:   `{"a":"{{ }}","b":"{{payload.to | slice: 'x'}}","c":{{payload.reda_at}}}`,
		Policy: &webhook.Policy{Attempts: -1},
	}, payload.MessageStatus{})
	require.Equal(t, []webhook.Problem{
		errorAt("headers", 0, 0, "header Host must not be set", ""),
		errorAt("method", 0, 0, `unknown method "PUSH", want one of GET, POST, PUT, PATCH, DELETE`, ""),
		errorAt("policy", 0, 0, "attempts: -1 outside 0 to 1000", ""),
		errorAt("url", 22, 15, `unknown name "payload.statuss"; did you mean "payload.status"?`, "payload.status"),
		errorAt("url", 57, 4, `unknown filter "foor"; did you mean "floor"?`, "floor"),
		errorAt("headers.X-A", 2, 4, `unknown name "nope"`, ""),
		errorAt("headers.X-A", 30, 5, "slice takes 1 or 2 arguments, not 0", ""),
		errorAt("headers.X-B", 0, 1, "a tag is not closed by }}", ""),
		errorAt("body", 8, 1, "an empty placeholder", ""),
		errorAt("body", 40, 3, "slice: argument 1 is a text, want a whole number", ""),
		errorAt("body", 53, 15, `unknown name "payload.reda_at"; did you mean "payload.read_at"?`, "payload.read_at"),
	}, onlyErrors(got))
}

func onlyErrors(problems []webhook.Problem) (errs []webhook.Problem) {
	for _, p := range problems {
		if p.Severity == webhook.SeverityError {
			errs = append(errs, p)
		}
	}
	return errs
}

func TestCheck_Warnings(t *testing.T) {
	t.Parallel()
	status, report := payload.MessageStatus{}, payload.CallReport{}
	absent := "payload.read_at is absent until the message is read, and then "
	byDefault := " here; the filter default can replace it"
	absentInPath := absent + "no message is composed, since a path must not lose a segment; the filter default can replace it"
	const notASCII = "many receivers garble what is not ASCII in a header; " +
		"the filter url_encode makes ASCII of it, which they can decode"
	tests := []struct {
		name   string
		url    string
		header string
		body   string
		sample webhook.Event
		want   []webhook.Problem
	}{
		{"none", "https://h/{{payload.id}}", "Bearer {{payload.id}}", `{"id":"{{payload.id}}","to":"{{payload.to}}"}`, status, nil},
		{"often absent", "", "{{ payload.read_at }}", "", status, []webhook.Problem{warningAt("headers.X-A", 3, 15, absent+"empty"+byDefault)}},
		{"often absent, with a default", "", "{{payload.read_at | default: '-'}}", "", status, nil},
		{"often absent, in JSON", "", "", `{"a":{{payload.read_at}},"b":"{{payload.id}}"}`, status, []webhook.Problem{
			warningAt("body", 5, 19, "payload.read_at is a text: outside quotes, it is sent with quotes of its own"),
			warningAt("body", 7, 15, absent+"null"+byDefault),
		}},
		{"often absent, by its alias and without the prefix", "", "{{id}}", "", report, []webhook.Problem{
			warningAt("headers.X-A", 2, 2, "id is absent in reports of Click2Call, and then empty"+byDefault),
		}},
		{"text in JSON", "", "", `{"a":{{payload.id}}}`, status, []webhook.Problem{
			warningAt("body", 5, 14, "payload.id is a text: outside quotes, it is sent with quotes of its own"),
		}},
		{"text in JSON after a filter", "", "", `{"a":{{payload.id | upcase}},"b":"{{payload.id}}"}`, status, nil},
		{"number in JSON", "", "", `{"a":{{bridge}},"b":"{{bridge}}"}`, report, nil},
		{"the whole body", "", "", `{{payload.status}}`, status, nil},
		{"http", "HTTP://h/", "", "", status, []webhook.Problem{warningAt("url", 0, 5, "http sends everything in the clear; use https")}},
		{"text touches a number", "https://h/{{to}}x?a={{to}}5&b=x{{from}}&c={{to}}&d=+{{to}}", "", "", report, []webhook.Problem{
			warningAt("url", 20, 6, "to is a number directly next to other text"),
			warningAt("url", 31, 8, "from is a number directly next to other text"),
		}},
		{"object in a URL", "https://h/{{payload}}?a={{payload.id}}", "", "", status, []webhook.Problem{
			warningAt("url", 12, 7, "payload is an object, which is not allowed in a URL: no message will be composed"),
		}},
		{"list in a URL", "https://h/?a={{list_phonebook_id}}&b={{list_phonebook_id | join: ','}}", "", "", payload.CDR{}, []webhook.Problem{
			warningAt("url", 15, 17, "list_phonebook_id is an array, which is not allowed in a URL: no message will be composed"),
		}},
		{"@ taken away", "", "bob@{{payload.id}} bob@@{{payload.id}} @{{payload.id}} é@{{payload.id}}", "", status, []webhook.Problem{
			warningAt("headers.X-A", 3, 1, "the @ before a tag is a part of it and not sent; write @@ to send one"),
			warningAt("headers.X-A", 55, 2, notASCII),
			warningAt("headers.X-A", 57, 1, "the @ before a tag is a part of it and not sent; write @@ to send one"),
		}},
		{"not ASCII", "", "x {{payload.id}} ☃é ü {{'é' | url_encode}} é", "", status, []webhook.Problem{
			warningAt("headers.X-A", 17, 5, notASCII),
		}},
		{"not ASCII in a value", "", "{{'é'}} {{payload.id}}", "", status, nil},
		{"absent in a path", "https://h/{{payload.read_at}}/a{{payload.read_at}}/@{{payload.read_at}}?a={{payload.read_at}}", "", "", status, []webhook.Problem{
			warningAt("url", 12, 15, absentInPath),
			warningAt("url", 33, 15, absent+"empty"+byDefault),
			warningAt("url", 54, 15, absentInPath),
			warningAt("url", 76, 15, absent+"empty"+byDefault),
		}},
		{"url_encode", "https://h/?a={{payload.id | url_encode}}&b={{payload.id | url_encode | upcase}}", "{{payload.id | url_encode}}", "", status, []webhook.Problem{
			warningAt("url", 28, 10, "url_encode changes nothing at the end of a tag in a URL, where every value is encoded"),
		}},
		{"raw event", "https://h/?a={{n}}5", "", `{"a":{{s}},"b":"{{s}}"}`, webhook.RawEvent{Type: "x", JSON: []byte(`{"n":1,"s":"t"}`)}, []webhook.Problem{
			warningAt("url", 13, 5, "n is a number directly next to other text"),
			warningAt("body", 5, 5, "s is a text: outside quotes, it is sent with quotes of its own"),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{URL: tt.url, Body: tt.body}
			if w.URL == "" {
				w.URL = "https://example.com/"
			}
			if tt.header != "" {
				w.Headers = map[string]string{"X-A": tt.header}
			}
			require.Equal(t, tt.want, check(t, w, tt.sample))
			_, err := webhook.Compile(w, tt.sample)
			require.NoError(t, err, "warnings are not errors")
		})
	}
}

// What arrives otherwise than it was sent at some receivers, or not at all.
func TestCheck_Receivers(t *testing.T) {
	t.Parallel()
	const (
		unsigned = "PHP and most frameworks cannot verify the signature of form-data, whose bytes they do not keep; " +
			"use form-urlencoded or json where requests are signed"
		postOnly = "PHP, Django and Java servlets read forms of POST only, not of "
		renamed  = "PHP reads another name than this one: of a name it changes blanks, points and a [ that is not closed"
		dropped  = "nginx drops headers with _ or . in their names, unless it is told otherwise; - arrives everywhere"
	)
	tests := []struct {
		name string
		hook webhook.Webhook
		want []webhook.Problem
	}{
		{"json", webhook.Webhook{Method: "PUT", Body: `{"a b":1}`}, nil},
		{"form-urlencoded", webhook.Webhook{Format: webhook.FormatFormURLEncoded}, nil},
		{"form-data", webhook.Webhook{Format: webhook.FormatFormData}, []webhook.Problem{warningAt("format", 0, 9, unsigned)}},
		{"no body", webhook.Webhook{Format: webhook.FormatNone}, []webhook.Problem{
			warningAt("format", 0, 4, "without a body, the header Signature is always the same and proves nothing; "+
				"Webhook-Signature covers the id and the time"),
		}},
		{"no body of a GET", webhook.Webhook{Format: webhook.FormatNone, Method: "GET"}, nil},
		{"JSON as text", webhook.Webhook{Format: webhook.FormatText, Body: "\n{\"a\": \"{{payload.id}}\", \"b\": @{{payload.to}}}"}, []webhook.Problem{
			warningAt("body", 1, 1, "this looks like json, for which the values of a text are not escaped; use the format json"),
		}},
		{"XML as text", webhook.Webhook{Format: webhook.FormatText, Body: "<p>{{payload.id}}</p>"}, []webhook.Problem{
			warningAt("body", 0, 1, "this looks like xml, for which the values of a text are not escaped; use the format xml"),
		}},
		{"faulty JSON as text", webhook.Webhook{Format: webhook.FormatText, Body: "[{\"a\": \"{{payload.id}}\",},]"}, []webhook.Problem{
			warningAt("body", 0, 1, "this looks like json, for which the values of a text are not escaped; use the format json"),
		}},
		{"text as text", webhook.Webhook{Format: webhook.FormatText, Body: "{payload.id} {{payload.id}} [1]"}, nil},
		{"fixed JSON as text", webhook.Webhook{Format: webhook.FormatText, Body: `{"a": 1}`}, nil},
		{"a query", webhook.Webhook{Format: webhook.FormatFormData, Method: "GET"}, nil},
		{"PUT", webhook.Webhook{Format: webhook.FormatFormURLEncoded, Method: "PUT"}, []webhook.Problem{
			warningAt("method", 0, 3, postOnly+"PUT"),
		}},
		{"DELETE", webhook.Webhook{Format: webhook.FormatFormData, Method: "DELETE"}, []webhook.Problem{
			warningAt("format", 0, 9, unsigned), warningAt("method", 0, 6, postOnly+"DELETE"),
		}},
		{"header names", webhook.Webhook{Headers: map[string]string{"api_key": "x", "X.Dot": "{{'y'}}", "X-A": "_."}}, []webhook.Problem{
			warningAt("headers.X.Dot", 0, 0, dropped), warningAt("headers.api_key", 0, 0, dropped),
		}},
		{"names in a body that is wrong", webhook.Webhook{Method: "GET", Body: `{"a.b":1,}`}, nil},
		{"names of a query", webhook.Webhook{Method: "GET", Body: `{"a.b":1}`}, []webhook.Problem{warningAt("body", 1, 5, renamed)}},
		{"names of an event", webhook.Webhook{Method: "GET", Body: "{{payload}}"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.hook.URL = "https://example.com/"
			var warnings []webhook.Problem
			for _, p := range check(t, tt.hook) {
				if p.Severity == webhook.SeverityWarning {
					warnings = append(warnings, p)
				}
			}
			require.Equal(t, tt.want, warnings)
		})
	}
}

// The names that PHP changes are marked, and no others.
func TestCheck_FieldNames(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{
		URL: "https://example.com/", Format: webhook.FormatFormURLEncoded,
		Body: ` {"a":@{{payload}},"a b":"@{{id}}","a.b":[{"x y":1}],"é[0][x y]":"{{id}} {{id}}",` +
			`"":1," a":1,"a[b":1,"[a]":1,"a[b]c":1,"a\u0020c":1,"a[]":{{id}},"b":{"c.d":1}}`,
	}
	var marked []string
	for _, p := range check(t, w) {
		require.Equal(t, "body", p.Field)
		marked = append(marked, w.Body[p.Offset:p.Offset+p.Length])
	}
	require.Equal(t, []string{`"a b"`, `"a.b"`, `""`, `" a"`, `"a[b"`, `"[a]"`, `"a[b]c"`, `"a\u0020c"`}, marked)
}

// Compile accepts a webhook if Check finds no error in it. Otherwise its error is one of
// those that Check finds.
func TestCheck_AgreesWithCompile(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"a":"{{payload.id}}"}`, `{"a":"{{payload.idd}}"}`, `{"a":"{{payload.id"}`, `{"a":1,"a":{{x | y}}}`,
		`{`, `"\{{x}}"`,
	} {
		w := webhook.Webhook{URL: "https://example.com/", Body: body}
		_, err := webhook.Compile(w, payload.MessageStatus{})
		problems := onlyErrors(check(t, w, payload.MessageStatus{}))
		if err == nil {
			require.Empty(t, problems, body)
			continue
		}
		var bad *webhook.TemplateError
		require.ErrorAs(t, err, &bad)
		found := false
		for _, p := range problems {
			require.LessOrEqual(t, p.Offset+p.Length, len(body)+1, body)
			found = found || p.Field == bad.Field && p.Offset == bad.Offset && p.Message == bad.Err.Error()
		}
		require.True(t, found, "%s: %v not in %v", body, err, problems)
	}
	require.Empty(t, check(t, webhook.Webhook{URL: "https://example.com/{{anything}}"}), "without samples no name is known")
}

// Templates and samples may have many and long names, and a million faults.
func TestCheck_Bounded(t *testing.T) {
	t.Parallel()
	headers := map[string]string{}
	var known []string
	for i := range webhook.MaxHeaders {
		for j := range 10 {
			headers[fmt.Sprint("X-", i)] += fmt.Sprintf("{{%s%d}}", strings.Repeat("b", 240), 10*i+j)
		}
	}
	for i := range 1000 {
		known = append(known, fmt.Sprintf(`"%s%d":1`, strings.Repeat("a", 240), i))
	}
	sample := webhook.RawEvent{Type: "x", JSON: []byte("{" + strings.Join(known, ",") + "}")}
	start := time.Now()
	require.Len(t, check(t, webhook.Webhook{URL: "https://example.com/", Headers: headers}, sample), 101)
	require.Less(t, time.Since(start), 30*time.Second, "was minutes")
	require.Len(t, check(t, webhook.Webhook{
		URL: "https://example.com/", Body: strings.Repeat("{{}}", 16000),
	}), 101)
}

// Of many problems the first hundred are listed, errors before warnings, and one that says
// how many are not.
func TestCheck_More(t *testing.T) {
	t.Parallel()
	const oneWarning = "{{payload.read_at}}"
	unknown := func(n int) string { return strings.Repeat("{{payload.x}}", n) }
	warned := func(n int) string { return strings.Repeat(oneWarning, n) }
	more := func(n int) string {
		return fmt.Sprintf("from here on, problems are not listed: there are at least %d more", n)
	}
	tests := []struct {
		name             string
		text             string
		errors, warnings int // of those that are listed
		more             string
		at               int // of the last one
	}{
		{"a hundred", unknown(30) + warned(70), 30, 70, "", 0},
		{"one more", unknown(30) + warned(71), 30, 70, more(1), len(unknown(30) + warned(70))},
		{"warnings alone", warned(400), 0, 100, more(300), len(warned(100))},
		{"a hundred errors", warned(5) + unknown(100), 100, 0, more(5), 0}, // where the warnings begin
		{"more errors", warned(5) + unknown(120), 100, 0, more(25), len(warned(5) + unknown(100))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{URL: "https://h/", Format: webhook.FormatText, Body: tt.text}
			problems := webhook.Check(w, payload.MessageStatus{})
			_, err := webhook.Compile(w, payload.MessageStatus{})
			require.Equal(t, err == nil, len(onlyErrors(problems)) == 0)
			n := tt.errors + tt.warnings
			require.Len(t, onlyErrors(problems[:n]), tt.errors)
			if tt.more == "" {
				require.Len(t, problems, n)
				return
			}
			require.Len(t, problems, n+1)
			last := problems[n]
			require.Equal(t, []any{"body", tt.at + len("{{"), "more-problems", tt.more, ""}, []any{last.Field, last.Offset, last.Code, last.Message, last.Suggestion})
		})
	}
}

func TestProblem_Detail(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{
		URL: "https://h/?key=secret", Headers: map[string]string{"X-Key": "secret{{event | upcas}}"},
		Body: "{\n\t\"é\u009b\": \"{{payload.iid}}\"}",
	}
	problems := check(t, w, payload.MessageStatus{})
	var details []string
	for _, p := range problems {
		details = append(details, p.Detail(w))
	}
	require.Equal(t, []string{
		"******{{event | upcas}}\n                ^^^^^",
		"\t\"é\ufffd\": \"{{payload.iid}}\"}\n\t         ^^^^^^^^^^^",
	}, details[:2])
	require.Empty(t, webhook.Problem{Field: "policy"}.Detail(w))
	for _, p := range []webhook.Problem{{Offset: -1, Length: 99}, {Offset: 99}, {Offset: 3, Length: 1 << 30}} {
		p.Field = "url"
		require.Contains(t, p.Detail(w), "https://h/?key=******\n", "whatever a problem says")
		require.NotContains(t, p.Detail(w), "secret")
	}
}

func TestProblem_JSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(errorAt("body", 1, 2, "m", ""))
	require.NoError(t, err)
	require.Equal(t, `{"field":"body","offset":1,"length":2,"offset16":0,"length16":0,"code":"","message":"m","severity":"error"}`, string(b))
}

// Names in the query that PHP changes, and those that the fields of the body have, too.
func TestCheck_Query(t *testing.T) {
	t.Parallel()
	const renamed = "PHP reads another name than this one: of a name it changes blanks, points and a [ that is not closed"
	twice := func(name string) string {
		return "the body has a field " + name + ", too: both are sent, and receivers take one of them"
	}
	e := raw(`{"id":1,"a":{"id":2,"x":[1]},"list":[{"id":1}]}`)
	form := webhook.FormatFormURLEncoded
	tests := []struct {
		name string
		w    webhook.Webhook
		at   []string
		want []string
	}{
		{
			"PHP",
			webhook.Webhook{URL: "https://h/a.b?a.b={{id}}&c+d=@{{id}}&c%20e&f[=&ok[a.b]=1&=.&v=a.b"},
			[]string{"a.b", "c+d", "c%20e", "f["},
			[]string{renamed, renamed, renamed, renamed},
		},
		{"GET", webhook.Webhook{URL: "https://h/?v=1&id=@{{id}}", Method: "GET", Body: `{"id":{{id}},"x":1}`}, []string{"id"}, []string{twice("id")}},
		{"a list", webhook.Webhook{URL: "https://h/?x[]=1&y=1", Method: "GET", Body: ` {"x":["{{id}}"]}`}, []string{"x[]"}, []string{twice("x")}},
		{"encoded", webhook.Webhook{URL: "https://h/?%69d=1\n", Method: "GET", Body: `{"id":1}`}, []string{"%69d"}, []string{twice("id")}},
		{"a form", webhook.Webhook{URL: "https://h/?id=1", Format: form, Body: `{"id":{{id}}}`}, []string{"id"}, []string{twice("id")}},
		{"a whole event", webhook.Webhook{URL: "https://h/?id=1&x=1", Format: form}, []string{"id"}, []string{twice("id")}},
		{"a placeholder", webhook.Webhook{URL: "https://h/?x=1&list=2", Method: "GET", Body: "{{a}}"}, []string{"x"}, []string{twice("x")}},
		{"JSON", webhook.Webhook{URL: "https://h/?id={{id}}", Method: "DELETE", Body: `{"id":{{id}}}`}, nil, nil},
		{"no body", webhook.Webhook{URL: "https://h/?id={{id}}", Method: "GET"}, nil, nil},
		{"other names", webhook.Webhook{URL: "https://h/?id1={{id}}&i=1&Id=2", Method: "GET", Body: `{"id":1}`}, nil, nil},
		{"a path", webhook.Webhook{URL: "https://h/id=1&a.b/{{id}}", Method: "GET", Body: `{"id":1}`}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var at, messages []string
			for _, p := range check(t, tt.w, e) {
				require.Equal(t, []any{"url", webhook.SeverityWarning}, []any{p.Field, p.Severity})
				at, messages = append(at, tt.w.URL[p.Offset:p.Offset+p.Length]), append(messages, p.Message)
			}
			require.Equal(t, tt.at, at)
			require.Equal(t, tt.want, messages)
		})
	}
}

// A form whose fields are those of a value that is no object: no message can be made of it.
func TestCheck_FormOfNoObject(t *testing.T) {
	t.Parallel()
	const tail = ", but the fields of a form are an object's: no message will be composed"
	object, list := raw(`{"a":{"x":1},"list":[{"x":1}],"text":"x","n":1,"none":null,"empty":"","yes":true}`), raw(`[1]`)
	tests := []struct {
		body  string
		event webhook.Event
		want  string
	}{
		{"", list, "the event is a list" + tail},
		{"{{payload}}", list, "payload is a list" + tail},
		{" {{list}} ", object, "list is a list" + tail},
		{"{{text}}", object, "text is a text" + tail},
		{"@{{n}}", object, "n is a number" + tail},
		{"{{yes}}", object, "yes is true or false" + tail},
		{"{{'x'}}", object, "this is a text" + tail},
		{"{{a | json}}", object, "json is no object" + tail},
		{"{{list | map: 'x'}}", object, "map is no object" + tail},
		{"", object, ""},
		{"{{payload}}", object, ""},
		{"{{a}}", object, ""},
		{"{{none}}", object, ""},
		{"{{empty}}", object, ""},
		{"{{list | first}}", object, ""},
		{"{{none | default: a}}", object, ""},
		{`{"x":{{list}}}`, object, ""},
	}
	for _, tt := range tests {
		t.Run(tt.body+" "+tt.want, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{URL: "https://h/", Format: webhook.FormatFormURLEncoded, Body: tt.body}
			c, err := webhook.Compile(w, tt.event)
			require.NoError(t, err)
			_, err = c.Compose(tt.event)
			problems := check(t, w, tt.event)
			if tt.want == "" {
				require.NoError(t, err)
				require.Empty(t, problems)
				return
			}
			require.Error(t, err)
			require.Len(t, problems, 1)
			require.Equal(t, tt.want, problems[0].Message)
			require.Equal(t, strings.TrimLeft(strings.TrimSpace(tt.body), "@"), tt.body[problems[0].Offset:][:len(strings.TrimLeft(strings.TrimSpace(tt.body), "@"))])
		})
	}
}
