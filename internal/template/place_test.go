package template_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, want string // want is, for each placeholder: b bare, s inside a string
	}{
		{"no placeholder", `{"a":[1,"x",null]}`, ""},
		{"bare", `{{a}}`, "b"},
		{"bare with blanks", " \n{{a}}\t", "b"},
		{"bare member", `{"a":{{a}},"b" : @<<b>> }`, "bb"},
		{"bare element", `[{{a}},@{{b}}]`, "bb"},
		{"string", `"{{a}}"`, "s"},
		{"strings", `{"a":"x{{a}}y{{b}}{{c}}","b":{{d}}}`, "sssb"},
		{"after an escaped quote", `["\"{{a}}"]`, "s"},
		{"after an escaped backslash", `["\\{{a}}",{{b}},"\\\\",{{c}}]`, "sbb"},
		{"braces in a string", `["[{{a}}]{"]`, "s"},
		{"after a key with a quote", `{"\"":{{a}}}`, "b"},
		{"same key elsewhere", `{"a":{"a":{{a}}},"b":{"a":"{{b}}"}}`, "bs"},
		{"keys that differ in case", `{"a":{{a}},"A":{{a}}}`, "bb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes := splitJSON(t, tt.src)
			places, err := template.JSON(nodes, 32)
			require.NoError(t, err)
			require.Len(t, places, len(nodes))
			got := ""
			for _, n := range nodes {
				if n.Placeholder() {
					got += map[bool]string{false: "b", true: "s"}[n.InString]
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestJSON_Refused(t *testing.T) {
	t.Parallel()
	const (
		badPlace = "a placeholder is not allowed here: outside a string it is a whole JSON value, and never a key"
		textNext = "text next to a bare placeholder: outside a string it is a whole JSON value"
		inEscape = "a placeholder inside an escape"
		early    = "not JSON: it ends early"
	)
	tests := []struct {
		name, src   string
		offset      int
		placeholder string
		err         string
	}{
		{"empty", ``, 0, "", early},
		{"blanks", " \n", 2, "", early},
		{"text", `id=1`, 0, "", "not JSON"},
		{"open object", `{"a":{{a}}`, 10, "", early},
		{"open object and an @ after it", `{"a":1,@`, 7, "", "not JSON"},
		{"open string", `{"a":"{{a}}`, 11, "", early},
		{"open literal", `[{{a}},nul`, 10, "", early},
		{"missing value", `{"a":}`, 5, "", "not JSON"},
		{"trailing comma", `[{{a}},]`, 7, "", "not JSON"},
		{"two values", `{{a}} 1`, 6, "", "not JSON"},
		{"single quotes", `{'a':1}`, 1, "", "not JSON"},
		{"bad escape", `["{{a}}\x"]`, 8, "", "not JSON"},
		{"line break in a string", "[\"{{a}}\n\"]", 7, "", "not JSON"},

		{"two side by side", `{{a}}{{b}}`, 5, "b", badPlace},
		{"two side by side, with an @", `[{{a}}@{{b}}]`, 7, "b", badPlace},
		{"two with a blank", `[{{a}} {{b}}]`, 7, "b", badPlace},
		{"digit before", `[1{{a}}]`, 2, "a", badPlace},
		{"sign before", `[-{{a}}]`, 2, "a", badPlace},
		{"digit after", `[{{a}}1]`, 1, "a", textNext},
		{"fraction after", `[{{a}}.5]`, 1, "a", textNext},
		{"exponent after", `[{{a}}e5]`, 1, "a", textNext},
		{"literal before", `[nul{{a}}]`, 4, "a", badPlace},
		{"literal after", `[{{a}}null]`, 1, "a", textNext},
		{"string before", `["x"{{a}}]`, 4, "a", badPlace},
		{"string after", `[{{a}}"x"]`, 1, "a", textNext},
		{"object after", `[{{a}}{}]`, 1, "a", textNext},
		{"colon after", `[{{a}}:1]`, 1, "a", textNext},
		{"bare key", `{ {{a}}:1}`, 2, "a", badPlace},
		{"bare second key", `{"a":1,{{b}}:2}`, 7, "b", badPlace},
		{"bare for a comma", `{"a":1 {{b}}}`, 7, "b", badPlace},
		{"bare for a colon", `{"a"{{b}}}`, 4, "b", badPlace},
		{"after a backslash", `["a\{{a}}"]`, 4, "a", "a placeholder after a backslash"},
		{"after a backslash and an @", `["\@{{a}}"]`, 4, "a", "a placeholder after a backslash"},
		{"after three backslashes", `["\\\{{a}}"]`, 5, "a", "a placeholder after a backslash"},
		{"as a hex digit", `["\u{{a}}"]`, 4, "a", inEscape},
		{"as the last hex digit", `["\u004{{a}}"]`, 7, "a", inEscape},

		{"key", `{"{{a}}":1}`, 2, "a", "a placeholder in a key"},
		{"part of a key", `{"x":1,"a{{a}}b":{{b}}}`, 9, "a", "a placeholder in a key"},
		{"second in a deep key", `[{"a":[{"b":1,"c@{{d}}":2}]}]`, 17, "d", "a placeholder in a key"},
		{"key twice", `{"a":1, "a":{{a}}}`, 8, "", `duplicate key`},
		{"key twice, after a placeholder", ` {"a":{{a}},"a":1}`, 12, "", `duplicate key`},
		{"key twice, with an escape", `{"a":{"b":1,"\u0062":2}}`, 12, "", `duplicate key`},
		{"empty key twice", `{"":1,"":2}`, 6, "", `duplicate key`},
		{"long key twice", `{"` + strings.Repeat("k", 100) + `":1,"` + strings.Repeat("k", 100) + `":2}`, 106, "", `duplicate key`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			places, err := template.JSON(splitJSON(t, tt.src), 32)
			require.Nil(t, places)
			var e *template.Error
			require.ErrorAs(t, err, &e)
			require.EqualError(t, e.Err, tt.err)
			require.Equal(t, tt.offset, e.Offset)
			require.Equal(t, tt.placeholder, e.Name)
		})
	}
}

func TestJSON_Depth(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		depth     int
		err       string
	}{
		{"scalar", `1`, 0, ""},
		{"list", `[{{a}}]`, 1, ""},
		{"list too deep", `[{{a}}]`, 0, "offset 0: nested too deeply: over the limit"},
		{"list in a list", ` [1,[2]]`, 2, ""},
		{"list in a list too deep", ` [1,[2]]`, 1, "offset 4: nested too deeply: over the limit"},
		{"after a placeholder", `{"a":{{long.name}},"b":{}}`, 1, "offset 23: nested too deeply: over the limit"},
		{"side by side", `[[],[],[],{}]`, 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := template.JSON(splitJSON(t, tt.src), tt.depth)
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.err)
			require.ErrorIs(t, err, request.ErrLimit)
		})
	}
}

// mark stands for a value when a template is read as JSON. No source of a test has it.
const mark = "\ue000"

// fill writes value for every placeholder, escaped for its place.
func fill(nodes []template.Node, value string) string {
	var b []byte
	for _, n := range nodes {
		switch {
		case !n.Placeholder():
			b = append(b, n.Text...)
		case n.InString:
			b = rawjson.AppendEscaped(b, value)
		default:
			b = rawjson.AppendString(b, value)
		}
	}
	return string(b)
}

// put replaces the marks in a decoded value.
func put(v any, value string) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, mark, value)
	case []any:
		for i := range v {
			v[i] = put(v[i], value)
		}
	case map[string]any:
		for name := range v {
			v[name] = put(v[name], value)
		}
	}
	return v
}

// The keys are looked for among the placeholders in no more time than they need: of so
// many, to compare each with each would take minutes.
func TestJSON_ManyKeys(t *testing.T) {
	t.Parallel()
	const count = 200_000
	var nodes []template.Node
	for i := range count {
		nodes = append(nodes, template.Node{Text: fmt.Sprintf(`,"%d":`, i)}, template.Node{Name: "a"})
	}
	nodes[0].Text = `{"0":`
	nodes = append(nodes, template.Node{Text: "}"})
	places, err := template.JSON(nodes, 1)
	require.NoError(t, err)
	require.Equal(t, template.Place{Lead: len(`"199999":`)}, places[2*count-1])

	nodes = append(nodes[:2*count], template.Node{Text: `,"b`}, template.Node{Name: "a", InString: true}, template.Node{Text: `":1}`})
	_, err = template.JSON(nodes, 1)
	require.ErrorContains(t, err, "a placeholder in a key")
}

// A template that passes keeps its shape: a value is where its placeholder was, and
// nothing else has changed.
func FuzzJSON(f *testing.F) {
	for _, src := range []string{
		`{{a}}`, `"{{a}}"`, `{"a":"x{{a}}y","b":[{{b}},{{c}}]}`, `["\\{{a}}"]`, `["\{{a}}"]`,
		`["\u004{{a}}"]`, `["\ud83d{{a}}"]`, `[1{{a}}]`, `{"{{a}}":1}`, `{"a":1,"a":2}`,
	} {
		for _, value := range []string{"", `"`, `\`, `","x":"`, "\n", "\\udc00", "é\xff", "0041"} {
			f.Add(src, value)
		}
	}
	f.Fuzz(func(t *testing.T, src, value string) {
		marked := strings.Contains(src, mark) || strings.Contains(value, mark) ||
			strings.Contains(src, "ue000") || strings.Contains(src, "uE000")
		if marked || !utf8.ValidString(src) {
			return
		}
		nodes, errs := template.Split(src, true, math.MaxInt)
		if len(errs) > 0 {
			return
		}
		if _, err := template.JSON(nodes, 8); err != nil {
			var e *template.Error
			require.ErrorAs(t, err, &e)
			require.GreaterOrEqual(t, e.Offset, 0)
			require.LessOrEqual(t, e.Offset, len(src))
			return
		}
		var want, got any
		if err := json.Unmarshal([]byte(fill(nodes, mark)), &want); err != nil {
			var number *json.UnmarshalTypeError
			require.ErrorAs(t, err, &number)
			return // 1e999
		}
		require.NoError(t, json.Unmarshal([]byte(fill(nodes, value)), &got))
		require.Equal(t, put(want, string([]rune(value))), got)
	})
}

func TestURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, authority string
	}{
		{"no path", "https://h.com", "https://h.com"},
		{"port", "http://h.com:8080/", "http://h.com:8080"},
		{"path", "https://h/a{{a}}/@{{b}}", "https://h"},
		{"path that begins with a placeholder", "https://h/{{a}}", "https://h"},
		{"query", "https://h?a={{a}}", "https://h"},
		{"query after a path", "https://h/{{p}}?a={{a}}&b=x{{b}}{{c}}&c", "https://h"},
		{"= in a value", "https://h/?a=b={{a}}", "https://h"},
		{"? in a value", "https://h/?a=b?{{a}}", "https://h"},
		{"& and = in a path", "https://h/a&b{{p}}=c?d={{d}}", "https://h"},
		{"slash in a query", "https://h?a=/{{a}}", "https://h"},
		{"other scripts", "https://h/é{{a}}", "https://h"},
		{"no scheme", "h.com", "h.com"}, // not checked here
		{"IPv6", "https://[::1]:80/{{a}}", "https://[::1]:80"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes := split(t, tt.src)
			authority, err := template.URL(nodes)
			require.NoError(t, err)
			require.Equal(t, tt.authority, nodes[0].Text[:authority])
		})
	}
}

func TestURL_Refused(t *testing.T) {
	t.Parallel()
	const (
		char     = "a blank, a control character or a backslash"
		fragment = "a fragment is never sent"
		address  = "a placeholder in scheme, user, host or port: the address must not depend on an event"
		query    = "a placeholder in the name of a query parameter"
	)
	tests := []struct {
		name, src   string
		offset      int
		placeholder string
		err         string
	}{
		{"empty", "", 0, "", "empty"},
		{"blank", "https://h/a b", 11, "", char},
		{"blank first", " https://h/", 0, "", char},
		{"blank after a placeholder", "https://h/{{a}} ", 15, "", char},
		{"line break", "https://h/\r\n", 10, "", char},
		{"NUL", "https://h/\x00", 10, "", char},
		{"DEL", "https://h/\x7f", 10, "", char},
		{"backslash", `https://h\@x/`, 9, "", char},
		{"fragment", "https://h/#a", 10, "", fragment},
		{"fragment after a placeholder", "https://h/?a={{a}}#{{b}}", 18, "", fragment},
		{"fragment in the host", "https://h#{{b}}", 9, "", fragment},
		{"alone", "{{a}}", 0, "a", address},
		{"scheme", "http{{a}}://h/", 4, "a", address},
		{"scheme first", "{{a}}://h/{{b}}", 0, "a", address},
		{"user", "https://{{a}}@h/", 8, "a", address},
		{"password", "https://u:{{a}}@h/", 10, "a", address},
		{"host", "https://{{a}}/", 8, "a", address},
		{"part of the host", "https://a.{{a}}.com/", 10, "a", address},
		{"after the host", "https://h{{a}}/", 9, "a", address},
		{"after the host, with an @", "https://h@{{a}}/", 10, "a", address},
		{"port", "https://h:{{a}}/", 10, "a", address},
		{"no host", "https:///{{a}}", 9, "a", address},
		{"no host but a query", "https://?a={{a}}", 11, "a", address},
		{"one slash", "https:/{{a}}", 7, "a", address},
		{"no scheme", "h.com/{{a}}", 6, "a", address},
		{"query name", "https://h/?{{a}}=1", 11, "a", query},
		{"query that begins with a placeholder", "https://h?{{a}}", 10, "a", query},
		{"part of a query name", "https://h/?a{{a}}=1", 12, "a", query},
		{"second query name", "https://h/?a={{a}}&{{b}}=1", 19, "b", query},
		{"query name after a placeholder", "https://h/?a={{a}}&b{{b}}", 20, "b", query},
		{"query name after an empty one", "https://h/?&{{a}}", 12, "a", query},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := template.URL(split(t, tt.src))
			var e *template.Error
			require.ErrorAs(t, err, &e)
			require.EqualError(t, e.Err, tt.err)
			require.Equal(t, tt.offset, e.Offset)
			require.Equal(t, tt.placeholder, e.Name)
		})
	}
}
