package payload

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// A token is the JSON of one scalar member as it was read or made. Platforms write one
// thing in several ways (a phone number as a number or as a string); to lose nothing, the
// token keeps what was read.
type token struct {
	raw string // empty: not set
}

func (t *token) set(raw string) { t.raw = raw }

// A form is that in which a member is documented.
type form[V any] struct {
	kind string // of JSON
	// of returns a value in the form, or as it is if it cannot be written so. What was
	// read in another form is written as it came, since an object keeps it.
	of func(V) token
	// value returns what of does as a value, as a template reads it. If nil, it is of's.
	value func(*V) field.Value
}

func stringToken(s string) token {
	var b [64]byte // nearly all are shorter: only the result is allocated
	return token{string(rawjson.AppendString(b[:0], s))}
}

func (t token) value() field.Value {
	if t.raw == "" {
		return field.Null
	}
	return field.FromJSON(t.raw)
}

// IsZero reports whether the member was neither set nor read.
func (t token) IsZero() bool { return t.raw == "" }

// String returns the member as text: a string's text, a number's own digits, and the
// empty text for null.
func (t token) String() string { return t.value().String() }

// MarshalJSON writes the member as it was read; if it was not set, null.
func (t token) MarshalJSON() ([]byte, error) { return t.value().AppendJSON(nil), nil }

// UnmarshalJSON keeps any JSON value.
func (t *token) UnmarshalJSON(b []byte) error {
	raw := rawjson.Trim(string(b))
	if off := rawjson.Check([]byte(raw)); off >= 0 {
		return syntaxError(off)
	}
	t.raw = raw
	return nil
}

// integer reads a whole number that came as a number or as text, in any spelling: 12, 12.0,
// 1.2e1, "12 ".
func (t token) integer() (int64, bool) {
	v := t.value()
	if v.Kind != rawjson.Number && v.Kind != rawjson.String {
		return 0, false
	}
	text := strings.Trim(v.Text, blanks)
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n, true
	}
	digits, ok := wholeNumber(text)
	if !ok {
		return 0, false
	}
	n, err = strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, false // not the nearest int64
	}
	return n, true
}

const (
	blanks   = " \t\r\n"
	maxWhole = 64 // digits; no number here has more
)

// wholeNumber returns the digits of a number that is written as JSON does, with a fraction
// or an exponent, or false if it is no whole number.
func wholeNumber(s string) (digits string, ok bool) {
	if rawjson.KindOf(s) != rawjson.Number || len(s) > maxWhole || rawjson.Check([]byte(s)) >= 0 {
		return "", false
	}
	mantissa, sign := strings.CutPrefix(s, "-")
	exponent := 0
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(mantissa[i+1:]); err != nil || exponent < -maxWhole || exponent > maxWhole {
			return "", false
		}
		mantissa = mantissa[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = whole + fraction
	point := len(whole) + exponent
	switch {
	case point > len(digits):
		digits += strings.Repeat("0", point-len(digits))
	case strings.Trim(digits[max(point, 0):], "0") != "":
		return "", false
	default:
		digits = digits[:max(point, 0)]
	}
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0", true
	}
	if sign {
		digits = "-" + digits
	}
	return digits, true
}

// numberOf returns the form of a number, and textOf that of a text, of whole numbers.
func numberOf[V any](whole func(V) (int64, bool), asIs func(V) token) form[V] {
	return form[V]{kind: "number", of: func(v V) token {
		t := asIs(v)
		if isDigits(t.raw) {
			return t // as nearly always
		}
		if n, ok := whole(v); ok {
			return IntNumber(n).token
		}
		return t
	}}
}

func textOf[V any](whole func(V) (int64, bool), asIs func(V) token) form[V] {
	return form[V]{kind: "string", of: func(v V) token {
		t := asIs(v)
		if n := len(t.raw) - 1; n > 0 && t.raw[0] == '"' && isDigits(t.raw[1:n]) {
			return t // as nearly always
		}
		if n, ok := whole(v); ok {
			return IntString(n).token
		}
		return t
	}}
}

// isDigits reports whether s is a whole number, as JSON writes it at its simplest.
func isDigits(s string) bool {
	if s == "" || s[0] == '0' && s != "0" {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// An Int is a whole number that may also come as text, such as "12". Its zero value is
// written as null.
type Int struct{ token }

var (
	intNumber = numberOf(Int.Int64, func(i Int) token { return i.token })
	intText   = textOf(Int.Int64, func(i Int) token { return i.token })
)

// IntNumber returns an Int that is a JSON number by itself. A field of an event writes the
// form that is documented for it.
func IntNumber(n int64) Int { return Int{token{strconv.FormatInt(n, 10)}} }

// IntString returns an Int that is a JSON string by itself. A field of an event writes the
// form that is documented for it.
func IntString(n int64) Int { return Int{stringToken(strconv.FormatInt(n, 10))} }

// Int64 returns the number, and false if it is not a whole number of 64 bits. How it is
// written does not matter: 12.0, 1.2e1 and "12 " are 12.
func (i Int) Int64() (int64, bool) { return i.integer() }

// Seconds is a duration in whole seconds, which platforms write as "23", 23 or
// "00:00:23". Its zero value is written as null.
type Seconds struct{ token }

var (
	secondsNumber = numberOf(Seconds.whole, func(s Seconds) token { return s.token })
	secondsText   = textOf(Seconds.whole, func(s Seconds) token { return s.token })
)

// SecondsString returns Seconds that are a JSON string by themselves. A field of an event
// writes the form that is documented for it, a string in call reports. Fractions of a
// second are dropped.
func SecondsString(d time.Duration) Seconds { return Seconds{IntString(int64(d / time.Second)).token} }

// SecondsNumber returns Seconds that are a JSON number by themselves. A field of an event
// writes the form that is documented for it, a number in CDRs. Fractions of a second are
// dropped.
func SecondsNumber(d time.Duration) Seconds { return Seconds{IntNumber(int64(d / time.Second)).token} }

// Duration returns the duration, and false if it is not a whole number of seconds or
// too long for a [time.Duration]. It reads whole numbers as [Int] does, and hours, minutes
// and seconds: "00:00:23".
func (s Seconds) Duration() (time.Duration, bool) {
	n, ok := s.whole()
	if !ok || n > int64(1<<63-1)/int64(time.Second) || n < -int64(1<<63-1)/int64(time.Second) {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

func (s Seconds) whole() (int64, bool) {
	n, ok := s.integer()
	if !ok {
		n, ok = clockSeconds(strings.Trim(s.String(), blanks))
	}
	return n, ok
}

// clockSeconds reads hours, minutes and seconds. Two numbers would be minutes and seconds
// for one platform, and hours and minutes for another.
func clockSeconds(s string) (n int64, ok bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 3 || len(parts[0]) == 0 || len(parts[0]) > 6 {
		return 0, false
	}
	for i, part := range parts {
		m, err := strconv.ParseUint(part, 10, 32)
		if err != nil || i > 0 && (len(part) != 2 || m > 59) {
			return 0, false
		}
		n = n*60 + int64(m)
	}
	return n, true
}

// A Decimal is an exact decimal number, such as a cost. Its zero value is
// written as null.
type Decimal struct{ token }

// amount is a number, with the digits that the value has.
var amount = form[Decimal]{kind: "number", of: func(d Decimal) token {
	if v := d.value(); v.Kind == rawjson.String && rawjson.KindOf(v.Text) == rawjson.Number {
		if number, err := ParseDecimal(v.Text); err == nil {
			return number.token
		}
	}
	return d.token
}}

// ParseDecimal returns a Decimal that is written with the digits of s, which must be a
// JSON number such as "0.0150".
func ParseDecimal(s string) (Decimal, error) {
	if rawjson.KindOf(s) != rawjson.Number || rawjson.Check([]byte(s)) >= 0 || rawjson.Trim(s) != s {
		return Decimal{}, errNoDecimal
	}
	return Decimal{token{s}}, nil
}

// Rat returns the exact number, and false if there is none. It also returns false for
// numbers of more than 64 characters or with an exponent beyond 99: no amount is that
// large, and to compute them could take all memory.
func (d Decimal) Rat() (*big.Rat, bool) {
	v := d.value()
	s := v.Text
	if v.Kind != rawjson.Number && v.Kind != rawjson.String || len(s) > 64 {
		return nil, false
	}
	if rawjson.Check([]byte(s)) >= 0 || rawjson.KindOf(s) != rawjson.Number {
		return nil, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		if e, err := strconv.Atoi(s[i+1:]); err != nil || e < -99 || e > 99 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(s)
}
