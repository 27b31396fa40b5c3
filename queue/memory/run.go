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

// running is the part of an [Engine] that belongs to Run. Engine.mu guards it.
type running struct {
	ran      bool
	start    func() // starts one more worker; nil unless Run hands out
	askReady func(key string) (bool, time.Duration)
	timer    *time.Timer    // for the top of the heap; nil unless Run hands out
	timerDue int64          // what it is set to
	workers  sync.WaitGroup // guards itself
	working  int            // how many there are
	idle     int            // workers that wait for something to do
	idlers   sync.Cond      // where they wait
	waking   bool           // one was woken or started, and has not looked for a task yet
}

const (
	// maxIdle is how many workers wait for something to do; others end, so that those
	// of a peak do not stay.
	maxIdle = 64
	// maxPromoted bounds how many due entries are made ready before others can have the
	// lock.
	maxPromoted = 128
	// panicWait is before the next attempt after a Handle that panicked: so long that
	// it does not happen all the time.
	panicWait = 10 * time.Second
)

// Run hands out tasks until ctx ends. Then it hands out nothing more, waits for the
// handlers, and returns nil; what is still kept is what [Engine.Pending] returns. A
// second Run returns [queue.ErrRunning].
//
// A panic in h.Handle is logged with [slog] and becomes a [queue.KindRetry] after ten
// seconds; so does a verdict of no known kind.
func (m *Engine) Run(ctx context.Context, h queue.Handler) error {
	if !m.made() {
		return errNotMade
	}
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
			m.promoteDue()
		}
	}
	m.mu.Lock()
	m.start, m.timer = nil, nil
	m.idlers.Broadcast()
	m.mu.Unlock()
	close(m.stopping) // a handler may wait for room, and Run for the handler
	m.workers.Wait()

	m.mu.Lock()
	m.stopped = true
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
	m.askReady, m.timer, m.timerDue = h.Ready, timer, math.MaxInt64
	m.start = func() { m.workers.Go(work) }
	m.setTimerLocked()
	m.wakeWorkerLocked()
	return true
}

// wakeWorkerLocked wakes or starts one more worker, if there is something to do and
// none is on its way. That one wakes the next, so that there are never more than
// needed. It needs m.mu.
func (m *Engine) wakeWorkerLocked() {
	switch {
	case m.start == nil || m.waking || !m.anyTurnLocked():
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

// anyTurnLocked reports whether a lane waits for its turn. It needs m.mu.
func (m *Engine) anyTurnLocked() bool { return m.rings[0].head != nil || m.rings[1].head != nil }

// A handleFunc is that of a [queue.Handler].
type handleFunc = func(context.Context, queue.Delivery) queue.Verdict

// work hands out one task after another.
func (m *Engine) work(ctx context.Context, handle handleFunc) {
	handleCtx := context.WithoutCancel(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { // also when a handler has ended the goroutine, as a test's does
		m.working--
		if ctx.Err() == nil {
			m.wakeWorkerLocked()
		}
	}()
	m.waking = false
	for ctx.Err() == nil {
		e := m.takeLocked()
		switch {
		case e != nil:
			m.wakeWorkerLocked()
			m.handOutLocked(handleCtx, e, handle)
		case m.anyTurnLocked():
			m.mu.Unlock() // others may need it
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

// handOutLocked gives an entry to the handler, and does what its verdict says. It needs
// m.mu, and releases it while the handler runs.
func (m *Engine) handOutLocked(ctx context.Context, e *entry, handle handleFunc) {
	var d queue.Delivery
	m.fillLocked(&d, e)
	m.mu.Unlock()
	v := queue.Verdict{Kind: queue.KindRetry, After: panicWait}
	defer func() {
		if r := recover(); r != nil { // the value may hold an event's data
			slog.ErrorContext(ctx, "queue: recovered", slog.String("hook", "Handle"),
				slog.String("panic", fmt.Sprintf("%T", r)), slog.String("stack", string(debug.Stack())))
		}
		m.mu.Lock()
		m.applyLocked(e, v)
	}()
	v = handle(ctx, d)
}

// applyLocked does what a verdict says, and gives the endpoint its turn. It needs m.mu.
func (m *Engine) applyLocked(e *entry, v queue.Verdict) {
	ep := e.ep
	e.state = stateNone
	ep.inFlight--
	m.inFlight--
	if e.kept {
		e.kept, ep.kept = false, false
	}
	m.wakeLocked(ep)
	switch {
	case v.Kind == queue.KindDone || v.Kind == queue.KindDead || e.canceled:
		m.endLocked(e)
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
	m.scheduleLocked(e)
}

// scheduleLocked makes an entry ready, now or at its time. It needs m.mu.
func (m *Engine) scheduleLocked(e *entry) {
	if e.due > 0 && e.due > m.now() {
		m.waitLocked(e)
		return
	}
	m.pushReadyLocked(e, false)
}

// waitLocked keeps an entry until its time. It needs m.mu.
func (m *Engine) waitLocked(e *entry) {
	e.state = stateWaiting
	m.later.push(e)
	m.setTimerLocked()
}

// setTimerLocked sets the timer to the top of the heap. One that is set to an earlier
// time is left alone: when that has come, it is set again. It needs m.mu.
func (m *Engine) setTimerLocked() {
	if m.timer == nil || len(m.later.items) == 0 {
		return
	}
	if due := m.later.items[0].due; due < m.timerDue {
		m.timerDue = due
		m.timer.Reset(time.Duration(due - m.now()))
	}
}

// promoteDue makes ready what is due, and wakes the endpoints whose alarm is.
func (m *Engine) promoteDue() {
	for more := true; more; {
		m.mu.Lock()
		now := m.now()
		e := m.later.top(now)
		for n := 0; n < maxPromoted && e != nil; n++ {
			if e.msg == nil {
				m.wakeLocked(e.ep)
			} else {
				m.later.remove(e)
				// What could not be tried goes before what came later.
				m.pushReadyLocked(e, e.deferred)
			}
			e = m.later.top(now)
		}
		more = e != nil
		if !more {
			m.timerDue = math.MaxInt64
			m.setTimerLocked()
		}
		m.wakeWorkerLocked()
		m.mu.Unlock()
	}
}
