package escape

import (
	"strings"
	"unicode"
)

// AppendCSV appends s as a cell of RFC 4180, in quotes; see AppendCSVQuoted.
func AppendCSV(dst []byte, s string) []byte {
	return append(AppendCSVQuoted(append(dst, '"'), s), '"')
}

// AppendCSVQuoted appends s as it is written inside a cell's quotes, with AppendText's
// characters. What a spreadsheet would take for a formula, and run, has a ' before it.
func AppendCSVQuoted(dst []byte, s string) []byte {
	if isFormula(s) {
		dst = append(dst, '\'')
	}
	for {
		before, after, found := strings.Cut(s, `"`)
		dst = AppendText(dst, before)
		if !found {
			return dst
		}
		dst = append(dst, `""`...)
		s = after
	}
}

// isFormula reports whether s begins as a formula does, in any of the ways that
// spreadsheets know, and is no plain number: "-12.50" and "+919019912345" compute nothing.
func isFormula(s string) bool {
	if s == "" {
		return false
	}
	if s[0] == '\t' || s[0] == '\r' {
		return true
	}
	text := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	for _, sign := range []string{"=", "+", "-", "@", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(text, sign) {
			return !isNumber(s)
		}
	}
	return false
}

// isNumber reports whether s is a decimal number with a sign.
func isNumber(s string) bool {
	digits := strings.TrimLeft(s[1:], "0123456789")
	whole := len(s) - 1 - len(digits)
	fraction, ok := strings.CutPrefix(digits, ".")
	return (s[0] == '+' || s[0] == '-') && whole > 0 &&
		(digits == "" || ok && fraction != "" && strings.Trim(fraction, "0123456789") == "")
}
