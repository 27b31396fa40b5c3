package memory

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"sync"
	"time"

	"github.com/ringhook/webhook/queue"
)

// An Engine is a [queue.Engine] that keeps tasks in the memory of the process, for those whose events can be had again from
// elsewhere: what is kept is lost with the process, unless [Engine.Pending] is stored when Run has returned, and given to
// [Engine.Resume] of the next one.
//
// First attempts go before retries, and each time the next endpoint has its turn, so that neither a dead endpoint nor a busy
// one holds up the others; to an endpoint that gets first attempts faster than it answers, no retries go meanwhile. What this costs does not grow with the number of endpoints. A waiting retry takes at most 192
// bytes beyond its message, and no goroutine. The memory of a peak is given back when the queue has run empty.
//
// It is also a [queue.Orderer], a [queue.Canceler] and a [queue.Statser]. Make one by [New]; it is safe for concurrent use, and runs once.
type Engine struct {
	cfg  Config
	base time.Time // times are kept as nanoseconds since then, on the monotonic clock: nobody sets that

	countShare, bytesShare share

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
	_ queue.Orderer  = (*Engine)(nil)
	_ queue.Canceler = (*Engine)(nil)
	_ queue.Statser  = (*Engine)(nil)
	_ queue.Waker    = (*Engine)(nil)
)

// New makes an engine that keeps tasks in memory, or returns an error that names the field of
// cfg that cannot be.
func New(cfg Config) (*Engine, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	m := &Engine{
		cfg: cfg, base: time.Now(),
		turn: make(chan struct{}, 1), room: make(chan struct{}, 1), stopping: make(chan struct{}),
		endpoints: make(map[string]*keyQueue), groups: make(map[string]*group),
		countShare: newShare(int64(cfg.MaxPending), int64(cfg.MaxPending/16), countShareFrom),
		bytesShare: newShare(cfg.MaxBytes, cfg.MaxBytes/4, bytesShareFrom),
	}
	m.ids.slab, m.ids.seed, m.later.slab = &m.slab, maphash.MakeSeed(), &m.slab
	m.idlers.L = &m.mu
	return m, nil
}

// now is the time in nanoseconds since base.
func (m *Engine) now() int64 { return int64(time.Since(m.base)) }

// Enqueue keeps the tasks, all of them or none. A task whose ID is kept already is left out. It returns [queue.ErrFull] if there is
// no room, unless it is to wait for it; [queue.ErrStopped] after Run has ended; the cause of ctx's end; or an error that says which
// of the tasks cannot be.
func (m *Engine) Enqueue(ctx context.Context, tasks ...queue.Task) error {
	return m.enqueue(ctx, arrivals{tasks: tasks})
}

// Resume keeps what [Engine.Pending] of an earlier engine gave back, under the conditions of Enqueue: each message goes on
// with the attempt it had reached, at its time. An N below 1 is 1, a zero Since is now. Call it before the first Enqueue, so
// that what is older goes first.
func (m *Engine) Resume(ctx context.Context, deliveries ...queue.Delivery) error {
	return m.enqueue(ctx, arrivals{deliveries: deliveries})
}

// arrivals are what Enqueue or Resume was given; one of them is empty.
type arrivals struct {
	tasks      []queue.Task
	deliveries []queue.Delivery
}

func (a arrivals) len() int { return len(a.tasks) + len(a.deliveries) }

func (a arrivals) at(i int) (t *queue.Task, n int, since time.Time) {
	if len(a.tasks) > 0 {
		return &a.tasks[i], 1, time.Time{}
	}
	d := &a.deliveries[i]
	return &d.Task, max(1, min(d.N, math.MaxInt32)), d.Since
}

func (m *Engine) enqueue(ctx context.Context, a arrivals) error {
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
		size := uint32(min(uint64(queue.Size(t.Message)), math.MaxUint32)) //nolint:gosec // not negative
		measures, total = append(measures, measure{size, m.ids.hash(t.ID)}), total+int64(size)
	}
	err := m.put(a, measures, false)
	if !m.cfg.Block || !errors.Is(err, queue.ErrFull) || errors.Is(err, errShare) || a.len() > m.cfg.MaxPending || total > m.cfg.MaxBytes {
		return err
	}
	return m.putWhenRoom(ctx, a, measures)
}

// A measure is what is computed of a task without holding the lock.
type measure struct{ size, hash uint32 }

func checkTask(t *queue.Task) error {
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
func (m *Engine) putWhenRoom(ctx context.Context, a arrivals, measures []measure) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("queue: %w", context.Cause(ctx))
	case <-m.stopping:
		return queue.ErrStopped
	}
	defer func() {
		m.mu.Lock()
		m.full = false
		m.mu.Unlock()
		<-m.turn
	}()
	for {
		if err := m.put(a, measures, true); !errors.Is(err, queue.ErrFull) || errors.Is(err, errShare) {
			return err
		}
		select {
		case <-m.room:
		case <-ctx.Done():
			return fmt.Errorf("queue: %w", context.Cause(ctx))
		case <-m.stopping:
			return queue.ErrStopped
		}
	}
}

// put takes in all that is not kept already, or nothing.
func (m *Engine) put(a arrivals, measures []measure, waiting bool) error {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return queue.ErrStopped
	}
	var taken list
	for i, of := range measures {
		t, n, since := a.at(i)
		if e := m.ids.find(of.hash, t.ID); e != nil {
			e.canceled = false // wanted again
			continue
		}
		if len(a.tasks) > 0 && m.exceedsShare(t.Key, int64(of.size)) {
			m.undo(taken)
			return errShare
		}
		if m.ids.count >= m.cfg.MaxPending || int64(of.size) > m.cfg.MaxBytes-m.bytes || m.full && !waiting {
			m.undo(taken)
			m.full = m.full || waiting
			return queue.ErrFull
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

// undo forgets what has not begun. That makes no room that was not there before.
func (m *Engine) undo(taken list) {
	full := m.full
	m.full = false
	for e := m.slab.pop(&taken); e != nil; e = m.slab.pop(&taken) {
		m.forget(e)
	}
	m.full = full
}

// keep makes the entry of a task, which stands nowhere yet.
func (m *Engine) keep(t *queue.Task, of measure, now int64) *entry {
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
	e.ep.bytes += int64(e.size)
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
func (m *Engine) forget(e *entry) {
	m.ids.remove(e)
	m.slab.remove(&m.oldest, byAge, e)
	m.bytes -= int64(e.size)
	e.ep.pending--
	e.ep.bytes -= int64(e.size)
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
func (m *Engine) Cancel(ctx context.Context, id string) (bool, error) {
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
