package webhook_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// formFields returns the fields that a receiver sees, in order: of a form, or of the
// query of a GET; nil if it is neither.
func formFields(t testing.TB, m *webhook.Message) (fields [][2]string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if m.Method == "GET" {
		_, query, _ := strings.Cut(m.URL, "?")
		return pairs(t, query)
	}
	require.NoError(t, err)
	switch kind {
	case "application/x-www-form-urlencoded":
		require.Equal(t, map[string]string{"charset": "utf-8"}, params)
		return pairs(t, string(m.Body))
	case "multipart/form-data":
		require.Equal(t, "utf-8", params["charset"])
		r := multipart.NewReader(bytes.NewReader(m.Body), params["boundary"])
		for {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return fields
			}
			require.NoError(t, err)
			require.Len(t, p.Header, 1)
			_, disposition, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
			require.NoError(t, err)
			require.Len(t, disposition, 1)
			value, err := io.ReadAll(p)
			require.NoError(t, err)
			// as browsers encode them
			name := strings.NewReplacer("%22", `"`, "%5C", `\`).Replace(disposition["name"])
			fields = append(fields, [2]string{name, string(value)})
		}
	}
	require.Equal(t, "application/json", kind)
	return nil
}

func pairs(t testing.TB, query string) (fields [][2]string) {
	if query == "" {
		return nil
	}
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	for _, pair := range strings.Split(query, "&") {
		name, value, ok := strings.Cut(pair, "=")
		require.True(t, ok)
		name, err := url.QueryUnescape(name)
		require.NoError(t, err)
		value, err = url.QueryUnescape(value)
		require.NoError(t, err)
		require.Contains(t, values[name], value)
		fields = append(fields, [2]string{name, value})
	}
	return fields
}

var formEvent = raw(`{"id":"1 2","n":5,"o":{"a[b]":1,"=&":{"x":null,"y":""},"e":{},"l":[]},"l":["p",["q"],{"k":true}],"none":null,"a b&c":"d"}`)

func TestCompose_Formats(t *testing.T) {
	t.Parallel()
	whole := [][2]string{
		{"id", "1 2"},
		{"n", "5"},
		{"o[a%5Bb%5D]", "1"},
		{"o[%3D%26][x]", ""},
		{"o[%3D%26][y]", ""},
		{"l[0]", "p"},
		{"l[1][0]", "q"},
		{"l[2][k]", "true"},
		{"none", ""},
		{"a b%26c", "d"},
	}
	tests := []struct {
		name   string
		body   string
		fields [][2]string
		asJSON string
	}{
		{"no template", "", whole, string(formEvent.JSON)},
		{"placeholder alone", " {{payload}} ", whole, " " + string(formEvent.JSON) + " "},
		{"fields", `{"z":"<{{id}}>","a":{{n}},"list":{{l}},"empty":{{o.e}},"none":{{none}},"o":{"k":[{{o.l}},"{{n}}"]}}`, [][2]string{
			{"z", "<1 2>"}, {"a", "5"}, {"list[0]", "p"}, {"list[1][0]", "q"}, {"list[2][k]", "true"}, {"none", ""}, {"o[k][1]", "5"},
		}, `{"z":"<1 2>","a":5,"list":["p",["q"],{"k":true}],"empty":{},"none":null,"o":{"k":[[],"5"]}}`},
		{"author's names", `{"a[0]":1,"a[]":2,"b=c&d":3,"é\"\\":4}`, [][2]string{{"a[0]", "1"}, {"a[]", "2"}, {"b=c&d", "3"}, {"é\"\\", "4"}}, `{"a[0]":1,"a[]":2,"b=c&d":3,"é\"\\":4}`},
		{"author's names with controls", `{"a\u0000\r\n` + "\x7f" + `":1}`, [][2]string{{"a%00%0D%0A%7F", "1"}}, `{"a\u0000\r\n` + "\x7f" + `":1}`},
		{"no fields", `{}`, nil, `{}`},
		{"nothing", `{{none}}`, nil, `null`},
	}
	for _, tt := range tests {
		for _, method := range []string{"", "GET", "POST", "PUT", "PATCH", "DELETE"} {
			for _, format := range []webhook.Format{
				"", webhook.FormatJSON, webhook.FormatFormData, webhook.FormatFormURLEncoded,
			} {
				t.Run(tt.name+"/"+method+"/"+string(format), func(t *testing.T) {
					t.Parallel()
					m := compose(t, webhook.Webhook{Method: method, Format: format, Body: tt.body}, formEvent)
					contentType := m.Header.Get("Content-Type")
					switch {
					case method == "GET":
						require.Empty(t, m.Body)
						require.NotContains(t, m.Header, "Content-Type")
						if tt.body == "" {
							require.Equal(t, "https://example.com/", m.URL)
							return
						}
						require.Equal(t, tt.fields, formFields(t, m))
					case format == webhook.FormatFormURLEncoded:
						require.Equal(t, "application/x-www-form-urlencoded; charset=utf-8", contentType)
						require.Equal(t, tt.fields, formFields(t, m))
					case format == webhook.FormatFormData:
						require.Regexp(t, `^multipart/form-data; boundary=[0-9a-f]{60}; charset=utf-8$`, contentType)
						require.Equal(t, tt.fields, formFields(t, m))
					default:
						require.Equal(t, "application/json", contentType)
						require.Equal(t, tt.asJSON, string(m.Body))
					}
					if method != "" {
						require.Equal(t, method, m.Method)
					}
				})
			}
		}
	}
}

func TestCompose_FormLists(t *testing.T) {
	t.Parallel()
	e := raw(`{"to":["1","2",null],"n":[1,true],"one":["x"],"none":[],"deep":{"l":["p","q"]},"rows":["a",["b","c",[]],{"k":["d"],"j":1},[["e"]]]}`)
	for lists, want := range map[webhook.FormLists][][2]string{
		"": {
			{"to[0]", "1"},
			{"to[1]", "2"},
			{"to[2]", ""},
			{"n[0]", "1"},
			{"n[1]", "true"},
			{"one[0]", "x"},
			{"deep[l][0]", "p"},
			{"deep[l][1]", "q"},
			{"rows[0]", "a"},
			{"rows[1][0]", "b"},
			{"rows[1][1]", "c"},
			{"rows[2][k][0]", "d"},
			{"rows[2][j]", "1"},
			{"rows[3][0][0]", "e"},
		},
		webhook.FormListsBrackets: {
			{"to[]", "1"},
			{"to[]", "2"},
			{"to[]", ""},
			{"n[]", "1"},
			{"n[]", "true"},
			{"one[]", "x"},
			{"deep[l][]", "p"},
			{"deep[l][]", "q"},
			{"rows[]", "a"},
			{"rows[1][]", "b"},
			{"rows[1][]", "c"},
			{"rows[2][k][]", "d"},
			{"rows[2][j]", "1"},
			{"rows[3][0][]", "e"},
		},
		webhook.FormListsRepeat: {
			{"to", "1"},
			{"to", "2"},
			{"to", ""},
			{"n", "1"},
			{"n", "true"},
			{"one", "x"},
			{"deep[l]", "p"},
			{"deep[l]", "q"},
			{"rows", "a"},
			{"rows[1]", "b"},
			{"rows[1]", "c"},
			{"rows[2][k]", "d"},
			{"rows[2][j]", "1"},
			{"rows[3][0]", "e"},
		},
	} {
		for _, w := range []webhook.Webhook{
			{Format: webhook.FormatFormURLEncoded},
			{Format: webhook.FormatFormData},
			{Format: webhook.FormatFormURLEncoded, Body: "{{payload}}"},
			{Format: webhook.FormatFormData, Body: `{"to":{{to}},"n":{{n}},"one":{{one}},"none":{{none}},"deep":{{deep}},"rows":{{rows}}}`},
			{Method: "GET", Body: "{{payload}}"},
			{Method: "GET", Format: webhook.FormatFormData, Body: `{"to":["1",{{to[1]}},null],"n":[1,true],"one":["x"],"deep":{"l":["p","q"]},"rows":{{rows}}}`},
		} {
			w.FormLists = lists
			require.Equal(t, want, formFields(t, compose(t, w, e)), "%+v", w)
			if lists == "" {
				w.FormLists = webhook.FormListsIndex
				require.Equal(t, want, formFields(t, compose(t, w, e)))
			}
		}
	}
	// The structure of JSON is its own.
	m := compose(t, webhook.Webhook{FormLists: webhook.FormListsRepeat, Body: `{"to":{{to}}}`}, e)
	require.JSONEq(t, `{"to":["1","2",null]}`, string(m.Body))
}

func TestCompose_GETQuery(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, url, body, want string }{
		{"no query, no body", "https://h", "", "https://h"},
		{"query, no body", "https://h/?b=2&a={{n}}", "", "https://h/?b=2&a=5"},
		{"no query", "https://h", `{"x":"{{id}}"}`, "https://h?x=1%202"},
		{"path", "https://h/p", `{"x":{{n}},"y":1}`, "https://h/p?x=5&y=1"},
		{"query", "https://h/p?b=2&a", `{"x":{{n}}}`, "https://h/p?b=2&a&x=5"},
		{"open query", "https://h/p?", `{"x":{{n}}}`, "https://h/p?x=5"},
		{"query with & at its end", "https://h/p?b=2&", `{"x":{{n}}}`, "https://h/p?b=2&x=5"},
		{"query that ends in a value", "https://h/p?b={{n}}", `{"x":{{n}}}`, "https://h/p?b=5&x=5"},
		{"query that ends in an empty value", "https://h/p?b={{none}}", `{"x":{{n}}}`, "https://h/p?b=&x=5"},
		{"no fields", "https://h/p?b=2", `{}`, "https://h/p?b=2"},
		{"brackets", "https://h/p", `{"a":{{l}}}`, "https://h/p?a%5B0%5D=p&a%5B1%5D%5B0%5D=q&a%5B2%5D%5Bk%5D=true"},
		{"question mark in the query", "https://h/p?a=?", `{"x":1}`, "https://h/p?a=?&x=1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, webhook.Webhook{Method: "GET", URL: tt.url, Body: tt.body}, formEvent)
			require.Equal(t, tt.want, m.URL)
			require.Nil(t, m.Body)
		})
	}
}

func TestCompose_ContentType(t *testing.T) {
	t.Parallel()
	for _, own := range []string{
		"application/json", "application/json; charset=UTF-8", "application/vnd.api+json", "text/json",
		"Application/JSON",
	} {
		m := compose(t, webhook.Webhook{Headers: map[string]string{"content-type": own}}, formEvent)
		require.Equal(t, []string{own}, m.Header["Content-Type"])
		require.Len(t, m.Header, 1)
	}
}

// Each message has a new boundary, so that no value can contain it.
func TestCompose_Boundary(t *testing.T) {
	t.Parallel()
	c := webhook.MustCompile(webhook.Webhook{URL: "https://h/", Format: webhook.FormatFormData, Body: `{"a":1}`})
	seen := map[string]bool{}
	for range 100 {
		m, err := c.ComposeID("m", formEvent)
		require.NoError(t, err)
		seen[m.Header.Get("Content-Type")] = true
	}
	require.Len(t, seen, 100)
}

// The form can be read, whatever the names of the event's members are.
func TestCompose_HostileFieldNames(t *testing.T) {
	t.Parallel()
	e := raw(`{"\u0000":"nul","a\r\nContent-Type: text/html\r\n\r\nx":"crlf","q\"; filename=\"x":"quote","":"empty","\\":"slash","a[":{"]":{"=":1}},"\u007f\t":"c","\u2028é":"u"}`)
	want := [][2]string{
		{"%00", "nul"},
		{"a%0D%0AContent-Type: text/html%0D%0A%0D%0Ax", "crlf"},
		{`q"; filename="x`, "quote"},
		{"%27%27", "empty"},
		{`\`, "slash"},
		{"a%5B[%5D][%3D]", "1"},
		{"%7F%09", "c"},
		{"\u2028é", "u"},
	}
	want[1][0] = strings.ReplaceAll(want[1][0], "=", "%3D")
	want[2][0] = strings.ReplaceAll(want[2][0], "=", "%3D")
	for _, w := range []webhook.Webhook{
		{Format: webhook.FormatFormData}, {Format: webhook.FormatFormURLEncoded}, {Method: "GET", Body: "{{payload}}"},
	} {
		require.Equal(t, want, formFields(t, compose(t, w, e)))
	}
}

// What a multipart form is on the wire: names as browsers write them.
func TestCompose_Multipart(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, event, want string }{
		{"fields", `{"a":"{{a}}","b":{{b}}}`, `{"a":"é\r\n","b":[1]}`, part("a", "é\r\n") + "\r\n" + part("b[0]", "1") + "\r\n--B--\r\n"},
		{"no fields", "{}", "{}", "--B--\r\n"},
		{"empty lists only", "", `{"a":[],"b":{}}`, "--B--\r\n"},
		{"null", "", "null", "--B--\r\n"},
		{"quote", "", `{"o":{"12\" pizza":"x"}}`, part("o[12%22 pizza]", "x") + "\r\n--B--\r\n"},
		{"a second parameter", "", `{"x\"; filename=\"y":"x"}`, part("x%22; filename%3D%22y", "x") + "\r\n--B--\r\n"},
		{"backslash", "", `{"a\\":"x"}`, part("a%5C", "x") + "\r\n--B--\r\n"},
		{"author's quote", `{"a\"\\b":1}`, "{}", part("a%22%5Cb", "1") + "\r\n--B--\r\n"},
		{"lines", "", `{"a\r\nX: y":"x"}`, part("a%0D%0AX: y", "x") + "\r\n--B--\r\n"},
		{"encoded and not", "", `{"o":{"x[y]":1,"x%5By%5D":2}}`, part("o[x%5By%5D]", "1") + "\r\n" + part("o[x%255By%255D]", "2") + "\r\n--B--\r\n"},
		{"empty keys", "", `{"":1,"o":{"":2}}`, part("%27%27", "1") + "\r\n" + part("o[%27%27]", "2") + "\r\n--B--\r\n"},
		{"blank at the start", "", `{" status":1,"o":{" a":2}}`, part("%20status", "1") + "\r\n" + part("o[ a]", "2") + "\r\n--B--\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, webhook.Webhook{Format: webhook.FormatFormData, Body: tt.body}, raw(tt.event))
			_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
			require.NoError(t, err)
			require.Equal(t, tt.want, strings.ReplaceAll(string(m.Body), params["boundary"], "B"))
		})
	}
}

func part(name, value string) string {
	return "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value
}

func TestCompose_FormRefused(t *testing.T) {
	t.Parallel()
	for _, format := range []webhook.Format{webhook.FormatFormData, webhook.FormatFormURLEncoded} {
		for _, body := range []string{"[1]", `"text"`, "5", "true"} {
			for _, template := range []string{"", "{{payload}}"} {
				_, err := webhook.MustCompile(webhook.Webhook{
					URL: "https://h/", Format: format, Body: template,
				}).Compose(raw(body))
				require.EqualError(t, err, "webhook: body: the body of a form must be an object")
			}
		}
		require.Empty(t, formFields(t, compose(t, webhook.Webhook{Format: format}, raw("null"))))
		require.Empty(t, formFields(t, compose(t, webhook.Webhook{Format: format}, raw("{}"))))
	}
}
