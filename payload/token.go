package payload

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// A token is the JSON of one scalar member as it was read or will be written. Platforms
// write one thing in several ways (a phone number as a number or as a string); to lose
// nothing, the token keeps what was read.
type token struct {
	raw string // empty: not set
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

// integer reads a whole number that came as a number or as a string of digits.
func (t token) integer() (int64, bool) {
	v := t.value()
	if v.Kind != rawjson.Number && v.Kind != rawjson.String {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	if err != nil {
		return 0, false // not the nearest int64
	}
	return n, true
}

// A Phone is a telephone number: an MSISDN, a DID, or the text of a caller id.
// Platforms write it as a JSON number or as a string. A Phone keeps the form, and every
// digit. Its zero value is written as null.
type Phone struct{ token }

// PhoneString returns a phone number that is written as a JSON string, as message
// events have it.
func PhoneString(s string) Phone { return Phone{stringToken(s)} }

// PhoneNumber returns a phone number that is written as a JSON number, as call
// reports have it.
func PhoneNumber(n uint64) Phone { return Phone{token{strconv.FormatUint(n, 10)}} }

// Digits returns the number's digits without a leading +. It reports false for anything
// else: an empty or absent member, the name of an agent, a withheld caller id.
func (p Phone) Digits() (string, bool) {
	s := strings.TrimPrefix(p.String(), "+")
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	return s, true
}

// An Int is a whole number that may also come as a string of digits. Its zero value is
// written as null.
type Int struct{ token }

// IntNumber returns an Int that is written as a JSON number.
func IntNumber(n int64) Int { return Int{token{strconv.FormatInt(n, 10)}} }

// IntString returns an Int that is written as a JSON string.
func IntString(n int64) Int { return Int{stringToken(strconv.FormatInt(n, 10))} }

// Int64 returns the number, and false if it is not a whole number of 64 bits.
func (i Int) Int64() (int64, bool) { return i.integer() }

// Seconds is a duration in whole seconds, which platforms write as "23" or as 23. Its
// zero value is written as null.
type Seconds struct{ token }

// SecondsString returns Seconds that are written as a JSON string, as call reports have
// them. Fractions of a second are dropped.
func SecondsString(d time.Duration) Seconds { return Seconds{IntString(int64(d / time.Second)).token} }

// SecondsNumber returns Seconds that are written as a JSON number, as CDRs have them.
// Fractions of a second are dropped.
func SecondsNumber(d time.Duration) Seconds { return Seconds{IntNumber(int64(d / time.Second)).token} }

// Duration returns the duration, and false if it is not a whole number of seconds or
// too long for a [time.Duration].
func (s Seconds) Duration() (time.Duration, bool) {
	n, ok := s.integer()
	if !ok || n > int64(1<<63-1)/int64(time.Second) || n < -int64(1<<63-1)/int64(time.Second) {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// A Decimal is an exact decimal number, such as a cost. Its zero value is
// written as null.
type Decimal struct{ token }

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

// A Time is a point in time as a platform writes it: RFC 3339 with microseconds in
// message events, a wall clock without a zone in call reports, either of them in CDRs.
// An absent or empty member and "0000-00-00 00:00:00" are not a time. Its zero value is
// written as null.
type Time struct{ token }

// The layouts of times; in each of them, a fraction may follow the seconds.
var (
	zonedLayouts = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700"}
	localLayouts = []string{time.DateTime, "2006-01-02T15:04:05", time.DateOnly}
)

// TimeInstant returns t in UTC as RFC 3339 with microseconds, as message events have it.
func TimeInstant(t time.Time) Time {
	var b [64]byte
	return Time{token{string(append(appendInstant(append(b[:0], '"'), t), '"'))}}
}

// appendInstant appends t in UTC in the layout 2006-01-02T15:04:05.000000Z07:00.
// Package time writes RFC 3339 several times faster than any other layout, so
// appendInstant uses that and inserts the microseconds before the Z.
func appendInstant(dst []byte, t time.Time) []byte {
	dst = t.UTC().AppendFormat(dst, time.RFC3339)
	fraction := [...]byte{'.', '0', '0', '0', '0', '0', '0', 'Z'}
	for i, n := 6, t.Nanosecond()/1000; n > 0; i, n = i-1, n/10 {
		fraction[i] += byte(n % 10)
	}
	return append(dst[:len(dst)-1], fraction[:]...)
}

// TimeLocal returns the wall clock of t without its zone, as call reports have it.
func TimeLocal(t time.Time) Time { return Time{stringToken(t.Format(time.DateTime))} }

// Time returns the instant, and false if there is no time or its text has no zone.
func (t Time) Time() (time.Time, bool) { return t.parse(zonedLayouts, time.UTC) }

// In returns the instant in loc. A text without a zone is read as a wall clock in loc;
// in the hours that a change of clocks repeats or skips, as [time.Date] does. In
// returns false if there is no time.
func (t Time) In(loc *time.Location) (time.Time, bool) {
	if at, ok := t.Time(); ok {
		return at.In(loc), true
	}
	return t.parse(localLayouts, loc)
}

func (t Time) parse(layouts []string, loc *time.Location) (time.Time, bool) {
	v := t.value()
	if v.Kind != rawjson.String {
		return time.Time{}, false
	}
	for _, layout := range layouts {
		if at, err := time.ParseInLocation(layout, v.Text, loc); err == nil && at.Year() > 0 {
			return at, true
		}
	}
	return time.Time{}, false
}
