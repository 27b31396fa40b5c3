package memory

import (
	"fmt"

	"github.com/ringhook/webhook/queue"
)

// errShare refuses a task for an endpoint that must leave room for the others.
var errShare = fmt.Errorf("%w for this endpoint", queue.ErrFull)

// A share keeps one endpoint, such as a dead one, from using up what all of them need:
// while more than from is in use, an endpoint can have no more than most.
type share struct{ from, most int64 }

// In an engine with room for a few messages, a quarter would be less than one: the
// shares do not apply below these.
const (
	countShareFrom = 10_000
	bytesShareFrom = 64 << 10
)

// newShare is a quarter of limit, once only reserve is left of it.
func newShare(limit, reserve, from int64) share {
	return share{from: max(from, limit-reserve), most: limit / 4}
}

// exceeded reports whether an endpoint that has so much of what is used would have too
// much.
func (s share) exceeded(used, has int64) bool { return used > s.from && has > s.most }

// exceedsShareLocked reports whether one more message of that size would give an
// endpoint too much. It needs m.mu.
func (m *Engine) exceedsShareLocked(key string, size int64) bool {
	count, bytes := int64(m.ids.count)+1, m.bytes+size
	capped := m.cfg.EndpointBytes > 0
	if count <= m.countShare.from && bytes <= m.bytesShare.from && !capped {
		return false // as nearly always
	}
	ep := m.endpoints[key]
	if ep == nil || ep.pending == 0 { // its only message just has to fit
		return capped && size > m.cfg.EndpointBytes
	}
	has := ep.bytes + size
	return m.countShare.exceeded(count, int64(ep.pending)+1) ||
		m.bytesShare.exceeded(bytes, has) || capped && has > m.cfg.EndpointBytes
}
