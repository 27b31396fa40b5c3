package memory

// A heap has the entry that is due next at its top; of those due at the same time, the
// one enqueued first. With four children to a node it is half as deep as with two, and
// the four are in one or two cache lines. It is no container/heap, which would allocate
// on each Push. Engine.mu guards it.
type heap struct {
	slab  *slab
	items []heapItem
}

// A heapItem has the time beside the ref, so that comparing seldom looks at entries.
type heapItem struct {
	due int64
	ref ref
}

func (h *heap) before(a, b heapItem) bool {
	return a.due < b.due || a.due == b.due && h.slab.at(a.ref).seq < h.slab.at(b.ref).seq
}

// top is the entry that is due first, or nil if that is later than by.
func (h *heap) top(by int64) *entry {
	if len(h.items) == 0 || h.items[0].due > by {
		return nil
	}
	return h.slab.at(h.items[0].ref)
}

// push adds an entry, by its due.
func (h *heap) push(e *entry) {
	h.items = append(h.items, heapItem{})
	h.up(len(h.items)-1, heapItem{e.due, e.self})
}

// remove takes an entry out, wherever in the heap it is.
func (h *heap) remove(e *entry) {
	i, last := int(e.at), len(h.items)-1
	item := h.items[last]
	h.items = h.items[:last]
	if i == last {
		return
	}
	if i > 0 && h.before(item, h.items[(i-1)/4]) {
		h.up(i, item)
	} else {
		h.down(i, item)
	}
}

// up puts an item at i or above, so that what is above it is due before it.
func (h *heap) up(i int, item heapItem) {
	for i > 0 {
		parent := (i - 1) / 4
		if !h.before(item, h.items[parent]) {
			break
		}
		h.set(i, h.items[parent])
		i = parent
	}
	h.set(i, item)
}

// down puts an item at i or below, so that what is below it is due after it.
func (h *heap) down(i int, item heapItem) {
	for {
		first := 4*i + 1
		if first >= len(h.items) {
			break
		}
		least := first
		for child := first + 1; child < min(first+4, len(h.items)); child++ {
			if h.before(h.items[child], h.items[least]) {
				least = child
			}
		}
		if !h.before(h.items[least], item) {
			break
		}
		h.set(i, h.items[least])
		i = least
	}
	h.set(i, item)
}

func (h *heap) set(i int, item heapItem) {
	h.items[i] = item
	h.slab.at(item.ref).at = int32(i) //nolint:gosec // memory is too small for more
}

// countDue counts the messages at i and below whose time has come, but for those to some
// endpoints.
func (h *heap) countDue(i int, now int64, without map[string]bool) (n int) {
	if i >= len(h.items) || h.items[i].due > now {
		return 0
	}
	if e := h.slab.at(h.items[i].ref); e.msg != nil && (len(without) == 0 || !without[e.ep.key]) {
		n = 1
	}
	for child := 4*i + 1; child <= 4*i+4; child++ {
		n += h.countDue(child, now, without)
	}
	return n
}
