package enginetest_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/enginetest"
)

// A naive engine looks at all tasks whenever something has changed. It is right unless
// it has a flaw, which names the one thing that it does otherwise.
type naive struct {
	flaw  string
	woken chan struct{} // there may be something to do

	mu    sync.Mutex // guards all that follows
	items []*item    // in the order of Enqueue
	ran   bool
	over  bool
	// unready has endpoints that were not ready, and until when; zero: until a Handle
	// returns.
	unready map[string]time.Time
	stop    context.CancelFunc
	ended   <-chan struct{} // Run's context

	rows map[string]queue.Endpoint
	rev  int64
}

// An item is a task that is kept. Its NotBefore is when it is due.
type item struct {
	queue.Delivery
	inFlight bool
	canceled bool
}

// pause is what a slow engine takes for everything.
const pause = 60 * time.Millisecond

func open(flaw string) enginetest.OpenFunc {
	return func(_ testing.TB, previous queue.Engine) queue.Engine {
		n := &naive{
			flaw: flaw, woken: make(chan struct{}, 1),
			unready: make(map[string]time.Time), rows: make(map[string]queue.Endpoint),
		}
		if previous == nil {
			return n
		}
		p := previous.(*naive)
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, i := range p.items {
			i = &item{Delivery: i.Delivery}
			switch flaw {
			case "forgets N at reopen":
				i.N = 1
			case "forgets Since at reopen":
				i.Since = time.Now()
			case "forgets times at reopen":
				i.NotBefore = time.Time{}
			}
			n.items = append(n.items, i)
		}
		if flaw == "forgets the order at reopen" {
			slices.Reverse(n.items)
		}
		return n
	}
}

func (n *naive) Enqueue(ctx context.Context, tasks ...queue.Task) error {
	if ctx.Err() != nil && n.flaw != "does not look at the context" {
		if n.flaw == "keeps in spite of an error" {
			_ = n.keep(tasks)
		}
		return context.Cause(ctx)
	}
	n.slow()
	for i, t := range tasks {
		if err := n.check(t); err != nil {
			if n.flaw == "takes half a batch" {
				_ = n.keep(tasks[:i])
			}
			return err
		}
	}
	return n.keep(tasks)
}

func (n *naive) check(t queue.Task) error {
	switch {
	case t.Message == nil && n.flaw != "takes what has no message":
		return errors.New("naive: no Message")
	case t.ID == "" && n.flaw != "takes what has no ID":
		return errors.New("naive: no ID")
	case t.Key == "" && n.flaw != "takes what has no Key":
		return errors.New("naive: no Key")
	}
	return nil
}

func (n *naive) keep(tasks []queue.Task) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.over {
		if n.flaw == "takes tasks in vain" {
			return nil
		}
		return queue.ErrStopped
	}
	busy := slices.ContainsFunc(n.items, func(i *item) bool { return i.inFlight })
	if busy && n.flaw == "refuses tasks of handlers" {
		return errors.New("naive: busy")
	}
	before := len(n.items)
	for _, t := range tasks {
		if i := n.findLocked(t.ID); i != nil {
			if n.flaw != "takes another message for the same" && i.Message != nil {
				if err := queue.CheckSame(i.Message, t.Message); err != nil {
					n.items = n.items[:before]
					return err
				}
			}
			switch n.flaw {
			case "refuses an ID that is kept":
				return errors.New("naive: kept already")
			case "the last of an ID wins":
				i.Task = t
				continue
			case "keeps an ID twice":
			case "keeps an ID twice that is in flight":
				if !i.inFlight {
					continue
				}
			default:
				continue
			}
		}
		d := queue.Delivery{Task: t, N: 1, Since: time.Now()}
		switch n.flaw {
		case "changes the caller's message":
			t.Message.Header.Del("X-Api-Key")
		case "ignores NotBefore":
			d.NotBefore = time.Time{}
		}
		if n.flaw == "is slow" { // and keeps times to the millisecond
			d.Since, d.NotBefore = d.Since.Truncate(time.Millisecond), d.NotBefore.Truncate(time.Millisecond)
		}
		n.items = append(n.items, &item{Delivery: d})
	}
	if n.flaw != "does not wake up for new ones" {
		n.wake()
	}
	return nil
}

// findLocked returns the item of an ID, or nil. It needs n.mu.
func (n *naive) findLocked(id string) *item {
	for _, i := range n.items {
		if i.ID == id {
			return i
		}
	}
	return nil
}

// wake makes Run look for what is to do.
func (n *naive) wake() {
	select {
	case n.woken <- struct{}{}:
	default:
	}
}

func (n *naive) slow() {
	if n.flaw == "is slow" {
		<-time.After(pause)
	}
}

func (n *naive) Run(ctx context.Context, h queue.Handler) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n.mu.Lock()
	ran, on := n.ran, n.ran && !n.over
	n.ran = true
	if on && n.flaw == "a second Run ends the first" {
		n.stop()
	}
	n.stop, n.ended = cancel, ctx.Done()
	if ran && n.flaw != "runs twice" && (on || n.flaw != "runs again") {
		n.mu.Unlock()
		return queue.ErrRunning
	}
	if n.flaw == "begins empty" {
		n.items = nil
	}
	n.mu.Unlock()

	lasting := context.WithoutCancel(ctx)
	if n.flaw == "ends the contexts of handlers" {
		lasting = ctx
	}
	var running sync.WaitGroup
	for first := true; ctx.Err() == nil || first && n.flaw == "looks at the context too late"; first = false {
		n.handOut(lasting, h, &running)
		n.sleep(ctx)
	}
	if n.flaw == "goes on while it waits for the handlers" {
		for range 10 {
			n.handOut(lasting, h, &running)
			<-time.After(pause)
		}
	}
	if n.flaw != "does not wait for the handlers" {
		running.Wait()
	}
	n.mu.Lock()
	n.over = true
	if n.flaw == "loses what waits at the end" {
		n.items = nil
	}
	n.mu.Unlock()
	if n.flaw == "returns the context's error" {
		return ctx.Err()
	}
	return nil
}

// sleep until there may be something to do.
func (n *naive) sleep(ctx context.Context) {
	n.mu.Lock()
	next := time.Now().Add(time.Minute)
	for _, i := range n.items {
		for _, at := range []time.Time{i.NotBefore, n.unready[i.Key]} {
			if at.After(time.Now()) && at.Before(next) {
				next = at
			}
		}
	}
	n.mu.Unlock()
	woken := n.woken
	switch n.flaw {
	case "is slow": // it polls
		next, woken = time.Now().Add(pause), nil
	case "is early":
		next = next.Add(-pause)
	case "does not wake up for retries":
		next = time.Now().Add(time.Hour)
	case "asks Ready all the time":
		next = time.Now().Add(time.Millisecond)
	}
	select {
	case <-ctx.Done():
	case <-woken:
	case <-time.After(time.Until(next)):
	}
}

// handOut hands out all that may be.
func (n *naive) handOut(ctx context.Context, h queue.Handler, running *sync.WaitGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	flying := 0
	for _, i := range n.items {
		if i.inFlight {
			flying++
		}
	}
	for _, i := range n.items {
		if n.flaw == "has one worker" && flying > 0 {
			return
		}
		if i.inFlight || !n.dueLocked(i) || n.isBlockedLocked(i) || !n.isReadyLocked(h, i) {
			continue
		}
		i.inFlight = true
		flying++
		running.Go(func() { n.hand(ctx, h, i) })
		if n.flaw == "hands out twice" {
			running.Go(func() { n.hand(ctx, h, i) })
		}
	}
}

// dueLocked reports whether the time of an item has come. It needs n.mu.
func (n *naive) dueLocked(i *item) bool {
	now := time.Now()
	if n.flaw == "is early" {
		now = now.Add(pause)
	}
	return !now.Before(i.NotBefore)
}

// isBlockedLocked reports whether another one of the same order goes first. It needs
// n.mu.
func (n *naive) isBlockedLocked(of *item) bool {
	if of.Order == "" && n.flaw != "takes no Order for an order" || n.flaw == "knows no order" {
		return false
	}
	for _, i := range n.items {
		if i == of {
			return false
		}
		if n.flaw == "overtakes what waits" && !i.inFlight && !n.dueLocked(i) {
			continue
		}
		if i.Order == of.Order || n.flaw == "has one order" && i.Order != "" {
			return true
		}
	}
	return false
}

// isReadyLocked asks Ready. It needs n.mu.
func (n *naive) isReadyLocked(h queue.Handler, i *item) bool {
	if h.Ready == nil || n.flaw == "is slow" { // it cannot ask
		return true
	}
	until, unready := n.unready[i.Key]
	if unready && (until.IsZero() || until.After(time.Now())) && n.flaw != "asks Ready all the time" {
		return false
	}
	ok, wait := h.Ready(i.Key)
	switch {
	case ok && n.flaw == "takes two slots":
		h.Ready(i.Key)
	case !ok && n.flaw == "asks Ready and goes on":
		return true
	case !ok && n.flaw == "never asks Ready again":
		n.unready[i.Key] = time.Now().Add(time.Hour)
	case !ok && wait == 0:
		n.unready[i.Key] = time.Time{}
	case !ok:
		n.unready[i.Key] = time.Now().Add(wait)
	}
	return ok
}

func (n *naive) hand(ctx context.Context, h queue.Handler, i *item) {
	n.mu.Lock()
	d := i.Delivery
	n.mu.Unlock()
	v := h.Handle(ctx, n.spoil(d))
	n.slow()
	n.mu.Lock()
	defer n.mu.Unlock()
	i.inFlight = false
	if n.flaw != "does not see a Handle return" {
		delete(n.unready, i.Key)
	}
	n.applyLocked(i, v)
	n.wake()
}

// spoil does what some flaws do to all that is handed out.
func (n *naive) spoil(d queue.Delivery) queue.Delivery {
	if d.Message == nil {
		return d
	}
	m := *d.Message
	switch n.flaw {
	case "changes the body":
		m.Body = bytes.ReplaceAll(m.Body, []byte("\r\n"), []byte("\n"))
	case "changes the body on retry":
		if d.N > 1 {
			m.Body = append(slices.Clone(m.Body), ' ')
		}
	case "keeps text as UTF-8":
		m.URL = strings.ToValidUTF8(m.URL, "\ufffd")
	case "loses header values":
		m.Header = http.Header{}
		for name := range d.Message.Header {
			m.Header.Set(name, d.Message.Header.Get(name))
		}
	case "loses the policy":
		m.Policy = webhook.Policy{}
	case "loses the rank":
		m.Rank = 0
	case "loses the message":
		d.Message = nil
		return d
	case "loses the key":
		d.Key = ""
	case "counts from 0":
		d.N--
	case "says when it hands out":
		d.Since = time.Now()
	case "says no Since":
		d.Since = time.Time{}
	}
	d.Message = &m
	return d
}

// applyLocked does what a verdict says. It needs n.mu.
func (n *naive) applyLocked(i *item, v queue.Verdict) {
	select {
	case <-n.ended:
		if n.flaw == "books nothing after the end" {
			return
		}
	default:
	}
	ends := v.Kind == queue.KindDone || v.Kind == queue.KindDead || i.canceled
	switch {
	case n.flaw == "delivers for ever" && v.Kind == queue.KindDone,
		n.flaw == "tries the dead again" && v.Kind == queue.KindDead:
		i.N++
		v.After = pause
	case ends:
		n.removeLocked(i)
		return
	case v.Kind == queue.KindRetry && n.flaw != "does not count",
		v.Kind == queue.KindDefer && n.flaw == "counts deferrals":
		i.N++
	}
	switch {
	case n.flaw == "does not wait before a retry" && v.Kind == queue.KindRetry,
		n.flaw == "does not wait after a deferral" && v.Kind == queue.KindDefer:
		v.After = 0
	case n.flaw == "waits from the start of the attempt":
		v.After -= pause
	}
	i.NotBefore = time.Now().Add(v.After)
	if n.flaw == "is slow" {
		i.NotBefore = i.NotBefore.Truncate(time.Millisecond)
	}
	if n.flaw == "starts Since again" {
		i.Since = time.Now()
	}
}

// removeLocked forgets an item. It needs n.mu.
func (n *naive) removeLocked(i *item) {
	n.items = slices.DeleteFunc(n.items, func(other *item) bool { return other == i })
}
