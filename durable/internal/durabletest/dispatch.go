package durabletest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// A receiver answers 200 and keeps the URLs of what it got.
type receiver struct {
	mu   sync.Mutex
	urls []string
}

func (r *receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.urls = append(r.urls, request.URL.String())
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, Request: request,
	}, nil
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.urls
}

func newQueue[T any](t testing.TB, e *durable.Engine[T], config queue.Config) (*queue.Queue, *receiver) {
	r := &receiver{}
	q, err := queue.New(&webhook.Client{Transport: r}, e, config)
	require.NoError(t, err)
	return q, r
}

// runQueue runs q until the test ends.
func runQueue(t testing.TB, q *queue.Queue) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// dispatcher returns webhooks over a new queue, with hook among them.
func dispatcher[T any](
	t testing.TB, e *durable.Engine[T], config queue.Config,
) (*durable.Webhooks[T], *queue.Queue, *receiver) {
	q, r := newQueue(t, e, config)
	hooks := e.Webhooks(q)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	return hooks, q, r
}

var sent = payload.MessageStatus{ID: "a418d672", Channel: "whatsapp", Status: payload.StatusSent}

func count[T any](t testing.TB, db Database[T], where string) (n int) {
	db.Row(t, `SELECT count(*) FROM @delivery WHERE `+where, &n)
	return n
}

func testDispatch[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, q, r := dispatcher(t, e, queue.Config{})
	require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
	changed := hook()
	changed.URL = "https://elsewhere.example/"
	_, err := hooks.Update(t.Context(), changed, 1)
	require.NoError(t, err)
	require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
	require.NoError(t, q.Send(t.Context(), Task("by-hand").Message)) // has no version
	require.Equal(t, []int{1, 1, 1}, []int{
		count(t, db, `webhook_version = 1 AND event = 'whatsapp:message:status' AND key = '`+hookID+`'`),
		count(t, db, `webhook_version = 2`), count(t, db, `webhook_version = 0`),
	})
	runQueue(t, q)
	eventually(t, db, 3, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.ElementsMatch(t, []string{
		"https://receiver.example/hook?id=a418d672", "https://elsewhere.example/", "https://receiver.example/hook?a=1",
	}, r.got(), "each as it was composed")

	err = hooks.Dispatch(t.Context(), otherID, sent)
	require.EqualError(t, err, `durable: webhook "`+otherID+`": no such webhook`)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	require.NoError(t, hooks.Disable(t.Context(), hookID, ""))
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, sent), queue.ErrDisabled)
	require.NoError(t, hooks.Enable(t.Context(), hookID, ""))
	require.NoError(t, q.Disable(t.Context(), hookID, ""))
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, sent), queue.ErrDisabled)
	err = e.Webhooks(nil).Dispatch(t.Context(), hookID, sent)
	require.EqualError(t, err, "durable: dispatch: Webhooks was given no queue")
	require.NoError(t, q.Enable(t.Context(), hookID, ""))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, hooks.Dispatch(ended, hookID, sent), context.Canceled)
	require.Equal(t, 3, count(t, db, `1 = 1`), "nothing is kept of these")
}

// testDispatchFault dispatches what cannot be composed among what can.
func testDispatchFault[T any](t *testing.T, db Database[T]) {
	hooks, q, r := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{MaxSize: 4000})
	broken := hook()
	broken.ID, broken.Body = otherID, `{"status": "{{payload.staus}}"}`
	_, err := hooks.Create(t.Context(), broken)
	require.NoError(t, err)
	runQueue(t, q)
	var fault *webhook.TemplateError
	for range 3 {
		err := hooks.Dispatch(t.Context(), otherID, sent)
		require.EqualError(t, err, `durable: event not composed: webhook: body: offset 14: `+
			`unknown name "payload.staus"; did you mean "payload.status"?`)
		require.ErrorIs(t, err, durable.ErrNotComposed)
		require.ErrorAs(t, err, &fault)
		require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
	}
	eventually(t, db, 3, `SELECT count(*) FROM @delivery WHERE state = 'delivered' AND webhook_id = '`+hookID+`'`)
	require.Len(t, r.got(), 3)
	require.Equal(t, 3, count(t, db, `webhook_id = '`+otherID+`' AND key = webhook_id AND webhook_version = 1 AND state = 'failed' AND class = 'invalid'
		AND event = 'whatsapp:message:status' AND attempts = 0 AND ended = created AND length(message) = 0
		AND error = 'webhook: body: offset 14: unknown name "payload.staus"; did you mean "payload.status"?'`))

	large := sent
	large.ID = strings.Repeat("x", 4000)
	err = hooks.Dispatch(t.Context(), hookID, large)
	require.ErrorIs(t, err, durable.ErrNotComposed)
	require.ErrorIs(t, err, queue.ErrTooLarge)
	for _, event := range []webhook.Event{nil, (*payload.MessageStatus)(nil)} {
		require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, event), durable.ErrNotComposed)
	}
	// A definition that another version of the module stored may not compile.
	db.Exec(t, `UPDATE @webhook SET definition = '{"url": "ftp://receiver.example/"}', changed = changed + 1
		WHERE id = '`+hookID+`'`)
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, sent), durable.ErrNotComposed)
	err = hooks.DispatchID(t.Context(), hookID, "no\x00id", sent)
	require.ErrorIs(t, err, durable.ErrNotComposed)
	require.NotContains(t, err.Error(), "nor kept")
	require.Equal(t, 5, count(t, db, `webhook_id = '`+hookID+`' AND state = 'failed'`))
	require.Equal(t, 0, count(t, db, `state = 'pending'`))
}

func testDispatchID[T any](t *testing.T, db Database[T]) {
	hooks, q, r := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{Ordered: true})
	// An ID that no message can have is a failure in the history, once for each event.
	long, other := strings.Repeat("x", 3000), sent
	other.ID = long
	for range 2 {
		err := hooks.DispatchID(t.Context(), hookID, "a.b", sent)
		require.ErrorIs(t, err, durable.ErrNotComposed)
		require.EqualError(t, err, `durable: event not composed: `+
			`webhook: message id has a character other than letters, digits, _ and - at offset 1`)
		for _, id := range []string{long, "\xff\x00", ""} {
			require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, id, sent), durable.ErrNotComposed)
		}
		require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "a.b", other), durable.ErrNotComposed)
	}
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		err := hooks.DispatchIDTx(t.Context(), tx, hookID, "a b", sent)
		require.ErrorIs(t, err, durable.ErrNotComposed)
		return nil // as DispatchTx says
	}))
	require.Equal(t, 6, count(t, db, `state = 'failed' AND length(id) < 64 AND id LIKE 'bad_%'
		AND event = 'whatsapp:message:status' AND length(message) = 0`))
	db.Exec(t, `DELETE FROM @delivery`)
	// A subject may be of any length and bytes.
	for i, id := range []string{long, "\xff\x00", "\xfe"} {
		other.ID = id
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, "subject-"+strconv.Itoa(i), other))
	}
	require.Equal(t, 3, count(t, db, `state = 'pending' AND active = 1 AND ordering IS NOT NULL`))
	db.Exec(t, `DELETE FROM @delivery`)
	broken := hook()
	broken.Body = `{{payload.staus}}`
	_, err := hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	for range 2 {
		require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "report-1", sent), durable.ErrNotComposed)
	}
	require.Equal(t, 1, count(t, db, `state = 'failed' AND id = 'report-1' AND webhook_version = 2`))
	_, err = hooks.Update(t.Context(), hook(), 2)
	require.NoError(t, err)
	var twice sync.WaitGroup
	for range 4 {
		twice.Go(func() {
			if err := hooks.DispatchID(t.Context(), hookID, "report-1", sent); err != nil {
				t.Error(err)
			}
		})
	}
	twice.Wait()
	require.Equal(t, 1, count(t, db, `state = 'pending' AND id = 'report-1' AND webhook_version = 3`))
	runQueue(t, q)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	_, err = hooks.Update(t.Context(), broken, 3)
	require.NoError(t, err)
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "report-1", sent), durable.ErrNotComposed)
	require.Equal(t, 1, count(t, db, `state = 'delivered' AND webhook_version = 3`), "what was delivered is no failure")
	require.Len(t, r.got(), 1)
}

// testDisabled disables a webhook whose deliveries wait in another process.
func testDisabled[T any](t *testing.T, db Database[T]) {
	hooks, q, r := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "report-1", sent))
	other := hook()
	other.ID = otherID
	_, err := hooks.Create(t.Context(), other)
	require.NoError(t, err)
	require.NoError(t, hooks.DispatchID(t.Context(), otherID, "report-2", sent))
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Webhooks(nil).Disable(t.Context(), hookID, ""))
	runQueue(t, q)
	require.Equal(t, queue.ReasonDisabled, finally(t, e, "report-1", durable.StateDropped).Reason)
	finally(t, e, "report-2", durable.StateDelivered)
	require.Len(t, r.got(), 1)

	require.NoError(t, e.Webhooks(nil).Enable(t.Context(), hookID, ""))
	n, err := e.ResendMatching(t.Context(), durable.Filter{WebhookID: hookID}, 0)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	finally(t, e, "report-1", durable.StateDelivered)
}

func testDispatchTx[T any](t *testing.T, db Database[T]) {
	hooks, q, r := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	broken := hook()
	broken.ID, broken.Body = otherID, `{{payload.staus}}`
	_, err := hooks.Create(t.Context(), broken)
	require.NoError(t, err)
	db.Exec(t, `CREATE TABLE calls (id bigint)`)
	runQueue(t, q)

	rollback := errors.New("rolled back")
	require.ErrorIs(t, db.Tx(t, func(tx T, exec func(string)) error {
		exec(`INSERT INTO calls VALUES (1)`)
		require.NoError(t, hooks.DispatchTx(t.Context(), tx, hookID, sent))
		require.ErrorIs(t, hooks.DispatchTx(t.Context(), tx, otherID, sent), durable.ErrNotComposed)
		return rollback
	}), rollback)
	require.Equal(t, 0, count(t, db, `1 = 1`))

	require.NoError(t, db.Tx(t, func(tx T, exec func(string)) error {
		exec(`INSERT INTO calls VALUES (2)`)
		require.NoError(t, hooks.DispatchTx(t.Context(), tx, hookID, sent))
		require.NoError(t, hooks.DispatchIDTx(t.Context(), tx, hookID, "report-1", sent))
		require.NoError(t, hooks.DispatchIDTx(t.Context(), tx, hookID, "report-1", sent))
		require.ErrorIs(t, hooks.DispatchTx(t.Context(), tx, otherID, sent), durable.ErrNotComposed)
		require.ErrorIs(t, hooks.DispatchTx(t.Context(), tx, "w1", sent), webhook.ErrNotFound)
		require.Empty(t, r.got())
		return nil // the transaction is as good as before
	}))
	require.ErrorIs(t, db.Tx(t, func(tx T, exec func(string)) error {
		exec(`INSERT INTO @endpoint (key, state, reason, actor, since, failing_since, last_failure, tell, rev)
			VALUES ('` + hookID + `', 'disabled', '', '', 1, 0, 0, 0, 1)`)
		err := hooks.DispatchTx(t.Context(), tx, hookID, sent)
		require.ErrorIs(t, err, queue.ErrDisabled, "what the transaction sees counts")
		return rollback
	}), rollback)
	eventually(t, db, 2, `SELECT count(*) FROM @delivery WHERE state = 'delivered' AND webhook_version = 1`)
	require.Equal(t, 1, count(t, db, `state = 'failed' AND webhook_id = '`+otherID+`'`))
	require.Len(t, r.got(), 2)
}

func testDispatchSupersede[T any](t *testing.T, db Database[T]) {
	var dropped []string
	hooks, q, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{
		Ordered: true, Supersede: true,
		OnDrop: func(m *webhook.Message, _ queue.Reason) { dropped = append(dropped, m.ID) },
	})
	read, unknown, failed := sent, sent, sent
	read.Status, unknown.Status, failed.Status = payload.StatusRead, "parked", payload.StatusUndelivered
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "unknown", unknown))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "sent", sent))
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		return hooks.DispatchIDTx(t.Context(), tx, hookID, "read-1", read)
	}))
	require.Equal(t, 3, count(t, db, `state = 'pending'`), "not before it has committed")
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "read-2", read))
	require.Equal(t, []string{"sent"}, dropped)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "failed", failed))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "unknown-2", unknown))
	require.Equal(t, []string{"sent"}, dropped, "none of them is newer than what was read")
	require.Equal(t, 1, count(t, db, `state = 'dropped' AND reason = 'superseded' AND id = 'sent'`))
	runQueue(t, q)
	eventually(t, db, 5, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
}

// testDispatchTwo has one engine change a webhook that the other dispatches to: a change
// takes effect when it is committed.
func testDispatchTwo[T any](t *testing.T, db Database[T]) {
	hooks, _, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	other := db.Open(t, durable.Config{}).Webhooks(nil)
	registry := webhook.Registry{Source: hooks.Source, MaxAge: time.Nanosecond}
	for version := 1; version < 20; version++ {
		require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
		require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
			return hooks.DispatchTx(t.Context(), tx, hookID, sent)
		}))
		require.Equal(t, 2, count(t, db, "webhook_version = "+strconv.Itoa(version)))
		w := hook()
		w.Name = strings.Repeat("n", version)
		w.Body = `{"` + w.Name + `": 1}`
		_, err := other.Update(t.Context(), w, version)
		require.NoError(t, err)
		c, err := registry.Composer(t.Context(), hookID)
		require.NoError(t, err)
		m, err := c.Compose(sent)
		require.NoError(t, err)
		require.Equal(t, w.Body, string(m.Body))
	}
	require.NoError(t, other.Disable(t.Context(), hookID, ""))
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, sent), queue.ErrDisabled)
	require.ErrorIs(t, db.Tx(t, func(tx T, _ func(string)) error {
		return hooks.DispatchTx(t.Context(), tx, hookID, sent)
	}), queue.ErrDisabled)
	_, err := registry.Composer(t.Context(), hookID)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	require.NoError(t, other.Enable(t.Context(), hookID, ""))
	require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
	require.Equal(t, 1, count(t, db, "webhook_version = 20"))
}

// testUnwanted has events that the condition of a webhook does not want, which leave a
// number and nothing else.
func testUnwanted[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, q, r := dispatcher(t, e, queue.Config{})
	changed := hook()
	changed.When = "payload.status == 'read'"
	_, err := hooks.Update(t.Context(), changed, 1)
	require.NoError(t, err)
	read := status("b")
	read.Status = payload.StatusRead
	require.NoError(t, hooks.Dispatch(t.Context(), hookID, status("a")))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "a", status("a")))
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		return hooks.DispatchTx(t.Context(), tx, hookID, status("a"))
	}))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "b", read))
	var n int
	db.Row(t, `SELECT count(*) FROM @delivery`, &n)
	require.Equal(t, 1, n)
	runQueue(t, q)
	finally(t, e, "b", durable.StateDelivered)
	require.Len(t, r.got(), 1)
	now := time.Now()
	tallies, err := e.Tallies(t.Context(), hookID, now.Add(-time.Hour), now.Add(time.Hour))
	require.NoError(t, err)
	unwanted := 0
	for _, tally := range tallies {
		unwanted += tally.Unwanted
	}
	require.Equal(t, 3, unwanted)
}
