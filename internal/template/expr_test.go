package template_test

import (
	"errors"
	"strings"
	"testing"

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
		{"name of keyword and member", "{{true.x}}", "true.x", field.Value{}, 2, nil},
		{"keyword of another language", "{{null}}", "null", field.Value{}, 2, nil},
		{"keyword in capitals", "{{True}}", "True", field.Value{}, 2, nil},
		{"name that begins with a digit", "{{9a}}", "9a", field.Value{}, 2, nil},
		{"name that is two numbers", "{{0.1}}", "0.1", field.Value{}, 2, nil},
		{"name that begins with a dash", "{{ -x }}", "-x", field.Value{}, 3, nil},
		{"index", "{{a[0].b}}", "a.0.b", field.Value{}, 2, nil},
		{"indexes", "{{a[0][12].b[2]}}", "a.0.12.b.2", field.Value{}, 2, nil},
		{"index with blanks", "{{a[ 0\t]}}", "a.0", field.Value{}, 2, nil},
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
				nodes, errs := template.Split(tt.src, isJSON)
				require.Empty(t, errs)
				want := template.Node{
					Name: tt.operand, Literal: tt.literal, Filters: tt.filters, At: tt.at, End: len(tt.src),
				}
				require.Equal(t, []template.Node{want}, nodes)
			}
		})
	}
}

// In a JSON template \" means ", anywhere in a tag.
func TestSplit_QuotesInJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		want      field.Value // of the literal or of the argument
		err       string
		notJSON   string // the error of a template that is not JSON, if there is one
	}{
		{"text", `{{\"x\"}}`, str("x"), "", `offset 2: '\\' in a name`},
		{"argument", `{{a|f:\"x y\"}}`, str("x y"), "", `offset 6: expected a text in quotes, a whole number, true, false or nil, found "\"`},
		{"braces", `{{a|f:\"{{\"}}`, str("{{"), "", `offset 6: expected a text in quotes, a whole number, true, false or nil, found "\"`},
		{"inside of other quotes", `{{'\"'}}`, str(`"`), "", ""},
		{"other quotes inside", `{{\"'\"}}`, str("'"), "", `offset 2: '\\' in a name`},
		{"inside of the same", `{{"\""}}`, str(`"`), "", `offset 5: expected | or the end of the tag, found """`},
		{"backslash", `{{'\\d\e'}}`, str(`\d\e`), "", ""},
		{"closed without backslash", `{{\"x"}}`, field.Value{}, `offset 2: a text in quotes is not closed by \"`, `offset 2: '\\' in a name`},
		{"not closed", `{{\"x}}`, field.Value{}, `offset 2: a text in quotes is not closed by \"`, `offset 2: '\\' in a name`},
		{"before the other quote", `{{\'x\'}}`, field.Value{}, `offset 2: '\\' in a name`, `offset 2: '\\' in a name`},
		{"other escapes", `{{'\"\n'}}`, str(`"\n`), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nodes, errs := template.Split(tt.src, true)
			if tt.err != "" {
				require.Len(t, errs, 1)
				require.EqualError(t, errs[0], tt.err)
			} else {
				require.Empty(t, errs)
				got := nodes[0].Literal
				if len(nodes[0].Filters) > 0 {
					got = nodes[0].Filters[0].Args[0].Value
				}
				require.Equal(t, tt.want, got)
			}
			_, err := trySplit(tt.src)
			if tt.notJSON == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.notJSON)
			}
		})
	}
}

func TestSplit_ExpressionsRefused(t *testing.T) {
	t.Parallel()
	const literal = "expected a text in quotes, a whole number, true, false or nil, found "
	tests := []struct{ name, src, err string }{
		{"pipe alone", "{{|}}", "offset 2: expected a name before |"},
		{"pipe first", "{{ |a}}", "offset 3: expected a name before |"},
		{"pipe last", "{{a|}}", "offset 4: expected a filter after |"},
		{"pipe and blank last", "{{a| }}", "offset 5: expected a filter after |"},
		{"two pipes", "{{a||b}}", "offset 4: expected a filter after |"},
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
		{"name as an argument", "{{a|f:b}}", `offset 6: ` + literal + `"b"`},
		{"name as an argument, in another script", "{{a|f:'x', é}}", `offset 11: ` + literal + `"é"`},
		{"fraction", "{{a|f:1.5}}", `offset 6: ` + literal + `"1"`},
		{"two dashes", "{{a|f:--1}}", `offset 6: ` + literal + `"-"`},
		{"arguments without a comma", "{{a|f:1 2}}", `offset 8: expected | or the end of the tag, found "2"`},
		{"argument without a colon", "{{a|f 1}}", `offset 6: expected | or the end of the tag, found "1"`},
		{"two colons", "{{a|f:1:2}}", `offset 7: expected | or the end of the tag, found ":"`},
		{"argument of a name", "{{a:1}}", "offset 3: ':' in a name"},
		{"name then junk", "{{a b|f}}", "offset 3: a blank inside a name"},
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
		{"bracket without an index", "{{a[]}}", "offset 4: an index that is not a whole number"},
		{"bracket with a name", "{{a[x]}}", "offset 4: an index that is not a whole number"},
		{"bracket with a text", "{{a['x']}}", "offset 4: an index that is not a whole number"},
		{"negative index", "{{a[-1]}}", "offset 4: an index that is not a whole number"},
		{"index with a zero", "{{a[01]}}", "offset 4: an index that is not a whole number"},
		{"bracket before a name", "{{a[0]b}}", "offset 6: 'b' in a name"},
		{"bracket first", "{{[0]}}", "offset 2: an empty part in a name"},
		{"bracket after a dot", "{{a.[0]}}", "offset 4: an empty part in a name"},
		{"dot after a bracket", "{{a[0].}}", "offset 6: an empty part in a name"},
		{"bracket of a literal", "{{'a'[0]}}", `offset 5: expected | or the end of the tag, found "["`},
		{"closing bracket", "{{a]}}", "offset 3: ']' in a name"},
		{"tag after a text", "{{'a' {{b}}", "offset 6: a tag inside a tag"},
		{"tag after an argument", "{{a|f:'x'{{b}}", "offset 9: a tag inside a tag"},
		{"angles after an argument", "{{a|f:'x', @<<b>>}}", "offset 11: a tag inside a tag"},
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
				_, errs := template.Split(tt.src, isJSON)
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
	nodes, errs := template.Split("x{{a|}}@{{b c}}@<<>>{{ok}}{{'y}}z", false)
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	require.Equal(t, []string{
		"offset 5: expected a filter after |", "offset 11: a blank inside a name", "offset 18: an empty placeholder",
		"offset 28: a text in quotes is not closed by '",
	}, texts)
	failed := func(offset, end int) template.Node {
		return template.Node{Literal: field.Null, Offset: offset, At: offset, End: end}
	}
	require.Equal(t, []template.Node{
		text("x", 0), failed(1, 7), failed(8, 15), failed(15, 20), placeholder("ok", 20, 22, 26),
		failed(26, 32), text("z", 32),
	}, nodes)

	nodes, errs = template.Split("{{a|}}@<<b", false)
	require.Nil(t, nodes)
	require.Len(t, errs, 2)
	require.EqualError(t, errs[1], "offset 6: a tag is not closed by >>")
}
