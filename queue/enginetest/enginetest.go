// Package enginetest tests that a [queue.Engine] behaves as package queue says.
package enginetest

import (
	"testing"
	"time"

	"github.com/ringhook/webhook/queue"
)

// OpenFunc opens the engine under test for [TestEngine]. If previous is nil, it returns
// a new and empty engine with a store of its own. Otherwise it opens another engine on
// what previous has kept, whose Run has returned. Whatever has to be closed, t.Cleanup
// should close: that runs after Run has returned.
type OpenFunc = func(t testing.TB, previous queue.Engine) queue.Engine

// TestEngine tests that an engine does what [queue.Engine] says and, if it is one of
// them, what [queue.Orderer], [queue.Canceler], [queue.Statser], [queue.Waker] and
// [queue.Endpoints] say. The engine in memory passes it as
//
//	enginetest.TestEngine(t, func(t testing.TB, previous queue.Engine) queue.Engine {
//		engine, err := memory.New(memory.Config{})
//		require.NoError(t, err)
//		if previous != nil {
//			left := previous.(*memory.Engine).Pending()
//			require.NoError(t, engine.Resume(t.Context(), left...))
//		}
//		return engine
//	})
//
// Each subtest opens an engine of its own and judges by what it hands out. The engine
// must hand out at least eight tasks at once. It may be slow: a subtest fails for that
// only after half a minute, and then says what it has waited for. A task that comes too
// early is a failure, but for 5 ms, since stores round times.
//
// The test takes about eight seconds with a fast engine: it waits to see that things do
// not happen.
func TestEngine(t *testing.T, open OpenFunc) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) { c.do(t, open) })
	}
}

const (
	// patience is how long one check may take.
	patience = 30 * time.Second
	// tick is the unit of all waits: much longer than a fast engine takes for anything.
	tick = 100 * time.Millisecond
	// slack is by how much a time may differ that went through a store.
	slack = 5 * time.Millisecond
)

// A check runs on a trial, which takes a testing.TB so that a test can look at how it
// fails.
type check struct {
	name string
	run  func(tr *trial)
}

func (c check) do(t testing.TB, open OpenFunc) {
	tr := newTrial(t, open)
	defer tr.close() // also after Fatal or Skip
	c.run(tr)
}

func checks() []check {
	return []check{
		{"done", checkDone},
		{"dead is final", checkDead},
		{"retries", checkRetries},
		{"deferrals are not counted", checkDeferrals},
		{"a failure of the proxy is no attempt", checkProxy},
		{"the message to the byte", checkMessage},
		{"not before its time", checkNotBefore},
		{"since it was enqueued", checkSince},
		{"enqueued before Run", checkBeforeRun},
		{"enqueued while Run is idle", checkIdle},
		{"enqueued by a handler", checkByHandler},
		{"the same ID", checkSameID},
		{"the same ID in flight", checkSameIDInFlight},
		{"another message under an ID that is kept", checkTaken},
		{"all of a batch or none", checkBatch},
		{"a context that has ended", checkEndedContext},
		{"many at once", checkMany},

		{"stop and reopen", checkReopen},
		{"nothing is handed out after the end", checkEnd},
		{"an attempt cut off is none", checkCutOff},
		{"second Run", checkSecondRun},
		{"a Run that ends at once", checkShortRun},
		{"enqueued after Run", checkAfterRun},

		{"a slot for each", checkSlots},
		{"not ready yet", checkNotReady},
		{"Waker: ready before its time", checkWake},

		{"Orderer: one after another", checkOrder},
		{"Orderer: others are not held up", checkOrdersApart},
		{"Orderer: stop and reopen", checkOrderReopen},
		{"Orderer: Supersede", checkSupersede},
		{"Orderer: Supersede a retry", checkSupersedeRetry},
		{"Canceler: waiting", checkCancelWaiting},
		{"Canceler: in flight", checkCancelInFlight},
		{"Canceler: in an order", checkCancelOrdered},
		{"Statser: what waits", checkStatsWaiting},
		{"Statser: what is in flight", checkStatsInFlight},

		{"Endpoints: what is stored", checkEndpointStored},
		{"Endpoints: one of two changes", checkEndpointConflict},
		{"Endpoints: what has changed", checkEndpointChanged},
		{"Endpoints: no change is missed", checkEndpointMissed},
		{"Endpoints: held while paused", checkEndpointHeld},
	}
}
