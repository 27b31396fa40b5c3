package enginetest_test

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ringhook/webhook/queue"
)

func (n *naive) Endpoint(_ context.Context, key string) (queue.Endpoint, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rowLocked(key), nil
}

// rowLocked returns what is stored of a key. It needs n.mu.
func (n *naive) rowLocked(key string) queue.Endpoint {
	e, ok := n.rows[key]
	switch {
	case !ok && n.flaw == "knows no state at first":
		return queue.Endpoint{Key: key}
	case !ok:
		return queue.Endpoint{Key: key, State: queue.StateEnabled}
	case n.flaw == "forgets why":
		e.Reason = ""
	case n.flaw == "forgets whom to tell":
		e.Tell = time.Time{}
	}
	return e
}

func (n *naive) SetEndpoint(_ context.Context, e queue.Endpoint) (queue.Endpoint, bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	stored := n.rowLocked(e.Key)
	switch {
	case stored.Rev != e.Rev && n.flaw == "returns what it did not store":
		return e, false, nil
	case stored.Rev != e.Rev && n.flaw != "the last change wins":
		return stored, false, nil
	}
	n.rev++
	rev := n.rev
	switch {
	case n.flaw == "counts the changes of each key":
		rev = stored.Rev + 1
	case n.flaw == "counts the first change only" && stored.Rev > 0:
		rev = stored.Rev
	case n.flaw == "counts before it stores":
		n.mu.Unlock()
		<-time.After(time.Duration(rev%7) * 10 * time.Millisecond)
		n.mu.Lock()
	}
	e.Rev = rev
	if n.flaw == "is slow" {
		e.Since = e.Since.Truncate(time.Millisecond)
	}
	n.rows[e.Key] = e
	n.wake()
	return n.rowLocked(e.Key), true, nil
}

func (n *naive) Changed(_ context.Context, rev int64) ([]queue.Endpoint, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var changed []queue.Endpoint
	for key, e := range n.rows {
		if e.Rev > rev || n.flaw == "tells all as changed" {
			changed = append(changed, n.rowLocked(key))
		}
	}
	slices.SortFunc(changed, func(a, b queue.Endpoint) int {
		if n.flaw == "tells the newest change first" {
			return cmp.Compare(b.Rev, a.Rev)
		}
		return cmp.Compare(a.Rev, b.Rev)
	})
	if n.flaw == "tells one change at a time" { // which is right
		changed = changed[:min(len(changed), 1)]
	}
	return changed, nil
}
