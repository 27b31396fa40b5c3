package filter_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
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

		{"remove", args{"rain"}, `"I strained to see the train through the rain"`, `"I sted to see the t through the "`},
		{"strip_html", nil, `"Have <em>you</em> read <strong>Ulysses</strong>?"`, `"Have you read Ulysses?"`},
		{"base64_encode", nil, `"_#/."`, `"XyMvLg=="`},
		{"base64_decode", nil, `"XyMvLg=="`, `"_#/."`},
		{"sha256", nil, `"Polyjuice"`, `"44ac1d7a2936e30a5de07082fd65d6fe9b1fb658a1a98bfe65bc5959beac5dd0"`},

		{"remove", args{"-"}, `"1234-1333"`, `"12341333"`},
		{"remove", args{9}, `919`, `"1"`},
		{"strip_html", nil, `"a<script type=\"x\">if (a<b) {}</script>b<style>p{}</style>c<!-- <b> -->d<br/>e\n<p\nid=x>f"`, `"abcde\nf"`},
		{"strip_html", nil, `"<script>a<b>c"`, `"ac"`},
		{"strip_html", nil, `"<!-- a <b>c</b> d"`, `"c d"`},
		{"strip_html", nil, `"1 < 2 and 3"`, `"1 < 2 and 3"`},
		{"strip_html", nil, `"1 < 2 > 3"`, `"1  3"`},
		{"strip_html", nil, `"<scr<script>x</script>ipt>y"`, `"y"`},
		{"strip_html", nil, `null`, `""`},
		{"base64_encode", nil, `"é☃"`, `"w6nimIM="`},
		{"base64_encode", nil, `918919`, `"OTE4OTE5"`},
		{"base64_encode", nil, `null`, `""`},
		{"base64_decode", nil, `"w6nimIM="`, `"é☃"`},
		{"base64_decode", nil, `null`, `""`},
		{"sha256", nil, `null`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
		{"sha256", nil, `918919521234`, `"2efb74700f7794647acd5e94dfe2c5d2c85176b9707ace03c4796da9e0a5b139"`},
		{"json", nil, `"a \"b\" \\ \u0001 é\n"`, `"\"a \\\"b\\\" \\\\ \\u0001 é\\n\""`},
		{"json", nil, `{"a": [1, null]}`, `"{\"a\":[1,null]}"`},
		{"json", nil, `1.50`, `"1.50"`},
		{"json", nil, `true`, `"true"`},
		{"json", nil, `null`, `"null"`},
		{"json", nil, `""`, `"\"\""`},
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

func TestTranslate(t *testing.T) {
	t.Parallel()
	states := args{"ANSWER", 1, "BUSY", 2, 5, "five", true, "yes", nil, "none", "", nil}
	check(t, []row{
		{"translate", states, `"ANSWER"`, `1`},
		{"translate", states, `"BUSY"`, `2`},
		{"translate", states, `"busy"`, `null`},
		{"translate", states, `5`, `"five"`},
		{"translate", states, `"5.0"`, `"five"`},
		{"translate", states, `"five"`, `null`},
		{"translate", states, `true`, `"yes"`},
		{"translate", states, `"true"`, `"yes"`},
		{"translate", states, `false`, `null`},
		{"translate", states, `null`, `"none"`},
		{"translate", states, `""`, `null`},
		{"translate", states, `["ANSWER"]`, `null`},
		{"translate", args{"007", "x"}, `7`, `null`},
		{"translate", args{"7", "x"}, `7`, `"x"`},
		{"translate", args{7, "x"}, `"007"`, `"x"`},
		{"translate", args{"a", false}, `"a"`, `false`},
	})
	out, err := compile(t, "translate", nil, "none").Apply(field.Value{})
	require.NoError(t, err)
	require.Equal(t, field.Text("none"), out)
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
		// Liquid's documented examples.
		{"map", args{"category"}, `[{"category":"business"},{"category":"celebrities"}]`, `["business","celebrities"]`},
		{"compact", nil, `["business","celebrities",null,"lifestyle",null]`, `["business","celebrities","lifestyle"]`},
		{"uniq", nil, `["ants","bugs","bees","bugs","ants"]`, `["ants","bugs","bees"]`},
		{"sum", nil, `[1,2,3]`, `6`},
		{"sum", args{"quantity"}, `[{"quantity":2},{"quantity":"3"}]`, `5`},

		{"map", args{"a"}, `[{"a":1.50},{"a":null},{},null,{"a":{"b":[1, 2]}},{"a":1,"a":2}]`, `[1.50,null,null,null,{"b":[1,2]},2]`},
		{"map", args{"a b"}, `[{"a b":"x"}]`, `["x"]`},
		{"map", args{"a"}, `{"a":"x"}`, `["x"]`},
		{"map", args{"a"}, `null`, `[]`},
		{"map", args{"a"}, `[]`, `[]`},
		{"compact", nil, `[null, "", false, [], {} ]`, `["",false,[],{}]`},
		{"compact", nil, `[null]`, `[]`},
		{"compact", nil, `null`, `[]`},
		{"compact", nil, `"a"`, `["a"]`},
		{"uniq", nil, `["\u00e9","é",1,"1",1.0,1,[1, 2],[1,2],null,null,"null"]`, `["é",1,"1",1.0,[1,2],null,"null"]`},
		{"uniq", nil, `5`, `[5]`},
		{"sum", nil, `["1,5", 0.50, null, "", -3]`, `-1.0`},
		{"sum", nil, `[0.1,0.2]`, `0.3`},
		{"sum", nil, `[]`, `0`},
		{"sum", nil, `null`, `0`},
		{"sum", nil, `"7"`, `7`},
		{"sum", args{"a"}, `[{"a":1},{"b":1}]`, `1`},
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

		// As people write numbers, where that means one thing only.
		{"times", args{100}, `"12,50"`, `1250.0`},
		{"plus", args{0}, `"1,5"`, `1.5`},
		{"plus", args{"12,50"}, `1`, `13.5`},
		{"at_most", args{"1,234.50"}, `5000`, `1234.5`},
		{"plus", args{0}, `"-0,125"`, `-0.125`},
		{"plus", args{0}, `"1234,567"`, `1234.567`},
		{"plus", args{0}, `"1,234.50"`, `1234.5`},
		{"plus", args{0}, `"1.234,50"`, `1234.5`},
		{"plus", args{0}, `" +1,234,567 "`, `1234567`},
		{"plus", args{0}, `"1.234.567"`, `1234567`},
		{"plus", args{0}, `"12,34,567.89"`, `1234567.89`},
		{"plus", args{0}, `".5"`, `0.5`},
		{"plus", args{0}, `",5"`, `0.5`},
		{"plus", args{0}, `"5."`, `5.0`},
		{"plus", args{0}, `"1.234"`, `1.234`},
		{"divided_by", args{2}, `"1,234,567"`, `617283`},

		{"abs", nil, `-17`, `17`},
		{"abs", nil, `"-19.86"`, `19.86`},
		{"abs", nil, `4`, `4`},
		{"abs", nil, `null`, `0`},
		{"at_least", args{5}, `4`, `5`},
		{"at_least", args{3}, `4`, `4`},
		{"at_least", args{"1.50"}, `"1.5"`, `1.5`},
		{"at_least", args{0}, `-3`, `0`},
		{"at_least", args{-3}, `null`, `0`},
		{"at_most", args{5}, `4`, `4`},
		{"at_most", args{3}, `4`, `3`},
		{"at_most", args{"2.5"}, `"12,50"`, `2.5`},

		// No value is zero.
		{"plus", args{1}, `null`, `1`},
		{"times", args{2}, `""`, `0`},
		{"round", nil, `null`, `0`},
	})
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

// A suggestion means what was meant, or there is none.
func TestNearest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"upcas": "upcase", "upcasse": "upcase", "Upcase": "upcase", "UPCASE": "upcase", "uper": "upper", "slise": "slice",
		"date-format": "date_format", "dateFormat": "date_format", "date_formatt": "date_format", "dateformat": "date_format",
		"urlEncode": "url_encode", "url-encode": "url_encode", "stripHtml": "strip_html", "divide_by": "divided_by",
		"translte": "translate", "truncat": "truncate", "at_lest": "at_least", "base64-encode": "base64_encode",

		"to_json": "json", "toJSON": "json", "json_encode": "json", "int": "plus: 0", "Number": "plus: 0", "to_i": "plus: 0",
		"float": "plus: 0", "lower": "downcase", "toUpperCase": "upcase", "len": "size", "length": "size", "count": "size",
		"trim": "strip", "cut": "slice", "substr": "slice", "add": "plus", "mul": "times", "strftime": "date",
		"coalesce": "default", "striptags": "strip_html", "b64enc": "base64_encode", "pluck": "map", "unique": "uniq",

		"url_decode": "", "unescape": "", "sha512": "", "sha1": "", "md5": "", "max": "", "min": "", "sort": "", "base32_encode": "",
		"string": "", "raw": "", "reverse": "", "group_by": "", "a": "", "": "", "sun": "", "mop": "", "where": "", "hash": "",
		"data": "date", "abc": "", "lost": "last",
	} {
		require.Equal(t, want, filter.Nearest(name), name)
	}
	for _, name := range filter.Names() {
		require.Equal(t, name, filter.Nearest(strings.ToUpper(name)))
	}
}

// Blocks that are not closed are not searched for their end again and again.
func TestStripHTML_Unclosed(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"<script", "<style", "<!--", "<"} {
		text := field.Text(strings.Repeat(open, filter.MaxOutput/len(open)))
		out, err := compile(t, "strip_html").Apply(text)
		require.NoError(t, err)
		require.Equal(t, text, out)
	}
}

// A long value is not read for each of many values that it might be.
func TestTranslate_Long(t *testing.T) {
	t.Parallel()
	var pairs args
	for i := range 15_000 {
		pairs = append(pairs, i, i)
	}
	f := compile(t, "translate", pairs...)
	for _, v := range []field.Value{
		field.Text(strings.Repeat("1", filter.MaxOutput)), field.Text(strings.Repeat(" ", filter.MaxOutput)),
		field.FromJSON("[" + strings.Repeat(" ", filter.MaxOutput-2) + "]"), field.Number(strings.Repeat("1", filter.MaxOutput)),
	} {
		out, err := f.Apply(v)
		require.NoError(t, err)
		require.Equal(t, field.Null, out)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	require.Equal(t, strings.Fields("abs append at_least at_most base64_decode base64_encode ceil compact date date_format default "+
		"divided_by downcase escape first floor join json last lstrip map minus modulo optional plus prepend remove replace round rstrip "+
		"sha256 size slice split strip strip_html sum times translate truncate uniq upcase upper url_encode"), filter.Names())
	f := compile(t, "slice", -10)
	require.Equal(t, "slice", f.Name())
}
