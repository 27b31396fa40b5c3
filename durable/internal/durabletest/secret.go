package durabletest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// reveal returns the secrets of a Keyring.
func reveal(t testing.TB, keys webhook.Keyring, id string) []string {
	secrets, err := keys(t.Context(), id)
	require.NoError(t, err)
	texts := []string{}
	for _, s := range secrets {
		texts = append(texts, s.Reveal())
	}
	return texts
}

// within waits until a Keyring has secrets, which takes at most a second.
func within(t testing.TB, keys webhook.Keyring, want ...string) {
	t.Helper()
	begun := time.Now()
	for !slices.Equal(want, reveal(t, keys, hookID)) {
		// Longer than a second only for a machine with much else to do.
		require.Less(t, time.Since(begun), 20*time.Second, "want %d secrets", len(want))
		<-time.After(10 * time.Millisecond)
	}
	if took := time.Since(begun); took > time.Second {
		t.Logf("heard of it after %v", took)
	}
}

func testSecrets[T any](t *testing.T, db Database[T]) {
	a, b := db.Open(t, durable.Config{}).Webhooks(nil), db.Open(t, durable.Config{}).Webhooks(nil)
	d, err := a.Create(t.Context(), hook())
	require.NoError(t, err)
	secrets, err := b.Secrets(t.Context(), hookID)
	require.NoError(t, err)
	require.Len(t, secrets, 1)
	require.WithinDuration(t, time.Now(), secrets[0].Created, time.Minute)
	require.Zero(t, secrets[0].Until)
	require.Empty(t, secrets[0].Warning)
	first := secrets[0].Secret.Reveal()
	for _, v := range []any{d, secrets} {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(text)+fmt.Sprintf("%v %+v %#v", v, v, v), first[6:])
	}
	within(t, a.Keyring(), first)
	within(t, b.Keyring(), first)

	// Of another process it is heard within a second, and the old one goes on until its
	// time is over.
	begun := time.Now()
	second, err := a.Rotate(t.Context(), hookID, time.Hour)
	require.NoError(t, err)
	within(t, a.Keyring(), second.Reveal(), first)
	within(t, b.Keyring(), second.Reveal(), first)
	require.True(t, verifies(t, b.Keyring(), first))
	require.True(t, verifies(t, b.Keyring(), second.Reveal()))
	secrets, err = b.Secrets(t.Context(), hookID)
	require.NoError(t, err)
	require.Len(t, secrets, 2)
	require.WithinDuration(t, begun.Add(time.Hour), secrets[1].Until, time.Minute)
	secret, err := a.Rotate(t.Context(), hookID, 1500*time.Millisecond)
	require.NoError(t, err)
	within(t, b.Keyring(), secret.Reveal())
	require.False(t, verifies(t, b.Keyring(), first))
	require.False(t, verifies(t, b.Keyring(), second.Reveal()))
	require.True(t, verifies(t, b.Keyring(), secret.Reveal()))

	// After a leak, there is no overlap, nor a row.
	leaked := secret.Reveal()
	secret, err = b.Rotate(t.Context(), hookID, 0)
	require.NoError(t, err)
	within(t, a.Keyring(), secret.Reveal())
	require.False(t, verifies(t, a.Keyring(), leaked))
	var n int
	db.Row(t, `SELECT count(*) FROM @secret`, &n)
	require.Equal(t, 1, n)

	var all []string
	for range 6 {
		secret, err = a.Rotate(t.Context(), hookID, time.Hour)
		require.NoError(t, err)
		all = append(all, secret.Reveal())
	}
	slices.Reverse(all)
	within(t, b.Keyring(), all[:5]...) // the newest and 4

	_, err = a.Rotate(t.Context(), otherID, 0)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	_, err = a.Secrets(t.Context(), "\xff\x00")
	require.ErrorIs(t, err, webhook.ErrNotFound)
	require.Empty(t, reveal(t, a.Keyring(), otherID))
	require.Empty(t, reveal(t, a.Keyring(), "\xff\x00"))
	err = webhook.StandardWebhooks{Keys: a.Keyring()}.Sign(
		t.Context(), &webhook.Message{ID: "a", WebhookID: otherID}, time.Now(), http.Header{})
	require.ErrorIs(t, err, webhook.ErrNoKey)
}

// verifies reports whether a receiver with a secret takes what is signed with a Keyring.
func verifies(t testing.TB, keys webhook.Keyring, secret string) bool {
	m := Task("signed").Message
	m.WebhookID = hookID
	h := http.Header{}
	require.NoError(t, webhook.StandardWebhooks{Keys: keys}.Sign(t.Context(), m, time.Now(), h))
	s, err := webhook.ParseSecret(secret)
	require.NoError(t, err)
	return webhook.Verifier{Secrets: []webhook.Secret{s}}.Verify(t.Context(), h, m.Body) == nil
}

func testSetSecret[T any](t *testing.T, db Database[T]) {
	hooks := db.Open(t, durable.Config{}).Webhooks(nil)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	short, err := webhook.ExistingSecret([]byte("2019-kept"))
	require.NoError(t, err)
	long, err := webhook.RawSecret(make([]byte, 100))
	require.NoError(t, err)
	tests := []struct {
		name    string
		secret  webhook.Secret
		want    error
		warning string
	}{
		{name: "zero", want: durable.ErrSecret},
		{name: "another webhook's id", secret: webhook.WebhookIDSecret(otherID), want: durable.ErrSecret},
		{name: "text that looks like one", secret: webhook.WebhookIDSecret("whsec_MjAxOS1rZXB0!"), want: durable.ErrSecret},
		{
			name: "short", secret: short,
			warning: "shorter than 24 bytes: it can be guessed, and Standard Webhooks do not sign with it",
		},
		{
			name: "its id", secret: webhook.WebhookIDSecret(hookID),
			warning: "the webhook's id, which is no secret: Standard Webhooks do not sign with it",
		},
		{name: "long", secret: long},
		{name: "generated", secret: webhook.GenerateSecret()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := reveal(t, hooks.Keyring(), hookID)
			got, err := hooks.SetSecret(t.Context(), hookID, tt.secret)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				require.Equal(t, before, reveal(t, hooks.Keyring(), hookID))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.warning, got.Warning)
			require.Equal(t, []string{tt.secret.Reveal()}, reveal(t, hooks.Keyring(), hookID))
			secrets, err := hooks.Secrets(t.Context(), hookID)
			require.NoError(t, err)
			require.Len(t, secrets, 1)
			require.Equal(t, tt.warning, secrets[0].Warning)
			require.Equal(t, tt.secret.IsShort(), secrets[0].Secret.IsShort())
		})
	}
	_, err = hooks.SetSecret(t.Context(), otherID, short)
	require.ErrorIs(t, err, webhook.ErrNotFound)
}

// testSecretsAtOnce has webhooks of before there were secrets, and processes that ask
// for their first at once; and some that rotate it at once.
func testSecretsAtOnce[T any](t *testing.T, db Database[T]) {
	var engines []*durable.Webhooks[T]
	for range 4 {
		engines = append(engines, db.Open(t, durable.Config{}).Webhooks(nil))
	}
	_, err := engines[0].Create(t.Context(), hook())
	require.NoError(t, err)
	db.Exec(t, `DELETE FROM @secret`)
	var all sync.WaitGroup
	got := make([][]string, len(engines))
	for i, hooks := range engines {
		all.Go(func() { got[i] = reveal(t, hooks.Keyring(), hookID) })
	}
	all.Wait()
	for _, one := range got {
		require.Len(t, one, 1)
		require.Equal(t, got[0], one)
	}
	rotated := make([]string, len(engines))
	for i, hooks := range engines {
		all.Go(func() {
			secret, err := hooks.Rotate(t.Context(), hookID, time.Hour)
			if err != nil {
				t.Error(err)
			}
			rotated[i] = secret.Reveal()
		})
	}
	all.Wait()
	secrets, err := engines[0].Secrets(t.Context(), hookID)
	require.NoError(t, err)
	var now []string
	for _, s := range secrets {
		now = append(now, s.Secret.Reveal())
	}
	require.ElementsMatch(t, append(rotated, got[0]...), now)
	within(t, engines[3].Keyring(), now...)
}

// testSecretsOutage takes the table of secrets away: what is in memory goes on, and
// nothing is signed without a key.
func testSecretsOutage[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks := e.Webhooks(nil)
	for _, id := range []string{hookID, otherID} {
		one := hook()
		one.ID = id
		_, err := hooks.Create(t.Context(), one)
		require.NoError(t, err)
	}
	known := reveal(t, hooks.Keyring(), hookID)
	require.Len(t, known, 1)
	db.Exec(t, `ALTER TABLE @secret RENAME TO gone`)
	db.Exec(t, `ALTER TABLE @secret_rev RENAME TO gone_rev`)
	for begun := time.Now(); time.Since(begun) < 1200*time.Millisecond; <-time.After(100 * time.Millisecond) {
		require.Equal(t, known, reveal(t, hooks.Keyring(), hookID))
	}
	h := http.Header{}
	for _, signer := range []webhook.Signer{
		webhook.HMAC{Keys: hooks.Keyring()}, webhook.StandardWebhooks{Keys: hooks.Keyring()},
	} {
		require.ErrorContains(t, signer.Sign(t.Context(), &webhook.Message{ID: "a", WebhookID: otherID}, time.Now(), h), "durable: the secrets of the webhook cannot be read: ")
		require.Empty(t, h)
	}
	_, err := hooks.Rotate(t.Context(), hookID, 0)
	require.Error(t, err)
	require.Equal(t, known, reveal(t, hooks.Keyring(), hookID))
}
