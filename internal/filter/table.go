package filter

import (
	"strings"

	"github.com/ringhook/webhook/internal/field"
)

// The filters. What they have in common, and where they are not Liquid's:
//
//   - A filter of text takes everything as text: a number as its digits, since
//     platforms send phone numbers as numbers and as strings, an object or a list as
//     its JSON, and no value as the empty text. So size and first count the digits of a
//     number, where Liquid has its bytes in memory and nothing.
//   - A filter of numbers takes a number in text form, such as "23", as the number. No
//     value and the empty text are 0, as in Liquid. Any other text is an error, where
//     Liquid has 0 again: better no message than a wrong amount.
//   - Numbers are exact decimals of at most 64 characters. Results are written without
//     exponent, and like Liquid's with no more zeros behind the point than one: "1.50"
//     plus 0 is 1.5, "1.50" plus "1.50" is 3.0. That one stays because it says that the
//     number is one with a fraction: 3 divided_by 2 is 1, 3.0 divided_by 2 is 1.5.
//   - A character is a Unicode code point, or a byte that is not UTF-8.
//   - slice without a length goes to the end, and begins at the start of a text that is
//     shorter than a negative start says: as the platform has it, in whose documents
//     slice: -10 is the last ten digits. In Liquid it would be one digit, and none of a
//     number that has nine.
//   - Arguments that cannot be meant are errors: a negative length, an empty text to
//     replace, zero to divide by.
var table = map[string]*spec{
	// Text.
	"append": {[]param{aText}, 1, func(a []arg) apply {
		return func(v field.Value) (field.Value, error) { return concat(v.String(), a[0].text) }
	}},
	"prepend": {[]param{aText}, 1, func(a []arg) apply {
		return func(v field.Value) (field.Value, error) { return concat(a[0].text, v.String()) }
	}},
	"downcase": plain(strings.ToLower),
	"upcase":   plain(strings.ToUpper),
	"upper":    plain(strings.ToUpper), // one of the platform's examples has it
	// Blanks are ASCII's, and NUL, as in Liquid.
	"strip":  plain(func(s string) string { return strings.Trim(s, blanks) }),
	"lstrip": plain(func(s string) string { return strings.TrimLeft(s, blanks) }),
	"rstrip": plain(func(s string) string { return strings.TrimRight(s, blanks) }),
	// escape is for HTML: & < > " and ' become references.
	"escape": {nil, 0, func([]arg) apply { return escape }},
	// url_encode is for a query: a blank becomes +.
	"url_encode": {nil, 0, func([]arg) apply { return urlEncode }},
	// replace replaces each occurrence, by nothing if there is no second argument.
	"replace": {[]param{aPattern, aText}, 1, func(a []arg) apply {
		by := ""
		if len(a) > 1 {
			by = a[1].text
		}
		return func(v field.Value) (field.Value, error) { return replace(v.String(), a[0].text, by) }
	}},
	// truncate cuts to a length, 50 if none is given, of which the mark "..." is a
	// part. Where not even the mark has place, it stands alone.
	"truncate": {[]param{aCount, aText}, 0, func(a []arg) apply {
		length, mark := 50, "..."
		if len(a) > 0 {
			length = a[0].whole
		}
		if len(a) > 1 {
			mark = a[1].text
		}
		return func(v field.Value) (field.Value, error) { return truncate(v, length, mark) }
	}},
	// default stands for null, false, and empty texts, lists and objects.
	"default": {[]param{anything}, 1, func(a []arg) apply {
		return func(v field.Value) (field.Value, error) {
			if v.Empty() || blank(v) {
				return a[0].value, nil
			}
			return v, nil
		}
	}},
	// date_format writes a time with PHP's date letters; see dateFormat. The second
	// argument is a time zone.
	"date_format": {[]param{aFormat, aZone}, 1, func(a []arg) apply {
		f := dateFormat{layout: a[0].text}
		if len(a) > 1 {
			f.zone = a[1].zone
		}
		return f.apply
	}},

	// Texts and lists.
	// slice is by characters of a text, by elements of a list.
	"slice": {[]param{aWhole, aCount}, 1, func(a []arg) apply {
		length := toEnd
		if len(a) > 1 {
			length = a[1].whole
		}
		return func(v field.Value) (field.Value, error) { return slice(v, a[0].whole, length) }
	}},
	// size is the number of characters, elements or members; 0 of null.
	"size": {nil, 0, func([]arg) apply { return size }},
	// first and last are an element of a list, with its own kind, or a character of a
	// text; null if there is none.
	"first": {nil, 0, func([]arg) apply { return first }},
	"last":  {nil, 0, func([]arg) apply { return last }},
	// split makes a list of texts. As in Liquid, empty ones at the end are dropped, ''
	// splits into characters, and ' ' at any run of blanks.
	"split": {[]param{aText}, 1, func(a []arg) apply {
		return func(v field.Value) (field.Value, error) { return split(v.String(), a[0].text) }
	}},
	// join joins the elements of a list, with a blank if nothing else is given. A list
	// in a list is its JSON, where Liquid would join its elements too. What is no list
	// is a list of itself.
	"join": {[]param{aText}, 0, func(a []arg) apply {
		glue := " "
		if len(a) > 0 {
			glue = a[0].text
		}
		return func(v field.Value) (field.Value, error) { return join(v, glue) }
	}},

	// Numbers.
	"plus":  operation(aNumber, plus),
	"minus": operation(aNumber, minus),
	"times": operation(aNumber, times),
	// divided_by and modulo: see dividedBy.
	"divided_by": operation(aDivisor, dividedBy),
	"modulo":     operation(aDivisor, modulo),
	"ceil":       {nil, 0, func([]arg) apply { return arithmetic(ceil) }},
	"floor":      {nil, 0, func([]arg) apply { return arithmetic(floor) }},
	// round is to whole numbers if no digits are given, half away from zero.
	"round": {[]param{aPlaces}, 0, func(a []arg) apply {
		places := 0
		if len(a) > 0 {
			places = a[0].whole
		}
		return arithmetic(func(w *desk, d decimal) decimal { return round(w, d, places) })
	}},
}

// plain is a filter of text without arguments.
func plain(change func(string) string) *spec {
	return &spec{nil, 0, func([]arg) apply {
		return func(v field.Value) (field.Value, error) { return field.Text(change(v.String())), nil }
	}}
}

// operation is a filter that computes with one number.
func operation(p param, compute func(w *desk, d, e decimal) decimal) *spec {
	return &spec{[]param{p}, 1, func(a []arg) apply {
		e := a[0].number
		return arithmetic(func(w *desk, d decimal) decimal { return compute(w, d, e) })
	}}
}
