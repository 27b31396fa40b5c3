package webhook

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits on the references of an event.
const (
	maxRefs     = 4
	maxRefSize  = 128 // bytes
	refDigits   = 10  // of a number that is also known by its end
	minNumber   = 7   // digits; fewer are not taken for a number
	maxNumber   = 15  // likewise more, see E.164
	numberSigns = " -().\u00a0"
)

// NormalizeRef returns the forms of a reference by which messages are found: what an
// event's Refs give, and what somebody looks for. It is trimmed, in lower case, without
// control characters, and at most 128 bytes long. What looks like a number, of 7 to 15
// digits, is reduced to these; a number of more than 10 also has its last 10 as a form
// of its own, since with or without the code of its country it is the same.
//
// The last form is the one to look for: all that have a form in common have that one.
// There is none of a reference that is empty. Each form is its own only form.
func NormalizeRef(ref string) []string { return appendRef(nil, ref) }

// appendRef appends the forms of a reference that are not in forms.
func appendRef(forms []string, ref string) []string {
	if !isNormal(ref) {
		ref = cutText(cleanRef(ref, maxRefSize), maxRefSize)
		ref = strings.ToLower(strings.TrimSpace(ref))
		// some letters are longer in lower case
		ref = strings.TrimSpace(cutText(ref, maxRefSize))
	}
	if digits := digitsOf(ref); digits != "" {
		ref = digits
		if n := len(digits) - refDigits; n > 0 {
			forms = appendNew(forms, digits)
			ref = digits[n:]
		}
	}
	if ref == "" {
		return forms
	}
	return appendNew(forms, ref)
}

// isNormal reports whether a reference needs no change, as nearly all of them, of which
// each message has a few.
func isNormal(ref string) bool {
	for i := range len(ref) {
		if c := ref[i]; c <= ' ' || c >= 0x7f || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return len(ref) <= maxRefSize
}

func appendNew(forms []string, form string) []string {
	if slices.Contains(forms, form) {
		return forms
	}
	return append(forms, form)
}

// cleanRef returns valid UTF-8 without control characters and blanks at the ends. Of one
// that is clean it reads little more than size bytes, and returns no more: a reference can
// be as long as an event.
func cleanRef(s string, size int) string {
	s = strings.TrimSpace(s)
	plain := func(r rune) bool { return r != utf8.RuneError && !unicode.IsControl(r) }
	for i, r := range s {
		if i > size {
			return s[:i]
		}
		if !plain(r) {
			return strings.TrimSpace(strings.Map(func(r rune) rune {
				if plain(r) {
					return r
				}
				return -1
			}, s))
		}
	}
	return s
}

// digitsOf returns the digits of what looks like a number, else nothing.
func digitsOf(s string) string {
	s = strings.TrimPrefix(s, "+")
	n := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			n++
		case !strings.ContainsRune(numberSigns, r):
			return ""
		}
	}
	if n < minNumber || n > maxNumber {
		return ""
	}
	if n == len(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// appendRefs appends the forms of the references that an event has.
func appendRefs(forms []string, e Event) []string {
	referrer, ok := e.(interface{ Refs() []string })
	if !ok {
		return nil
	}
	n := 0
	for _, ref := range referrer.Refs() {
		if n == maxRefs {
			break
		}
		before := len(forms)
		if forms = appendRef(forms, ref); len(forms) > before {
			n++
		}
	}
	if len(forms) == 0 {
		return nil
	}
	return forms
}
