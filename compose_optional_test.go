package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

var optionalEvent = raw(`{"a":"x","n":0,"f":false,"none":null,"empty":"","o":{ },"l":[ ],"full":["y"],"blank":" ","never":"0001-01-01T00:00:00Z","zeros":"0000-00-00 00:00:00","at":"2021-04-09"}`)

func TestCompose_OptionalJSON(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"there", `{"a": {{a | optional}}, "b": "{{a|optional}}"}`, `{"a": "x", "b": "x"}`},
		{"null", `{"a":{{none|optional}},"b":1}`, `{"b":1}`},
		{"empty text", `{"a":{{empty|optional}},"b":1}`, `{"b":1}`},
		{"empty object", `{"a":{{o|optional}},"b":1}`, `{"b":1}`},
		{"empty list", `{"a":{{l|optional}},"b":1}`, `{"b":1}`},
		{"no time", `{"a":"{{never|optional}}","b":{{zeros|optional}},"c":"{{at|optional}}","d":"{{never}}"}`, `{"c":"2021-04-09","d":"0001-01-01T00:00:00Z"}`},
		{"no time that was written", `{"a":"{{never|date_format:'d/m/Y'|optional}}","b":1}`, `{"b":1}`},
		{"null in quotes", `{"a":"{{none|optional}}","b":1}`, `{"b":1}`},
		{"empty text in quotes", `{"a":"{{empty|optional}}","b":1}`, `{"b":1}`},
		{"empty list in quotes", `{"a":"{{l|optional}}","b":1}`, `{"b":1}`},
		{"zero and false", `{"a":{{n|optional}},"b":"{{f|optional}}","c":{{f|optional}}}`, `{"a":0,"b":"false","c":false}`},
		{"a list with an element", `{"a":{{full|optional}}}`, `{"a":["y"]}`},
		{"a blank", `{"a":{{blank|optional}}}`, `{"a":" "}`},
		{"after filters", `{"a":{{blank|strip|optional}},"b":"{{none|default:'d'|optional}}","c":{{a|size|minus:1|optional}}}`, `{"b":"d","c":0}`},
		{"a literal", `{"a":{{nil|optional}},"b":{{''|optional}},"c":{{'c'|optional}}}`, `{"c":"c"}`},
		{"first of two", `{"a":{{none|optional}},"b":2}`, `{"b":2}`},
		{"last of two", `{"a":1,"b":{{none|optional}}}`, `{"a":1}`},
		{"in the middle", `{"a":1,"b":{{none|optional}},"c":3}`, `{"a":1,"c":3}`},
		{"the last two", `{"a":1,"b":{{none|optional}},"c":"{{none|optional}}"}`, `{"a":1}`},
		{"all but one", `{"a":{{none|optional}},"b":2,"c":{{none|optional}}}`, `{"b":2}`},
		{"the only one", `{"a":{{none|optional}}}`, `{}`},
		{"all", `{"a":{{none|optional}},"b":{{none|optional}},"c":"{{none|optional}}"}`, `{}`},
		{"all of an object in an object", `{"a":{"b":{{none|optional}}},"c":[{"d":"{{none|optional}}"},{{n}}]}`, `{"a":{},"c":[{},0]}`},
		{"objects side by side", `[{"a":1,"b":{{none|optional}}},{"a":{{none|optional}},"b":1}]`, `[{"a":1},{"b":1}]`},
		{"behind an object", `{"a":{},"b":{{none|optional}}}`, `{"a":{}}`},
		{"behind a value", `{"a":{{full}},"b":{{none|optional}}}`, `{"a":["y"]}`},
		{"behind a text that ends in a comma", `{"a":",","b":{{none|optional}}}`, `{"a":","}`},
		{"with hard keys", `{"},{":1,"\"{,":{{none|optional}},"[\\":2}`, `{"},{":1,"[\\":2}`},
		{"with half a pair in the key", `{"k":1,"a\ud83d":{{none|optional}},"b\ud83d":"{{a|optional}}"}`, `{"k":1,"b` + "\ufffd" + `":"x"}`},
		{"lines", "{\n  \"a\": 1,\n  \"b\": {{none|optional}},\n  \"c\": 3\n}", "{\n  \"a\": 1,\n  \"c\": 3\n}"},
		{"last line", "{\n  \"a\": 1,\n  \"b\": {{none|optional}}\n}", "{\n  \"a\": 1\n}"},
		{"last lines", "{\n  \"a\": 1,\n  \"b\": {{none|optional}},\n  \"c\": \"{{none|optional}}\"\n}", "{\n  \"a\": 1\n}"},
		{"all lines", "{\n  \"a\": {{none|optional}},\n  \"b\": {{none|optional}}\n}", "{\n}"},
		{"blanks everywhere", `{ "a" : {{none|optional}} , "b" : 1 , "c" : {{none|optional}} }`, `{  "b" : 1  }`},
		{"angles and an @", `{"a":@<<none|optional>>,"b":"@{{none|optional}}","c":1}`, `{"c":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, webhook.Webhook{Body: tt.body}, optionalEvent)
			require.Equal(t, tt.want, string(m.Body))
		})
	}
}

func TestCompose_OptionalForm(t *testing.T) {
	t.Parallel()
	body := `{"a":"{{none|optional}}","b":{{l|optional}},"c":"{{a|optional}}","d":{{n|optional}},"e":"{{empty}}","f":{{none|optional}}}`
	want := [][2]string{{"c", "x"}, {"d", "0"}, {"e", ""}}
	for _, w := range []webhook.Webhook{
		{Format: webhook.FormatFormURLEncoded, Body: body},
		{Format: webhook.FormatFormData, Body: body},
		{Method: "GET", Body: body},
	} {
		require.Equal(t, want, formFields(t, compose(t, w, optionalEvent)), "%+v", w)
	}
	m := compose(t, webhook.Webhook{Method: "GET", Body: `{"a":{{none|optional}}}`}, optionalEvent)
	require.Equal(t, "https://example.com/", m.URL)
	m = compose(t, webhook.Webhook{Method: "GET", URL: "https://h/?q={{none|optional}}", Body: `{"a":{{a|optional}}}`}, optionalEvent)
	require.Equal(t, "https://h/?a=x", m.URL)
}

func TestCompose_OptionalURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"?a={{a|optional}}":                                    "?a=x",
		"?a={{none|optional}}":                                 "",
		"?a={{empty|optional}}&b={{none|optional}}":            "",
		"?a={{none|optional}}&b=1":                             "?b=1",
		"?a=1&b={{none|optional}}":                             "?a=1",
		"?a=1&b={{none|optional}}&c=3":                         "?a=1&c=3",
		"?a=1&b={{none|optional}}&c={{none|optional}}":         "?a=1",
		"?a={{none|optional}}&b=2&c={{none|optional}}":         "?b=2",
		"?a={{n|optional}}&b={{f|optional}}":                   "?a=0&b=false",
		"?a={{l|optional}}":                                    "",
		"?a={{none|optional}}&":                                "",
		"?a&b={{none|optional}}":                               "?a",
		"?={{none|optional}}":                                  "",
		"?é={{none|optional}}&z=?":                             "?z=?",
		"?z?&a={{none|optional}}":                              "?z?",
		"?z=1?&a={{none|optional}}":                            "?z=1?",
		"?a[0]={{none|optional}}&a[1]={{a|optional}}":          "?a[1]=x",
		"?a={{none}}&b={{none|optional}}":                      "?a=",
		"{{a}}?a={{none|optional}}":                            "x",
		"a&b?a={{none|optional}}":                              "a&b",
		"?a={{blank|strip|url_encode|optional}}":               "",
		"?a={{blank|url_encode|optional}}":                     "?a=%20",
		"?a=%2{{none}}&b={{none|optional}}":                    "?a=%252",
		"?a={{none}}{{none}}&b={{none|optional}}&c={{a}}{{a}}": "?a=&c=xx",
	} {
		require.Equal(t, "https://h/"+want, compose(t, webhook.Webhook{URL: "https://h/" + url}, optionalEvent).URL, url)
	}
	require.Equal(t, "https://h", compose(t, webhook.Webhook{URL: "https://h?a={{none|optional}}"}, optionalEvent).URL)
}

func TestCompose_OptionalHeader(t *testing.T) {
	t.Parallel()
	m := compose(t, webhook.Webhook{Headers: map[string]string{
		"X-A": "{{none|optional}}", "X-B": "{{a|optional}}", "X-C": "{{l|optional}}", "X-D": "{{n|optional}}", "X-E": "{{none}}",
		"X-F": "{{empty | optional}}", "X-G": "{{'\x01' | optional}}",
	}}, optionalEvent)
	got := map[string]string{}
	for name, values := range m.Header {
		require.Len(t, values, 1)
		got[name] = values[0]
	}
	require.Equal(t, map[string]string{
		"Content-Type": "application/json", "X-B": "x", "X-D": "0", "X-E": "", "X-G": " ",
	}, got)
}

func TestCompile_OptionalRefused(t *testing.T) {
	t.Parallel()
	const (
		last    = "optional must be the last filter"
		element = "optional cannot leave out an element of a list, only a member of an object"
		member  = "optional leaves out a member of an object, so its tag must be the whole value of one"
		query   = "optional leaves out a parameter of the query, so its tag must be the whole value of one"
		header  = "optional leaves out a header, so its tag must be the whole value"
	)
	tests := []struct{ where, template, want string }{
		{"body", `{"a": {{x | optional | upcase}}}`, last},
		{"body", `{"a": {{x | optional | optional}}}`, last},
		{"body", `[{{x | optional}}]`, element},
		{"body", `{"a": ["{{x | optional}}", 1]}`, element},
		{"body", `{"a": "b{{x | optional}}"}`, member},
		{"body", `{"a": "{{x | optional}} "}`, member},
		{"body", `{"a": "{{y}}{{x | optional}}"}`, member},
		{"body", `{"a": "{{x | optional}}{{y}}"}`, member},
		{"body", `["b{{x | optional}}"]`, member},
		{"body", `{{x | optional}}`, member},
		{"body", ` "{{x | optional}}"`, member},
		{"url", "https://h/{{x | optional}}", query},
		{"url", "https://h/a={{x | optional}}", query},
		{"url", "https://h/?a=b{{x | optional}}", query},
		{"url", "https://h/?a=b={{x | optional}}", query},
		{"url", "https://h/?a={{x | optional}}b", query},
		{"url", "https://h/?a={{y}}{{x | optional}}", query},
		{"url", "https://h/?a={{x | optional}}{{y}}", query},
		{"url", "https://h/?a={{y}}b={{x | optional}}", query},
		{"url", "https://h/?a={{x | optional | upcase}}", last},
		{"headers.X", "a {{x | optional}}", header},
		{"headers.X", "{{x | optional}} ", header},
		{"headers.X", "{{x | optional}}{{y}}", header},
		{"headers.X", "{{x | optional | size}}", last},
		{"body", `{"a": {{x | optional: 1}}}`, "optional takes no argument, not 1"},
		{"body", `{"a": {{x | optionl}}}`, `unknown filter "optionl"; did you mean "optional"?`},
	}
	for _, tt := range tests {
		for _, format := range []webhook.Format{"", webhook.FormatFormURLEncoded} {
			w := webhook.Webhook{URL: "https://h/", Format: format}
			switch {
			case tt.where == "body" && (format == "" || strings.HasPrefix(tt.template, "{")):
				w.Body = tt.template
			case tt.where == "url":
				w.URL = tt.template
			case tt.where == "headers.X":
				w.Headers = map[string]string{"X": tt.template}
			default:
				continue
			}
			_, err := webhook.Compile(w)
			var te *webhook.TemplateError
			require.ErrorAs(t, err, &te, tt.template)
			require.Equal(t, tt.want, te.Err.Error(), tt.template)
			require.Equal(t, tt.where, te.Field)
			at := strings.Index(tt.template, "optional")
			if strings.HasSuffix(tt.want, "not 1") {
				at = strings.Index(tt.template, "1")
			}
			if at >= 0 {
				require.Equal(t, at, te.Offset, tt.template)
			}
		}
	}
}

// What may be left out needs no default.
func TestCheck_Optional(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{
		URL: "https://h/?a={{payload.read_at | optional}}", Body: `{"a":{{payload.read_at | optional}}}`,
	}
	require.Empty(t, check(t, w, payload.MessageStatus{}))
	problems := check(t, webhook.Webhook{URL: "https://h/", Body: `[{{payload.id | optional}}]`}, payload.MessageStatus{})
	require.Equal(t, []webhook.Problem{
		errorAt("body", 16, len("optional"), "optional cannot leave out an element of a list, only a member of an object", ""),
	}, problems)
}

// An optionalTree makes random bodies, and what they are composed to by other means: all
// of it is composed, decoded, and what has no value deleted.
type optionalTree struct {
	rand *rand.Rand
	n    int
	// The template, without the filter optional, and with bare tags for those in quotes.
	with, without, bare strings.Builder
	drop                map[string]bool // the keys of optional members, each there once
}

func (o *optionalTree) write(text string) {
	o.with.WriteString(text)
	o.without.WriteString(text)
	o.bare.WriteString(text)
}

func (o *optionalTree) blanks() { o.write(pick(o.rand, "", "", " ", "\n\t", "\r\n")) }

func (o *optionalTree) value(depth int) {
	name := pick(o.rand, "a", "n", "f", "none", "empty", "o", "l", "full", "blank", "nested")
	switch n := o.rand.IntN(8); {
	case depth == 0 || n < 5:
		o.tag(name, "")
	case n < 7:
		o.object(depth - 1)
	default:
		o.write("[")
		for i := range o.rand.IntN(3) {
			if i > 0 {
				o.write(",")
			}
			o.blanks()
			o.value(depth - 1)
		}
		o.write("]")
	}
}

func (o *optionalTree) tag(name, filter string) {
	quote := pick(o.rand, "", `"`)
	o.with.WriteString(quote + "{{" + name + filter + "}}" + quote)
	o.without.WriteString(quote + "{{" + name + "}}" + quote)
	o.bare.WriteString("{{" + name + "}}")
}

func (o *optionalTree) object(depth int) {
	o.write("{")
	for i := range o.rand.IntN(5) {
		if i > 0 {
			o.write(",")
		}
		o.blanks()
		o.n++
		key := fmt.Sprintf(`%d`, o.n) + pick(o.rand, "", "{", "}", ",", "[]:", `\"`, `\\`, `,\"`, `\u002c`, " ")
		o.write(`"` + key + `"`)
		o.blanks()
		o.write(":")
		o.blanks()
		if o.rand.IntN(2) == 0 {
			var plain string
			if err := json.Unmarshal([]byte(`"`+key+`"`), &plain); err != nil {
				panic(err)
			}
			o.drop[plain] = true
			o.tag(pick(o.rand, "a", "n", "f", "none", "empty", "o", "l", "full", "blank"), "|optional")
		} else {
			o.value(depth)
		}
		o.blanks()
	}
	o.write("}")
}

// prune deletes the members that are optional and, bare, have no value.
func (o *optionalTree) prune(v, bare any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			none := bare.(map[string]any)[key]
			list, isList := none.([]any)
			object, isObject := none.(map[string]any)
			empty := none == nil || none == "" || isList && len(list) == 0 || isObject && len(object) == 0
			if o.drop[key] && empty {
				delete(v, key)
				continue
			}
			v[key] = o.prune(v[key], none)
		}
	case []any:
		for i := range v {
			v[i] = o.prune(v[i], bare.([]any)[i])
		}
	}
	return v
}

func TestCompose_OptionalOracle(t *testing.T) {
	t.Parallel()
	e := raw(strings.Replace(string(optionalEvent.JSON), "{", `{"nested":{"a":null,"b":["",{}]},`, 1))
	left := 0
	for i := range uint64(2000) {
		o := optionalTree{rand: rand.New(rand.NewPCG(8, i)), drop: map[string]bool{}}
		o.object(3)
		body := func(b *strings.Builder) []byte {
			return compose(t, webhook.Webhook{Body: b.String()}, e).Body
		}
		decoded := func(b []byte) (v any) {
			d := json.NewDecoder(bytes.NewReader(b))
			d.UseNumber()
			require.NoError(t, d.Decode(&v), "%s\n%s", o.with.String(), b)
			return v
		}
		got := body(&o.with)
		require.True(t, json.Valid(got), "%s\n%s", o.with.String(), got)
		without := body(&o.without)
		want := o.prune(decoded(without), decoded(body(&o.bare)))
		require.Equal(t, want, decoded(got), "%s\n%s", o.with.String(), got)
		if !bytes.Equal(got, without) {
			left++
		}
	}
	require.Greater(t, left, 500)
}
