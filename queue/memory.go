package queue

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"time"
)

// The defaults of a [MemoryConfig].
const (
	defaultMaxPending = 1_000_000
	defaultMaxBytes   = 1 << 30
	defaultWorkers    = 1024 // many more than cores: nearly all of them wait for a receiver
)

// A MemoryConfig says how much a [Memory] keeps and hands out. The zero MemoryConfig is ready to use.
type MemoryConfig struct {
	// MaxPending is how many messages are kept at most, those in flight included. If zero, 1,000,000. From 10,000 on, an
	// endpoint that has a quarter of them is refused the last sixteenth, by an error that wraps [ErrFull], also with Block:
	// a dead endpoint must not leave the others without room.
	MaxPending int
	// MaxBytes is how many bytes the kept messages have at most, by [Size]. If zero, 1 GiB.
	MaxBytes int64
	// Block makes Enqueue wait for room, until its context or Run ends, instead of returning [ErrFull]. What could not even
	// fit into an empty queue is ErrFull all the same. A Handler or a hook that enqueues must not wait for room that only
	// its own return makes.
	Block bool
	// Workers is how many tasks are handed out at once, each in a goroutine that is started on demand. If zero, 1024. So many
	// endpoints as go into this by [Config] Limit can hang at the same time before the others feel it: 256.
	Workers int
}

// check names a field that cannot be.
func (c MemoryConfig) check() error {
	for _, field := range []struct {
		name     string
		negative bool
	}{
		{"MaxPending", c.MaxPending < 0},
		{"MaxBytes", c.MaxBytes < 0},
		{"Workers", c.Workers < 0},
	} {
		if field.negative {
			return fmt.Errorf("queue: %s is negative", field.name)
		}
	}
	return nil
}

// A Memory is an [Engine] that keeps tasks in the memory of the process, for those whose events can be had again from
// elsewhere: what is kept is lost with the process, unless [Memory.Pending] is stored when Run has returned, and given to
// [Memory.Resume] of the next one.
//
// First attempts go before retries, and each time the next endpoint has its turn, so that neither a dead endpoint nor a busy
// one holds up the others; to an endpoint that gets first attempts faster than it answers, no retries go meanwhile. What this costs does not grow with the number of endpoints. A waiting retry takes at most 192
// bytes beyond its message, and no goroutine. The memory of a peak is given back when the queue has run empty.
//
// It is also an [Orderer], a [Canceler] and a [Statser]. Make one by [NewMemory]; it is safe for concurrent use, and runs once.
type Memory struct {
	cfg   MemoryConfig
	wrong error     // with the configuration
	base  time.Time // times are kept as nanoseconds since then, on the monotonic clock: nobody sets that

	turn     chan struct{} // holds one while an Enqueue waits for room; the others that wait stand in line for it
	room     chan struct{} // tells that one when something has ended
	stopping chan struct{} // closed when Run hands out no more

	mu            sync.Mutex
	slab          slab
	ids           ids  // all that is kept
	oldest        list // the same by age
	endpoints     map[string]*keyQueue
	idleEndpoints ring // those of them without entries, by their first lane
	idleCount     int
	groups        map[string]*group
	rings         [2]ring // lanes that have a task to hand out: first attempts, retries
	later         heap    // what waits for a time
	lastSeq       uint64
	bytes         int64
	lined         int  // entries in lanes
	inFlight      int  // entries handed out
	full          bool // an Enqueue waits for room
	over          bool // Run has ended

	running
}

var (
	_ Orderer  = (*Memory)(nil)
	_ Canceler = (*Memory)(nil)
	_ Statser  = (*Memory)(nil)
	_ Waker    = (*Memory)(nil)
)

// NewMemory makes an engine that keeps tasks in memory. With a negative field in cfg, Enqueue, Resume and Run return an error
// that names it, and so does [New].
func NewMemory(cfg MemoryConfig) *Memory {
	m := &Memory{
		cfg: cfg, wrong: cfg.check(), base: time.Now(),
		turn: make(chan struct{}, 1), room: make(chan struct{}, 1), stopping: make(chan struct{}),
		endpoints: make(map[string]*keyQueue), groups: make(map[string]*group),
	}
	m.ids.slab, m.ids.seed, m.later.slab = &m.slab, maphash.MakeSeed(), &m.slab
	m.idlers.L = &m.mu
	setDefault(&m.cfg.MaxPending, defaultMaxPending)
	setDefault(&m.cfg.MaxBytes, defaultMaxBytes)
	setDefault(&m.cfg.Workers, defaultWorkers)
	return m
}

// check lets [New] refuse a wrong configuration.
func (m *Memory) check() error {
	if m == nil {
		return errors.New("queue: no engine")
	}
	if m.stopping == nil {
		return errors.New("queue: a Memory that NewMemory did not make")
	}
	return m.wrong
}

// now is the time in nanoseconds since base.
func (m *Memory) now() int64 { return int64(time.Since(m.base)) }

// Enqueue keeps the tasks, all of them or none. A task whose ID is kept already is left out. It returns [ErrFull] if there is
// no room, unless it is to wait for it; [ErrStopped] after Run has ended; the cause of ctx's end; or an error that says which
// of the tasks cannot be.
func (m *Memory) Enqueue(ctx context.Context, tasks ...Task) error {
	return m.enqueue(ctx, arrivals{tasks: tasks})
}

// Resume keeps what [Memory.Pending] of an earlier engine gave back, under the conditions of Enqueue: each message goes on
// with the attempt it had reached, at its time. An N below 1 is 1, a zero Since is now. Call it before the first Enqueue, so
// that what is older goes first.
func (m *Memory) Resume(ctx context.Context, deliveries ...Delivery) error {
	return m.enqueue(ctx, arrivals{deliveries: deliveries})
}

// arrivals are what Enqueue or Resume was given; one of them is empty.
type arrivals struct {
	tasks      []Task
	deliveries []Delivery
}

func (a arrivals) len() int { return len(a.tasks) + len(a.deliveries) }

func (a arrivals) at(i int) (t *Task, n int, since time.Time) {
	if len(a.tasks) > 0 {
		return &a.tasks[i], 1, time.Time{}
	}
	d := &a.deliveries[i]
	return &d.Task, max(1, min(d.N, math.MaxInt32)), d.Since
}

func (m *Memory) enqueue(ctx context.Context, a arrivals) error {
	if m.wrong != nil {
		return m.wrong
	}
	if ctx.Err() != nil {
		return fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	var buf [16]measure
	measures, total := buf[:0], int64(0) // taken here, so that nobody waits for it
	for i := range a.len() {
		t, _, _ := a.at(i)
		if err := checkTask(t); err != nil {
			return fmt.Errorf("queue: task %d: %w", i, err)
		}
		size := uint32(min(uint64(Size(t.Message)), math.MaxUint32)) //nolint:gosec // not negative
		measures, total = append(measures, measure{size, m.ids.hash(t.ID)}), total+int64(size)
	}
	err := m.put(a, measures, false)
	if !m.cfg.Block || !errors.Is(err, ErrFull) || errors.Is(err, errShare) || a.len() > m.cfg.MaxPending || total > m.cfg.MaxBytes {
		return err
	}
	return m.putWhenRoom(ctx, a, measures)
}

// A measure is what is computed of a task without holding the lock.
type measure struct{ size, hash uint32 }

func checkTask(t *Task) error {
	switch {
	case t.Message == nil:
		return errors.New("no Message")
	case t.ID == "":
		return errors.New("no ID")
	case t.Key == "":
		return errors.New("no Key")
	case t.ID != t.Message.ID:
		return errors.New("the ID is not that of the Message")
	}
	return nil
}

// putWhenRoom waits for room. One at a time does, in the order in which they came, and nobody overtakes it: else many small
// batches would keep a large one out.
func (m *Memory) putWhenRoom(ctx context.Context, a arrivals, measures []measure) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("queue: %w", context.Cause(ctx))
	case <-m.stopping:
		return ErrStopped
	}
	defer func() {
		m.mu.Lock()
		m.full = false
		m.mu.Unlock()
		<-m.turn
	}()
	for {
		if err := m.put(a, measures, true); !errors.Is(err, ErrFull) || errors.Is(err, errShare) {
			return err
		}
		select {
		case <-m.room:
		case <-ctx.Done():
			return fmt.Errorf("queue: %w", context.Cause(ctx))
		case <-m.stopping:
			return ErrStopped
		}
	}
}

// put takes in all that is not kept already, or nothing.
func (m *Memory) put(a arrivals, measures []measure, waiting bool) error {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return ErrStopped
	}
	var taken list
	for i, of := range measures {
		t, n, since := a.at(i)
		if e := m.ids.find(of.hash, t.ID); e != nil {
			e.canceled = false // wanted again
			continue
		}
		if len(a.tasks) > 0 && m.greedy(t.Key) {
			m.undo(taken)
			return errShare
		}
		if m.ids.count >= m.cfg.MaxPending || int64(of.size) > m.cfg.MaxBytes-m.bytes || m.full && !waiting {
			m.undo(taken)
			m.full = m.full || waiting
			return ErrFull
		}
		e := m.keep(t, of, now)
		e.n = int32(n) //nolint:gosec // at most MaxInt32
		if !since.IsZero() {
			e.since = int64(since.Sub(m.base))
		}
		m.slab.push(&taken, byPlace, e)
	}
	for e := m.slab.pop(&taken); e != nil; e = m.slab.pop(&taken) {
		m.begin(e)
	}
	m.wake()
	return nil
}

// errShare is for an endpoint that would leave no room for the others.
var errShare = fmt.Errorf("%w for this endpoint", ErrFull)

// The last sixteenth of a queue is not for endpoints that have more than a quarter of it already: a dead one must not fill
// it. Small queues have no such share.
const (
	shareFrom = 10_000
	reserve   = 16
	share     = 4
)

// greedy reports whether an endpoint has had its share of an almost full queue.
func (m *Memory) greedy(key string) bool {
	n := m.ids.count
	if n < shareFrom || n < m.cfg.MaxPending-m.cfg.MaxPending/reserve && m.bytes < m.cfg.MaxBytes-m.cfg.MaxBytes/reserve {
		return false
	}
	ep := m.endpoints[key]
	return ep != nil && ep.pending > n/share
}

// undo forgets what has not begun. That makes no room that was not there before.
func (m *Memory) undo(taken list) {
	full := m.full
	m.full = false
	for e := m.slab.pop(&taken); e != nil; e = m.slab.pop(&taken) {
		m.forget(e)
	}
	m.full = full
}

// keep makes the entry of a task, which stands nowhere yet.
func (m *Memory) keep(t *Task, of measure, now int64) *entry {
	e := m.slab.get()
	e.msg, e.size, e.hash, e.since = t.Message, of.size, of.hash, now
	if !t.NotBefore.IsZero() {
		if wait := time.Until(t.NotBefore); wait > 0 {
			e.due = after(now, wait)
		}
	}
	m.lastSeq++
	e.seq = m.lastSeq
	e.ep = m.endpoint(t.Key)
	e.ep.pending++
	if t.Order != "" {
		e.group = m.group(t.Order)
	}
	m.bytes += int64(e.size)
	m.ids.add(e)
	m.slab.push(&m.oldest, byAge, e)
	return e
}

// after is a time that far from now, or the last one there is.
func after(now int64, wait time.Duration) int64 {
	if wait > math.MaxInt64-time.Duration(now) {
		return math.MaxInt64
	}
	return now + int64(max(wait, 0))
}

// forget drops an entry that stands nowhere any more.
func (m *Memory) forget(e *entry) {
	m.ids.remove(e)
	m.slab.remove(&m.oldest, byAge, e)
	m.bytes -= int64(e.size)
	e.ep.pending--
	m.release(e.ep)
	if g := e.group; g != nil && g.active == nil {
		delete(m.groups, g.order)
	}
	m.slab.put(e)
	if m.full {
		select {
		case m.room <- struct{}{}:
		default:
		}
	}
	if m.ids.count == 0 && m.slab.used > maxSpares { // nothing of this shrinks otherwise
		m.slab, m.later.items = slab{}, nil
		m.ids.clear()
		m.endpoints, m.groups = make(map[string]*keyQueue), make(map[string]*group)
		m.idleEndpoints, m.idleCount = ring{}, 0
	}
}

// maxSpares is how many entries are kept for use again when there is none: enough for what comes and goes all the time,
// little enough to forget about.
const maxSpares = 1 << 14

// Cancel ends the delivery of a message, and reports whether there was one to end. An attempt that is under way goes on to
// its end, and if it fails, there is no other.
func (m *Memory) Cancel(ctx context.Context, id string) (bool, error) {
	if ctx.Err() != nil {
		return false, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.ids.find(m.ids.hash(id), id)
	if e == nil || e.canceled {
		return false, nil
	}
	if e.where == out {
		e.canceled = true
		return true, nil
	}
	m.end(e)
	m.wake()
	return true, nil
}
