// Package timeform reads times in the forms that platforms write them in. It has [Parse],
// and the [Form] that Parse tells; package payload and the filters of templates read the
// same forms through it.
//
// The forms are, each also with blanks around it:
//
//   - a date alone: 2019-11-09
//   - ISO 8601 and RFC 3339: a date, blanks or a T, and a clock, with or without seconds
//     and a fraction of any length: 2019-11-09 16:00, 2019-11-09T16:00:00.000. It may have
//     a zone, also after a blank: Z, UTC, GMT, +05:30, +0530 or +05
//   - what Go and Ruby print: 2019-11-09 16:00:00.5 +0530 IST m=+0.001, 2019-11-09 16:00:00
//     +0530. The name after the offset adds nothing, and is passed over
//   - RFC 1123 and RFC 2822: Sat, 09 Nov 2019 16:00:00 GMT, 9 Nov 2019 16:00 -0500, with the
//     zones UT, GMT, UTC, EST, EDT, CST, CDT, MST, MDT, PST, PDT, and a comment (UTC)
//   - time since 1970, as digits, perhaps with a fraction: 9 or 10 digits are seconds, 13
//     milliseconds, 16 microseconds. Any other number is not a time: one of 8, 12 or 14 digits
//     is likely to be a date such as 20191109
//
// No time at all are the empty text and 0, dates of zeros (0000-00-00 00:00:00), and Go's
// zero time, 0001-01-01 00:00:00, in whatever form and zone, with all that is less
// than a day from it.
package timeform

import (
	"strings"
	"time"
)

// A Form is the kind of time that a text has.
type Form byte

// The kinds.
const (
	Unknown Form = iota // none of the forms above
	None                // the text says that there is no time
	Local               // a wall clock or a date, without a zone
	Instant             // a point in time
)

// Parse reads s, a text or the digits of a number. A Local time is one in loc; in the hours
// that a change of clocks repeats or skips, as [time.Date] says. An Instant is in the zone
// that s has, UTC if its offset is zero, or in loc if it is a number. Otherwise the time is
// zero. Parse allocates only for zones.
func Parse(s string, loc *time.Location) (time.Time, Form) {
	s = strings.TrimSpace(s)
	if s == "" || s == "0" {
		return time.Time{}, None
	}
	r := reader{s: s}
	var t time.Time
	var form Form
	switch {
	case digits(s) > 0 && digits(s) < len(s) && s[digits(s)] == '-':
		if strings.HasPrefix(s, "0000-00-00") && !strings.ContainsAny(s, "123456789") {
			return t, None
		}
		form = r.iso()
	case digits(s) > 2:
		return sinceEpoch(s, loc)
	default:
		form = r.mail()
	}
	if form == Unknown || r.s != "" || !r.valid() {
		return t, Unknown
	}
	switch {
	case form == Local:
		t = r.in(loc)
	case r.offset == 0:
		t = r.in(time.UTC)
	default:
		t = r.in(time.FixedZone("", r.offset))
	}
	if zero := t.Sub(time.Time{}).Abs() < 24*time.Hour; zero {
		return time.Time{}, None // in whatever zone it was written
	}
	if r.year < 1 {
		return time.Time{}, Unknown
	}
	return t, form
}

// A reader takes the parts of a time from the front of s.
type reader struct {
	s                    string
	year, month, day     int
	hour, minute, second int
	nano                 int
	offset               int // seconds east of UTC
}

func (r *reader) in(loc *time.Location) time.Time {
	return time.Date(r.year, time.Month(r.month), r.day, r.hour, r.minute, r.second, r.nano, loc)
}

func (r *reader) valid() bool {
	if r.month < 1 || r.month > 12 || r.day < 1 || r.hour > 23 || r.minute > 59 || r.second > 59 {
		return false
	}
	return r.in(time.UTC).Day() == r.day // else the month has fewer days
}

// iso reads a date, which a clock and then a zone may follow.
func (r *reader) iso() Form {
	if !r.number(&r.year, 4, 4) || !r.take("-") || !r.number(&r.month, 2, 2) || !r.take("-") || !r.number(&r.day, 2, 2) {
		return Unknown
	}
	if r.s == "" {
		return Local
	}
	if r.take(" ") {
		r.s = strings.TrimLeft(r.s, " ") // some platforms write two
	} else if !r.take("T") && !r.take("t") {
		return Unknown
	}
	if !r.clock() {
		return Unknown
	}
	if r.s == "" {
		return Local
	}
	blank := r.take(" ")
	if r.take("Z") || r.take("z") || blank && (r.take("UTC") || r.take("GMT")) {
		return Instant
	}
	if !r.zone() {
		return Unknown
	}
	r.goZone()
	return Instant
}

// clock reads a time of day, without seconds if it has none.
func (r *reader) clock() bool {
	if !r.number(&r.hour, 2, 2) || !r.take(":") || !r.number(&r.minute, 2, 2) {
		return false
	}
	if !r.take(":") {
		return true
	}
	if !r.number(&r.second, 2, 2) {
		return false
	}
	if r.take(".") || r.take(",") {
		n := digits(r.s)
		r.nano = fraction(r.s[:n], 9)
		r.s = r.s[n:]
		return n > 0
	}
	return true
}

// zone reads an offset: +05:30, +0530 or +05.
func (r *reader) zone() bool {
	sign := 1
	if r.take("-") {
		sign = -1
	} else if !r.take("+") {
		return false
	}
	hours, minutes := 0, 0
	if !r.number(&hours, 2, 2) {
		return false
	}
	if r.take(":") || digits(r.s) > 0 {
		if !r.number(&minutes, 2, 2) {
			return false
		}
	}
	r.offset = sign * (hours*60 + minutes) * 60
	return hours < 24 && minutes < 60
}

// goZone passes over what Time.String writes after an offset: the zone's name, which may
// be an offset again, and the reading of the monotonic clock.
func (r *reader) goZone() {
	name, clock, _ := strings.Cut(strings.TrimPrefix(r.s, " "), " ")
	letters := strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
	offset := strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-")
	if r.s == "" || r.s[0] != ' ' || name == "" || len(name) > 6 || !letters && (!offset || digits(name[1:]) < len(name)-1) {
		return
	}
	if clock != "" && (!strings.HasPrefix(clock, "m=") || strings.Trim(clock[2:], "+-.0123456789") != "") {
		return
	}
	r.s = ""
}

const (
	dayNames   = "MonTueWedThuFriSatSun"
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

// mailZones has the names of zones that RFC 2822 gives an offset, in hours.
var mailZones = map[string]int{
	"UT": 0, "GMT": 0, "UTC": 0, "Z": 0,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

// mail reads the date of a mail, or of a header of HTTP. A wrong day of the week says that
// the date is not what was meant.
func (r *reader) mail() Form {
	weekday := r.name(dayNames)
	if weekday >= 0 && !r.take(", ") {
		return Unknown
	}
	if !r.number(&r.day, 1, 2) || !r.take(" ") {
		return Unknown
	}
	r.month = r.name(monthNames) + 1
	if !r.take(" ") || !r.number(&r.year, 4, 4) || !r.take(" ") || !r.clock() || !r.take(" ") {
		return Unknown
	}
	if !r.valid() || weekday >= 0 && (int(r.in(time.UTC).Weekday())+6)%7 != weekday {
		return Unknown
	}
	name, comment, _ := strings.Cut(r.s, " ")
	if hours, ok := mailZones[name]; ok {
		r.offset, r.s = hours*3600, r.s[len(name):]
	} else if !r.zone() {
		return Unknown
	}
	if len(comment) > 2 && len(comment) < 10 && comment[0] == '(' && strings.IndexByte(comment, ')') == len(comment)-1 {
		r.s = strings.TrimSuffix(r.s, " "+comment)
	}
	return Instant
}

// name reads three letters that are one of names, and returns its index, or -1.
func (r *reader) name(names string) int {
	if len(r.s) >= 3 {
		for i := 0; i < len(names); i += 3 {
			if strings.EqualFold(r.s[:3], names[i:i+3]) {
				r.s = r.s[3:]
				return i / 3
			}
		}
	}
	return -1
}

// number reads from least to most digits.
func (r *reader) number(n *int, least, most int) bool {
	count := min(digits(r.s), most)
	if count < least {
		return false
	}
	*n = 0
	for _, c := range []byte(r.s[:count]) {
		*n = *n*10 + int(c-'0')
	}
	r.s = r.s[count:]
	return true
}

func (r *reader) take(text string) bool {
	rest, ok := strings.CutPrefix(r.s, text)
	r.s = rest
	return ok
}

// digits returns how many digits s begins with.
func digits(s string) int {
	for i, c := range []byte(s) {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(s)
}

// fraction returns the digits after a point in units of 10^-places.
func fraction(digits string, places int) (n int) {
	for i := range places {
		n *= 10
		if i < len(digits) {
			n += int(digits[i] - '0')
		}
	}
	return n
}

// sinceEpoch reads a number of seconds, milliseconds or microseconds.
func sinceEpoch(s string, loc *time.Location) (time.Time, Form) {
	whole, rest, point := strings.Cut(s, ".")
	if digits(whole) < len(whole) || digits(rest) < len(rest) || point && rest == "" || whole[0] == '0' {
		return time.Time{}, Unknown
	}
	n := int64(0)
	if len(whole) > 16 {
		return time.Time{}, Unknown
	}
	for _, c := range []byte(whole) {
		n = n*10 + int64(c-'0')
	}
	var t time.Time
	switch len(whole) {
	case 9, 10:
		t = time.Unix(n, int64(fraction(rest, 9)))
	case 13:
		t = time.Unix(n/1e3, n%1e3*1e6+int64(fraction(rest, 6)))
	case 16:
		t = time.Unix(n/1e6, n%1e6*1e3+int64(fraction(rest, 3)))
	default:
		return time.Time{}, Unknown
	}
	return t.In(loc), Instant
}
