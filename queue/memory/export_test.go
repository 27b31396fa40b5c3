package memory

import (
	"math"

	"github.com/ringhook/webhook"
)

// A Heap is the engine's heap, filled by hand.
type Heap struct {
	slab    slab
	heap    heap
	entries map[int]*entry
}

// Push adds an entry under a number, which must be higher than those before.
func (h *Heap) Push(number int, due int64) {
	if h.entries == nil {
		h.entries = map[int]*entry{}
		h.heap.slab = &h.slab
	}
	e := h.slab.get()
	e.due, e.seq = due, uint64(number)
	h.entries[number] = e
	h.heap.push(e)
}

// Remove takes a number out.
func (h *Heap) Remove(number int) {
	h.heap.remove(h.entries[number])
	delete(h.entries, number)
}

// Top returns the number that is due first.
func (h *Heap) Top() int { return int(h.heap.top(math.MaxInt64).seq) }

// Kept returns how many entries, endpoints that have some and groups m knows, how many
// wait for a time, and the bytes.
func Kept(m *Engine) (entries, endpoints, groups, waiting int, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ids.count, len(m.endpoints) - m.idleCount, len(m.groups), len(m.later.items), m.bytes
}

// Workers returns how many goroutines hand out, and how many of them are idle.
func Workers(m *Engine) (working, idle int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.working, m.idle
}

// Blocked reports whether an Enqueue waits for room.
func Blocked(m *Engine) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waitingForRoom
}

// An IDs is the engine's table of ids, with hashes of the test's own.
type IDs struct {
	slab slab
	ids  ids
}

// Add adds an id.
func (t *IDs) Add(hash uint32, id string) {
	t.ids.slab = &t.slab
	e := t.slab.get()
	e.hash, e.msg = hash, &webhook.Message{ID: id}
	t.ids.add(e)
}

// Remove removes an id if it is there, and reports whether it was.
func (t *IDs) Remove(hash uint32, id string) bool {
	e := t.ids.find(hash, id)
	if e != nil {
		t.ids.remove(e)
		t.slab.put(e)
	}
	return e != nil
}

// Hold takes the lock of m, so that others wait for it until release is called.
func Hold(m *Engine) (release func()) {
	m.mu.Lock()
	return m.mu.Unlock
}

// Slots returns for how many entries m has memory.
func Slots(m *Engine) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.slab.chunks) * chunkSize
}
