package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/request"
)

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
		{"to_number", nil, -1, `unknown filter "to_number"; did you mean "plus: 0"?`},
		{"tojson", nil, -1, `unknown filter "tojson"; did you mean "json"?`},
		{"safe", nil, -1, `unknown filter "safe"; no filter is needed: the place decides how a value is escaped`},
		{"String", nil, -1, `unknown filter "String"; no filter is needed: quotes around a tag make it a text`},
		{"reverse_everything", nil, -1, `unknown filter "reverse_everything"`},
		{"", nil, -1, `unknown filter ""`},
		{"slice", nil, -1, "slice takes 1 or 2 arguments, not 0"},
		{"slice", args{1, 2, 3}, 2, "slice takes 1 or 2 arguments, not 3"},
		{"append", nil, -1, "append takes 1 argument, not 0"},
		{"upcase", args{"x"}, 0, "upcase takes no argument, not 1"},
		{"translate", nil, -1, "translate takes pairs of arguments, a value and what replaces it, not 0"},
		{"translate", args{"a"}, -1, "translate takes pairs of arguments, a value and what replaces it, not 1"},
		{"translate", args{"a", 1, "b"}, -1, "translate takes pairs of arguments, a value and what replaces it, not 3"},
		{"translate", args{"a", 1, "b", 2, "a", 3}, 4, "translate: argument 5 is listed before"},
		{"translate", args{"1", 1, 1, 2}, -2, ""},
		{"remove", nil, -1, "remove takes 1 argument, not 0"},
		{"remove", args{""}, 0, "remove: argument 1 is empty"},
		{"remove", args{strings.Repeat("x", 257)}, 0, "remove: argument 1 is a text of 257 bytes to look for, at most 256: over the limit"},
		{"map", nil, -1, "map takes 1 argument, not 0"},
		{"map", args{""}, 0, "map: argument 1 is empty"},
		{"map", args{nil}, 0, "map: argument 1 is nil, want a text"},
		{"sum", args{""}, 0, "sum: argument 1 is empty"},
		{"at_least", nil, -1, "at_least takes 1 argument, not 0"},
		{"at_most", args{"x"}, 0, "at_most: argument 1 is a text, want a number"},
		{"abs", args{1}, 0, "abs takes no argument, not 1"},
		{"json", args{1}, 0, "json takes no argument, not 1"},
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
		{"plus", args{"1,234"}, 0, "plus: argument 1 is a text, want a number"},
		{"plus", args{""}, 0, "plus: argument 1 is a text, want a number"},
		{"plus", args{nil}, 0, "plus: argument 1 is nil, want a number"},
		{"divided_by", args{"0,0"}, 0, "divided_by: argument 1 is zero"},
		{"plus", args{false}, 0, "plus: argument 1 is true or false, want a number"},
		{"plus", args{strings.Repeat("9", 65)}, 0, "plus: argument 1 is out of range"},
		{"divided_by", args{0}, 0, "divided_by: argument 1 is zero"},
		{"divided_by", args{"0.00"}, 0, "divided_by: argument 1 is zero"},
		{"modulo", args{0}, 0, "modulo: argument 1 is zero"},
		{"date_format", args{1}, 0, "date_format: argument 1 is a number, want a text"},
		{"date_format", args{"d/k"}, 0, `date_format: argument 1 has the letter k, which is not a date letter; to keep it write \k`},
		{"date_format", args{"d", "Mars/Olympus"}, 1, "date_format: argument 2 is not a known time zone, such as 'Asia/Kolkata' or 'UTC'"},
		{"date_format", args{"d", "Local"}, 1, "date_format: argument 2 is not a known time zone, such as 'Asia/Kolkata' or 'UTC'"},
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
		{"plus", args{1}, `"1,234"`, "plus: the value is not a number"},
		{"plus", args{1}, `"12,345"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1,23,45"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1,2345,678"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1234,567,890"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1.234,567,8"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1,234.5.6"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1,,5"`, "plus: the value is not a number"},
		{"plus", args{1}, `"5,"`, "plus: the value is not a number"},
		{"plus", args{1}, `","`, "plus: the value is not a number"},
		{"plus", args{1}, `"+"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1 234"`, "plus: the value is not a number"},
		{"plus", args{1}, `"$5"`, "plus: the value is not a number"},
		{"plus", args{1}, `"50%"`, "plus: the value is not a number"},
		{"plus", args{1}, `"1,5e3"`, "plus: the value is not a number"},
		{"plus", args{1}, `"00:00:12"`, "plus: the value is not a number"},
		{"plus", args{1}, `"."`, "plus: the value is not a number"},
		{"plus", args{1}, strings.Repeat("1", 300), "plus: the value is not a number"},
		{"plus", args{1}, `"` + strings.Repeat(" ", 300) + `1"`, "plus: the value is not a number"},
		{"plus", args{1}, `"-."`, "plus: the value is not a number"},
		{"plus", args{1}, `"1,` + strings.Repeat("234,", 20) + `234"`, "plus: the number has too many digits"},
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
		{"sum", nil, `["1","x"]`, "sum: the value is not a number"},
		{"sum", nil, `[1,[2]]`, "sum: the value is not a number"},
		{"sum", nil, `{"a":1}`, "sum: the value is not a number"},
		{"sum", nil, `[` + strings.Repeat("9", 64) + `,1]`, "sum: the number has too many digits"},
		{"sum", args{"a"}, `[1]`, "sum: an element of the list is not an object"},
		{"map", args{"a"}, `[{"a":1},"b"]`, "map: an element of the list is not an object"},
		{"map", args{"a"}, `"b"`, "map: an element of the list is not an object"},
		{"map", args{"a"}, `[[{"a":1}]]`, "map: an element of the list is not an object"},
		{"abs", nil, `"x"`, "abs: the value is not a number"},
		{"at_least", args{1}, `[]`, "at_least: the value is not a number"},
		{"at_most", args{1}, `"x"`, "at_most: the value is not a number"},
		{"base64_decode", nil, `"Zm9v!"`, "base64_decode: the value is not the Base64 of a text"},
		{"base64_decode", nil, `"Zm9"`, "base64_decode: the value is not the Base64 of a text"},
		{"base64_decode", nil, `"Zm9="`, "base64_decode: the value is not the Base64 of a text"},
		{"base64_decode", nil, `"_w=="`, "base64_decode: the value is not the Base64 of a text"},
		{"base64_decode", nil, `"/w=="`, "base64_decode: the value is not the Base64 of a text"},
		{"base64_encode", nil, `"` + strings.Repeat("x", filter.MaxOutput/4*3+1) + `"`, "base64_encode: the result is longer than 1048576 bytes: over the limit"},
		{"json", nil, `"` + strings.Repeat(`\u0001`, filter.MaxOutput/6+1) + `"`, "json: the result is longer than 1048576 bytes: over the limit"},
		{"map", args{"a"}, "[" + strings.Repeat("{},", filter.MaxOutput/4) + "{}]", "map: the result is longer than 1048576 bytes: over the limit"},
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
