// Package escape writes text so that it keeps its meaning in the place it is written to.
package escape

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A set of bytes has a 1 for each byte that is in it.
type set [256]byte

func newSet(has func(c byte) bool) (s set) {
	for c := range s {
		if has(byte(c)) {
			s[c] = 1
		}
	}
	return s
}

// prefix returns how many bytes at the start of text are in the set. It looks at four
// at a time, since nearly all values consist of such bytes only.
func (s *set) prefix(text string) int {
	i := 0
	for ; len(text)-i >= 4; i += 4 {
		if t := text[i : i+4]; s[t[0]]&s[t[1]]&s[t[2]]&s[t[3]] == 0 {
			break
		}
	}
	for i < len(text) && s[text[i]] != 0 {
		i++
	}
	return i
}

var (
	// unreserved has the unreserved characters of RFC 3986, 2.3: no URL parser gives
	// them a meaning of their own.
	unreserved = newSet(func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
	})
	// printable has the ASCII characters that need no escape in a header: TAB, and all
	// but the control characters.
	printable = newSet(func(c byte) bool { return ' ' <= c && c <= '~' || c == '\t' })
	// printableLines also has the line feed.
	printableLines = newSet(func(c byte) bool { return printable[c] != 0 || c == '\n' })
)

const hex = "0123456789ABCDEF"

// IsUnreserved reports whether s has none but the unreserved characters of RFC 3986:
// letters, digits and - . _ ~, as ids and phone numbers do. AppendURL, AppendHeader,
// AppendText, AppendXML and a JSON string have it as it is.
func IsUnreserved(s string) bool { return unreserved.prefix(s) == len(s) }

// AppendURL appends s with everything but unreserved characters percent-encoded, for a
// path segment, a query or a form. A byte that is not UTF-8 becomes U+FFFD.
func AppendURL(dst []byte, s string) []byte {
	start := 0
	for i := unreserved.prefix(s); i < len(s); {
		c := s[i]
		if unreserved[c] != 0 {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		n := 1
		if c < utf8.RuneSelf {
			dst = append(dst, '%', hex[c>>4], hex[c&0xf])
		} else {
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
				dst = append(dst, "%EF%BF%BD"...)
			} else {
				dst = appendPercent(dst, s[i:i+n])
			}
		}
		i += n
		start = i
	}
	return append(dst, s[start:]...)
}

func appendPercent(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, '%', hex[s[i]>>4], hex[s[i]&0xf])
	}
	return dst
}

// AppendURLLiteral appends what the author of a URL wrote. It percent-encodes the
// characters that a URL must not contain: RFC 3986 knows ASCII only, and net/http would
// send others raw in a query. It also encodes a % that does not begin a
// percent-encoding in s: together with what follows s, it could begin one.
func AppendURLLiteral(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		encoded := i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2])
		if c >= utf8.RuneSelf || strings.IndexByte("\"<>^`{|}", c) >= 0 || c == '%' && !encoded {
			dst = appendPercent(dst, s[i:i+1])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

// AppendHeader appends s with a blank for each control character but TAB, since a
// receiver may refuse the request or read a line break as the next header (RFC 9110,
// 5.5). A byte that is not UTF-8 becomes U+FFFD.
func AppendHeader(dst []byte, s string) []byte { return appendPrintable(dst, s, &printable) }

// AppendText appends s with a blank for each control character but TAB and the line feed.
// A byte that is not UTF-8 becomes U+FFFD.
func AppendText(dst []byte, s string) []byte { return appendPrintable(dst, s, &printableLines) }

func appendPrintable(dst []byte, s string, printable *set) []byte {
	start := 0
	for i := printable.prefix(s); i < len(s); {
		if c := s[i]; printable[c] != 0 {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case unicode.IsControl(r):
			dst = append(append(dst, s[start:i]...), ' ')
			start = i + n
		case r == utf8.RuneError && n == 1:
			dst = append(append(dst, s[start:i]...), "\ufffd"...)
			start = i + n
		}
		i += n
	}
	return append(dst, s[start:]...)
}

// AppendFormKey appends the name of an object's member inside the brackets of a form
// field's name. It percent-encodes the characters that would end the name there, and %,
// so that two members never have one name. An empty name is %27%27, which stands for no
// other one: with nothing in brackets PHP counts, and Rails refuses the form.
func AppendFormKey(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "%27%27"...)
	}
	return appendFormName(dst, s, "[]=&%")
}

// AppendFormMember is AppendFormKey for a member that is a form field itself. A blank at
// its start is encoded, too, since PHP drops it.
func AppendFormMember(dst []byte, s string) []byte {
	if rest, ok := strings.CutPrefix(s, " "); ok {
		return appendFormName(append(dst, "%20"...), rest, "[]=&%")
	}
	return AppendFormKey(dst, s)
}

// AppendFormName appends the name of a form field as its author wrote it. Only control
// characters are percent-encoded, here and in AppendFormKey: a multipart form has the
// name in a header, where they are not allowed.
func AppendFormName(dst []byte, s string) []byte { return appendFormName(dst, s, "") }

// AppendQuoted appends the name of a form field, which has no control characters, as it
// stands between the quotes of a multipart form's header. Browsers percent-encode a quote
// there; what receivers make of a backslash differs, so that is encoded, too.
func AppendQuoted(dst []byte, name string) []byte { return appendFormName(dst, name, "\"\\") }

func appendFormName(dst []byte, s, special string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7f || strings.IndexByte(special, c) >= 0 {
			dst = appendPercent(dst, s[i:i+1])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
