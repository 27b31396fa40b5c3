package payload

import (
	"strconv"
	"strings"

	"github.com/ringhook/webhook/internal/rawjson"
)

// A Phone is a telephone number: an MSISDN, a DID, or the text of a caller id.
// Platforms write it as a JSON number or as a string. A Phone keeps the form, and every
// digit. Its zero value is written as null.
type Phone struct{ token }

var (
	// phoneNumber is a number, unless the digits have a zero in front.
	phoneNumber = form[Phone]{kind: "number", of: func(p Phone) token {
		if isDigits(p.raw) {
			return p.token // as nearly always
		}
		if digits, ok := p.Digits(); ok && isDigits(digits) {
			return token{digits}
		}
		return p.token
	}}
	// phoneText is a text: that which came, or the digits of a number.
	phoneText = form[Phone]{kind: "string", of: func(p Phone) token {
		if p.raw == "" || p.raw[0] == '"' {
			return p.token // as nearly always
		}
		return phoneDigits.of(p)
	}}
	// phoneDigits is a text of digits alone.
	phoneDigits = form[Phone]{kind: "string", of: func(p Phone) token {
		if digits, ok := p.Digits(); ok {
			return stringToken(digits)
		}
		return p.token
	}}
)

// PhoneString returns a phone number that is a JSON string by itself. A field of an event
// writes the form that is documented for it: message events have strings.
func PhoneString(s string) Phone { return Phone{stringToken(s)} }

// PhoneNumber returns a phone number that is a JSON number by itself. A field of an event
// writes the form that is documented for it: call reports have numbers.
func PhoneNumber(n uint64) Phone { return Phone{token{strconv.FormatUint(n, 10)}} }

// The numbers of digits that a text with signs between them must have to be a phone
// number; see E.164.
const (
	minPhone = 7
	maxPhone = 15
)

// Digits returns the number's digits, without the + or 00 of international numbers and
// without blanks, hyphens and brackets between them: "+91 80682-80001", "0091 (80)
// 68280001", "tel:+918068280001" and 9.18068280001e11 all are 918068280001. It reports
// false for anything else: an empty or absent member, the name of an agent, a withheld
// caller id, an id in place of a number, a text such as "9.18E+11" that a spreadsheet has
// rounded.
func (p Phone) Digits() (string, bool) {
	v := p.value()
	switch v.Kind {
	case rawjson.Number:
		if isDigits(v.Text) {
			return v.Text, true
		}
		digits, ok := wholeNumber(v.Text)
		if !ok || digits[0] == '-' {
			return "", false
		}
		return digits, true
	case rawjson.String:
		return phoneDigitsOf(v.Text)
	default:
		return "", false
	}
}

func phoneDigitsOf(s string) (string, bool) {
	if isDigits(s) {
		return s, true // as nearly always
	}
	s = strings.TrimSpace(s)
	for _, scheme := range []string{"tel:", "whatsapp:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
			break
		}
	}
	s, plus := strings.CutPrefix(s, "+")
	s = strings.TrimSuffix(s, ".0") // a float of languages that have no other number
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -()\u00a0", r) {
			return -1
		}
		return r
	}, s)
	signs := len(digits) < len(s)
	if !plus && len(digits) >= minPhone+2 && strings.HasPrefix(digits, "00") && digits[2] != '0' {
		digits = digits[2:]
	}
	n := len(digits)
	if n == 0 || strings.Trim(digits, "0123456789") != "" || signs && (n < minPhone || n > maxPhone) {
		return "", false
	}
	return digits, true
}
