package durabletest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// A wilful Sealer cannot open anything while it is away, and tells of what it seals.
type wilful struct {
	durable.Sealer
	away    atomic.Bool
	hides   string // what it cannot open, by its context; empty: anything
	onSeal  func(of string)
	watched atomic.Bool
}

func (s *wilful) Seal(ctx context.Context, plain, of []byte) ([]byte, error) {
	if s.watched.Load() {
		s.onSeal(string(of))
	}
	return s.Sealer.Seal(ctx, plain, of)
}

func (s *wilful) Open(ctx context.Context, sealed, of []byte) ([]byte, error) {
	if s.away.Load() && strings.Contains(string(of), s.hides) {
		return nil, errors.New("away")
	}
	return s.Sealer.Open(ctx, sealed, of)
}

// testSealerAway deletes a webhook, compares and adds a secret while the Sealer's keys
// cannot be reached for a while: nothing is destroyed, and nothing is said to be well.
func testSealerAway[T any](t *testing.T, db Database[T]) {
	config := Seal(durable.Config{})
	s := &wilful{Sealer: config.Sealer}
	config.Sealer = s
	e := db.Open(t, config)
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "m", status("m")))

	s.away.Store(true)
	_, err := hooks.Compare(t.Context(), hook(), 0)
	require.ErrorIs(t, err, durable.ErrSealed)
	require.ErrorIs(t, hooks.Delete(t.Context(), hookID), durable.ErrSealed)
	s.away.Store(false)
	m, err := e.Message(t.Context(), "m")
	require.NoError(t, err)
	require.NotEmpty(t, m.Body)
	require.NoError(t, hooks.Delete(t.Context(), hookID), "it goes on")
	m, err = e.Message(t.Context(), "m")
	require.NoError(t, err)
	require.Empty(t, m.URL)
	require.NotEmpty(t, m.Body)
	requireGone(t, db, e, hookID)
}

// testSecretsAway has secrets that cannot be read for a while: what would be signed with
// them waits, and no attempt is used up.
func testSecretsAway[T any](t *testing.T, db Database[T]) {
	config := Seal(durable.Config{})
	s := &wilful{Sealer: config.Sealer, hides: "secret"}
	config.Sealer = s
	e := db.Open(t, config)
	hooks := e.Webhooks(nil)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	s.away.Store(true)
	a := &answers{}
	client := &webhook.Client{Transport: a, Signer: webhook.StandardWebhooks{Keys: hooks.Keyring()}}
	q, err := queue.New(client, e, queue.Config{})
	require.NoError(t, err)
	task := Task("m")
	task.Key, task.Message.WebhookID = hookID, hookID
	task.Message.Policy.Attempts = 1
	require.NoError(t, e.Enqueue(t.Context(), task))
	runQueue(t, q)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE error <> ''`)
	d, err := e.Get(t.Context(), "m")
	require.NoError(t, err)
	require.Equal(t, durable.StatePending, d.State)
	require.Equal(t, "the secrets of the webhook cannot be read", d.Error)
	require.Zero(t, d.Attempts)
	s.away.Store(false)
	require.NoError(t, e.RetryNow(t.Context(), "m"))
	finally(t, e, "m", durable.StateDelivered)
}

// testOldSecretAway has an old secret that cannot be opened for a while: that is told, and
// it signs again soon when it can be opened.
func testOldSecretAway[T any](t *testing.T, db Database[T]) {
	var logged logBuffer
	config := Seal(durable.Config{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	s := &wilful{Sealer: config.Sealer}
	s.onSeal = func(of string) {
		if strings.Contains(of, "secret") {
			s.hides = of
		}
	}
	s.watched.Store(true)
	config.Sealer = s
	hooks := db.Open(t, config).Webhooks(nil)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	s.watched.Store(false)
	first := reveal(t, hooks.Keyring(), hookID)
	secret, err := hooks.Rotate(t.Context(), hookID, time.Hour)
	require.NoError(t, err)
	s.away.Store(true)
	require.Equal(t, []string{secret.Reveal()}, reveal(t, hooks.Keyring(), hookID))
	require.Contains(t, logged.String(), "durable: read an old secret")
	_, err = hooks.Secrets(t.Context(), hookID)
	require.ErrorIs(t, err, durable.ErrSealed)
	s.away.Store(false)
	both := append([]string{secret.Reveal()}, first...)
	require.Eventually(t, func() bool { return slices.Equal(both, reveal(t, hooks.Keyring(), hookID)) },
		30*time.Second, 100*time.Millisecond)
}

// A slow Sealer has something done during each of its calls.
type slow struct {
	durable.Sealer
	during func()
}

func (s *slow) Seal(ctx context.Context, plain, of []byte) ([]byte, error) {
	s.during()
	return s.Sealer.Seal(ctx, plain, of)
}

func (s *slow) Open(ctx context.Context, sealed, of []byte) ([]byte, error) {
	s.during()
	return s.Sealer.Open(ctx, sealed, of)
}

// testSealerSlow stores webhooks whose URLs are to be verified: no decision about another
// endpoint, and nobody else who writes, waits for the Sealer.
func testSealerSlow[T any](t *testing.T, db Database[T]) {
	other := db.Open(t, durable.Config{})
	config := Seal(durable.Config{Verify: func(context.Context, durable.Definition) error { return nil }})
	calls := 0
	config.Sealer = &slow{config.Sealer, func() {
		calls++
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_, err := queue.SetState(ctx, other, "another", queue.StatePaused, "")
		require.NoError(t, err)
		require.NoError(t, other.Enqueue(ctx, Task(fmt.Sprint("m-", calls))))
	}}
	hooks := db.Open(t, config).Webhooks(nil)
	h := hook()
	d, err := hooks.Create(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, h.URL, d.URL)
	require.NotZero(t, calls)
	calls = 0
	h.URL = "https://elsewhere.example/"
	d, err = hooks.Update(t.Context(), h, 1)
	require.NoError(t, err)
	require.Equal(t, h.URL, d.URL)
	require.True(t, d.Unverified)
	require.Greater(t, calls, 1, "the URL of before is opened, too")
}

// testCompareUnreadable has events that Decode refuses.
func testCompareUnreadable[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Decode: func(string, []byte) (webhook.Event, error) {
		return nil, errors.New("not one of ours")
	}})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "m", status("m")))
	c, err := hooks.Compare(t.Context(), hook(), 0)
	require.NoError(t, err)
	require.Equal(t, durable.Comparison{Compared: 1, Unreadable: 1, Complete: true}, c)
}

// testEraseWhileDeleting erases what a Delete has just read.
func testEraseWhileDeleting[T any](t *testing.T, db Database[T]) {
	config := Seal(durable.Config{})
	s := &wilful{Sealer: config.Sealer}
	config.Sealer = s
	e := db.Open(t, config)
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "m", status("m")))
	s.onSeal = func(of string) {
		if strings.Contains(of, "message") {
			s.watched.Store(false)
			erased, err := e.Erase(t.Context(), durable.Filter{WebhookID: hookID}, 0)
			require.NoError(t, err)
			require.Equal(t, durable.Erased{Deliveries: 1}, erased)
		}
	}
	s.watched.Store(true)
	require.NoError(t, hooks.Delete(t.Context(), hookID))
	require.False(t, s.watched.Load())
	_, err := e.Message(t.Context(), "m")
	require.ErrorIs(t, err, durable.ErrNoMessage)
}

// testEraseClear erases, with a Sealer, what was stored before there was one.
func testEraseClear[T any](t *testing.T, db Database[T]) {
	task := referred("m", "subject", "+91 98765 43210")
	require.NoError(t, db.Open(t, durable.Config{}).Enqueue(t.Context(), task))
	other := referred("other", "other", "+1 987 654 3210") // the same last ten digits
	require.NoError(t, db.Open(t, durable.Config{}).Enqueue(t.Context(), other))
	e := db.Open(t, Seal(durable.Config{}))
	erased, err := e.Erase(t.Context(), durable.Filter{Ref: "+91 98765 43210"}, 0)
	require.NoError(t, err)
	require.Equal(t, durable.Erased{Deliveries: 1, Canceled: 1}, erased)
	d, err := e.Get(t.Context(), "other")
	require.NoError(t, err)
	require.Equal(t, durable.StatePending, d.State)
	_, err = e.Erase(t.Context(), durable.Filter{Ref: "x", State: durable.StatePending}, 0)
	require.ErrorIs(t, err, durable.ErrFilter)
}

// testNoSecretOfOthers creates a webhook whose ID is taken: that has the secrets it had.
func testNoSecretOfOthers[T any](t *testing.T, db Database[T]) {
	hooks := db.Open(t, durable.Config{}).Webhooks(nil)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	for range 6 { // until the first is forgotten
		_, err = hooks.Rotate(t.Context(), hookID, time.Hour)
		require.NoError(t, err)
	}
	before := reveal(t, hooks.Keyring(), hookID)
	_, err = hooks.Create(t.Context(), hook())
	require.ErrorIs(t, err, durable.ErrExists)
	var n int
	db.Row(t, `SELECT count(*) FROM @secret WHERE n = 1`, &n)
	require.Zero(t, n)
	secrets, err := hooks.Secrets(t.Context(), hookID)
	require.NoError(t, err)
	require.Len(t, secrets, len(before))
}
