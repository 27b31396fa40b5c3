package panel_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
)

// Each route wants its rights, all of them, and finds nothing of another tenant.
func TestRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/broken")
	w.dispatch(hook, "theirs", `{}`, durable.StateFailed)
	snapshot := func() (all []any) {
		page, err := w.engine.List(t.Context(), durable.Filter{Tenant: "acme"})
		require.NoError(t, err)
		hooks, err := w.hooks.List(t.Context(), durable.WebhookFilter{Tenant: "acme"})
		require.NoError(t, err)
		for i := range hooks.Webhooks { // the failure is counted behind the delivery
			hooks.Webhooks[i].FailingSince = time.Time{}
		}
		return []any{page, hooks}
	}
	before := snapshot()
	rights := []panel.Right{panel.View, panel.Bodies, panel.Edit, panel.Send, panel.Secrets, panel.Delete}
	form := url.Values{
		"id": {"theirs"}, "q": {"theirs"}, "webhook": {hook.ID}, "url": {w.receiver.URL}, "name": {"x"}, "state": {"failed"}, "reason": {"x"},
		"sure": {"yes"}, "overlap": {"0"}, "secret": {"0123456789abcdef0123456789abcdef"}, "version": {"1"}, "base": {"1"},
	}
	for _, route := range panel.Routes() {
		name := route.Method + " " + route.Pattern
		if route.Pattern == "/assets/{file}" {
			require.Zero(t, route.Right)
			continue
		}
		require.True(t, route.Right.Has(panel.View), name)
		id := "theirs"
		if strings.HasPrefix(route.Pattern, "/webhooks/{id}") {
			id = hook.ID
		}
		path := strings.NewReplacer("{$}", "", "{id}", id, "{state}", "pause", "{version}", "1").Replace(strings.TrimPrefix(route.Pattern, "/"))
		require.NotContains(t, path, "{", "the test does not know what to put there")
		ask := func(access panel.Access) answer {
			s := w.site(access)
			if route.API {
				s.url = s.api
			}
			return s.do(route.Method, path, form)
		}
		for _, missing := range rights {
			if !route.Right.Has(missing) {
				continue
			}
			a := ask(panel.Access{Actor: "ann", Tenant: "acme", May: everything &^ missing})
			require.Equal(t, http.StatusForbidden, a.status, name)
			require.Equal(t, route.API, a.header.Get("Content-Type") == "application/problem+json", name)
		}
		a := ask(panel.Access{Actor: "gus", Tenant: "globex", May: everything})
		if strings.Contains(route.Pattern, "{id}") {
			require.Equal(t, http.StatusNotFound, a.status, name)
		}
		require.NotContains(t, a.body, hook.Name, name)
		require.Equal(t, before, snapshot(), name)
	}
}
