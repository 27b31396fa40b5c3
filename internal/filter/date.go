package filter

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/timeform"
)

var (
	errNoTime  = problem.Errorf(problem.NoTime, "the value is not a time")
	errControl = problem.Errorf(problem.ArgumentControl, "has a control character")
)

// hasControl reports whether a pattern has a control character, which the text of a date
// never has: it stands for an escape that was meant.
func hasControl(layout string) bool {
	return strings.ContainsFunc(layout, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// dateLetters has the letters of PHP's date function that have a meaning for a time
// that was read.
const dateLetters = "dDjlNSwzWFmMntLoYyaABgGhHisuveIOpPTZcrU"

// checkFormat returns what is wrong with PHP date letters. PHP keeps a letter without a
// meaning. Here it must follow a backslash: it may get a meaning later, and its author
// may have meant the letter of another language.
func checkFormat(layout string) error {
	if hasControl(layout) {
		return errControl
	}
	for i := 0; i < len(layout); i++ {
		c := layout[i]
		if c == '\\' {
			i++
		} else if letter := c | 0x20; 'a' <= letter && letter <= 'z' && strings.IndexByte(dateLetters, c) < 0 {
			return problem.New(problem.ArgumentLetter,
				fmt.Sprintf("has the letter %c, which is not a date letter; to keep it write \\%c", c, c), nil, string(c))
		}
	}
	return nil
}

// zones has the time zones that were asked for, by name. They take up to 50 KB each, so
// all filters of the process share them. There are no more than the database has: a name
// that is none is not kept.
var zones sync.Map // string → *time.Location

// loadZone returns a time zone of the host's database, or nil. It returns nil for
// "Local": a message must not depend on the host.
func loadZone(name string) *time.Location {
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location)
	}
	if name == "Local" || !isZoneName(name) {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	kept, _ := zones.LoadOrStore(strings.Clone(name), zone)
	return kept.(*time.Location)
}

// FixedZone returns the time of a zone that is the same all year, such as -05:00, if many
// take that zone for another: EST for what clocks show in New York, and Etc/GMT+5, which is
// behind UTC, for a time that is ahead. Of others it returns "".
func FixedZone(name string) string {
	switch zone := loadZone(name); {
	case zone == nil, name != "EST" && name != "MST" && name != "HST" && !strings.HasPrefix(name, "Etc/GMT"):
		return ""
	default:
		offset := time.Date(2000, 1, 1, 0, 0, 0, 0, zone).Format("-07:00")
		if offset == "+00:00" {
			return ""
		}
		return offset
	}
}

// isZoneName reports whether name has the form of the names in IANA's database, such as
// America/Port-au-Prince and Etc/GMT+5. A host has the same zones a second and a third
// time below posix and right, where they count leap seconds.
func isZoneName(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] < 'A' || part[0] > 'Z' {
			return false
		}
		for _, c := range []byte(part) {
			letter := c | 0x20
			if (letter < 'a' || letter > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '+' {
				return false
			}
		}
	}
	return len(name) <= 64
}

// A dateFormat writes times. A time without a zone keeps its wall clock: it is in the
// filter's zone, or in UTC if the filter has none. A time with a zone is converted to
// the filter's zone, or keeps its own if the filter has none.
type dateFormat struct {
	layout   string
	zone     *time.Location // may be nil
	strftime bool           // the layout has strftime's letters, and not PHP's
}

func newDateFormat(a []arg, strftime bool) filterFunc {
	f := dateFormat{layout: a[0].text, strftime: strftime}
	if strftime {
		f.layout = expand(f.layout)
	}
	if len(a) > 1 {
		f.zone = a[1].zone
	}
	return f.apply
}

func (f dateFormat) apply(v field.Value) (field.Value, error) {
	s := ""
	switch v.Kind {
	case rawjson.String, rawjson.Number:
		s = v.Text
	case rawjson.None, rawjson.Null:
	default:
		return v, errNoTime
	}
	loc := f.zone
	if loc == nil {
		loc = time.UTC
	}
	t, form := timeform.Parse(s, loc)
	switch {
	case form == timeform.None:
		return field.Text(""), nil
	case form == timeform.Unknown:
		return v, errNoTime
	case f.zone != nil:
		t = t.In(f.zone)
	}
	var space [128]byte
	out := space[:0]
	if f.strftime {
		out = appendStrftime(out, f.layout, t)
	} else {
		out = appendPHP(out, f.layout, t)
	}
	if len(out) > MaxOutput {
		return v, ErrTooLong
	}
	return field.Text(string(out)), nil
}

// appendPHP appends a time in PHP's letters. It ends early if out gets too long.
func appendPHP(out []byte, layout string, t time.Time) []byte {
	for i := 0; i < len(layout) && len(out) <= MaxOutput; i++ {
		c := layout[i]
		if c == '\\' && i+1 < len(layout) {
			i++
			out = append(out, layout[i])
		} else {
			out = appendDate(out, c, t)
		}
	}
	return out
}

// appendDate appends what a PHP date letter stands for, or c itself if it is not one.
func appendDate(out []byte, c byte, t time.Time) []byte {
	switch c {
	case 'd', 'D', 'j', 'l', 'N', 'S', 'w', 'z':
		return appendDay(out, c, t)
	case 'W', 'F', 'm', 'M', 'n', 't', 'L', 'o', 'Y', 'y':
		return appendYear(out, c, t)
	case 'a', 'A', 'B', 'g', 'G', 'h', 'H', 'i', 's', 'u', 'v':
		return appendClock(out, c, t)
	case 'e', 'I', 'O', 'p', 'P', 'T', 'Z', 'c', 'r', 'U':
		return appendZoned(out, c, t)
	default:
		return append(out, c)
	}
}

func appendDay(out []byte, c byte, t time.Time) []byte {
	switch c {
	case 'd':
		return appendInt(out, t.Day(), 2)
	case 'D':
		return append(out, t.Weekday().String()[:3]...)
	case 'j':
		return appendInt(out, t.Day(), 1)
	case 'l':
		return append(out, t.Weekday().String()...)
	case 'N':
		return appendInt(out, (int(t.Weekday())+6)%7+1, 1)
	case 'S':
		suffix := "th"
		if day := t.Day(); day/10 != 1 {
			switch day % 10 {
			case 1:
				suffix = "st"
			case 2:
				suffix = "nd"
			case 3:
				suffix = "rd"
			}
		}
		return append(out, suffix...)
	case 'w':
		return appendInt(out, int(t.Weekday()), 1)
	default: // z
		return appendInt(out, t.YearDay()-1, 1)
	}
}

func appendYear(out []byte, c byte, t time.Time) []byte {
	year, month, _ := t.Date()
	switch c {
	case 'W':
		_, week := t.ISOWeek()
		return appendInt(out, week, 2)
	case 'F':
		return append(out, month.String()...)
	case 'm':
		return appendInt(out, int(month), 2)
	case 'M':
		return append(out, month.String()[:3]...)
	case 'n':
		return appendInt(out, int(month), 1)
	case 't':
		return appendInt(out, time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day(), 1)
	case 'L':
		return appendInt(out, time.Date(year, time.December, 31, 0, 0, 0, 0, time.UTC).YearDay()-365, 1)
	case 'o':
		isoYear, _ := t.ISOWeek()
		return appendInt(out, isoYear, 1)
	case 'Y':
		return appendInt(out, year, 4)
	default: // y
		return appendInt(out, year%100, 2)
	}
}

func appendClock(out []byte, c byte, t time.Time) []byte {
	hour, minute, second := t.Clock()
	switch c {
	case 'a':
		return t.AppendFormat(out, "pm")
	case 'A':
		return t.AppendFormat(out, "PM")
	case 'B': // Swatch's thousandths of a day, by the clock of UTC+1
		return appendInt(out, int((t.Unix()+3600)%86400+86400)%86400*10/864, 3)
	case 'g':
		return appendInt(out, (hour+11)%12+1, 1)
	case 'G':
		return appendInt(out, hour, 1)
	case 'h':
		return appendInt(out, (hour+11)%12+1, 2)
	case 'H':
		return appendInt(out, hour, 2)
	case 'i':
		return appendInt(out, minute, 2)
	case 's':
		return appendInt(out, second, 2)
	case 'u':
		return appendInt(out, t.Nanosecond()/1e3, 6)
	default: // v
		return appendInt(out, t.Nanosecond()/1e6, 3)
	}
}

func appendZoned(out []byte, c byte, t time.Time) []byte {
	abbreviation, offset := t.Zone()
	switch c {
	case 'e':
		if name := t.Location().String(); name != "" {
			return append(out, name...)
		}
		return t.AppendFormat(out, "-07:00")
	case 'I':
		if t.IsDST() {
			return append(out, '1')
		}
		return append(out, '0')
	case 'O':
		return t.AppendFormat(out, "-0700")
	case 'p':
		if abbreviation == "UTC" {
			return append(out, 'Z')
		}
		return t.AppendFormat(out, "-07:00")
	case 'P':
		return t.AppendFormat(out, "-07:00")
	case 'T':
		if abbreviation == "" {
			return t.AppendFormat(out, "GMT-0700")
		}
		return append(out, abbreviation...)
	case 'Z':
		return strconv.AppendInt(out, int64(offset), 10)
	case 'c':
		return t.AppendFormat(out, "2006-01-02T15:04:05-07:00")
	case 'r':
		return t.AppendFormat(out, time.RFC1123Z)
	default: // U
		return strconv.AppendInt(out, t.Unix(), 10)
	}
}

// appendInt appends n, which is not negative, with leading zeros up to width.
func appendInt(out []byte, n, width int) []byte {
	for limit := 10; width > 1; width-- {
		if n < limit {
			break
		}
		limit *= 10
	}
	for ; width > 1; width-- {
		out = append(out, '0')
	}
	return strconv.AppendInt(out, int64(n), 10)
}
