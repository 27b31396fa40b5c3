package durabletest

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// statuses are the three reports on one message.
func statuses() []webhook.Event {
	var all []webhook.Event
	for _, status := range []payload.Status{payload.StatusSent, payload.StatusDelivered, payload.StatusRead} {
		s := sent
		s.Status = status
		all = append(all, s)
	}
	return all
}

// testTaken reports what is not the same message under one ID: it is never taken for the
// one that has the ID, which is delivered once.
func testTaken[T any](t *testing.T, db Database[T]) {
	hooks, q, r := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	other := hook()
	other.ID = otherID
	_, err := hooks.Create(t.Context(), other)
	require.NoError(t, err)
	all := statuses()

	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "a418d672", all[0]))
	refused := func() {
		t.Helper()
		for _, status := range all[1:] {
			err := hooks.DispatchID(t.Context(), hookID, "a418d672", status)
			require.ErrorIs(t, err, queue.ErrTaken)
			require.EqualError(t, err, "durable: enqueue: queue: message id is taken: a418d672 has another content")
		}
		err := hooks.DispatchID(t.Context(), otherID, "a418d672", all[0])
		require.ErrorIs(t, err, queue.ErrTaken)
		require.ErrorContains(t, err, "a418d672 has another webhook_id")
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, "a418d672", all[0]), "a repetition is none")
	}
	refused()
	edited := hook()
	edited.URL += "&edited=1"
	_, err = hooks.Update(t.Context(), edited, 1)
	require.NoError(t, err)
	refused() // what the template makes of an event is not what tells events apart
	runQueue(t, q)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	refused()
	require.Len(t, r.got(), 1)
	require.Equal(t, 1, count(t, db, `id = 'a418d672'`))

	for _, status := range all { // an id for each of them
		for range 2 {
			id, err := webhook.ContentID(hookID, status)
			require.NoError(t, err)
			require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, status))
		}
	}
	eventually(t, db, 4, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
}

// testTakenAtOnce has many producers report different events under one ID: one of them is
// kept, and all others learn that theirs is not.
func testTakenAtOnce[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	var kept, taken atomic.Int32
	var producers sync.WaitGroup
	for i := range 20 {
		producers.Go(func() {
			task := Task("one")
			number := strconv.Itoa(i)
			task.Message.Body = append(task.Message.Body, number...)
			switch err := e.Enqueue(t.Context(), task, Task("beside-"+number)); {
			case err == nil:
				kept.Add(1)
			case errors.Is(err, queue.ErrTaken):
				taken.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	producers.Wait()
	require.EqualValues(t, 1, kept.Load())
	require.EqualValues(t, 19, taken.Load())
	require.Equal(t, 2, count(t, db, `state = 'pending'`), "all of a call or nothing")
}

// testTakenTx goes on with a transaction after ErrTaken: nothing of the refused call is in
// it, and all else is.
func testTakenTx[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), Task("one")))
	stranger := Task("one")
	stranger.Message.URL += "&b=2"
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		require.NoError(t, e.EnqueueTx(t.Context(), tx, Task("before")))
		err := e.EnqueueTx(t.Context(), tx, Task("a"), stranger, Task("z"))
		require.ErrorIs(t, err, queue.ErrTaken)
		require.ErrorContains(t, err, "one has another url")
		require.NotContains(t, err.Error(), "receiver.example")
		require.ErrorIs(t, e.EnqueueTx(t.Context(), tx, Task("in-one"), func() queue.Task {
			task := Task("in-one")
			task.Message.Method = "PUT"
			return task
		}()), queue.ErrTaken)
		require.NoError(t, e.EnqueueTx(t.Context(), tx, Task("after"), Task("one")))
		return nil
	}))
	r := record(nil)
	Run(t, e, r.handle)
	eventually(t, db, 3, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.Equal(t, map[string]int{"one": 1, "before": 1, "after": 1}, r.ids())
}

// testTakenFault reports events that cannot be composed under one ID.
func testTakenFault[T any](t *testing.T, db Database[T]) {
	hooks, q, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	broken := hook()
	broken.Body = `{{payload.staus}}`
	_, err := hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	all := statuses()
	for range 2 {
		err := hooks.DispatchID(t.Context(), hookID, "a418d672", all[0])
		require.ErrorIs(t, err, durable.ErrNotComposed)
		require.NotErrorIs(t, err, queue.ErrTaken)
	}
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "a418d672", all[1]), queue.ErrTaken)

	// What is no Dispatch does not replace it, and is never taken for it.
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "formless", all[0]), durable.ErrNotComposed)
	db.Exec(t, `UPDATE @delivery SET content = NULL WHERE id = 'formless'`) // as of an event without a JSON form
	for _, id := range []string{"a418d672", "formless"} {
		same, err := webhook.MustCompile(hook()).ComposeID(id, all[0])
		require.NoError(t, err)
		bare := *same
		bare.Content = nil
		for _, m := range []*webhook.Message{same, &bare} {
			err := q.Send(t.Context(), m)
			require.ErrorIs(t, err, queue.ErrTaken)
			require.ErrorContains(t, err, id+" is of an event that was not composed")
		}
	}
	require.Equal(t, 2, count(t, db, `state = 'failed'`))

	_, err = hooks.Update(t.Context(), hook(), 2)
	require.NoError(t, err)
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "a418d672", all[1]), queue.ErrTaken)
	require.Equal(t, 2, count(t, db, `state = 'failed'`))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "a418d672", all[0]))
	require.Equal(t, 1, count(t, db, `state = 'pending'`))
}
