package enginetest

import (
	"strconv"
	"sync"
	"time"

	"github.com/ringhook/webhook/queue"
)

// endpoints skips the check if the engine stores none.
func (tr *trial) endpoints() queue.Endpoints {
	tr.Helper()
	e, ok := tr.engine.(queue.Endpoints)
	if !ok {
		tr.Skip("the engine is no queue.Endpoints")
	}
	return e
}

// endpoint reads what is stored of a key.
func (tr *trial) endpoint(key string) queue.Endpoint {
	tr.Helper()
	ctx, cancel := tr.context()
	defer cancel()
	e, err := tr.endpoints().Endpoint(ctx, key)
	if err != nil {
		tr.Fatalf("Endpoint: %v", err)
	}
	return e
}

// setEndpoint stores e, or expects that another change came first.
func (tr *trial) setEndpoint(e queue.Endpoint, want bool) queue.Endpoint {
	tr.Helper()
	ctx, cancel := tr.context()
	defer cancel()
	stored, ok, err := tr.endpoints().SetEndpoint(ctx, e)
	if err != nil {
		tr.Fatalf("SetEndpoint: %v", err)
	}
	if ok != want {
		tr.Errorf("SetEndpoint of %s with Rev %d returned %v, want %v", e.Key, e.Rev, ok, want)
	}
	return stored
}

// changedSince reads what was stored after a Rev.
func (tr *trial) changedSince(rev int64) (all []queue.Endpoint) {
	tr.Helper()
	ctx, cancel := tr.context()
	defer cancel()
	for {
		some, err := tr.endpoints().Changed(ctx, rev)
		if err != nil {
			tr.Fatalf("Changed: %v", err)
		}
		if len(some) == 0 {
			return all
		}
		for _, e := range some {
			if e.Rev <= rev {
				tr.Fatalf("Changed after Rev %d returned %s with Rev %d", rev, e.Key, e.Rev)
			}
			rev = e.Rev
		}
		all = append(all, some...)
	}
}

// checkEndpoint compares what is stored, but for Rev and Actor, which are the engine's.
func (tr *trial) checkEndpoint(when string, got, want queue.Endpoint) {
	tr.Helper()
	near := func(a, b time.Time) bool {
		return a.IsZero() == b.IsZero() && a.Sub(b).Abs() <= slack
	}
	same := near(got.Since, want.Since) && near(got.Tell, want.Tell) &&
		near(got.FailingSince, want.FailingSince) && near(got.LastFailure, want.LastFailure)
	if !same || got.Key != want.Key || got.State != want.State || got.Reason != want.Reason {
		tr.Errorf("%s, an endpoint is %+v, want %+v", when, got, want)
	}
}

// checkEndpointStored stores all that there is of an endpoint.
func checkEndpointStored(tr *trial) {
	tr.endpoints()
	none := queue.Endpoint{Key: "a", State: queue.StateEnabled}
	tr.checkEndpoint("before the first change", tr.endpoint("a"), none)
	if rev := tr.endpoint("a").Rev; rev != 0 {
		tr.Errorf("before the first change, Rev is %d, want 0", rev)
	}
	now := time.Now()
	want := queue.Endpoint{
		Key: "a", State: queue.StateDisabled, Reason: "Zoë's wish", Since: now, Tell: now.Add(time.Minute),
		FailingSince: now.Add(-time.Hour), LastFailure: now.Add(-time.Second),
	}
	stored := tr.setEndpoint(want, true)
	tr.checkEndpoint("as SetEndpoint returned it", stored, want)
	tr.checkEndpoint("as Endpoint returned it", tr.endpoint("a"), want)
	if got := tr.endpoint("a").Rev; got != stored.Rev || got <= 0 {
		tr.Errorf("Rev is %d, but SetEndpoint returned %d", got, stored.Rev)
	}
	tr.checkEndpoint("of another key", tr.endpoint("b"), queue.Endpoint{Key: "b", State: queue.StateEnabled})
	want = queue.Endpoint{Key: "a", State: queue.StateEnabled, Since: now, Rev: stored.Rev}
	tr.setEndpoint(want, true)
	tr.checkEndpoint("after another change", tr.endpoint("a"), want)
}

// checkEndpointConflict has only one of two changes go through that know the same.
func checkEndpointConflict(tr *trial) {
	tr.endpoints()
	set := func(rev int64, state queue.EndpointState) queue.Endpoint {
		return queue.Endpoint{Key: "a", State: state, Since: time.Now(), Rev: rev}
	}
	first := tr.setEndpoint(set(0, queue.StatePaused), true)
	if got := tr.setEndpoint(set(0, queue.StateDisabled), false); got.Rev != first.Rev || got.State != first.State {
		tr.Errorf("SetEndpoint after another change returned %+v, want what is stored, %+v", got, first)
	}
	tr.setEndpoint(set(first.Rev+1, queue.StateDisabled), false)
	if got := tr.endpoint("a"); got.State != queue.StatePaused {
		tr.Errorf("a change that came too late was stored: %+v", got)
	}
	tr.setEndpoint(set(first.Rev, queue.StateEnabled), true)
	tr.setEndpoint(set(first.Rev, queue.StateDisabled), false)

	var mu sync.Mutex
	won := 0
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			ctx, cancel := tr.context()
			defer cancel()
			e := queue.Endpoint{Key: "b", State: queue.StatePaused, Reason: strconv.Itoa(i), Since: time.Now()}
			_, ok, err := tr.endpoints().SetEndpoint(ctx, e)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				tr.Errorf("SetEndpoint: %v", err)
			}
			if ok {
				won++
			}
		})
	}
	all.Wait()
	if won != 1 {
		tr.Errorf("%d of 8 changes at once were stored, want 1", won)
	}
}

// checkEndpointChanged follows what is stored.
func checkEndpointChanged(tr *trial) {
	tr.endpoints()
	if got := tr.changedSince(0); len(got) > 0 {
		tr.Errorf("Changed of an empty engine returned %+v", got)
	}
	const n = 30
	revs := make(map[string]int64)
	last := int64(0)
	for i := range n {
		key := strconv.Itoa(i)
		revs[key] = tr.setEndpoint(queue.Endpoint{Key: key, State: queue.StatePaused, Since: time.Now()}, true).Rev
		if revs[key] <= last {
			tr.Errorf("the Rev of a change is %d, after %d", revs[key], last)
		}
		last = revs[key]
	}
	if got := len(tr.changedSince(0)); got != n {
		tr.Errorf("Changed returned %d endpoints, want %d", got, n)
	}
	if got := tr.changedSince(last); len(got) > 0 {
		tr.Errorf("Changed returned %+v, of which all was known", got)
	}
	tr.setEndpoint(queue.Endpoint{Key: "7", State: queue.StateEnabled, Since: time.Now(), Rev: revs["7"]}, true)
	got := tr.changedSince(last)
	if len(got) != 1 || got[0].Key != "7" || got[0].State != queue.StateEnabled {
		tr.Errorf("Changed returned %+v, want the one that has changed", got)
	}
	if got := len(tr.changedSince(0)); got != n {
		tr.Errorf("Changed returned %d endpoints after one was changed again, want %d", got, n)
	}
}

// checkEndpointMissed has one follow changes that others make at once: it must miss none.
func checkEndpointMissed(tr *trial) {
	tr.endpoints()
	const setters, each = 8, 20
	var all sync.WaitGroup
	for i := range setters {
		all.Go(func() {
			for n := range each {
				key := strconv.Itoa(i) + "-" + strconv.Itoa(n)
				ctx, cancel := tr.context()
				e := queue.Endpoint{Key: key, State: queue.StateDisabled, Since: time.Now()}
				_, _, err := tr.endpoints().SetEndpoint(ctx, e)
				cancel()
				if err != nil {
					tr.Errorf("SetEndpoint: %v", err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	seen, rev := make(map[string]bool), int64(0)
	for last := false; ; {
		for _, e := range tr.changedSince(rev) {
			seen[e.Key], rev = true, e.Rev
		}
		if last {
			break
		}
		select {
		case <-ended:
			last = true
		case <-time.After(time.Millisecond):
		}
	}
	if len(seen) != setters*each {
		tr.Errorf("whoever follows Changed has seen %d of %d changes", len(seen), setters*each)
	}
}

// checkEndpointHeld pauses an endpoint, whose tasks are held and then handed out.
func checkEndpointHeld(tr *trial) {
	tr.endpoints()
	g := newGatekeeper(tr, 4)
	g.closed["a"], g.wait["a"] = true, time.Hour
	tr.ready = g.ready
	before := g.tasks("a", 3) // two before the pause
	tr.enqueue(before[:2]...)
	paused := tr.setEndpoint(queue.Endpoint{Key: "a", State: queue.StatePaused, Since: time.Now()}, true)
	tr.quiet(2 * slack) // so that one can tell which is the oldest
	other := g.tasks("b", 2)
	other[1].NotBefore = time.Now().Add(time.Hour)
	tr.enqueue(other...)
	tr.enqueue(before[2])
	if _, ok := tr.engine.(queue.Statser); ok {
		tr.awaitStats("with a paused endpoint", 1, other[0], queue.Stats{
			Pending: 5, Held: 3, Due: 1, Busiest: []queue.EndpointStats{{Key: "a", Pending: 3}},
		})
	}
	tr.start()
	g.awaitEnds(other[:1])
	tr.quiet(3 * tick)
	for _, t := range before {
		tr.mu.Lock()
		if t.ended {
			tr.Errorf("%s: ended although its endpoint is paused", t.name)
		}
		tr.mu.Unlock()
	}
	g.mu.Lock()
	g.closed["a"] = false
	g.mu.Unlock()
	tr.setEndpoint(queue.Endpoint{Key: "a", State: queue.StateEnabled, Since: time.Now(), Rev: paused.Rev}, true)
	if w, ok := tr.engine.(queue.Waker); ok {
		w.Wake("a")
	}
	g.awaitEnds(before)
	if _, ok := tr.engine.(queue.Statser); ok {
		tr.awaitStats("when none is paused any more", 0, other[1], queue.Stats{Pending: 1})
	}
}
