package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// FuzzCompose composes templates with hostile values. A template that compiles keeps
// its structure: the message is compared with that of the same webhook with harmless
// text instead of each placeholder, as net/url and encoding/json read both.
func FuzzCompose(f *testing.F) {
	values := []string{
		"", "a", "..", ".", "%2e", "/", "../a", `x\..\y`, "a/b?c=d&e#f", "\r\nX: y", `","x":"`, `\`, "\"}]", "{{a}}", "\xff\xfe",
		"é☃😀", "\x00", "a[b]=c",
	}
	for i, template := range []struct{ url, header, body string }{
		{"https://h/{{a}}?b={{b}}", "{{a}}", `{"a":"{{a}}","b":{{b}}}`},
		{"http://h:8080/p/{{a}}{{b}}/q?x=@{{n}}&y", "Bearer @<<b>> é", `[{{o}},{{l}},{{n}},"{{o}}{{l}}{{n}}",{"k":[{{a}}]}]`},
		{"https://h", "", `{{payload}}`},
		{"https://h/%2{{a}}/%{{b}}?%{{a}}={{b}}", "x", `{"a":{"b":{{o}},"c":"\"{{a}}\\{{b}}"}}`},
		{"https://h?a=?", "{{event}}{{message_id}}{{webhook_id}}", ` {"a[0]":{{l}},"b":{{o.k}},"":{{l.0}}} `},
		{"https://h/{{id}}", "{{id}}", `{"id":{{id}},"m":{{payload}},"t":"{{payload.message.payload.text}}"}`},
		{"https://h/{{a}};{{b}}/?a={{a}}/../{{b}}", "", ""},
		{"https://h/{{a|slice:0,1}}.{{b|default:'.'}}?q={{o|size}}{{'&'}}", "{{a|append:b|upcase}}{{b|append:'{{'}}", `{"a":"{{a|escape}}{{'{{'}}","b":{{l|first|split:''}},"c":{{n|times:'-1.5'}}}`},
		{"https://h/?a={{a|optional}}&b={{b|optional}}&c={{n}}", "{{a|optional}}", `{"a":"{{a|optional}}", "o":{{o|optional}},"l":[{"b":{{b|optional}}}], "c":{{l|optional}} }`},
		{"https://h/{{o['k'][0]|default:a}}?q={{n|append:b}}", `{{'it\'s'|append:a}}`, `{"a":"{{o[\"k\"]|default:'\u0022\n'|append:b}}","b":{{l|default:o}},"c":"@\u003c\u003ca\u003e\u003e"}`},
	} {
		for j, value := range values {
			f.Add(template.url, template.header, template.body, value, values[(i+j)%len(values)], `{"a":1}`, uint8(i+j))
		}
	}
	f.Fuzz(func(t *testing.T, rawURL, header, body, v1, v2, form string, settings uint8) {
		w := webhook.Webhook{
			URL: rawURL, Body: body, Headers: map[string]string{"X-A": header, "X-B": "1"},
			Format: []webhook.Format{"", webhook.FormatFormData, webhook.FormatFormURLEncoded}[settings%3],
			Method: []string{"POST", "GET", "PUT"}[settings/3%3],

			FormLists: []webhook.FormLists{"", webhook.FormListsBrackets, webhook.FormListsRepeat}[settings/9%3],
		}
		requireStructure(t, w, hostileEvents(v1, v2, form))
	})
}

// FuzzTemplate composes all templates that compile, with everything that a tag may
// contain: see FuzzCompose. Each expression is in every place that it may have.
func FuzzTemplate(f *testing.F) {
	for i, expression := range []string{
		"a", "a|upcase", "b | slice: -10", "a|default:'x\"y'", "o|size", "l|join:'&'", "l[0]|append:b",
		"a|append:'{{'|prepend:'@<<'", "'</&?=#'", "-07", "nil|append:'\r\nX: y'", "a|split:''",
		"a|split:' '|last", "a|replace:'a','\"},{'", "n|plus:1|times:'1.5'", "n|divided_by:'-3'|round:2",
		"a|modulo:7", "b|date_format:'d/m/Y H:i \\\\o'", "'2021-04-09'|date_format:'c','Asia/Kolkata'",
		"a|escape|url_encode", "o|upcase", "l|slice:1,1|first", "a|truncate:3,'…'", "payload|size|append:'.'",
		"message_id|first", "a|default:nil", "true", "o.k[2]|default:false", "'.'", "a|slice:0,1|append:'.'",
		`\"{\"|append:\"}\"`,
		"a|replace:'x','xxxxxxxxxx'|replace:'x','xxxxxxxxxx'|replace:'x','xxxxxxxxxx'|replace:'x','xxxxxxxxxx'",
		"a||b", "a|f", "|", "a|slice:'x'", "'{{", "a[", "a|plus:", "'a\\'",
		"o['k'][2]", `o["a[b]=c"]|default:['l'][0]`, "nil|default:a|append:b|prepend:n", "n|plus:n|times:a|default:o.k", "l|join:a",
		`'}\}'|append:"\"\\\n"`, `'\u0022\ud83d\ude00\/'`, `\u0027\u005c\u0027|append:\"\n\"`, `a|date_format:'\"d\n\\'|default:b`,
		"missing|default:message_id", "#if a", "a b", "'x'|append:a,b", "o[a]", `'\'"'`,
	} {
		for j, value := range []string{"x", "..", `","x":"`, "\r\n\xff\x00é", "-12.50", "2021-04-09 16:27:39"} {
			f.Add(expression, value, "a[b]=c", `{"a":[1,"x"]}`, uint8(i+j))
		}
	}
	f.Fuzz(func(t *testing.T, expression, v1, v2, form string, settings uint8) {
		tag := "{{" + expression + "}}"
		if settings >= 128 {
			tag = "@<<" + expression + ">>"
		}
		w := webhook.Webhook{
			URL: "https://h/", Headers: map[string]string{"X-A": "", "X-B": "1"},
			Format: []webhook.Format{"", webhook.FormatFormData, webhook.FormatFormURLEncoded}[settings%3],
			Method: []string{"POST", "GET", "PUT"}[settings/3%3],

			FormLists: []webhook.FormLists{"", webhook.FormListsBrackets, webhook.FormListsRepeat}[settings/9%3],
		}
		events := hostileEvents(v1, v2, form)
		inURL, inHeader, inBody := w, w, w
		inURL.URL = "https://h/" + tag + "/p?q=" + tag + "&r=x" + tag
		requireStructure(t, inURL, events)
		inHeader.Headers = map[string]string{"X-A": "é" + tag + " " + tag, "X-B": "1"}
		requireStructure(t, inHeader, events)
		inBody.Body = `{"s":"a` + tag + `","b":` + tag + `,"l":[` + tag + `,{"k[0]":"` + tag + `"}]}`
		requireStructure(t, inBody, events)
	})
}

// requireStructure composes a webhook, if it compiles, and compares its messages with
// that of harmless text.
func requireStructure(t *testing.T, w webhook.Webhook, events []webhook.Event) {
	c, err := webhook.Compile(w)
	require.Equal(t, err == nil, len(onlyErrors(check(t, w))) == 0, "%v", err)
	_, errOfSample := webhook.Compile(w, events[0])
	require.Equal(t, errOfSample == nil, len(onlyErrors(check(t, w, events[0]))) == 0, "%v", errOfSample)
	if err != nil {
		requireTemplateError(t, err)
		return
	}
	plain, err := webhook.Compile(harmless(w))
	require.NoError(t, err, "%q compiles, but not %q", w, harmless(w))
	want, err := plain.ComposeID("m", raw("{}"))
	if err != nil {
		require.ErrorIs(t, err, webhook.ErrLimit)
		return
	}
	for _, e := range events {
		m, err := c.ComposeID("m", e)
		if err != nil {
			requireTemplateError(t, err)
			continue
		}
		require.NoError(t, m.Check())
		requireSameURL(t, want, m, w.Method == http.MethodGet && placeholder.MatchString(w.Body))
		requireSameHeader(t, want, m)
		requireSameBody(t, w, want, m)
	}
}

func requireTemplateError(t *testing.T, err error) {
	var te *webhook.TemplateError
	require.ErrorAs(t, err, &te)
	require.True(t, strings.HasPrefix(err.Error(), "webhook: "))
	require.Equal(t, 1, strings.Count(err.Error(), "webhook: "), err)
	require.True(t, strings.HasPrefix(te.Detail(), err.Error()))
	requireCoded(t, te.Code, te.Args, te.Err.Error())
}

// placeholder finds placeholders in templates that compile, by other means than
// the package.
var placeholder = regexp.MustCompile(`(?s)@?\{\{.*?\}\}|@(?:<|\\u003[cC]){2}.*?(?:>|\\u003[eE]){2}`)

// optional finds placeholders of what may be left out, for which harmless writes mayLack.
var optional = regexp.MustCompile(`\|\s*optional\s*(?:\}\}|>>)$`)

const mayLack = "may-lack"

// harmless writes x for each placeholder, null for those outside strings in JSON, and {}
// for one that is a whole form.
func harmless(w webhook.Webhook) webhook.Webhook {
	x := func(tag string) string {
		if optional.MatchString(tag) {
			return mayLack
		}
		return "x" // which cannot continue a percent-encoding
	}
	w.URL = placeholder.ReplaceAllStringFunc(w.URL, x)
	w.Headers = map[string]string{"X-A": placeholder.ReplaceAllStringFunc(w.Headers["X-A"], x), "X-B": "1"}
	var b strings.Builder
	end, quotes := 0, 0
	for _, at := range placeholder.FindAllStringIndex(w.Body, -1) {
		text := w.Body[end:at[0]]
		end = at[1]
		b.WriteString(text)
		for i := 0; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				quotes++
			}
		}
		switch tag := w.Body[at[0]:at[1]]; {
		case quotes%2 == 1:
			b.WriteString(x(tag))
		case optional.MatchString(tag):
			b.WriteString(`"` + mayLack + `"`)
		default:
			b.WriteString("null")
		}
	}
	w.Body = b.String() + w.Body[end:]
	if strings.TrimSpace(w.Body) == "null" && (w.Format != "" || w.Method == http.MethodGet) {
		w.Body = "{}"
	}
	return w
}

func hostileEvents(v1, v2, form string) []webhook.Event {
	members := mapEvent{
		"a": v1, "b": v2, "n": json.Number("-1.50e3"),
		"o": map[string]any{v1: v2, "k": []any{v1, nil, map[string]any{v2: true}}},
		"l": []any{v1, []string{v2}, map[string]string{}}, "id": v2,
	}
	b, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	in := payload.MessageIn{Event: v1, ID: v2, Message: payload.TextContent(v1)}
	with, err := payload.SMSStatus{ID: v1, Custom: v2}.With("a", map[string]string{v1: v2})
	if err != nil {
		panic(err)
	}
	loose := in
	loose.Message.Payload = json.RawMessage(form)
	return []webhook.Event{
		members,
		raw(string(b)),
		webhook.RawEvent{Type: v1, JSON: []byte(form)},
		webhook.RawEvent{Type: v2, JSON: []byte(`{"a":"` + v1 + `","b":"` + v2 + `","o":` + form + `}`)},
		hostileEvent{A: v1, B: v2, N: -1, O: json.RawMessage(form), L: []string{v1, v2}, ID: v1},
		in,
		&loose,
		payload.MessageStatus{ID: v1, To: payload.PhoneString(v2), Status: payload.Status(v2)},
		with,
		payload.Other{Type: v2, JSON: []byte(form)},
	}
}

// A hostileEvent is read from its fields.
type hostileEvent struct {
	A  string          `json:"a"`
	B  string          `json:"b"`
	N  int             `json:"n"`
	O  json.RawMessage `json:"o"`
	L  []string        `json:"l"`
	ID string          `json:"id"`
}

func (e hostileEvent) EventType() string { return e.A }

// requireSameURL compares scheme, host, depth of the path and names of the query. If
// open, got may have more fields in its query.
func requireSameURL(t *testing.T, want, got *webhook.Message, open bool) {
	require.LessOrEqual(t, len(got.URL), webhook.MaxURLSize)
	_, err := http.NewRequest(got.Method, got.URL, nil)
	require.NoError(t, err)
	w, err := url.Parse(want.URL)
	require.NoError(t, err)
	g, err := url.Parse(got.URL)
	require.NoError(t, err)
	require.Equal(t,
		[]string{w.Scheme, w.Host, w.User.String(), w.Fragment},
		[]string{g.Scheme, g.Host, g.User.String(), g.Fragment})
	require.Equal(t, strings.Count(w.EscapedPath(), "/"), strings.Count(g.EscapedPath(), "/"), "%q %q", want.URL, got.URL)
	plain := strings.Split(w.EscapedPath(), "/")
	for i, segment := range strings.Split(g.EscapedPath(), "/") {
		segment, err := url.PathUnescape(segment)
		require.NoError(t, err)
		parts := strings.FieldsFunc(segment, func(r rune) bool { return r == '/' || r == '\\' })
		require.NotContains(t, parts, ".", got.URL)
		require.NotContains(t, parts, "..", got.URL)
		require.True(t, len(parts) > 0 || plain[i] == "" || strings.ContainsAny(plain[i], "%;"), got.URL)
	}
	if !open {
		requireSameQuery(t, w.RawQuery, g.RawQuery)
	}
}

func requireSameQuery(t *testing.T, want, got string) {
	if want == got {
		return
	}
	pairs := strings.Split(got, "&")
	for pair := range strings.SplitSeq(want, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if len(pairs) > 0 {
			if gotName, _, _ := strings.Cut(pairs[0], "="); gotName == name {
				pairs = pairs[1:]
				continue
			}
		}
		require.Equal(t, mayLack, value, "%q %q", want, got)
	}
	require.Empty(t, strings.Join(pairs, "&"), "%q %q", want, got)
}

func requireSameHeader(t *testing.T, want, got *webhook.Message) {
	for name, values := range got.Header {
		require.Len(t, values, 1)
		require.Contains(t, want.Header, name)
		require.LessOrEqual(t, len(values[0]), webhook.MaxHeaderSize)
		require.True(t, utf8.ValidString(values[0]))
		isControl := func(r rune) bool { return unicode.IsControl(r) && r != '\t' }
		require.Negative(t, strings.IndexFunc(values[0], isControl), "%q", values[0])
	}
	for name, values := range want.Header {
		require.True(t, got.Header[name] != nil || values[0] == mayLack, name)
	}
}

func requireSameBody(t *testing.T, w webhook.Webhook, want, got *webhook.Message) {
	require.LessOrEqual(t, len(got.Body), webhook.MaxOutputSize)
	switch {
	case w.Method == http.MethodGet || w.Format != "":
		requireSameFields(t, w, got)
	case strings.TrimSpace(w.Body) == "":
		require.True(t, json.Valid(got.Body))
	default:
		requireSameShape(t, decode(t, want.Body), decode(t, got.Body))
	}
}

func decode(t *testing.T, b []byte) (v any) {
	require.True(t, json.Valid(b), "%q", b)
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	require.NoError(t, d.Decode(&v), "%q", b)
	return v
}

// requireSameShape allows anything where want has null, and any text where want
// has a text.
func requireSameShape(t *testing.T, want, got any) {
	if want == mayLack {
		return
	}
	switch want := want.(type) {
	case nil:
	case string:
		require.IsType(t, "", got)
	case []any:
		require.IsType(t, want, got)
		require.Len(t, got, len(want))
		for i := range want {
			requireSameShape(t, want[i], got.([]any)[i])
		}
	case map[string]any:
		require.IsType(t, want, got)
		got := got.(map[string]any)
		for name := range got {
			require.Contains(t, want, name)
		}
		for name := range want {
			if _, ok := got[name]; ok || want[name] != mayLack {
				require.Contains(t, got, name)
				requireSameShape(t, want[name], got[name])
			}
		}
	default:
		require.Equal(t, want, got)
	}
}

// requireSameFields allows only the author's names, and names below them.
func requireSameFields(t *testing.T, w webhook.Webhook, got *webhook.Message) {
	if w.Method == http.MethodGet {
		require.Empty(t, got.Body)
		if _, query, _ := strings.Cut(w.URL, "?"); query != "" {
			return // the query of the author, which need not be a form
		}
	}
	fields := formFields(t, got)
	var authored map[string]json.RawMessage
	body := strings.TrimSpace(w.Body)
	if at := placeholder.FindStringIndex(body); !strings.HasPrefix(body, "{") || at != nil && at[0] == 0 {
		return // all names are from the event
	}
	if err := json.Unmarshal([]byte(harmless(w).Body), &authored); err != nil {
		require.NoError(t, err)
	}
	for _, field := range fields {
		require.True(t, slices.ContainsFunc(slices.Collect(keys(authored)), func(name string) bool {
			name = strings.NewReplacer(controls...).Replace(asReceived(name))
			return field[0] == name || strings.HasPrefix(field[0], name+"[")
		}), "%q is none of %q", field[0], authored)
	}
}

// controls has the control characters, which are encoded in the names of forms.
var controls = func() (pairs []string) {
	for c := range 0x80 {
		if c < ' ' || c == 0x7f {
			pairs = append(pairs, string(rune(c)), fmt.Sprintf("%%%02X", c))
		}
	}
	return pairs
}()

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// The seeds of the fuzz target are useful only if most of them compose.
func TestCompose_FuzzSeeds(t *testing.T) {
	t.Parallel()
	composed := 0
	for _, e := range hostileEvents("a/b", `"`, "{}") {
		_, err := webhook.MustCompile(webhook.Webhook{URL: "https://h/{{id}}"}).Compose(e)
		if err == nil {
			composed++
		}
		require.False(t, err != nil && !errors.As(err, new(*webhook.TemplateError)))
	}
	require.Equal(t, 7, composed)
}
