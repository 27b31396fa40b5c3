package queue

// A Heap is the engine's heap, filled by hand.
type Heap struct {
	heap    heap
	entries map[int]*entry
}

// Push adds what is due at that time under a number. Numbers grow.
func (h *Heap) Push(number int, due int64) {
	if h.entries == nil {
		h.entries = map[int]*entry{}
	}
	e := &entry{due: due, seq: uint64(number)}
	h.entries[number] = e
	h.heap.push(e)
}

// Remove takes a number out.
func (h *Heap) Remove(number int) {
	h.heap.remove(h.entries[number])
	delete(h.entries, number)
}

// Top returns the number that is due first.
func (h *Heap) Top() int { return int(h.heap[0].e.seq) }

// Kept returns how many entries, endpoints and groups m knows, how many wait for a time, and the bytes.
func Kept(m *Memory) (entries, endpoints, groups, waiting int, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.ids), len(m.endpoints), len(m.groups), len(m.later), m.bytes
}

// Workers returns how many goroutines hand out, and how many of them are idle.
func Workers(m *Memory) (working, idle int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.working, m.idle
}

// Blocked reports whether an Enqueue waits for room, and how many stand in line with it.
func Blocked(m *Memory) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.full
}
