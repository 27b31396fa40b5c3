package template

import (
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
)

// quoted reports whether there is a text in quotes at the current place.
func (x *expr) quoted() bool { return x.i < len(x.src) && (x.src[x.i] == '"' || x.src[x.i] == '\'') }

// A text in quotes ends at the next quote of its kind that is written like the first one:
// inside a JSON text \" ends what \" began, and a plain " is one of its characters, as \"
// is of a text that a plain " began.
//
// After a backslash, its own quote, { } and > are themselves: no other text could have a
// }}, which ends a tag. Inside a JSON text, the other escapes are those of JSON. Elsewhere
// there are \n \r \t and \\, so that a tag means the same in both. A backslash before any
// other character stays.

// text reads a text in quotes. If it is the pattern of a date, a backslash keeps a letter
// there: \n is an n, also inside a JSON text.
func (x *expr) text(pattern bool) (field.Value, *Error) {
	b, end, err := x.scan(pattern)
	if err != nil {
		return field.Value{}, err
	}
	x.i = end
	return field.Text(string(b)), nil
}

// scan returns the text in quotes at the current place, and the offset behind it.
func (x *expr) scan(pattern bool) (text []byte, end int, err *Error) {
	quote, escaped := x.src[x.i], x.Escaped(x.i)
	for i := x.i + 1; i < len(x.src); i++ {
		c := x.src[i]
		switch {
		case c == quote && x.Escaped(i) == escaped:
			return text, i + 1, err
		case c == '\\' && !x.Escaped(i) && i+1 < len(x.src) && !x.Escaped(i+1):
			if r := x.unescape(x.src[i+1], quote, pattern); r != 0 {
				c = r
				i++
			}
		case pattern && x.Escaped(i) && strings.IndexByte("\n\r\t\b\f", c) >= 0 && x.at[i+1]-x.at[i] == 2:
			text = append(text, '\\')
			c = "btn\vfr"[c-'\b']
		case pattern && err == nil && (c < ' ' || c == 0x7f):
			err = Errorf(x.Offset(i), problem.DateControl, "a control character in the pattern of a date")
		}
		text = append(text, c)
	}
	return nil, 0, x.errorf(problem.QuoteUnclosed, "a text in quotes is not closed by %s", x.quote())
}

// unescape returns what a backslash and c stand for in a text, or 0.
func (x *expr) unescape(c, quote byte, pattern bool) byte {
	if c == quote || c == '{' || c == '}' || c == '>' {
		return c
	}
	if x.inString { // JSON's own are read already
		return 0
	}
	switch {
	case c == '\\':
		return c
	case pattern:
	case c == 'n':
		return '\n'
	case c == 'r':
		return '\r'
	case c == 't':
		return '\t'
	}
	return 0
}

// quote returns the quote at the current place as people write it.
func (x *expr) quote() string {
	if x.Escaped(x.i) {
		return `\` + x.src[x.i:x.i+1]
	}
	return x.src[x.i : x.i+1]
}

// Quote writes a text as a tag has it: in ' or, if that is one of its characters, in ".
// It means the same in all places.
func Quote(text string) string {
	quote := byte('\'')
	if strings.IndexByte(text, '\'') >= 0 && strings.IndexByte(text, '"') < 0 {
		quote = '"'
	}
	b := []byte{quote}
	for i := range len(text) {
		c := text[i]
		switch last := b[len(b)-1]; {
		case c == quote, c == '\\', (c == '{' || c == '}' || c == '>') && c == last:
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, quote))
}
