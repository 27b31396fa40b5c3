package memory

import (
	"context"
	"time"

	"github.com/ringhook/webhook/queue"
)

// An endpoint has what is kept for one key. It is made for its first entry, and may be
// dropped with its last. Engine.mu guards it.
type endpoint struct {
	key      string
	lanes    [2]lane // first attempts, retries
	bytes    int64   // of all its messages
	pending  int     // entries in whatever state, including those handed out
	inFlight int     // entries handed out
	kept     bool    // one in flight has the place that is kept; see lane.nextLocked
	resting  bool    // not ready when last asked: its lanes are in no ring
	alarm    *entry  // ends the rest, if no Handle's return does so before; nil without
}

// A lane has the entries of one endpoint that may be handed out. Among first attempts,
// the types of event take turns, and one place is kept for the type of which least waits.
type lane struct {
	kinds      []kind // those that have entries
	turn       int    // whose turn it is, in kinds
	ep         *endpoint
	next, prev *lane // in the ring; nil if it is in none
}

// unknownWait is for an endpoint that is to wait for the return of a Handle when none
// is in flight: what it waits for, the engine cannot see.
const unknownWait = time.Second

// restLocked takes an endpoint out of the rings for so long, or until a Handle of it
// returns. It needs m.mu.
func (m *Engine) restLocked(ep *endpoint, wait time.Duration) {
	ep.resting = true
	for i := range ep.lanes {
		m.rings[i].remove(&ep.lanes[i])
	}
	if wait <= 0 && ep.inFlight == 0 {
		wait = unknownWait
	}
	if wait > 0 {
		ep.alarm = m.slab.get()
		ep.alarm.ep, ep.alarm.due = ep, after(m.now(), wait)
		m.waitLocked(ep.alarm)
	}
}

// Wake makes the engine ask Ready for a key as if its wait were over.
func (m *Engine) Wake(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ep := m.endpoints[key]; ep != nil {
		m.wakeLocked(ep)
		m.wakeWorkerLocked()
	}
}

// wakeLocked ends the rest of an endpoint, if it rests, and lets it have its turn. It
// needs m.mu.
func (m *Engine) wakeLocked(ep *endpoint) {
	if !ep.resting {
		return
	}
	m.endRestLocked(ep)
	for i := range ep.lanes {
		if len(ep.lanes[i].kinds) > 0 {
			m.rings[i].push(&ep.lanes[i])
		}
	}
}

// endRestLocked ends the rest of an endpoint that has nothing to hand out, or is put
// back into the rings by the caller. It needs m.mu.
func (m *Engine) endRestLocked(ep *endpoint) {
	ep.resting = false
	if ep.alarm != nil {
		m.later.remove(ep.alarm)
		m.slab.put(ep.alarm)
		ep.alarm = nil
	}
}

// SetEndpoint stores what is decided about an endpoint; see [queue.Endpoints]. Users call
// the methods of [queue.Queue].
func (m *Engine) SetEndpoint(ctx context.Context, e queue.Endpoint) (queue.Endpoint, bool, error) {
	stored, ok, err := m.LocalEndpoints.SetEndpoint(ctx, e)
	if err != nil || !ok {
		return stored, ok, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	// Another change may have come since.
	if now, err := m.Endpoint(context.WithoutCancel(ctx), e.Key); err == nil && now.State == queue.StatePaused {
		m.paused[e.Key] = true
	} else {
		delete(m.paused, e.Key)
	}
	return stored, true, nil
}

// maxIdleEndpoints is how many endpoints without entries are kept: most will soon have
// one again.
const maxIdleEndpoints = 4096

// endpointLocked returns the endpoint of a key. If it is not known, that is a new one,
// or the one that has been idle for longest. It needs m.mu.
func (m *Engine) endpointLocked(key string) *endpoint {
	ep := m.endpoints[key]
	switch {
	case ep != nil && ep.pending > 0:
		return ep
	case ep != nil:
		m.idleEndpoints.remove(&ep.lanes[0])
		m.idleCount--
		return ep
	case m.idleCount > 0 && len(m.endpoints) >= maxIdleEndpoints:
		ep = m.idleEndpoints.head.ep
		m.idleEndpoints.remove(&ep.lanes[0])
		m.idleCount--
		delete(m.endpoints, ep.key)
	default:
		ep = &endpoint{}
		for i := range ep.lanes {
			ep.lanes[i].ep = ep
		}
	}
	ep.key = key
	m.endpoints[key] = ep
	return ep
}

// releaseLocked lets go of an endpoint if nothing is kept for it any more. It needs m.mu.
func (m *Engine) releaseLocked(ep *endpoint) {
	if ep.pending > 0 {
		return
	}
	m.endRestLocked(ep)
	if m.idleCount == maxIdleEndpoints {
		delete(m.endpoints, ep.key)
		return
	}
	m.idleEndpoints.push(&ep.lanes[0])
	m.idleCount++
}
