package enginetest_test

import (
	"cmp"
	"context"
	"slices"

	"github.com/ringhook/webhook/queue"
)

var (
	_ queue.Orderer   = (*naive)(nil)
	_ queue.Canceler  = (*naive)(nil)
	_ queue.Statser   = (*naive)(nil)
	_ queue.Endpoints = (*naive)(nil)
)

func (n *naive) Supersede(_ context.Context, order string, rank int) (tasks []queue.Task, _ error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.flaw == "supersedes the same rank" {
		rank++
	}
	for _, i := range slices.Clone(n.items) {
		other := i.Order != order && n.flaw != "supersedes all orders"
		handedOut := i.inFlight && n.flaw != "supersedes what is in flight"
		unranked := i.Message.Rank <= 0 && n.flaw != "supersedes what has no rank"
		if other || handedOut || unranked || i.Message.Rank >= rank {
			continue
		}
		if n.flaw != "only says that it supersedes" {
			n.removeLocked(i)
		}
		if n.flaw != "does not say what it supersedes" {
			tasks = append(tasks, i.Task)
		}
	}
	n.wake()
	return tasks, nil
}

func (n *naive) Newest(_ context.Context, order string) (rank int, ok bool, _ error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, i := range n.items {
		if i.Order == order && !i.inFlight && n.flaw != "knows no newest" {
			if !ok || i.Message.Rank > rank {
				rank, ok = i.Message.Rank, true
			}
		}
	}
	return rank, ok, nil
}

func (n *naive) Wake(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.flaw != "does not wake" {
		delete(n.unready, key)
		n.wake()
	}
}

func (n *naive) Cancel(_ context.Context, id string) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := n.findLocked(id)
	switch {
	case i == nil:
		return n.flaw == "cancels what is unknown", nil
	case n.flaw == "only says that it cancels":
	case i.inFlight && n.flaw == "cannot cancel what is in flight":
		return false, nil
	case i.inFlight && n.flaw == "lets the attempt of a canceled one decide":
	case i.inFlight:
		i.canceled = true
	default:
		n.removeLocked(i)
	}
	n.wake()
	return true, nil
}

func (n *naive) Stats(_ context.Context, busiest int) (s queue.Stats, _ error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	endpoints := make(map[string]queue.EndpointStats)
	for _, i := range n.items {
		e := endpoints[i.Key]
		held := !i.inFlight && n.rows[i.Key].State == queue.StatePaused && n.flaw != "does not know what is held"
		switch {
		case i.inFlight && n.flaw != "counts what is in flight as pending":
			s.InFlight++
			e.InFlight++
		default:
			s.Pending++
			e.Pending++
			if held {
				s.Held++
			}
			if (!held || n.flaw == "counts what is held as due") && n.dueLocked(i) || n.flaw == "counts all as due" {
				s.Due++
			}
		}
		if (!held || n.flaw == "says the oldest that is held") && s.Oldest.IsZero() || n.flaw == "says the newest" {
			s.Oldest = i.Since
		}
		e.Key = i.Key
		endpoints[i.Key] = e
	}
	for _, e := range endpoints {
		s.Busiest = append(s.Busiest, e)
	}
	slices.SortFunc(s.Busiest, func(a, b queue.EndpointStats) int {
		if n.flaw == "sorts endpoints by name" {
			return cmp.Compare(a.Key, b.Key)
		}
		return cmp.Compare(b.Pending, a.Pending)
	})
	if len(s.Busiest) > busiest && n.flaw != "tells all endpoints" {
		s.Busiest = s.Busiest[:busiest]
	}
	return s, nil
}
