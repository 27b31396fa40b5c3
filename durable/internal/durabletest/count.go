package durabletest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// later is a task that is due in an hour.
func later(id string) queue.Task {
	task := Task(id)
	task.NotBefore = time.Now().Add(time.Hour)
	return task
}

func testResendFilter[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	states := []durable.State{durable.StateFailed, durable.StateDropped, durable.StateDelivered, durable.StateCanceled}
	reset := func() {
		db.Exec(t, `DELETE FROM @delivery`)
		db.Exec(t, `DELETE FROM @ref`)
		for i := range 12 {
			task := referred(fmt.Sprintf("m%02d", i), "subject-"+strconv.Itoa(i/6), "call-"+strconv.Itoa(i/6))
			task.Message.WebhookID, task.Key = "hook-"+strconv.Itoa(i/6), "key-"+strconv.Itoa(i/6)
			task.NotBefore = time.Now().Add(time.Hour)
			require.NoError(t, e.Enqueue(t.Context(), task))
			db.Exec(t, fmt.Sprintf(`UPDATE @delivery SET state = '%s', ended = 1, created = %d WHERE id = '%s'`,
				states[i%4], 1_000_000*(i+1), task.ID))
			db.Exec(t, fmt.Sprintf(`UPDATE @ref SET at = %d WHERE delivery_seq = (SELECT seq FROM @delivery WHERE id = '%s')`,
				1_000_000*(i+1), task.ID))
		}
	}
	second := func(n int64) time.Time { return time.Unix(n, 0) }
	// m00 failed, m01 was dropped, m02 delivered, m03 canceled, and so on.
	tests := []struct {
		name   string
		filter durable.Filter
		limit  int
		want   []string
	}{
		{"webhook", durable.Filter{WebhookID: "hook-0"}, 0, []string{"m00", "m01", "m04", "m05"}},
		{"endpoint", durable.Filter{Key: "key-1"}, 0, []string{"m08", "m09"}},
		{"ref", durable.Filter{Ref: "CALL-0"}, 0, []string{"m00", "m01", "m04", "m05"}},
		{"subject", durable.Filter{Subject: "subject-1"}, 0, []string{"m08", "m09"}},
		{"from", durable.Filter{From: second(5)}, 0, []string{"m04", "m05", "m08", "m09"}},
		{"to", durable.Filter{To: second(5)}, 0, []string{"m00", "m01"}},
		{"limit", durable.Filter{WebhookID: "hook-0"}, 3, []string{"m00", "m01", "m04"}},
		{"only failed", durable.Filter{Ref: "call-0", State: durable.StateFailed}, 0, []string{"m00", "m04"}},
		{"only dropped", durable.Filter{WebhookID: "hook-0", State: durable.StateDropped}, 1, []string{"m01"}},
		{"delivered", durable.Filter{Ref: "call-0", State: durable.StateDelivered}, 0, []string{"m02"}},
		{"all", durable.Filter{From: second(1)}, 0, []string{"m00", "m01", "m04", "m05", "m08", "m09"}},
		{"none", durable.Filter{WebhookID: "hook-7"}, 0, nil},
	}
	for _, tt := range tests {
		reset()
		n, err := e.ResendMatching(t.Context(), tt.filter, tt.limit)
		require.NoError(t, err, tt.name)
		require.Equal(t, len(tt.want), n, tt.name)
		for i := range 12 {
			id := fmt.Sprintf("m%02d", i)
			d, err := e.Get(t.Context(), id)
			require.NoError(t, err)
			wants := false
			for _, want := range tt.want {
				wants = wants || want == id
			}
			require.Equal(t, wants, d.State == durable.StatePending, "%s: %s", tt.name, id)
		}
	}
	reset()
	for text, f := range map[string]durable.Filter{
		"want a webhook, endpoint, tenant, ref, subject, From or To": {State: durable.StateFailed, Event: "voice:message:out"},
		"want the State failed, dropped or delivered":                {WebhookID: "hook-0", State: durable.StateCanceled},
		"an empty Ref":   {Ref: " "},
		"Limit or After": {WebhookID: "hook-0", Limit: 1},
	} {
		n, err := e.ResendMatching(t.Context(), f, 0)
		require.ErrorIs(t, err, durable.ErrFilter)
		require.EqualError(t, err, "durable: resend: bad filter: "+text)
		require.Zero(t, n)
	}
	_, err := e.ResendMatching(t.Context(), durable.Filter{WebhookID: "hook-0"}, -1)
	require.EqualError(t, err, "durable: resend: bad filter: a negative limit")
}

// testRetryNow does not wait for the next attempt, which is then made once.
func testRetryNow[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	r := record(func(d queue.Delivery) queue.Verdict {
		switch {
		case d.ID == "retried" && d.N == 1:
			return queue.Verdict{Kind: queue.KindRetry, After: time.Hour, Attempt: &webhook.Attempt{At: time.Now(), Status: 503}}
		case d.ID == "soon" && d.N == 1:
			return queue.Verdict{Kind: queue.KindRetry, After: 2 * time.Second, Attempt: &webhook.Attempt{At: time.Now(), Status: 503}}
		}
		return queue.Verdict{Kind: queue.KindDone, Attempt: &webhook.Attempt{At: time.Now(), Status: 200}}
	})
	require.NoError(t, e.Enqueue(t.Context(), later("later"), later("waits")))
	for range 2 { // before there is a Run; then it is due, and nothing changes
		require.NoError(t, e.RetryNow(t.Context(), "later"))
	}
	var jobs int
	db.Row(t, `SELECT count(*) FROM #river_job`, &jobs)
	require.Equal(t, 3, jobs)
	Run(t, e, r.handle)
	finally(t, e, "later", durable.StateDelivered)

	require.NoError(t, e.Enqueue(t.Context(), Task("retried"), Task("soon")))
	eventually(t, db, 2, `SELECT count(*) FROM @delivery WHERE attempts = 1 AND state = 'pending'`)
	require.NoError(t, e.RetryNow(t.Context(), "soon")) // River's job may not wait yet
	require.NoError(t, e.RetryNow(t.Context(), "retried"))
	d := finally(t, e, "retried", durable.StateDelivered)
	finally(t, e, "soon", durable.StateDelivered)
	require.Equal(t, 2, d.Attempts)
	require.Zero(t, d.Resent, "it was not resent")
	attempts, err := e.Attempts(t.Context(), "retried")
	require.NoError(t, err)
	require.Len(t, attempts, 2)
	require.Equal(t, []int{0, 1, 0, 2}, []int{attempts[0].Resent, attempts[0].N, attempts[1].Resent, attempts[1].N})
	require.NoError(t, e.Resend(t.Context(), "later"))
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE id = 'later' AND state = 'delivered' AND gen = 2`)
	require.Equal(t, 1, finally(t, e, "later", durable.StateDelivered).Resent)

	<-time.After(3 * time.Second) // the jobs of before find nothing to do
	require.Equal(t, map[string]int{"later": 2, "retried": 2, "soon": 2}, r.ids())
	require.ErrorIs(t, e.RetryNow(t.Context(), "retried"), durable.ErrEnded)
	require.EqualError(t, e.RetryNow(t.Context(), "soon"), "durable: retry: the delivery has ended")
	require.ErrorIs(t, e.RetryNow(t.Context(), "unknown"), webhook.ErrNotFound)
	require.ErrorIs(t, e.RetryNow(t.Context(), "\x00"), webhook.ErrNotFound)
	d, err = e.Get(t.Context(), "waits")
	require.NoError(t, err)
	require.Equal(t, durable.StatePending, d.State)
}

// testRetryNowOrdered hurries the second of an ordering, which still waits for its turn.
func testRetryNowOrdered[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	tasks := ordered("first", "second", "third")
	for i := range tasks {
		tasks[i].NotBefore = time.Now().Add(time.Hour)
	}
	r := record(nil)
	Run(t, e, r.handle)
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	require.NoError(t, e.RetryNow(t.Context(), "second"))
	<-time.After(200 * time.Millisecond)
	require.Empty(t, r.ids())
	require.NoError(t, e.RetryNow(t.Context(), "first"))
	finally(t, e, "second", durable.StateDelivered)
	require.Equal(t, map[string]int{"first": 1, "second": 1}, r.ids())
	require.NoError(t, e.RetryNow(t.Context(), "third"))
	finally(t, e, "third", durable.StateDelivered)
}

func testCount[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	counts, err := e.Count(t.Context(), durable.Filter{})
	require.NoError(t, err)
	text, err := json.Marshal(counts)
	require.NoError(t, err)
	zero := `{"n": 0, "more": false}`
	require.JSONEq(t, `{"states": {"pending": `+zero+`, "delivered": `+zero+`, "failed": `+zero+`, "dropped": `+zero+
		`, "canceled": `+zero+`}, "failures": []}`, string(text))

	for i := range 20 {
		task := referred("m"+strconv.Itoa(i), "subject-"+strconv.Itoa(i%2), "call-"+strconv.Itoa(i%2))
		task.Message.WebhookID = "hook-" + strconv.Itoa(i%2)
		require.NoError(t, e.Enqueue(t.Context(), task))
		state, class, status := "delivered", "", 200
		switch {
		case i < 6:
			state, class, status = "failed", "status", 500+i/4
		case i < 8:
			state, class, status = "failed", "timeout", 0
		case i < 11:
			state, class, status = "pending", "", 0
		}
		db.Exec(t, fmt.Sprintf(`UPDATE @delivery SET state = '%s', class = '%s', status = %d WHERE id = 'm%d'`,
			state, class, status, i))
	}
	n := func(n int) durable.Number { return durable.Number{N: n} }
	all := durable.Counts{
		States: map[durable.State]durable.Number{
			"pending": n(3), "delivered": n(9), "failed": n(8), "dropped": n(0), "canceled": n(0),
		},
		Failures: []durable.Failures{
			{Class: "status", Status: 500, Number: n(4)},
			{Class: "status", Status: 501, Number: n(2)},
			{Class: "timeout", Number: n(2)},
		},
	}
	half := durable.Counts{
		States: map[durable.State]durable.Number{
			"pending": n(2), "delivered": n(4), "failed": n(4), "dropped": n(0), "canceled": n(0),
		},
		Failures: []durable.Failures{
			{Class: "status", Status: 500, Number: n(2)},
			{Class: "status", Status: 501, Number: n(1)},
			{Class: "timeout", Number: n(1)},
		},
	}
	failed := durable.Counts{States: map[durable.State]durable.Number{"failed": n(4)}, Failures: half.Failures}
	delivered := durable.Counts{States: map[durable.State]durable.Number{"delivered": n(9)}, Failures: []durable.Failures{}}
	none := durable.Counts{States: counts.States, Failures: []durable.Failures{}}
	tests := []struct {
		filter durable.Filter
		want   durable.Counts
	}{
		{durable.Filter{}, all},
		{durable.Filter{Limit: 1, After: "1-1"}, all},
		{durable.Filter{WebhookID: "hook-0"}, half},
		{durable.Filter{Ref: "Call-0"}, half},
		{durable.Filter{Subject: "subject-0"}, half},
		{durable.Filter{WebhookID: "hook-0", State: durable.StateFailed}, failed},
		{durable.Filter{Ref: "call-0", State: durable.StateFailed}, failed},
		{durable.Filter{State: durable.StateDelivered}, delivered},
		{durable.Filter{To: time.Unix(1, 0)}, none},
		{durable.Filter{Ref: "call-0", WebhookID: "hook-1"}, none},
	}
	for _, tt := range tests {
		got, err := e.Count(t.Context(), tt.filter)
		require.NoError(t, err)
		require.Equal(t, tt.want, got, "%+v", tt.filter)
	}
	_, err = e.Count(t.Context(), durable.Filter{State: "x"})
	require.EqualError(t, err, "durable: count: bad filter: no such State")
	require.Equal(t, "7", n(7).String())
	require.Equal(t, "10000+", durable.Number{N: 10_000, More: true}.String())
}

// countMany counts those of Fill, of which each second one failed.
func countMany[T any](t *testing.T, db Database[T], e *durable.Engine[T]) {
	db.Exec(t, `UPDATE @delivery SET state = CASE WHEN seq % 2 = 0 THEN 'failed' WHEN seq % 5 = 0 THEN 'dropped' ELSE 'delivered' END,
		class = 'status', status = CASE WHEN seq % 4 = 0 THEN 500 ELSE 501 END`)
	got, err := e.Count(t.Context(), durable.Filter{})
	require.NoError(t, err)
	require.Equal(t, map[durable.State]durable.Number{
		"pending": {}, "canceled": {}, "dropped": {N: 2500},
		"failed": {N: 10_000, More: true}, "delivered": {N: 10_000},
	}, got.States)
	require.Len(t, got.Failures, 2)
	for _, f := range got.Failures {
		require.InDelta(t, 5000, f.N, 1)
		require.True(t, f.More)
	}
	got, err = e.Count(t.Context(), durable.Filter{Ref: "popular"})
	require.NoError(t, err)
	require.Equal(t, durable.Number{N: 10_000, More: true}, got.States["failed"])
	require.Equal(t, durable.Number{More: true}, got.States["delivered"])
	require.Len(t, got.Failures, 2)
	require.True(t, got.Failures[0].More && got.Failures[1].More)
}

func testTallies[T any](t *testing.T, db Database[T]) {
	a, b := db.Open(t, durable.Config{}), db.Open(t, durable.Config{})
	verdict := func(d queue.Delivery) queue.Verdict {
		switch d.ID[0] {
		case 'f':
			return queue.Verdict{Kind: queue.KindDead, Attempt: &webhook.Attempt{Status: 500}}
		case 'd':
			return queue.Verdict{Kind: queue.KindDead, Reason: queue.ReasonDisabled}
		case 'r':
			if d.N == 1 {
				return queue.Verdict{Kind: queue.KindRetry, Attempt: &webhook.Attempt{Status: 500}}
			}
		case 'p':
			return queue.Verdict{Kind: queue.KindDefer, After: time.Hour}
		}
		return queue.Verdict{Kind: queue.KindDone}
	}
	var tasks []queue.Task
	for i := range 30 {
		task := Task(string("fdrpo"[i%5]) + strconv.Itoa(i))
		task.Message.WebhookID = "hook-" + strconv.Itoa(i%2)
		tasks = append(tasks, task)
	}
	tasks[29].Order = "o" // o29: one that is superseded by o30 behind it
	tasks[29].NotBefore = time.Now().Add(time.Hour)
	tasks[29].Message.Rank = 1
	stops := []func(){Run(t, a, record(verdict).handle), Run(t, b, record(verdict).handle)}
	require.NoError(t, a.Enqueue(t.Context(), tasks...))
	eventually(t, db, 7, `SELECT count(*) FROM @delivery WHERE state = 'pending'`) // and deferred
	dropped, err := a.Supersede(t.Context(), "o", 2)
	require.NoError(t, err)
	require.Len(t, dropped, 1)
	ok, err := b.Cancel(t.Context(), "p3")
	require.NoError(t, err)
	require.True(t, ok)
	for _, stop := range stops {
		stop()
	}
	begun := time.Now().UTC().Truncate(time.Hour)
	sum := func(hook string, from, to time.Time) (sum durable.Tally) {
		tallies, err := b.Tallies(t.Context(), hook, from, to)
		require.NoError(t, err)
		for _, tally := range tallies { // two, if an hour has just begun
			require.WithinDuration(t, begun, tally.Hour, time.Hour)
			sum.Delivered += tally.Delivered
			sum.Failed += tally.Failed
			sum.Dropped += tally.Dropped
			sum.Canceled += tally.Canceled
			sum.Retried += tally.Retried
		}
		return sum
	}
	// Cancel and Supersede count in a second, also without a Run.
	eventually(t, db, 1, `SELECT coalesce(sum(n), 0) FROM @tally WHERE outcome = 'canceled' AND webhook_id = 'hook-1'`)
	eventually(t, db, 7, `SELECT coalesce(sum(n), 0) FROM @tally WHERE outcome = 'dropped' AND webhook_id LIKE 'hook-_'`)
	hours := time.Now().Add(-time.Minute)
	require.Equal(t, durable.Tally{Delivered: 11, Failed: 6, Dropped: 7, Canceled: 1, Retried: 6}, sum("", hours, time.Now()))
	require.Equal(t, durable.Tally{Delivered: 6, Failed: 3, Dropped: 3, Retried: 3}, sum("hook-0", hours, time.Now()))
	require.Zero(t, sum("hook-7", hours, time.Now()))
	require.Zero(t, sum("", hours.Add(-48*time.Hour), hours.Add(-24*time.Hour)))

	// Old ones are removed.
	db.Exec(t, `UPDATE @tally SET hour = 0 WHERE outcome = 'failed'`)
	e := db.Open(t, durable.Config{})
	stop := Run(t, e, record(verdict).handle)
	eventually(t, db, 0, `SELECT count(*) FROM @tally WHERE outcome = 'failed'`)
	stop()
	require.Equal(t, 7, sum("", hours, time.Now()).Dropped)
}
