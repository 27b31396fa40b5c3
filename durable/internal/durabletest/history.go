package durabletest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// filters returns one for each combination of the given values and the zero ones.
func filters(f durable.Filter) []durable.Filter {
	all := []durable.Filter{{}}
	for _, set := range []func(*durable.Filter){
		func(g *durable.Filter) { g.State = f.State },
		func(g *durable.Filter) { g.Tenant = f.Tenant },
		func(g *durable.Filter) { g.WebhookID = f.WebhookID },
		func(g *durable.Filter) { g.Key = f.Key },
		func(g *durable.Filter) { g.Event = f.Event },
		func(g *durable.Filter) { g.From = f.From },
		func(g *durable.Filter) { g.To = f.To },
		func(g *durable.Filter) { g.Ref = f.Ref },
		func(g *durable.Filter) { g.Subject = f.Subject },
	} {
		for _, g := range all {
			before := g
			if set(&g); g != before {
				all = append(all, g)
			}
		}
	}
	return all
}

// failing are filters, and some of them again for those that failed in a way.
func failing(all []durable.Filter) []durable.Filter {
	some := all
	for _, f := range all {
		if f.From.IsZero() == f.To.IsZero() {
			timeout, status, both := f, f, f
			timeout.Class, status.Status = webhook.ClassTimeout, 500
			both.Class, both.Status = webhook.ClassStatus, 404
			some = append(some, timeout, status, both)
		}
	}
	return some
}

// fails reports whether the filter finds a delivery by its Class and its Status.
func fails(f durable.Filter, d durable.Delivery) bool {
	return (f.Class == "" && f.Status == 0 || d.State == durable.StateFailed) &&
		(f.Class == "" || f.Class == d.Class) &&
		(f.Status == 0 || f.Status == d.Status && d.Class == webhook.ClassStatus)
}

// testList compares the pages of all combinations of filters with what a loop over all
// finds.
func testList[T any](t *testing.T, db Database[T]) {
	const n = 60
	e := db.Open(t, durable.Config{})
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	states := []durable.State{
		durable.StatePending, durable.StateDelivered, durable.StateFailed, durable.StateDropped, durable.StateCanceled,
	}
	var want []durable.Delivery // the newest first
	refs, subjects := map[string][]string{}, map[string]string{}
	for i := range n {
		task := Task(fmt.Sprintf("m%02d", i))
		task.Key = "key-" + strconv.Itoa(i%2)
		task.Message.WebhookID = "hook-" + strconv.Itoa(i%3)
		task.Message.Event = "event-" + strconv.Itoa(i/2%2)
		task.Message.Refs = []string{"Call-" + strconv.Itoa(i%4), "+91 90199 1234" + strconv.Itoa(i/2%2)}
		task.Message.Subject = "subject-" + strconv.Itoa(i%4/2)
		refs[task.ID], subjects[task.ID] = task.Message.Refs, task.Message.Subject
		require.NoError(t, e.Enqueue(t.Context(), task))
		d := durable.Delivery{
			ID: task.ID, Key: task.Key, WebhookID: task.Message.WebhookID, Event: task.Message.Event,
			State: states[i%len(states)], Tenant: "tenant-" + strconv.Itoa(i/3%2),
			// Several have the same time.
			Created: at.Add(time.Duration(i/7) * time.Microsecond), Due: at.Add(time.Hour),
		}
		switch { // a pending one is tried again
		case d.State != durable.StateFailed && d.State != durable.StatePending:
		case i/5%3 == 0:
			d.Class = webhook.ClassTimeout
		default:
			d.Class, d.Status = webhook.ClassStatus, []int{404, 500}[i/15%2]
		}
		due, ended := d.Due.UnixMicro(), "NULL"
		if d.State != durable.StatePending {
			ended, d.Due, d.Ended = strconv.FormatInt(due, 10), time.Time{}, d.Due
		}
		db.Exec(t, fmt.Sprintf(`UPDATE @delivery SET state = '%s', created = %d, due = %d, ended = %s, tenant = '%s',
			class = '%s', status = %d WHERE id = '%s'`,
			d.State, d.Created.UnixMicro(), due, ended, d.Tenant, d.Class, d.Status, d.ID))
		db.Exec(t, fmt.Sprintf(`UPDATE @ref SET at = %d WHERE delivery_seq = (SELECT seq FROM @delivery WHERE id = '%s')`,
			d.Created.UnixMicro(), d.ID))
		want = slices.Insert(want, 0, d)
	}
	for _, f := range failing(filters(durable.Filter{
		State: durable.StateFailed, Tenant: "tenant-1", WebhookID: "hook-1", Key: "key-1", Event: "event-1",
		From: at.Add(2 * time.Microsecond), To: at.Add(7 * time.Microsecond),
		Ref: "+91 90199 12341", Subject: "subject-1",
	})) {
		matching := []durable.Delivery{}
		for _, d := range want {
			if (f.State == "" || f.State == d.State) && fails(f, d) &&
				(f.Tenant == "" || f.Tenant == d.Tenant) && (f.WebhookID == "" || f.WebhookID == d.WebhookID) &&
				(f.Key == "" || f.Key == d.Key) &&
				(f.Ref == "" || slices.Contains(refs[d.ID], f.Ref)) && (f.Subject == "" || f.Subject == subjects[d.ID]) &&
				(f.Event == "" || f.Event == d.Event) && !d.Created.Before(f.From) && (f.To.IsZero() || d.Created.Before(f.To)) {
				matching = append(matching, d)
			}
		}
		for _, limit := range []int{0, 1 + len(matching)/3} {
			f.Limit = limit
			got := []durable.Delivery{}
			for f.After = ""; ; {
				page, err := e.List(t.Context(), f)
				require.NoError(t, err)
				got = append(got, page.Deliveries...)
				if f.After = page.Next; f.After == "" {
					break
				}
				require.Len(t, page.Deliveries, limit)
			}
			require.Equal(t, matching, got, "%+v", f)
		}
		counts, err := e.Count(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, countOf(f, matching), counts, "%+v", f)
	}
	for f, text := range map[durable.Filter]string{
		{State: "ended"}:    "durable: list: bad filter: no such State",
		{After: "x"}:        "durable: list: bad filter: After is not the Next of a page",
		{After: "1-2' OR "}: "durable: list: bad filter: After is not the Next of a page",
		{Limit: -1}:         "durable: list: bad filter: a negative Limit",
		{Ref: " \x00"}:      "durable: list: bad filter: an empty Ref",
		{Class: "slow"}:     "durable: list: bad filter: no such Class",
		{Status: -1}:        "durable: list: bad filter: a negative Status",
		{Status: 500, State: durable.StateDelivered}:               "durable: list: bad filter: a Class or a Status is of the State failed",
		{Class: webhook.ClassTimeout, State: durable.StatePending}: "durable: list: bad filter: a Class or a Status is of the State failed",
	} {
		_, err := e.List(t.Context(), f)
		require.EqualError(t, err, text)
		require.ErrorIs(t, err, durable.ErrFilter)
	}
	page, err := e.List(t.Context(), durable.Filter{Tenant: "\x00\xff'", WebhookID: "\x00\xff'", Key: "\x00", Ref: "a\x00'", Subject: "\x00'"})
	require.NoError(t, err)
	text, err := json.Marshal(page)
	require.NoError(t, err)
	require.JSONEq(t, `{"deliveries": [], "next": ""}`, string(text))
}

// countOf counts some deliveries as Count does.
func countOf(f durable.Filter, matching []durable.Delivery) durable.Counts {
	c := durable.Counts{States: map[durable.State]durable.Number{}, Failures: []durable.Failures{}}
	for _, state := range []durable.State{
		durable.StatePending, durable.StateDelivered, durable.StateFailed, durable.StateDropped, durable.StateCanceled,
	} {
		if (f.State == "" || f.State == state) && (f.Class == "" && f.Status == 0 || state == durable.StateFailed) {
			c.States[state] = durable.Number{}
		}
	}
	for _, d := range matching {
		n := c.States[d.State]
		n.N++
		if c.States[d.State] = n; d.State != durable.StateFailed {
			continue
		}
		i := slices.IndexFunc(c.Failures, func(f durable.Failures) bool { return f.Class == d.Class && f.Status == d.Status })
		if i < 0 {
			i, c.Failures = len(c.Failures), append(c.Failures, durable.Failures{Class: d.Class, Status: d.Status})
		}
		c.Failures[i].N++
	}
	slices.SortFunc(c.Failures, func(a, b durable.Failures) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Status, b.Status))
	})
	return c
}

// testLongNames has names that are longer than a key of an index may be: they are kept,
// and found.
func testLongNames[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	var tasks []queue.Task
	for _, letter := range []string{"a", "é"} {
		task := Task(letter)
		task.Key = strings.Repeat(letter, 1000)
		task.Message.WebhookID, task.Message.Event = strings.Repeat(letter, 70_001), "x"+strings.Repeat(letter, 70_001)
		tasks = append(tasks, task)
	}
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	for _, task := range tasks {
		page, err := e.List(t.Context(), durable.Filter{WebhookID: task.Message.WebhookID, Event: task.Message.Event})
		require.NoError(t, err)
		require.Len(t, page.Deliveries, 1)
		page, err = e.List(t.Context(), durable.Filter{Key: task.Key})
		require.NoError(t, err)
		require.Len(t, page.Deliveries, 1)
		m, err := e.Message(t.Context(), task.ID)
		require.NoError(t, err)
		require.Equal(t, task.Message, m)
	}
}

// finally waits until a delivery is in a state, and returns it.
func finally[T any](t testing.TB, e *durable.Engine[T], id string, state durable.State) durable.Delivery {
	var d durable.Delivery
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		var err error
		d, err = e.Get(t.Context(), id)
		require.NoError(t, err)
		if d.State == state {
			return d
		}
	}
	require.FailNow(t, "waited in vain", "%+v, want it %s", d, state)
	return d
}

// testResend has a delivery fail, be resent, fail, be resent and delivered.
func testResend[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	at := time.UnixMicro(1_700_000_000_123_456).UTC()
	attempt := webhook.Attempt{
		At: at, Duration: 1500 * time.Microsecond, Status: 503, Class: webhook.ClassStatus, Err: errStatus,
	}
	verdicts := []queue.Verdict{
		{Kind: queue.KindRetry, Attempt: &attempt},
		{Kind: queue.KindDead, Attempt: &attempt},
		{Kind: queue.KindDead, Reason: queue.ReasonDisabled},
		{Kind: queue.KindDone, Attempt: &webhook.Attempt{At: at, Status: 200}},
	}
	var calls atomic.Int64
	r := record(func(queue.Delivery) queue.Verdict { return verdicts[calls.Add(1)-1] })
	Run(t, e, r.handle)
	task := Task("a")
	require.NoError(t, e.Enqueue(t.Context(), task))

	d := finally(t, e, "a", durable.StateFailed)
	require.WithinDuration(t, time.Now(), d.Created, time.Minute)
	require.WithinDuration(t, time.Now(), d.Ended, time.Minute)
	want := durable.Delivery{
		ID: "a", WebhookID: task.Message.WebhookID, Key: task.Key, Event: task.Message.Event,
		State: durable.StateFailed, Attempts: 2,
		Status: 503, Class: webhook.ClassStatus, Error: "webhook: status 503", Created: d.Created, Ended: d.Ended,
	}
	require.Equal(t, want, d)
	require.NoError(t, e.Resend(t.Context(), "a"))
	d = finally(t, e, "a", durable.StateDropped)
	want = durable.Delivery{
		ID: "a", WebhookID: want.WebhookID, Key: want.Key, Event: want.Event,
		State: durable.StateDropped, Reason: queue.ReasonDisabled,
		Resent: 1, Created: d.Created, Ended: d.Ended,
	}
	require.Equal(t, want, d)
	require.NoError(t, e.Resend(t.Context(), "a"))
	d = finally(t, e, "a", durable.StateDelivered)
	require.Equal(t, []int{2, 1, 200}, []int{d.Resent, d.Attempts, d.Status})

	attempts, err := e.Attempts(t.Context(), "a")
	require.NoError(t, err)
	failed := durable.Attempt{
		N: 1, At: at, Duration: 1500 * time.Microsecond,
		Status: 503, Class: webhook.ClassStatus, Error: "webhook: status 503",
	}
	second := failed
	second.N = 2
	require.Equal(t, []durable.Attempt{failed, second, {Resent: 2, N: 1, At: at, Status: 200}}, attempts)
	text, err := json.Marshal(attempts[0])
	require.NoError(t, err)
	require.JSONEq(t, `{"resent": 0, "n": 1, "at": "2023-11-14T22:13:20.123456Z", "duration": "1.5ms",
		"status": 503, "class": "status", "error": "webhook: status 503",
		"answer": "", "location": "", "requests": 0, "may_have_arrived": false, "want": null}`, string(text))
	var back durable.Attempt
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, attempts[0], back)
	require.ErrorContains(t, json.Unmarshal([]byte(`{"duration": 1}`), &back), "durable: attempt: ")
	require.ErrorContains(t, json.Unmarshal([]byte(`{"duration": "long"}`), &back), "durable: attempt: ")
	var numbers []int
	for _, got := range r.all() {
		require.Equal(t, task.Message, got.Message)
		require.Equal(t, d.Created, got.Since.UTC())
		require.Equal(t, len(numbers) < 2, got.Resent.IsZero())
		numbers = append(numbers, got.N)
	}
	require.Equal(t, []int{1, 2, 1, 1}, numbers)
}

var errStatus = fmt.Errorf("webhook: status %d", 503)

func testNotResent[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), Task("pending"), Task("none")))
	db.Exec(t, `UPDATE @delivery
		SET message = CAST('' AS BLOB), state = 'failed', ended = created, webhook_id = 'hook' WHERE id = 'none'`)
	attempts, err := e.Attempts(t.Context(), "pending")
	require.NoError(t, err)
	require.Equal(t, []durable.Attempt{}, attempts)
	tests := []struct {
		id, want string
		is       error
	}{
		{"pending", "durable: resend: the delivery has not ended", durable.ErrPending},
		{"none", "durable: resend: the delivery has no message", durable.ErrNoMessage},
		{"unknown", "durable: resend: no such delivery", webhook.ErrNotFound},
		{"\x00\xff", "durable: resend: no such delivery", webhook.ErrNotFound},
	}
	for _, tt := range tests {
		err := e.Resend(t.Context(), tt.id)
		require.EqualError(t, err, tt.want)
		require.ErrorIs(t, err, tt.is)
	}
	n, err := e.ResendMatching(t.Context(), durable.Filter{WebhookID: "hook"}, 0)
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = e.Get(t.Context(), "unknown")
	require.EqualError(t, err, "durable: get: no such delivery")
	_, err = e.Attempts(t.Context(), "unknown")
	require.EqualError(t, err, "durable: attempts: no such delivery")
	_, err = e.Message(t.Context(), "unknown")
	require.EqualError(t, err, "durable: message: no such delivery")
	_, err = e.Message(t.Context(), "none")
	require.EqualError(t, err, "durable: message: the delivery has no message")
}

// testResendOrdered resends two of an ordering while a third is being sent.
func testResendOrdered[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	gate := make(chan struct{})
	var met sync.Map
	r := record(func(d queue.Delivery) queue.Verdict {
		if d.ID == "busy" {
			<-gate
		}
		if _, again := met.LoadOrStore(d.ID, true); again {
			return queue.Verdict{Kind: queue.KindDone}
		}
		return queue.Verdict{Kind: queue.KindDead}
	})
	Run(t, e, r.handle)
	require.NoError(t, e.Enqueue(t.Context(), ordered("a", "b", "busy", "last")...))
	r.await(t, 3)
	require.NoError(t, e.Resend(t.Context(), "b"))
	require.NoError(t, e.Resend(t.Context(), "a"))
	ok, err := e.Cancel(t.Context(), "busy")
	require.NoError(t, err)
	require.True(t, ok)
	// It is being sent.
	require.ErrorIs(t, e.Resend(t.Context(), "busy"), durable.ErrPending)
	close(gate)
	finally(t, e, "last", durable.StateFailed)
	require.NoError(t, e.Resend(t.Context(), "busy"))
	finally(t, e, "busy", durable.StateDelivered)
	var ids []string
	for _, d := range r.all() {
		ids = append(ids, d.ID)
	}
	require.Equal(t, []string{"a", "b", "busy", "a", "b", "last", "busy"}, ids)
}

// testResendMatching resends a webhook's failures in batches, which fail again.
func testResendMatching[T any](t *testing.T, db Database[T]) {
	const n = 450 // more than two batches
	e := db.Open(t, durable.Config{})
	since := time.Now().Add(-time.Hour)
	created := since.UnixMicro()
	tasks := Tasks("task", n)
	for i := range tasks {
		tasks[i].Message.WebhookID = "hook"
		tasks[i].NotBefore = time.Now().Add(time.Hour)
		if i >= n-30 {
			tasks[i].Order = "o" + strconv.Itoa(i%4)
		}
	}
	tasks[0].Message.WebhookID = "other"
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	db.Exec(t, fmt.Sprintf(`UPDATE @delivery SET state = 'failed', created = %d, ended = %[1]d,
		active = CASE WHEN ordering IS NULL THEN 1 ELSE 0 END`, created))
	set := func(id int, state, reason string, at int64) {
		const text = `UPDATE @delivery SET state = '%s', reason = '%s', created = %d WHERE id = 'task-%d'`
		db.Exec(t, fmt.Sprintf(text, state, reason, at, id))
	}
	set(1, "failed", "", created-1)
	set(2, "delivered", "", created)
	set(3, "canceled", "", created)
	set(4, "dropped", "superseded", created)
	set(5, "dropped", "disabled", created)

	// They fail again.
	r := record(func(queue.Delivery) queue.Verdict { return queue.Verdict{Kind: queue.KindDead} })
	Run(t, e, r.handle)
	got, err := e.ResendMatching(t.Context(), durable.Filter{WebhookID: "hook", From: since}, 0)
	require.NoError(t, err)
	require.Equal(t, n-5, got)
	r.await(t, n-5)
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)
	for id, times := range r.ids() {
		require.Equal(t, 1, times, id)
	}
	for _, i := range []int{0, 1, 2, 3, 4} {
		require.NotContains(t, r.ids(), fmt.Sprint("task-", i))
	}
	require.Contains(t, r.ids(), "task-5")
	var sequence []int // of one ordering
	for _, d := range r.all() {
		if d.Order == "o0" {
			i, err := strconv.Atoi(strings.TrimPrefix(d.ID, "task-"))
			require.NoError(t, err)
			sequence = append(sequence, i)
		}
	}
	require.True(t, slices.IsSorted(sequence), "%v", sequence)
	require.NotEmpty(t, sequence)
}
