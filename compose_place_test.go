package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// How a value is written in each place.
func TestCompose_Places(t *testing.T) {
	t.Parallel()
	e := raw(`{"text":"a b/c?d&e=f#g%h+\"\\<é☃😀~-._'\u0000\r\n\t\u007f","num":-1.50e3,"yes":true,"no":false,"null":null,"empty":"",` +
		`"obj":{ "k" : [ 1 , "x\u00e9" ] },"list":[],"bad":"\ud800x","tags":"{{num}} @<<num>> {{","dot":".","up":"..","enc":"%2e"}`)
	tests := []struct{ name, url, header, body, want string }{
		{"path", "https://h/p/{{text}}/q", "", "", "https://h/p/a%20b%2Fc%3Fd%26e%3Df%23g%25h%2B%22%5C%3C%C3%A9%E2%98%83%F0%9F%98%80~-._%27%00%0D%0A%09%7F/q"},
		{"query", "https://h?q={{text}}&r", "", "", "https://h?q=a%20b%2Fc%3Fd%26e%3Df%23g%25h%2B%22%5C%3C%C3%A9%E2%98%83%F0%9F%98%80~-._%27%00%0D%0A%09%7F&r"},
		{"url scalars", "https://h/{{num}}/{{yes}}/{{no}}/-{{null}}{{empty}}/{{bad}}?x={{tags}}", "", "", "https://h/-1.50e3/true/false/-/%EF%BF%BDx?x=%7B%7Bnum%7D%7D%20%40%3C%3Cnum%3E%3E%20%7B%7B"},
		{"placeholders side by side in a URL", "https://h/{{num}}{{yes}}-{{num}}", "", "", "https://h/-1.50e3true--1.50e3"},
		{"url text of the author", "https://h/é/%id%/{id}/%41%/<<x>>?q=a|b^`\"%zz+%2", "", "", "https://h/%C3%A9/%25id%25/%7Bid%7D/%41%25/%3C%3Cx%3E%3E?q=a%7Cb%5E%60%22%25zz+%252"},
		{"percent before a placeholder", "https://h/%{{num}}/%4{{num}}?%={{num}}%", "", "", "https://h/%25-1.50e3/%254-1.50e3?%25=-1.50e3%25"},
		{"dots with something", "https://h/{{dot}}a/{{up}}{{dot}}/{{enc}}", "", "", "https://h/.a/.../%252e"},
		{"segments that the author left empty", "https://h//{{num}}//;x/", "", "", "https://h//-1.50e3//;x/"},
		{"a slash in a value", "https://h/{{'a/b'}}/{{'/...c/.d;..'}}", "", "", "https://h/a%2Fb/%2F...c%2F.d%3B.."},
		{"dots in the query", "https://h/?a={{up}}/../{{up}}", "", "", "https://h/?a=../../.."},
		{"dots in a query without a path", "https://h?a=/../{{up}}/..", "", "", "https://h?a=/../../.."},
		{"header", "", "[{{text}}]", "", "[a b/c?d&e=f#g%h+\"\\<é☃😀~-._'   \t ]"},
		{"header scalars", "", "{{num}}{{yes}}{{null}}{{empty}}|{{obj}}|{{list}}|{{bad}}|{{tags}}", "", "-1.50e3true|{\"k\":[1,\"x\\u00e9\"]}|[]|\ufffdx|{{num}} @<<num>> {{"},
		{"string", "", "", `"[{{text}}]"`, `"[a b/c?d&e=f#g%h+\"\\<é☃😀~-._'\u0000\r\n\t` + "\u007f" + `]"`},
		{"string scalars", "", "", `"{{num}}{{yes}}{{null}}{{empty}}|{{obj}}|{{list}}|{{bad}}|{{tags}}"`, `"-1.50e3true|{\"k\":[1,\"x\\u00e9\"]}|[]|` + "\ufffd" + `x|{{num}} @<<num>> {{"`},
		{
			"bare", "", "", `[{{text}},{{num}},{{yes}},{{no}},{{null}},{{empty}},{{obj}},{{list}},{{bad}},{{tags}}]`,
			`["a b/c?d&e=f#g%h+\"\\<é☃😀~-._'\u0000\r\n\t` + "\u007f" + `",-1.50e3,true,false,null,null,{"k":[1,"x\u00e9"]},[],"` + "\ufffd" + `x","{{num}} @<<num>> {{"]`,
		},
		{"bare alone", "", "", " {{obj}}\n", " {\"k\":[1,\"x\\u00e9\"]}\n"},
		{"author's json", "", "", "{ \"b\":1.0,\n\t\"a\" : \"\\u0041/\\/\" , \"c\":{{num}} }", "{ \"b\":1.0,\n\t\"a\" : \"\\u0041/\\/\" , \"c\":-1.50e3 }"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{URL: tt.url, Body: tt.body}
			if tt.header != "" {
				w.Headers = map[string]string{"X-Text": tt.header}
			}
			m := compose(t, w, e)
			switch {
			case tt.url != "":
				require.Equal(t, tt.want, m.URL)
			case tt.header != "":
				require.Equal(t, tt.want, m.Header.Get("X-Text"))
			default:
				require.Equal(t, tt.want, string(m.Body))
				require.True(t, json.Valid(m.Body))
			}
		})
	}
}

// Each byte of invalid UTF-8 becomes U+FFFD, in every kind of event.
func TestCompose_InvalidUTF8(t *testing.T) {
	t.Parallel()
	const bad, want = "a\xff\xfe\xed\xa0\x80b\xc3", "a\ufffd\ufffd\ufffd\ufffd\ufffdb\ufffd"
	for name, e := range map[string]webhook.Event{
		"typed": payload.MessageStatus{ID: bad}, "plain": plainEvent{ID: bad}, "map": mapEvent{"id": bad},
		"raw": raw(`{"id":"` + bad + `"}`),
	} {
		for _, w := range []webhook.Webhook{
			{URL: "https://h/{{id}}", Headers: map[string]string{"X": "{{id}}"}, Body: `["{{id}}",{{id}}]`},
			{URL: "https://h/{{id}}", Headers: map[string]string{"X": "{{id}}"}, Body: `{"a":["{{id}}",{{id}}]}`, Format: webhook.FormatFormURLEncoded},
			{URL: "https://h/{{id}}", Headers: map[string]string{"X": "{{id}}"}, Body: `{"a":["{{id}}",{{id}}]}`, Format: webhook.FormatFormData},
			{URL: "https://h/{{id}}", Headers: map[string]string{"X": "{{id}}"}, Body: `{"a":["{{id}}",{{id}}]}`, Method: "GET"},
		} {
			m := compose(t, w, e)
			u, err := url.Parse(m.URL)
			require.NoError(t, err, name)
			require.Equal(t, "/"+want, u.Path, name)
			require.Equal(t, want, m.Header.Get("X"), name)
			if fields := formFields(t, m); fields != nil {
				require.Equal(t, [][2]string{{"a[0]", want}, {"a[1]", want}}, fields, name)
				continue
			}
			require.Equal(t, `["`+want+`","`+want+`"]`, string(m.Body), name)
		}
	}
	nested := compose(t, webhook.Webhook{Body: `[{{x}},"{{x}}"]`}, raw("{\"x\":{\"k\xff\":\"\xff\"}}"))
	require.Equal(t, "[{\"k\ufffd\":\"\ufffd\"},\"{\\\"k\ufffd\\\":\\\"\ufffd\\\"}\"]", string(nested.Body))
}

// Of what is pasted with a template, the blanks around a URL and a byte order mark before
// JSON are passed over; everything else is sent as it was written. Offsets count them.
func TestCompose_Pasted(t *testing.T) {
	t.Parallel()
	e := raw(`{"a":"x","b":" y "}`)
	for in, want := range map[string]string{
		" https://h/{{a}}\r\n": "https://h/x", "\t\n\ufeffhttps://h/\u00a0": "https://h/", "https://h/{{b}} ": "https://h/%20y%20",
		"https://h \n": "https://h", " https://h?a={{a}}": "https://h?a=x",
	} {
		require.Equal(t, want, compose(t, webhook.Webhook{URL: in}, e).URL, "%q", in)
	}
	for in, want := range map[string]string{
		"\ufeff{\"a\":{{a}}}": `{"a":"x"}`, "\ufeff{{a}}": `"x"`, "\ufeff \n[1]\n": " \n[1]\n", "\ufeff": string(e.JSON),
		"\ufeff \n": string(e.JSON), "[\"\ufeff\"]": "[\"\ufeff\"]",
	} {
		require.Equal(t, want, string(compose(t, webhook.Webhook{Body: in}, e).Body), "%q", in)
	}
	m := compose(t, webhook.Webhook{Headers: map[string]string{"X-A": " {{b}} "}}, e)
	require.Equal(t, "  y  ", m.Header.Get("X-A"))
	fields := compose(t, webhook.Webhook{Format: webhook.FormatFormURLEncoded, Body: "\ufeff{\"a b\":1}"}, e)
	require.Equal(t, "a%20b=1", string(fields.Body))

	for _, tt := range []struct {
		hook   webhook.Webhook
		marked string
	}{
		{webhook.Webhook{URL: " http://h/"}, "http:"},
		{webhook.Webhook{URL: " \ufeffhttps://h/{{x..y}} "}, "."},
		{webhook.Webhook{URL: " https://h/{{a | url_encode}}"}, "url_encode"},
		{webhook.Webhook{URL: "https://h/", Body: "\ufeff {\"é\":{{satus}}}"}, "satus"},
		{webhook.Webhook{URL: "https://h/", Body: "\ufeff {\"a b\":1}", Format: webhook.FormatFormURLEncoded}, `"a b"`},
		{webhook.Webhook{URL: "https://h/", Body: "\ufeff[1,]"}, "]"},
		{webhook.Webhook{URL: " x://h/"}, ""},
	} {
		problems := check(t, tt.hook, e)
		require.Len(t, problems, 1, "%q", tt.hook.URL)
		p := problems[0]
		text := map[string]string{"url": tt.hook.URL, "body": tt.hook.Body}[p.Field]
		require.Equal(t, tt.marked, text[p.Offset:p.Offset+p.Length], p.Message)
	}
	for _, url := range []string{"", " ", "\ufeff", " https:// h/", "https://h/ x"} {
		_, err := webhook.Compile(webhook.Webhook{URL: url})
		require.Error(t, err, "%q", url)
	}
}

// An emoji that was cut in two is U+FFFD in all that is composed: many receivers refuse a
// whole body for half of one. Only an event that is JSON already goes out as it is.
func TestCompose_LoneSurrogates(t *testing.T) {
	t.Parallel()
	const body = `{"event":"whatsapp:message:in","payload":{"id":"m1","recipient":{"from":"919019912345",` +
		`"user":{"first_name":"A\ud83d","attributes":{"bio\ude00":"hi \ud83d","ok":"\ud83d\ude00"}}},` +
		`"message":{"type":"text","payload":{"text":"cut here \ud83d"}}}}`
	typed, err := payload.Parse([]byte(body))
	require.NoError(t, err)
	stored := raw(body)
	require.Equal(t, body, string(compose(t, webhook.Webhook{}, stored).Body))
	m := compose(t, webhook.Webhook{}, typed)
	require.JSONEq(t, body, string(m.Body)) // which reads a half as U+FFFD
	require.Contains(t, string(m.Body), `"\ud83d\ude00"`)
	for _, e := range []webhook.Event{typed, stored, mapEvent{"payload": json.RawMessage(body[len(`{"event":"whatsapp:message:in","payload":`) : len(body)-1])}} {
		for _, w := range []webhook.Webhook{
			{Body: `{{payload}}`},
			{Body: `{"\ud83d":"{{payload}}\ude00","m":{{payload.message}}}`},
			{Body: `["\ud83d{{id | default: ''}}\ude00"]`},
			{Headers: map[string]string{"X-A": "{{payload}}"}, Body: "1"},
			{URL: "https://h/?a={{payload.message.payload.text}}", Body: "1"},
			{Format: webhook.FormatFormURLEncoded, Body: "{{payload}}"},
			{Format: webhook.FormatFormData},
		} {
			m := compose(t, w, e)
			text := m.URL + m.Header.Get("X-A") + string(m.Body)
			require.NotContains(t, strings.NewReplacer(`\\ud83d\\ude00`, "", `\ud83d\ude00`, "").Replace(text), `\ud`)
			require.True(t, utf8.ValidString(text))
		}
	}
	require.Equal(t, `["`+"\ufffd\ufffd"+`"]`, string(compose(t, webhook.Webhook{Body: `["\ud83d{{''}}\ude00"]`}, stored).Body))
}

func TestCompose_URLRefused(t *testing.T) {
	t.Parallel()
	e := raw(`{"dot":".","up":"..","e":"e","obj":{},"list":[1],"semi":";","empty":""}`)
	dots := func(offset int) string {
		return fmt.Sprintf("webhook: url: offset %d: a path segment that is . or .. would change the path", offset)
	}
	nothing := func(offset int) string {
		return fmt.Sprintf("webhook: url: offset %d: a value that leaves a path segment empty would change the path", offset)
	}
	tests := []struct{ name, url, err string }{
		{"object", "https://h/{{obj}}", "webhook: url: offset 10: an object or a list is not allowed in a URL"},
		{"list in the query", "https://h/?a={{empty}}&b=@{{list}}", "webhook: url: offset 26: an object or a list is not allowed in a URL"},
		{"dot", "https://h/{{dot}}", dots(10)},
		{"two dots", "https://h/{{up}}/b", dots(10)},
		{"of two values", "https://h/a/{{dot}}{{dot}}?x=1", dots(12)},
		{"of value and text", "https://h/a/.{{dot}}/", dots(13)},
		{"of an encoded dot and a value", "https://h/a/%2E{{dot}}/", dots(15)},
		{"of an empty value", "https://h/a/.{{empty}}x/{{empty}}.{{empty}}", dots(24)},
		{"with a parameter", "https://h/{{up}};a=b/", dots(10)},
		{"with a parameter in the value", "https://h/{{up | append: ';a'}}/", dots(10)},
		{"behind a slash", "https://h/cb/{{'../admin/delete'}}", dots(13)},
		{"between slashes", "https://h/cb/{{e}}/{{'x/./y'}}", dots(19)},
		{"at the end", "https://h/cb/{{'x/..'}}/ack", dots(13)},
		{"behind a backslash", "https://h/cb/{{e}}{{'\\..\\x'}}/ack", dots(13)},
		{"of fixed text and a slash", "https://h/cb/.{{'./x'}}", dots(14)},
		{"nothing in a segment", "https://h/contacts/{{empty}}", nothing(19)},
		{"nothing in the first one", "https://h/{{empty}}/admin/x", nothing(10)},
		{"nothing of two values", "https://h/a/{{empty}}{{nil}}?x=1", nothing(12)},
		{"nothing but a parameter", "https://h/a/{{empty}};v=1/b", nothing(12)},
		{"nothing but slashes", "https://h/a//{{'/'}}/b", nothing(13)},
		{"nothing but a backslash", "https://h/{{'\\\\'}}", nothing(10)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(tt.url, "https://h/a/.{{empty}}x/") {
				// The template alone is valid: a letter replaces each placeholder.
				_, err := webhook.Compile(webhook.Webhook{URL: tt.url})
				require.NoError(t, err)
			}
			_, err := webhook.MustCompile(webhook.Webhook{URL: tt.url}).Compose(e)
			require.EqualError(t, err, tt.err)
		})
	}
}

// naughtyStrings returns strings that have broken other parsers.
func naughtyStrings(t *testing.T) []string {
	b, err := os.ReadFile("../shared/corpora/naughty_strings.json")
	if err != nil {
		t.Skip("no corpus here")
	}
	var texts []string
	var encoded []string
	require.NoError(t, json.Unmarshal(b, &encoded))
	for _, s := range encoded {
		text, err := base64.StdEncoding.DecodeString(s)
		require.NoError(t, err)
		texts = append(texts, string(text))
	}
	require.NotEmpty(t, texts)
	return texts
}

// asReceived returns what a receiver gets of a text: U+FFFD for what is not UTF-8.
func asReceived(s string) string { return string([]rune(s)) }

func asHeader(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return ' '
		}
		return r
	}, asReceived(s))
	end := 0
	for i, r := range s {
		if i+utf8.RuneLen(r) > webhook.MaxHeaderSize {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	return s[:end]
}

// The receiver gets each value as it was, from every place.
func TestCompose_NaughtyStrings(t *testing.T) {
	t.Parallel()
	texts := naughtyStrings(t)
	big := webhook.MustCompile(webhook.Webhook{
		URL: "https://h/", Headers: map[string]string{"X-Text": "{{id}}"}, Body: `{"s":"<{{id}}>","b":{{id}}}`,
	})
	inURL := webhook.MustCompile(webhook.Webhook{URL: "https://h/p/-{{id}}/z?a={{id}}&b=2"})
	forms := []*webhook.Composer{
		webhook.MustCompile(webhook.Webhook{
			URL: "https://h/", Format: webhook.FormatFormData, Body: `{"s":"{{id}}","b":[{{id}}]}`,
		}),
		webhook.MustCompile(webhook.Webhook{
			URL: "https://h/", Format: webhook.FormatFormURLEncoded, Body: `{"s":"{{id}}","b":[{{id}}]}`,
		}),
		webhook.MustCompile(webhook.Webhook{
			URL: "https://h/", Method: http.MethodGet, Body: `{"s":"{{id}}","b":[{{id}}]}`,
		}),
	}
	for _, text := range texts {
		for _, e := range []webhook.Event{payload.MessageStatus{ID: text}, plainEvent{ID: text}, mapEvent{"id": text}} {
			want := asReceived(text)
			m, err := big.Compose(e)
			require.NoError(t, err)
			require.Equal(t, asHeader(text), m.Header.Get("X-Text"))
			var body struct {
				S string
				B *string
			}
			require.NoError(t, json.Unmarshal(m.Body, &body))
			require.Equal(t, "<"+want+">", body.S)
			if text == "" {
				require.Nil(t, body.B)
			} else {
				require.Equal(t, want, *body.B)
			}
			if m, err = inURL.Compose(e); err != nil {
				if !errors.Is(err, webhook.ErrLimit) {
					require.ErrorContains(t, err, "a path segment that is . or .. would change the path")
					require.Contains(t, text, "..")
					continue
				}
				require.Greater(t, 6*len(text), webhook.MaxURLSize)
				continue
			}
			u, err := url.Parse(m.URL)
			require.NoError(t, err)
			require.Equal(t, "/p/-"+want+"/z", u.Path)
			require.Len(t, strings.Split(u.EscapedPath(), "/"), 4)
			q, err := url.ParseQuery(u.RawQuery)
			require.NoError(t, err)
			require.Equal(t, url.Values{"a": {want}, "b": {"2"}}, q)
			for _, c := range forms {
				m, err := c.Compose(e)
				require.NoError(t, err)
				require.Equal(t, [][2]string{{"s", want}, {"b[0]", want}}, formFields(t, m))
			}
		}
	}
}
