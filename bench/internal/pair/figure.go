package pair

import (
	"fmt"
	"strconv"
)

// A Unit says what a figure counts.
type Unit string

// The units. The first six are of ratios.
const (
	Speed  Unit = "× as fast"
	Time   Unit = "× the time"
	CPU    Unit = "× the CPU"
	Tail   Unit = "× the p99"
	Less   Unit = "× less memory"
	Growth Unit = "× as much" // of ours, when there is more of something
	Allocs Unit = "allocs"
	Bytes  Unit = "B"
	Millis Unit = "ms"
	Nanos  Unit = "ns"
	Each   Unit = "per request"
)

// A Goal is what a figure is held to. The zero Goal is none: the figure is only
// reported.
type Goal struct {
	Bound float64
	least bool
	set   bool
}

// AtMost is a goal for costs.
func AtMost(v float64) Goal { return Goal{Bound: v, set: true} }

// AtLeast is a goal for speeds.
func AtLeast(v float64) Goal { return Goal{Bound: v, least: true, set: true} }

func (g Goal) String() string {
	switch {
	case !g.set:
		return ""
	case g.least:
		return "≥ " + Number(g.Bound)
	}
	return "≤ " + Number(g.Bound)
}

// judge says whether the median reaches the goal, or at least the better quartile. What
// is no number reaches nothing.
func (g Goal) judge(s Spread) Verdict {
	median, better := s.Median <= g.Bound, s.P25 <= g.Bound
	if g.least {
		median, better = s.Median >= g.Bound, s.P75 >= g.Bound
	}
	switch {
	case !g.set:
		return Reported
	case median:
		return Met
	case better:
		return Near
	}
	return Missed
}

// A Verdict is what became of a figure.
type Verdict string

// The verdicts.
const (
	Reported Verdict = ""
	Met      Verdict = "met"
	// the median misses the goal, but not the better quartile: the noise is as large as
	// what is missing
	Near   Verdict = "near"
	Missed Verdict = "missed"
	Void   Verdict = "void"
)

// How far the ratio of the reference to itself may be from 1 before a measurement says
// nothing. Its quartiles may be three times as far: with a wider spread, the quartiles
// of the figure let every miss pass.
const (
	ComputeSlack  = 0.05
	DeliverySlack = 0.1
	quartileSlack = 3
)

// A Figure is one row of the results.
type Figure struct {
	Name  string // "compose/limit"
	What  string // the subject and the reference
	Unit  Unit
	Value Spread
	Goal  Goal
	Self  Spread  // of the reference against itself
	Slack float64 // that Self may have; zero: nothing was compared
	Ours  float64 // what ours costs by itself, in seconds or bytes
	Note  string  // the plain numbers
	Tries int     // measurements that were made until it was settled
	// Missing says why it could not be measured here; then it has no value.
	Missing string
}

// Void says that the machine was not steady enough for the figure to mean anything.
func (f Figure) Void() bool {
	within := func(v, slack float64) bool { return v >= 1-slack && v <= 1+slack }
	return f.Slack > 0 && !(within(f.Self.Median, f.Slack) &&
		within(f.Self.P25, quartileSlack*f.Slack) && within(f.Self.P75, quartileSlack*f.Slack))
}

// Verdict judges the figure.
func (f Figure) Verdict() Verdict {
	if f.Void() {
		return Void
	}
	return f.Goal.judge(f.Value)
}

// Gated reports whether the figure has a goal.
func (f Figure) Gated() bool { return f.Goal.set }

// Relative reports whether the figure compares the speed with that of something else,
// and returns how much faster ours is.
func (f Figure) Relative() (Spread, bool) {
	switch {
	case f.Missing != "":
		return Spread{}, false
	case f.Unit == Speed:
		return f.Value, true
	case f.Unit == Time:
		return f.Value.Inverse(), true
	}
	return Spread{}, false
}

// Figure makes a row of a comparison: of that cost which the unit is of. The note tells
// both costs.
func (c Comparison) Figure(name, what string, unit Unit, goal Goal, slack float64) Figure {
	r, inverse, number := c.Time, false, Seconds
	switch unit {
	case Speed:
		inverse = true
	case CPU:
		r = c.CPU
	case Tail:
		r = c.Tail
	case Less:
		r, inverse, number = c.Heap, true, func(v float64) string { return Number(v) + " B" }
	}
	f := Figure{Name: name, What: what, Unit: unit, Value: r.Spread, Goal: goal, Self: r.Self, Slack: slack, Ours: r.Subject.Median}
	if inverse {
		f.Value = r.Inverse()
	}
	f.Note = number(r.Subject.Median) + " : " + number(r.Reference.Median)
	return f
}

// Number writes v with three digits.
func Number(v float64) string {
	switch abs := max(v, -v); {
	case v == float64(int64(v)) && abs < 1e15:
		return strconv.FormatInt(int64(v), 10)
	case abs >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case abs >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case abs >= 0.01:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// Seconds writes a duration given in seconds with three digits.
func Seconds(v float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1, "s"}, {1e-3, "ms"}, {1e-6, "µs"}} {
		if v >= u.size {
			return Number(v/u.size) + " " + u.name
		}
	}
	return Number(v*1e9) + " ns"
}

// String is the figure in one line.
func (f Figure) String() string {
	if f.Missing != "" {
		return f.Missing
	}
	s := fmt.Sprintf("%s %s", Number(f.Value.Median), f.Unit)
	if f.Value.P25 != f.Value.P75 {
		s += fmt.Sprintf(" (%s to %s)", Number(f.Value.P25), Number(f.Value.P75))
	}
	if f.Slack > 0 {
		s += fmt.Sprintf(", self %s (%s to %s)", Number(f.Self.Median), Number(f.Self.P25), Number(f.Self.P75))
	}
	if f.Goal.set {
		s += ", goal " + f.Goal.String()
	}
	if v := f.Verdict(); v != Reported {
		s += ": " + string(v)
	}
	return s
}
