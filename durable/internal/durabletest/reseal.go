package durabletest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// testReseal has what was stored in the clear, and under an older key.
func testReseal[T any](t *testing.T, db Database[T]) {
	_, secrets := plant(t, db, durable.Config{})
	withKeys := func(current string, names ...string) durable.Config {
		config := Seal(durable.Config{Logger: slog.New(slog.DiscardHandler)})
		keys := map[string][]byte{}
		for _, name := range names {
			keys[name] = sealKeys[name]
		}
		config.Sealer = newSealer(current, keys)
		return config
	}
	clear := db.Open(t, durable.Config{})
	_, err := clear.Reseal(t.Context(), 0)
	require.EqualError(t, err, "durable: reseal: there is no Sealer")
	before := foundPlanted(t, clear)
	require.NotEmpty(t, before)

	old := db.Open(t, withKeys("a", "a"))
	hooks := old.Webhooks(nil)
	_, err = hooks.Get(t.Context(), hookID)
	require.NoError(t, err, "what is clear is read")
	m, err := old.Message(t.Context(), "delivered")
	require.NoError(t, err)
	require.Len(t, m.Content, 16)
	require.NotEmpty(t, m.Refs)
	attempts, err := old.Attempts(t.Context(), "failed")
	require.NoError(t, err)
	require.Equal(t, planted["answer"], attempts[0].Answer)
	require.Equal(t, planted["header"], attempts[0].Header.Get("Server"))
	_, err = old.Reseal(t.Context(), -1)
	require.ErrorIs(t, err, durable.ErrFilter)
	require.Greater(t, resealAll(t, old, 3), 15)
	hidden := func(but ...string) {
		all := db.Dump(t) // pages that are free may have more
		for name, text := range planted {
			if !slices.Contains(but, name) {
				require.False(t, bytes.Contains(all, []byte(text)), "%s is stored in the clear", name)
			}
		}
		for _, secret := range secrets {
			require.False(t, bytes.Contains(all, []byte(secret)), "a secret is stored in the clear")
		}
	}
	hidden("subject") // in the ordering of what is pending
	require.Equal(t, before, foundPlanted(t, old))
	got, err := old.Message(t.Context(), "delivered")
	require.NoError(t, err)
	require.Equal(t, m, got)
	after, err := old.Attempts(t.Context(), "failed")
	require.NoError(t, err)
	require.Equal(t, attempts, after)

	e := db.Open(t, withKeys("b", "a", "b"))
	q, stop := runWith(t, e, plantedClient(func(string) bool { return false }), slog.New(slog.DiscardHandler))
	require.NoError(t, e.Webhooks(q).Enable(t.Context(), hookID, ""))
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)
	stop()
	require.Positive(t, resealAll(t, e, 1000))
	hidden()
	require.Zero(t, resealAll(t, e, 1000))

	e = db.Open(t, withKeys("b", "b"))
	require.Zero(t, resealAll(t, e, 0))
	got, err = e.Message(t.Context(), "delivered")
	require.NoError(t, err)
	require.Equal(t, m, got)
	hooks = e.Webhooks(nil)
	for version := range 4 {
		_, err = hooks.Version(t.Context(), hookID, version+1)
		require.NoError(t, err)
	}
	stored, err := hooks.Secrets(t.Context(), hookID)
	require.NoError(t, err)
	require.Len(t, stored, 2)
	for _, id := range []string{"failed", "fault"} {
		_, err = e.Attempts(t.Context(), id)
		require.NoError(t, err)
	}
}

// foundPlanted returns the IDs of what is found by a ref and a subject.
func foundPlanted[T any](t testing.TB, e *durable.Engine[T]) (ids []string) {
	for _, f := range []durable.Filter{{Ref: planted["ref"]}, {Ref: "+" + planted["number"]}, {Subject: planted["subject"]}} {
		page, err := e.List(t.Context(), f)
		require.NoError(t, err)
		for _, d := range page.Deliveries {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

func resealAll[T any](t testing.TB, e *durable.Engine[T], limit int) (total int) {
	for {
		n, err := e.Reseal(t.Context(), limit)
		require.NoError(t, err)
		if total += n; n == 0 {
			return total
		}
		if limit > 0 {
			require.LessOrEqual(t, n, limit)
		}
	}
}

// A failingSealer fails with what begins with a text.
type failingSealer struct {
	durable.Sealer
	fails func(plain []byte) bool
}

func (s failingSealer) Seal(ctx context.Context, plain, where []byte) ([]byte, error) {
	if s.fails(plain) {
		return nil, errors.New("the key service is away")
	}
	return s.Sealer.Seal(ctx, plain, where)
}

// testSealFails has a Sealer that does not seal.
func testSealFails[T any](t *testing.T, db Database[T]) {
	config := Seal(durable.Config{Logger: slog.New(slog.DiscardHandler)})
	var away atomic.Bool
	config.Sealer = failingSealer{config.Sealer, func(plain []byte) bool {
		return away.Load() || string(plain) == planted["answer"]
	}}
	e := db.Open(t, config)
	q, _ := runWith(t, e, plantedClient(func(string) bool { return false }), config.Logger)
	hooks := e.Webhooks(q)
	_, err := hooks.Create(t.Context(), plantedHook())
	require.NoError(t, err)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "kept", newPlanted("")))
	finally(t, e, "kept", durable.StateDelivered)
	attempts, err := e.Attempts(t.Context(), "kept")
	require.NoError(t, err)
	require.Len(t, attempts, 1)
	require.Empty(t, attempts[0].Answer, "the attempt counts, without its answer")

	away.Store(true)
	require.EqualError(t, hooks.DispatchID(t.Context(), hookID, "not-kept", newPlanted("")),
		"durable: enqueue: seal: the key service is away")
	require.ErrorContains(t, q.Send(t.Context(), Task("by-hand").Message), "seal: the key service is away")
	err = db.Tx(t, func(tx T, _ func(string)) error {
		return hooks.DispatchIDTx(t.Context(), tx, hookID, "not-kept", newPlanted(""))
	})
	require.ErrorContains(t, err, "seal: the key service is away")
	other := hook()
	other.ID = otherID
	_, err = hooks.Create(t.Context(), other)
	require.ErrorContains(t, err, "seal: the key service is away")
	_, err = hooks.Update(t.Context(), plantedHook(), 1)
	require.ErrorContains(t, err, "seal: the key service is away")
	_, err = hooks.Rotate(t.Context(), hookID, 0)
	require.ErrorContains(t, err, "seal: the key service is away")
	require.Equal(t, 1, count(t, db, `1 = 1`))
	var n int
	db.Row(t, `SELECT count(*) FROM @webhook`, &n)
	require.Equal(t, 1, n)
}

// testSealedIDs has producers report events twice, before and after there is a Sealer.
func testSealedIDs[T any](t *testing.T, db Database[T]) {
	plain := db.Open(t, durable.Config{}).Webhooks(nil)
	clear := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, clear, queue.Config{})
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "before", sent))
	e := db.Open(t, Seal(durable.Config{}))
	q, _ := newQueue(t, e, queue.Config{})
	hooks = e.Webhooks(q)
	read := sent
	read.Status = "read"
	for _, id := range []string{"before", "after"} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, sent))
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, sent))
		require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, id, read), queue.ErrTaken)
	}
	require.Equal(t, 2, count(t, db, `1 = 1`))

	keyed, err := hooks.ContentID(hookID, sent)
	require.NoError(t, err)
	require.Regexp(t, `^[\w-]{43}$`, keyed)
	again, err := hooks.ContentID(hookID, sent)
	require.NoError(t, err)
	require.Equal(t, keyed, again)
	unkeyed, err := plain.ContentID(hookID, sent)
	require.NoError(t, err)
	require.NotEqual(t, keyed, unkeyed)
}
