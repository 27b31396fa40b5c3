package durabletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// testSetTenant gives a webhook of before there were tenants one, with all that it has.
func testSetTenant[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	_, err := hooks.Create(t.Context(), hookOf(otherID))
	require.NoError(t, err)
	ids := burden(t, db, hooks, hookID, "old", 1100) // more than one batch of all
	require.NoError(t, hooks.DispatchID(t.Context(), otherID, "other", sent))
	ok, err := e.Cancel(t.Context(), ids[10]) // which is tallied
	require.NoError(t, err)
	require.True(t, ok)

	for _, bad := range []string{"", strings.Repeat("x", 129), "a\x00", "\xff"} {
		require.ErrorIs(t, hooks.SetTenant(t.Context(), hookID, bad), durable.ErrTenant)
	}
	for _, id := range []string{"5b0b1c0a-7785-41e3-964f-000000000000", "w1"} {
		require.ErrorIs(t, hooks.SetTenant(t.Context(), id, "acme"), webhook.ErrNotFound)
	}
	require.NoError(t, hooks.SetTenant(t.Context(), hookID, "acme"))
	require.Equal(t, 1100, count(t, db, `tenant = 'acme'`))
	require.Equal(t, 1, count(t, db, `tenant = '' AND id = 'other'`))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "new", sent))

	own, err := hooks.Tenant("acme")
	require.NoError(t, err)
	page, err := own.List(t.Context(), durable.WebhookFilter{})
	require.NoError(t, err)
	require.Len(t, page.Webhooks, 1)
	require.Equal(t, "acme", page.Webhooks[0].Tenant)
	_, err = own.Version(t.Context(), hookID, 1)
	require.NoError(t, err)
	history, err := e.Tenant("acme")
	require.NoError(t, err)
	for _, id := range append(ids, "new") {
		d, err := history.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, "acme", d.Tenant)
	}
	tallies, err := history.Tallies(t.Context(), "", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	require.NoError(t, err)
	canceled := 0
	for _, tally := range tallies {
		canceled += tally.Canceled
	}
	require.Equal(t, 1, canceled)

	// Again: it finds what was left out, and counts nothing twice.
	db.Exec(t, `UPDATE @delivery SET tenant = '' WHERE id = '`+ids[0]+`'`)
	require.NoError(t, hooks.SetTenant(t.Context(), hookID, "acme"))
	require.Equal(t, 1101, count(t, db, `tenant = 'acme'`))
	again, err := history.Tallies(t.Context(), "", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, tallies, again)
	err = hooks.SetTenant(t.Context(), hookID, "other")
	require.ErrorIs(t, err, durable.ErrExists)
	require.EqualError(t, err, `durable: webhook "`+hookID+`": already exists: of another tenant`)
	require.NoError(t, hooks.Delete(t.Context(), otherID))
	require.ErrorIs(t, hooks.SetTenant(t.Context(), otherID, "acme"), webhook.ErrNotFound)
}

// testUnreadableDefinition has a page of webhooks with one whose definition is damaged, which
// says so.
func testUnreadableDefinition[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks := e.Webhooks(nil)
	var ids []string
	for i, damaged := range []string{"", "no JSON", `{"id": 7}`, `{"url": "https://half.example/", "name": {}}`, ""} {
		ids = append(ids, fmt.Sprintf("5b0b1c0a-7785-41e3-964f-00000000%04d", i))
		_, err := hooks.Create(t.Context(), hookOf(ids[i]))
		require.NoError(t, err)
		if damaged != "" {
			db.Exec(t, `UPDATE @webhook SET definition = '`+damaged+`' WHERE id = '`+ids[i]+`'`)
		}
	}
	require.NoError(t, hooks.Pause(t.Context(), ids[1], "broken"))
	page, err := hooks.List(t.Context(), durable.WebhookFilter{})
	require.NoError(t, err)
	require.Len(t, page.Webhooks, len(ids))
	for i, d := range page.Webhooks {
		require.Equal(t, ids[i], d.ID)
		require.Equal(t, i >= 1 && i <= 3, d.Unreadable, d.ID)
		require.False(t, d.Sealed)
		if d.Unreadable {
			require.Equal(t, webhook.Webhook{ID: d.ID}, d.Webhook)
			require.Equal(t, 1, d.Version)
			_, err := hooks.Get(t.Context(), d.ID)
			require.EqualError(t, err, `durable: webhook "`+d.ID+`": the stored definition is unreadable`)
		}
	}
	require.Equal(t, queue.StatePaused, page.Webhooks[1].State)
	some, err := hooks.List(t.Context(), durable.WebhookFilter{Text: "receiver"})
	require.NoError(t, err)
	require.Len(t, some.Webhooks, 2)
	// It can be mended.
	d, err := hooks.Update(t.Context(), hookOf(ids[1]), 1)
	require.NoError(t, err)
	require.False(t, d.Unreadable)
	require.NoError(t, hooks.Delete(t.Context(), ids[2]))
}
