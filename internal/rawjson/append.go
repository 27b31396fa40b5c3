package rawjson

import (
	"math/bits"
	"unicode/utf8"
)

// The bytes of a string that encode themselves: all but controls, the quote, the
// backslash and what is not ASCII.
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

// AppendEscaped appends s as it stands inside the quotes of a JSON string. Only what
// RFC 8259 demands is escaped, so that text stays readable for people: < > & and
// non-ASCII characters are kept; a byte that is not UTF-8 becomes U+FFFD.
func AppendEscaped(dst []byte, s string) []byte {
	start := 0
	for i := cleanPrefix(s); i < len(s); { // nearly all values end there
		c := s[i]
		switch {
		case plain[c] && i-start < 8:
			// where there are many escapes, the next one is near
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

// shortEscapes are what stands behind the backslash. The other controls have none.
var shortEscapes = [utf8.RuneSelf]byte{'"': '"', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f'}

// cleanPrefix returns how many bytes s begins with that encode themselves. It looks at
// eight at a time, and at four times eight in message texts of many kilobytes.
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
	if i < len(s) && len(s) >= 8 { // the last eight, some of them for the second time
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

// word is the first eight bytes of s, of which the compiler makes one load.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// first is the number of the first byte that unclean has found.
func first(u uint64) int { return bits.TrailingZeros64(u) / 8 }

// unclean has the top bit of the first byte of w that is not plain, and any bits behind
// it; it is zero if all are plain. With its top bit aside, a byte borrows from the top
// bit when something greater is subtracted; comparing with zero after XOR finds equality.
func unclean(w uint64) uint64 {
	const (
		ones = 0x0101010101010101
		top  = 0x80 * ones
	)
	quote := w ^ ('"' * ones)
	slash := w ^ ('\\' * ones)
	return (w | (w - 0x20*ones) | (quote - ones) | (slash - ones)) & top
}
