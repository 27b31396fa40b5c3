package panel_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
	"github.com/ringhook/webhook/queue"
)

func TestOverview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ok, broken, gone, theirs := w.hook("acme", "/ok"), w.hook("acme", "/broken"), w.hook("acme", "/gone"), w.hook("globex", "/ok")
	for _, id := range []string{"a", "b", "c"} {
		w.dispatch(ok, id, "{}", durable.StateDelivered)
	}
	w.dispatch(broken, "d", "{}", durable.StateFailed)
	w.dispatch(gone, "e", "{}", durable.StateFailed)
	require.Eventually(t, func() bool { // what is known of endpoints follows what is known of deliveries
		d, err := w.hooks.Get(t.Context(), gone.ID)
		return err == nil && d.State == queue.StateDisabled
	}, 30*time.Second, 5*time.Millisecond)
	w.dispatch(theirs, "f", "{}", durable.StateDelivered)
	w.pause(ok)
	w.dispatch(ok, "g", "{}", durable.StatePending)
	w.dispatch(ok, "h", "{}", durable.StatePending)

	for _, path := range []string{"", "?days=7"} {
		a := w.site(acme).get(path)
		require.Equal(t, http.StatusOK, a.status, a.body)
		for _, want := range []string{
			`<div class="figure">3</div>`, `<div class="figure">2</div>`, "60 % of what ended", `<a href="deliveries/g">The oldest:</a>`,
			"3 delivered, 0 failed", "0 delivered, 1 failed", "A chart over time: 3 delivered and 2 failed in all",
			"not today", "The receiver answered 410: it wants no more", `aria-current="true"`,
		} {
			require.Contains(t, a.body, want, path)
		}
		require.NotContains(t, a.body, theirs.Name)
	}
	require.Contains(t, w.site(operator).get("").body, theirs.Name)
	a := w.site(panel.Access{Tenant: "nobody", May: panel.View}).get("")
	require.Contains(t, a.body, "Nothing was sent in this time.")
	require.Contains(t, a.body, "All webhooks get what is sent to them.")
	require.Contains(t, a.body, "Nothing waits")

	s := w.site(acme)
	s.url = s.api
	var got struct {
		Delivered, Failed int
		Pending           durable.Number
		Chart             []struct{ Delivered, Failed int }
		Troubled          []struct{ ID, State string }
	}
	require.NoError(t, json.Unmarshal([]byte(s.get("overview").body), &got))
	require.Equal(t, 3, got.Delivered)
	require.Equal(t, 2, got.Failed)
	require.Equal(t, durable.Number{N: 2}, got.Pending)
	require.Len(t, got.Chart, 24)
	require.Len(t, got.Troubled, 2)
}

// hooksSince are webhooks of which one has failed for some time.
type hooksSince struct {
	panel.Webhooks
	since time.Duration
}

func (h hooksSince) List(context.Context, durable.WebhookFilter) (durable.WebhookPage, error) {
	d := durable.Definition{State: queue.StateEnabled, FailingSince: time.Now().Add(-h.since)}
	d.ID = "5b0b1c0a-7785-41e3-964f-000000000001"
	return durable.WebhookPage{Webhooks: []durable.Definition{d}, Next: "more"}, nil
}

func TestOverview_Failing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		since time.Duration
		shown bool
	}{{time.Minute, false}, {time.Hour, true}}
	for _, tt := range tests {
		config := panel.Config{Authorize: as(acme), Logger: quiet, Open: func(a panel.Access) (panel.Deliveries, panel.Webhooks, error) {
			history, err := w.engine.Tenant(a.Tenant)
			return history, hooksSince{since: tt.since}, err
		}}
		a := serve(t, config).get("")
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, tt.shown, strings.Contains(a.body, "It has failed since the last success"), tt.since)
		require.Contains(t, a.body, "Only the first 1 webhooks were looked at.")
	}
}

func TestChart(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC)
	tallies := []durable.Tally{
		{Hour: from, Delivered: 50, Failed: 50},
		{Hour: from.Add(3 * time.Hour), Delivered: 1},
		{Hour: from.Add(-time.Hour), Delivered: 1000},     // before
		{Hour: from.Add(24 * time.Hour), Delivered: 1000}, // after
	}
	most, bars := panel.Chart(tallies, from, time.Hour, 24)
	require.Equal(t, 100, most)
	require.Len(t, bars, 24)
	require.Equal(t, [4]int{50, 50, 0, 50}, bars[0], "half of the height each, one above the other")
	require.Equal(t, [4]int{98, 2, 98, 0}, bars[3], "seen, however few")
	require.Equal(t, [4]int{100, 0, 100, 0}, bars[1])
	most, _ = panel.Chart(nil, from, time.Hour, 24)
	require.Zero(t, most)
}
