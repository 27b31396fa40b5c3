package panel_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

var samples = []webhook.Event{
	payload.MessageStatus{ID: "a418d672", To: payload.PhoneString("919019912345"), Status: payload.StatusRead},
	payload.MessageIn{ID: "m-1"},
}

// editor is a panel with samples, and a client for tests.
func (w *world) editor(access panel.Access) *site {
	return serve(w.t, panel.Config{
		Open:      panel.Open(w.engine, w.hooks),
		Authorize: as(access),
		Queue:     w.queue, Client: w.client, Samples: samples,
		Logger: quiet,
	})
}

// send makes a request of the API with a JSON body.
func (s *site) send(method, path, body string) answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.api+path, strings.NewReader(body))
	require.NoError(s.t, err)
	return send(s.t, r)
}

// form is what a browser sends of a webhook's form.
func form(hook webhook.Webhook, version int) url.Values {
	values := url.Values{
		"name": {hook.Name}, "url": {hook.URL}, "method": {hook.Method}, "format": {string(hook.Format)},
		"form_lists": {string(hook.FormLists)}, "body": {hook.Body}, "when": {hook.When},
		"version": {fmt.Sprint(version)}, "base": {fmt.Sprint(version)}, "sample": {"0"},
	}
	for name, value := range hook.Headers {
		values.Add("header_name", name)
		values.Add("header_value", value)
	}
	return values
}

var hookID = regexp.MustCompile(`webhooks/([0-9a-f-]{36})\?note=created`)

func TestHook_CreateAndChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.editor(acme)
	require.Contains(t, s.get("webhooks").body, "There is no webhook yet")
	require.Equal(t, http.StatusOK, s.get("webhooks/new").status)

	hook := webhook.Webhook{Name: "CRM", URL: w.receiver.URL + "/ok?id=@{{payload.id}}", Body: `{"to": "@{{payload.mobil}}"}`}
	a := s.post("webhooks", form(hook, 0))
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	require.Contains(t, a.body, `did you mean`)
	require.Contains(t, a.body, "Use “payload.mobile”")
	require.Contains(t, s.get("webhooks").body, "There is no webhook yet", "nothing was stored")

	// One click takes the fix, without a script too.
	values := form(hook, 0)
	values.Set("fix", between(t, a.body, `name="fix" value="`, `"`))
	a = s.post("webhooks/preview", values)
	require.Equal(t, http.StatusOK, a.status)
	require.NotContains(t, a.body, `li class="error"`)
	require.Contains(t, a.body, `{&#34;to&#34;: &#34;919019912345&#34;}`)

	hook.Body = `{"to": "@{{payload.mobile}}"}`
	a = s.post("webhooks", form(hook, 0))
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	id := hookID.FindStringSubmatch(a.header.Get("Location"))[1]
	a = s.follow("webhooks", a)
	require.Contains(t, a.body, "The webhook was created")
	require.NotContains(t, a.body, "%!")
	require.Contains(t, s.get("webhooks").body, "CRM")

	hook.When = "status == 'failed'"
	a = s.post("webhooks/"+id, form(hook, 1))
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	a = s.get("webhooks/" + id)
	require.Contains(t, a.body, "Version 2")
	require.Contains(t, a.body, "The condition does not hold for this event")
	a = s.get("webhooks/" + id + "?version=1")
	require.Contains(t, a.body, "This is version 1 as it was")
	require.NotContains(t, a.body, `spellcheck="false" aria-describedby="help-when">status`)

	// Whoever opened version 1 is told, sees what differs, and decides.
	hook.When, hook.Name = "", "CRM of Ann"
	a = s.post("webhooks/"+id, form(hook, 1))
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.body, "Somebody else saved this webhook meanwhile")
	require.Contains(t, a.body, "CRM of Ann")
	d, err := w.hooks.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 2, d.Version)
	require.Equal(t, "2", between(t, a.body, `name="version" value="`, `"`))
}

func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	require.True(t, found, "no %s", before)
	value, _, _ := strings.Cut(rest, after)
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(value)
}

// Credentials are not shown, and cannot be drawn out to another address: not by saving, a
// test, a preview or what changes.
func TestHook_Credentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok?token=t0ps3cret&id={{payload.id}}&token=s3cond", func(h *webhook.Webhook) {
		h.Name = "CRM"
		h.Headers["X-Trace"] = "{{payload.id}}"
	})
	s := w.editor(acme)
	hidden := []string{"s3cr3t-t0ken", "t0ps3cret", "s3cond"}
	isHidden := func(a answer) {
		t.Helper()
		for _, secret := range hidden {
			require.NotContains(t, a.body, secret)
		}
	}
	a := s.get("webhooks/" + hook.ID)
	require.Equal(t, http.StatusOK, a.status)
	isHidden(a)
	require.Contains(t, a.body, "token=***&amp;id={{payload.id}}&amp;token=***")
	require.Contains(t, a.body, ">{{payload.id}}</textarea>", "a tag is no credential")

	shown := hook.Webhook
	shown.URL = w.receiver.URL + "/ok?token=***&id={{payload.id}}&token=***"
	shown.Headers = map[string]string{"Authorization": "***", "X-Trace": "{{payload.id}}"}
	for _, path := range []string{"/preview", "/compare", "/test"} {
		isHidden(s.post("webhooks/"+hook.ID+path, form(shown, 1)))
	}
	away := shown
	away.URL = strings.Replace(shown.URL, "http://127.0.0.1:", "http://127.0.0.2:", 1)
	for _, path := range []string{"", "/compare"} {
		a = s.post("webhooks/"+hook.ID+path, form(away, 1))
		require.Equal(t, http.StatusUnprocessableEntity, a.status, path)
		require.Contains(t, a.body, "Type this value again")
		isHidden(a)
	}
	isHidden(s.post("webhooks/"+hook.ID+"/preview", form(away, 1)))
	// A new webhook has nothing that the mask could stand for.
	require.Equal(t, http.StatusUnprocessableEntity, s.post("webhooks", form(shown, 0)).status)

	shown.Name, shown.URL = "renamed", w.receiver.URL+"/ok/b?token=***&id={{payload.id}}&token=new"
	a = s.post("webhooks/"+hook.ID, form(shown, 1))
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	d, err := w.hooks.Get(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, w.receiver.URL+"/ok/b?token=t0ps3cret&id={{payload.id}}&token=new", d.URL)
	require.Equal(t, "Bearer s3cr3t-t0ken", d.Headers["Authorization"])
}

func TestHook_States(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	s := w.editor(acme)
	for _, tt := range []struct {
		path string
		want queue.EndpointState
	}{{"pause", queue.StatePaused}, {"disable", queue.StateDisabled}, {"enable", queue.StateEnabled}} {
		a := s.post("webhooks/"+hook.ID+"/state/"+tt.path, url.Values{"reason": {"because <b>"}})
		require.Equal(t, http.StatusSeeOther, a.status, a.body)
		d, err := w.hooks.Get(t.Context(), hook.ID)
		require.NoError(t, err)
		require.Equal(t, tt.want, d.State)
		require.Equal(t, "ann", d.Actor)
		body := s.follow("webhooks/"+hook.ID+"/state/"+tt.path, a).body
		require.Contains(t, body, "because &lt;b&gt;")
	}
	require.Equal(t, http.StatusNotFound, s.post("webhooks/"+hook.ID+"/state/other", url.Values{}).status)
	require.Equal(t, http.StatusBadRequest, s.post("webhooks/"+hook.ID+"/delete", url.Values{}).status)
	require.Contains(t, s.get("webhooks/"+hook.ID+"/delete").body, "cannot be undone")
	require.Equal(t, http.StatusSeeOther, s.post("webhooks/"+hook.ID+"/delete", url.Values{"sure": {"yes"}}).status)
	require.Equal(t, http.StatusNotFound, s.get("webhooks/"+hook.ID).status)
}

func TestHook_Test(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer.Store("<script>no</script> Bearer s3cr3t-t0ken")
	hook := w.hook("acme", "/broken", func(h *webhook.Webhook) { h.Body = `{"id": "{{payload.id}}"}` })
	s := w.editor(acme)
	a := s.post("webhooks/"+hook.ID+"/test", url.Values{"sample": {"0"}})
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, "Your server answered 500")
	require.Contains(t, a.body, "&lt;script&gt;no&lt;/script&gt;")
	require.NotContains(t, a.body, "s3cr3t-t0ken")
	require.Equal(t, http.StatusBadRequest, s.post("webhooks/"+hook.ID+"/test", url.Values{"sample": {"9"}}).status)
	for range 9 {
		require.Equal(t, http.StatusOK, s.post("webhooks/"+hook.ID+"/test", url.Values{"sample": {"0"}}).status)
	}
	a = s.post("webhooks/"+hook.ID+"/test", url.Values{"sample": {"0"}})
	require.Equal(t, http.StatusTooManyRequests, a.status)
	blind := acme
	blind.May &^= panel.Bodies
	other := w.hook("acme", "/broken")
	require.NotContains(t, w.editor(blind).post("webhooks/"+other.ID+"/test", url.Values{"sample": {"0"}}).body, "no&lt;/script")
	require.Equal(t, http.StatusNotFound, w.site(acme).post("webhooks/"+other.ID+"/test", url.Values{"sample": {"0"}}).status,
		"without a client there are no tests")
}

func TestHook_CompareAndRecompose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok", func(h *webhook.Webhook) { h.Body = `{"n": {{n | plus: 1}}}` })
	s := w.editor(acme)
	w.dispatch(hook, "good-1", `{"n": 1}`, durable.StateDelivered)
	event := webhook.RawEvent{Type: "call.ended", JSON: []byte(`{"n": "one"}`)}
	require.ErrorIs(t, w.hooks.DispatchID(t.Context(), hook.ID, "bad-1", event), durable.ErrNotComposed)

	changed := hook.Webhook
	changed.Headers = map[string]string{"Authorization": "***"}
	changed.Body = `{"n": {{n | plus: 1 | default: 0}}, "v": 2}`
	// The samples do not know n, which the form tells; what is compared are real events.
	a := s.post("webhooks/"+hook.ID+"/compare", form(changed, 1))
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, "the same request as before: 0 of 2")
	require.Contains(t, a.body, "Another request: 1.")
	require.Contains(t, a.body, "Failing before, and no more: 1.")
	require.Contains(t, a.body, "<pre tabindex=\"0\">{\n  &#34;n&#34;: 2\n}</pre>", "the newest that differs, before")
	require.Contains(t, a.body, "<pre tabindex=\"0\">{\n  &#34;n&#34;: 2,\n  &#34;v&#34;: 2\n}</pre>", "and after")

	_, err := w.hooks.Update(t.Context(), webhook.Webhook{
		ID: hook.ID, URL: hook.URL, Body: `{"n": {{n | plus: 1 | default: 0}}}`, Policy: hook.Policy,
	}, 1)
	require.NoError(t, err)
	a = s.get("webhooks/" + hook.ID)
	require.Contains(t, a.body, "1 delivery of this webhook has failed")
	a = s.post("webhooks/"+hook.ID+"/recompose", url.Values{})
	require.Contains(t, s.follow("webhooks/"+hook.ID+"/recompose", a).body, "The event was composed with the webhook as it is now")
	w.await("bad-1", durable.StateDelivered)
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	s := w.editor(acme)
	path := "webhooks/" + hook.ID + "/secrets"
	a := s.get(path)
	require.Equal(t, http.StatusOK, a.status)
	require.NotContains(t, a.body, "whsec_")
	values := url.Values{"overlap": {"24h"}, "newest": {between(t, a.body, `name="newest" value="`, `"`)}}
	a = s.post(path+"/rotate", values)
	require.Equal(t, http.StatusOK, a.status)
	secret := between(t, a.body, `<code class="copy">`, `<`)
	stored, err := w.hooks.Secrets(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Len(t, stored, 2)
	require.Equal(t, stored[0].Secret.Reveal(), strings.ReplaceAll(secret, "&#43;", "+"))
	require.NotContains(t, s.get(path).body, secret, "it is shown once")
	require.Equal(t, http.StatusConflict, s.post(path+"/rotate", values).status, "the same form")
	require.Equal(t, http.StatusConflict, s.post(path, url.Values{"secret": {"0123456789abcdef"}}).status)
	values = url.Values{"secret": {"0123456789abcdef"}, "newest": {between(t, a.body, `name="newest" value="`, `"`)}}
	a = s.post(path, values)
	require.Contains(t, a.body, "shorter than 24 bytes")
	require.NotContains(t, a.body, "0123456789abcdef")
	for _, bad := range []string{"", "short", "whsec_no"} {
		values.Set("secret", bad)
		values.Set("newest", between(t, s.get(path).body, `name="newest" value="`, `"`))
		a = s.post(path, values)
		require.Equal(t, http.StatusBadRequest, a.status, bad)
	}
	require.Equal(t, http.StatusBadRequest, s.post(path+"/rotate", url.Values{"overlap": {"3h"}, "newest": values["newest"]}).status)
}

// The API keeps what the pages keep: credentials, tenants, and IDs from the path only.
func TestAPI_Hooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.editor(acme)
	a := s.send("POST", "webhooks", `{"name": "CRM", "url": "`+w.receiver.URL+`/ok?token=t0ps3cret", "body": "{{payload.mobil}}"}`)
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	require.Contains(t, a.body, `"code":"template"`)
	require.Contains(t, a.body, `"suggestion":"payload.mobile"`)
	a = s.send("POST", "webhooks", `{"name": "CRM", "url": "`+w.receiver.URL+`/ok?token=t0ps3cret",
		"headers": {"X-Key": "s3cr3t-t0ken"}, "body": "{\"to\": \"{{payload.mobile}}\"}"}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	var d durable.Definition
	require.NoError(t, json.Unmarshal([]byte(a.body), &d))
	require.Equal(t, "***", d.Headers["X-Key"])
	require.Equal(t, w.receiver.URL+"/ok?token=***", d.URL)

	path := "webhooks/" + d.ID
	update := func(url, id string, version int) answer {
		return s.send("PUT", path, fmt.Sprintf(
			`{"id": %q, "url": %q, "headers": {"X-Key": "***"}, "version": %d}`, id, url, version))
	}
	require.Equal(t, http.StatusUnprocessableEntity, update("https://other.example/?token=***", "", 1).status)
	require.Equal(t, http.StatusBadRequest, update(d.URL, "11111111-1111-4111-8111-111111111111", 1).status)
	require.Equal(t, http.StatusOK, update(d.URL, d.ID, 1).status)
	require.Equal(t, http.StatusConflict, update(d.URL, d.ID, 1).status)
	stored, err := w.hooks.Get(t.Context(), d.ID)
	require.NoError(t, err)
	require.Equal(t, "s3cr3t-t0ken", stored.Headers["X-Key"])
	require.Equal(t, w.receiver.URL+"/ok?token=t0ps3cret", stored.URL)

	for _, path := range []string{"webhooks", path, path + "/versions/1"} {
		a := s.send("GET", path, "")
		require.Equal(t, http.StatusOK, a.status, path)
		require.Contains(t, a.body, d.ID)
		require.NotContains(t, a.body, "s3cr")
	}
	a = s.send("POST", path+"/check", `{"url": "https://other.example/", "headers": {"X-Key": "***"}}`)
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `"url":"https://other.example/"`)
	require.NotContains(t, a.body, "s3cr3t")
	require.Contains(t, s.send("POST", path+"/test", `{"sample": 0}`).body, `"status":200`)
	require.Contains(t, s.send("POST", path+"/state/pause", `{"reason": "later"}`).body, `"state":"paused"`)
	require.Contains(t, s.send("POST", path+"/compare", `{"version": 2, "url": "`+d.URL+`"}`).body, `"compared":0`)
	require.Contains(t, s.send("POST", path+"/secrets/rotate", `{"overlap": "1h"}`).body, `"secret":"whsec_`)
	require.Equal(t, http.StatusBadRequest, s.send("POST", path+"/secrets/rotate", `{"overlap": "721h"}`).status)
	for _, body := range []string{"", "{", `{"no": 1}`, `{} {}`, `[]`} {
		require.Equal(t, http.StatusBadRequest, s.send("POST", "webhooks", body).status, body)
	}
	blind := acme
	blind.May = panel.View
	a = w.editor(blind).send("GET", path, "")
	require.Contains(t, a.body, `"url":"`+w.receiver.URL+`"`)
	require.NotContains(t, a.body, "payload.mobile")
	require.Equal(t, http.StatusNotFound, w.editor(globex).send("GET", path, "").status)
	require.Equal(t, http.StatusNoContent, s.send("DELETE", path, "").status)
	require.Equal(t, http.StatusNotFound, s.send("GET", path, "").status)
}

// A form that is sent twice makes one webhook. If it was changed between, both are shown.
func TestHook_CreateTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.editor(acme)
	values := form(webhook.Webhook{Name: "CRM", URL: w.receiver.URL + "/ok"}, 0)
	values.Set("new", between(t, s.get("webhooks/new").body, `name="new" value="`, `"`))
	first, second := s.post("webhooks", values), s.post("webhooks", values)
	require.Equal(t, http.StatusSeeOther, first.status)
	require.Equal(t, http.StatusSeeOther, second.status)
	require.Equal(t, first.header.Get("Location"), second.header.Get("Location"))
	page, err := w.hooks.List(t.Context(), durable.WebhookFilter{})
	require.NoError(t, err)
	require.Len(t, page.Webhooks, 1)
	require.Equal(t, values.Get("new"), page.Webhooks[0].ID)

	values.Set("name", "CRM of Ann")
	a := s.post("webhooks", values)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.body, "Somebody else saved this webhook meanwhile")
	require.Equal(t, http.StatusConflict, w.editor(globex).post("webhooks", values).status)
	require.NotContains(t, w.editor(globex).post("webhooks", values).body, "CRM<")
	values.Set("new", "no-uuid")
	require.Equal(t, http.StatusBadRequest, s.post("webhooks", values).status)
}

// Each version says who stored it.
func TestHook_Author(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	ann, gus := w.editor(acme), w.editor(panel.Access{Actor: "<gus>", Tenant: "acme", May: everything})
	for i, s := range []*site{ann, gus} {
		a := s.post("webhooks/"+hook.ID, form(webhook.Webhook{URL: hook.URL, Name: fmt.Sprint(i)}, i+1))
		require.Equal(t, http.StatusSeeOther, a.status, a.body)
	}
	page := ann.get("webhooks/" + hook.ID).body
	require.Contains(t, page, "by ann, ")
	require.Contains(t, page, "by &lt;gus&gt;, ")
	require.Contains(t, ann.send("GET", "webhooks/"+hook.ID, "").body, `"author":"\u003cgus\u003e"`)
	require.Contains(t, ann.send("GET", "webhooks/"+hook.ID+"/versions/2", "").body, `"author":"ann"`)
	require.Contains(t, ann.send("GET", "webhooks/"+hook.ID+"/versions/1", "").body, `"author":""`, "not known")
}

// A parameter without a value may be a credential itself.
func TestHook_BareParameter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok", func(h *webhook.Webhook) { h.URL += "?s3cr3t-a&id=7&s3cr3t-b&key=s3cr3t-c&key=s3cr3t-d" })
	s := w.editor(acme)
	require.NotContains(t, s.get("webhooks/"+hook.ID).body, "s3cr3t")
	changed := webhook.Webhook{URL: w.receiver.URL + "/ok?***&id=8&***&key=***&key=***"}
	require.Equal(t, http.StatusSeeOther, s.post("webhooks/"+hook.ID, form(changed, 1)).status)
	d, err := w.hooks.Get(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, w.receiver.URL+"/ok?s3cr3t-a&id=8&s3cr3t-b&key=s3cr3t-c&key=s3cr3t-d", d.URL)
	changed.URL = w.receiver.URL + "/ok?***&***&***"
	require.Equal(t, http.StatusUnprocessableEntity, s.post("webhooks/"+hook.ID, form(changed, 2)).status)
}

// A preview that is cut says so.
func TestHook_Cut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for size, cut := range map[int]bool{64 << 10: false, 64<<10 + 1: true} {
		long := strings.Repeat("é", size/2) + strings.Repeat("x", size%2)
		s := serve(t, panel.Config{
			Open: panel.Open(w.engine, w.hooks), Authorize: as(acme), Logger: quiet,
			Samples: []webhook.Event{webhook.RawEvent{Type: "long", JSON: []byte(`{"text": "` + long + `"}`)}},
		})
		hook := webhook.Webhook{URL: w.receiver.URL, Format: webhook.FormatText, Body: "{{text}}"}
		text, err := json.Marshal(hook)
		require.NoError(t, err)
		a := s.send("POST", "webhooks/check", string(text))
		require.Equal(t, http.StatusOK, a.status)
		require.Equal(t, cut, strings.Contains(a.body, `"truncated":true`), size)
		require.Equal(t, cut, strings.Contains(s.post("webhooks/preview", form(hook, 0)).body, "The body goes on"), size)
	}
}

// What the form has no field for is not lost when it is sent.
func TestHook_KeepsPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.editor(acme)
	policy := webhook.Policy{
		Success: []int{200, 204}, Timeout: 5 * time.Second, Attempts: 4, Waits: []time.Duration{time.Minute, time.Hour},
		Jitter: 0.2, Rate: 10, Concurrency: 3, Expires: 24 * time.Hour, GiveUp: []int{404},
	}
	fields := reflect.ValueOf(policy)
	for i := range fields.NumField() {
		require.False(t, fields.Field(i).IsZero(), "%s: the test has to know it", fields.Type().Field(i).Name)
	}
	own, err := w.hooks.Tenant("acme")
	require.NoError(t, err)
	stored, err := own.Create(t.Context(), webhook.Webhook{Name: "A", URL: w.receiver.URL + "/ok", Body: "{}", Policy: &policy})
	require.NoError(t, err)

	values := form(webhook.Webhook{Name: "B", URL: stored.URL, Body: "{}"}, 1)
	values.Set("success", "200, 204")
	values.Set("timeout", "5s")
	values.Set("attempts", "2")
	values.Set("waits", "1m, 1h")
	values.Set("expires", "7d")
	values.Set("give_up", "400, 422")
	require.Equal(t, http.StatusSeeOther, s.post("webhooks/"+stored.ID, values).status)
	changed, err := own.Get(t.Context(), stored.ID)
	require.NoError(t, err)
	require.Equal(t, "B", changed.Name)
	policy.Attempts, policy.Expires, policy.GiveUp = 2, 7*24*time.Hour, []int{400, 422}
	require.Equal(t, policy, *changed.Policy)
	page := s.get("webhooks/" + stored.ID).body
	require.Contains(t, page, `name="expires" value="168h"`)
	require.Contains(t, page, `name="give_up" value="400, 422"`)
	a := s.send("GET", "webhooks/"+stored.ID, "")
	require.Contains(t, a.body, `"expires":"168h0m0s","give_up":[400,422]`)
}

// What is wrong with a policy is told at the input that it is in, whoever finds it.
func TestHook_PolicyProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	s := serve(t, panel.Config{
		Open: panel.Open(w.engine, w.hooks), Authorize: as(acme), Samples: samples, Logger: quiet,
		Check: func(h webhook.Webhook) []webhook.Problem { return webhook.Bounds{}.Check(h, samples...) },
	})
	tests := []struct{ field, value, message string }{
		{"success", "20x", "These are no status codes: write them as 200, 202."},
		{"success", "404", "status 404 outside 200 to 299"},
		{"timeout", "soon", "This is no time: write it as 3s."},
		{"timeout", "3s, 4s", "This is no time: write it as 3s."},
		{"timeout", "9m", "timeout: 9m0s, at most"},
		{"attempts", "two", "This is no number of attempts."},
		{"attempts", "999", "attempts: 999, at most"},
		{"waits", "1m, soon", "These are no times: write them as 10s, 5m, 1h."},
		{"waits", "1000d", "outside 0s to 720h0m0s"},
		{"give_up", "4xx", "These are no status codes: write them as 400, 422."},
		{"give_up", "200", "status 200 outside 400 to 599"},
		{"expires", "tomorrow", "This is no time: write it as 30m, 12h or 7d."},
		{"expires", "365d", "expires: 8760h0m0s, at most 720h0m0s"},
		{"expires", "400d", "outside 1s to 8760h0m0s"},
		{"expires", "9999999999999d", "This is no time: write it as 30m, 12h or 7d."},
	}
	for _, tt := range tests {
		values := form(hook.Webhook, 1)
		values.Set(tt.field, tt.value)
		for _, path := range []string{"/preview", ""} {
			a := s.post("webhooks/"+hook.ID+path, values)
			name := tt.field + " " + tt.value + " " + path
			require.Equal(t, path == "", a.status == http.StatusUnprocessableEntity, name)
			require.Contains(t, a.body, tt.message, name)
			require.Contains(t, a.body, `data-field="policy.`+tt.field+`" spellcheck="false" aria-invalid="true"`, name)
			require.Contains(t, a.body, `<li class="error" data-field="policy.`+tt.field+`"`, name)
			require.Equal(t, 1, strings.Count(a.body, "<details open>"), name)
		}
	}
	a := s.send("PUT", "webhooks/"+hook.ID, `{"version": 1, "url": "https://crm.example/", "policy": {"give_up": [200]}}`)
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	require.Contains(t, a.body, `"code":"policy-give-up"`)
}
