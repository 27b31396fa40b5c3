package filter

import (
	"strings"

	"github.com/ringhook/webhook/internal/field"
)

// table has the filters. What they have in common, and where they differ from Liquid:
//
//   - A text filter reads every value as text: a number as its digits, since platforms
//     send phone numbers as numbers and as strings, an object or a list as its JSON,
//     and no value as the empty text. So size and first read the digits of a number,
//     where Liquid returns its size in memory, and nothing.
//   - A number filter reads a number in text form, such as "23", as the number, also one
//     with a decimal comma or marks between thousands; see plainNumber. No value and the
//     empty text are 0, as in Liquid. Any other text is an error, where Liquid uses 0:
//     better no message than a wrong amount.
//   - A list filter takes any other value for a list of one element, and no value for a
//     list of none.
//   - Numbers are exact decimals of at most 64 characters. Results are written without
//     exponent and, as in Liquid, without zeros at the end but for one after the point:
//     "1.50" plus 0 is 1.5, "1.50" plus "1.50" is 3.0. That zero stays because it shows
//     that the number has a fraction: 3 divided_by 2 is 1, 3.0 divided_by 2 is 1.5.
//   - A character is a Unicode code point, or a byte that is not UTF-8.
//   - slice without a length goes to the end. A negative start that is longer than the
//     text is the start of the text. This is the platform's rule: in its documents,
//     slice: -10 is the last ten digits. In Liquid it would be one digit, and nothing
//     of a number with nine digits.
//   - Arguments that make no sense are errors: a negative length, an empty text to
//     replace, zero to divide by.
var table = map[string]*spec{
	// Text.
	"append": {[]param{aText}, 1, func(a []arg) filterFunc {
		return func(v field.Value) (field.Value, error) { return concat(v.String(), a[0].text) }
	}},
	"prepend": {[]param{aText}, 1, func(a []arg) filterFunc {
		return func(v field.Value) (field.Value, error) { return concat(a[0].text, v.String()) }
	}},
	"downcase": plain(strings.ToLower),
	"upcase":   plain(strings.ToUpper),
	"upper":    plain(strings.ToUpper), // used in an example of the platform
	// The strip filters remove ASCII blanks and NUL, as in Liquid.
	"strip":  plain(func(s string) string { return strings.Trim(s, blanks) }),
	"lstrip": plain(func(s string) string { return strings.TrimLeft(s, blanks) }),
	"rstrip": plain(func(s string) string { return strings.TrimRight(s, blanks) }),
	// escape is for HTML: & < > " and ' become references.
	"escape": {nil, 0, func([]arg) filterFunc { return escape }},
	// url_encode is for a query: a blank becomes +.
	"url_encode": {nil, 0, func([]arg) filterFunc { return urlEncode }},
	// replace replaces each occurrence; without a second argument, it removes it.
	"replace": {[]param{aPattern, aText}, 1, func(a []arg) filterFunc {
		by := ""
		if len(a) > 1 {
			by = a[1].text
		}
		return func(v field.Value) (field.Value, error) { return replace(v.String(), a[0].text, by) }
	}},
	// remove removes each occurrence.
	"remove": {[]param{aPattern}, 1, func(a []arg) filterFunc {
		return func(v field.Value) (field.Value, error) { return replace(v.String(), a[0].text, "") }
	}},
	// strip_html: see stripHTML.
	"strip_html": plain(stripHTML),
	// json is the JSON of a value, as text.
	"json":          {nil, 0, func([]arg) filterFunc { return toJSON }},
	"base64_encode": {nil, 0, func([]arg) filterFunc { return base64Encode }},
	"base64_decode": {nil, 0, func([]arg) filterFunc { return base64Decode }},
	"sha256":        {nil, 0, func([]arg) filterFunc { return sha256Hex }},
	// truncate cuts to a length, 50 if none is given, with the mark "..." included. If
	// the mark is longer than the length, it is the result.
	"truncate": {[]param{aCount, aText}, 0, func(a []arg) filterFunc {
		length, mark := 50, "..."
		if len(a) > 0 {
			length = a[0].whole
		}
		if len(a) > 1 {
			mark = a[1].text
		}
		return func(v field.Value) (field.Value, error) { return truncate(v, length, mark) }
	}},
	// default replaces null, false, and empty texts, lists and objects. A chain also goes
	// on with it after a filter that fails: see runFilters in package compose.
	"default": {[]param{anything}, 1, func(a []arg) filterFunc {
		return func(v field.Value) (field.Value, error) {
			if Nothing(v) || isFalse(v) {
				return a[0].value, nil
			}
			return v, nil
		}
	}},
	// optional changes nothing: the place of the tag says what it leaves out.
	"optional": {nil, 0, func([]arg) filterFunc { return nil }},
	// translate replaces a value by what stands behind it in the list; see translate. What
	// is not listed is null, so that default may follow.
	"translate": {[]param{aKey, anything}, 2, translate},
	// date_format writes a time with PHP's date letters. The second argument is a time
	// zone. See dateFormat.
	"date_format": {[]param{aFormat, aZone}, 1, func(a []arg) filterFunc { return newDateFormat(a, false) }},
	// date writes a time with strftime's letters, as Liquid does. The time zone is our
	// own. What is no time is an error, where Liquid writes it as it is; now and today
	// are none: a message is composed more than once.
	"date": {[]param{aStrftime, aZone}, 1, func(a []arg) filterFunc { return newDateFormat(a, true) }},

	// Texts and lists.
	// slice counts the characters of a text, or the elements of a list.
	"slice": {[]param{aWhole, aCount}, 1, func(a []arg) filterFunc {
		length := toEnd
		if len(a) > 1 {
			length = a[1].whole
		}
		return func(v field.Value) (field.Value, error) { return slice(v, a[0].whole, length) }
	}},
	// size is the number of characters, elements or members; of null it is 0.
	"size": {nil, 0, func([]arg) filterFunc { return size }},
	// first and last return an element of a list, which keeps its kind, or a character
	// of a text; null if there is none.
	"first": {nil, 0, func([]arg) filterFunc { return first }},
	"last":  {nil, 0, func([]arg) filterFunc { return last }},
	// split makes a list of texts. As in Liquid, empty texts at the end are dropped, ''
	// splits into characters, and ' ' splits at any run of blanks.
	"split": {[]param{aSeparator}, 1, func(a []arg) filterFunc {
		return func(v field.Value) (field.Value, error) { return split(v.String(), a[0].text) }
	}},
	// join joins the elements of a list, with a blank between them if there is no
	// argument. A list in a list is written as JSON, where Liquid would join its
	// elements too. Any other value is a list of one element.
	"join": {[]param{aText}, 0, func(a []arg) filterFunc {
		separator := " "
		if len(a) > 0 {
			separator = a[0].text
		}
		return func(v field.Value) (field.Value, error) { return join(v, separator) }
	}},
	// map is the list of a member of each object; null for those that do not have it.
	"map": {[]param{aMember}, 1, func(a []arg) filterFunc {
		return func(v field.Value) (field.Value, error) {
			return collect(v, func(element field.Value) (field.Value, error) { return member(element, a[0].text) })
		}
	}},
	// compact drops nulls. uniq drops what was there before.
	"compact": {nil, 0, func([]arg) filterFunc { return compact }},
	"uniq":    {nil, 0, func([]arg) filterFunc { return uniq }},
	// sum adds the elements of a list, or a member of each.
	"sum": {[]param{aMember}, 0, func(a []arg) filterFunc {
		name := ""
		if len(a) > 0 {
			name = a[0].text
		}
		return func(v field.Value) (field.Value, error) { return sum(v, name) }
	}},

	// Numbers.
	"plus":  operation(aNumber, plus),
	"minus": operation(aNumber, minus),
	"times": operation(aNumber, times),
	// divided_by and modulo: see dividedBy.
	"divided_by": operation(aDivisor, dividedBy),
	"modulo":     operation(aDivisor, modulo),
	"at_least":   operation(aNumber, atLeast),
	"at_most":    operation(aNumber, atMost),
	"abs":        {nil, 0, func([]arg) filterFunc { return arithmetic(abs) }},
	"ceil":       {nil, 0, func([]arg) filterFunc { return arithmetic(ceil) }},
	"floor":      {nil, 0, func([]arg) filterFunc { return arithmetic(floor) }},
	// round rounds half away from zero, to a whole number if there is no argument.
	"round": {[]param{aPlaces}, 0, func(a []arg) filterFunc {
		places := 0
		if len(a) > 0 {
			places = a[0].whole
		}
		return arithmetic(func(w *workspace, d decimal) decimal { return round(w, d, places) })
	}},
}

// plain returns a text filter without arguments.
func plain(change func(string) string) *spec {
	return &spec{nil, 0, func([]arg) filterFunc {
		return func(v field.Value) (field.Value, error) { return field.Text(change(v.String())), nil }
	}}
}

// operation returns a filter that computes with one number.
func operation(p param, compute func(w *workspace, d, e decimal) decimal) *spec {
	return &spec{[]param{p}, 1, func(a []arg) filterFunc {
		e := a[0].number
		return arithmetic(func(w *workspace, d decimal) decimal { return compute(w, d, e) })
	}}
}
