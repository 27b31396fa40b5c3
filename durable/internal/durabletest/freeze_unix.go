//go:build unix

package durabletest

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Freeze stops one of two processes on one database, as a virtual machine is stopped to
// be moved, for so long that the other takes its deliveries over. When it goes on, it
// believes that they are still its own.
func Freeze(t *testing.T, place Place) {
	l := newLedger(t)
	l.loose = true
	// What the process was sending when it was stopped goes out late and in any order,
	// so nothing is ordered here. A process that is stopped while it writes to a file
	// keeps the other from writing until it goes on.
	s := settings{Place: place, URL: l.receiver.URL, Number: 1, Outages: true, Loose: true}
	frozen := start(t, l, s)
	s.Number = 2
	other := start(t, l, s)
	<-frozen.begun
	<-other.begun // for one that is frozen while it writes keeps the other from opening a file
	frozen.runFor(between(2*time.Second, 4*time.Second))
	require.NoError(t, frozen.cmd.Process.Signal(syscall.SIGSTOP))
	other.runFor(50 * time.Second) // MaxTimeout, 5 s, and 30 s until somebody looks
	require.NoError(t, frozen.cmd.Process.Signal(syscall.SIGCONT))
	frozen.runFor(2 * time.Second)
	finish(frozen, other)
	// In each process, up to this many times as many jobs as there are workers wait for
	// a place.
	const fetched = 8
	l.settle(t, map[int]int{1: 1 + fetched, 2: 1 + fetched})
}
