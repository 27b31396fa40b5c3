package payload

import (
	"time"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/timeform"
)

// A Time is a point in time as a platform writes it: RFC 3339 with microseconds in
// message events, a wall clock without a zone in call reports, either of them in CDRs. It
// is read in all the forms that the filter date_format reads: RFC 3339 and its looser
// spellings, the dates of mails, and seconds, milliseconds and microseconds since 1970. An
// absent or empty member, "0000-00-00 00:00:00" and Go's zero time are not a time. Its
// zero value is written as null.
type Time struct {
	token
	// local says that TimeLocal left out a zone, which was east seconds east of UTC.
	local bool
	east  int
}

func (t *Time) set(raw string) { *t = Time{token: token{raw}} }

// UnmarshalJSON keeps any JSON value.
func (t *Time) UnmarshalJSON(b []byte) error {
	var read token
	err := read.UnmarshalJSON(b)
	if err == nil {
		t.set(read.raw)
	}
	return err
}

var (
	// instant is a time in UTC with microseconds.
	instant = timeForm(`"0000-00-00T00:00:00.000000Z"`, func(t Time) token {
		zone := time.UTC
		if t.local {
			zone = time.FixedZone("", t.east)
		}
		switch at, form := t.read(zone); {
		case form == timeform.Instant, form == timeform.Local && t.local:
			return TimeInstant(at).token
		default:
			return t.token
		}
	})
	// wallClock is a time without a zone: that which an instant has in its own.
	wallClock = timeForm(`"0000-00-00 00:00:00"`, func(t Time) token {
		if at, form := t.read(time.UTC); form == timeform.Instant {
			return TimeLocal(at).token
		}
		return t.token
	})
	// anyTime is an instant or a wall clock.
	anyTime = form[Time]{kind: "string", of: func(t Time) token { return t.token }}
)

// timeForm is the form of a text of that shape, as nearly all times are; of returns that of
// another one.
func timeForm(text string, of func(Time) token) form[Time] {
	shape := timeform.NewShape(text)
	return form[Time]{
		kind: "string",
		of: func(t Time) token {
			if t.raw == "" || shape.Has(t.raw) {
				return t.token
			}
			return of(t)
		},
		value: func(t *Time) field.Value {
			switch {
			case shape.Has(t.raw):
				return field.Text(t.raw[1 : len(t.raw)-1])
			case t.raw == "":
				return field.Null
			default:
				return of(*t).value()
			}
		},
	}
}

// TimeInstant returns t in UTC as RFC 3339 with microseconds, as message events have it. A
// field of a call report, which has no zones, writes it as a wall clock in UTC. If t is
// zero, so is the result: Go's zero time is no time.
func TimeInstant(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	var b [64]byte
	return Time{token: token{string(append(appendInstant(append(b[:0], '"'), t), '"'))}}
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

// TimeLocal returns the wall clock of t without its zone, as call reports have it. A field
// of a message event, which has instants, writes the one that t is: the result remembers
// the zone, so it is not == to the same text that was read. If t is zero, so is the result:
// Go's zero time is no time.
func TimeLocal(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	_, east := t.Zone()
	return Time{token: stringToken(t.Format(time.DateTime)), local: true, east: east}
}

// Time returns the instant, and false if there is no time or its text has no zone.
func (t Time) Time() (time.Time, bool) {
	at, form := t.read(time.UTC)
	if form != timeform.Instant {
		return time.Time{}, false
	}
	return at, true
}

// In returns the instant in loc. A text without a zone is read as a wall clock in loc;
// in the hours that a change of clocks repeats or skips, as [time.Date] does. In
// returns false if there is no time.
func (t Time) In(loc *time.Location) (time.Time, bool) {
	switch at, form := t.read(loc); form {
	case timeform.Instant:
		return at.In(loc), true
	case timeform.Local:
		return at, true
	default:
		return time.Time{}, false
	}
}

func (t Time) read(loc *time.Location) (time.Time, timeform.Form) {
	v := t.value()
	if v.Kind != rawjson.String && v.Kind != rawjson.Number {
		return time.Time{}, timeform.None
	}
	return timeform.Parse(v.Text, loc)
}
