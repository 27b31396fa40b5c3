package rawjson

import (
	"bytes"
	"math/bits"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// plain has the bytes of a string that need no escape: all ASCII but control
// characters, the quote and the backslash.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x80; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

const hex = "0123456789abcdef"

// AppendString appends s as a JSON string with its quotes.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, s)
	return append(dst, '"')
}

// AppendEscaped appends s as it is written inside the quotes of a JSON string. It
// escapes only what RFC 8259 requires, so that text stays readable for people: < > &
// and non-ASCII characters are kept. A byte that is not UTF-8 becomes U+FFFD.
func AppendEscaped(dst []byte, s string) []byte {
	start := 0
	for i := cleanPrefix(s); i < len(s); { // nearly all values are clean to the end
		c := s[i]
		switch {
		case plain[c] && i-start < 8:
			// Where there are many escapes, the next one is near.
			i++
		case plain[c]:
			i += cleanPrefix(s[i:])
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\ufffd"...)
				start = i + 1
			}
			i += n
		default:
			dst = append(dst, s[start:i]...)
			if short := shortEscapes[c]; short != 0 {
				dst = append(dst, '\\', short)
			} else {
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
			}
			i++
			start = i
		}
	}
	return append(dst, s[start:]...)
}

// MendSurrogates writes U+FFFD for each escape in b that is half of a surrogate pair, as
// of an emoji that was cut in two: RFC 8259, 8.2, calls what receivers do with it
// unpredictable, and many refuse the whole text. It returns the beginning of b, changed
// in place; b is JSON, or a piece of it that begins and ends outside of escapes.
func MendSurrogates(b []byte) []byte {
	made, from := 0, 0 // b[:made] is done, b[from:] is to be moved behind it
	for i := 0; i < len(b); {
		n := bytes.IndexByte(b[i:], '\\')
		if n < 0 {
			break
		}
		i += n
		switch r := escaped(b[i:]); {
		case !utf16.IsSurrogate(r):
			i += len(`\\`)
		case utf16.DecodeRune(r, escaped(b[i+len(`\u0000`):])) != unicode.ReplacementChar:
			i += 2 * len(`\u0000`)
		default:
			made += copy(b[made:], b[from:i])
			made += copy(b[made:], "\ufffd")
			i += len(`\u0000`)
			from = i
		}
	}
	if from == 0 {
		return b
	}
	return b[:made+copy(b[made:], b[from:])]
}

// escaped returns the UTF-16 unit of the escape \uXXXX at the start of b, or -1.
func escaped(b []byte) rune {
	if len(b) < len(`\u0000`) || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// shortEscapes has the character after the backslash. The other control
// characters have none.
var shortEscapes = [utf8.RuneSelf]byte{
	'"': '"', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f',
}

// cleanPrefix returns how many bytes at the start of s need no escape. It looks at
// eight bytes at a time, and at four times eight in long texts.
func cleanPrefix(s string) int {
	i := 0
	for ; len(s)-i >= 32; i += 32 {
		t := s[i : i+32]
		if unclean(word(t))|unclean(word(t[8:]))|unclean(word(t[16:]))|unclean(word(t[24:])) != 0 {
			break
		}
	}
	for ; len(s)-i >= 8; i += 8 {
		if u := unclean(word(s[i:])); u != 0 {
			return i + first(u)
		}
	}
	if i < len(s) && len(s) >= 8 { // the last eight, some of them a second time
		if u := unclean(word(s[len(s)-8:])); u != 0 {
			return len(s) - 8 + first(u)
		}
		return len(s)
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	return i
}

// word returns the first eight bytes of s. The compiler makes one load of it.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// first returns the index of the first byte that unclean has found.
func first(u uint64) int { return bits.TrailingZeros64(u) / 8 }

// unclean returns zero if all bytes of w are plain. Otherwise it has the top bit set in
// the first byte that is not plain, and any bits in the bytes after it. A byte below
// 0x80 borrows from its top bit if something greater is subtracted; after XOR with a
// character, subtracting 1 finds the bytes that are equal to it.
func unclean(w uint64) uint64 {
	const (
		ones = 0x0101010101010101
		top  = 0x80 * ones
	)
	quote := w ^ ('"' * ones)
	slash := w ^ ('\\' * ones)
	return (w | (w - 0x20*ones) | (quote - ones) | (slash - ones)) & top
}
