package enginetest

import (
	"context"
	"errors"
	"time"

	"github.com/ringhook/webhook/queue"
)

// checkReopen stops an engine with tasks of every kind. Those in flight get their
// verdicts after the end of ctx.
func checkReopen(tr *trial) {
	gate := make(chan struct{})
	var (
		finished = tr.task("finished", "key-1")
		waiting  = tr.task("waiting", "key-1")
		retried  = tr.task("retried", "key-1", retry(0), retry(6*tick), retry(tick))
		deferred = tr.task("deferred", "key-2", retry(0), deferral(6*tick))
		done     = tr.task("held-done", "key-2", retry(0), tr.hold(gate, answer(queue.KindDone, 0)))
		dead     = tr.task("held-dead", "key-2", tr.hold(gate, answer(queue.KindDead, 0)))
		again    = tr.task("held-retry", "key-3", retry(0), tr.hold(gate, retry(3*tick)))
		put      = tr.task("held-deferral", "key-3", retry(0), tr.hold(gate, deferral(3*tick)))
	)
	waiting.NotBefore = time.Now().Add(6 * tick)
	tr.start()
	tr.enqueue(finished, waiting, retried, deferred)
	tr.enqueue(done, dead, again, put)
	tr.awaitEnds(finished)
	tr.awaitVerdict(2, retried)
	tr.awaitVerdict(2, deferred)
	tr.awaitFlight(2, done, again, put)
	tr.awaitFlight(1, dead)
	tr.cancel()
	tr.quiet(tick)
	tr.checkRuns()
	close(gate)
	tr.stop()
	tr.awaitEnd(done, 1, 2)
	tr.awaitEnd(dead, 1)

	tr.reopen()
	tr.awaitEnds(waiting)
	tr.awaitEnd(retried, 1, 2, 3, 4)
	tr.awaitEnd(deferred, 1, 2, 2)
	tr.awaitEnd(again, 1, 2, 3)
	tr.awaitEnd(put, 1, 2, 2)
	tr.reopen()
	tr.quiet(tick)
}

// checkEnd keeps a task in flight for some time after ctx has ended, while others become
// due. They do so well after the end: what was taken before it may still be handed out.
func checkEnd(tr *trial) {
	gate, end := make(chan struct{}), make(chan struct{})
	held := tr.task("held", "key", tr.hold(gate, answer(queue.KindDone, 0)))
	retried, later := tr.task("retried", "key", tr.hold(end, retry(3*tick))), tr.task("later", "other key")
	tr.start()
	tr.enqueue(held, retried)
	tr.awaitFlight(1, held, retried)
	later.NotBefore = time.Now().Add(4 * tick)
	tr.enqueue(later)
	tr.cancel()
	if time.Until(later.NotBefore) < tick {
		tr.Skip("the machine is too busy to tell what was before the end of Run's context and what after")
	}
	close(end)
	tr.quiet(6 * tick)
	tr.checkNumbers(later)
	tr.checkNumbers(retried, 1)
	tr.checkRuns()
	close(gate)
	tr.stop()
	tr.awaitEnds(held)
	tr.checkNumbers(later)
	tr.checkNumbers(retried, 1)

	tr.reopen()
	tr.awaitEnds(later)
	tr.awaitEnd(retried, 1, 2)
}

// checkCutOff lets handlers do what they do when their own context ends: defer for no
// time.
func checkCutOff(tr *trial) {
	gate := make(chan struct{})
	fresh := tr.task("fresh", "key", tr.hold(gate, deferral(0)))
	retried := tr.task("retried", "key", retry(0), retry(0), tr.hold(gate, deferral(0)))
	tr.start()
	tr.enqueue(fresh, retried)
	tr.awaitFlight(1, fresh)
	tr.awaitFlight(3, retried)
	tr.cancel()
	close(gate)
	tr.stop()
	tr.checkNumbers(fresh, 1)
	tr.checkNumbers(retried, 1, 2, 3)
	tr.reopen()
	tr.awaitEnd(fresh, 1, 1)
	tr.awaitEnd(retried, 1, 2, 3, 3)
}

func checkSecondRun(tr *trial) {
	gate := make(chan struct{})
	before := tr.task("before", "key", tr.hold(gate, retry(tick)))
	during, after := tr.task("during", "key"), tr.task("after", "key")
	tr.start()
	tr.enqueue(before)
	tr.awaitFlight(1, before)
	tr.checkRefused("while the first is on")
	tr.enqueue(during)
	tr.awaitEnds(during)
	close(gate)
	tr.awaitEnd(before, 1, 2)
	tr.enqueue(after)
	tr.awaitEnds(after)
	tr.stop()
	tr.checkRefused("after the first")
}

// checkRefused calls Run once too often.
func (tr *trial) checkRefused(when string) {
	tr.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*tick)
	defer cancel()
	err := tr.engine.Run(ctx, queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
		tr.Errorf("%s: handed out by a second Run", d.ID)
		return queue.Verdict{Kind: queue.KindDefer}
	}})
	if !errors.Is(err, queue.ErrRunning) {
		tr.Errorf("a second Run %s returned %v, want queue.ErrRunning", when, err)
	}
}

func checkShortRun(tr *trial) {
	t := tr.task("task", "key")
	tr.enqueue(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := tr.engine.Run(ctx, queue.Handler{Handle: func(_ context.Context, d queue.Delivery) queue.Verdict {
		tr.Errorf("%s: handed out by a Run whose context had ended", t.name)
		return queue.Verdict{Kind: queue.KindDefer}
	}})
	if err != nil {
		tr.Errorf("Run with a context that has ended returned: %v", err)
	}
	tr.reopen()
	tr.awaitEnds(t)
}

// checkAfterRun checks that what an engine takes after Run is there when it is opened
// again.
func checkAfterRun(tr *trial) {
	tr.start()
	tr.stop()
	t := tr.task("task", "key")
	err := tr.tryEnqueue(t)
	if err != nil && !errors.Is(err, queue.ErrStopped) {
		tr.Errorf("Enqueue after Run returned %v, want nil or queue.ErrStopped", err)
	}
	tr.reopen()
	if err == nil {
		tr.awaitEnds(t)
	} else {
		tr.quiet(2 * tick)
	}
}
