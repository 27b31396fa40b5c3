package template_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

func TestXML(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, want string }{ // t in text, a in an attribute
		{"no placeholder", `<a/>`, ""},
		{"text", `<a>{{a}}</a>`, "t"},
		{"texts", `<a>x{{a}}{{b}}<b>@<<c>></b >{{d}}</a>`, "tttt"},
		{"attributes", `<a b="{{a}}" c = 'x{{b}}"{{c}}'>{{d}}</a>`, "aaat"},
		{"empty element", `<a b='{{a}}'/>`, "a"},
		{"> in a text", `<a>></a>`, ""},
		{"> behind a placeholder and another text", `<a>{{a}} ><b/>>]>{{b}}&gt;{{c}}-></a>`, "ttt"},
		{"> in an attribute", `<a b="> {{a}}">{{b}}</a>`, "at"},
		{"declaration", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>{{a}}</a>\n", "t"},
		{"short declaration", `<?xml version='1.0'?><a>{{a}}</a>`, "t"},
		{"declaration in small letters", `<?xml version="1.0" encoding='utf-8' standalone="yes" ?><a>{{a}}</a>`, "t"},
		{"byte order mark", "\ufeff<?xml version=\"1.0\"?><a>{{a}}</a>", "t"},
		{"comments", `<!-- > <b> & - --><a><!----><b/>{{a}}</a><!-- -->`, "t"},
		{"instructions", `<?xml-stylesheet href="a"?><a>{{a}}<?b?></a><?c d?>`, "t"},
		{"CDATA", `<a><![CDATA[<b>&]]]>{{a}}</a>`, "t"},
		{"references", `<a b="&lt;&#10;">&amp;&#x1F600;&quot;{{a}}&apos;&gt;</a>`, "t"},
		{"prefixes", `<s:a xmlns:s="urn:s" xmlns="urn:d" s:b="{{a}}"><s:c xml:lang="{{b}}"/><d xmlns:e="x"><e:f/></d></s:a>`, "aa"},
		{"names", `<_é.-1 ü="{{a}}"/>`, "a"},
		{"the same name in two tags", `<a b="1"><a b="{{a}}"/></a>`, "a"},
		{"lines in a tag", "<a\n\tb='1'\r\n>{{a}}</a\n>", "t"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes := split(t, tt.src)
			inAttribute, err := template.XML(nodes, 32)
			require.NoError(t, err)
			got := ""
			for i, n := range nodes {
				if n.Placeholder() {
					got += map[bool]string{false: "t", true: "a"}[inAttribute[i]]
				}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestXML_Refused(t *testing.T) {
	t.Parallel()
	const (
		syntax      = "not XML"
		root        = "one element must be around everything else"
		declaration = "an XML declaration must be the very beginning, of version 1.0 and with no encoding but UTF-8"
		doctype     = "a DOCTYPE is not allowed"
		reference   = "a reference that XML does not know: & itself is written &amp;, other characters as they are"
		endTag      = "a closing tag that is not of the element before it"
		twice       = "an attribute that the tag has twice"
		prefix      = "a prefix that is not declared by an xmlns, or not well"
		character   = "a character that XML does not allow"
		greater     = "a > behind a placeholder, whose value may end in ]]: write &gt;"
	)
	place := func(where string) string {
		return "a placeholder in " + where + ": only text, and attributes' values in quotes, may have one"
	}
	tests := []struct {
		src    string
		offset int
		err    string
	}{
		{``, 0, root},
		{` <!-- a -->`, 11, root},
		{`{{a}}`, 0, root},
		{`a<b/>`, 0, root},
		{`{{a}}<b/>`, 0, root},
		{`<b/>{{a}}`, 4, root},
		{`<b/> a`, 5, root},
		{`<a/><b/>`, 4, root},
		{`<a></a><b></b>`, 7, root},
		{`&amp;<a/>`, 0, root},

		{`<a>{{a}}`, 0, "an element is not closed"},
		{`<a><b>{{a}}</b>`, 0, "an element is not closed"},
		{`<a><b>{{a}}</a>`, 11, endTag},
		{`<a>{{a}}</A>`, 8, endTag},
		{`</a>`, 0, endTag},
		{`<a/></a>`, 4, root},
		{`<a>{{a}}</a`, 8, "a tag is not closed"},
		{`<a`, 0, "a tag is not closed"},
		{`<a b`, 0, "a tag is not closed"},
		{`<a b=`, 0, "a tag is not closed"},
		{`<a b="{{a}}`, 5, "an attribute's value is not closed"},
		{`<!-- <a/>`, 0, "a comment is not closed"},
		{`<a><![CDATA[ </a>`, 3, "a CDATA section is not closed"},
		{`<?b <a/>`, 0, "a processing instruction is not closed"},
		{`<?xml version="1.0" <a/>`, 0, "an XML declaration is not closed"},
		{`<`, 1, syntax},
		{`<a>< b/></a>`, 4, syntax},
		{`<a></ a></a>`, 5, syntax},
		{`<a><1/></a>`, 4, syntax},
		{`<a b/>`, 4, syntax},
		{`<a b=c/>`, 5, syntax},
		{`<a b="1"c="2"/>`, 8, syntax},
		{`<a b="<"/>`, 6, syntax},
		{`<a /b>`, 3, syntax},
		{`<a>]]></a>`, 3, syntax},
		{`<a>{{a}}></a>`, 8, greater},
		{`<a>]{{a}}]></a>`, 10, greater},
		{`<a>]]{{a}}></a>`, 10, greater},
		{`<a>{{a}}]]></a>`, 8, syntax},
		{`<!-- a -- b --><a/>`, 7, syntax},
		{`<!-- a ---><a/>`, 7, syntax},
		{`<a><! b></a>`, 3, syntax},
		{`<![CDATA[a]]><a/>`, 0, syntax},
		{`<?{{a}}?><a/>`, 2, place("a tag")},
		{`<a b="1" c="2" b="3"/>`, 15, twice},
		{`<s:a/>`, 0, prefix},
		{`<a><b xmlns:s="x"/><s:c/></a>`, 19, prefix},
		{`<a s:b="x"/>`, 3, prefix},
		{`<a xmlns:s=""/>`, 3, prefix},
		{`<a xmlns:xmlns="x"/>`, 3, prefix},
		{`<xmlns:a/>`, 0, prefix},
		{`<a xmlns:s="u" xmlns:t="u" s:b="1" t:b="2"/>`, 35, twice},
		{`<s:/>`, 1, syntax},
		{`<:a/>`, 1, syntax},
		{`<a xmlns:b="x"><b:c:d/></a>`, 16, syntax},
		{`<a b:1="x"/>`, 3, syntax},
		{`<a xmlns:b="x" b:·="x"/>`, 15, syntax},
		{`<?p:q?><a/>`, 5, syntax},
		{`<?p'?><a/>`, 3, syntax},
		{"<a>\x00</a>", 3, character},
		{"<a>{{a}}\x0b</a>", 8, character},
		{"<a b='\uffff'/>", 6, character},

		{`<!DOCTYPE a><a/>`, 0, doctype},
		{`<!doctype html><a/>`, 0, doctype},
		{`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`, 0, doctype},
		{`<a><!ENTITY b "c"></a>`, 3, doctype},
		{` <?xml version="1.0"?><a/>`, 1, declaration},
		{`<a><?xml version="1.0"?></a>`, 3, declaration},
		{`<?XML version="1.0"?><a/>`, 0, declaration},
		{`<?xml version="1.1"?><a/>`, 0, declaration},
		{`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, 0, declaration},
		{`<?xml version="1.0" encoding="UTF-16"?><a/>`, 0, declaration},
		{`<?xml encoding="UTF-8"?><a/>`, 0, declaration},
		{`<?xml version="1.0" encoding="utf-8'?><a/>`, 0, declaration},

		{`<a>&nbsp;</a>`, 3, reference},
		{`<a>a & b</a>`, 5, reference},
		{`<a b="x?a=1&b=2"/>`, 11, reference},
		{`<a>&#0;</a>`, 3, reference},
		{`<a>&#xD800;</a>`, 3, reference},
		{`<a>&#65</a>`, 3, reference},
		{`<a>&;</a>`, 3, reference},
		{`<a>& {{a}}</a>`, 3, reference},
		{`<a>&`, 3, reference},

		{`<{{a}}/>`, 1, place("a tag")},
		{`<a{{a}}/>`, 2, place("a tag")},
		{`<a {{a}}/>`, 3, place("a tag")},
		{`<a {{a}}="b"/>`, 3, place("a tag")},
		{`<a b{{a}}="b"/>`, 4, place("a tag")},
		{`<a b={{a}}/>`, 5, place("a tag")},
		{`<a b{{a}}/>`, 4, place("a tag")},
		{`<a b {{a}}/>`, 5, place("a tag")},
		{`<a b="c"{{a}}/>`, 8, place("a tag")},
		{`<a></{{a}}>`, 5, place("a tag")},
		{`<a></a{{a}}>`, 6, place("a tag")},
		{`<a></a {{a}}>`, 7, place("a tag")},
		{`<a><!-- {{a}} --></a>`, 8, place("a comment")},
		{`<a><![CDATA[{{a}}]]></a>`, 12, place("a CDATA section")},
		{`<a><?b {{a}}?></a>`, 7, place("a processing instruction")},
		{`<?xml version="{{a}}"?><a/>`, 15, place("an XML declaration")},
		{`<a xmlns="{{a}}"/>`, 10, place("a namespace")},
		{`<a xmlns:b="urn:{{a}}"/>`, 16, place("a namespace")},
		{`<a>&{{a}};</a>`, 4, place("a reference")},
		{`<a>&#{{a}}41;</a>`, 5, place("a reference")},
		{`<a b="&am{{a}}p;"/>`, 9, place("a reference")},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			inAttribute, err := template.XML(split(t, tt.src), 32)
			var e *template.Error
			require.ErrorAs(t, err, &e)
			require.EqualError(t, e.Err, tt.err)
			require.Equal(t, tt.offset, e.Offset)
			require.Nil(t, inAttribute)
		})
	}
}

func TestXML_Depth(t *testing.T) {
	t.Parallel()
	nested := func(n int) string { return strings.Repeat("<a>", n) + "{{a}}" + strings.Repeat("</a>", n) }
	_, err := template.XML(split(t, nested(32)), 32)
	require.NoError(t, err)
	_, err = template.XML(split(t, nested(33)), 32)
	require.ErrorIs(t, err, request.ErrLimit)
	require.EqualError(t, err, "offset 96: nested too deeply: over the limit")
}
