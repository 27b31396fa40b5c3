package queue

import "time"

// A host is what the queue knows of one host and port, if there is a HostLimit.
type host struct {
	name     string
	inFlight int
	mean     time.Duration // of an attempt
	// Endpoints that were refused and can be woken stand in line. A place that becomes free is promised to the first one for
	// a moment: else the endpoint that has just given it back would take it again, time after time.
	line     []*endpoint
	promised map[*endpoint]time.Time // until when
	parked   backlog                 // deliveries that were deferred, since nobody can wake them
}

const (
	promiseFor = 100 * time.Millisecond
	lineWait   = time.Second // until one in line asks by itself, in case it was never woken
)

// hasRoom reports whether an endpoint may have a place: one that is promised to it, or to nobody.
func (h *host) hasRoom(ep *endpoint, now time.Time, limit int) bool {
	if _, ok := h.promised[ep]; ok {
		return h.inFlight < limit
	}
	if h.inFlight+len(h.promised) < limit {
		return true
	}
	for other, until := range h.promised {
		if now.After(until) {
			delete(h.promised, other)
		}
	}
	return h.inFlight+len(h.promised) < limit
}

func (h *host) enter(ep *endpoint) {
	delete(h.promised, ep)
	h.inFlight++
}

// refuse says when an endpoint is to ask again.
func (h *host) refuse(ep *endpoint, now time.Time, limit int, wakes bool) time.Duration {
	if !wakes {
		return h.parked.add(now, 0, h.mean/time.Duration(limit))
	}
	if !ep.inLine {
		ep.inLine = true
		h.line = append(h.line, ep)
	}
	return lineWait
}

// move takes a reserved place to the host of the message that uses it, which may not be that of the one before.
func (q *Queue) move(p *place, h *host, now time.Time) (wait time.Duration, refused refusal, wake []string) {
	switch {
	case p.disabled:
		wake = q.leaveHost(p.host)
		p.host = nil
		return 0, granted, wake
	case p.host == h:
		return 0, granted, nil
	case h != nil && !h.hasRoom(p.ep, now, q.cfg.HostLimit):
		wait = h.refuse(p.ep, now, q.cfg.HostLimit, q.waker != nil)
		if q.waker != nil {
			wait = 0 // it asks again, and then stands in line
		}
		return wait, byHost, q.release(p)
	}
	wake = q.leaveHost(p.host)
	if p.host = h; h != nil {
		h.enter(p.ep)
	}
	return 0, granted, wake
}

// leaveHost gives a place at a host back, and returns the endpoints to be woken.
func (q *Queue) leaveHost(h *host) (wake []string) {
	if h == nil {
		return nil
	}
	h.inFlight--
	for len(h.line) > 0 && h.inFlight+len(h.promised) < q.cfg.HostLimit {
		ep := h.line[0]
		h.line[0], h.line = nil, h.line[1:]
		ep.inLine = false
		if h.promised == nil {
			h.promised = make(map[*endpoint]time.Time)
		}
		h.promised[ep] = time.Now().Add(promiseFor)
		wake = append(wake, ep.key)
	}
	return wake
}

// maxHosts is how many hosts are kept before idle ones are looked for.
const maxHosts = 1024

// hostAt returns the host of a name, or nil if hosts have no limit or the name is not known yet.
func (q *Queue) hostAt(name string, now time.Time) *host {
	if q.cfg.HostLimit == 0 || name == "" {
		return nil
	}
	if h := q.hosts[name]; h != nil {
		return h
	}
	if len(q.hosts) >= q.nextSweep {
		for other, h := range q.hosts {
			if h.parked.expire(now); h.inFlight == 0 && len(h.line) == 0 && h.parked.count == 0 {
				delete(q.hosts, other)
			}
		}
		q.nextSweep = max(maxHosts, 2*len(q.hosts))
	}
	h := &host{name: name, mean: firstMean}
	q.hosts[name] = h
	return h
}
