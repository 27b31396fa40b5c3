package memory

import (
	"fmt"

	"github.com/ringhook/webhook/queue"
)

// errShare refuses a task to an endpoint that must leave room for the others.
var errShare = fmt.Errorf("%w for this endpoint", queue.ErrFull)

// A share keeps one endpoint from taking what all of them need, such as a dead one does: once
// more than from is in use, an endpoint may have no more than most.
type share struct{ from, most int64 }

// The shares apply from these on: in an engine with room for a few messages, a quarter would be
// less than one.
const (
	countShareFrom = 10_000
	bytesShareFrom = 64 << 10
)

// newShare is a quarter for each endpoint once only reserve is left of limit.
func newShare(limit, reserve, from int64) share {
	return share{from: max(from, limit-reserve), most: limit / 4}
}

// exceeded reports whether an endpoint would have too much, with used in use by all of them.
func (s share) exceeded(used, has int64) bool { return used > s.from && has > s.most }

// exceedsShare reports whether one more message of that size would give an endpoint too much.
// It needs m.mu.
func (m *Engine) exceedsShare(key string, size int64) bool {
	count, bytes := int64(m.ids.count)+1, m.bytes+size
	if count <= m.countShare.from && bytes <= m.bytesShare.from && m.cfg.EndpointBytes <= 0 {
		return false // as nearly always
	}
	ep := m.endpoints[key]
	if ep == nil || ep.pending == 0 { // its first one has only to fit
		return m.cfg.EndpointBytes > 0 && size > m.cfg.EndpointBytes
	}
	has := ep.bytes + size
	return m.countShare.exceeded(count, int64(ep.pending)+1) || m.bytesShare.exceeded(bytes, has) ||
		m.cfg.EndpointBytes > 0 && has > m.cfg.EndpointBytes
}
