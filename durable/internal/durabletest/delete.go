package durabletest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// burden dispatches n messages to a webhook, the first of which have ended in each way.
func burden[T any](t testing.TB, db Database[T], hooks *durable.Webhooks[T], id, prefix string, n int) (ids []string) {
	t.Helper()
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		for i := range n {
			ids = append(ids, fmt.Sprint(prefix, "-", i))
			require.NoError(t, hooks.DispatchIDTx(t.Context(), tx, id, ids[i], status(ids[i])))
		}
		return nil
	}))
	for i, state := range []string{"delivered", "failed", "dropped", "canceled"} {
		end(t, db, ids[i], state, "status")
	}
	db.Exec(t, `UPDATE @attempt SET location = 'https://receiver.example/moved'
		WHERE seq IN (SELECT seq FROM @delivery WHERE webhook_id = '`+id+`')`)
	return ids
}

// requireGone looks for all that must not be there of a webhook that was deleted.
func requireGone[T any](t testing.TB, db Database[T], e *durable.Engine[T], id string) {
	t.Helper()
	var left int
	db.Row(t, `SELECT count(*) FROM @webhook WHERE id = '`+id+`' AND (definition <> '' OR deleted = 0)`, &left)
	require.Zero(t, left)
	db.Row(t, `SELECT count(*) FROM @secret WHERE webhook_id = '`+id+`'`, &left)
	require.Zero(t, left, "secrets")
	require.Empty(t, reveal(t, e.Webhooks(nil).Keyring(), id))
	require.Zero(t, count(t, db, `webhook_id = '`+id+`' AND state = 'pending'`))
	row, err := e.Endpoint(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, queue.StateDisabled, row.State)
	require.Equal(t, "deleted", row.Reason)
	for f := (durable.Filter{WebhookID: id}); ; {
		page, err := e.List(t.Context(), f)
		require.NoError(t, err)
		for _, d := range page.Deliveries {
			m, err := e.Message(t.Context(), d.ID)
			require.NoError(t, err)
			require.Empty(t, m.URL, d.ID)
			require.NotEmpty(t, m.Body, d.ID)
			require.Len(t, m.Header, 3)
			for name, values := range m.Header {
				require.Equal(t, []string{""}, values, name)
			}
			attempts, err := e.Attempts(t.Context(), d.ID)
			require.NoError(t, err)
			for _, a := range attempts {
				require.Empty(t, a.Location)
			}
		}
		if f.After = page.Next; page.Next == "" {
			return
		}
	}
}

func testDelete[T any](t *testing.T, db Database[T]) { deletes(t, db, durable.Config{}) }

func testDeleteSealed[T any](t *testing.T, db Database[T]) { deletes(t, db, Seal(durable.Config{})) }

func deletes[T any](t *testing.T, db Database[T], config durable.Config) {
	e := db.Open(t, config)
	hooks, q, r := dispatcher(t, e, queue.Config{Ordered: true})
	other := hook()
	other.ID = otherID
	_, err := hooks.Create(t.Context(), other)
	require.NoError(t, err)
	_, err = hooks.Update(t.Context(), hook(), 1)
	require.NoError(t, err)
	ids := burden(t, db, hooks, hookID, "gone", 260) // more than one batch of all
	for range 3 {
		require.NoError(t, hooks.Dispatch(t.Context(), hookID, status("one order")))
	}
	require.NoError(t, hooks.DispatchID(t.Context(), otherID, "stays", sent))
	require.NoError(t, hooks.Pause(t.Context(), hookID, "for a while"))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "parked", status("parked")))
	broken := hook()
	broken.Body = `{{payload.staus}}`
	_, err = hooks.Update(t.Context(), broken, 2)
	require.NoError(t, err)
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "fault", sent), durable.ErrNotComposed)

	before := time.Now().Truncate(time.Microsecond)
	require.NoError(t, hooks.Delete(durable.WithActor(t.Context(), "ann"), hookID))
	require.Equal(t, 256+3+1+1, count(t, db, `webhook_id = '`+hookID+`' AND state = 'canceled'`))
	require.Equal(t, 256+3+1, count(t, db, `state = 'canceled' AND reason = 'deleted' AND parked = 0`))
	db.Exec(t, `DELETE FROM @delivery WHERE id = 'fault'`) // which has no message
	requireGone(t, db, e, hookID)
	changes, err := e.EndpointChanges(t.Context(), hookID, 0, 1)
	require.NoError(t, err)
	require.False(t, changes[0].At.Before(before))
	require.Equal(t, durable.EndpointChange{
		At: changes[0].At, Rev: changes[0].Rev, Actor: "ann", Reason: "deleted",
		From: queue.StatePaused, To: queue.StateDisabled,
	}, changes[0])
	for id, want := range map[string]durable.Delivery{
		ids[0]:  {State: durable.StateDelivered},
		ids[1]:  {State: durable.StateFailed},
		ids[4]:  {State: durable.StateCanceled, Reason: queue.ReasonDeleted},
		"stays": {State: durable.StatePending},
	} {
		d, err := e.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []any{want.State, want.Reason}, []any{d.State, d.Reason}, id)
	}
	m, err := e.Message(t.Context(), "stays")
	require.NoError(t, err)
	require.Equal(t, []string{"Bearer s3cr3t"}, m.Header["Authorization"])

	requireDeleted(t, hooks, e, q)
	runQueue(t, q)
	finally(t, e, "stays", durable.StateDelivered)
	require.Len(t, r.got(), 1)
}

// requireDeleted calls everything that has to do with a webhook that was deleted.
func requireDeleted[T any](t *testing.T, hooks *durable.Webhooks[T], e *durable.Engine[T], q *queue.Queue) {
	t.Helper()
	_, err := hooks.Create(t.Context(), hook())
	require.ErrorIs(t, err, durable.ErrExists)
	page, err := hooks.List(t.Context(), durable.WebhookFilter{})
	require.NoError(t, err)
	for _, d := range page.Webhooks {
		require.NotEqual(t, hookID, d.ID)
	}
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Get":     func() error { _, err := hooks.Get(ctx, hookID); return err },
		"Version": func() error { _, err := hooks.Version(ctx, hookID, 1); return err },
		"the last version": func() error {
			_, err := hooks.Version(ctx, hookID, 4)
			return err
		},
		"Update":      func() error { _, err := hooks.Update(ctx, hook(), 3); return err },
		"Update it":   func() error { _, err := hooks.Update(ctx, hook(), 4); return err },
		"Source":      func() error { _, err := hooks.Source(ctx, hookID); return err },
		"Compare":     func() error { _, err := hooks.Compare(ctx, hook(), 0); return err },
		"Dispatch":    func() error { return hooks.Dispatch(ctx, hookID, sent) },
		"Delete":      func() error { return hooks.Delete(ctx, hookID) },
		"Enable":      func() error { return hooks.Enable(ctx, hookID, "") },
		"Disable":     func() error { return hooks.Disable(ctx, hookID, "") },
		"Pause":       func() error { return hooks.Pause(ctx, hookID, "") },
		"Queue.Pause": func() error { return q.Pause(ctx, hookID, "") },
		"Queue.Enable": func() error {
			return q.Enable(ctx, hookID, "")
		},
		"Recompose": func() error { _, err := hooks.Recompose(ctx, "gone-1"); return err },
	} {
		require.ErrorIs(t, call(), webhook.ErrNotFound, name)
	}
	require.EqualError(t, hooks.Delete(ctx, hookID), `durable: webhook "`+hookID+`": no such webhook`)
	for _, id := range []string{"gone-0", "gone-1", "gone-4"} {
		const text = ": the delivery has no message: its webhook was deleted"
		err := e.Resend(ctx, id)
		require.EqualError(t, err, "durable: resend"+text)
		require.ErrorIs(t, err, durable.ErrNoMessage)
		err = e.RetryNow(ctx, id)
		require.EqualError(t, err, "durable: retry"+text)
		require.ErrorIs(t, err, durable.ErrNoMessage)
	}
	n, err := e.ResendMatching(ctx, durable.Filter{WebhookID: hookID}, 0)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = hooks.RecomposeMatching(ctx, durable.Filter{WebhookID: hookID}, 0)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	require.Zero(t, n)
	require.ErrorIs(t, hooks.Delete(ctx, "w1"), webhook.ErrNotFound)
	require.NoError(t, q.Disable(ctx, hookID, ""), "it is")
}

// testDeleteInFlight deletes a webhook while its deliveries are in flight, in another
// process: they go on, and what they find out is kept, but no Location.
func testDeleteInFlight[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, e, queue.Config{Ordered: true})
	gate := make(chan struct{})
	verdicts := map[string]queue.Verdict{
		"done":  {Kind: queue.KindDone, Attempt: &webhook.Attempt{At: time.Now(), Status: 200, Location: "https://moved.example/"}},
		"retry": {Kind: queue.KindRetry, Attempt: &webhook.Attempt{At: time.Now(), Status: 307, Location: "https://moved.example/"}},
		"dead":  {Kind: queue.KindDead, Attempt: &webhook.Attempt{At: time.Now(), Status: 404}},
		"first": {Kind: queue.KindDone, Attempt: &webhook.Attempt{At: time.Now(), Status: 200}},
		"defer": {Kind: queue.KindDefer},
	}
	r := record(func(d queue.Delivery) queue.Verdict {
		<-gate
		return verdicts[d.ID]
	})
	runner := db.Open(t, durable.Config{})
	Run(t, runner, r.handle)
	for _, id := range []string{"done", "retry", "dead", "first", "defer"} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, status(id)))
	}
	r.await(t, 5)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "second", status("first"))) // in the order of the first
	require.NoError(t, hooks.Delete(t.Context(), hookID))
	require.Equal(t, 6, count(t, db, `state = 'canceled' AND reason = 'deleted'`))
	close(gate)
	for _, id := range []string{"done", "first"} {
		require.Empty(t, finally(t, e, id, durable.StateDelivered).Reason)
	}
	eventually(t, db, 4, `SELECT count(*) FROM @attempt`)
	for _, id := range []string{"retry", "dead", "second", "defer"} {
		require.Equal(t, queue.ReasonDeleted, finally(t, e, id, durable.StateCanceled).Reason, id)
	}
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE ordering IS NOT NULL AND active = 1`)
	eventually(t, db, 0, jobs)
	require.Len(t, r.all(), 5)
	requireGone(t, db, e, hookID)
}

// testDeleteDispatch has several processes dispatch and send while a webhook is deleted.
// None leaves anything behind that is sent or waits.
func testDeleteDispatch[T any](t *testing.T, db Database[T]) {
	var a answers
	e := db.Open(t, durable.Config{})
	q, hooks := answering(t, e, &a, queue.Config{Ordered: true, Limit: 5})
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	runQueue(t, q)
	other := db.Open(t, durable.Config{})
	q2, hooks2 := answering(t, other, &a, queue.Config{Ordered: true, Limit: 5})
	runQueue(t, q2)
	var accepted atomic.Int64
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			dispatch := []*durable.Webhooks[T]{hooks, hooks2}[i%2]
			for n := 0; ; n++ {
				<-time.After(5 * time.Millisecond) // SQLite has one writer
				var err error
				if event := status(fmt.Sprint(n % 3)); i < 4 {
					err = dispatch.Dispatch(context.Background(), hookID, event)
				} else {
					err = db.Tx(t, func(tx T, _ func(string)) error {
						err := dispatch.DispatchTx(context.Background(), tx, hookID, event)
						<-time.After(5 * time.Millisecond) // in which the webhook may be deleted
						return err
					})
				}
				switch {
				case err == nil:
					accepted.Add(1)
				case errors.Is(err, webhook.ErrNotFound), errors.Is(err, queue.ErrDisabled):
					return
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	for accepted.Load() < 30 {
		<-time.After(time.Millisecond)
	}
	require.NoError(t, hooks.Delete(t.Context(), hookID))
	all.Wait()
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)
	eventually(t, db, 0, jobs)
	requests, _ := a.requests()
	require.EqualValues(t, accepted.Load(), count(t, db, `1 = 1`))
	requireGone(t, db, e, hookID)

	// Also what somebody enqueues who does not ask whether there is a webhook.
	late := Task("late")
	late.Key, late.Message.WebhookID, late.Message.Header["X-Three"] = hookID, hookID, []string{"c"}
	require.NoError(t, e.Enqueue(t.Context(), late))
	require.Equal(t, queue.ReasonDeleted, finally(t, e, "late", durable.StateCanceled).Reason)
	requireGone(t, db, e, hookID)
	after, _ := a.requests()
	require.Equal(t, requests, after)
}

// testDeleteUpdate has a change be committed while the webhook is deleted.
func testDeleteUpdate[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks := e.Webhooks(nil)
	for i := range 10 {
		w := hook()
		w.ID = fmt.Sprintf("5b0b1c0a-7785-41e3-964f-00000000%04d", i)
		_, err := hooks.Create(t.Context(), w)
		require.NoError(t, err)
		deleted := make(chan error, 1)
		err = db.Tx(t, func(tx T, _ func(string)) error {
			_, err := hooks.UpdateTx(t.Context(), tx, w, 1)
			require.NoError(t, err)
			go func() { deleted <- hooks.Delete(context.Background(), w.ID) }()
			<-time.After(time.Duration(10*i) * time.Millisecond)
			return nil
		})
		require.NoError(t, err)
		require.NoError(t, <-deleted)
		requireGone(t, db, e, w.ID)
		_, err = hooks.Get(t.Context(), w.ID)
		require.ErrorIs(t, err, webhook.ErrNotFound)
	}
}

// Delete reports how many deliveries end with their webhook in a second: half of them
// pending, the others delivered in one attempt.
func Delete[T any](b *testing.B, e *durable.Engine[T], db Database[T]) {
	const n = 20_000
	hooks, _, _ := dispatcher(b, e, queue.Config{})
	require.NoError(b, db.Tx(b, func(tx T, _ func(string)) error {
		for i := range n {
			if err := hooks.DispatchTx(b.Context(), tx, hookID, status(fmt.Sprint(i))); err != nil {
				return err
			}
		}
		return nil
	}))
	db.Exec(b, `UPDATE @delivery SET state = 'delivered', ended = created WHERE seq % 2 = 0`)
	db.Exec(b, `INSERT INTO @attempt (seq, gen, n, at, duration, status, class, error)
		SELECT seq, 0, 1, created, 1000, 200, '', '' FROM @delivery WHERE state = 'delivered'`)
	begun := time.Now()
	require.NoError(b, hooks.Delete(b.Context(), hookID))
	b.ReportMetric(n/time.Since(begun).Seconds(), "deleted/s")
	b.ReportMetric(0, "ns/op")
}

var errFault = errors.New("the database is away")

// A faulty store fails after some steps: before it does one, or when it has done it, as
// if its process had died.
type faulty[T any] struct {
	store.Store[T]
	left atomic.Int64 // steps
}

func (f *faulty[T]) step(do func() error) error {
	if f.left.Add(-1) < 0 {
		return errFault
	}
	if err := do(); err != nil {
		return err
	}
	if f.left.Add(-1) < 0 {
		return errFault
	}
	return nil
}

func (f *faulty[T]) Read(ctx context.Context, stmts ...store.Stmt) error {
	return f.step(func() error { return f.Store.Read(ctx, stmts...) })
}

func (f *faulty[T]) Run(ctx context.Context, stmts ...store.Stmt) error {
	return f.step(func() error { return f.Store.Run(ctx, stmts...) })
}

func (f *faulty[T]) RunTx(ctx context.Context, tx T, stmts ...store.Stmt) error {
	return f.step(func() error { return f.Store.RunTx(ctx, tx, stmts...) })
}

func (f *faulty[T]) InTx(ctx context.Context, fn func(tx T) error) error {
	return f.step(func() error { return f.Store.InTx(ctx, fn) })
}

// testDeleteFault has Delete fail at each of its steps. The next one does the rest, or
// Run.
func testDeleteFault[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, q, r := dispatcher(t, e, queue.Config{})
	bad := &faulty[T]{Store: db.Store(t)}
	bad.left.Store(1000)
	dies := &durable.Engine[T]{}
	require.NoError(t, store.Open(dies, bad, durable.Config{Logger: slog.New(slog.DiscardHandler)}))
	t.Cleanup(func() { _ = dies.Close() }) // its tallies may fail too
	var unfinished, deleted []string
	left := int64(0)
	for ; ; left++ {
		w := hook()
		w.ID = fmt.Sprintf("5b0b1c0a-7785-41e3-964f-00000000%04d", left)
		_, err := hooks.Create(t.Context(), w)
		require.NoError(t, err)
		burden(t, db, hooks, w.ID, w.ID, 56) // two batches of messages
		bad.left.Store(left)
		err = dies.Webhooks(nil).Delete(t.Context(), w.ID)
		bad.left.Store(1000)
		if err == nil {
			requireGone(t, db, e, w.ID)
			break
		}
		require.ErrorIs(t, err, errFault)
		_, err = hooks.Get(t.Context(), w.ID)
		if err == nil {
			require.Equal(t, 52, count(t, db, `state = 'pending' AND webhook_id = '`+w.ID+`'`), "it has not begun")
		} else {
			require.ErrorIs(t, err, webhook.ErrNotFound)
			require.ErrorIs(t, hooks.Dispatch(t.Context(), w.ID, sent), webhook.ErrNotFound)
		}
		var purge, at int64
		db.Row(t, `SELECT purge, deleted FROM @webhook WHERE version = 1 AND id = '`+w.ID+`'`, &purge, &at)
		switch {
		case purge > at: // only the answer was lost
			require.ErrorIs(t, hooks.Delete(t.Context(), w.ID), webhook.ErrNotFound)
			deleted = append(deleted, w.ID)
		case at > 0 && left%2 == 0:
			unfinished = append(unfinished, w.ID)
		default:
			require.NoError(t, hooks.Delete(t.Context(), w.ID))
			deleted = append(deleted, w.ID)
		}
	}
	require.NotEmpty(t, unfinished)
	require.Greater(t, left, int64(30))
	for _, id := range deleted {
		requireGone(t, db, e, id)
	}
	day := fmt.Sprint((24 * time.Hour).Microseconds())
	db.Exec(t, `UPDATE @webhook SET deleted = deleted - `+day+`, purge = purge - `+day+` WHERE purge > 0`)
	runQueue(t, q)
	again := fmt.Sprint(time.Now().Add(5 * time.Minute).UnixMicro())
	for _, id := range slices.Concat(unfinished, deleted) { // one by one: there are many
		eventually(t, db, 1, `SELECT count(*) FROM @webhook
			WHERE id = '`+id+`' AND version = 1 AND deleted > 0 AND (purge = 0 OR purge > `+again+`)`)
	}
	for _, id := range slices.Concat(unfinished, deleted) {
		requireGone(t, db, e, id)
		require.ErrorIs(t, hooks.Delete(t.Context(), id), webhook.ErrNotFound)
	}
	require.Empty(t, r.got(), "nothing is sent")
}

// testDeleteElsewhere deletes a webhook in a process that has no queue, while another one
// retries and rests at it.
func testDeleteElsewhere[T any](t *testing.T, db Database[T]) {
	var a answers
	a.status.Store(http.StatusServiceUnavailable)
	e := db.Open(t, durable.Config{Bounds: webhook.Bounds{MinWait: -1, MaxAttempts: -1}})
	q, hooks := answering(t, e, &a, queue.Config{Limit: 2, Rest: 20 * time.Millisecond})
	w := hook()
	w.Policy.Waits, w.Policy.Attempts = []time.Duration{20 * time.Millisecond}, 1000
	_, err := hooks.Create(t.Context(), w)
	require.NoError(t, err)
	runQueue(t, q)
	for i := range 20 {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, fmt.Sprint(i), status(fmt.Sprint(i))))
	}
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(5 * time.Millisecond) {
		if n, _ := a.requests(); n > 10 {
			break
		}
		require.True(t, time.Now().Before(deadline), "nothing is sent")
	}
	require.NoError(t, db.Open(t, durable.Config{}).Webhooks(nil).Delete(t.Context(), hookID))
	before := a.each()
	eventually(t, db, 20, `SELECT count(*) FROM @delivery WHERE state = 'canceled' AND reason = 'deleted'`)
	eventually(t, db, 0, jobs)
	// What a worker had read before goes out still, each message at most once: how many have
	// been read but not begun, only the speed of the machine says.
	for id, n := range a.each() {
		require.LessOrEqual(t, n-before[id], 1, id)
	}
	require.Equal(t, queue.StateDisabled, stateOf(q, hookID))
	requireGone(t, db, e, hookID)
}

// stateOf waits until a queue has heard that an endpoint is disabled.
func stateOf(q *queue.Queue, key string) (state queue.EndpointState) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if state = q.State(key); state == queue.StateDisabled {
			break
		}
	}
	return state
}
