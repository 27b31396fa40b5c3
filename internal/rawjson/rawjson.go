// Package rawjson walks JSON text without decoding it, so that ids, phone numbers and
// amounts keep their characters. Syntax is checked once, by [Check]. All other
// functions expect text that has passed it. On any other text they may return too
// little, but they never panic.
package rawjson

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Check returns the offset of the first byte at which b is not one JSON value, or -1 if
// b is one. If b ends too early, the offset is len(b).
func Check(b []byte) (offset int) {
	if json.Valid(b) {
		return -1
	}
	// The blank at the end is for a number or a literal that ends too early: without
	// it, encoding/json reports the last byte of the literal, as if the end of b
	// were a blank.
	var syntax *json.SyntaxError
	err := json.Unmarshal(append(slices.Clip(b), ' '), &struct{}{})
	if !errors.As(err, &syntax) || strings.HasPrefix(syntax.Error(), "unexpected end") {
		return len(b)
	}
	return max(0, min(int(syntax.Offset)-1, len(b)))
}

// A Kind is the kind of a JSON value.
type Kind byte

// The kinds of JSON values. The zero Kind means that there is no value.
const (
	None Kind = iota
	Null
	Bool
	Number
	String
	Object
	List
)

// KindOf returns the kind of the value at the start of raw.
func KindOf(raw string) Kind {
	if raw == "" {
		return None
	}
	switch raw[0] {
	case '{':
		return Object
	case '[':
		return List
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	default:
		return Number
	}
}

// Trim removes the blanks around a value.
func Trim(raw string) string { return strings.Trim(raw, " \t\r\n") }

// An Iter steps through the members of an object or the elements of a list.
type Iter struct {
	s  string
	i  int
	ok bool
	// KeyStart and KeyEnd are the offsets of the current key, Start and End those of
	// the current value, in the text given to Walk. Lists have no keys.
	KeyStart, KeyEnd, Start, End int
}

// Walk returns an iterator over raw, which is an object or a list without blanks around
// it. For any other text, the iterator is empty.
func Walk(raw string) Iter {
	k := KindOf(raw)
	return Iter{s: raw, i: 1, ok: k == Object || k == List}
}

// Next moves to the next member or element.
func (it *Iter) Next() bool {
	if !it.ok {
		return false
	}
	it.ok = it.next()
	return it.ok
}

func (it *Iter) next() bool {
	i := skipBlanks(it.s, it.i)
	if i < len(it.s) && it.s[i] == ',' {
		i = skipBlanks(it.s, i+1)
	}
	if i >= len(it.s) || it.s[i] == '}' || it.s[i] == ']' {
		return false
	}
	if it.s[0] == '{' {
		it.KeyStart, it.KeyEnd = i, end(it.s, i)
		i = skipBlanks(it.s, it.KeyEnd)
		if i >= len(it.s) || it.s[i] != ':' {
			return false
		}
		i = skipBlanks(it.s, i+1)
	}
	it.Start, it.End = i, end(it.s, i)
	it.i = it.End
	return it.End > it.Start
}

// Key returns the name of the current member.
func (it *Iter) Key() string { return Unquote(it.s[it.KeyStart:it.KeyEnd]) }

// Value returns the current value as it is written in the text.
func (it *Iter) Value() string { return it.s[it.Start:it.End] }

// Find returns the member of an object with that name. If there are several, it returns
// the last one, as encoding/json does.
func Find(object, name string) (value string, ok bool) {
	if KindOf(object) != Object {
		return "", false
	}
	for it := Walk(object); it.Next(); {
		if it.Key() == name {
			value, ok = it.Value(), true
		}
	}
	return value, ok
}

// skipBlanks returns the offset of the first byte from i on that is not a blank.
func skipBlanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// end returns the offset after the value that begins at i. It does not recurse, so that
// deep nesting costs no stack.
func end(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = endString(s, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			for i < len(s) && !strings.ContainsRune(",:]} \n\t\r", rune(s[i])) {
				i++
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return i
}

// endString returns the offset after the string that begins at i.
func endString(s string, i int) int {
	for i++; i < len(s); i++ {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return len(s)
		}
		quote := i + n
		slashes := 0
		for quote-slashes > i && s[quote-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return quote + 1
		}
		i = quote
	}
	return len(s)
}

// Unquote returns the text of a JSON string as encoding/json reads it: invalid UTF-8
// and lone surrogates become U+FFFD.
func Unquote(raw string) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	text := raw[1 : len(raw)-1]
	if cleanPrefix(text) == len(text) || strings.IndexByte(text, '\\') < 0 && utf8.ValidString(text) {
		return text
	}
	var s string
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return ""
	}
	return s
}

// AppendCompact appends a value without the blanks between its tokens, and with U+FFFD
// for each byte that is not UTF-8 and each lone surrogate. It keeps everything else as it
// was written.
func AppendCompact(dst []byte, raw string) []byte {
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case ' ', '\n', '\t', '\r':
			i++
		case '"':
			j, start := endString(raw, i), len(dst)
			dst = appendValid(dst, raw[i:j])
			dst = dst[:start+len(MendSurrogates(dst[start:]))]
			i = j
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}

func appendValid(dst []byte, s string) []byte {
	if utf8.ValidString(s) {
		return append(dst, s...)
	}
	for _, r := range s {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
