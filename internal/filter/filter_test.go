package filter_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/request"
)

// literals converts Go values to values of the language's literals.
func literals(args ...any) []field.Value {
	values := make([]field.Value, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			values[i] = field.Text(a)
		case int:
			values[i] = field.Number(strconv.Itoa(a))
		case bool:
			values[i] = field.FromJSON(strconv.FormatBool(a))
		case field.Value:
			values[i] = a
		default:
			values[i] = field.Null
		}
	}
	return values
}

func compile(t testing.TB, name string, args ...any) filter.Filter {
	t.Helper()
	f, err := filter.Compile(name, literals(args...))
	require.NoError(t, err)
	return f
}

type args []any

// A row is a filter, its input as JSON, and the wanted result as JSON.
type row struct {
	filter string
	args   args
	in     string
	want   string
}

func check(t *testing.T, tests []row) {
	t.Helper()
	for _, tt := range tests {
		name := tt.filter + " of " + tt.in[:min(len(tt.in), 30)]
		out, err := compile(t, tt.filter, tt.args...).Apply(field.FromJSON(tt.in))
		require.NoError(t, err, name)
		got := string(out.AppendJSON(nil))
		require.Equal(t, tt.want, got, "%s with %v", name, tt.args)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	check(t, []row{
		// Liquid's documented examples.
		{"append", args{".html"}, `"/my/fancy/url"`, `"/my/fancy/url.html"`},
		{"prepend", args{"Some fruit: "}, `"apples, oranges, and bananas"`, `"Some fruit: apples, oranges, and bananas"`},
		{"downcase", nil, `"Parker Moore"`, `"parker moore"`},
		{"upcase", nil, `"Parker Moore"`, `"PARKER MOORE"`},
		{"upper", nil, `"Parker Moore"`, `"PARKER MOORE"`},
		{"strip", nil, `"          So much room for activities          "`, `"So much room for activities"`},
		{"lstrip", nil, `"   So much room   "`, `"So much room   "`},
		{"rstrip", nil, `"   So much room   "`, `"   So much room"`},
		{"escape", nil, `"Have you read 'James & the Giant Peach'?"`, `"Have you read &#39;James &amp; the Giant Peach&#39;?"`},
		{"escape", nil, `"Tetsuro Takara"`, `"Tetsuro Takara"`},
		{"url_encode", nil, `"john@liquid.com"`, `"john%40liquid.com"`},
		{"url_encode", nil, `"Tetsuro Takara"`, `"Tetsuro+Takara"`},
		{"replace", args{"my", "your"}, `"Take my protein pills and put my helmet on"`, `"Take your protein pills and put your helmet on"`},
		{"truncate", args{20}, `"Ground control to Major Tom."`, `"Ground control to..."`},
		{"truncate", args{25, ", and so on"}, `"Ground control to Major Tom."`, `"Ground control, and so on"`},
		{"truncate", args{20, ""}, `"Ground control to Major Tom."`, `"Ground control to Ma"`},

		{"append", args{5}, `"x"`, `"x5"`},
		{"append", args{true}, `918919521234`, `"918919521234true"`},
		{"append", args{"!"}, `null`, `"!"`},
		{"append", args{"!"}, `{"a": [1, 2]}`, `"{\"a\":[1,2]}!"`},
		{"prepend", args{"+"}, `918919521234`, `"+918919521234"`},
		{"upcase", nil, `"zoë ☃"`, `"ZOË ☃"`},
		{"upcase", nil, `null`, `""`},
		{"downcase", nil, `true`, `"true"`},
		{"strip", nil, `"\t\r\n x y \u0000"`, `"x y"`},
		{"strip", nil, `"   "`, `""`},
		{"escape", nil, `"<a href=\"x\">"`, `"&lt;a href=&quot;x&quot;&gt;"`},
		{"escape", nil, `"&amp;"`, `"&amp;amp;"`},
		{"url_encode", nil, `"a/b?c=d&e~f-g_h.i*é"`, `"a%2Fb%3Fc%3Dd%26e~f-g_h.i%2A%C3%A9"`},
		{"replace", args{"a"}, `"banana"`, `"bnn"`},
		{"replace", args{"aa", "b"}, `"aaa"`, `"ba"`},
		{"replace", args{"91", "0"}, `918919521234`, `"0809521234"`},
		{"truncate", nil, `"` + strings.Repeat("é", 50) + `"`, `"` + strings.Repeat("é", 50) + `"`},
		{"truncate", nil, `"` + strings.Repeat("é", 51) + `"`, `"` + strings.Repeat("é", 47) + `..."`},
		{"truncate", args{2}, `"abc"`, `"..."`},
		{"truncate", args{0, ""}, `"abc"`, `""`},
		{"truncate", args{3}, `"abc"`, `"abc"`},
	})
}

func TestDefault(t *testing.T) {
	t.Parallel()
	check(t, []row{
		{"default", args{"there"}, `null`, `"there"`},
		{"default", args{"there"}, `""`, `"there"`},
		{"default", args{"there"}, `false`, `"there"`},
		{"default", args{"there"}, `[ ]`, `"there"`},
		{"default", args{"there"}, `{}`, `"there"`},
		{"default", args{"there"}, `"Zoë"`, `"Zoë"`},
		{"default", args{"there"}, `" "`, `" "`},
		{"default", args{"there"}, `0`, `0`},
		{"default", args{"there"}, `true`, `true`},
		{"default", args{"never"}, `"0001-01-01T00:00:00Z"`, `"never"`},
		{"default", args{"never"}, `"0001-01-01T00:00:00.000000+05:30"`, `"never"`},
		{"default", args{"never"}, `"0001-01-01 00:00:00"`, `"never"`},
		{"default", args{"never"}, `"0000-00-00 00:00:00"`, `"never"`},
		{"default", args{"never"}, `"0000-00-00"`, `"never"`},
		{"default", args{"never"}, `"2021-04-09 16:27:39.000"`, `"2021-04-09 16:27:39.000"`},
		{"default", args{"never"}, `"0001"`, `"0001"`},
		{"default", args{"never"}, `"000-000"`, `"000-000"`},
		{"default", args{"never"}, `"0000000000"`, `"0000000000"`},
		{"default", args{"there"}, `[0]`, `[0]`},
		{"default", args{0}, `null`, `0`},
		{"default", args{true}, `null`, `true`},
		{"default", args{nil}, `false`, `null`},
	})
	out, err := compile(t, "default", "there").Apply(field.Value{})
	require.NoError(t, err)
	require.Equal(t, field.Text("there"), out)
}

func TestLists(t *testing.T) {
	t.Parallel()
	check(t, []row{
		// Liquid's documented examples.
		{"slice", args{2, 5}, `"Liquid"`, `"quid"`},
		{"slice", args{0, 1}, `"Liquid"`, `"L"`},
		{"slice", args{-3, 2}, `"Liquid"`, `"ui"`},
		{"slice", args{1, 2}, `["John", "Paul", "George", "Ringo"]`, `["Paul","George"]`},
		{"slice", args{-2, 2}, `["John", "Paul", "George", "Ringo"]`, `["George","Ringo"]`},
		{"size", nil, `"Ground control to Major Tom."`, `28`},
		{"size", nil, `["apples", "oranges", "peaches", "plums"]`, `4`},
		{"first", nil, `["Ground","control","to","Major","Tom."]`, `"Ground"`},
		{"last", nil, `["Ground","control","to","Major","Tom."]`, `"Tom."`},
		{"split", args{", "}, `"John, Paul, George, Ringo"`, `["John","Paul","George","Ringo"]`},
		{"join", args{" and "}, `["John", "Paul", "George", "Ringo"]`, `"John and Paul and George and Ringo"`},

		// The platform's example: the last ten digits, whether the number is a string,
		// a number, or shorter.
		{"slice", args{-10}, `"918919521234"`, `"8919521234"`},
		{"slice", args{-10}, `918919521234`, `"8919521234"`},
		{"slice", args{-10}, `"12345"`, `"12345"`},
		{"slice", args{-10}, `null`, `""`},
		{"slice", args{2}, `"Liquid"`, `"quid"`},
		{"slice", args{6}, `"Liquid"`, `""`},
		{"slice", args{9, 2}, `"Liquid"`, `""`},
		{"slice", args{1, 0}, `"Liquid"`, `""`},
		{"slice", args{-2, 9}, `"Liquid"`, `"id"`},
		{"slice", args{1, 2}, `"añ☃b"`, `"ñ☃"`},
		{"slice", args{-2}, `"añ☃b"`, `"☃b"`},
		{"slice", args{-2147483648, 2147483647}, `"Liquid"`, `"Liquid"`},
		{"slice", args{1}, `[1, {"a": [2, 3]}, "]" ]`, `[{"a":[2,3]},"]"]`},
		{"slice", args{-9, 1}, `[1,2]`, `[1]`},
		{"slice", args{2}, `[1,2]`, `[]`},
		{"slice", args{0, 0}, `[1,2]`, `[]`},
		{"slice", args{-1}, `[]`, `[]`},

		{"size", nil, `null`, `0`},
		{"size", nil, `"añ☃b"`, `4`},
		{"size", nil, `918919521234`, `12`},
		{"size", nil, `[]`, `0`},
		{"size", nil, `{"a":[1,2],"b":2}`, `2`},
		{"first", nil, `[]`, `null`},
		{"last", nil, `[]`, `null`},
		{"first", nil, `[1.50,2]`, `1.50`},
		{"last", nil, `[1,{"a":2}]`, `{"a":2}`},
		{"last", nil, `[null]`, `null`},
		{"first", nil, `"ñandú"`, `"ñ"`},
		{"last", nil, `"ñandú"`, `"ú"`},
		{"first", nil, `""`, `null`},
		{"last", nil, `null`, `null`},

		{"split", args{""}, `"añ☃"`, `["a","ñ","☃"]`},
		{"split", args{","}, `",a,,b,,"`, `["","a","","b"]`},
		{"split", args{","}, `",,"`, `[]`},
		{"split", args{","}, `null`, `[]`},
		{"split", args{" "}, `"  a \t b\n"`, `["a","b"]`},
		{"split", args{"|"}, `"say \"hi\"|\\"`, `["say \"hi\"","\\"]`},
		{"split", args{0}, `10203`, `["1","2","3"]`},
		{"join", nil, `["a", 1.50, null, true, [1, 2], {"b": 3}]`, `"a 1.50  true [1,2] {\"b\":3}"`},
		{"join", args{""}, `["\u00e9", "b"]`, `"éb"`},
		{"join", args{","}, `[]`, `""`},
		{"join", args{","}, `"a"`, `"a"`},
		{"join", args{","}, `null`, `""`},
	})
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	check(t, []row{
		// Liquid's documented examples.
		{"plus", args{2}, `4`, `6`},
		{"plus", args{12}, `183.357`, `195.357`},
		{"minus", args{12}, `183.357`, `171.357`},
		{"times", args{12}, `183.357`, `2200.284`},
		{"divided_by", args{4}, `16`, `4`},
		{"divided_by", args{3}, `5`, `1`},
		{"divided_by", args{7}, `20`, `2`},
		{"divided_by", args{"7.0"}, `20`, `2.85714285714285714286`},
		{"modulo", args{2}, `3`, `1`},
		{"modulo", args{7}, `24`, `3`},
		{"modulo", args{12}, `183.357`, `3.357`},
		{"ceil", nil, `1.2`, `2`},
		{"ceil", nil, `2.0`, `2`},
		{"ceil", nil, `"3.5"`, `4`},
		{"floor", nil, `183.357`, `183`},
		{"floor", nil, `"3.5"`, `3`},
		{"round", nil, `1.2`, `1`},
		{"round", nil, `2.7`, `3`},
		{"round", args{2}, `183.357`, `183.36`},

		// Exact.
		{"plus", args{0}, `120363042969381234`, `120363042969381234`},
		{"plus", args{1}, `"120363042969381234"`, `120363042969381235`},
		{"plus", args{0}, `0.0150`, `0.015`},
		{"times", args{3}, `0.0150`, `0.045`},
		{"plus", args{"0.2"}, `0.1`, `0.3`},
		{"plus", args{0}, `1e3`, `1000`},
		{"plus", args{0}, `1.5E+1`, `15`},
		{"plus", args{0}, `1.25e-2`, `0.0125`},
		{"plus", args{0}, `1.50`, `1.5`},
		{"plus", args{"1.50"}, `1.50`, `3.0`},
		{"minus", args{"0.1"}, `-0.9`, `-1.0`},
		{"plus", args{0}, `-0.0`, `0.0`},
		{"plus", args{0}, `-0`, `0`},
		{"plus", args{0}, `" +007 "`, `7`},
		{
			"times",
			args{"99999999999999999999999999999999"},
			`99999999999999999999999999999999`,
			`9999999999999999999999999999999800000000000000000000000000000001`,
		},

		// Whole quotients round towards minus infinity; a remainder has the
		// divisor's sign.
		{"divided_by", args{2}, `-7`, `-4`},
		{"divided_by", args{-2}, `7`, `-4`},
		{"divided_by", args{-2}, `-7`, `3`},
		{"divided_by", args{2}, `7.0`, `3.5`},
		{"divided_by", args{2}, `"1.0000"`, `0.5`},
		{"divided_by", args{3}, `2.0`, `0.66666666666666666667`},
		{"divided_by", args{3}, `-2.0`, `-0.66666666666666666667`},
		{"divided_by", args{2}, `6.0`, `3.0`},
		{"divided_by", args{60}, `"125"`, `2`},
		{"modulo", args{60}, `"125"`, `5`},
		{"modulo", args{3}, `-7`, `2`},
		{"modulo", args{-3}, `7`, `-2`},
		{"modulo", args{"-0.3"}, `1`, `-0.2`},
		{"modulo", args{3}, `-6`, `0`},
		{"ceil", nil, `-1.2`, `-1`},
		{"floor", nil, `-1.2`, `-2`},
		{"round", nil, `-0.5`, `-1`},
		{"round", nil, `0.5`, `1`},
		{"round", nil, `0.49`, `0`},
		{"round", args{2}, `5`, `5`},
		{"round", args{2}, `2.0`, `2.0`},
		{"round", args{1}, `1.96`, `2.0`},
		{"round", args{-2}, `1250`, `1300`},
		{"round", args{-2}, `49.9`, `0`},

		// No value is zero.
		{"plus", args{1}, `null`, `1`},
		{"times", args{2}, `""`, `0`},
		{"round", nil, `null`, `0`},
	})
}

// Authors of templates see these errors, so the tests compare the whole text.
func TestCompile_Error(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter string
		args   args
		index  int
		want   string
	}{
		{"upcas", nil, -1, `unknown filter "upcas"; did you mean "upcase"?`},
		{"Upcase", nil, -1, `unknown filter "Upcase"; did you mean "upcase"?`},
		{"cut", args{-10}, -1, `unknown filter "cut"; did you mean "slice"?`},
		{"lower", nil, -1, `unknown filter "lower"; did you mean "downcase"?`},
		{"reverse_everything", nil, -1, `unknown filter "reverse_everything"`},
		{"", nil, -1, `unknown filter ""`},
		{"slice", nil, -1, "slice takes 1 or 2 arguments, not 0"},
		{"slice", args{1, 2, 3}, 2, "slice takes 1 or 2 arguments, not 3"},
		{"append", nil, -1, "append takes 1 argument, not 0"},
		{"upcase", args{"x"}, 0, "upcase takes no argument, not 1"},
		{"join", args{"x", "y"}, 1, "join takes 0 or 1 arguments, not 2"},
		{"slice", args{"2"}, 0, "slice: argument 1 is a text, want a whole number"},
		{"slice", args{1, true}, 1, "slice: argument 2 is true or false, want a whole number"},
		{"slice", args{1, -1}, 1, "slice: argument 2 is out of range"},
		{"slice", args{2147483647, 2147483647}, -2, ""},
		{"slice", args{field.Number("2147483648")}, 0, "slice: argument 1 is out of range"},
		{"slice", args{field.Number("-99999999999999999999")}, 0, "slice: argument 1 is out of range"},
		{"slice", args{field.Number("1.5")}, 0, "slice: argument 1 is a number, want a whole number"},
		{"truncate", args{-1}, 0, "truncate: argument 1 is out of range"},
		{"round", args{21}, 0, "round: argument 1 is out of range"},
		{"append", args{nil}, 0, "append: argument 1 is nil, want a text"},
		{"replace", args{"", "x"}, 0, "replace: argument 1 is empty"},
		{"replace", args{strings.Repeat("x", 256), strings.Repeat("y", 257)}, -2, ""},
		{"replace", args{strings.Repeat("x", 257), "y"}, 0, "replace: argument 1 is a text of 257 bytes to look for, at most 256: over the limit"},
		{"split", args{strings.Repeat("é", 129)}, 0, "split: argument 1 is a text of 258 bytes to look for, at most 256: over the limit"},
		{"plus", args{"x"}, 0, "plus: argument 1 is a text, want a number"},
		{"plus", args{false}, 0, "plus: argument 1 is true or false, want a number"},
		{"plus", args{strings.Repeat("9", 65)}, 0, "plus: argument 1 is out of range"},
		{"divided_by", args{0}, 0, "divided_by: argument 1 is zero"},
		{"divided_by", args{"0.00"}, 0, "divided_by: argument 1 is zero"},
		{"modulo", args{0}, 0, "modulo: argument 1 is zero"},
		{"date_format", args{1}, 0, "date_format: argument 1 is a number, want a text"},
		{"date_format", args{"d/k"}, 0, `date_format: argument 1 has the letter k, which is not a date letter; to keep it write \k`},
		{"date_format", args{"d", "Mars/Olympus"}, 1, "date_format: argument 2 is not a known time zone"},
		{"date_format", args{"d", "Local"}, 1, "date_format: argument 2 is not a known time zone"},
	}
	for _, tt := range tests {
		_, err := filter.Compile(tt.filter, literals(tt.args...))
		if tt.want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, tt.want)
		var at *filter.ArgError
		require.ErrorAs(t, err, &at)
		require.Equal(t, tt.index, at.Index, tt.want)
		require.Equal(t, strings.HasPrefix(tt.want, "unknown"), errors.Is(err, filter.ErrUnknown))
		require.Equal(t, strings.HasSuffix(tt.want, "over the limit"), errors.Is(err, request.ErrLimit))
	}
}

func TestFilter_Apply_Error(t *testing.T) {
	t.Parallel()
	half := `"` + strings.Repeat("<", filter.MaxOutput/2) + `"`
	tests := []struct {
		filter string
		args   args
		in     string
		want   string
	}{
		{"plus", args{1}, `"Zoë"`, "plus: the value is not a number"},
		{"plus", args{1}, `" "`, "plus: the value is not a number"},
		{"plus", args{1}, `"1,5"`, "plus: the value is not a number"},
		{"plus", args{1}, `"."`, "plus: the value is not a number"},
		{"plus", args{1}, `".5"`, "plus: the value is not a number"},
		{"plus", args{1}, `"--5"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1e"`, "plus: the value is not a number"},
		{"plus", args{1}, `"0x10"`, "plus: the value is not a number"},
		{"plus", args{1}, `true`, "plus: the value is not a number"},
		{"ceil", nil, `[1]`, "ceil: the value is not a number"},
		{"ceil", nil, `{}`, "ceil: the value is not a number"},
		{"floor", nil, `1e64`, "floor: the number has too many digits"},
		{"floor", nil, `1e-65`, "floor: the number has too many digits"},
		{"floor", nil, `1e999999999999999999999`, "floor: the number has too many digits"},
		{"floor", nil, strings.Repeat("1", 65), "floor: the number has too many digits"},
		{"floor", nil, strings.Repeat("1", 99) + "e-60", "floor: the number has too many digits"},
		{"times", args{10}, strings.Repeat("1", 64), "times: the number has too many digits"},
		{"times", args{-1}, strings.Repeat("1", 64), "times: the number has too many digits"},
		{"first", nil, `{"a":1}`, "first: the value is an object"},
		{"last", nil, `{"a":1}`, "last: the value is an object"},
		{"date_format", args{"d"}, `"yesterday"`, "date_format: the value is not a time"},
		{"date_format", args{"d"}, `true`, "date_format: the value is not a time"},
		{"date_format", args{"d"}, `["2021-04-09"]`, "date_format: the value is not a time"},
		{"date_format", args{"d"}, `"2021-02-30"`, "date_format: the value is not a time"},
		{"date_format", args{"d"}, `1.5`, "date_format: the value is not a time"},
		{"date_format", args{"d"}, `161800005900`, "date_format: the value is not a time"},
		{"escape", nil, half, "escape: the result is longer than 1048576 bytes: over the limit"},
		{"url_encode", nil, half, "url_encode: the result is longer than 1048576 bytes: over the limit"},
		{"replace", args{"<", "abc"}, half, "replace: the result is longer than 1048576 bytes: over the limit"},
		{"split", args{""}, half, "split: the result is longer than 1048576 bytes: over the limit"},
		{"join", args{"<"}, "[" + half + "," + half + "]", "join: the result is longer than 1048576 bytes: over the limit"},
		{"append", args{half}, half, "append: the result is longer than 1048576 bytes: over the limit"},
		{"prepend", args{half}, half, "prepend: the result is longer than 1048576 bytes: over the limit"},
		{"strip", nil, `"` + strings.Repeat("x", filter.MaxOutput+1) + `"`, "strip: the result is longer than 1048576 bytes: over the limit"},
	}
	for _, tt := range tests {
		out, err := compile(t, tt.filter, tt.args...).Apply(field.FromJSON(tt.in))
		require.EqualError(t, err, tt.want, tt.in[:min(len(tt.in), 30)])
		require.Zero(t, out)
		require.Equal(t, strings.Contains(tt.want, "longer"), errors.Is(err, filter.ErrTooLong))
	}
}

func TestFilter_Apply_Zero(t *testing.T) {
	t.Parallel()
	out, err := filter.Filter{}.Apply(field.Text("x"))
	require.NoError(t, err)
	require.Equal(t, field.Text("x"), out)

	// An invalid value stays invalid, and is an error where it would be written.
	for _, name := range filter.Names() {
		if f, err := filter.Compile(name, nil); err == nil {
			out, err := f.Apply(field.Invalid)
			require.NoError(t, err)
			require.Equal(t, field.Invalid, out)
		}
	}
}

// A byte that is not UTF-8 counts as one character, and no other character is split.
func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	v := field.Text("a\xe2\x82\xe2\x82\xac\xff")
	apply := func(name string, args ...any) string {
		out, err := compile(t, name, args...).Apply(v)
		require.NoError(t, err)
		return out.Text
	}
	require.Equal(t, "5", apply("size"))
	require.Equal(t, "\xe2\x82", apply("slice", 1, 2))
	require.Equal(t, "€\xff", apply("slice", -2))
	require.Equal(t, "\xff", apply("last"))
	require.Equal(t, "a\xe2", apply("truncate", 2, ""))
	require.Equal(t, `["a","�","�","€","�"]`, apply("split", ""))
}

func TestNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, strings.Fields("append ceil date_format default divided_by downcase escape first floor join last lstrip "+
		"minus modulo optional plus prepend replace round rstrip size slice split strip times truncate upcase upper url_encode"), filter.Names())
	f := compile(t, "slice", -10)
	require.Equal(t, "slice", f.Name())
}
