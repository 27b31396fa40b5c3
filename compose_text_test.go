package webhook_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/webhooktest"
)

var textEvent = raw(`{"id":"a\"b","n":-5.5,"crlf":"1\r\n2\t3\u0000\u0085","o":{"k": [1, "x,y"]},"none":null,"f":"=1+1","phone":"+919019912345"}`)

func TestCompose_Text(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"no placeholder", "Hello,\r\n\tworld\n", "Hello,\r\n\tworld\n"},
		{"values", "id={{id}} n={{n}}; o: {{o}} {{none}}.", `id=a"b n=-5.5; o: {"k":[1,"x,y"]} .`},
		{"controls", "[{{crlf}}]", "[1 \n2\t3  ]"},
		{"filters and literals", `{{f | append: "\n\x" | upcase}}{{'{{'}}`, "=1+1\n\\X{{"},
		{"not CSV", `"{{id}}`, `"a"b`},
		{"JSON of its own kind", `{"a": "{{id}}"`, `{"a": "a"b"`},
		{"no escapes", `\ud83d \u0041 {{id}}`, `\ud83d \u0041 a"b`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, webhook.Webhook{Format: webhook.FormatText, Body: tt.body}, textEvent)
			require.Equal(t, tt.want, string(m.Body))
			require.Equal(t, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, m.Header)
			require.NoError(t, m.Check())
		})
	}
}

func csvHook(body string) webhook.Webhook {
	return webhook.Webhook{
		URL: "https://h/", Format: webhook.FormatText, Headers: map[string]string{"Content-Type": "text/csv"}, Body: body,
	}
}

func TestCompose_CSV(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"cells", "{{id}},{{n}},{{none}}\r\n", `"a""b","-5.5",""` + "\r\n"},
		{"with a head", "id,\"the n\"\n{{id}},{{n}}", "id,\"the n\"\n\"a\"\"b\",\"-5.5\""},
		{"in the author's quotes", `"{{id}}",x,"{{n}}"`, `"a""b",x,"-5.5"`},
		{"formula", "{{f}}", `"'=1+1"`},
		{"formula in quotes", `"{{f}}"`, `"'=1+1"`},
		{"number with a sign", "{{phone}}", `"+919019912345"`},
		{"an object", "{{o}},1", `"{""k"":[1,""x,y""]}",1`},
		{"controls", "{{crlf}}\n", "\"1 \n2\t3  \"\n"},
		{"the author's own formula", "=1,{{n}}", `=1,"-5.5"`},
		{"quotes in a cell", `"a ""b"", c",{{n}},"""",""`, `"a ""b"", c","-5.5","""",""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, csvHook(tt.body), textEvent)
			require.Equal(t, tt.want, string(m.Body))
			require.Equal(t, http.Header{"Content-Type": {"text/csv; charset=utf-8"}}, m.Header)
			_, err := csv.NewReader(strings.NewReader(string(m.Body))).ReadAll()
			require.NoError(t, err)
		})
	}
}

func TestCompile_TextRefused(t *testing.T) {
	t.Parallel()
	const (
		control = "a control character in a text"
		cell    = "in CSV a placeholder is a whole cell, in quotes or without"
		quote   = `a quote inside a cell: the whole cell must be in quotes, and this one written ""`
		open    = "a cell's quotes are not closed"
	)
	tests := []struct {
		body   string
		csv    bool
		offset int
		want   string
	}{
		{"a\x00{{id}}", false, 1, control},
		{"{{id}}\x1b[0m", false, 6, control},
		{"é\u0085", false, 2, control},
		{"a {{id}}", true, 2, cell},
		{" {{id}}", true, 1, cell},
		{"{{id}} ", true, 0, cell},
		{"{{id}}x,1", true, 0, cell},
		{"1,{{id}}{{n}}", true, 8, cell},
		{`1,"{{id}} "`, true, 3, cell},
		{`1," {{id}}"`, true, 4, cell},
		{`"{{id}}"""`, true, 1, cell},
		{`"{{id}}"{{n}}`, true, 8, cell},
		{`""{{id}}`, true, 2, cell},
		{`"""{{id}}"`, true, 3, cell},
		{"\"{{id}}\n\"", true, 1, cell},
		{`{{id}}"`, true, 0, cell},
		{`a"b",1`, true, 1, quote},
		{`"a"b,1`, true, 3, quote},
		{`1,"a`, true, 2, open},
		{"x\n\"{{id}}", true, 2, open},
		{`1,"a""`, true, 2, open},
		{"a\r{{id}}", true, 1, control},
		{"a\x00", true, 1, control},
		{"{{id | optional}}", false, 7, "optional leaves out members, fields, parameters and headers: a text or XML has none"},
		{"{{id | optional}}", true, 7, "optional leaves out members, fields, parameters and headers: a text or XML has none"},
		{"{{id", false, 0, "a tag is not closed by }}"},
	}
	for _, tt := range tests {
		w := csvHook(tt.body)
		if !tt.csv {
			w.Headers = nil
		}
		_, err := webhook.Compile(w)
		var te *webhook.TemplateError
		require.ErrorAs(t, err, &te, tt.body)
		require.Equal(t, tt.want, te.Err.Error(), tt.body)
		require.Equal(t, tt.offset, te.Offset, tt.body)
		require.Equal(t, "body", te.Field)
		require.NotEmpty(t, check(t, w))
	}
}

// The settings that belong to a format.
func TestCompile_FormatRefused(t *testing.T) {
	t.Parallel()
	const xmlType = "want a type of XML in UTF-8 such as application/xml, without placeholders"
	const textType = "want text/plain or text/csv in UTF-8, without placeholders"
	own := func(contentType string) map[string]string { return map[string]string{"content-type": contentType} }
	tests := []struct {
		webhook webhook.Webhook
		field   string
		want    string
	}{
		{webhook.Webhook{Format: webhook.FormatText}, "body", "the format text needs a body template"},
		{webhook.Webhook{Format: webhook.FormatXML, Body: " \n"}, "body", "the format xml needs a body template"},
		{webhook.Webhook{Format: webhook.FormatText, Body: "a", Method: "GET"}, "format", "a GET has no body, and the format text no fields for its query"},
		{webhook.Webhook{Format: webhook.FormatXML, Body: "<a/>", Method: "GET"}, "format", "a GET has no body, and the format xml no fields for its query"},
		{webhook.Webhook{Format: webhook.FormatNone, Body: "{}"}, "body", "the format none has no body"},
		{webhook.Webhook{Format: webhook.FormatNone, Headers: own("text/plain")}, "headers.content-type", "the format none has no body"},
		{webhook.Webhook{Format: webhook.FormatText, Body: "a", Headers: own("text/html")}, "headers.content-type", textType},
		{webhook.Webhook{Format: webhook.FormatText, Body: "a", Headers: own("application/json")}, "headers.content-type", textType},
		{webhook.Webhook{Format: webhook.FormatText, Body: "a", Headers: own("text/csv; charset=latin1")}, "headers.content-type", textType},
		{webhook.Webhook{Format: webhook.FormatText, Body: "a", Headers: own("text/{{id}}")}, "headers.content-type", textType},
		{webhook.Webhook{Format: webhook.FormatText, Body: "a", Headers: own("")}, "headers.content-type", textType},
		{webhook.Webhook{Format: webhook.FormatXML, Body: "<a/>", Headers: own("text/plain")}, "headers.content-type", xmlType},
		{webhook.Webhook{Format: webhook.FormatXML, Body: "<a/>", Headers: own("text/xml; charset=utf-16")}, "headers.content-type", xmlType},
		{webhook.Webhook{Body: "{}", Headers: own("text/xml")}, "headers.content-type", "want a type of JSON in UTF-8 such as application/json, without placeholders"},
	}
	for _, tt := range tests {
		w := tt.webhook
		w.URL = "https://h/"
		_, err := webhook.Compile(w)
		var te *webhook.TemplateError
		require.ErrorAs(t, err, &te, "%+v", w)
		require.Equal(t, tt.want, te.Err.Error())
		require.Equal(t, tt.field, te.Field)
		require.Len(t, onlyErrors(check(t, w)), 1)
	}
}

func TestCompose_TextContentType(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format    webhook.Format
		own, want string
	}{
		{webhook.FormatText, "text/plain", "text/plain; charset=utf-8"},
		{webhook.FormatText, "Text/CSV; header=present;", "Text/CSV; header=present; charset=utf-8"},
		{webhook.FormatText, `text/csv; Charset="UTF-8"`, `text/csv; Charset="UTF-8"`},
		{webhook.FormatXML, "", "application/xml; charset=utf-8"},
		{webhook.FormatXML, "text/xml", "text/xml; charset=utf-8"},
		{webhook.FormatXML, "application/xml; charset=UTF-8", "application/xml; charset=UTF-8"},
		{webhook.FormatXML, `application/soap+xml; action="urn:x"`, `application/soap+xml; action="urn:x"; charset=utf-8`},
	} {
		w := webhook.Webhook{Format: tt.format, Body: "<a/>"}
		if tt.own != "" {
			w.Headers = map[string]string{"content-type": tt.own}
		}
		require.Equal(t, http.Header{"Content-Type": {tt.want}}, compose(t, w, textEvent).Header)
	}
}

// Without a body nothing is sent but the URL and the headers.
func TestCompose_None(t *testing.T) {
	t.Parallel()
	r := webhooktest.NewReceiver()
	t.Cleanup(r.Close)
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "GET"} {
		m := compose(t, webhook.Webhook{
			URL: r.URL + "/{{id}}?to={{to}}", Method: method, Format: webhook.FormatNone, Headers: map[string]string{"X-A": "{{status}}"},
		}, payload.MessageStatus{ID: "m1", To: payload.PhoneString("919019912345"), Status: payload.StatusRead})
		require.Nil(t, m.Body)
		require.Equal(t, http.Header{"X-A": {"read"}}, m.Header)
		require.NoError(t, m.Check())
		require.NotContains(t, m.Curl(), "Content-Type: ")
		require.NoError(t, r.Client().Send(t.Context(), m))
	}
	for _, got := range r.Requests() {
		require.Empty(t, got.Body)
		require.NotContains(t, got.Header, "Content-Type")
		require.Equal(t, "/m1?to=919019912345", got.URL)
	}
	require.Len(t, r.Requests(), 5)
}

// FuzzText composes texts of hostile values: a text/plain has them with their controls
// replaced, and a CSV has as many rows and cells, with values that begin no formula.
func FuzzText(f *testing.F) {
	for _, v := range []string{
		"", "a", "=1+1", `=cmd|'/c calc'!A0`, "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", `a","b`, "a\r\nb,c", "\xff\x00",
		`"`, `""`, `"=1"`, "-12.50", "+919019912345", "\u2028", "{{a}}", "'=1",
	} {
		f.Add(v, "x")
	}
	body := "head,\"the \"\"second\"\"\",3\n{{a}},\"{{b}}\",{{o}}\r\n{{l}},{{a | append: ';\\n'}},\"{{a | upcase}}\"\n"
	c := webhook.MustCompile(csvHook(body))
	plain := webhook.MustCompile(webhook.Webhook{URL: "https://h/", Format: webhook.FormatText, Body: "<{{a}}>\x09{{o}}\n"})
	f.Fuzz(func(t *testing.T, v1, v2 string) {
		for _, e := range hostileEvents(v1, v2, `["=1",{"a":"\"\u0000"}]`)[:2] {
			requireText(t, c, plain, e)
		}
	})
}

func requireText(t *testing.T, c, plain *webhook.Composer, e webhook.Event) {
	m, err := c.Compose(e)
	if err != nil {
		require.ErrorIs(t, err, webhook.ErrLimit)
		return
	}
	rows, err := csv.NewReader(strings.NewReader(string(m.Body))).ReadAll()
	require.NoError(t, err, "%q", m.Body)
	require.Len(t, rows, 3)
	for _, row := range rows {
		require.Len(t, row, 3)
		for _, cell := range row {
			requireNoFormula(t, cell)
		}
	}
	m, err = plain.Compose(e)
	require.NoError(t, err)
	require.Equal(t, asText(string(m.Body)), string(m.Body))
	require.True(t, strings.HasPrefix(string(m.Body), "<"))
}

func asText(s string) string {
	lines := strings.Split(asReceived(s), "\n")
	for i, line := range lines {
		var b strings.Builder
		for _, r := range line {
			if r != '\t' && (r < ' ' || 0x7f <= r && r < 0xa0) {
				r = ' '
			}
			b.WriteRune(r)
		}
		lines[i] = b.String()
	}
	return strings.Join(lines, "\n")
}

// requireNoFormula allows numbers, which compute nothing.
func requireNoFormula(t *testing.T, cell string) {
	if strings.Trim(strings.TrimLeft(cell, "+-"), "0123456789.") == "" {
		return
	}
	trimmed := strings.TrimLeft(cell, " \t\r\n")
	require.False(t, strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r"), "%q", cell)
	for _, sign := range []string{"=", "+", "-", "@"} {
		require.False(t, strings.HasPrefix(trimmed, sign), "%q", cell)
	}
}

func TestCompose_NaughtyText(t *testing.T) {
	t.Parallel()
	c := webhook.MustCompile(csvHook("{{id}},\"{{id}}\",1\n"))
	plain := webhook.MustCompile(webhook.Webhook{URL: "https://h/", Format: webhook.FormatText, Body: "<{{id}}>"})
	for _, text := range naughtyStrings(t) {
		for _, e := range []webhook.Event{payload.MessageStatus{ID: text}, mapEvent{"id": text}} {
			m, err := plain.Compose(e)
			require.NoError(t, err)
			require.Equal(t, "<"+asText(text)+">", string(m.Body))
			m, err = c.Compose(e)
			require.NoError(t, err)
			rows, err := csv.NewReader(strings.NewReader(string(m.Body))).ReadAll()
			require.NoError(t, err)
			require.Len(t, rows, 1)
			require.Len(t, rows[0], 3)
			require.Equal(t, rows[0][0], rows[0][1])
			requireNoFormula(t, rows[0][0])
			if rows[0][0] != asText(text) {
				require.Equal(t, "'"+asText(text), rows[0][0])
			}
		}
	}
}
