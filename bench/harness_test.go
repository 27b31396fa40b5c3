package main

import (
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/bench/internal/pair"
)

// spin is work that takes the same number of instructions each time.
func spin(n int) uint64 {
	h := uint64(14695981039346656037)
	for i := range uint64(n) {
		h = (h ^ i) * 1099511628211
	}
	return h
}

var sink atomic.Uint64

// On a real clock: work that is 1.3 times as much is found, and equal work is not, be
// it a loop or a worker's load. Void measurements say nothing either way, which is what
// they are for, so they are made again.
func TestHarness_Spin(t *testing.T) { //nolint:paralleltest // it measures
	loop := func(work int) pair.Slice {
		// so that other work on the machine leaves most rounds alone
		const slice = 100 * time.Microsecond
		return pair.Loop(slice, func() { sink.Store(spin(work)) })
	}
	load := func(work int) pair.Slice {
		// of two, each would wait for the other's CPU
		return pair.Load(2*time.Millisecond, 1, func(int) error {
			sink.Store(spin(work))
			return nil
		})
	}
	tests := []struct {
		name  string
		slice func(work int) pair.Slice
		unit  pair.Unit
		goal  pair.Goal
		slack float64
	}{
		{"loop", loop, pair.Time, pair.AtMost(1.15), pair.ComputeSlack},
		{"load", load, pair.Speed, pair.AtLeast(0.87), pair.DeliverySlack},
	}
	for _, tt := range tests { //nolint:paralleltest // it measures
		measure := func(t *testing.T, work int) pair.Figure {
			c := pair.Of("spin", func() (pair.Figure, error) {
				c, err := pair.Compare(100, tt.slice(work), tt.slice(1000))
				return c.Figure("spin", "", tt.unit, tt.goal, tt.slack), err
			})
			for range 20 {
				figures, err := c.Measure()
				require.NoError(t, err)
				if figures[0].Verdict() != pair.Void {
					return figures[0]
				}
			}
			require.FailNow(t, "the machine is not steady enough to measure anything")
			panic("not reached")
		}
		t.Run(tt.name+", equal", func(t *testing.T) {
			got := measure(t, 1000)
			require.Equal(t, pair.Met, got.Verdict(), got.String())
			require.InDelta(t, 1, got.Value.Median, 0.05, got.String())
		})
		t.Run(tt.name+", 1.3 times the work", func(t *testing.T) {
			got := measure(t, 1300)
			require.Equal(t, pair.Missed, got.Verdict(), got.String())
		})
	}
}

// machine is a clock of its own: slices cost what a script says, and the machine gets
// slower all the time.
type machine struct {
	slices int
	drift  float64        // of its speed, for each slice
	noise  func() float64 // a factor
}

func (m *machine) slice(cost float64) pair.Slice {
	return func() (pair.Sample, error) {
		m.slices++
		v := cost * (1 + m.drift*float64(m.slices))
		if m.noise != nil {
			v *= m.noise()
		}
		return pair.Sample{Time: v, CPU: 2 * v}, nil
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	bursts := func() func() float64 { // one slice in seven takes five times as long
		n := 0
		return func() float64 {
			if n++; n%7 == 0 {
				return 5
			}
			return 1
		}
	}
	tests := []struct {
		name       string
		machine    machine
		cost       float64
		time, self float64
		tolerance  float64
	}{
		{"equal", machine{}, 1, 1, 1, 1e-9},
		{"slower", machine{}, 1.3, 1.3, 1, 1e-9},
		{"faster", machine{}, 0.5, 0.5, 1, 1e-9},
		{"equal under drift", machine{drift: 0.01}, 1, 1, 1, 0.01},
		{"slower under drift", machine{drift: 0.01}, 1.3, 1.3, 1, 0.01},
		{"equal in bursts", machine{noise: bursts()}, 1, 1, 1, 1e-9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := pair.Compare(60, tt.machine.slice(tt.cost), tt.machine.slice(1))
			require.NoError(t, err)
			require.InDelta(t, tt.time, c.Time.Median, tt.tolerance)
			require.InDelta(t, tt.time, c.CPU.Median, tt.tolerance)
			require.InDelta(t, tt.self, c.Time.Self.Median, tt.tolerance)
			require.InDelta(t, tt.self, c.CPU.Self.Median, tt.tolerance)
			require.Zero(t, c.Tail, "not measured")
			require.Equal(t, 4*61, tt.machine.slices)
		})
	}

	t.Run("from the first slice on", func(t *testing.T) {
		t.Parallel()
		m := machine{drift: 1}
		c, err := pair.CompareCold(1, m.slice(3), m.slice(1))
		require.NoError(t, err)
		require.Equal(t, pair.Exactly(3), c.Time.Spread)
		require.Equal(t, pair.Exactly(0.75), c.Time.Self)
		require.InDelta(t, 3*3.5, c.Time.Subject.Median, 1e-9)
		require.InDelta(t, 3.5, c.Time.Reference.Median, 1e-9)
		require.Equal(t, 4, m.slices)
	})

	t.Run("an error ends it", func(t *testing.T) {
		t.Parallel()
		want := errors.New("refused")
		_, err := pair.Compare(60, (&machine{}).slice(1), func() (pair.Sample, error) { return pair.Sample{}, want })
		require.ErrorIs(t, err, want)
	})
}

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, pair.Spread{P25: 1, Median: 1, P75: 1}, pair.Exactly(1))
	s := pair.SpreadOf([]float64{5, 1, 4, 2, 3, 9, 8, 7, 6})
	require.InDelta(t, 5, s.Median, 1e-9)
	require.InDelta(t, 3, s.P25, 0.5)
	require.InDelta(t, 7, s.P75, 0.5)
	require.Equal(t, pair.Spread{P25: 0.25, Median: 0.5, P75: 1}, pair.Spread{P25: 1, Median: 2, P75: 4}.Inverse())
}

func TestLoad(t *testing.T) {
	t.Parallel()
	seen := make([]int, 4)
	s, err := pair.Load(time.Millisecond, 4, func(worker int) error { seen[worker]++; return nil })()
	require.NoError(t, err)
	require.Positive(t, s.Time)
	for worker, n := range seen {
		require.Positive(t, n, "worker %d", worker)
	}
	// many have a lead-in
	for workers, want := range map[int]int64{255: 255, 256: 2 * 256} {
		var calls atomic.Int64
		_, err = pair.Load(1, workers, func(int) error { calls.Add(1); return nil })()
		require.NoError(t, err)
		require.Equal(t, want, calls.Load(), "%d workers, which call once each", workers)
	}
	want := errors.New("refused")
	_, err = pair.Measured(func() (int, error) { return 1, want })
	require.ErrorIs(t, err, want)
	_, err = pair.Load(time.Hour, 4, func(worker int) error {
		if worker == 2 {
			return want
		}
		return nil
	})()
	require.ErrorIs(t, err, want)
}

func TestPer(t *testing.T) {
	t.Parallel()
	s, err := pair.Per(4, (&machine{}).slice(8))()
	require.NoError(t, err)
	require.Equal(t, pair.Sample{Time: 2, CPU: 4}, s)
}

func TestFigure_Verdict(t *testing.T) {
	t.Parallel()
	steady := pair.Spread{P25: 0.99, Median: 1.04, P75: 1.09}
	tests := []struct {
		name  string
		value pair.Spread
		goal  pair.Goal
		self  pair.Spread
		want  pair.Verdict
	}{
		{"no goal", pair.Exactly(1), pair.Goal{}, steady, pair.Reported},
		{"within", pair.Spread{P25: 1.3, Median: 1.4, P75: 1.6}, pair.AtMost(1.5), steady, pair.Met},
		{"only the median misses", pair.Spread{P25: 1.4, Median: 1.6, P75: 1.7}, pair.AtMost(1.5), steady, pair.Near},
		{"p25 misses too", pair.Spread{P25: 1.51, Median: 1.6, P75: 1.7}, pair.AtMost(1.5), steady, pair.Missed},
		{"fast enough", pair.Spread{P25: 0.9, Median: 1, P75: 1.1}, pair.AtLeast(0.95), steady, pair.Met},
		{"only the median is too slow", pair.Spread{P25: 0.8, Median: 0.9, P75: 0.96}, pair.AtLeast(0.95), steady, pair.Near},
		{"p75 is too slow too", pair.Spread{P25: 0.8, Median: 0.9, P75: 0.94}, pair.AtLeast(0.95), steady, pair.Missed},
		{"exactly", pair.Exactly(6), pair.AtMost(6), steady, pair.Met},
		{"no number", pair.Exactly(math.NaN()), pair.AtMost(6), steady, pair.Missed},
		{"reference slower than itself", pair.Exactly(9), pair.AtMost(6), pair.Exactly(1.051), pair.Void},
		{"reference faster than itself", pair.Exactly(1), pair.AtMost(6), pair.Exactly(0.949), pair.Void},
		{"reference unsteady", pair.Exactly(1), pair.AtMost(6), pair.Spread{P25: 0.84, Median: 1, P75: 1.14}, pair.Void},
		{"reference a little unsteady", pair.Exactly(1), pair.AtMost(6), pair.Spread{P25: 0.86, Median: 1, P75: 1.14}, pair.Met},
		{"void without a goal", pair.Exactly(1), pair.Goal{}, pair.Exactly(0.949), pair.Void},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := pair.Figure{Value: tt.value, Goal: tt.goal, Self: tt.self, Slack: pair.ComputeSlack}
			require.Equal(t, tt.want, f.Verdict())
		})
	}
}

// What does not meet its goal is measured again, and what is void says nothing.
func TestCase_Measure(t *testing.T) {
	t.Parallel()
	verdicts := map[byte]pair.Figure{
		'+': {Value: pair.Exactly(1), Goal: pair.AtMost(2)},
		'-': {Value: pair.Exactly(3), Goal: pair.AtMost(2)},
		'0': {Value: pair.Exactly(3), Goal: pair.AtMost(2), Slack: 0.1},
		'.': {Value: pair.Exactly(3)},
		'~': {Value: pair.Spread{P25: 1.5, Median: 2.5, P75: 3}, Goal: pair.AtMost(2)},
	}
	tests := []struct {
		name   string
		script string // what the measurements give
		want   pair.Verdict
		runs   int
	}{
		{"met", "+--", pair.Met, 1},
		{"reported", ".--", pair.Reported, 1},
		{"missed once", "-+-", pair.Met, 2},
		{"missed twice", "--+", pair.Missed, 2},
		{"near twice", "~~+", pair.Near, 2},
		{"near once", "~+-", pair.Met, 2},
		{"near, then missed twice", "~--", pair.Missed, 3},
		{"missed, near, missed", "-~-", pair.Missed, 3},
		{"missed, then near twice", "-~~", pair.Near, 3},
		{"missed, near, met", "-~+", pair.Met, 3},
		{"missed, void, missed", "-0-", pair.Missed, 3},
		{"missed, void, met", "-0+", pair.Met, 3},
		{"missed, void, near", "-0~", pair.Void, 3},
		{"never confirmed", "-00", pair.Void, 3},
		{"void at first", "0+-", pair.Met, 2},
		{"void, then missed twice", "0--", pair.Missed, 3},
		{"void, then missed", "00-", pair.Void, 3},
		{"always void", "000", pair.Void, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			c := pair.Case{Names: []string{""}, Run: func() ([]pair.Figure, error) {
				runs++
				return []pair.Figure{verdicts['+'], verdicts[tt.script[runs-1]]}, nil
			}}
			got, err := c.Measure()
			require.NoError(t, err)
			require.Equal(t, pair.Met, got[0].Verdict())
			require.Equal(t, 1, got[0].Tries)
			require.Equal(t, tt.want, got[1].Verdict())
			require.Equal(t, tt.runs, got[1].Tries)
			require.Equal(t, tt.runs, runs)
		})
	}

	want := errors.New("refused")
	_, err := pair.Of("deliver/raw", func() (pair.Figure, error) { return pair.Figure{}, want }).Measure()
	require.ErrorIs(t, err, want)
	require.EqualError(t, err, "deliver/raw: refused")

	_, err = pair.Of("deliver/raw", func() (pair.Figure, error) { return pair.Figure{Name: "deliver/ray"}, nil }).Measure()
	require.EqualError(t, err, `deliver/raw: measures "deliver/ray", which is not among its names`)
}

func TestCase_Begins(t *testing.T) {
	t.Parallel()
	c := pair.Case{Names: []string{"pending/cpu-1M", "pending/late-1M"}}
	tests := []struct {
		prefix string
		want   bool
	}{
		{"", true},
		{"pending", true},
		{"pending/late", true},
		{"pending/cpu-1M", true},
		{"pending/cpu-1M-goroutine", false},
		{"late", false},
		{"deliver", false},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, c.Begins(tt.prefix), tt.prefix)
	}
}

// A first slice that is disturbed does not make all others short.
func TestLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls, slow := 0, 3
		s := pair.Loop(time.Millisecond, func() {
			if calls++; calls <= slow {
				time.Sleep(time.Second)
			}
			time.Sleep(time.Microsecond)
		})
		for range 12 {
			_, err := s()
			require.NoError(t, err)
		}
		before := calls
		got, err := s()
		require.NoError(t, err)
		require.InDelta(t, 1e-6, got.Time, 1e-12)
		require.Equal(t, 512, calls-before)
	})
}

func TestFigure_String(t *testing.T) {
	t.Parallel()
	ratio := func(p25, median, p75, subject, reference float64) pair.Ratio {
		return pair.Ratio{
			Spread: pair.Spread{P25: p25, Median: median, P75: p75}, Self: pair.Exactly(1.004),
			Subject: pair.Exactly(subject), Reference: pair.Exactly(reference),
		}
	}
	c := pair.Comparison{
		Time: ratio(0.032, 0.04, 0.05, 412e-9, 10.3e-6),
		CPU:  ratio(0.4, 0.5, 0.6, 1e-6, 2e-6),
		Tail: ratio(1, 1.5, 2, 3e-3, 2e-3),
		Heap: ratio(0.04, 0.05, 0.0625, 150, 3000),
	}
	tests := []struct {
		unit       pair.Unit
		goal       pair.Goal
		want, note string
	}{
		{pair.Speed, pair.AtLeast(25), "25 × as fast (20 to 31.2), self 1.00 (1.00 to 1.00), goal ≥ 25: met", "412 ns : 10.3 µs"},
		{pair.Time, pair.AtMost(0.03), "0.04 × the time (0.03 to 0.05), self 1.00 (1.00 to 1.00), goal ≤ 0.03: missed", "412 ns : 10.3 µs"},
		{pair.CPU, pair.Goal{}, "0.50 × the CPU (0.40 to 0.60), self 1.00 (1.00 to 1.00)", "1 µs : 2 µs"},
		{pair.Tail, pair.AtMost(2), "1.50 × the p99 (1 to 2), self 1.00 (1.00 to 1.00), goal ≤ 2: met", "3 ms : 2 ms"},
		{pair.Less, pair.AtLeast(12), "20 × less memory (16 to 25), self 1.00 (1.00 to 1.00), goal ≥ 12: met", "150 B : 3000 B"},
	}
	for _, tt := range tests {
		t.Run(string(tt.unit), func(t *testing.T) {
			t.Parallel()
			f := c.Figure("compose/x", "Compose : text/template", tt.unit, tt.goal, pair.ComputeSlack)
			require.Equal(t, tt.want, f.String())
			require.Equal(t, tt.note, f.Note)
		})
	}
	require.Equal(t, "6 allocs, goal ≤ 6: met", pair.Figure{Unit: pair.Allocs, Value: pair.Exactly(6), Goal: pair.AtMost(6)}.String())
	require.Equal(t, "0.0021 per request", pair.Figure{Unit: pair.Each, Value: pair.Exactly(0.0021)}.String())
	require.Equal(t, "17 ms (12 to 22), goal ≤ 20: met",
		pair.Figure{Unit: pair.Millis, Value: pair.Spread{P25: 0.01, Median: 0.015, P75: 0.02}.Linear(1e3, 2), Goal: pair.AtMost(20)}.String())
}
