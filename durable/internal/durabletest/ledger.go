package durabletest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// A ledger compares what the processes say that they have accepted with what a receiver
// got. The receiver refuses every third request.
type ledger struct {
	loose bool // nothing is ordered

	receiver *httptest.Server
	verifier webhook.Verifier

	mu       sync.Mutex
	accepted map[string]bool
	requests int
	// delivered has for each message the processes that its deliveries came from, in the
	// order of time.
	delivered map[string][]int
	last      time.Time // when a message was first delivered
	// orders has for each ordering the number of the last message that was delivered.
	orders map[string]int
	wrong  []string
}

func newLedger(t testing.TB) *ledger {
	l := &ledger{accepted: map[string]bool{}, delivered: map[string][]int{}, orders: map[string]int{}}
	l.verifier.Header = webhook.HeaderSignature
	for sender := range senders {
		l.verifier.Secrets = append(l.verifier.Secrets, webhook.WebhookIDSecret(webhookID(sender)))
	}
	l.receiver = httptest.NewServer(http.HandlerFunc(l.serve))
	t.Cleanup(l.receiver.Close)
	return l
}

func (l *ledger) accept(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted[id] = true
}

func (l *ledger) acceptedSoFar() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// lastAfter returns how long after a time the last message was delivered.
func (l *ledger) lastAfter(at time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last.Sub(at).Round(100 * time.Millisecond)
}

func (l *ledger) serve(w http.ResponseWriter, r *http.Request) {
	got, err := io.ReadAll(r.Body)
	if err != nil { // the process died in the middle of it: nothing arrived
		panic(http.ErrAbortHandler)
	}
	select { // so that a process always dies with some in flight
	case <-time.After(time.Duration(5+rand.IntN(50)) * time.Millisecond): //nolint:gosec // no secret
	case <-r.Context().Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	id := r.Header.Get(webhook.HeaderID)
	if !bytes.Equal(got, body(id)) || r.RequestURI != target(id) {
		l.wrong = append(l.wrong, id+": not the message's bytes")
	}
	if err := l.verifier.Verify(r.Context(), r.Header, got); err != nil {
		l.wrong = append(l.wrong, id+": "+err.Error())
	}
	if l.requests%3 == 0 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	process, err := strconv.Atoi(r.Header.Get(processHeader))
	if err != nil {
		l.wrong = append(l.wrong, id+": from no process")
	}
	if len(l.delivered[id]) == 0 {
		l.last = time.Now()
		l.followLocked(id)
	}
	l.delivered[id] = append(l.delivered[id], process)
}

// followLocked checks that a message comes in the order of its ordering, and notes it. It
// needs l.mu.
func (l *ledger) followLocked(id string) {
	var process, sender, n int
	if _, err := fmt.Sscanf(id, "%d-%d-%d", &process, &sender, &n); err != nil {
		l.wrong = append(l.wrong, id+": nobody's ID")
	}
	if n%orderedEach != 0 || l.loose {
		return
	}
	order := fmt.Sprintf("%d-%d", process, sender)
	if n < l.orders[order] {
		l.wrong = append(l.wrong, fmt.Sprintf("%s: after number %d of its ordering", id, l.orders[order]))
	}
	l.orders[order] = n
}

// settle compares both. It is given how many times each process was interrupted: each
// time, for each of its workers, the receiver may have had a message and the database no
// note of it.
func (l *ledger) settle(t testing.TB, interrupted map[int]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var missing []string
	for id := range l.accepted {
		if len(l.delivered[id]) == 0 {
			missing = append(missing, id)
		}
	}
	duplicates, sum, unreported := map[int]int{}, 0, 0
	for id, processes := range l.delivered {
		// Each of these was followed by another delivery.
		for _, process := range processes[:len(processes)-1] {
			duplicates[process]++
			sum++
		}
		if !l.accepted[id] { // it was kept, and the process died before it could say so
			unreported++
		}
	}
	t.Logf("%d accepted, %d not delivered; %d requests, a third of them refused; %d duplicates; "+
		"%d delivered whose process died before it reported them",
		len(l.accepted), len(missing), l.requests, sum, unreported)
	require.Empty(t, missing, "accepted, and not delivered")
	require.Empty(t, l.wrong)
	require.GreaterOrEqual(t, len(l.accepted), enough, "the trial was none")
	for process, n := range duplicates {
		require.LessOrEqual(t, n, workers*interrupted[process], "delivered twice, the first time by process %d", process)
	}
}
