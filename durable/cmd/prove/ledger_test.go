package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// epoch is when the trials of these tests begin.
var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

func TestLedger(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(l *ledger)
		rows []string
		want comparison
	}{
		{"nothing", func(*ledger) {}, nil, comparison{}},
		{"delivered", func(l *ledger) {
			l.accept("enqueued-1", at(0), 0)
			l.deliver("enqueued-1", healthy, at(1), true)
		}, nil, comparison{enqueued: 1, delivered: 1}},
		{"delivered before its process knew", func(l *ledger) {
			l.deliver("enqueued-1", healthy, at(0), true)
			l.accept("enqueued-1", at(1), 0)
		}, nil, comparison{enqueued: 1, delivered: 1}},
		{"lost", func(l *ledger) { l.accept("enqueued-1", at(0), 0) }, nil, comparison{enqueued: 1, lost: 1}},
		{"not accepted, but sent", func(l *ledger) { l.deliver("enqueued-1", healthy, at(1), true) }, nil, comparison{}},
		{"committed", func(l *ledger) {
			l.accept("dispatched-1", at(0), 0)
			l.deliver("dispatched-1", healthy, at(1), true)
		}, []string{"dispatched-1"}, comparison{dispatched: 1, delivered: 1}},
		{"committed by a process that died", func(l *ledger) {
			l.deliver("dispatched-1", healthy, at(1), true)
		}, []string{"dispatched-1"}, comparison{dispatched: 1, delivered: 1, unsaid: 1}},
		{
			"committed by a process that died, and lost", func(*ledger) {},
			[]string{"dispatched-1"},
			comparison{dispatched: 1, lost: 1, unsaid: 1},
		},
		{
			"said to be committed, without a row", func(l *ledger) { l.accept("dispatched-1", at(0), 0) }, nil,
			comparison{dispatched: 1, lost: 1},
		},
		{"rolled back", func(l *ledger) { l.undo("dispatched-1") }, nil, comparison{undone: 1}},
		{"rolled back, and delivered", func(l *ledger) {
			l.undo("dispatched-1")
			l.deliver("dispatched-1", healthy, at(1), true)
		}, nil, comparison{undone: 1, phantoms: 1}},
		{"twice", func(l *ledger) {
			l.accept("enqueued-1", at(0), 0)
			for range 3 {
				l.deliver("enqueued-1", healthy, at(1), true)
			}
		}, nil, comparison{enqueued: 1, delivered: 1, duplicates: 1}},
		{"other bytes the second time", func(l *ledger) {
			l.accept("enqueued-1", at(0), 0)
			l.deliver("enqueued-1", healthy, at(1), true)
			l.deliver("enqueued-1", healthy, at(2), false)
		}, nil, comparison{enqueued: 1, delivered: 1, duplicates: 1, wrong: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			tt.do(l)
			got := l.settle(tt.rows, at(1000))
			got.gap, got.accept, got.healthy, got.calm = 0, spread{}, spread{}, spread{}
			require.Equal(t, tt.want, got)
			broken := got.lost+got.phantoms+got.wrong > 0
			require.Equal(t, broken, report{comparison: got}.lost())
		})
	}
}

func TestLedger_times(t *testing.T) {
	t.Parallel()
	l := newLedger()
	note := func(id string, k kind, accepted, took int) {
		l.accept(id, at(accepted), 3*time.Millisecond)
		l.deliver(id, k, at(accepted+took), true)
	}
	note("enqueued-1", healthy, 100, 10)
	note("enqueued-2", failing, 200, 2000)
	l.hang(true, at(300))
	note("enqueued-3", healthy, 310, 90)
	note("enqueued-4", healthy, 320, 20)
	note("enqueued-5", hanging, 330, 5000)
	l.hang(false, at(350))
	note("enqueued-6", healthy, 360, -1) // before its process knew
	l.accept("enqueued-7", at(370), 0)   // which is lost, and no time
	got := l.settle(nil, at(900))
	ms := func(n, p50, p99, longest int) spread {
		unit := time.Millisecond
		return spread{n, time.Duration(p50) * unit, time.Duration(p99) * unit, time.Duration(longest) * unit}
	}
	require.Equal(t, ms(4, 10, 20, 90), got.healthy)
	require.Equal(t, ms(2, 20, 20, 90), got.hung)
	require.Equal(t, ms(2, 0, 0, 10), got.calm)
	require.Equal(t, ms(1, 2000, 2000, 2000), got.failing)
	require.Equal(t, ms(7, 3, 3, 3), got.accept)
	require.Equal(t, 500*time.Millisecond, got.gap) // from the last one until the end
}

func TestLongestGap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		arrivals []time.Time
		want     int
	}{
		{"none", nil, 1000},
		{"at first", []time.Time{at(600), at(900)}, 600},
		{"between, in any sequence", []time.Time{at(950), at(10), at(400)}, 550},
		{"at the end", []time.Time{at(300)}, 700},
		{"after the end", []time.Time{at(300), at(2000)}, 700},
		{"before the beginning", []time.Time{at(-5), at(800)}, 800},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := longestGap(tt.arrivals, at(0), at(1000))
			require.Equal(t, time.Duration(tt.want)*time.Millisecond, got)
		})
	}
}

func TestProcess_listen(t *testing.T) {
	t.Parallel()
	l := newLedger()
	p := &process{quiet: make(chan struct{})}
	p.listen(l, strings.NewReader("accepted enqueued-1 5 6\nrolled-back dispatched-1\naccepted enqueued-2 x 1\n"+
		"quiet\naccepted enqueued-3 7")) // it was killed
	<-p.quiet
	require.Equal(t, map[string]*record{
		"enqueued-1":   {accepted: time.Unix(0, 5), took: 6},
		"dispatched-1": {undone: true},
	}, l.records)
}
