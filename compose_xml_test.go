package webhook_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

func TestCompose_XML(t *testing.T) {
	t.Parallel()
	e := raw(`{"id":"a<b>&\"'c","n":-5.50,"lines":"1\r\n2\t3","bad":"\u0000\u001b\uffff\u007f\u0085\ud83d","o":{"k": [1, "<x>"]},"none":null,"emoji":"😀"}`)
	tests := []struct{ name, body, want string }{
		{"text", `<a>{{id}}</a>`, `<a>a&lt;b&gt;&amp;&quot;&apos;c</a>`},
		{"attribute", `<a b="{{id}}" c='{{id}}'/>`, `<a b="a&lt;b&gt;&amp;&quot;&apos;c" c='a&lt;b&gt;&amp;&quot;&apos;c'/>`},
		{"number, null, list", `<a n="{{n}}">{{none}}{{o}}</a>`, `<a n="-5.50">{&quot;k&quot;:[1,&quot;&lt;x&gt;&quot;]}</a>`},
		{"blanks in text", `<a>{{lines}}</a>`, "<a>1&#13;\n2\t3</a>"},
		{"blanks in an attribute", `<a b="{{lines}}"/>`, `<a b="1&#13;&#10;2&#9;3"/>`},
		{"what XML cannot hold", `<a b="{{bad}}">{{bad}}</a>`, "<a b=\"\ufffd\ufffd\ufffd\u007f\u0085\ufffd\">\ufffd\ufffd\ufffd\u007f\u0085\ufffd</a>"},
		{"other characters", `<é>{{emoji}}ü</é>`, `<é>😀ü</é>`},
		{"what would end CDATA", `<a>]]{{'>'}}</a>`, `<a>]]&gt;</a>`},
		{"what could go on as a reference", `<a>&amp;{{'lt;'}}</a>`, `<a>&amp;lt;</a>`},
		{"filters", `<a>{{id | upcase | slice: 0, 2}}{{"<" | append: '>'}}</a>`, `<a>A&lt;&lt;&gt;</a>`},
		{
			"an envelope",
			"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\n" +
				"  <s:Body><!-- é --><r xmlns=\"urn:r\" id=\"{{n}}\"><![CDATA[<x>]]>{{none}}</r></s:Body>\n</s:Envelope>\n",
			"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\n" +
				"  <s:Body><!-- é --><r xmlns=\"urn:r\" id=\"-5.50\"><![CDATA[<x>]]></r></s:Body>\n</s:Envelope>\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := compose(t, webhook.Webhook{Format: webhook.FormatXML, Body: tt.body}, e)
			require.Equal(t, tt.want, string(m.Body))
			require.Equal(t, http.Header{"Content-Type": {"application/xml; charset=utf-8"}}, m.Header)
			require.NoError(t, m.Check())
			xmlTokens(t, m.Body)
		})
	}
}

// What is wrong with XML is told at its place in the template.
func TestCompile_XMLRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		body   string
		offset int
		want   string
	}{
		{"<a>{{id}}</b>", 9, "a closing tag that is not of the element before it"},
		{"<a>é@{{id}}&nbsp;</a>", 12, "a reference that XML does not know: & itself is written &amp;, other characters as they are"},
		{"<a>{{id}}</a>{{n}}", 13, "one element must be around everything else"},
		{"<!-- {{id}} --><a/>", 5, "a placeholder in a comment: only text, and attributes' values in quotes, may have one"},
		{"<a>{{id | optional}}</a>", 10, "optional leaves out members, fields, parameters and headers: a text or XML has none"},
		{"<a>{{id | nope}}</a>", 10, `unknown filter "nope"`},
		{strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40), 96, "nested too deeply: over the limit"},
	} {
		w := webhook.Webhook{URL: "https://h/", Format: webhook.FormatXML, Body: tt.body}
		_, err := webhook.Compile(w)
		var te *webhook.TemplateError
		require.ErrorAs(t, err, &te, tt.body)
		require.Equal(t, tt.want, te.Err.Error(), tt.body)
		require.Equal(t, tt.offset, te.Offset, tt.body)
		require.Equal(t, "body", te.Field)
		require.NotEmpty(t, check(t, w))
	}
}

// xmlTokens returns what a strict parser reads, with adjacent texts as one.
func xmlTokens(t testing.TB, body []byte) (tokens []xml.Token) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(body)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return tokens
		}
		require.NoError(t, err, "%q", body)
		token = xml.CopyToken(token)
		text, isText := token.(xml.CharData)
		if last := len(tokens) - 1; isText && last >= 0 {
			if before, ok := tokens[last].(xml.CharData); ok {
				tokens[last] = append(before, text...)
				continue
			}
		}
		tokens = append(tokens, token)
	}
}

// xmlShape returns the tokens without texts and without the values of attributes.
func xmlShape(tokens []xml.Token) (shape []xml.Token) {
	for _, token := range tokens {
		switch token := token.(type) {
		case xml.CharData:
			continue
		case xml.StartElement:
			for i, a := range token.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					token.Attr[i].Value = ""
				}
			}
			shape = append(shape, token)
		default:
			shape = append(shape, token)
		}
	}
	return shape
}

// asXML returns what a receiver gets of a text.
func asXML(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && !strings.ContainsRune("\t\r\n", r) || r == 0xfffe || r == 0xffff {
			return '\ufffd'
		}
		return r
	}, asReceived(s))
}

func TestCompose_NaughtyXML(t *testing.T) {
	t.Parallel()
	c := webhook.MustCompile(webhook.Webhook{
		URL: "https://h/", Format: webhook.FormatXML, Body: `<a b="{{id}}" c='.{{id}}'>-{{id}}-</a>`,
	})
	for _, text := range naughtyStrings(t) {
		for _, e := range []webhook.Event{payload.MessageStatus{ID: text}, mapEvent{"id": text}} {
			m, err := c.Compose(e)
			require.NoError(t, err)
			want := asXML(text)
			tokens := xmlTokens(t, m.Body)
			require.Len(t, tokens, 3)
			require.Equal(t, []xml.Attr{
				{Name: xml.Name{Local: "b"}, Value: want}, {Name: xml.Name{Local: "c"}, Value: "." + want},
			}, tokens[0].(xml.StartElement).Attr)
			require.Equal(t, "-"+want+"-", string(tokens[1].(xml.CharData)))
		}
	}
}

// FuzzXML composes templates with hostile values. One that compiles is well-formed, and
// keeps its elements and attributes with every value, which is read back as it was.
func FuzzXML(f *testing.F) {
	values := []string{
		"", "a", "<b>", "]]>", "]]", "-->", "?>", `" onload="x`, "'", "&amp;", "&#0;", "&lt", ";", "\x00\r\n\t", "\xff", "\ufffe", "é😀", "xmlns:x",
	}
	for i, body := range []string{
		`<a b="{{a}}" c='{{b}}'>{{a}}{{o}}<!-- c --><d>{{b}}</d>{{n}}</a>`,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:a xmlns:s=\"urn:s\" s:b=\"x{{a}}y{{l}}\"><s:b/>&amp;{{b}}lt;&#{{a}}</s:a>",
		`<a>{{a}}]]{{b}}<![CDATA[x]]>&lt;{{l}}</a>`, `<a>{{a}}></a>`, `<a>]{{a}}]{{b}} ></a>`,
		`<a>&{{a}};</a>`, `<{{a}}/>`, `<a {{a}}="b"/>`, `<a><!--{{a}}--></a>`, `<a b={{a}}/>`, `<!DOCTYPE a><a>{{a}}</a>`, "{{payload}}", "<a",
	} {
		for j, value := range values {
			f.Add(body, value, values[(i+j)%len(values)])
		}
	}
	f.Fuzz(func(t *testing.T, body, v1, v2 string) {
		w := webhook.Webhook{URL: "https://h/", Format: webhook.FormatXML, Body: body}
		c, err := webhook.Compile(w)
		if err != nil {
			requireTemplateError(t, err)
			return
		}
		w.Body = placeholder.ReplaceAllString(w.Body, "x")
		plain := webhook.MustCompile(w)
		want, err := plain.ComposeID("m", raw("{}"))
		if err != nil {
			require.ErrorIs(t, err, webhook.ErrLimit)
			return
		}
		shape := xmlShape(xmlTokens(t, want.Body))
		for _, e := range hostileEvents(v1, v2, `{"a":"<"}`) {
			m, err := c.ComposeID("m", e)
			if err != nil {
				requireTemplateError(t, err)
				continue
			}
			require.Equal(t, shape, xmlShape(xmlTokens(t, m.Body)), "%q", m.Body)
		}
	})
}
