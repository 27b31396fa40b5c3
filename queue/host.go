package queue

import "time"

// A host is what the queue knows of one host and port, if there is a HostLimit.
// Queue.mu guards it.
type host struct {
	inFlight int
	mean     time.Duration // of an attempt
	// waiting are endpoints that were refused and can be woken. A slot that becomes
	// free is offered to the first of them for a moment: otherwise the endpoint that
	// has just given it back would take it again, time after time.
	waiting []*endpoint
	offered map[*endpoint]time.Time // until when
	parked  backlog                 // deferred deliveries, which nobody can wake
}

const (
	offerFor = 100 * time.Millisecond
	hostWait = time.Second // until a waiting endpoint asks by itself, if it is not woken
)

// hasSlotLocked reports whether an endpoint may have a slot: one that is offered to it,
// or to nobody. It needs q.mu.
func (h *host) hasSlotLocked(ep *endpoint, now time.Time, limit int) bool {
	if _, ok := h.offered[ep]; ok {
		return h.inFlight < limit
	}
	if h.inFlight+len(h.offered) < limit {
		return true
	}
	for other, until := range h.offered {
		if now.After(until) {
			delete(h.offered, other)
		}
	}
	return h.inFlight+len(h.offered) < limit
}

// takeSlotLocked gives an endpoint a slot. It needs q.mu.
func (h *host) takeSlotLocked(ep *endpoint) {
	delete(h.offered, ep)
	h.inFlight++
}

// refuseLocked returns how long an endpoint should wait before it asks again. One that
// can be woken waits for its turn. It needs q.mu.
func (h *host) refuseLocked(ep *endpoint, now time.Time, limit int, canWake bool) time.Duration {
	if !canWake {
		return h.parked.add(now, 0, h.mean/time.Duration(limit), perTurn)
	}
	if !ep.waitsForHost {
		ep.waitsForHost = true
		h.waiting = append(h.waiting, ep)
	}
	return hostWait
}

// leaveHostLocked gives a slot at a host back, and returns the keys of the endpoints to
// wake when q.mu, which it needs, is free.
func (q *Queue) leaveHostLocked(h *host) (wake []string) {
	if h == nil {
		return nil
	}
	h.inFlight--
	for len(h.waiting) > 0 && h.inFlight+len(h.offered) < q.cfg.HostLimit {
		ep := h.waiting[0]
		h.waiting[0], h.waiting = nil, h.waiting[1:]
		ep.waitsForHost = false
		if h.offered == nil {
			h.offered = make(map[*endpoint]time.Time)
		}
		h.offered[ep] = time.Now().Add(offerFor)
		wake = append(wake, ep.key)
	}
	return wake
}

// maxHosts is how many hosts are kept before idle ones are looked for.
const maxHosts = 1024

// hostLocked returns the host of a name, a new one if it is not known, or nil if hosts
// have no limit or the endpoint's is not known yet. It needs q.mu.
func (q *Queue) hostLocked(name string, now time.Time) *host {
	if q.cfg.HostLimit == 0 || name == "" {
		return nil
	}
	if h := q.hosts[name]; h != nil {
		return h
	}
	if len(q.hosts) >= q.nextSweep {
		for other, h := range q.hosts {
			h.parked.expire(now)
			if h.inFlight == 0 && len(h.waiting) == 0 && h.parked.count == 0 {
				delete(q.hosts, other)
			}
		}
		q.nextSweep = max(maxHosts, 2*len(q.hosts))
	}
	h := &host{mean: initialMean}
	q.hosts[name] = h
	return h
}
