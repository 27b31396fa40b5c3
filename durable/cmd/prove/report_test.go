package main

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReport(t *testing.T) {
	t.Parallel()
	r := report{
		comparison: comparison{
			enqueued: 2000, dispatched: 1000, unsaid: 3, delivered: 2999, lost: 1, undone: 100, phantoms: 2,
			duplicates: 7, gap: 1240 * time.Millisecond,
			accept:  spread{n: 1, p50: 2 * time.Millisecond, p99: 41 * time.Millisecond, longest: time.Second},
			healthy: spread{n: 1, p50: 3 * time.Millisecond, p99: 1234 * time.Millisecond, longest: 38 * time.Second},
		},
		database: "PostgreSQL 15.18", during: time.Minute, rate: 100, kills: 9, cuts: 11,
		cutErr: errors.New("no right"), drained: 33820 * time.Millisecond, pending: 1,
	}
	var out strings.Builder
	r.print(&out)
	require.Equal(t, `PostgreSQL 15.18, 1m0s, up to 100 events a second:
3 processes that report events and deliver them, to 8 healthy endpoints,
2 that refuse two requests of three, and 4 that hang half of the time

accepted                      3,000   2,000 enqueued, 1,000 in transactions with a row
delivered                     2,999
lost                              1   1 still pending after 3m0s
delivered, not committed          2   100 transactions rolled back
delivered, other bytes            0
delivered twice                   7   what a kill or a cut found in flight

kills                             9   3 accepted by a process that died before it said so
cuts                             11   all connections of the processes terminated; once not: no right
longest gap                   1.2 s   without a delivery to a healthy endpoint
all delivered after          33.8 s   from the last event on

                                p50       p99   longest
from call to commit            2 ms     41 ms     1.0 s
from commit to receiver        3 ms     1.2 s    38.0 s

The longest are of messages that a killed process held: others take
them over after 8s to 43s, and may be killed too.

NOT AS PROMISED: see above.
`, out.String())
}

func TestScreen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		s := newScreen(&out)
		for i := range 22 {
			s.say("%d s", i)
			time.Sleep(time.Second)
		}
		s.clear()
		require.Equal(t, "0 s\n10 s\n20 s\n", out.String())
	})
	var out strings.Builder
	s := &screen{w: &out, terminal: true}
	s.say("one")
	s.say("two")
	s.clear()
	require.Equal(t, "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K", out.String())
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		require.Equal(t, want, thousands(n))
	}
}
