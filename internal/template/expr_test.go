package template_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

var (
	str = field.Text
	num = field.Number
)

func boolean(s string) field.Value { return field.FromJSON(s) }

func call(name string, at int, args ...template.Arg) template.Call {
	return template.Call{Name: name, At: at, Args: args}
}

// arg returns an argument in its shortest form.
func arg(v field.Value, at int) template.Arg {
	n := len(v.Text)
	switch v.Kind {
	case rawjson.String:
		n += len("''")
	case rawjson.Null:
		n = len("nil")
	}
	return template.Arg{Value: v, At: at, End: at + n}
}

func TestSplit_Expressions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		operand   string
		literal   field.Value
		at        int
		filters   []template.Call
	}{
		{"name", "{{a}}", "a", field.Value{}, 2, nil},
		{"name like a keyword", "{{nilx}}", "nilx", field.Value{}, 2, nil},
		{"name of keyword and member", "{{true.x}}", "['true'].x", field.Value{}, 2, nil},
		{"keyword of another language", "{{null}}", "null", field.Value{}, 2, nil},
		{"keyword in capitals", "{{True}}", "True", field.Value{}, 2, nil},
		{"name that begins with a digit", "{{9a}}", "9a", field.Value{}, 2, nil},
		{"name that is two numbers", "{{0.1}}", "['0'].1", field.Value{}, 2, nil},
		{"name that begins with a dash", "{{ -x }}", "-x", field.Value{}, 3, nil},
		{"index", "{{a[0].b}}", "a.0.b", field.Value{}, 2, nil},
		{"indexes", "{{a[0][12].b[2]}}", "a.0.12.b.2", field.Value{}, 2, nil},
		{"index with blanks", "{{a[ 0\t]}}", "a.0", field.Value{}, 2, nil},
		{"index first", "{{[0]}}", "['0']", field.Value{}, 2, nil},
		{"member in quotes", "{{a['Date of Birth'].b}}", "a['Date of Birth'].b", field.Value{}, 2, nil},
		{"member in double quotes", `{{a[ "b.c" ][0]}}`, "a['b.c'].0", field.Value{}, 2, nil},
		{"member in quotes that needs none", "{{['a']['b']}}", "a.b", field.Value{}, 2, nil},
		{"member with quotes", `{{a["it's"]["\"'"]}}`, `a["it's"]['"\'']`, field.Value{}, 2, nil},
		{"empty member", "{{['']|f}}", "['']", field.Value{}, 2, []template.Call{call("f", 7)}},
		{"operator", "{{in}}", "['in']", field.Value{}, 2, nil},
		{"member of an operator's name", "{{a.in}}", "a.in", field.Value{}, 2, nil},
		{"member with an operator", "{{a=b}}", "['a=b']", field.Value{}, 2, nil},
		{"name as an argument", "{{a|f: b.c , ['d e'],'x'|g}}", "a", field.Value{}, 2, []template.Call{
			call("f", 4, template.Arg{Name: "b.c", At: 7, End: 10}, template.Arg{Name: "['d e']", At: 13, End: 20}, arg(str("x"), 21)), call("g", 25),
		}},
		{"name of another script as an argument", "{{a|f:é}}", "a", field.Value{}, 2, []template.Call{call("f", 4, template.Arg{Name: "é", At: 6, End: 8})}},
		{"index and filter", "{{a[0]|f}}", "a.0", field.Value{}, 2, []template.Call{call("f", 7)}},
		{"text", "{{'a b'}}", "", str("a b"), 2, nil},
		{"text in double quotes", `{{ "a'b" }}`, "", str("a'b"), 3, nil},
		{"empty text", "{{''}}", "", str(""), 2, nil},
		{"text with what means something outside", "{{'a|b:c,[d].e{f}'}}", "", str("a|b:c,[d].e{f}"), 2, nil},
		{"number", "{{42}}", "", num("42"), 2, nil},
		{"negative number", "{{ -42 }}", "", num("-42"), 3, nil},
		{"number with zeros", "{{007}}", "", num("7"), 2, nil},
		{"negative number with zeros", "{{-007}}", "", num("-7"), 2, nil},
		{"zero", "{{000}}", "", num("0"), 2, nil},
		{"negative zero", "{{-0}}", "", num("0"), 2, nil},
		{"largest number", "{{999999999999999999}}", "", num("999999999999999999"), 2, nil},
		{"true", "{{true}}", "", boolean("true"), 2, nil},
		{"false", "{{ false}}", "", boolean("false"), 3, nil},
		{"nil", "{{nil }}", "", field.Null, 2, nil},
		{"filter", "{{a | f }}", "a", field.Value{}, 2, []template.Call{call("f", 6)}},
		{"filter without blanks", "{{a|f}}", "a", field.Value{}, 2, []template.Call{call("f", 4)}},
		{"filter of a literal", "{{'x'|f}}", "", str("x"), 2, []template.Call{call("f", 6)}},
		{"filter of nil", "{{nil|f:nil}}", "", field.Null, 2, []template.Call{call("f", 6, arg(field.Null, 8))}},
		{"chain", "{{a|f|g | h}}", "a", field.Value{}, 2, []template.Call{call("f", 4), call("g", 6), call("h", 10)}},
		{"argument", "{{a|slice: -10}}", "a", field.Value{}, 2, []template.Call{call("slice", 4, arg(num("-10"), 11))}},
		{
			"arguments of all kinds", `@<<'é☃' | f : 1 , "b",true,false , nil |g:''>>`, "", str("é☃"), 3,
			[]template.Call{
				call("f", 13, arg(num("1"), 17), arg(str("b"), 21), arg(boolean("true"), 25),
					arg(boolean("false"), 30), arg(field.Null, 38)),
				call("g", 43, arg(str(""), 45)),
			},
		},
		{"line breaks", "{{a\n|\tf\r:\n1\n,\n2\n}}", "a", field.Value{}, 2, []template.Call{call("f", 6, arg(num("1"), 10), arg(num("2"), 14))}},
		{"braces", "{{'{{'}}", "", str("{{"), 2, nil},
		{"braces in an argument", "{{a|f:'{{'|g:\"@<<\"}}", "a", field.Value{}, 2, []template.Call{call("f", 4, arg(str("{{"), 6)), call("g", 11, arg(str("@<<"), 13))}},
		{"angles in angles", "@<<'@<<'>>", "", str("@<<"), 3, nil},
		{"angles in braces", "{{'@<<a>>'}}", "", str("@<<a>>"), 2, nil},
		{"the other tag's end", "@<<'}}'>>", "", str("}}"), 3, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, isJSON := range []bool{false, true} {
				nodes, errs := template.Split(tt.src, isJSON, math.MaxInt)
				require.Empty(t, errs)
				want := template.Node{
					Name: tt.operand, Literal: tt.literal, Filters: tt.filters, At: tt.at, End: len(tt.src),
					NameEnd: nodes[0].NameEnd,
				}
				require.Equal(t, []template.Node{want}, nodes)
			}
		})
	}
}

// Inside a JSON text, a tag is read as JSON reads it.
func TestSplit_QuotesInJSON(t *testing.T) {
	t.Parallel()
	const unclosed = `offset 3: a text in quotes is not closed by `
	tests := []struct {
		name, src string
		want      string // the text of the literal or of the argument
		err       string
	}{
		{"text", `{{\"x\"}}`, "x", ""},
		{"argument", `{{a|f:\"x y\"}}`, "x y", ""},
		{"braces", `{{a|f:\"{{\"}}`, "{{", ""},
		{"inside of other quotes", `{{'\"'}}`, `"`, ""},
		{"other quotes inside", `{{\"'\"}}`, "'", ""},
		{"plain quotes", `{{"a b"}}`, "a b", ""},
		{"inside of plain ones", `{{"\""}}`, `"`, ""},
		{"plain ones inside", `{{\"a"b\"}}`, `a"b`, ""},
		{"its own quote", `{{'it\'s'}}`, "it's", ""},
		{"both quotes", `{{'a"\'\"b'}}`, `a"'"b`, ""},
		{"backslash", `{{'\\d\e'}}`, `\d\e`, ""},
		{"backslash at the end", `{{"a\\"}}`, `a\`, ""},
		{"backslash at the end of an escaped one", `{{\"a\\\"}}`, `a\`, ""},
		{"two backslashes", `{{'\\\\'}}`, `\\`, ""},
		{"all escapes", `{{'\"\n\r\t\b\f\/'}}`, "\"\n\r\t\b\f/", ""},
		{"no escapes", `{{'\T\x\0 \u12 \u00zz \'}}`, "", unclosed + "'"},
		{"no escapes of JSON", `{{'\T\x\0 \u12 \u00zz\u'}}`, `\T\x\0 \u12 \u00zz\u`, ""},
		{"hexadecimal", `{{'\u00e9\u20AC'}}`, "é€", ""},
		{"pair", `{{'\ud83d\ude00!'}}`, "😀!", ""},
		{"half of a pair", `{{'\ud83dx\ude00'}}`, "\ufffdx\ufffd", ""},
		{"two first halves", `{{'\ud83d\ud83d\ude00'}}`, "\ufffd😀", ""},
		{"HTML", `{{'\u003ca \u0026 b\u003e'}}`, "<a & b>", ""},
		{"quotes as references", `{{\u0027it\u0022s\u0027}}`, `it"s`, ""},
		{"a plain quote in these", `{{\u0027it's\u0027}}`, `it's`, ""},
		{"end of a tag", `{{'}\}'}}`, "}}", ""},
		{"blanks", `{{\n\t'x'\u00a0}}`, "x", ""},
		{"angles", `@<<'x'>>`, "x", ""},
		{"angles as references", `@\u003c\u003c'x'\u003e\u003E`, "x", ""},
		{"closed without backslash", `{{\"x"}}`, "", unclosed + `\"`},
		{"not closed", `{{\"x}}`, "", unclosed + `\"`},
		{"closed with a backslash", `{{"x\"}}`, "", unclosed + `"`},
		{"before the other quote", `{{\'x\'}}`, "", `offset 3: outside of a JSON text, a quote is written without a backslash`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes, errs := template.Split(`"`+tt.src+`"`, true, math.MaxInt)
			if tt.err != "" {
				require.Len(t, errs, 1)
				require.EqualError(t, errs[0], tt.err)
				return
			}
			require.Empty(t, errs)
			require.Equal(t, str(tt.want), firstText(nodes[1]))
			require.Equal(t, []int{1, 1 + len(tt.src)}, []int{nodes[1].Offset, nodes[1].End})
		})
	}
}

func firstText(n template.Node) field.Value {
	if len(n.Filters) > 0 {
		return n.Filters[0].Args[0].Value
	}
	return n.Literal
}

// Elsewhere a text has a few escapes of its own, which mean the same in a JSON text.
func TestSplit_QuotesElsewhere(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src, want string
		err             string
	}{
		{"escapes", `{{'a\n\r\t\\'}}`, "a\n\r\t\\", ""},
		{"its own quote", `{{'it\'s'}}`, "it's", ""},
		{"its own double quote", `{{"a\"b"}}`, `a"b`, ""},
		{"the other quote", `{{'a\"b'}}`, `a\"b`, ""},
		{"no escapes", `{{'\T\b\f\/\u0041'}}`, `\T\b\f\/\u0041`, ""},
		{"backslash at the end", `{{"a\\"}}`, `a\`, ""},
		{"end of a tag", `{{'}\}'}}`, "}}", ""},
		{"end of angles", `@<<'>\>'>>`, ">>", ""},
		{"braces in angles", `@<<'{\{'>>`, "{{", ""},
		{"after an escaped quote", `{{'\'{{'}}`, "'{{", ""},
		{"backslash before the end", `{{'a\'}}`, "", "offset 2: a text in quotes is not closed by '"},
		{"quotes of JSON", `{{\"x\"}}`, "", "offset 2: outside of a JSON text, a quote is written without a backslash"},
		{"an argument in these", `{{a|f:\"x y\"}}`, "", "offset 6: outside of a JSON text, a quote is written without a backslash"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, isJSON := range []bool{false, true} {
				nodes, errs := template.Split(tt.src, isJSON, math.MaxInt)
				if tt.err != "" {
					require.Len(t, errs, 1)
					require.EqualError(t, errs[0], tt.err)
					continue
				}
				require.Empty(t, errs)
				require.Equal(t, str(tt.want), firstText(nodes[0]))
			}
		})
	}
}

// In the pattern of a date a backslash keeps a letter, in JSON as elsewhere.
func TestSplit_Patterns(t *testing.T) {
	t.Parallel()
	const control = "a control character in the pattern of a date"
	tests := []struct {
		name, pattern, inJSON, elsewhere string
		err                              string
		offset                           int // of the error in the pattern
	}{
		{"letters", `'jS \o\f F \n\r\t\b\T'`, `jS \o\f F \n\r\t\b\T`, `jS \o\f F \n\r\t\b\T`, "", 0},
		{"as an encoder writes them", `'jS \\o\\f F'`, `jS \o\f F`, `jS \o\f F`, "", 0},
		{"slashes", `'d\/m'`, "d/m", `d\/m`, "", 0},
		{"own quote", `'\'y'`, "'y", "'y", "", 0},
		{"hexadecimal", `'\u0064\u002f'`, "d/", `\u0064\u002f`, "", 0},
		{"line break", "'d\nm'", "", "", control, 2},
		{"line break as a reference", `'d\u000am'`, "", `d\u000am`, control, 2},
	}
	for _, tt := range tests {
		for _, filter := range []string{"date_format", "date"} {
			t.Run(tt.name+" of "+filter, func(t *testing.T) {
				t.Parallel()
				tag := "{{a | " + filter + ": "
				for i, src := range []string{tag + tt.pattern + "}}", `"` + tag + tt.pattern + `}}"`} {
					want := []string{tt.elsewhere, tt.inJSON}[i]
					nodes, errs := template.Split(src, true, math.MaxInt)
					if want == "" {
						require.Len(t, errs, 1)
						require.Equal(t, tt.err, errs[0].Err.Error())
						require.Equal(t, i+len(tag)+tt.offset, errs[0].Offset)
						continue
					}
					require.Empty(t, errs)
					require.Equal(t, str(want), firstText(nodes[i]))
				}
			})
		}
	}
	nodes, errs := template.Split(`{{a | append: 'jS \n'}}`, false, math.MaxInt)
	require.Empty(t, errs)
	require.Equal(t, str("jS \n"), firstText(nodes[0]))
}

// A tag means the same whatever encoder of JSON wrote it, and where no JSON is.
func TestSplit_AnyEncoder(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{
		"{{a}}", "@<<a.b[0]>>", "{{ a | append: \"/a €\" | replace: ' & co', '<>' }}", "@<<a|f:'>','\"','😀'>>",
		"{{\n'a'\t|\nf:\"it's\" , nil}}", `{{a | date_format: 'd/m/Y \T\n'}}`, `{{a["x y"]['z"']}}`, "{{'\u2028'}}",
	} {
		want := split(t, tag)[0]
		for name, encode := range encoders {
			src := encode(t, tag)
			nodes := splitJSON(t, src)
			require.Len(t, nodes, 3, "%s: %s", name, src)
			got := nodes[1]
			require.Equal(t, want.Name, got.Name, "%s: %s", name, src)
			require.Equal(t, want.Literal, got.Literal, "%s: %s", name, src)
			require.Len(t, got.Filters, len(want.Filters))
			for i, call := range got.Filters {
				require.Equal(t, want.Filters[i].Name, call.Name)
				require.True(t, strings.HasPrefix(src[call.At:], call.Name), "%s: %s", name, src)
				for j, arg := range call.Args {
					require.Equal(t, want.Filters[i].Args[j].Value, arg.Value, "%s: %s", name, src)
					require.Less(t, arg.At, arg.End)
				}
			}
		}
	}
}

// encoders write a text as JSON, each in its own way.
var encoders = map[string]func(*testing.T, string) string{
	"Go": func(t *testing.T, s string) string {
		b, err := json.Marshal(s)
		require.NoError(t, err)
		return string(b)
	},
	"Go without HTML": func(t *testing.T, s string) string {
		b, err := field.JSON(s)
		require.NoError(t, err)
		return string(b)
	},
	"ours": func(_ *testing.T, s string) string { return string(rawjson.AppendString(nil, s)) },
	"PHP": func(_ *testing.T, s string) string {
		return ascii(strings.ReplaceAll(string(rawjson.AppendString(nil, s)), "/", `\/`))
	},
	"PHP with all flags": func(_ *testing.T, s string) string {
		b := strings.Trim(string(rawjson.AppendString(nil, s)), `"`)
		b = strings.ReplaceAll(b, `\"`, `\u0022`)
		return ascii(`"` + strings.NewReplacer("/", `\/`, "<", `\u003C`, ">", `\u003E`, "&", `\u0026`, "'", `\u0027`).Replace(b) + `"`)
	},
}

// ascii writes other characters as escapes.
func ascii(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		if unit < 0x80 {
			b.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

func TestSplit_ExpressionsRefused(t *testing.T) {
	t.Parallel()
	const literal = "expected a text in quotes, a whole number, true, false, nil or a name, found "
	tests := []struct{ name, src, err string }{
		{"pipe alone", "{{|}}", "offset 2: expected a name before |"},
		{"pipe first", "{{ |a}}", "offset 3: expected a name before |"},
		{"pipe last", "{{a|}}", "offset 4: expected a filter after |"},
		{"pipe and blank last", "{{a| }}", "offset 5: expected a filter after |"},
		{"two pipes", "{{a||b}}", "offset 4: expected a filter after |; one name or else another is written a | default: b"},
		{"pipe after a filter", "{{a|f|}}", "offset 6: expected a filter after |"},
		{"pipe after an argument", "{{a|f:1|}}", "offset 8: expected a filter after |"},
		{"pipe after a literal", "{{nil|}}", "offset 6: expected a filter after |"},
		{"text as a filter", "{{a|'f'}}", "offset 4: expected a filter after |"},
		{"colon without an argument", "{{a|f:}}", "offset 6: " + literal + "the end of the tag"},
		{"colon and blank", "{{a|f: }}", "offset 7: " + literal + "the end of the tag"},
		{"comma alone", "{{a|f:,}}", `offset 6: ` + literal + `","`},
		{"comma last", "{{a|f:1,}}", "offset 8: " + literal + "the end of the tag"},
		{"two commas", "{{a|f:1,,2}}", `offset 8: ` + literal + `","`},
		{"comma before a pipe", "{{a|f:1,|g}}", `offset 8: ` + literal + `"|"`},
		{"two names as arguments without a comma", "{{a|f:b c}}", "offset 7: a blank inside a name; a member with one is written ['a b']"},
		{"name as an argument and junk", "{{a|f:b:c}}", "offset 7: ':' in a name"},
		{"fraction", "{{a|f:1.5}}", `offset 6: expected a whole number, found "1.5"; write other numbers in quotes`},
		{"two dashes", "{{a|f:--1}}", `offset 6: expected a whole number, found "--1"; write other numbers in quotes`},
		{"arguments without a comma", "{{a|f:1 2}}", `offset 8: expected | or the end of the tag, found "2"; arguments follow a : and have commas between them`},
		{"argument without a colon", "{{a|f 1}}", `offset 6: expected | or the end of the tag, found "1"; arguments follow a : and have commas between them`},
		{"two colons", "{{a|f:1:2}}", `offset 7: expected | or the end of the tag, found ":"`},
		{"argument of a name", "{{a:1}}", "offset 3: ':' in a name"},
		{"name then junk", "{{a b|f}}", "offset 3: a blank inside a name; a member with one is written ['a b']"},
		{"name then quote", "{{a'b'}}", "offset 3: '\\'' in a name"},
		{"text then junk", "{{'x'y}}", `offset 5: expected | or the end of the tag, found "y"`},
		{"text then member", "{{'x'.y}}", `offset 5: expected | or the end of the tag, found "."`},
		{"two texts", "{{'a' 'b'}}", `offset 6: expected | or the end of the tag, found "'"`},
		{"number then junk", "{{1 x}}", `offset 4: expected | or the end of the tag, found "x"`},
		{"dash alone", "{{-}}", "offset 2: expected digits after -"},
		{"dash as an argument", "{{a|f: - }}", "offset 7: expected digits after -"},
		{"number too long", "{{ 1000000000000000000}}", "offset 3: a number of 19 characters, at most 18"},
		{"number too long as an argument", "{{a|f:-1000000000000000000}}", "offset 6: a number of 19 characters, at most 18"},
		{"quote not closed", "{{'x}}", "offset 2: a text in quotes is not closed by '"},
		{"double quote not closed", `{{a|f:1,"x}}`, `offset 8: a text in quotes is not closed by "`},
		{"closed by the other quote", `{{a|f:"x'}}`, `offset 6: a text in quotes is not closed by "`},
		{"end of the tag in a text", "{{'}}'}}", "offset 2: a text in quotes is not closed by '"},
		{"end of the tag in a text, in angles", "@<<'>>'>>", "offset 3: a text in quotes is not closed by '"},
		{"bracket not closed", "{{a[0}}", "offset 3: a [ is not closed by ]"},
		{"bracket alone", "{{a[}}", "offset 3: a [ is not closed by ]"},
		{"bracket without an index", "{{a[]}}", "offset 4: an index that is not a whole number; a member's name stands in quotes"},
		{"bracket with a name", "{{a[x]}}", "offset 4: an index that is not a whole number; a member's name stands in quotes"},
		{"bracket with a text that is not closed", "{{a['x]}}", "offset 4: a text in quotes is not closed by '"},
		{"bracket with a text, not closed", "{{a['x'}}", "offset 3: a [ is not closed by ]"},
		{"bracket with a text and more", "{{a['x' y]}}", `offset 8: expected ], found "y"`},
		{"negative index", "{{a[-1]}}", "offset 4: an index that is not a whole number; a member's name stands in quotes"},
		{"index with a zero", "{{a[01]}}", "offset 4: an index that is not a whole number; a member's name stands in quotes"},
		{"index of ten digits", "{{a[1000000000]}}", "offset 4: an index that is not a whole number; a member's name stands in quotes"},
		{"bracket before a name", "{{a[0]b}}", "offset 6: 'b' in a name"},
		{"bracket after a dot", "{{a.[0]}}", "offset 4: an empty part in a name"},
		{"dot after a bracket", "{{a[0].}}", "offset 6: an empty part in a name"},
		{"bracket of a literal", "{{'a'[0]}}", `offset 5: expected | or the end of the tag, found "["`},
		{"closing bracket", "{{a]}}", "offset 3: ']' in a name"},
		{"tag after a text", "{{'a' {{b}}", "offset 0: a tag inside a tag"},
		{"tag after an argument", "{{a|f:'x'{{b}}", "offset 0: a tag inside a tag"},
		{"angles after an argument", "{{a|f:'x', @<<b>>}}", "offset 0: a tag inside a tag"},
		// Braces are looked for first.
		{"braces in quotes in angles", "@<<'{{'>>", "offset 4: a tag is not closed by }}"},
		{"third brace", "{{a|f:}}}", "offset 6: " + literal + "the end of the tag"},
		{"not UTF-8", "{{a|f:\xff}}", "offset 6: " + literal + "\"\ufffd\""},
		{"name too long", "{{" + strings.Repeat("n", request.MaxNameSize+1) + "|f}}", "offset 2: a name of 257 bytes, at most 256: over the limit"},
		{"too many parts", "{{n" + strings.Repeat("[0]", request.MaxDepth) + "}}", "offset 2: a name of 33 parts, at most 32: over the limit"},
		{"too many filters", "{{a" + strings.Repeat("|f", request.MaxFilters+1) + "}}", "offset 68: more than 32 filters: over the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, isJSON := range []bool{false, true} {
				_, errs := template.Split(tt.src, isJSON, math.MaxInt)
				require.Len(t, errs, 1)
				require.EqualError(t, errs[0], tt.err)
				require.Equal(t, strings.HasSuffix(tt.err, "over the limit"), errors.Is(errs[0], request.ErrLimit))
			}
		})
	}
	nodes := split(t, "{{a"+strings.Repeat("|f", request.MaxFilters)+"}}")
	require.Len(t, nodes[0].Filters, request.MaxFilters)
}

// All errors inside tags are returned at once, with the nodes around the tags.
func TestSplit_AllErrors(t *testing.T) {
	t.Parallel()
	nodes, errs := template.Split("x{{a|}}@{{b c}}@<<>>{{ok}}{{'y}}z", false, math.MaxInt)
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	require.Equal(t, []string{
		"offset 5: expected a filter after |", "offset 11: a blank inside a name; a member with one is written ['a b']", "offset 18: an empty placeholder",
		"offset 28: a text in quotes is not closed by '",
	}, texts)
	failed := func(offset, end int) template.Node {
		return template.Node{Literal: field.Null, Offset: offset, At: offset, NameEnd: offset, End: end}
	}
	require.Equal(t, []template.Node{
		text("x", 0), failed(1, 7), failed(8, 15), failed(15, 20), placeholder("ok", 20, 22, 26),
		failed(26, 32), text("z", 32),
	}, nodes)

	nodes, errs = template.Split("{{a|}}@<<b", false, math.MaxInt)
	require.Nil(t, nodes)
	require.Len(t, errs, 2)
	require.EqualError(t, errs[1], "offset 6: a tag is not closed by >>")
}
