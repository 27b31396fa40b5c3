package panel

import (
	"strconv"
	"time"
)

// A moment is a time as pages show it: in words, with the time in full beside it.
type moment struct{ Ago, UTC, Machine string }

// At returns a time for the template "time".
func (v view) At(t time.Time) moment {
	return moment{v.call.ago(t, v.now), fullTime(t), t.UTC().Format(time.RFC3339)}
}

// Full returns a time in full.
func (v view) Full(t time.Time) string { return fullTime(t) }

func fullTime(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") }

func (c *call) ago(t, now time.Time) string {
	if t.IsZero() {
		return c.text("time.never")
	}
	d := now.Sub(t)
	code := "time.ago."
	if d < 0 {
		d, code = -d, "time.in."
	}
	unit, n := largest(d)
	if unit == "" {
		return c.text("time.now")
	}
	return c.number(code+unit, n)
}

// largest returns a duration in the largest unit that it has at least one of, which it has
// none of below five seconds.
func largest(d time.Duration) (unit string, n int) {
	const day = 24 * time.Hour
	switch {
	case d < 5*time.Second:
		return "", 0
	case d < time.Minute:
		return "seconds", int(d / time.Second)
	case d < time.Hour:
		return "minutes", int(d / time.Minute)
	case d < 2*day:
		return "hours", int(d / time.Hour)
	}
	return "days", int(d / day)
}

// Took is a duration as of an attempt, to two or three digits.
func (v view) Took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
	return strconv.Itoa(int(d.Seconds())) + " s"
}

// Num is a number with its digits in groups.
func (v view) Num(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
