package durable_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
)

// TestDeleteSecrets has one process remove the secrets of a webhook, which another has in
// memory.
func TestDeleteSecrets(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "webhooks.db")
	open := func() *sqlite.Engine {
		e, err := sqlite.Open(path, durable.Config{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close()) })
		return e
	}
	e, keys := open(), open().Webhooks(nil).Keyring()
	d, err := e.Webhooks(nil).Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
	require.NoError(t, err)
	reveal := func() string {
		secrets, err := keys(t.Context(), d.ID)
		require.NoError(t, err)
		require.Len(t, secrets, 1)
		return secrets[0].Reveal()
	}
	first := reveal()
	require.NoError(t, e.DeleteSecrets(t.Context(), d.ID))
	// As the webhook is still there, it gets another one.
	gone := func() bool { return reveal() != first }
	require.Eventually(t, gone, 3*time.Second, 10*time.Millisecond)
}
