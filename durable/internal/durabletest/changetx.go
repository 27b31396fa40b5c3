package durabletest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

var errRollback = errors.New("rolled back")

// testChangeTx creates and updates webhooks in transactions of the caller's own.
func testChangeTx[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	db.Exec(t, `CREATE TABLE @customers (id text)`)
	changed := hook()
	changed.URL = "https://elsewhere.example/"

	require.ErrorIs(t, db.Tx(t, func(tx T, _ func(string)) error {
		d, err := hooks.CreateTx(t.Context(), tx, "", hook())
		require.NoError(t, err)
		require.Equal(t, 1, d.Version)
		d, err = hooks.UpdateTx(t.Context(), tx, changed, 1)
		require.NoError(t, err)
		require.Equal(t, 2, d.Version)
		require.NoError(t, hooks.DispatchIDTx(t.Context(), tx, hookID, "in-it", sent))
		return errRollback
	}), errRollback)
	_, err := hooks.Get(t.Context(), hookID)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, sent), webhook.ErrNotFound)
	require.Equal(t, 0, count(t, db, `1 = 1`))

	var d durable.Definition
	require.NoError(t, db.Tx(t, func(tx T, exec func(string)) error {
		exec(`INSERT INTO @customers VALUES ('acme')`)
		d, err = hooks.CreateTx(t.Context(), tx, "", hook())
		require.NoError(t, err)
		// After each of these, nothing of it is in the transaction, which goes on.
		for range 2 {
			_, err := hooks.CreateTx(t.Context(), tx, "", changed)
			require.ErrorIs(t, err, durable.ErrExists)
			_, err = hooks.UpdateTx(t.Context(), tx, changed, 2)
			require.EqualError(t, err, `durable: webhook "`+hookID+`": was changed since version 2`)
			require.ErrorIs(t, err, durable.ErrConflict)
			other := hook()
			other.ID = otherID
			_, err = hooks.UpdateTx(t.Context(), tx, other, 1)
			require.ErrorIs(t, err, webhook.ErrNotFound)
			other.ID = "w1"
			_, err = hooks.CreateTx(t.Context(), tx, "", other)
			require.ErrorIs(t, err, durable.ErrID)
			other.URL = ""
			_, err = hooks.UpdateTx(t.Context(), tx, other, 1)
			require.ErrorContains(t, err, "webhook: url: ")
		}
		return hooks.DispatchIDTx(t.Context(), tx, hookID, "first", sent)
	}))
	got, err := hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, d, got)
	require.Equal(t, []int{1, 1}, []int{count(t, db, `1 = 1`), count(t, db, `id = 'first' AND webhook_version = 1`)})
	var versions, customers int
	db.Row(t, `SELECT count(*) FROM @webhook`, &versions)
	db.Row(t, `SELECT count(*) FROM @customers`, &customers)
	require.Equal(t, []int{1, 1}, []int{versions, customers})
}

// testChangeTxMemory rolls a version back that was compiled, and stores others with its
// number, by every way that there is: what was rolled back composes nothing.
func testChangeTxMemory[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	version := 1
	urls := map[string]string{}
	url := func(id string) {
		t.Helper()
		m, err := e.Message(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, urls[id], m.URL, id)
	}
	next := func(name string) webhook.Webhook {
		w := hook()
		w.URL = "https://" + name + ".example/"
		return w
	}
	for i := range 6 {
		var rolledBack durable.Definition
		dispatchTx := func(tx T, id, url string) {
			t.Helper()
			require.NoError(t, hooks.DispatchIDTx(t.Context(), tx, hookID, id, sent))
			urls[id] = url
		}
		require.ErrorIs(t, db.Tx(t, func(tx T, _ func(string)) error {
			var err error
			rolledBack, err = hooks.UpdateTx(t.Context(), tx, next("rolled-back"), version)
			require.NoError(t, err)
			require.NoError(t, hooks.DispatchTx(t.Context(), tx, hookID, sent))
			return errRollback
		}), errRollback)
		if i%3 == 0 { // it compiles the version before
			require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
		}
		name := fmt.Sprint("version-", version+1)
		want := "https://" + name + ".example/"
		if i%2 == 0 {
			_, err := hooks.Update(t.Context(), next(name), version)
			require.NoError(t, err)
		} else {
			require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
				_, err := hooks.UpdateTx(t.Context(), tx, next(name), version)
				require.NoError(t, err)
				dispatchTx(tx, fmt.Sprint("in-it-", i), want)
				return nil
			}))
			url(fmt.Sprint("in-it-", i))
		}
		version++
		// As if both had been stored in one microsecond.
		db.Exec(t, fmt.Sprintf(`UPDATE @webhook SET changed = %d WHERE version = %d`, rolledBack.Changed.UnixMicro(), version))
		for n := range 2 {
			id := fmt.Sprint("tx-", i, "-", n)
			require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
				dispatchTx(tx, id, want)
				return nil
			}))
			url(id)
			id = fmt.Sprint("plain-", i, "-", n)
			require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, sent))
			urls[id] = want
			url(id)
		}
	}
}
