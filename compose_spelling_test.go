package webhook_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// awkward has names of members that are hard to write in a template.
var awkward = []string{
	"", " ", "Date of Birth", "plan.name", ".", "..", "a|b", "|", "||", "it's", `say "hi"`, `both ' and "`, "{", "}", "{{", "}}", "{{x}}",
	"}}}", "@<<x>>", ">>>", "a>", "[", "]", "[0]", "['x']", "(", ")", ",", ":", "a:b", `\`, `\\`, `\n`, `a\"b`, `'\`, "tab\there",
	"line\nbreak", "\r\n", "\x00", "\x7f", "\b\f", "nbsp\u00a0here", "\u2028", "\ufeff", "é", "😀", "日本", "0", "01", "12", "-", "-5", "1.5", "5a",
	"+", "true", "false", "nil", "null", "and", "or", "not", "in", "contains", "AND", "Or", "if", "=", "==", "a=b", "!", "<", "a<b", "&&",
	"event", "webhook_id", "message_id", "payload", "payload.x", "payload['x']", "#", "%", "?a=b&c", "$x", "@", "@x", "`", "/", "*", "~",
}

// Whatever a member is called, Variables lists a name for it that means it wherever a name
// may stand.
func TestVariables_EveryNameEverywhere(t *testing.T) {
	t.Parallel()
	members := map[string]any{}
	for i, name := range awkward {
		members[name] = map[string]any{name: i, "list": []any{map[string]any{name: "v" + name}}}
	}
	for form, e := range map[string]webhook.RawEvent{
		"bare": eventOf(t, members), "envelope": eventOf(t, map[string]any{"payload": members}),
		"list": eventOf(t, []any{members}), "list payload": eventOf(t, map[string]any{"payload": []any{members}}),
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			leaves := 0
			for _, v := range webhook.Variables(e) {
				if v.Name == "message_id" || v.Name == "webhook_id" {
					continue
				}
				requireExample(t, e, v)
				if v.Type == "number" || v.Type == "string" {
					leaves++
				}
			}
			require.GreaterOrEqual(t, leaves, 2*len(awkward))
		})
	}
}

func eventOf(t *testing.T, v any) webhook.RawEvent {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return webhook.RawEvent{Type: "t", JSON: b}
}

// requireExample composes a name in all its places.
func requireExample(t *testing.T, e webhook.Event, v webhook.Variable) {
	t.Helper()
	for _, tag := range []string{"{{" + v.Name + "}}", "@<<" + v.Name + ">>"} {
		w := webhook.Webhook{URL: "https://h/", Body: `{"s": "` + tag + `", "b": ` + tag + `}`, Headers: map[string]string{"X": tag}}
		single := v.Type != "object" && v.Type != "array"
		if single {
			w.URL = "https://h/a" + tag + "/b?q=" + tag + "&r"
		}
		c, err := webhook.Compile(w, e)
		require.NoError(t, err, "%s", v.Name)
		require.Equal(t, []string{v.Name}, c.Placeholders())
		m, err := c.Compose(e)
		require.NoError(t, err, "%s", v.Name)
		var body struct {
			S string
			B any
		}
		d := json.NewDecoder(bytes.NewReader(m.Body))
		d.UseNumber()
		require.NoError(t, d.Decode(&body))
		require.Equal(t, v.Example, body.S, "%s", v.Name)
		if !single {
			continue
		}
		switch b := body.B.(type) {
		case nil:
			require.Empty(t, v.Example)
		case json.Number:
			require.Equal(t, v.Example, b.String())
		default:
			require.Equal(t, v.Example, b)
		}
		u, err := url.Parse(m.URL)
		require.NoError(t, err)
		require.Equal(t, "/a"+v.Example+"/b", u.Path, "%s", v.Name)
		require.Equal(t, v.Example, u.Query().Get("q"), "%s", v.Name)
		require.Equal(t, inHeader(v.Example), m.Header.Get("X"), "%s", v.Name)
		w.Format = webhook.FormatFormURLEncoded
		fields, err := url.ParseQuery(string(compose(t, w, e).Body))
		require.NoError(t, err)
		require.Equal(t, v.Example, fields.Get("s"), "%s", v.Name)
		w.When = v.Name + " == " + v.Name + " and not (" + v.Name + "==nil) and " + v.Name + " in (" + v.Name + "," + v.Name + ")"
		if v.Example != "" {
			require.NotNil(t, compose(t, w, e), "%s", v.Name)
		}
	}
}

// inHeader returns a text as a header has it.
func inHeader(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// A template means the same whatever encoder of JSON wrote it.
func TestCompile_AnyJSONEncoder(t *testing.T) {
	t.Parallel()
	e := raw(`{"mid":"1234","at":"2021-04-09 16:27:39","note":"a\nb & c","who":{"first name":"Zoë"}}`)
	source := map[string]any{
		"m": `{{mid | append: "/a €"}} & <b>`, "r": `{{note | replace: ' & ', "</>"}}`, "a": "@<<mid | prepend: '😀'>>",
		"d": `{{at | date_format: "jS \o\f F"}}`, "n": "{{who['first name']}}", "k/€": []any{`{{who["first name"] | append: "é"}}`},
		"t": "{{ note\t|\n truncate: 3, '…' }}",
	}
	plain, err := json.MarshalIndent(source, "", "\t")
	require.NoError(t, err)
	var small bytes.Buffer
	enc := json.NewEncoder(&small)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(source))
	php := strings.NewReplacer("/", `\/`, "€", `\u20ac`, "é", `\u00e9`, "…", `\u2026`, "😀", `\ud83d\ude00`).Replace(small.String())
	hex := strings.NewReplacer(`\"`, `\u0022`, "'", `\u0027`, "&", `\u0026`, "<", `\u003C`, ">", `\u003E`).Replace(php)
	want := map[string]any{
		"m": "1234/a € & <b>", "r": "a\nb</>c", "a": "😀1234", "d": "9th of April", "n": "Zoë", "k/€": []any{"Zoëé"}, "t": "a\n…",
	}
	for _, body := range []string{string(plain), small.String(), php, hex} {
		require.Empty(t, webhook.Check(webhook.Webhook{URL: "https://h/", Body: body}, e), body)
		require.Equal(t, want, decode(t, compose(t, webhook.Webhook{Body: body}, e).Body), body)
	}
}

// Names that are refused or unknown for their signs alone are suggested in the right spelling.
func TestCheck_SuggestsSpellings(t *testing.T) {
	t.Parallel()
	e := raw(`{"attributes":{"Date of Birth":1,"a.b":2,"x":3},"first name":4,"größe (cm)":5}`)
	for written, want := range map[string]string{
		"attributes.Date of Birth": "attributes['Date of Birth']", "payload.attributes.Date of Birth": "attributes['Date of Birth']",
		"attributes.date-of-birth": "attributes['Date of Birth']", "attributes.a.b": "attributes['a.b']",
		"first_name": "payload['first name']", "payload.first name": "payload['first name']", "größe (cm)": "payload['größe (cm)']",
		"attributes['Date of Brth']": "attributes['Date of Birth']", "attributes.y z": "", "a b": "",
	} {
		for _, tag := range []string{"{{ " + written + " }}", "{{" + written + "|upcase}}", "@<<" + written + ">>"} {
			w := webhook.Webhook{URL: "https://h/", Body: `["{{attributes.x}}","` + tag + `"]`}
			problems := onlyErrors(webhook.Check(w, e))
			require.Len(t, problems, 1, tag)
			p := problems[0]
			require.Equal(t, want, p.Suggestion, tag)
			if want == "" {
				continue
			}
			require.Equal(t, written, w.Body[p.Offset:p.Offset+p.Length])
			w.Body = w.Body[:p.Offset] + want + w.Body[p.Offset+p.Length:]
			require.Empty(t, webhook.Check(w, e), w.Body)
		}
	}
}

// What replaces a tag with three braces leaves none of them.
func TestCheck_SuggestsTwoBraces(t *testing.T) {
	t.Parallel()
	e := raw(`{"to":"1"}`)
	for _, tag := range []string{"{{{to}}}", "{{{ to }}}"} {
		for _, body := range []string{`["` + tag + `"]`, "[" + tag + ",2]"} {
			p := webhook.Check(webhook.Webhook{URL: "https://h/", Body: body}, e)[0]
			require.Equal(t, tag, body[p.Offset:p.Offset+p.Length])
			require.Equal(t, "{{to}}", p.Suggestion)
		}
	}
}

// Faults in a tag have their place in the template as it is written.
func TestCheck_OffsetsInJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body, at, message string // at is the text at fault
	}{
		{`{"a":"\u00e9{{mid | append: \"\u20ac\" | foo}}"}`, "foo", `unknown filter "foo"`},
		{`{"a":"\/{{ \n\u006did | upcase: \"\u20ac\"}}"}`, `\"\u20ac\"`, "upcase takes no argument, not 1"},
		{`{"a":"{{'\u20ac' | append: \"x}}"}`, `\`, `a text in quotes is not closed by \"`},
		{`{"a":"@\u003c\u003cmid | foo\u003e\u003e"}`, "foo", `unknown filter "foo"`},
		{`{"a":"\u003c@\u003c\u003cmid"}`, "@", `a tag is not closed by >>`},
		{`{"a":"\u003c {{mid {{x}}"}`, "{{mid ", `a tag inside a tag`},
	} {
		problems := onlyErrors(webhook.Check(webhook.Webhook{URL: "https://h/", Body: tt.body}, raw(`{"mid":1}`)))
		require.Len(t, problems, 1, tt.body)
		p := problems[0]
		require.Equal(t, tt.message, p.Message)
		require.Equal(t, tt.at, tt.body[p.Offset:p.Offset+p.Length], tt.body)
	}
}
