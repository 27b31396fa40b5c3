package panel_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
)

// A customer says what a webhook is to get, while somebody else does so, too.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	s := w.site(acme)
	path := "webhooks/" + hook.ID + "/subscriptions"
	require.Contains(t, s.get("webhooks/"+hook.ID).body, path)
	require.Contains(t, s.get(path).body, `name="rev" value="0"`)
	form := url.Values{
		"rev": {"0"}, "events": {"whatsapp:*\r\n voice:message:out \r\n", "", "dialer:cdr"},
		"identities": {"number:+91 90191 20120\r\nkeyword:Sale", "  ", ""},
	}
	page := s.follow(path, s.post(path, form)).body
	require.Contains(t, page, "Saved. It counts from now on.")
	require.Contains(t, page, "whatsapp:*\nvoice:message:out</textarea>")
	require.Contains(t, page, "Change 1")
	require.Contains(t, page, "by ann")
	set, err := w.hooks.Subscriptions(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, "ann", set.Author)
	require.Equal(t, []webhook.Subscription{
		{
			WebhookID: hook.ID, Events: []string{"whatsapp:*", "voice:message:out"},
			Identities: []string{"number:+91 90191 20120", "keyword:Sale"},
		},
		{WebhookID: hook.ID, Events: []string{"dialer:cdr"}},
	}, set.Subscriptions)

	// Somebody else came first; saving once more is meant.
	conflict := s.post(path, form)
	require.Equal(t, http.StatusConflict, conflict.status)
	require.Contains(t, conflict.body, "Saving it replaces what they saved.")
	require.Contains(t, conflict.body, `name="rev" value="1"`)
	// A mistake does not make one of what was changed before.
	form["events"], form["identities"] = []string{"a b"}, []string{""}
	mistake := s.post(path, form)
	require.Equal(t, http.StatusUnprocessableEntity, mistake.status)
	require.Contains(t, mistake.body, `name="rev" value="0"`)
	form.Set("rev", "1")
	form["events"], form["identities"] = []string{"", ""}, []string{"", ""}
	require.Contains(t, s.follow(path, s.post(path, form)).body, "Subscribed to nothing.")

	for _, bad := range []url.Values{
		{},
		{"rev": {"x"}},
		{"rev": {"2"}, "events": {"*"}},
		{"rev": {"2"}, "events": slices.Repeat([]string{""}, 201), "identities": slices.Repeat([]string{""}, 201)},
	} {
		require.Equal(t, http.StatusBadRequest, s.post(path, bad).status)
	}
}

// What is wrong is told by the line, in the page and in the API, and nothing is stored.
func TestSubscriptions_Wrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	s := w.site(acme)
	path := "webhooks/" + hook.ID + "/subscriptions"
	numbers := make([]string, 100)
	for i := range numbers {
		numbers[i] = fmt.Sprint("number:91901912", i)
	}
	wide := webhook.Subscription{Events: slices.Repeat([]string{"crm:*"}, 100), Identities: numbers}
	for _, tt := range []struct {
		field, want string
		all         []webhook.Subscription
	}{
		{"subscriptions[0].events", "Subscription 1 has no event.", []webhook.Subscription{{Identities: []string{"all"}}}},
		{
			"subscriptions[1].events[1]", "Subscription 2, event in line 2: a name has",
			[]webhook.Subscription{{Events: []string{"*"}}, {Events: []string{"a:b", "a b"}}},
		},
		{
			"subscriptions[0].identities[0]", "Subscription 1, line 1 on the right: write all,",
			[]webhook.Subscription{{Events: []string{"*"}, Identities: []string{"919019120120"}}},
		},
		{"subscriptions[0]", "more than can be kept", []webhook.Subscription{{Events: slices.Repeat([]string{"*"}, 101)}}},
		{"subscriptions", "more than can be kept", []webhook.Subscription{wide, wide}},
		{"subscriptions", "more than can be kept", slices.Repeat([]webhook.Subscription{{Events: []string{"*"}}}, 101)},
	} {
		form := url.Values{"rev": {"0"}}
		for _, s := range tt.all {
			form.Add("events", strings.Join(s.Events, "\n"))
			form.Add("identities", strings.Join(s.Identities, "\n"))
		}
		page := s.post(path, form)
		require.Equal(t, http.StatusUnprocessableEntity, page.status)
		require.Contains(t, page.body, tt.want)
		body, err := json.Marshal(map[string]any{"rev": 0, "subscriptions": tt.all})
		require.NoError(t, err)
		answer := s.send("PUT", path, string(body))
		require.Equal(t, http.StatusUnprocessableEntity, answer.status)
		require.Contains(t, answer.body, `"field":"`+tt.field+`"`)
	}
	set, err := w.hooks.Subscriptions(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Zero(t, set.Rev)
}

func TestSubscriptions_API(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook, other := w.hook("acme", "/ok"), w.hook("acme", "/broken")
	s := w.site(acme)
	path := "webhooks/" + hook.ID + "/subscriptions"
	require.JSONEq(t, `{"webhook_id": "`+hook.ID+`", "rev": 0, "author": "", "subscriptions": []}`, s.send("GET", path, "").body)
	const body = `{"rev": 0, "subscriptions": [{"events": ["voice:*"], "identities": ["number:919019120120", "all"]}]}`
	answer := s.send("PUT", path, body)
	require.Equal(t, http.StatusOK, answer.status, answer.body)
	require.Contains(t, answer.body, `"rev":1`)
	require.Contains(t, answer.body, `"identities":["number:919019120120","all"]`)
	require.Contains(t, s.send("PUT", path, body).body, `"code":"conflict"`)
	for _, bad := range []string{
		`{"rev": 1, "subscriptions": [{"events": ["*"], "webhook_id": "` + other.ID + `"}]}`, `{"rev": "1"}`, `{"more": 1}`, ``,
	} {
		require.Equal(t, http.StatusBadRequest, s.send("PUT", path, bad).status, bad)
	}
	published, err := w.hooks.Publish(t.Context(), durable.Publication{
		Tenant: "acme", Identities: []string{"number:919019120120"},
	}, webhook.RawEvent{Type: "voice:message:out", JSON: []byte(`{}`)})
	require.NoError(t, err)
	require.Len(t, published, 1)

	// Numbers are for those who may see bodies.
	looks := w.site(panel.Access{Actor: "liz", Tenant: "acme", May: panel.View})
	require.Contains(t, looks.send("GET", path, "").body, `"identities":["number:***","all"]`)
	page := looks.get(path).body
	require.Contains(t, page, "number:***")
	require.NotContains(t, page, "9019")
	require.NotContains(t, page, `id="save"`)
	require.NoError(t, w.hooks.Delete(t.Context(), hook.ID))
	require.Equal(t, http.StatusNotFound, s.send("GET", path, "").status)
}
