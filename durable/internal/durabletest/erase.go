package durabletest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// plantedText is the number of somebody who asks to be forgotten.
const plantedText = "919019912345"

// holding returns how many places of the tables hold something that Erase removes.
func holding[T any](t testing.TB, db Database[T], ids ...string) (n int) {
	const these = ` IN (SELECT seq FROM @delivery WHERE id IN ('%[1]s'))`
	db.Row(t, fmt.Sprintf(`SELECT
		(SELECT count(*) FROM @delivery WHERE seq`+these+`
			AND (length(message) > 0 OR subject IS NOT NULL OR ordering IS NOT NULL)) +
		(SELECT count(*) FROM @attempt WHERE seq`+these+` AND (answer <> '' OR location <> '' OR header <> '')) +
		(SELECT count(*) FROM @event WHERE seq`+these+`) +
		(SELECT count(*) FROM @ref WHERE delivery_seq`+these+`)`, strings.Join(ids, "', '")), &n)
	return n
}

// answered is a handler whose attempts have an answer and a location with the number.
func answered(d queue.Delivery) queue.Verdict {
	v := queue.Verdict{Kind: queue.KindDone, Attempt: &webhook.Attempt{
		N: d.N, At: time.Now(), Duration: time.Second, Status: 200, Requests: 1, MayHaveArrived: true,
		Body: []byte("thank you, " + plantedText), Location: "/to/" + plantedText,
		Header: http.Header{"X-Request-Id": {plantedText}},
	}}
	if strings.HasPrefix(d.ID, "failed") {
		v.Kind, v.Attempt.Status, v.Attempt.Class = queue.KindDead, 500, webhook.ClassStatus
		v.Attempt.Err = errors.New("webhook: status 500")
	}
	return v
}

// testErase forgets one person, and looks at what stays and what can be done with it.
func testErase[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{Ordered: true})
	hooks := e.Webhooks(q)
	_, err := hooks.Create(t.Context(), webhook.Webhook{ID: hookID, URL: "https://receiver.example/{{kind}}"})
	require.NoError(t, err)
	dispatch := func(id string) error {
		number := plantedText
		if strings.HasPrefix(id, "other") {
			number = "918888888888"
		}
		kind := id
		if id == "fault" {
			kind = ".."
		}
		return hooks.DispatchID(t.Context(), hookID, id, refEvent{Kind: kind, Call: number})
	}
	byHand := referred("hand", plantedText, plantedText)
	for _, id := range []string{"delivered", "failed", "other-1"} {
		require.NoError(t, dispatch(id))
	}
	require.NoError(t, e.Enqueue(t.Context(), byHand))
	require.ErrorIs(t, dispatch("fault"), durable.ErrNotComposed)
	stop := Run(t, e, record(answered).handle)
	for _, id := range []string{"delivered", "hand", "other-1"} {
		finally(t, e, id, durable.StateDelivered)
	}
	finally(t, e, "failed", durable.StateFailed)
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE active = 1 AND ordering IS NOT NULL`)
	stop()
	for _, id := range []string{"canceled", "pending-1", "pending-2", "other-2", "other-3"} {
		require.NoError(t, dispatch(id))
	}
	_, err = e.Cancel(t.Context(), "canceled")
	require.NoError(t, err)
	ids := []string{"delivered", "failed", "hand", "fault", "canceled", "pending-1", "pending-2"}
	others := []string{"other-1", "other-2", "other-3"}
	before, of := map[string]durable.Delivery{}, holding(t, db, others...)
	for _, id := range ids {
		before[id], err = e.Get(t.Context(), id)
		require.NoError(t, err)
		require.False(t, before[id].Erased)
		require.Positive(t, holding(t, db, id), id)
	}

	got, err := e.Erase(t.Context(), durable.Filter{Ref: "+91 90199 12345"}, 0)
	require.NoError(t, err)
	require.Equal(t, durable.Erased{Deliveries: 7, Canceled: 2}, got)
	require.Zero(t, holding(t, db, ids...))
	require.Equal(t, of, holding(t, db, others...))
	got, err = e.Erase(t.Context(), durable.Filter{WebhookID: hookID, State: durable.StateCanceled}, 0)
	require.NoError(t, err)
	require.Zero(t, got)

	// What stays.
	for _, id := range ids {
		want := before[id]
		want.Erased = true
		after, err := e.Get(t.Context(), id)
		require.NoError(t, err)
		if want.State == durable.StatePending {
			require.False(t, after.Ended.IsZero())
			want.State, want.Due, want.Ended = durable.StateCanceled, time.Time{}, after.Ended
		}
		require.Equal(t, want, after)
		attempts, err := e.Attempts(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, attempts, want.Attempts, id)
		for _, a := range attempts {
			require.Empty(t, a.Answer+a.Location)
			require.Nil(t, a.Header)
			require.Equal(t, time.Second, a.Duration)
			require.NotZero(t, a.Status)
		}
	}

	// What cannot be done any more.
	for _, id := range ids {
		_, err := e.Message(t.Context(), id)
		require.ErrorIs(t, err, durable.ErrNoMessage)
		require.EqualError(t, err, "durable: message: the delivery has no message: it was erased")
		err = e.Resend(t.Context(), id)
		require.ErrorIs(t, err, durable.ErrNoMessage)
		require.EqualError(t, err, "durable: resend: the delivery has no message: it was erased")
		_, err = hooks.Recompose(t.Context(), id)
		require.ErrorIs(t, err, durable.ErrNoEvent)
		require.EqualError(t, err, "durable: recompose: no event is kept with the delivery: it was erased")
		_, err = e.Event(t.Context(), id)
		require.EqualError(t, err, "durable: event: no event is kept with the delivery: it was erased")
	}
	for _, state := range []durable.State{"", durable.StateDelivered} {
		n, err := e.ResendMatching(t.Context(), durable.Filter{WebhookID: hookID, State: state, To: before["other-2"].Created}, 0)
		require.NoError(t, err)
		require.Equal(t, map[bool]int{true: 0, false: 1}[state == ""], n, "only other-1")
	}
	n, err := hooks.RecomposeMatching(t.Context(), durable.Filter{WebhookID: hookID}, 0)
	require.NoError(t, err)
	require.Zero(t, n)

	// The ID stays taken, and nothing comes back.
	require.NoError(t, dispatch("delivered"))
	for _, id := range []string{"failed", "fault", "canceled", "pending-1"} {
		require.ErrorIs(t, dispatch(id), queue.ErrTaken, id)
		require.ErrorContains(t, dispatch(id), id+" was erased")
	}
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "delivered", refEvent{Kind: "x", Call: plantedText}), queue.ErrTaken)
	require.ErrorIs(t, e.Enqueue(t.Context(), byHand), queue.ErrTaken, "nothing to compare it with")
	bare := referred("delivered", plantedText, plantedText)
	bare.Message.WebhookID, bare.Message.Content = hookID, nil
	err = e.Enqueue(t.Context(), bare)
	require.ErrorIs(t, err, queue.ErrTaken)
	require.ErrorContains(t, err, "delivered was erased", "its Content is there, and this one has none")
	require.Zero(t, holding(t, db, ids...))
	require.Empty(t, found(t, e, durable.Filter{Ref: plantedText}))

	// The others go on, in their order.
	r := record(answered)
	Run(t, db.Open(t, durable.Config{}), r.handle)
	for _, id := range others {
		finally(t, e, id, durable.StateDelivered)
	}
	require.Equal(t, map[string]int{"other-1": 1, "other-2": 1, "other-3": 1}, r.ids())
}

// testEraseInFlight erases during attempts, which end as they would have.
func testEraseInFlight[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	tasks := []queue.Task{referred("plain", plantedText, plantedText), referred("failed", plantedText, plantedText)}
	tasks = append(tasks, ordered("o-1", "o-2")...)
	for _, task := range tasks[2:] {
		task.Message.Refs = []string{plantedText}
	}
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	release := make(chan struct{})
	r := record(func(d queue.Delivery) queue.Verdict {
		<-release
		v := answered(d)
		if d.ID == "failed" {
			v.Kind = queue.KindRetry
		}
		return v
	})
	Run(t, e, r.handle)
	r.await(t, 3)
	other := db.Open(t, durable.Config{}) // another process, which knows only the tables
	erase := func() durable.Erased {
		got, err := other.Erase(t.Context(), durable.Filter{Ref: plantedText}, 0)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, durable.Erased{Deliveries: 1, Canceled: 4, InFlight: 3}, erase())
	require.Zero(t, holding(t, db, "o-2"))
	for _, id := range []string{"plain", "failed", "o-1"} {
		require.Positive(t, holding(t, db, id), id)
	}
	require.Equal(t, durable.Erased{InFlight: 3}, erase())
	close(release)
	finally(t, e, "plain", durable.StateDelivered)
	finally(t, e, "o-1", durable.StateDelivered)
	var total durable.Erased
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		got := erase()
		total.Deliveries += got.Deliveries
		if got.InFlight == 0 {
			break
		}
	}
	require.Equal(t, durable.Erased{Deliveries: 3}, total)
	require.Zero(t, holding(t, db, "plain", "failed", "o-1", "o-2"))
	d, err := e.Get(t.Context(), "failed")
	require.NoError(t, err)
	require.Equal(t, durable.StateCanceled, d.State, "without a further attempt")
	require.Equal(t, map[string]int{"plain": 1, "failed": 1, "o-1": 1}, r.ids())
}

// testEraseLate erases what nobody is known to have, as a process that was stopped for
// long does: what it writes down then has no answer.
func testEraseLate[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), referred("late", plantedText, plantedText)))
	release := make(chan struct{})
	r := record(func(d queue.Delivery) queue.Verdict {
		<-release
		return answered(d)
	})
	Run(t, e, r.handle)
	r.await(t, 1)
	db.Exec(t, `UPDATE #river_job SET queue = 'gone'`)
	got, err := e.Erase(t.Context(), durable.Filter{Ref: plantedText}, 0)
	require.NoError(t, err)
	require.Equal(t, durable.Erased{Deliveries: 1, Canceled: 1}, got)
	close(release)
	d := finally(t, e, "late", durable.StateDelivered)
	require.True(t, d.Erased)
	attempts, err := e.Attempts(t.Context(), "late")
	require.NoError(t, err)
	require.Len(t, attempts, 1)
	require.Equal(t, 200, attempts[0].Status)
	require.Zero(t, holding(t, db, "late"))
}

// testEraseOrdered takes the first out of an order, whose next then has its turn.
func testEraseOrdered[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	tasks := ordered("1", "2", "3", "4")
	for i := range tasks {
		tasks[i].NotBefore = time.Now().Add(time.Hour)
		tasks[i].Message.Refs = []string{"call-" + strconv.Itoa(i%2)}
	}
	tasks[1].NotBefore, tasks[3].NotBefore = time.Time{}, time.Time{}
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	got, err := e.Erase(t.Context(), durable.Filter{Ref: "call-0"}, 0)
	require.NoError(t, err)
	require.Equal(t, durable.Erased{Deliveries: 2, Canceled: 2}, got)
	require.Equal(t, 1, count(t, db, `active = 1 AND ordering IS NOT NULL`))
	r := record(nil)
	Run(t, e, r.handle)
	r.await(t, 2)
	require.Equal(t, "2", r.all()[0].ID)
	require.Equal(t, "4", r.all()[1].ID)
	finally(t, e, "4", durable.StateDelivered)
}

// testEraseMany has more than a batch of one ref, and stops in between.
func testEraseMany[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	const n = 450
	var tasks []queue.Task
	for i := range 2 * n {
		task := referred(fmt.Sprint("m-", i), "s-"+strconv.Itoa(i%2), "call-"+strconv.Itoa(i%2))
		task.Message.Event = "event-" + strconv.Itoa(i%3)
		tasks = append(tasks, task)
	}
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	db.Exec(t, `UPDATE @delivery SET state = 'delivered', ended = created WHERE seq % 3 = 0`)
	f := durable.Filter{Ref: "call-1"}
	for _, want := range []int{100, 250, 100, 0} {
		got, err := e.Erase(t.Context(), f, max(want, 1))
		require.NoError(t, err)
		require.Equal(t, want, got.Deliveries)
		require.Zero(t, got.InFlight)
	}
	require.Equal(t, n, count(t, db, `erased = 1`))
	require.Equal(t, n, count(t, db, `erased = 0 AND subject = 's-0' AND length(message) > 0`))
	var refs int
	db.Row(t, `SELECT count(*) FROM @ref`, &refs)
	require.Equal(t, n, refs)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := e.Erase(ctx, durable.Filter{Ref: "call-0"}, 0)
	require.ErrorIs(t, err, context.Canceled)
}

// testEraseFilter erases what each kind of filter finds, and nothing else.
func testEraseFilter[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	second := func(n int64) time.Time { return time.Unix(n, 0) }
	for name, f := range map[string]durable.Filter{
		"webhook":       {WebhookID: "hook-0"},
		"endpoint":      {Key: "key-1"},
		"ref":           {Ref: "CALL-0"},
		"subject":       {Subject: "subject-1"},
		"from":          {From: second(5)},
		"to":            {To: second(5)},
		"between":       {From: second(3), To: second(5)},
		"state":         {WebhookID: "hook-0", State: durable.StateFailed},
		"ref and state": {Ref: "call-1", State: durable.StateDropped},
		"event":         {From: second(1), Event: "event-1"},
		"all":           {Ref: "call-1", Subject: "subject-1", WebhookID: "hook-1", Key: "key-1", From: second(1)},
		"none":          {Subject: "none"},
	} {
		for _, table := range []string{"delivery", "ref", "attempt"} {
			db.Exec(t, `DELETE FROM @`+table)
		}
		for i := range 12 {
			task := referred(fmt.Sprintf("m%02d", i), "subject-"+strconv.Itoa(i/6), "call-"+strconv.Itoa(i/6))
			task.Message.WebhookID, task.Key = "hook-"+strconv.Itoa(i/6), "key-"+strconv.Itoa(i/6)
			task.Message.Event = "event-" + strconv.Itoa(i%3)
			require.NoError(t, e.Enqueue(t.Context(), task))
			state := []string{"pending", "failed", "dropped", "delivered", "canceled"}[i%5]
			db.Exec(t, fmt.Sprintf(`UPDATE @delivery SET state = '%s', created = %d WHERE id = '%s'`,
				state, 1_000_000*(i+1), task.ID))
			db.Exec(t, fmt.Sprintf(`UPDATE @ref SET at = %d WHERE delivery_seq = (SELECT seq FROM @delivery WHERE id = '%s')`,
				1_000_000*(i+1), task.ID))
		}
		want := found(t, e, f)
		require.Equal(t, name == "none", len(want) == 0, name)
		narrow := f
		narrow.Limit = 1
		_, err := e.Erase(t.Context(), narrow, 0)
		require.ErrorIs(t, err, durable.ErrFilter, "it is not taken for all")
		got, err := e.Erase(t.Context(), f, 0)
		require.NoError(t, err)
		require.Equal(t, len(want), got.Deliveries, name)
		require.Equal(t, len(want), count(t, db, `erased = 1`))
		require.Equal(t, len(want), count(t, db, `erased = 1 AND id IN ('`+strings.Join(want, "', '")+`')`), name)
	}
	for text, f := range map[string]durable.Filter{
		"want a webhook, endpoint, tenant, ref, subject, From or To": {State: durable.StateFailed, Event: "voice:message:out"},
		"no such State": {WebhookID: "hook-0", State: "lost"},
		"an empty Ref":  {Ref: " "},
	} {
		got, err := e.Erase(t.Context(), f, 0)
		require.ErrorIs(t, err, durable.ErrFilter)
		require.EqualError(t, err, "durable: erase: bad filter: "+text)
		require.Zero(t, got)
	}
	_, err := e.Erase(t.Context(), durable.Filter{WebhookID: "hook-0"}, -1)
	require.EqualError(t, err, "durable: erase: bad filter: a negative limit")
}

// testEraseAtOnce erases while other processes resend and recompose: nothing is sent of
// which there is no message.
func testEraseAtOnce[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	const n = 60
	for i := range n {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, fmt.Sprint("id-", i), status(plantedText)))
	}
	db.Exec(t, `UPDATE @delivery SET state = 'failed', ended = created`)
	var others sync.WaitGroup
	for _, first := range []int{0, 1} {
		others.Go(func() {
			for i := first; i < n; i += 2 {
				id := fmt.Sprint("id-", i)
				err := e.Resend(context.Background(), id)
				if first == 1 {
					_, err = hooks.Recompose(context.Background(), id)
				}
				gone := errors.Is(err, durable.ErrNoMessage) || errors.Is(err, durable.ErrNoEvent)
				if err != nil && !gone && !errors.Is(err, durable.ErrPending) {
					t.Error(err)
				}
			}
		})
	}
	other := db.Open(t, durable.Config{})
	for range 20 {
		_, err := other.Erase(t.Context(), durable.Filter{Ref: plantedText}, 5)
		require.NoError(t, err)
		require.Zero(t, count(t, db, `length(message) = 0 AND (erased = 0 OR state = 'pending')`))
	}
	others.Wait()
	require.Zero(t, count(t, db, `length(message) = 0 AND (erased = 0 OR state = 'pending')`))
	got, err := other.Erase(t.Context(), durable.Filter{Ref: plantedText}, 0)
	require.NoError(t, err)
	require.Zero(t, got.InFlight)
	// Recompose may have made a new one of one that was canceled.
	require.Zero(t, count(t, db, `erased = 0`))
	require.GreaterOrEqual(t, count(t, db, `erased = 1`), n)
	var left int
	db.Row(t, `SELECT (SELECT count(*) FROM @event) + (SELECT count(*) FROM @ref)`, &left)
	require.Zero(t, left)
}

// testBodies keeps rows for longer than what was sent.
func testBodies[T any](t *testing.T, db Database[T]) {
	keep := durable.Retention{Bodies: time.Hour, Dropped: time.Minute}
	e := db.Open(t, durable.Config{Keep: keep})
	const n = 600 // more than are erased at once
	var tasks []queue.Task
	for i := range n {
		tasks = append(tasks, referred(fmt.Sprint("old-", i), plantedText, plantedText))
	}
	young := []string{"young-1", "young-2", "pending", "turn"}
	for _, id := range append(young, "failed", "canceled", "forgotten") {
		tasks = append(tasks, referred(id, plantedText, plantedText))
	}
	for i := range tasks {
		tasks[i].NotBefore = time.Now().Add(time.Hour)
	}
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	ended := func(state string, since time.Duration, where string) {
		db.Exec(t, `UPDATE @delivery SET state = '`+state+`', ended = `+durableMicros(-since)+` WHERE `+where)
	}
	ended("delivered", 2*time.Hour, `id LIKE 'old-%'`)
	ended("delivered", 59*time.Minute, `id = 'young-1'`)
	ended("canceled", time.Minute, `id = 'young-2'`)
	ended("failed", 61*time.Minute, `id = 'failed'`)
	ended("canceled", 61*time.Minute, `id = 'canceled'`)
	ended("dropped", 61*time.Minute, `id = 'forgotten'`)
	ended("delivered", 3*time.Hour, `id = 'turn'`)
	db.Exec(t, `UPDATE @delivery SET ordering = 'o' WHERE id = 'turn'`)
	Run(t, e, record(nil).handle)
	eventually(t, db, n+2, `SELECT count(*) FROM @delivery WHERE erased = 1`)
	require.Equal(t, 2, count(t, db, `erased = 1 AND id IN ('failed', 'canceled')`))
	eventually(t, db, n+2+len(young), `SELECT count(*) FROM @delivery`)
	for _, id := range young {
		require.Positive(t, holding(t, db, id), id)
	}
	require.ErrorIs(t, e.Resend(t.Context(), "failed"), durable.ErrNoMessage)
	require.Zero(t, holding(t, db, "failed", "canceled", "old-0", "old-599"))

	// What was erased is forgotten in its time, as the rest.
	db.Exec(t, `UPDATE @delivery SET ended = 1 WHERE id IN ('failed', 'young-1')`)
	Run(t, db.Open(t, durable.Config{Keep: keep}), record(nil).handle)
	eventually(t, db, n+len(young), `SELECT count(*) FROM @delivery`)
}

// planErase runs the statements of Erase.
func planErase[T any](t *testing.T, e *durable.Engine[T]) {
	for _, f := range filters(wanted) {
		for _, f.State = range []durable.State{"", durable.StateDelivered} {
			if _, err := e.Erase(t.Context(), f, 1); !errors.Is(err, durable.ErrFilter) {
				require.NoError(t, err)
			}
		}
	}
}
