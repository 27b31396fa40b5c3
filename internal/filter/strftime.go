package filter

import (
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/problem"
)

// A directive is one of strftime's, as Ruby's Time and so Liquid have it: %, flags, a
// width, and a letter.
type directive struct {
	letter byte
	pad    byte // '0' or ' ', 'x' for none; 0: as the letter has it
	upper  bool // ^
	swap   bool // #: upper case, but lower for %p and %Z
	colons int  // of %z
	width  int  // 0: as the letter has it
}

// composites has the letters that stand for several others, without flags and width.
var composites = map[byte]string{
	'c': "%a %b %e %H:%M:%S %Y", 'D': "%m/%d/%y", 'x': "%m/%d/%y", 'F': "%Y-%m-%d", 'v': "%e-%^b-%Y", 'r': "%I:%M:%S %p",
	'R': "%H:%M", 'T': "%H:%M:%S", 'X': "%H:%M:%S", '+': "%a %b %e %H:%M:%S %Z %Y",
}

const (
	strftimeLetters = "YCymBbhdejHkIlMSLNzZAaupPwGgVUWsnt%cDFvxXrRT+"
	maxWidth        = 64 // of a directive
)

// readDirective reads the directive at the start of s, and returns what follows it.
func readDirective(s string) (d directive, rest string, err error) {
	i := 1 // after the %
flags:
	for ; i < len(s); i++ {
		switch s[i] {
		case '-':
			d.pad = 'x'
		case '_':
			d.pad = ' '
		case '0':
			d.pad = '0'
		case '^':
			d.upper = true
		case '#':
			d.swap = true
		case ':':
			d.colons++
		default:
			break flags
		}
	}
	for ; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		if d.width = d.width*10 + int(s[i]-'0'); d.width > maxWidth {
			return d, s, problem.Errorf(problem.ArgumentWidth, "has a width of more than %d", maxWidth)
		}
	}
	if i == len(s) {
		return d, s, problem.Errorf(problem.ArgumentPercent, "ends inside a directive; to keep a %% write %%%%")
	}
	d.letter = s[i]
	name := s[:min(i+1, 16)]
	plain := d == directive{letter: d.letter, colons: d.colons}
	switch {
	case strings.IndexByte(strftimeLetters, d.letter) < 0 && d.letter < 0x80:
		return d, s, problem.Errorf(problem.ArgumentDirective, "has %s, which has no meaning; to keep a %% write %%%%", name)
	case d.letter >= 0x80:
		return d, s, problem.Errorf(problem.ArgumentPercent, "has a %% before a character that is no letter; to keep a %% write %%%%")
	case d.letter == 'z' && (!plain || d.colons > 2), d.letter != 'z' && d.colons > 0:
		return d, s, problem.Errorf(problem.ArgumentFlags, "has %s, want %s", name, "%z, %:z or %::z")
	case composites[d.letter] != "" && !plain:
		return d, s, problem.Errorf(problem.ArgumentFlags, "has %s, want %s", name, "%"+string(d.letter))
	}
	return d, s[i+1:], nil
}

// checkStrftime returns what is wrong with a pattern. Ruby keeps what has no meaning; see
// checkFormat for why it is refused here.
func checkStrftime(layout string) error {
	if hasControl(layout) {
		return errControl
	}
	for {
		i := strings.IndexByte(layout, '%')
		if i < 0 {
			return nil
		}
		var err error
		if _, layout, err = readDirective(layout[i:]); err != nil {
			return err
		}
	}
}

// expand replaces the composites in a pattern that checkStrftime accepts.
func expand(layout string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(layout, '%')
		if i < 0 {
			return b.String() + layout
		}
		b.WriteString(layout[:i])
		d, rest, _ := readDirective(layout[i:])
		if composite := composites[d.letter]; composite != "" {
			b.WriteString(composite)
		} else {
			b.WriteString(layout[i : len(layout)-len(rest)])
		}
		layout = rest
	}
}

// appendStrftime appends t in a pattern without composites. It ends early if out
// gets too long.
func appendStrftime(out []byte, layout string, t time.Time) []byte {
	for len(out) <= MaxOutput {
		i := strings.IndexByte(layout, '%')
		if i < 0 {
			return append(out, layout...)
		}
		out = append(out, layout[:i]...)
		var d directive
		d, layout, _ = readDirective(layout[i:])
		out = d.append(out, t)
	}
	return out
}

func (d directive) append(out []byte, t time.Time) []byte {
	switch d.letter {
	case 'L', 'N':
		digits := 9
		if d.letter == 'L' {
			digits = 3
		}
		if d.width > 0 {
			digits = d.width
		}
		nano := t.Nanosecond()
		for range digits {
			out = append(out, "0123456789"[nano/1e8])
			nano = nano % 1e8 * 10
		}
		return out
	case 'z':
		return t.AppendFormat(out, [...]string{"-0700", "-07:00", "-07:00:00"}[d.colons])
	case '%':
		return append(out, '%')
	case 'n':
		return append(out, '\n')
	case 't':
		return append(out, '\t')
	}
	start := len(out)
	if number, pad, width, ok := d.number(t); ok {
		return d.finish(strconv.AppendInt(out, number, 10), start, pad, width)
	}
	return d.finish(d.text(out, t), start, ' ', 0)
}

// finish pads what was appended from start on, and changes its case.
func (d directive) finish(out []byte, start int, pad byte, width int) []byte {
	lower := d.swap && (d.letter == 'p' || d.letter == 'Z')
	for i, c := range out[start:] {
		if upper := d.upper || d.swap; upper && !lower && 'a' <= c && c <= 'z' || lower && 'A' <= c && c <= 'Z' {
			out[start+i] = c ^ 0x20
		}
	}
	if d.width > 0 {
		width = d.width
	}
	if d.pad != 0 {
		pad = d.pad
	}
	missing := width - (len(out) - start)
	if pad == 'x' || missing <= 0 {
		return out
	}
	out = append(out, make([]byte, missing)...)
	copy(out[start+missing:], out[start:])
	for i := range missing {
		out[start+i] = pad
	}
	return out
}

// number returns the number that the letter stands for, and how it is padded.
func (d directive) number(t time.Time) (n int64, pad byte, width int, ok bool) {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	weekday := int(t.Weekday())
	pad, width = '0', 2
	value := 0
	switch d.letter {
	case 'Y':
		value, width = year, 4
	case 'C':
		value = year / 100
	case 'y':
		value = year % 100
	case 'm':
		value = int(month)
	case 'd':
		value = day
	case 'e':
		value, pad = day, ' '
	case 'j':
		value, width = t.YearDay(), 3
	case 'H':
		value = hour
	case 'k':
		value, pad = hour, ' '
	case 'I':
		value = (hour+11)%12 + 1
	case 'l':
		value, pad = (hour+11)%12+1, ' '
	case 'M':
		value = minute
	case 'S':
		value = second
	case 'u':
		value, width = (weekday+6)%7+1, 1
	case 'w':
		value, width = weekday, 1
	case 'U': // the first Sunday begins week 1
		value = (t.YearDay() - 1 + 7 - weekday) / 7
	case 'W': // the first Monday does
		value = (t.YearDay() - 1 + 7 - (weekday+6)%7) / 7
	case 'G', 'g', 'V':
		isoYear, week := t.ISOWeek()
		switch d.letter {
		case 'G':
			value, width = isoYear, 4
		case 'g':
			value = isoYear % 100
		default:
			value = week
		}
	case 's':
		return t.Unix(), pad, 1, true
	default:
		return 0, 0, 0, false
	}
	return int64(value), pad, width, true
}

// text appends the text that the letter stands for.
func (d directive) text(out []byte, t time.Time) []byte {
	switch d.letter {
	case 'A':
		return append(out, t.Weekday().String()...)
	case 'a':
		return append(out, t.Weekday().String()[:3]...)
	case 'B':
		return append(out, t.Month().String()...)
	case 'b', 'h':
		return append(out, t.Month().String()[:3]...)
	case 'p':
		return t.AppendFormat(out, "PM")
	case 'P':
		return t.AppendFormat(out, "pm")
	default: // Z
		name, _ := t.Zone()
		return append(out, name...)
	}
}
