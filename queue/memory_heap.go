package queue

// A heap has the entry that is due next at its top; of those due at once, the one enqueued first. With four children to a
// node it is half as deep as with two, and the four stand in one or two cache lines.
type heap []heapItem

// A heapItem has the time beside the pointer, so that sifting seldom looks at entries.
type heapItem struct {
	due int64
	e   *entry
}

func (a heapItem) before(b heapItem) bool {
	return a.due < b.due || a.due == b.due && a.e.seq < b.e.seq
}

func (h *heap) push(e *entry) {
	*h = append(*h, heapItem{})
	h.up(len(*h)-1, heapItem{e.due, e})
}

// remove takes an entry out, wherever it stands.
func (h *heap) remove(e *entry) {
	i, last := int(e.at), len(*h)-1
	item := (*h)[last]
	(*h)[last] = heapItem{}
	*h = (*h)[:last]
	if i == last {
		return
	}
	if i > 0 && item.before((*h)[(i-1)/4]) {
		h.up(i, item)
	} else {
		h.down(i, item)
	}
}

// up puts an item at i, or where one above it stands.
func (h *heap) up(i int, item heapItem) {
	for i > 0 {
		parent := (i - 1) / 4
		if !item.before((*h)[parent]) {
			break
		}
		h.set(i, (*h)[parent])
		i = parent
	}
	h.set(i, item)
}

// down puts an item at i, or where one below it stands.
func (h *heap) down(i int, item heapItem) {
	for {
		first := 4*i + 1
		if first >= len(*h) {
			break
		}
		least := first
		for child := first + 1; child < min(first+4, len(*h)); child++ {
			if (*h)[child].before((*h)[least]) {
				least = child
			}
		}
		if !(*h)[least].before(item) {
			break
		}
		h.set(i, (*h)[least])
		i = least
	}
	h.set(i, item)
}

func (h *heap) set(i int, item heapItem) {
	(*h)[i] = item
	item.e.at = int32(i) //nolint:gosec // that many entries do not fit into memory
}

// countDue counts the messages at i and below whose time has come.
func (h *heap) countDue(i int, now int64) (n int) {
	if i >= len(*h) || (*h)[i].due > now {
		return 0
	}
	if (*h)[i].e.msg != nil {
		n = 1
	}
	for child := 4*i + 1; child <= 4*i+4; child++ {
		n += h.countDue(child, now)
	}
	return n
}
