// Package pair measures two ways of doing one thing beside each other, on machines that are never quiet: a figure is the
// ratio of interleaved slices in the order A B B A, and its spread over many rounds.
package pair

import (
	"runtime"

	"github.com/aclements/go-moremath/stats"
)

// A Sample is what one call cost in a slice of many, in seconds. CPU is zero where it was not measured.
type Sample struct{ Time, CPU float64 }

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

// A Comparison is what came of two ways of doing a thing.
type Comparison struct {
	Time, CPU          Spread // the subject's cost over that of the reference
	Self               Spread // the reference's time over its own
	Subject, Reference Sample // medians
}

// Compare measures both ways in so many rounds, after one round that does not count: connections are made in it, pools
// filled, and slices sized.
func Compare(rounds int, subject, reference Slice) (c Comparison, err error) {
	runtime.GC() // what came before is not theirs
	var time, cpu, self []float64
	var subjects, references [2][]float64
	for round := range rounds + 1 {
		var s [4]Sample
		for i, slice := range [4]Slice{subject, reference, reference, subject} {
			if s[i], err = slice(); err != nil {
				return c, err
			}
		}
		if round == 0 {
			continue
		}
		time = append(time, (s[0].Time+s[3].Time)/(s[1].Time+s[2].Time))
		self = append(self, s[1].Time/s[2].Time)
		if used := s[1].CPU + s[2].CPU; used > 0 {
			cpu = append(cpu, (s[0].CPU+s[3].CPU)/used)
		}
		for i := range 2 {
			subjects[0], subjects[1] = append(subjects[0], s[3*i].Time), append(subjects[1], s[3*i].CPU)
			references[0], references[1] = append(references[0], s[1+i].Time), append(references[1], s[1+i].CPU)
		}
	}
	c.Time, c.Self = SpreadOf(time), SpreadOf(self)
	if len(cpu) == len(time) {
		c.CPU = SpreadOf(cpu)
	}
	c.Subject = Sample{SpreadOf(subjects[0]).Median, SpreadOf(subjects[1]).Median}
	c.Reference = Sample{SpreadOf(references[0]).Median, SpreadOf(references[1]).Median}
	return c, nil
}
