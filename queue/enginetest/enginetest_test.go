package enginetest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/enginetest"
)

func TestTestEngine(t *testing.T) {
	t.Parallel()

	t.Run("All", func(t *testing.T) {
		t.Parallel()
		enginetest.TestEngine(t, open(""))
	})
	t.Run("Plain", func(t *testing.T) { // none of the optional interfaces
		t.Parallel()
		type plain struct{ queue.Engine }
		enginetest.TestEngine(t, func(t testing.TB, previous queue.Engine) queue.Engine {
			if previous != nil {
				previous = previous.(plain).Engine
			}
			return plain{open("")(t, previous)}
		})
	})
	// As a database that is polled, rounds times and cannot ask Ready.
	t.Run("Slow", func(t *testing.T) {
		t.Parallel()
		for _, name := range enginetest.CheckNames() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				require.Empty(t, complain(t, name, "is slow"))
				require.Empty(t, complain(t, name, "tells one change at a time"))
			})
		}
	})
}

// TestTestEngine_Teeth breaks an engine in one way at a time, and sees that the suite
// notices. It waits in bubbles, where half a minute takes no time.
func TestTestEngine_Teeth(t *testing.T) {
	t.Parallel()

	tests := []struct {
		flaw  string
		check string // the one that must fail
		says  string // a part of what it must say
	}{
		{"delivers for ever", "done", "task: handed out again after its end"},
		{"tries the dead again", "dead is final", "failed: handed out again after its end"},
		{"does not count", "retries", "task: handed out with N 1 after 1 retries"},
		{"counts from 0", "done", "task: handed out with N 0 after 0 retries"},
		{"does not wait before a retry", "retries", "task: handed out 200ms too early"},
		{"waits from the start of the attempt", "retries", "task: handed out 60ms too early"},
		{"does not wake up for retries", "retries", "waited too long for the end of task"},
		{"counts deferrals", "deferrals are not counted", "task: handed out with N 2 after 0 retries"},
		{"counts deferrals", "a failure of the proxy is no attempt", "task: handed out with N 2 after 0 retries"},
		{"does not wait after a deferral", "deferrals are not counted", "task: handed out 200ms too early"},
		{"changes the body", "the message to the byte", "with another message: its Body is"},
		{"changes the body on retry", "the message to the byte", "with another message: its Body is"},
		{
			"keeps text as UTF-8", "the message to the byte",
			"every-byte: handed out with another message: its URL is",
		},
		{"loses header values", "the message to the byte", "with another message: its Header is"},
		{"loses the policy", "the message to the byte", "with another message: its Policy is"},
		{"loses the rank", "the message to the byte", "with another message: its Rank is 0, want -3"},
		{"loses the message", "the message to the byte", "with another message: it is <nil>"},
		{"loses the key", "done", `task: handed out with Key "" and Order "", want "key" and ""`},
		{
			"changes the caller's message", "done",
			"task: the engine has changed the caller's message: its Header is",
		},
		{"ignores NotBefore", "not before its time", "later: handed out 400ms too early"},
		{"is early", "not before its time", "late: handed out 60ms too early"},
		{"says no Since", "since it was enqueued", "task: handed out with Since 0001-01-01"},
		{"says when it hands out", "since it was enqueued", "task: handed out with Since"},
		{"starts Since again", "since it was enqueued", "task: handed out with Since"},
		{"forgets Since at reopen", "since it was enqueued", "task: handed out with Since"},
		{"begins empty", "enqueued before Run", "waited too long for the end of first"},
		{
			"does not wake up for new ones", "enqueued while Run is idle",
			"waited too long for the end of first",
		},
		{"refuses tasks of handlers", "enqueued by a handler", "Enqueue from inside Handle: naive: busy"},
		{
			"refuses an ID that is kept", "the same ID",
			"Enqueue of an ID that is kept already: naive: kept already",
		},
		{"the last of an ID wins", "the same ID", "with another message: its Rank is"},
		{
			"takes another message for the same", "another message under an ID that is kept",
			"under an ID that is kept: <nil>, want ErrTaken",
		},
		{"keeps an ID twice", "the same ID", "kept: handed out"},
		{"keeps an ID twice that is in flight", "the same ID in flight", "task: handed out"},
		{"takes half a batch", "all of a batch or none", "handed out, but it is not kept"},
		{"takes what has no message", "all of a batch or none", "one with no Message, returned nil"},
		{"takes what has no ID", "all of a batch or none", "one with no ID, returned nil"},
		{"takes what has no Key", "all of a batch or none", "one with no Key, returned nil"},
		{
			"does not look at the context", "a context that has ended",
			"Enqueue with a context that has ended returned nil",
		},
		{"keeps in spite of an error", "a context that has ended", "handed out, but it is not kept"},
		{"hands out twice", "many at once", "handed out twice at once"},
		{"has one worker", "many at once", "waited too long for several in flight at once"},

		{"loses what waits at the end", "stop and reopen", "waited too long for the end of waiting"},
		{"forgets N at reopen", "stop and reopen", "retried: handed out with N 1 after 2 retries"},
		{"forgets times at reopen", "stop and reopen", "waiting: handed out"},
		{"books nothing after the end", "stop and reopen", "held-done: handed out again after its end"},
		{
			"does not wait for the handlers", "stop and reopen",
			"Run returned <nil> while handlers were running",
		},
		{"ends the contexts of handlers", "stop and reopen", "held-done: the context of Handle has ended"},
		{
			"goes on while it waits for the handlers", "nothing is handed out after the end",
			"later: handed out with N [1] until now",
		},
		{
			"goes on while it waits for the handlers", "an attempt cut off is none",
			"fresh: handed out with N [1 1] until now, want [1]",
		},
		{"returns the context's error", "done", "Run returned: context canceled"},
		{
			"runs twice", "second Run",
			"a second Run while the first is on returned <nil>, want queue.ErrRunning",
		},
		{"runs again", "second Run", "a second Run after the first returned <nil>, want queue.ErrRunning"},
		{"a second Run ends the first", "second Run", "waited too long for the end of during"},
		{
			"looks at the context too late", "a Run that ends at once",
			"task: handed out by a Run whose context had ended",
		},
		{"takes tasks in vain", "enqueued after Run", "waited too long for the end of task"},

		{
			"asks Ready and goes on", "a slot for each",
			"was handed out without a slot, though the engine asks Ready",
		},
		{"takes two slots", "a slot for each", "given by Ready, were never used"},
		{"does not see a Handle return", "a slot for each", "waited too long for the end of"},
		{"never asks Ready again", "not ready yet", "waited too long for the end of closed-0"},
		{"does not wake", "Waker: ready before its time", "waited too long for the end of closed-0"},
		{"asks Ready all the time", "not ready yet", "though it said to wait for 100ms"},

		{"knows no order", "Orderer: one after another", "handed out before the end of"},
		{"overtakes what waits", "Orderer: one after another", "handed out before the end of"},
		{"has one order", "Orderer: others are not held up", "waited too long for the end of free-1"},
		{"takes no Order for an order", "many at once", "waited too long for several in flight at once"},
		{"forgets the order at reopen", "Orderer: stop and reopen", "handed out before the end of"},
		{
			"supersedes the same rank", "Orderer: Supersede",
			`returned ["equal" "old" "oldest"], want ["old" "oldest"]`,
		},
		{
			"supersedes all orders", "Orderer: Supersede",
			`returned ["loose" "old" "oldest" "other"], want ["old" "oldest"]`,
		},
		{
			"supersedes what is in flight", "Orderer: Supersede",
			`returned ["held" "old" "oldest"], want ["old" "oldest"]`,
		},
		{
			"supersedes what has no rank", "Orderer: Supersede",
			`returned ["below" "none" "old" "oldest"], want ["old" "oldest"]`,
		},
		{"only says that it supersedes", "Orderer: Supersede", "old: handed out again after its end"},
		{"knows no newest", "Orderer: Supersede", "Newest of order returned 0, false, want 4, true"},
		{
			"does not say what it supersedes", "Orderer: Supersede a retry",
			`returned [], want ["asleep" "behind"]`,
		},
		{"only says that it cancels", "Canceler: waiting", "fresh: handed out again after its end"},
		{"cancels what is unknown", "Canceler: waiting", "Cancel of a task that is unknown returned true"},
		{
			"cannot cancel what is in flight", "Canceler: in flight",
			"returned false and the error <nil>, want true",
		},
		{
			"lets the attempt of a canceled one decide", "Canceler: in flight",
			"held-retry: handed out again after its end",
		},
		{"only says that it cancels", "Canceler: in an order", "waited too long for the end of second"},
		{"counts all as due", "Statser: what waits", "Stats without endpoints: {Pending:6 Due:6"},
		{"says the newest", "Statser: what waits", "Stats without endpoints: {Pending:6 Due:5"},
		{"sorts endpoints by name", "Statser: what waits", "Stats with two endpoints: "},
		{"tells all endpoints", "Statser: what waits", "Stats without endpoints: "},
		{
			"counts what is in flight as pending", "Statser: what is in flight",
			"Stats with three in flight: {Pending:5",
		},
		{
			"forgets Since at reopen", "Statser: what is in flight",
			"Stats after it was opened again: {Pending:3",
		},

		{"knows no state at first", "Endpoints: what is stored", "before the first change, an endpoint is "},
		{"forgets why", "Endpoints: what is stored", "as SetEndpoint returned it, an endpoint is "},
		{"forgets whom to tell", "Endpoints: what is stored", "as Endpoint returned it, an endpoint is "},
		{
			"the last change wins", "Endpoints: one of two changes",
			"SetEndpoint of a with Rev 0 returned true, want false",
		},
		{
			"returns what it did not store", "Endpoints: one of two changes",
			"SetEndpoint after another change returned ",
		},
		{"the last change wins", "Endpoints: one of two changes", "8 of 8 changes at once were stored, want 1"},
		{"counts the changes of each key", "Endpoints: what has changed", "the Rev of a change is 1, after 1"},
		{"counts the first change only", "Endpoints: what has changed", "want the one that has changed"},
		{"tells all as changed", "Endpoints: what has changed", "Changed after Rev 30 returned "},
		{"tells the newest change first", "Endpoints: what has changed", "Changed after Rev 30 returned "},
		{"counts before it stores", "Endpoints: no change is missed", "whoever follows Changed has seen "},
		{"does not know what is held", "Endpoints: held while paused", "Stats with a paused endpoint: "},
		{"counts what is held as due", "Endpoints: held while paused", "Held:3"},
		{"says the oldest that is held", "Endpoints: held while paused", "Held:3"},
		{"does not wake", "Endpoints: held while paused", "waited too long for the end of a-"},
	}
	for _, tt := range tests {
		t.Run(tt.flaw+"/"+tt.check, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, complain(t, tt.check, ""), "without the flaw")
			require.Contains(t, complain(t, tt.check, tt.flaw), tt.says)
		})
	}

	caught := make(map[string]bool)
	for _, tt := range tests {
		caught[tt.check] = true
	}
	for _, name := range enginetest.CheckNames() {
		require.True(t, caught[name], "no engine fails %q", name)
	}
}

// complain returns what a check says against an engine with a flaw.
func complain(t *testing.T, check, flaw string) (said string) {
	synctest.Test(t, func(t *testing.T) {
		tb := &complaints{TB: t}
		ended := make(chan struct{})
		go func() { // that Fatalf can end
			defer close(ended)
			enginetest.CheckEngine(tb, check, open(flaw))
		}()
		<-ended
		tb.mu.Lock()
		defer tb.mu.Unlock()
		said = tb.said.String()
	})
	return said
}

// complaints takes down the errors of a check instead of failing the test.
type complaints struct {
	testing.TB
	mu   sync.Mutex
	said strings.Builder
}

func (c *complaints) Errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintf(&c.said, format+"\n", args...)
}

func (c *complaints) Fatalf(format string, args ...any) {
	c.Errorf(format, args...)
	runtime.Goexit()
}
