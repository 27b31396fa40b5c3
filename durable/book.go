package durable

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// A delivery is a row of the table as a worker has it.
type delivery struct {
	seq, gen int64
	now      time.Time // when the worker read it, and later when it has the verdict

	id, key   string
	webhookID string // as the table has it
	tenant    string // empty: none
	ordering  string // empty: none
	state     State  // empty: there is no such row, or it belongs to another worker
	active    bool
	attempts  int
	created   time.Time
	resent    time.Time // its first attempt since then, or now; zero: it was not
	due       time.Time
	held      time.Time
	busy      bool // another worker holds it
	endpoint  queue.EndpointState
	unproved  bool // composed with a version whose URL is not verified
	parked    bool // just now, since the endpoint is paused
	unsure    bool // whether the verdict may have been written although that failed
	message   []byte
	content   []byte
	refs      *string // as refsColumn has them

	verdict queue.Verdict
	answer  answer // of the verdict's attempt
	blocked string // why the message could not be read
}

// load reads d. It parks it if its endpoint is paused, else holds it if it is ordered.
func (e *Engine[T]) load(ctx context.Context, d *delivery) error {
	return e.loads.do(ctx, d)
}

func (e *Engine[T]) loadBatch(batch []*delivery) error {
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	rows := make([][]any, len(batch))
	for i, d := range batch {
		d.state, d.busy, d.parked = "", false, false
		rows[i] = []any{d.seq, d.gen}
	}
	loading := e.sql.load.For(rows, func(row store.Row) error { return scanLoaded(row, batch) })
	if err := e.store.Read(ctx, loading); err != nil {
		e.reads.failed(len(batch))
		return err
	}
	e.reads.succeeded(batch)
	var stmts []store.Stmt
	for _, d := range batch {
		switch mine := d.state == StatePending && (d.active || d.ordering == ""); {
		case mine && d.endpoint == queue.StatePaused:
			stmts = append(stmts, store.Stmt{
				SQL:  e.sql.park,
				Args: []any{d.seq, d.gen, d.key},
				Scan: func(row store.Row) error { d.parked = true; return row.Scan(new(int64)) },
			})
		case mine && d.ordering != "" && !d.due.After(d.now):
			d.busy = true
			from, until := e.held(d.now)
			end := micros(d.now.Add(e.config.lease()))
			stmts = append(stmts, store.Stmt{
				SQL:  e.sql.hold,
				Args: []any{d.seq, d.gen, from, end, until},
				Scan: func(row store.Row) error {
					d.busy, d.held = false, fromMicros(end)
					return row.Scan(new(int64))
				},
			})
		}
	}
	if len(stmts) == 0 {
		return nil
	}
	return e.store.Run(ctx, stmts...)
}

// reads says how many deliveries are read at once: so many that their messages are some
// megabytes, and fewer after a failure, since a slow connection must not time out on the
// same batch again and again. The zero value is ready to use.
type reads struct {
	mu    sync.Mutex // guards what follows
	bytes float64    // of a message, on average
	most  int        // after a failure, until as many have succeeded; zero: any number
}

// readBytes is about how many bytes of messages are read at once.
const readBytes = 4 << 20

func (r *reads) fit() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := max(1, int(readBytes/max(r.bytes, 1)))
	if r.most > 0 {
		n = min(n, r.most)
	}
	return n
}

func (r *reads) failed(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.most = max(1, n/4)
}

func (r *reads) succeeded(batch []*delivery) {
	sum := 0
	for _, d := range batch {
		sum += len(d.message)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// Large ones count at once, small ones with time.
	mean := float64(sum) / float64(len(batch))
	r.bytes = max(mean, r.bytes-r.bytes/8+mean/8)
	if r.most > 0 && len(batch) >= r.most {
		if r.most *= 2; r.most >= 500 {
			r.most = 0
		}
	}
}

// scanLoaded sets the one of a batch that a row is of.
func scanLoaded(row store.Row, batch []*delivery) error {
	var read delivery
	var ordering *string
	var n, active, attempts, created, due, held, resent, proved int64
	err := row.Scan(&n, &read.id, &read.key, &ordering, (*string)(&read.state), &active, &attempts,
		&created, &due, &held, &read.message, &read.content, &read.refs, (*string)(&read.endpoint), &resent, &read.tenant, &proved)
	if err != nil {
		return err
	}
	d := batch[n-1]
	d.id, d.key, d.state, d.endpoint, d.tenant = read.id, read.key, read.state, read.endpoint, read.tenant
	d.message, d.content, d.refs = read.message, read.content, read.refs
	if ordering != nil {
		d.ordering = *ordering
	}
	d.active, d.attempts, d.unproved = active == 1, int(attempts), proved == 0
	d.created, d.due, d.held = fromMicros(created), fromMicros(due), fromMicros(held)
	switch d.resent = (time.Time{}); {
	case resent > 0:
		d.resent = fromMicros(resent)
	case resent < 0: // no attempt yet
		d.resent = d.now
	}
	return nil
}

// held returns the times between which the end of a hold is, if it counts now. One that
// ends later was written by a process with a wrong clock: the clocks of two processes
// may differ by a lease at most.
func (e *Engine[T]) held(now time.Time) (from, until int64) {
	return micros(now), micros(now.Add(2 * e.config.lease()))
}

// book writes the verdict of d down, and tries again until its lease is over: otherwise
// the attempt would be repeated. If another worker has taken over d, d.state is empty.
func (e *Engine[T]) book(ctx context.Context, d *delivery) error {
	late := e.clock.now().Round(0).Sub(d.now.Round(0)) > e.config.lease()
	if late && d.verdict.Kind != queue.KindDone {
		d.state = "" // the worker that has d now decides how it goes on
		if d.maybeSent() {
			return e.store.Run(ctx, e.sentStmt(d))
		}
		return nil
	}
	d.now = e.clock.now()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		// Without cancellation, since the batch uses d until it ends.
		err := e.verdicts.do(context.WithoutCancel(ctx), d)
		if err == nil {
			return nil
		}
		d.unsure = true
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

func (e *Engine[T]) bookBatch(batch []*delivery) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var stmts []store.Stmt
	for _, part := range distinct(batch, func(d *delivery) []int64 { return []int64{d.seq} }) {
		stmts = append(stmts, e.verdictStmts(part)...)
	}
	if err := e.store.Run(ctx, stmts...); err != nil {
		return err
	}
	for _, d := range batch {
		e.tallies.add(d.webhookID, d.now, d.outcome())
	}
	return nil
}

// maybeSent reports whether the receiver may have a request of the verdict's attempt.
func (d *delivery) maybeSent() bool {
	return d.verdict.Attempt != nil && d.verdict.Attempt.MayHaveArrived
}

// sentStmt notes that of an attempt that is not written down, whoever has d by now.
func (e *Engine[T]) sentStmt(d *delivery) store.Stmt {
	return store.Stmt{SQL: e.sql.sent, Args: []any{d.seq}}
}

// verdictStmts returns the statements that write down attempts and verdicts of a batch in
// which no delivery is twice. They set the state of each to what it is then.
func (e *Engine[T]) verdictStmts(batch []*delivery) []store.Stmt {
	var attempts [][]any
	var stmts []store.Stmt
	alike := make(map[*store.Many][]*delivery) // by the statement for their verdicts
	// Another worker may have some of them too, and all lock them in one sequence.
	batch = slices.SortedFunc(slices.Values(batch), func(a, b *delivery) int { return cmp.Compare(a.seq, b.seq) })
	for _, d := range batch {
		if a := d.verdict.Attempt; d.verdict.Kind == queue.KindDefer && d.maybeSent() {
			stmts = append(stmts, e.sentStmt(d))
		} else if a != nil && d.verdict.Kind != queue.KindDefer {
			attempts = append(attempts, d.args(micros(a.At), a.Duration.Microseconds(), int64(a.Status),
				clean(string(a.Class)), errorText(a.Err), int64(a.Requests), arrived(a), wantText(a.Want),
				d.answer[0], d.answer[1], d.answer[2], problemText(a)))
		}
		statement := e.verdictOf(d)
		alike[statement] = append(alike[statement], d)
	}
	if attempts != nil {
		stmts = append(stmts, e.sql.attempt.For(attempts, nil))
	}
	for _, statement := range []*store.Many{&e.sql.block, &e.sql.postpone, &e.sql.retry, &e.sql.end} {
		of := alike[statement]
		if of == nil {
			continue
		}
		rows := make([][]any, len(of))
		for i, d := range of {
			d.state = "" // where no row comes back
			rows[i] = e.verdictRow(d)
		}
		stmts = append(stmts, statement.For(rows, func(row store.Row) error {
			var n int64
			var state State
			err := row.Scan(&n, (*string)(&state))
			if err == nil {
				of[n-1].state = state
			}
			return err
		}))
	}
	return stmts
}

// verdictOf returns the statement that updates the row of d by its verdict.
func (e *Engine[T]) verdictOf(d *delivery) *store.Many {
	switch {
	case d.blocked != "":
		return &e.sql.block
	case d.verdict.Kind == queue.KindDefer:
		return &e.sql.postpone
	case d.verdict.Kind == queue.KindRetry:
		return &e.sql.retry
	default:
		return &e.sql.end
	}
}

// verdictRow returns what that statement is given.
func (e *Engine[T]) verdictRow(d *delivery) []any {
	v := d.verdict
	due := micros(d.now.Add(v.After))
	status, class, text := int64(0), "", ""
	if a := v.Attempt; a != nil {
		status, class, text = int64(a.Status), clean(string(a.Class)), errorText(a.Err)
	}
	switch e.verdictOf(d) {
	case &e.sql.block:
		return d.args(due, d.blocked)
	case &e.sql.postpone:
		return d.args(due)
	case &e.sql.retry:
		return d.args(due, status, class, text)
	}
	attempts := int64(d.attempts)
	if v.Attempt != nil || v.Kind == queue.KindDone {
		attempts++
	}
	state := StateDelivered
	switch {
	case v.Kind == queue.KindDone:
	case v.Reason == queue.ReasonDeleted:
		state = StateCanceled
	case v.Reason != "":
		state = StateDropped
	default:
		state = StateFailed
	}
	return d.args(string(state), string(v.Reason), micros(d.now), attempts, status, class, text)
}

// args returns the arguments of a statement about d as it was loaded, and others.
func (d *delivery) args(others ...any) []any {
	return append([]any{d.seq, d.gen, int64(d.attempts), micros(d.held)}, others...)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return clean(err.Error())
}

// clean returns s as text that every database can store.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func micros(t time.Time) int64     { return t.UnixMicro() }
func fromMicros(n int64) time.Time { return time.UnixMicro(n) }
