// Package pair measures two ways of doing one thing beside each other, on machines that
// are never quiet: a figure is the ratio of interleaved slices in the order A B B A,
// and its spread over many rounds.
package pair

import (
	"runtime"

	"github.com/aclements/go-moremath/stats"
)

// A Sample is what one call cost in a slice of many, in seconds and bytes. What was not
// measured is zero.
type Sample struct {
	Time float64
	CPU  float64
	Tail float64 // what 99 % of the calls had at most: of a wait, or of how late it ended
	Heap float64 // bytes that stay, stacks included
}

// A Slice runs a way of doing a thing for a moment and tells what one call cost.
type Slice func() (Sample, error)

// A Spread is a median with its quartiles.
type Spread struct{ P25, Median, P75 float64 }

// Exactly is the spread of what is counted and not measured.
func Exactly(v float64) Spread { return Spread{v, v, v} }

// SpreadOf returns the median of xs and its quartiles. It sorts xs.
func SpreadOf(xs []float64) Spread {
	s := (&stats.Sample{Xs: xs}).Sort()
	return Spread{s.Quantile(0.25), s.Quantile(0.5), s.Quantile(0.75)}
}

// Inverse is the spread of the reciprocals.
func (s Spread) Inverse() Spread { return Spread{1 / s.P75, 1 / s.Median, 1 / s.P25} }

// Linear is the spread of what is by so many times as much, and then so much more.
func (s Spread) Linear(times, more float64) Spread {
	return Spread{times*s.P25 + more, times*s.Median + more, times*s.P75 + more}
}

// A Comparison is what came of two ways of doing a thing.
type Comparison struct{ Time, CPU, Tail, Heap Ratio }

// A Ratio compares one of the costs. It is zero where that was not measured.
type Ratio struct {
	Spread                    // the subject's cost over that of the reference
	Self               Spread // the reference's over its own
	Subject, Reference Spread // themselves
}

// Compare measures both ways in so many rounds, after one round that does not count:
// connections are made in it, pools filled, and slices sized.
func Compare(rounds int, subject, reference Slice) (Comparison, error) {
	if _, err := CompareCold(1, subject, reference); err != nil {
		return Comparison{}, err
	}
	return CompareCold(rounds, subject, reference)
}

// CompareCold is Compare for slices of seconds, whose first one is like the others: all rounds count.
func CompareCold(rounds int, subject, reference Slice) (c Comparison, err error) {
	runtime.GC() // what came before is not theirs
	all := make([][4]Sample, rounds)
	for i := range all {
		for k, slice := range [4]Slice{subject, reference, reference, subject} {
			if all[i][k], err = slice(); err != nil {
				return c, err
			}
		}
	}
	return Comparison{
		Time: ratioOf(all, func(s Sample) float64 { return s.Time }),
		CPU:  ratioOf(all, func(s Sample) float64 { return s.CPU }),
		Tail: ratioOf(all, func(s Sample) float64 { return s.Tail }),
		Heap: ratioOf(all, func(s Sample) float64 { return s.Heap }),
	}, nil
}

func ratioOf(rounds [][4]Sample, cost func(Sample) float64) Ratio {
	var ratios, self, subjects, references []float64
	for _, s := range rounds {
		a1, b1, b2, a2 := cost(s[0]), cost(s[1]), cost(s[2]), cost(s[3])
		if a1 == 0 || a2 == 0 {
			return Ratio{}
		}
		ratios, self = append(ratios, (a1+a2)/(b1+b2)), append(self, b1/b2)
		subjects, references = append(subjects, a1, a2), append(references, b1, b2)
	}
	return Ratio{SpreadOf(ratios), SpreadOf(self), SpreadOf(subjects), SpreadOf(references)}
}
