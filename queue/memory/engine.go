// Package memory is the [queue.Engine] that keeps messages in the memory of the
// process.
//
//	engine, err := memory.New(memory.Config{})
//	...
//	q, err := queue.New(client, engine, queue.Config{})
//	...
//	err = q.Run(ctx)         // until ctx ends
//	left := engine.Pending() // what was not delivered, for Resume of the next engine
//
// A million messages that wait for a retry take some 140 MB in addition to their texts.
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

// An Engine is a [queue.Engine] that keeps tasks in the memory of the process. It is
// for events that can be had again from elsewhere: what is kept is lost with the
// process, unless [Engine.Pending] is stored when Run has returned, and given to
// [Engine.Resume] of the next engine.
//
// First attempts go before retries, and endpoints take turns, so that neither a dead
// endpoint nor a busy one holds up the others. While an endpoint gets first attempts
// faster than it answers, its retries wait. At an endpoint, the types of event take turns,
// and one place is kept for the type of which least waits. The cost of this does not grow with the
// number of endpoints. A waiting retry takes at most 192 bytes in addition to its
// message, and no goroutine. The memory of a peak is given back when the engine has run
// empty.
//
// It is also a [queue.Orderer], a [queue.Canceler], a [queue.Statser], a [queue.Waker]
// and a [queue.Endpoints], whose decisions end with it too. Make one with [New]: a zero
// Engine returns errors. It is safe for concurrent use, and runs once.
type Engine struct {
	cfg Config
	// Times are nanoseconds since base, on the monotonic clock, which nobody sets.
	base time.Time

	countShare, bytesShare share

	turn     chan struct{} // full while an Enqueue waits for room; others wait for it
	room     chan struct{} // tells the one that waits when something has ended
	stopping chan struct{} // closed when Run hands out no more

	// mu guards all that follows, and all that can be reached from there.
	mu             sync.Mutex
	slab           slab
	ids            ids  // all entries
	oldest         list // the same by age
	endpoints      map[string]*endpoint
	idleEndpoints  ring // those of them without entries, by their first lane
	idleCount      int
	groups         map[string]*group
	rings          [2]ring // lanes that have a task to hand out: first attempts, retries
	later          heap    // what waits for a time
	lastSeq        uint64
	bytes          int64
	ready          int // entries in lanes
	inFlight       int // entries handed out
	waitingForRoom bool
	stopped        bool // Run has ended
	paused         map[string]bool

	running
	// What is decided about endpoints. It has a lock of its own.
	queue.LocalEndpoints
}

var (
	_ queue.Orderer   = (*Engine)(nil)
	_ queue.Canceler  = (*Engine)(nil)
	_ queue.Statser   = (*Engine)(nil)
	_ queue.Waker     = (*Engine)(nil)
	_ queue.Endpoints = (*Engine)(nil)
)

// New makes an engine. It returns an error that names the field if cfg cannot be.
func New(cfg Config) (*Engine, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	m := &Engine{
		cfg: cfg, base: time.Now(),
		countShare: newShare(int64(cfg.MaxPending), int64(cfg.MaxPending/16), countShareFrom),
		bytesShare: newShare(cfg.MaxBytes, cfg.MaxBytes/4, bytesShareFrom),
		turn:       make(chan struct{}, 1), room: make(chan struct{}, 1), stopping: make(chan struct{}),
		endpoints: make(map[string]*endpoint), groups: make(map[string]*group),
		paused: make(map[string]bool),
	}
	m.ids.slab, m.ids.seed, m.later.slab = &m.slab, maphash.MakeSeed(), &m.slab
	m.idlers.L = &m.mu
	return m, nil
}

// Workers is [Config] Workers.
func (m *Engine) Workers() int { return m.cfg.Workers }

// Processes is 1: nobody else hands out what is in the memory of this process.
func (m *Engine) Processes() int { return 1 }

// made reports whether New made the engine: one that is nil or zero, as after an error
// of New that was ignored, keeps and hands out nothing.
func (m *Engine) made() bool { return m != nil && m.stopping != nil }

var errNotMade = errors.New("queue: memory: the engine was not made by New")

// now is the time in nanoseconds since base.
func (m *Engine) now() int64 { return int64(time.Since(m.base)) }

// Enqueue keeps the tasks, all of them or none. A task whose ID is kept already is left
// out, or refused with [queue.ErrTaken] if it is another message. It returns
// [queue.ErrFull] if there is no room, unless it is to wait for it; [queue.ErrStopped]
// after Run has ended; the cause of ctx's end; or an error that says which of the tasks
// cannot be.
func (m *Engine) Enqueue(ctx context.Context, tasks ...queue.Task) error {
	return m.enqueue(ctx, batch{tasks: tasks})
}

// Resume keeps what [Engine.Pending] of an earlier engine returned, under the
// conditions of Enqueue, but whatever share of the engine an endpoint has: each message
// continues with the attempt it had reached, at its time. An N below 1 is 1, a zero
// Since is now. Call it before the first Enqueue, so that older messages go first.
func (m *Engine) Resume(ctx context.Context, deliveries ...queue.Delivery) error {
	return m.enqueue(ctx, batch{deliveries: deliveries})
}

// A batch is what Enqueue or Resume was given; one of the two is empty.
type batch struct {
	tasks      []queue.Task
	deliveries []queue.Delivery
}

func (b batch) len() int { return len(b.tasks) + len(b.deliveries) }

func (b batch) at(i int) (t *queue.Task, n int, since time.Time) {
	if len(b.tasks) > 0 {
		return &b.tasks[i], 1, time.Time{}
	}
	d := &b.deliveries[i]
	return &d.Task, max(1, min(d.N, math.MaxInt32)), d.Since
}

// A measure is what is computed of a task without holding the lock.
type measure struct{ size, hash uint32 }

func (m *Engine) enqueue(ctx context.Context, b batch) error {
	if !m.made() {
		return errNotMade
	}
	if ctx.Err() != nil {
		return fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	var buf [16]measure
	measures, total := buf[:0], int64(0)
	for i := range b.len() {
		t, _, _ := b.at(i)
		if err := checkTask(t); err != nil {
			return fmt.Errorf("queue: task %d: %w", i, err)
		}
		size := min(int64(queue.Size(t.Message)), math.MaxUint32)
		of := measure{uint32(size), m.ids.hash(t.ID)} //nolint:gosec // not negative
		measures, total = append(measures, of), total+size
	}
	err := m.put(b, measures, false)
	neverFits := b.len() > m.cfg.MaxPending || total > m.cfg.MaxBytes
	if !m.cfg.Block || !isFull(err) || neverFits {
		return err
	}
	return m.putWhenRoom(ctx, b, measures)
}

// isFull reports whether there will be room some time: there may never be for an
// endpoint that has its share.
func isFull(err error) bool { return errors.Is(err, queue.ErrFull) && !errors.Is(err, errShare) }

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

// putWhenRoom waits for room. One caller at a time does, in the order in which they
// came, and nobody overtakes it: otherwise many small batches would keep a large one
// out.
func (m *Engine) putWhenRoom(ctx context.Context, b batch, measures []measure) error {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("queue: %w", context.Cause(ctx))
	case <-m.stopping:
		return queue.ErrStopped
	}
	defer func() {
		m.mu.Lock()
		m.waitingForRoom = false
		m.mu.Unlock()
		<-m.turn
	}()
	for {
		if err := m.put(b, measures, true); !isFull(err) {
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

// put keeps all of a batch that is not kept already, or nothing. If myTurn, no other
// Enqueue is waiting for room.
func (m *Engine) put(b batch, measures []measure, myTurn bool) error {
	since := m.now() // before the lock, which may be long in coming
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return queue.ErrStopped
	}
	var kept list
	for i, of := range measures {
		t, n, first := b.at(i)
		if e := m.ids.find(of.hash, t.ID); e != nil {
			if err := queue.CheckSame(e.msg, t.Message); err != nil {
				m.undoLocked(kept)
				return err
			}
			e.canceled = false // wanted again
			continue
		}
		size := int64(of.size)
		if len(b.tasks) > 0 && m.exceedsShareLocked(t.Key, size) {
			m.undoLocked(kept)
			return errShare
		}
		full := m.ids.count >= m.cfg.MaxPending || size > m.cfg.MaxBytes-m.bytes
		if full || m.waitingForRoom && !myTurn {
			m.undoLocked(kept)
			m.waitingForRoom = m.waitingForRoom || myTurn
			return queue.ErrFull
		}
		e := m.keepLocked(t, of)
		e.n, e.since = int32(n), since //nolint:gosec // at most MaxInt32
		if !first.IsZero() {
			e.since = int64(first.Sub(m.base))
		}
		m.slab.push(&kept, linkPlace, e)
	}
	for e := m.slab.pop(&kept); e != nil; e = m.slab.pop(&kept) {
		m.startLocked(e)
	}
	m.wakeWorkerLocked()
	return nil
}

// undoLocked forgets entries that were not started. That makes no room that was not
// there before. It needs m.mu.
func (m *Engine) undoLocked(kept list) {
	waiting := m.waitingForRoom
	m.waitingForRoom = false
	for e := m.slab.pop(&kept); e != nil; e = m.slab.pop(&kept) {
		m.forgetLocked(e)
	}
	m.waitingForRoom = waiting
}

// keepLocked makes the entry of a task, which has no place yet. It needs m.mu.
func (m *Engine) keepLocked(t *queue.Task, of measure) *entry {
	e := m.slab.get()
	e.msg, e.size, e.hash = t.Message, of.size, of.hash
	if !t.NotBefore.IsZero() {
		// In this sequence: time that passes in between must not make it due too early.
		if wait := time.Until(t.NotBefore); wait > 0 {
			e.due = after(m.now(), wait)
		}
	}
	m.lastSeq++
	e.seq = m.lastSeq
	e.ep = m.endpointLocked(t.Key)
	e.ep.pending++
	e.ep.bytes += int64(e.size)
	if t.Order != "" {
		e.group = m.groupLocked(t.Order)
	}
	m.bytes += int64(e.size)
	m.ids.add(e)
	m.slab.push(&m.oldest, linkAge, e)
	return e
}

// after is the time so long from now, or the last one there is.
func after(now int64, wait time.Duration) int64 {
	if wait > math.MaxInt64-time.Duration(now) {
		return math.MaxInt64
	}
	return now + int64(max(wait, 0))
}

// forgetLocked drops an entry that has no place any more. It needs m.mu.
func (m *Engine) forgetLocked(e *entry) {
	m.ids.remove(e)
	m.slab.remove(&m.oldest, linkAge, e)
	m.bytes -= int64(e.size)
	e.ep.pending--
	e.ep.bytes -= int64(e.size)
	m.releaseLocked(e.ep)
	if g := e.group; g != nil && g.active == nil {
		delete(m.groups, g.order)
	}
	m.slab.put(e)
	if m.waitingForRoom {
		select {
		case m.room <- struct{}{}:
		default:
		}
	}
	if m.ids.count == 0 && m.slab.used > maxSpares { // none of this shrinks otherwise
		m.slab, m.later.items = slab{}, nil
		m.ids.clear()
		m.endpoints, m.groups = make(map[string]*endpoint), make(map[string]*group)
		m.idleEndpoints, m.idleCount = ring{}, 0
	}
}

// maxSpares is how many unused entries an empty engine keeps: enough for what comes and
// goes all the time, and little enough memory not to matter.
const maxSpares = 1 << 14

// Cancel ends the delivery of a message, and reports whether there was one to end. An
// attempt that is in flight continues to its end, but none follows it.
func (m *Engine) Cancel(ctx context.Context, id string) (bool, error) {
	if !m.made() {
		return false, errNotMade
	}
	if ctx.Err() != nil {
		return false, fmt.Errorf("queue: %w", context.Cause(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.ids.find(m.ids.hash(id), id)
	if e == nil || e.canceled {
		return false, nil
	}
	if e.state == stateInFlight {
		e.canceled = true
		return true, nil
	}
	m.endLocked(e)
	m.wakeWorkerLocked()
	return true, nil
}
