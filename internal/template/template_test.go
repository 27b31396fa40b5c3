package template_test

import (
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

func split(t *testing.T, src string) []template.Node {
	t.Helper()
	nodes, err := trySplit(src)
	require.NoError(t, err, "%q", src)
	return nodes
}

// trySplit returns the nodes, or the first error without nodes.
func trySplit(src string) ([]template.Node, error) {
	nodes, errs := template.Split(src, false, math.MaxInt)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return nodes, nil
}

func splitJSON(t *testing.T, src string) []template.Node {
	t.Helper()
	nodes, errs := template.Split(src, true, math.MaxInt)
	require.Empty(t, errs, "%q", src)
	return nodes
}

func text(s string, offset int) template.Node {
	return template.Node{Text: s, Offset: offset, End: offset + len(s)}
}

func placeholder(name string, offset, at, end int) template.Node {
	return template.Node{Name: name, Offset: offset, At: at, NameEnd: at + len(name), End: end}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		want      []template.Node
	}{
		{"empty", "", nil},
		{"text", "abc", []template.Node{text("abc", 0)}},
		{"braces", "{{a.b}}", []template.Node{placeholder("a.b", 0, 2, 7)}},
		{"braces with @", "@{{a}}", []template.Node{placeholder("a", 1, 3, 6)}},
		{"angles", "@<<a>>", []template.Node{placeholder("a", 0, 3, 6)}},
		{"all three", "x{{a}}y@{{b}}z@<<c>>", []template.Node{
			text("x", 0), placeholder("a", 1, 3, 6), text("y", 6), placeholder("b", 8, 10, 13), text("z", 13),
			placeholder("c", 14, 17, 20),
		}},
		{"side by side", "{{a}}@{{b}}@<<c>>{{d}}", []template.Node{
			placeholder("a", 0, 2, 5), placeholder("b", 6, 8, 11), placeholder("c", 11, 14, 17),
			placeholder("d", 17, 19, 22),
		}},
		{"blanks", "{{ a\t}}@<<\n b >>", []template.Node{placeholder("a", 0, 3, 7), placeholder("b", 7, 12, 16)}},
		{"two @ before braces", "@@{{a}}", []template.Node{text("@", 0), placeholder("a", 2, 4, 7)}},
		{"two @ before angles", "@@<<a>>", []template.Node{text("@", 0), placeholder("a", 1, 4, 7)}},
		{"address", "bob@{{a}}", []template.Node{text("bob", 0), placeholder("a", 4, 6, 9)}},
		{"address that keeps its @", "bob@@{{a}}", []template.Node{text("bob@", 0), placeholder("a", 5, 7, 10)}},
		{"@ elsewhere", "@ {{a}}@", []template.Node{text("@ ", 0), placeholder("a", 2, 4, 7), text("@", 7)}},
		{"angles without @", "<<a>>", []template.Node{text("<<a>>", 0)}},
		{"other people's", "{a} %a% $a ${a} }} >> @{ @<a>", []template.Node{text("{a} %a% $a ${a} }} >> @{ @<a>", 0)}},
		{"closing twice", "{{a}}}}", []template.Node{placeholder("a", 0, 2, 5), text("}}", 5)}},
		{"closing angles twice", "@<<a>>>>", []template.Node{placeholder("a", 0, 3, 6), text(">>", 6)}},
		{"index", "{{a.0.b}}", []template.Node{placeholder("a.0.b", 0, 2, 9)}},
		{"other characters", "{{x-y_z$ü#日}}", []template.Node{placeholder("x-y_z$ü#日", 0, 2, 16)}},
		{"after other scripts", "é{{a}}", []template.Node{text("é", 0), placeholder("a", 2, 4, 7)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes := split(t, tt.src)
			require.Equal(t, tt.want, nodes)
			for _, n := range nodes {
				require.Equal(t, n.Text == "", n.Placeholder())
			}
		})
	}
}

func TestSplit_Refused(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, err string }{
		{"not closed", "ab{{c", "offset 2: a tag is not closed by }}"},
		{"angles not closed", "ab@<<c", "offset 2: a tag is not closed by >>"},
		{"second not closed", "{{a}}b{{c}", "offset 6: a tag is not closed by }}"},
		{"second angles not closed", "@<<a>>b@<<c>", "offset 7: a tag is not closed by >>"},
		{"angles not closed after braces", "{{a}}@<<b", "offset 5: a tag is not closed by >>"},
		{"angles not closed before braces", "x@<<b{{a}}", "offset 1: a tag is not closed by >>"},
		{"opening alone", "{{", "offset 0: a tag is not closed by }}"},
		{"opening twice", "{{{{", "offset 0: a tag is not closed by }}"},
		{"empty", "a{{}}", "offset 3: an empty placeholder"},
		{"empty angles", "a@<<>>", "offset 4: an empty placeholder"},
		{"blanks alone", "{{ \n}}", "offset 2: an empty placeholder"},
		{"braces in braces", "{{a{{b}}", "offset 0: a tag inside a tag"},
		{"angles in braces", "{{a@<<b>>}}", "offset 0: a tag inside a tag"},
		{"angles without @ in braces", "{{a<<b}}", "offset 0: a tag inside a tag"},
		{"angles in angles", "@<<a@<<b>>", "offset 0: a tag inside a tag"},
		{"braces in angles", "@<<a{{b}}>>", "offset 0: a tag is not closed by >>"},
		{"brace", "{{{a}}}", "offset 2: '{' in a name; a tag has two braces"},
		{"closing brace", "{{a}b}}", "offset 3: '}' in a name"},
		{"angle", "@<<a>b>>", "offset 4: '>' in a name"},
		{"quote", "{{ a'b' }}", `offset 4: '\'' in a name`},
		{"double quote", `{{a"}}`, `offset 3: '"' in a name`},
		{"call", "{{a(b)}}", "offset 3: '(' in a name; a filter follows a |"},
		{"bracket", "{{a[0}}", "offset 3: a [ is not closed by ]"},
		{"backslash", `{{a\b}}`, `offset 3: '\\' in a name`},
		{"colon", "{{a:b}}", "offset 3: ':' in a name"},
		{"comma", "{{a,b}}", "offset 3: ',' in a name"},
		{"filter without a name", "{{a | }}", "offset 6: expected a filter after |"},
		{"junk after a filter", "{{a|b c}}", `offset 6: expected | or the end of the tag, found "c"; arguments follow a : and have commas between them`},
		{"line break", "{{a\nb}}", "offset 3: a blank inside a name; a member with one is written ['a b']"},
		{"blank of another script", "{{a\u2003b}}", "offset 3: a blank inside a name; a member with one is written ['a b']"},
		{"control", "{{a\x00}}", `offset 3: '\x00' in a name`},
		{"not UTF-8", "{{é\xff}}", "offset 4: '�' in a name"},
		{"dot", "{{.}}", "offset 2: an empty part in a name; it begins without a dot"},
		{"dot first", "{{ .a }}", "offset 3: an empty part in a name; it begins without a dot"},
		{"dot last", "{{a.}}", "offset 3: an empty part in a name"},
		{"two dots", "{{a..b}}", "offset 4: an empty part in a name"},
		{"name too long", "x{{ " + strings.Repeat("n", 257) + "}}", "offset 4: a name of 257 bytes, at most 256: over the limit"},
		{"too many parts", "{{" + strings.Repeat("n.", 32) + "n}}", "offset 2: a name of 33 parts, at most 32: over the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes, err := trySplit(tt.src)
			require.EqualError(t, err, tt.err)
			require.Nil(t, nodes)
			require.Equal(t, strings.HasSuffix(tt.err, "over the limit"), errors.Is(err, request.ErrLimit))
			var e *template.Error
			require.ErrorAs(t, err, &e)
			require.LessOrEqual(t, e.Offset, len(tt.src))
		})
	}
}

func TestSplit_Limits(t *testing.T) {
	t.Parallel()
	require.Len(t, split(t, "{{ "+strings.Repeat("n", request.MaxNameSize)+" }}"), 1)
	require.Len(t, split(t, "{{"+strings.Repeat("n.", request.MaxDepth-1)+"n}}"), 1)
}

// angles is a tag in angle brackets, some of which encoders of JSON write as escapes.
var angles = regexp.MustCompile(`(?is)\A@(<|\\u003c){2}.*(>|\\u003e){2}\z`)

// requireSource makes src again from its nodes: nothing is lost but the @ before braces.
func requireSource(t *testing.T, src string, nodes []template.Node) {
	t.Helper()
	at := 0
	for i, n := range nodes {
		tag := src[n.Offset:n.End]
		switch {
		case !n.Placeholder():
			require.Equal(t, n.Text, tag)
			require.False(t, i > 0 && !nodes[i-1].Placeholder(), "two texts side by side")
		case strings.HasPrefix(tag, "{{"):
			require.True(t, strings.HasSuffix(tag, "}}"))
			if n.Offset > at {
				require.Equal(t, "@", src[at:n.Offset])
				at = n.Offset
			}
		case n.InString: // perhaps with more escapes
			require.True(t, strings.HasPrefix(tag, "@"))
		default:
			require.Regexp(t, angles, tag)
		}
		require.Equal(t, at, n.Offset)
		if n.Placeholder() {
			requireSpelling(t, n.Name)
			require.True(t, n.Offset < n.At && n.At < n.NameEnd && n.NameEnd < n.End)
			for _, call := range n.Filters {
				require.True(t, n.InString || strings.HasPrefix(src[call.At:], call.Name))
				for _, arg := range call.Args {
					requireSpelling(t, arg.Name)
					require.True(t, call.At < arg.At && arg.At < arg.End && arg.End < n.End)
				}
			}
		}
		at = n.End
	}
	require.Len(t, src, at)
}

// requireSpelling requires that a name is written in the one way.
func requireSpelling(t *testing.T, name string) {
	t.Helper()
	if name != "" {
		if utf8.ValidString(name) { // no other template is compiled
			require.Equal(t, name, template.Spell(template.Path(name)))
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"", "a", "{{a}}", "@{{a}}", "@<<a>>", "@@{{a}}@@<<b>>", "x{{ a.b }}y@<< c >>@", "{{a{{b}}",
		"@<<{{a}}>>", "{{a}}@<<b", "{{{a}}}", "{{\xff}}", "@", "@@", "{{@}}", "{{a[0]|f:1,'b'|g}}",
		"{{'{{'|f}}", `{{ -1 | f : \"x\" }}`, "{{a|}}{{b", "@<<\"a\"|f:nil,true>>", `"{{\"a\\\"|f:\u0027'\n\ud83d\ude00\u0027}}"`,
		`{{a['b c'].d["it's"]|f:e,['\'"']}}`, `"@\u003c\u003ca|date:'\\d\n'\u003e\u003e"`, `{{'}\}\n\\'}}`, "{{['']}}{{in}}{{a=b}}",
		`@\u003C\u003C''\u003e\u003e`, "{{['\x91']}}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		for _, isJSON := range []bool{false, true} {
			nodes, errs := template.Split(src, isJSON, math.MaxInt)
			if len(errs) == 0 {
				requireSource(t, src, nodes)
			}
			for _, e := range errs {
				require.GreaterOrEqual(t, e.Offset, 0)
				require.Less(t, e.Offset, len(src))
				require.Less(t, len(e.Error()), 150, "an error does not quote the template")
				require.True(t, utf8.ValidString(e.Error()))
			}
		}
	})
}
