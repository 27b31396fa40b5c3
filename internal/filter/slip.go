package filter

import (
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/problem"
)

// A Slip is a letter of a date pattern that its author is likely to have taken for another
// one, such as that of the month for the minutes.
type Slip struct {
	Code       problem.Code
	Message    string // with places for the letter and for the right one
	Wrong      string
	Right      string
	start, end int // of the letter
}

// The slips.
var (
	slipMonth   = Slip{Code: problem.DateMonth, Message: "%s is the month, and stands behind an hour: the minutes are %s", Right: "i"}
	slipMinutes = Slip{Code: problem.DateMinutes, Message: "%s is the minutes, and stands in a date: the month is %s", Right: "m"}
	slipSeconds = Slip{Code: problem.DateSeconds, Message: "%s is not the seconds, and stands behind the minutes: these are %s", Right: "s"}
	slipWeekday = Slip{Code: problem.DateWeekday, Message: "%s is not the day of the month, and stands in a date: that is %s", Right: "d"}
	slipHour    = Slip{Code: problem.DateMonthForHour, Message: "%s is the month, and stands before the minutes: the hour is %s", Right: "H"}
	slipHalfDay = Slip{Code: problem.DateHalfDay, Message: "%s is an hour from 1 to 12, and nothing says AM or PM: from 0 to 23 it is %s", Right: "H"}
)

// Slips returns the slips in a pattern, and the pattern without them.
func (own Letters) Slips(pattern string) (slips []Slip, mended string) {
	parts := own.parts(pattern)
	for i := range parts {
		slip, ok := findSlip(parts, i)
		if !ok {
			continue
		}
		slip.start, slip.end = parts[i].start, parts[i].end
		slip.Wrong = pattern[slip.start:slip.end]
		if own == Strftime {
			slip.Right, _ = phpToStrftime(slip.Right)
		}
		slips = append(slips, slip)
	}
	mended = pattern
	for _, s := range slices.Backward(slips) {
		mended = mended[:s.start] + s.Right + mended[s.end:]
	}
	return slips, mended
}

// A datePart is a letter of a pattern that stands for something.
type datePart struct {
	letter     byte   // PHP's; 0 if it has none
	before     string // the text between it and the part before
	start, end int
}

// findSlip tells what is wrong with the part at an index, if it is.
func findSlip(parts []datePart, i int) (Slip, bool) {
	at := func(i int, letters string) bool {
		return i >= 0 && i < len(parts) && strings.IndexByte(letters, parts[i].letter) >= 0
	}
	const (
		year, month, day, hour, half = "Yyo", "mnMF", "dj", "GHgh", "gh"
		dateSigns, clockSigns        = "-/. ", ":."
	)
	joined := func(i int, signs string) bool { // a part to the one before
		return i > 0 && i < len(parts) && (parts[i].before == "" || len(parts[i].before) == 1 && strings.Contains(signs, parts[i].before))
	}
	has := func(letters string) bool {
		return slices.ContainsFunc(parts, func(p datePart) bool { return strings.IndexByte(letters, p.letter) >= 0 })
	}
	before, behind := joined(i, dateSigns), joined(i+1, dateSigns)
	firm := func(i int) bool { return joined(i, "-/.") && parts[i].before != "" }
	switch {
	case at(i, month) && at(i-1, hour) && joined(i, clockSigns):
		return slipMonth, true
	case at(i, month) && at(i+1, "i") && joined(i+1, ":") && parts[i+1].before == ":" && !has(hour):
		return slipHour, true
	case !at(i, "i"):
	case before && behind && (at(i-1, year) && at(i+1, day) || at(i-1, day) && at(i+1, year)),
		behind && at(i+1, day) && joined(i+2, dateSigns) && at(i+2, year) && !(before && at(i-1, hour)) && !(i > 0 && at(i-1, hour)):
		return slipMinutes, true
	}
	switch {
	case at(i, "SU") && at(i-1, "i") && joined(i, clockSigns) && parts[i].before != "":
		return slipSeconds, true
	case at(i, "D") && !has(day) && (firm(i) && at(i-1, year+month) || firm(i+1) && at(i+1, year+month)):
		return slipWeekday, true
	case at(i, half) && at(i+1, "i") && joined(i+1, clockSigns) && parts[i+1].before != "" && !has("aA"):
		return slipHalfDay, true
	}
	return Slip{}, false
}

// parts returns the parts of a pattern.
func (own Letters) parts(pattern string) (parts []datePart) {
	last := 0
	add := func(letter byte, start, end int) {
		parts = append(parts, datePart{letter, pattern[last:start], start, end})
		last = end
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case own == PHP && c == '\\':
			i++
		case own == PHP && strings.IndexByte(dateLetters, c) >= 0:
			add(c, i, i+1)
		case own == Strftime && c == '%':
			d, rest, err := readDirective(pattern[i:])
			if err != nil {
				return nil
			}
			end := len(pattern) - len(rest)
			letter := directiveTokens["%"+string(d.letter)]
			switch {
			case d.letter == '%':
			case d.letter == 'D':
				add('D', i, end)
			case d.letter == 'r': // has an AM of its own
				add('A', i, end)
			case letter == "":
				add(0, i, end)
			default:
				add(letter[0], i, end)
			}
			i = end - 1
		}
	}
	return parts
}
