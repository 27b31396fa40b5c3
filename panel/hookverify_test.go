package panel_test

import (
	"context"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/handshake"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/webhooktest"
)

// A webhook whose server has to confirm the address says so, and gets nothing, a test
// included, until it has.
func TestHook_Verify(t *testing.T) {
	t.Parallel()
	var answers atomic.Bool
	receiver := webhooktest.NewReceiver(webhooktest.Status(http.StatusOK))
	t.Cleanup(receiver.Close)
	echo := handshake.Echo{Key: "k"}
	server := webhooktest.NewReceiver(webhooktest.Handshake("k", webhooktest.Status(http.StatusOK)))
	t.Cleanup(server.Close)
	transport := receiver.Client().Transport
	w := newWorldOf(t, durable.Config{Verify: func(ctx context.Context, d durable.Definition) error {
		if !answers.Load() {
			return echo.Verify(ctx, transport, receiver.URL)
		}
		return echo.Verify(ctx, server.Client().Transport, server.URL)
	}})
	d := w.hook("acme", "/ok")
	w.dispatch(d, "waits", `{}`, durable.StatePending)
	s := w.editor(acme)
	for _, page := range []string{"", "webhooks", "webhooks/" + d.ID} {
		require.Contains(t, s.get(page).body, "The server at this address has not confirmed that it wants events", page)
	}
	require.Contains(t, s.get("webhooks/"+d.ID).body, "Confirm the address")

	refused := func(a answer) {
		t.Helper()
		require.Equal(t, http.StatusConflict, a.status)
		require.Contains(t, a.body, "The address is not confirmed")
	}
	refused(s.post("webhooks/"+d.ID+"/test", url.Values{"sample": {"0"}}))
	a := s.post("webhooks/"+d.ID+"/state/enable", url.Values{})
	refused(a)
	require.Contains(t, a.body, "<pre>handshake: the challenge was not answered: ")
	a = s.send("POST", "webhooks/"+d.ID+"/state/enable", `{}`)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.body, `"code":"unverified"`)

	answers.Store(true)
	require.Equal(t, http.StatusSeeOther, s.post("webhooks/"+d.ID+"/state/enable", url.Values{}).status)
	require.NotContains(t, s.get("webhooks/"+d.ID).body, "confirm")
	w.await("waits", durable.StateDelivered)
	got, err := w.hooks.Get(t.Context(), d.ID)
	require.NoError(t, err)
	require.Equal(t, queue.StateEnabled, got.State)
	require.Equal(t, "ann", got.Actor)
}
