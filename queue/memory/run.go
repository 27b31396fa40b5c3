package memory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ringhook/webhook/queue"
)

// running is the part of a [Engine] that belongs to Run.
type running struct {
	ran     bool
	start   func() // one more worker; nil unless Run hands out
	ready   func(key string) (bool, time.Duration)
	timer   *time.Timer // for the top of the heap; nil unless Run hands out
	armed   int64       // the time it is set to
	workers sync.WaitGroup
	working int       // how many
	idle    int       // how many of them wait for something to do
	idlers  sync.Cond // where they wait
	waking  bool      // one is on its way
}

const (
	// maxIdle is how many workers wait for something to do; others end, so that those of a peak do not stay.
	maxIdle = 64
	// maxPromoted bounds how many due entries are lined up before others get at the lock.
	maxPromoted = 128
	// panicWait is before the next attempt after a Handle that panicked: long enough not to do that all the time.
	panicWait = 10 * time.Second
)

// Run hands out tasks until ctx ends. It then hands out nothing more, waits for the handlers, and returns nil; what is still
// kept can be had from [Engine.Pending]. A second Run returns [queue.ErrRunning].
//
// A panic in h.Handle is logged through [slog], and is a [queue.KindRetry] after ten seconds; so is a verdict of no known kind.
func (m *Engine) Run(ctx context.Context, h queue.Handler) error {
	if h.Handle == nil {
		return errors.New("queue: the Handler has no Handle")
	}
	timer := time.NewTimer(math.MaxInt64)
	defer timer.Stop()
	if !m.open(ctx, h, timer) {
		return queue.ErrRunning
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-timer.C:
			m.promote()
		}
	}
	m.mu.Lock()
	m.start, m.timer = nil, nil
	m.idlers.Broadcast()
	m.mu.Unlock()
	close(m.stopping) // a handler may wait for room, and Run for the handler
	m.workers.Wait()

	m.mu.Lock()
	m.over = true
	m.mu.Unlock()
	return nil
}

// open begins to hand out, unless that has been done before.
func (m *Engine) open(ctx context.Context, h queue.Handler, timer *time.Timer) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ran {
		return false
	}
	work := func() { m.work(ctx, h.Handle) }
	m.ran = true
	m.ready, m.timer, m.armed = h.Ready, timer, math.MaxInt64
	m.start = func() { m.workers.Go(work) }
	m.arm()
	m.wake()
	return true
}

// wake gets one more worker to work, if there is something to do and none is on its way. That one wakes the next, so that
// there are never more about than needed.
func (m *Engine) wake() {
	switch {
	case m.start == nil || m.waking || !m.anyTurn():
	case m.idle > 0:
		m.idle--
		m.waking = true
		m.idlers.Signal()
	case m.working < m.cfg.Workers:
		m.working++
		m.waking = true
		m.start()
	}
}

// anyTurn reports whether a lane waits for its turn.
func (m *Engine) anyTurn() bool { return m.rings[0].head != nil || m.rings[1].head != nil }

// work hands out one task after another.
func (m *Engine) work(ctx context.Context, handle func(context.Context, queue.Delivery) queue.Verdict) {
	lasting := context.WithoutCancel(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { // also when a handler has ended the goroutine, as a test's does
		m.working--
		if ctx.Err() == nil {
			m.wake()
		}
	}()
	m.waking = false
	for ctx.Err() == nil {
		e := m.take()
		switch {
		case e != nil:
			m.wake()
			m.hand(lasting, e, handle)
		case m.anyTurn():
			m.mu.Unlock() // others may want it
			m.mu.Lock()
		case m.idle == maxIdle:
			return
		default:
			m.idle++
			m.idlers.Wait()
			m.waking = false
		}
	}
}

// hand gives an entry to the handler, without the lock, and books the verdict.
func (m *Engine) hand(ctx context.Context, e *entry, handle func(context.Context, queue.Delivery) queue.Verdict) {
	var d queue.Delivery
	m.fill(&d, e)
	m.mu.Unlock()
	v := queue.Verdict{Kind: queue.KindRetry, After: panicWait}
	defer func() {
		if r := recover(); r != nil { // the value may hold an event's data
			slog.ErrorContext(ctx, "queue: recovered", slog.String("hook", "Handle"),
				slog.String("panic", fmt.Sprintf("%T", r)), slog.String("stack", string(debug.Stack())))
		}
		m.mu.Lock()
		m.book(e, v)
	}()
	v = handle(ctx, d)
}

// book does as the verdict says, and lets the endpoint come up again.
func (m *Engine) book(e *entry, v queue.Verdict) {
	ep := e.ep
	e.where = nowhere
	ep.inFlight--
	m.inFlight--
	m.rouse(ep)
	switch {
	case v.Kind == queue.KindDone || v.Kind == queue.KindDead || e.canceled:
		m.end(e)
		return
	case v.Kind == queue.KindDefer:
	case v.Kind == queue.KindRetry:
		e.n = min(e.n, math.MaxInt32-1) + 1
	default:
		v.After = panicWait
		e.n = min(e.n, math.MaxInt32-1) + 1
	}
	e.due = after(m.now(), v.After)
	e.deferred = v.Kind == queue.KindDefer
	m.schedule(e)
}

// schedule lines an entry up, now or at its time.
func (m *Engine) schedule(e *entry) {
	if e.due > 0 && e.due > m.now() {
		m.wait(e)
		return
	}
	m.line(e, false)
}

// wait keeps an entry until its time.
func (m *Engine) wait(e *entry) {
	e.where = waiting
	m.later.push(e)
	m.arm()
}

// arm sets the timer to the top of the heap. One that is set to an earlier time is left alone: it will see to it.
func (m *Engine) arm() {
	if m.timer == nil || len(m.later.items) == 0 {
		return
	}
	if due := m.later.items[0].due; due < m.armed {
		m.armed = due
		m.timer.Reset(time.Duration(due - m.now()))
	}
}

// promote lines up what is due.
func (m *Engine) promote() {
	for more := true; more; {
		m.mu.Lock()
		now := m.now()
		e := m.later.top(now)
		for n := 0; n < maxPromoted && e != nil; n++ {
			if e.msg == nil {
				m.rouse(e.ep)
			} else {
				m.later.remove(e)
				m.line(e, e.deferred) // what could not be tried goes before what came later
			}
			e = m.later.top(now)
		}
		more = e != nil
		if !more {
			m.armed = math.MaxInt64
			m.arm()
		}
		m.wake()
		m.mu.Unlock()
	}
}
