package panel_test

import (
	"encoding/json"
	"errors"
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

// No other spelling of an address lets a credential go where it was not meant for.
func TestHostile_Address(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok", func(h *webhook.Webhook) { h.URL = "https://straße.example/in?token=t0ps3cret" })
	s := w.editor(acme)
	for _, address := range []string{
		"https://straẞe.example/in?token=***", "https://strasse.example/in?token=***",
		"https://straße.example:443/in?token=***", "http://straße.example/in?token=***",
		"https://straße.example@evil.example/in?token=***", `https://straße.example\@evil.example/in?token=***`,
		"https://straße.exam\tple/in?token=***", "https://straße.example.evil.example/?token=***",
		"https://straße.example{{payload.id}}/?token=***", "{{payload.id}}https://straße.example/?token=***",
		"https://straße.example/***?token=x", "https://straße.example/in?token=a***", "https://straße.example/in?Token=***",
		"https://straße.example/in?id=***", "https://straße.example/in?token=***&token=***",
		"https://straße.example/in?a={{&token=***&b=}}", "https://straße.example/in?token=***#x",
		"//straße.example/in?token=***", "straße.example/in?token=***", "",
	} {
		changed := hook.Webhook
		changed.URL, changed.Headers = address, map[string]string{"Authorization": "***"}
		for _, path := range []string{"", "/compare", "/preview"} {
			a := s.post("webhooks/"+hook.ID+path, form(changed, 1))
			if path == "" {
				require.Equal(t, http.StatusUnprocessableEntity, a.status, address)
			}
			require.NotContains(t, a.body, "t0ps3cret", address)
			require.NotContains(t, a.body, "s3cr3t", address)
		}
	}
	for _, name := range []string{"authorization", "X-Other", "Accept"} {
		changed := hook.Webhook
		changed.Headers = map[string]string{name: "***"}
		changed.URL = "https://straße.example/"
		require.Equal(t, http.StatusUnprocessableEntity, s.post("webhooks/"+hook.ID, form(changed, 1)).status, name)
	}
}

// What changes tells that a credential is another one, but not where: one could try it byte
// by byte.
func TestHostile_CompareTellsNoPlaceInCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok", func(h *webhook.Webhook) {
		h.URL += "?token=t0ps3cret"
		h.Headers["Accept"] = "text/plain"
		h.Body, h.Format = "abc", webhook.FormatText
	})
	w.dispatch(hook, "one", `{"n": 1}`, durable.StateDelivered)
	s := w.editor(acme)
	for _, tt := range []struct {
		field, url, authorization, accept, body string
		offset                                  int
	}{
		{"url", w.receiver.URL + "/ok?token=t0p", "***", "text/plain", "abc", -1},
		{"headers.Authorization", w.receiver.URL + "/ok?token=***", "Bearer s3c", "text/plain", "abc", -1},
		{"headers.Accept", w.receiver.URL + "/ok?token=***", "***", "text/html", "abc", 5},
		{"body", w.receiver.URL + "/ok?token=***", "***", "text/plain", "abd", 2},
	} {
		a := s.send("POST", "webhooks/"+hook.ID+"/compare", fmt.Sprintf(
			`{"version": 1, "url": %q, "headers": {"Authorization": %q, "Accept": %q}, "body": %q, "format": "text"}`,
			tt.url, tt.authorization, tt.accept, tt.body))
		require.Contains(t, a.body, fmt.Sprintf(`"field":%q,"offset":%d`, tt.field, tt.offset))
		changed := webhook.Webhook{URL: tt.url, Body: tt.body, Format: webhook.FormatText, Headers: map[string]string{
			"Authorization": tt.authorization, "Accept": tt.accept,
		}}
		page := s.post("webhooks/"+hook.ID+"/compare", form(changed, 1)).body
		require.Contains(t, page, "The newest that differs does so in "+tt.field)
		require.Equal(t, tt.offset >= 0, strings.Contains(page, "from byte"), tt.field)
	}
}

// A policy of a program is the whole policy. A form leaves what it does not have.
func TestHostile_Policy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok", func(h *webhook.Webhook) { h.Policy = &webhook.Policy{Attempts: 2, Rate: 10, Concurrency: 3} })
	s := w.editor(acme)
	stored := func() *webhook.Policy {
		d, err := w.hooks.Get(t.Context(), hook.ID)
		require.NoError(t, err)
		return d.Policy
	}
	changed := hook.Webhook
	changed.Headers = nil
	emptied := form(changed, 1)
	emptied.Set("attempts", "")
	require.Equal(t, http.StatusSeeOther, s.post("webhooks/"+hook.ID, emptied).status)
	require.Equal(t, &webhook.Policy{Rate: 10, Concurrency: 3}, stored())
	a := s.send("PUT", "webhooks/"+hook.ID, `{"version": 2, "url": "`+hook.URL+`", "policy": {"rate": 5}}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Equal(t, &webhook.Policy{Rate: 5}, stored())
	a = s.send("PUT", "webhooks/"+hook.ID, `{"version": 3, "url": "`+hook.URL+`"}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Nil(t, stored())
}

func TestHostile_Forms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	s := w.editor(acme)
	preview := "webhooks/" + hook.ID + "/preview"
	values := func(change func(url.Values)) url.Values {
		v := form(webhook.Webhook{URL: hook.URL, Body: "aé{{x}}"}, 1)
		change(v)
		return v
	}
	for fix, want := range map[string]int{
		"body:1:2:b": 200, "body:8:0:b": 200, "body:2:1:b": 400, "body:1:1:b": 400, "body:9:0:b": 400, "body:-1:1:b": 400,
		"body:1:9223372036854775807:b": 400, "body:0:-1:b": 400, "body:1:2": 400, "other:0:0:b": 400,
		"headers.no:0:0:b": 400,
	} {
		a := s.post(preview, values(func(v url.Values) { v.Set("fix", fix) }))
		require.Equal(t, want, a.status, fix)
	}
	for _, field := range []string{"name", "body", "url"} {
		a := s.post(preview, values(func(v url.Values) { v.Set(field, "\xff") }))
		require.Equal(t, http.StatusBadRequest, a.status, field)
	}
	a := s.post(preview, values(func(v url.Values) {
		for range 600 {
			v.Add("header_name", "A")
			v.Add("header_value", "{{")
		}
	}))
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, "There are more than 500 headers. Those behind are left out.")

	// Of thousands of problems a page shows some, and of a long place the beginning.
	long := strings.Repeat("x", 60_000)
	many := serve(t, panel.Config{
		Open: panel.Open(w.engine, w.hooks), Authorize: as(acme), Logger: quiet, Samples: samples,
		Check: func(webhook.Webhook) []webhook.Problem {
			return slices.Repeat([]webhook.Problem{{
				Field: "body", Length: len(long), Message: "too long", Severity: webhook.SeverityError,
			}}, 3000)
		},
	})
	a = many.post(preview, values(func(v url.Values) { v.Set("body", long) }))
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, 100, strings.Count(a.body, `<li class="error"`))
	require.Contains(t, a.body, "3000 errors")
	require.Contains(t, a.body, "And 2900 more.")
	require.Less(t, len(a.body), 200_000)
	// The links to versions lead there from every page that has them.
	_, err := w.hooks.Update(t.Context(), webhook.Webhook{ID: hook.ID, URL: hook.URL, Name: "b"}, 1)
	require.NoError(t, err)
	a = s.post(preview, form(webhook.Webhook{URL: hook.URL}, 2))
	require.Contains(t, a.body, `href="../../webhooks/`+hook.ID+`?version=1"`)

	for _, body := range []string{`{"name": "` + "\xff" + `"}`, `{}}`, `{}]`, `{} x`} {
		require.Equal(t, http.StatusBadRequest, s.send("POST", "webhooks/check", body).status, body)
	}
}

type brokenSample struct{ webhook.RawEvent }

func (brokenSample) MarshalJSON() ([]byte, error) { return nil, errors.New("no such thing") }

func TestNew_Samples(t *testing.T) {
	t.Parallel()
	open := func(panel.Access) (panel.Deliveries, panel.Webhooks, error) { return nil, nil, nil }
	for want, bad := range map[string]webhook.Event{
		"Samples[1] is nil": nil, "Samples[1] is nil ": (*brokenSample)(nil), "no such thing": brokenSample{},
	} {
		_, err := panel.New(panel.Config{Open: open, Samples: []webhook.Event{samples[0], bad}})
		require.ErrorContains(t, err, strings.TrimSpace(want))
	}
}

// A Check that panics is an error of the service, of which the next request knows nothing.
func TestHostile_CheckPanics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	s := serve(t, panel.Config{
		Open: panel.Open(w.engine, w.hooks), Authorize: as(acme), Logger: quiet, Samples: samples,
		Check: func(webhook.Webhook) []webhook.Problem { panic("s3cr3t-t0ken") },
	})
	for _, a := range []answer{
		s.post("webhooks/"+hook.ID, form(hook.Webhook, 1)), s.get("webhooks/" + hook.ID),
		s.send("POST", "webhooks/check", `{"url": "https://a.example"}`),
	} {
		require.Equal(t, http.StatusInternalServerError, a.status)
		require.NotContains(t, a.body, "s3cr3t")
	}
	require.Equal(t, http.StatusOK, s.get("webhooks").status)
}

// A credential may stand in a tag too.
func TestHostile_CredentialsInTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok", func(h *webhook.Webhook) {
		h.URL += "?token={{'s3cr3t-a'}}&key={{payload.foreign_id | default: \"s3cr3t-b\"}}&auth={{payload.id}}" +
			"&tok%65n=s3cr3t-d&a=1;token=s3cr3t-e"
		h.Headers = map[string]string{
			"X-Key": "{{'s3cr3t-c'}}", "X-Pin": "{{ 4711471147 }}", "X-Day": "{{payload.timestamp | date_format: 'd/m/Y'}}",
		}
	})
	for _, a := range []answer{w.editor(acme).get("webhooks/" + hook.ID), w.editor(acme).send("GET", "webhooks/"+hook.ID, "")} {
		require.Equal(t, http.StatusOK, a.status)
		require.NotContains(t, a.body, "s3cr3t")
		require.NotContains(t, a.body, "4711471147")
		require.Contains(t, a.body, "{{payload.id}}")
		require.Contains(t, a.body, "d/m/Y")
	}
	shown := hook.Webhook
	shown.URL = w.receiver.URL + "/ok?token=***&key=***&auth={{payload.id}}&tok%65n=***&a=***"
	shown.Headers = map[string]string{"X-Key": "***", "X-Pin": "***", "X-Day": hook.Headers["X-Day"]}
	a := w.editor(acme).post("webhooks/"+hook.ID, form(shown, 1))
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	d, err := w.hooks.Get(t.Context(), hook.ID)
	require.NoError(t, err)
	require.Equal(t, []any{hook.URL, hook.Headers}, []any{d.URL, d.Headers}, "the mask stands for what is stored")
}

func TestHostile_Names(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	s := w.editor(acme)
	for name, ok := range map[string]bool{
		"": true, "<b>&amp;": true, strings.Repeat("é", 200): true, strings.Repeat("😀", 100): true,
		strings.Repeat("x", 201): false, strings.Repeat("😀", 101): false, "a\x00b": false, "a\nb": false, "a\x1b[31m": false,
	} {
		a, want := s.post("webhooks", form(webhook.Webhook{Name: name, URL: hook.URL}, 0)), http.StatusSeeOther
		if !ok {
			want = http.StatusUnprocessableEntity
			require.Contains(t, a.body, "A name has at most 200 characters")
		}
		require.Equal(t, want, a.status, "%q", name)
		text, err := json.Marshal(webhook.Webhook{Name: name, URL: hook.URL})
		require.NoError(t, err)
		require.Equal(t, !ok, s.send("POST", "webhooks", string(text)).status == http.StatusUnprocessableEntity, "%q", name)
	}
	require.NotContains(t, s.get("webhooks").body, "<b>&amp;")
}

// The places of problems are those of the text as a browser has it, with other line ends.
func TestHostile_LineEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok", func(h *webhook.Webhook) {
		h.Body, h.Format = "a\r\nb\rc\r\n{{payload.mobil}}", webhook.FormatText
	})
	a := w.editor(acme).get("webhooks/" + hook.ID)
	require.Contains(t, a.body, "a\nb\nc\n{{payload.mobil}}</textarea>")
	require.Contains(t, a.body, `value="body:8:13:payload.mobile"`)
}

// A page leads to the others from any address, such as one with a slash that is no slash.
func TestHostile_Links(t *testing.T) {
	t.Parallel()
	a := newWorld(t).editor(acme).get("webhooks/a%2Fb%2F..%2Fc")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Contains(t, a.body, `href="../assets/`)
}
