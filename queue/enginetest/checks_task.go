package enginetest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

func checkDone(tr *trial) {
	t := tr.task("task", "key")
	tr.start()
	tr.enqueue(t)
	tr.awaitEnd(t, 1)
	tr.quiet(2 * tick)
	tr.reopen()
	tr.quiet(tick)
}

func checkDead(tr *trial) {
	failed := tr.task("failed", "key", retry(0), answer(queue.KindDead, 0))
	dropped := tr.task("dropped", "key", func() queue.Verdict {
		return queue.Verdict{Kind: queue.KindDead, Reason: queue.ReasonDisabled}
	})
	tr.start()
	tr.enqueue(failed, dropped)
	tr.awaitEnd(failed, 1, 2)
	tr.awaitEnd(dropped, 1)
	tr.quiet(2 * tick)
	tr.reopen()
	tr.quiet(tick)
}

func checkRetries(tr *trial) {
	t := tr.task("task", "key", retry(2*tick), retry(0), retry(tick))
	tr.start()
	tr.enqueue(t)
	tr.awaitEnd(t, 1, 2, 3, 4)
}

func checkDeferrals(tr *trial) {
	t := tr.task("task", "key", deferral(2*tick), deferral(0), retry(tick), deferral(tick))
	tr.start()
	tr.enqueue(t)
	tr.awaitEnd(t, 1, 1, 1, 2, 2)
}

func checkMessage(tr *trial) {
	every := tr.task("every-byte", "key\x7f/ \"é\"", retry(tick))
	for i := range 256 {
		every.Message.Body = append(every.Message.Body, byte(i))
	}
	every.Message.URL += "&q=%00%FF\xc3\x28"
	every.Message.Header.Set("X-Bytes", string(every.Message.Body))
	every.Message.Rank = -3

	bare := tr.task("bare", "key", retry(tick))
	bare.Message = &webhook.Message{ID: bare.ID, Method: http.MethodGet, URL: "http://hooks.example.com"}

	empty := tr.task("empty-values", "key", retry(tick))
	empty.Message.Header = http.Header{"X-Empty": {""}, "X-None": {}}
	empty.Message.Body = []byte{}
	empty.Message.Policy = webhook.Policy{Success: []int{}, Attempts: 1}

	tr.start()
	tr.enqueue(every, bare, empty)
	for _, t := range []*task{every, bare, empty} {
		tr.awaitEnd(t, 1, 2)
	}
}

// checkNotBefore sets NotBefore; that nothing is handed out too early, every check sees.
func checkNotBefore(tr *trial) {
	late, later, past := tr.task("late", "key"), tr.task("later", "key"), tr.task("past", "key")
	now := time.Now()
	later.NotBefore, late.NotBefore, past.NotBefore = now.Add(4*tick), now.Add(2*tick), now.Add(-time.Hour)
	tr.start()
	tr.enqueue(later, late, past)
	tr.awaitEnds(past, late, later)
}

func checkSince(tr *trial) {
	t := tr.task("task", "key", retry(tick), deferral(tick), retry(tick))
	t.NotBefore = time.Now().Add(tick)
	tr.enqueue(t)
	tr.start()
	tr.awaitVerdict(3, t)
	tr.reopen()
	tr.awaitEnd(t, 1, 2, 2, 3)
}

func checkBeforeRun(tr *trial) {
	first, second := tr.task("first", "key-1"), tr.task("second", "key-2")
	tr.enqueue(first)
	tr.enqueue(second)
	tr.start()
	tr.awaitEnds(first, second)
}

func checkIdle(tr *trial) {
	first, second, third := tr.task("first", "key"), tr.task("second", "key"), tr.task("third", "other key")
	tr.start()
	tr.enqueue() // of no tasks
	tr.quiet(tick)
	tr.enqueue(first)
	tr.awaitEnds(first)
	tr.quiet(tick)
	tr.enqueue(second, third)
	tr.awaitEnds(second, third)
}

func checkByHandler(tr *trial) {
	child := tr.task("child", "key")
	parent := tr.task("parent", "key", func() queue.Verdict {
		if err := tr.tryEnqueue(child); err != nil {
			tr.Errorf("Enqueue from inside Handle: %v", err)
		}
		return queue.Verdict{Kind: queue.KindDone}
	})
	tr.start()
	tr.enqueue(parent)
	tr.awaitEnds(parent, child)
}

// twin is another task of the same message as t: it is told apart by what says nothing of
// which message it is.
func twin(t *task) queue.Task {
	m := *t.Message
	m.Rank += 1000
	return queue.Task{ID: t.ID, Key: t.Key + "-twin", Message: &m}
}

// checkTaken has other messages come under the id of one that is kept: none may be taken
// for it, and nothing of a batch with one of them is kept.
func checkTaken(tr *trial) {
	gate := make(chan struct{}) // keeps the first from being forgotten
	first := tr.task("first", "key", tr.hold(gate, answer(queue.KindDone, 0)))
	beside := tr.task("beside", "key")
	tr.enqueue(first)
	strangers := map[string]func(m *webhook.Message){
		"WebhookID": func(m *webhook.Message) { m.WebhookID += "-other" },
		"Content":   func(m *webhook.Message) { m.Content = []byte("fedcba9876543210") },
		"URL":       func(m *webhook.Message) { m.Content, m.URL = nil, m.URL+"?other" },
		"Body":      func(m *webhook.Message) { m.Content, m.Body = nil, []byte("other") },
	}
	refuse := func() {
		for what, change := range strangers {
			m := *first.Message
			change(&m)
			stranger := queue.Task{ID: m.ID, Key: first.Key, Message: &m}
			for _, batch := range [][]queue.Task{{stranger}, {beside.Task, stranger}, {stranger, beside.Task}} {
				if err := tr.enqueueRaw(batch...); !errors.Is(err, queue.ErrTaken) {
					tr.Errorf("Enqueue of a message with another %s under an ID that is kept: %v, want ErrTaken", what, err)
				}
			}
		}
	}
	refuse()
	tr.start()
	tr.awaitFlight(1, first)
	refuse()
	tr.quiet(2 * tick)
	close(gate)
	tr.awaitEnds(first)
	tr.enqueue(beside)
	tr.awaitEnds(beside)
}

func (tr *trial) enqueueTwin(of *task, more ...queue.Task) {
	tr.Helper()
	if err := tr.enqueueRaw(append(more, twin(of))...); err != nil {
		tr.Errorf("Enqueue of an ID that is kept already: %v", err)
	}
}

func checkSameID(tr *trial) {
	gate := make(chan struct{}) // keeps a task from being forgotten while its twins come
	kept, beside, first := tr.task("kept", "key"), tr.task("beside", "key"), tr.task("first", "key")
	tr.enqueue(kept)
	tr.enqueueTwin(kept)
	batch := tr.expect(beside, first)
	tr.enqueueTwin(first, twin(kept), batch[0], batch[1]) // in one batch: the first wins
	tr.start()

	again := tr.task("retry", "key", retry(2*tick), tr.hold(gate, answer(queue.KindDone, 0)))
	tr.enqueue(again)
	tr.awaitVerdict(1, again)
	tr.enqueueTwin(again)

	many := tr.task("many", "key", tr.hold(gate, answer(queue.KindDone, 0)))
	batch = tr.expect(many)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := tr.enqueueRaw(batch...); err != nil {
				tr.Errorf("Enqueue of one ID from many goroutines: %v", err)
			}
		})
	}
	all.Wait()
	close(gate)
	tr.awaitEnds(kept, beside, first, many)
	tr.awaitEnd(again, 1, 2)
	tr.quiet(tick)
}

func checkSameIDInFlight(tr *trial) {
	gate := make(chan struct{})
	t := tr.task("task", "key", tr.hold(gate, retry(0)), tr.hold(gate, answer(queue.KindDone, 0)))
	tr.start()
	tr.enqueue(t)
	tr.awaitFlight(1, t)
	tr.enqueueTwin(t)
	tr.quiet(tick)
	close(gate)
	tr.awaitEnd(t, 1, 2)
	tr.quiet(2 * tick)
}

func checkBatch(tr *trial) {
	bad := map[string]queue.Task{
		"no Message": {ID: "no-message", Key: "key"},
		"no ID":      {Key: "key", Message: message("")},
		"no Key":     {ID: "no-key", Message: message("no-key")},
	}
	tr.start()
	var refused []*task
	for what, b := range bad {
		first, last := tr.task("beside-one-of-"+strconv.Itoa(len(refused)), "key"), tr.task("last", "key")
		refused = append(refused, first, last)
		for _, batch := range [][]queue.Task{{b}, {first.Task, b}, {b, last.Task}, {first.Task, b, last.Task}} {
			if err := tr.enqueueRaw(batch...); err == nil {
				tr.Errorf("Enqueue of %d tasks, one with %s, returned nil", len(batch), what)
			}
		}
	}
	tr.quiet(2 * tick) // what was kept would come
	tr.enqueue(refused...)
	tr.awaitEnds(refused...)
}

func checkEndedContext(tr *trial) {
	tr.start()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t := tr.task("task", "key")
	if err := tr.engine.Enqueue(ctx, t.Task); err == nil {
		tr.Errorf("Enqueue with a context that has ended returned nil")
	}
	tr.quiet(2 * tick)
	tr.enqueue(t)
	tr.awaitEnds(t)
}

// checkMany has all kinds of tasks come from eight goroutines. The first ones are held
// until several are in flight.
func checkMany(tr *trial) {
	const (
		total   = 240
		atOnce  = 4
		a, keys = 5 * time.Millisecond, 20
	)
	gate := make(chan struct{})
	kinds := []struct {
		steps   []step
		numbers []int
	}{
		{nil, []int{1}},
		{[]step{retry(a)}, []int{1, 2}},
		{[]step{deferral(a)}, []int{1, 1}},
		{[]step{retry(0), deferral(0), retry(a)}, []int{1, 2, 2, 3}},
	}
	var tasks []*task
	for i := range total {
		t := tr.task("task-"+strconv.Itoa(i), "key-"+strconv.Itoa(i%keys), kinds[i%len(kinds)].steps...)
		if i < atOnce {
			t.steps = append([]step{tr.hold(gate, deferral(0))}, t.steps...)
		}
		tasks = append(tasks, t)
	}
	batches := slices.Collect(slices.Chunk(tasks, 3))
	tr.start()
	var all sync.WaitGroup
	for first := range 8 {
		all.Go(func() {
			for i := first; i < len(batches); i += 8 {
				if err := tr.tryEnqueue(batches[i]...); err != nil {
					tr.Errorf("Enqueue: %v", err)
				}
			}
		})
	}
	all.Wait()
	tr.await("several in flight at once", func() bool { return tr.inFlight >= atOnce })
	close(gate)
	for i, t := range tasks {
		want := kinds[i%len(kinds)].numbers
		if i < atOnce {
			want = append([]int{1}, want...)
		}
		tr.awaitEnd(t, want...)
	}
	tr.quiet(tick)
}
