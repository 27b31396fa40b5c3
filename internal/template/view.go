package template

import (
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A View is a piece of a template as it is read: as it is written or, inside a JSON text,
// as JSON reads it, so that a template means the same whatever JSON encoder wrote it.
type View struct {
	Text string
	base int   // the offset of Text in the template, if it is as written
	at   []int // else the offset of each byte, and of the end
}

// Offset returns where the byte i of the view is in the template.
func (v View) Offset(i int) int {
	if v.at == nil {
		return v.base + i
	}
	return v.at[i]
}

// Index returns which byte of the view is at an offset of the template.
func (v View) Index(offset int) int {
	if v.at == nil {
		return offset - v.base
	}
	i, _ := slices.BinarySearch(v.at, offset)
	return i
}

// span returns where the bytes from a to b are in the template.
func (v View) span(a, b int) span { return span{v.Offset(a), v.Offset(b)} }

// Escaped reports whether the byte i is written as an escape.
func (v View) Escaped(i int) bool { return v.at != nil && v.at[i+1]-v.at[i] != 1 }

// Read returns the view of a piece that stands at the offset base of a template. Inside a
// JSON text, what is no escape of JSON stays as it is written: \T may mean something in a
// tag.
func Read(src string, base int, inJSON bool) View {
	v := View{Text: src, base: base}
	if !inJSON {
		return v
	}
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
	if v.at != nil {
		v.at = append(v.at, base+len(src))
		v.Text = string(text)
	}
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
