package durabletest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// A verifier is a Config.Verify that refuses all but the URLs that it has been given.
type verifier struct {
	mu     sync.Mutex
	accept map[string]bool
	asked  []string
	during func() // is called while it is asked
}

var errNobody = errors.New("the challenge was not answered")

func (v *verifier) verify(_ context.Context, d durable.Definition) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, d.URL)
	if v.during != nil {
		v.during()
	}
	if !v.accept[d.URL] {
		return errNobody
	}
	return nil
}

func (v *verifier) take() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	asked := v.asked
	v.asked = nil
	return asked
}

// verifying opens an engine that runs, with webhooks whose URLs v verifies.
func verifying[T any](
	t *testing.T, db Database[T], v *verifier,
) (*durable.Engine[T], *durable.Webhooks[T], *answers) {
	e := db.Open(t, durable.Config{Verify: v.verify})
	a := &answers{}
	q, hooks := answering(t, e, a, queue.Config{})
	runQueue(t, q)
	return e, hooks, a
}

// testVerify has a webhook that gets nothing until its URL was proved.
func testVerify[T any](t *testing.T, db Database[T]) {
	ctx := t.Context()
	const first, second, third = "https://first.example/hook?id={{id}}", "https://second.example/", "https://third.example/"
	v := &verifier{accept: map[string]bool{}}
	e, hooks, a := verifying(t, db, v)
	h := hook()
	h.URL = first
	held := func(d durable.Definition) {
		t.Helper()
		require.Equal(t, queue.StatePaused, d.State)
		require.Equal(t, string(queue.ReasonUnverified), d.Reason)
	}
	d, err := hooks.Create(durable.WithActor(ctx, "ana"), h)
	require.NoError(t, err)
	held(d)
	require.Equal(t, "ana", d.Actor)
	require.True(t, d.Unverified)
	require.NoError(t, hooks.Dispatch(ctx, hookID, sent))
	require.Empty(t, v.take(), "nothing is asked before Enable")
	_, err = hooks.Source(ctx, hookID)
	require.ErrorIs(t, err, durable.ErrUnverified)

	// Nothing but Verify makes it be enabled.
	refused := func() {
		t.Helper()
		err := hooks.Enable(ctx, hookID, "")
		require.EqualError(t, err, `durable: webhook "`+hookID+`": not verified: the challenge was not answered`)
		require.ErrorIs(t, err, durable.ErrUnverified)
		require.ErrorIs(t, err, errNobody)
	}
	refused()
	require.NoError(t, hooks.Disable(ctx, hookID, "by hand"))
	refused()
	got, err := hooks.Get(ctx, hookID)
	require.NoError(t, err)
	require.Equal(t, queue.StateDisabled, got.State)
	_, err = queue.SetState(ctx, e, hookID, queue.StateEnabled, "")
	require.ErrorIs(t, err, durable.ErrUnverified)
	require.NoError(t, hooks.Delete(ctx, hookID))

	h.ID = otherID
	d, err = hooks.Create(ctx, h)
	require.NoError(t, err)
	held(d)
	require.NoError(t, hooks.Dispatch(ctx, otherID, sent))
	v.take()
	// What was held goes out, also if the template was mended meanwhile.
	h.Name = "mended"
	d, err = hooks.Update(ctx, h, 1)
	require.NoError(t, err)
	held(d)
	v.accept[first] = true
	require.NoError(t, hooks.Enable(ctx, otherID, ""))
	require.Equal(t, []string{first}, v.take())
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)

	// The same place needs no other proof, whatever became of the webhook meanwhile.
	require.NoError(t, hooks.Pause(ctx, otherID, "maintenance"))
	require.NoError(t, hooks.Enable(ctx, otherID, ""))
	h.URL = "https://FIRST.example:443/hook?id={{id}}&x=1"
	d, err = hooks.Update(ctx, h, 2)
	require.NoError(t, err)
	require.Equal(t, queue.StateEnabled, d.State)
	require.Empty(t, v.take())

	// Another one does, also when the webhook was paused while its URL changed.
	h.URL = second
	d, err = hooks.Update(ctx, h, 3)
	require.NoError(t, err)
	held(d)
	require.NoError(t, hooks.DispatchID(ctx, otherID, "to-second", sent))
	h.Name = "another"
	d, err = hooks.Update(ctx, h, 4)
	require.NoError(t, err)
	held(d)
	require.ErrorIs(t, hooks.Enable(ctx, otherID, ""), durable.ErrUnverified)
	// What was composed for a place that nobody has proved is not sent when another is.
	h.URL = first
	_, err = hooks.Update(ctx, h, 5)
	require.NoError(t, err)
	require.NoError(t, hooks.Enable(ctx, otherID, ""))
	v.take()
	dropped := finally(t, e, "to-second", durable.StateDropped)
	require.Equal(t, queue.ReasonUnverified, dropped.Reason)
	require.NoError(t, e.Resend(ctx, "to-second"))
	require.Equal(t, queue.ReasonUnverified, finally(t, e, "to-second", durable.StateDropped).Reason)
	_, err = hooks.Recompose(ctx, "to-second")
	require.NoError(t, err)
	eventually(t, db, 2, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)

	require.NoError(t, hooks.Pause(ctx, otherID, "maintenance"))
	require.NoError(t, hooks.Enable(ctx, otherID, ""))
	require.Empty(t, v.take())
	require.NoError(t, hooks.Pause(ctx, otherID, "maintenance"))
	h.URL = third
	d, err = hooks.Update(ctx, h, 6)
	require.NoError(t, err)
	require.Equal(t, "maintenance", d.Reason)
	require.ErrorIs(t, hooks.Enable(ctx, otherID, ""), durable.ErrUnverified)

	// What was proved is that of the version that was asked about.
	v.accept[third] = true
	v.take()
	v.during = func() {
		v.during = nil
		h.URL = second
		_, err := hooks.Update(ctx, h, 7)
		require.NoError(t, err)
	}
	require.ErrorIs(t, hooks.Enable(ctx, otherID, ""), durable.ErrUnverified)
	require.Equal(t, []string{third, second}, v.take())
	require.NoError(t, hooks.Delete(ctx, otherID))
	requests, _ := a.requests()
	require.Equal(t, 2, requests, "to the first place")
}

// testVerifyBefore has a webhook that was stored before there was a Verify, and one that
// is created in a transaction.
func testVerifyBefore[T any](t *testing.T, db Database[T]) {
	ctx := t.Context()
	before := db.Open(t, durable.Config{}).Webhooks(nil)
	d, err := before.Create(ctx, hook())
	require.NoError(t, err)
	require.Equal(t, queue.StateEnabled, d.State)
	v := &verifier{}
	_, hooks, _ := verifying(t, db, v)
	h := hook()
	h.Name = "another"
	d, err = hooks.Update(ctx, h, 1)
	require.NoError(t, err)
	require.Equal(t, queue.StateEnabled, d.State, "it is where it was")
	require.NoError(t, hooks.Enable(ctx, hookID, "it is already"))
	require.Empty(t, v.take())
	h.URL = "https://another.example/"
	_, err = hooks.Update(ctx, h, 1)
	require.ErrorIs(t, err, durable.ErrConflict)
	d, err = hooks.Get(ctx, hookID)
	require.NoError(t, err)
	require.Equal(t, queue.StateEnabled, d.State, "nothing was stored")
	_, err = hooks.Create(ctx, h)
	require.ErrorIs(t, err, durable.ErrExists)
	d, err = hooks.Get(ctx, hookID)
	require.NoError(t, err)
	require.Equal(t, queue.StateEnabled, d.State, "nothing was stored")

	h.ID = otherID
	for _, commits := range []bool{false, true} {
		err = db.Tx(t, func(tx T, _ func(string)) error {
			d, err := hooks.CreateTx(ctx, tx, "", h)
			require.NoError(t, err)
			require.Equal(t, string(queue.ReasonUnverified), d.Reason)
			require.NoError(t, hooks.DispatchTx(ctx, tx, otherID, sent))
			h.URL = "https://third.example/"
			d, err = hooks.UpdateTx(ctx, tx, h, 1)
			require.NoError(t, err)
			require.Equal(t, string(queue.ReasonUnverified), d.Reason)
			if !commits {
				return errRollback
			}
			return nil
		})
		if !commits {
			require.ErrorIs(t, err, errRollback)
			_, err = hooks.Get(ctx, otherID)
			require.ErrorIs(t, err, webhook.ErrNotFound)
			continue
		}
		require.NoError(t, err)
	}
	require.Equal(t, 1, count(t, db, `state = 'pending'`))
	changes, err := db.Open(t, durable.Config{}).EndpointChanges(ctx, otherID, 0, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"enabled>paused unverified"}, texts(changes))
}

// testVerifyElsewhere has processes without a Verify beside one that has.
func testVerifyElsewhere[T any](t *testing.T, db Database[T]) {
	ctx := t.Context()
	v := &verifier{accept: map[string]bool{"https://second.example/": true}}
	verifies := db.Open(t, durable.Config{Verify: v.verify}).Webhooks(nil)
	e := db.Open(t, durable.Config{})
	a := &answers{}
	var dropped sync.Map
	q, hooks := answering(t, e, a, queue.Config{OnDrop: func(m *webhook.Message, reason queue.Reason) {
		dropped.Store(m.ID, reason)
	}})
	runQueue(t, q)
	h := hook()
	h.URL = "https://first.example/"
	_, err := verifies.Create(ctx, h)
	require.NoError(t, err)
	require.NoError(t, hooks.DispatchID(ctx, hookID, "first", sent))
	require.ErrorIs(t, hooks.Enable(ctx, hookID, ""), durable.ErrUnverified)
	require.ErrorIs(t, q.Enable(ctx, hookID, ""), durable.ErrUnverified)
	h.URL = "https://elsewhere.example/"
	d, err := hooks.Update(ctx, h, 1)
	require.NoError(t, err)
	require.True(t, d.Unverified, "who does not verify proves nothing")
	require.ErrorIs(t, hooks.Enable(ctx, hookID, ""), durable.ErrUnverified)
	h.URL = "https://second.example/"
	_, err = verifies.Update(ctx, h, 2)
	require.NoError(t, err)
	require.NoError(t, hooks.DispatchID(ctx, hookID, "second", sent))
	require.NoError(t, verifies.Enable(ctx, hookID, ""))
	finally(t, e, "second", durable.StateDelivered)
	require.Equal(t, queue.ReasonUnverified, finally(t, e, "first", durable.StateDropped).Reason)
	told, _ := dropped.Load("first")
	require.Equal(t, queue.ReasonUnverified, told)
	requests, _ := a.requests()
	require.Equal(t, 1, requests)
}

func texts(changes []durable.EndpointChange) []string {
	var all []string
	for _, c := range changes {
		all = append(all, fmt.Sprintf("%s>%s %s", c.From, c.To, c.Reason))
	}
	return all
}
