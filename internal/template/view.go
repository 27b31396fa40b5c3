package template

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A view is a piece of a template as it is read: as it is written or, inside a JSON text,
// as JSON reads it, so that a template means the same whatever JSON encoder wrote it.
type view struct {
	text string
	base int   // the offset of text in the template, if it is as written
	at   []int // else the offset of each byte, and of the end
}

// offset returns where the byte i of the view is in the template.
func (v view) offset(i int) int {
	if v.at == nil {
		return v.base + i
	}
	return v.at[i]
}

// span returns where the bytes from a to b are in the template.
func (v view) span(a, b int) span { return span{v.offset(a), v.offset(b)} }

// escaped reports whether the byte i is written as an escape.
func (v view) escaped(i int) bool { return v.at != nil && v.at[i+1]-v.at[i] != 1 }

// unescaped returns the view of a piece inside a JSON text. What is no escape of JSON
// stays as it is written: \T may mean something in a tag.
func unescaped(src string, base int) view {
	v := view{base: base}
	var text []byte
	for i := 0; i < len(src); {
		c, n := jsonEscape(src[i:])
		if n > 1 && v.at == nil { // the first one
			v.at = make([]int, 0, len(src)+1)
			for j := range i {
				v.at = append(v.at, base+j)
			}
			text = append(make([]byte, 0, len(src)), src[:i]...)
		}
		if v.at != nil {
			text = append(text, c...)
			for len(v.at) < len(text) {
				v.at = append(v.at, base+i)
			}
		}
		i += n
	}
	if v.at == nil {
		v.text = src
		return v
	}
	v.at = append(v.at, base+len(src))
	v.text = string(text)
	return v
}

// shortEscapes has the escapes of JSON that are a backslash and a letter or sign.
var shortEscapes = map[byte]string{
	'"': `"`, '\\': `\`, '/': "/", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t",
}

// jsonEscape returns the character that s begins with, and how many bytes it takes there:
// one byte, or an escape. Half of a surrogate pair is U+FFFD.
func jsonEscape(s string) (c string, n int) {
	if s[0] != '\\' || len(s) == 1 {
		return s[:1], 1
	}
	if short, ok := shortEscapes[s[1]]; ok {
		return short, 2
	}
	r, ok := hexEscape(s)
	if !ok {
		return s[:1], 1
	}
	if !utf16.IsSurrogate(r) {
		return string(r), 6
	}
	if low, ok := hexEscape(s[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return string(pair), 12
		}
	}
	return string(utf8.RuneError), 6
}

// hexEscape reads \uXXXX.
func hexEscape(s string) (r rune, ok bool) {
	if len(s) < 6 || s[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(s[2:6], 16, 16)
	return rune(n), err == nil
}
