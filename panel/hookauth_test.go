package panel_test

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/panel"
)

// The credentials of a receiver are typed once. They are never shown again, and go to no
// other receiver or token server.
func TestHook_Auth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.editor(acme)
	const token, secret = "s3cr3t-t0ken-of-crm", "s3cr3t-of-client"
	values := form(webhook.Webhook{Name: "CRM", URL: "https://crm.example/calls"}, 0)
	values.Set("auth_type", "bearer")
	require.Contains(t, s.post("webhooks", values).body, "token: want 1 to 4096 characters of visible ASCII")
	values.Set("auth_token", " "+token+" ")
	values.Set("auth_secret", "of another kind")
	values.Set("url", "http://crm.example/calls")
	require.Contains(t, s.post("webhooks", values).body, "credentials are sent over https only")
	values.Set("url", "https://crm.example/calls")
	a := s.post("webhooks", values)
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	id := hookID.FindStringSubmatch(a.header.Get("Location"))[1]
	stored := func() *webhook.Auth {
		t.Helper()
		d, err := w.hooks.Get(t.Context(), id)
		require.NoError(t, err)
		return d.Auth
	}
	require.Equal(t, &webhook.Auth{Type: webhook.AuthBearer, Token: token}, stored())

	shows := func(a answer, status int, texts ...string) {
		t.Helper()
		require.Equal(t, status, a.status, a.body)
		require.NotContains(t, a.body, "s3cr3t")
		for _, text := range texts {
			require.Contains(t, a.body, text)
		}
	}
	shows(s.get("webhooks/"+id), http.StatusOK, `name="auth_token" value="***"`, `<option value="bearer" selected>`)
	values = form(webhook.Webhook{Name: "CRM", URL: "https://crm.example/calls/2"}, 1)
	values.Set("auth_type", "bearer")
	values.Set("auth_token", "***")
	shows(s.post("webhooks/"+id+"/preview", values), http.StatusOK, "Authorization")
	shows(s.post("webhooks/"+id, values), http.StatusSeeOther)
	require.Equal(t, &webhook.Auth{Type: webhook.AuthBearer, Token: token}, stored())

	// To another host, or as something else, it must be typed again.
	again := "Type this value again"
	values.Set("version", "2")
	values.Set("base", "2")
	values.Set("url", "https://elsewhere.example/")
	shows(s.post("webhooks/"+id, values), http.StatusUnprocessableEntity, again)
	shows(s.post("webhooks/"+id+"/compare", values), http.StatusUnprocessableEntity, again)
	values.Del("auth_type") // of a form that has no such field
	shows(s.post("webhooks/"+id, values), http.StatusUnprocessableEntity, again)
	values.Set("url", "https://crm.example/calls/3")
	shows(s.post("webhooks/"+id, values), http.StatusSeeOther)
	require.Equal(t, &webhook.Auth{Type: webhook.AuthBearer, Token: token}, stored())
	values.Set("version", "3")
	values.Set("base", "3")
	values.Set("auth_type", "basic")
	values.Set("auth_user", "ann")
	values.Set("auth_password", "***")
	shows(s.post("webhooks/"+id, values), http.StatusUnprocessableEntity, again)

	values.Set("auth_type", "oauth2")
	values.Set("auth_token_url", "https://login.example/token")
	values.Set("auth_client_id", "ringhook")
	values.Set("auth_secret", secret)
	shows(s.post("webhooks/"+id, values), http.StatusSeeOther)
	want := &webhook.Auth{Type: webhook.AuthOAuth2, TokenURL: "https://login.example/token", ClientID: "ringhook", Secret: secret}
	require.Equal(t, want, stored())
	values.Set("version", "4")
	values.Set("base", "4")
	values.Set("auth_secret", "***")
	values.Set("auth_token_url", "https://login.evil.example/token")
	shows(s.post("webhooks/"+id, values), http.StatusUnprocessableEntity, again)
	values.Set("auth_token_url", "https://login.example/token/2")
	shows(s.post("webhooks/"+id, values), http.StatusSeeOther)
	want.TokenURL += "/2"
	require.Equal(t, want, stored())
	shows(s.get("webhooks/"+id), http.StatusOK, "secret: ***", "https://login.example/token/2")

	values.Set("version", "5")
	values.Set("base", "5")
	values.Set("auth_type", "")
	shows(s.post("webhooks/"+id, values), http.StatusSeeOther)
	require.Nil(t, stored())
}

// What the client would not send is not asked for; and a form that is sent twice with
// another secret does not say that it was stored.
func TestHook_AuthOfForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.editor(acme)
	require.Contains(t, s.get("webhooks/new").body, `name="auth_type"`)
	plain := serve(t, panel.Config{
		Open: panel.Open(w.engine, w.hooks), Authorize: as(acme), Client: &webhook.Client{}, Samples: samples, Logger: quiet,
	})
	require.NotContains(t, plain.get("webhooks/new").body, `name="auth_type"`)

	values := form(webhook.Webhook{Name: "CRM", URL: "https://crm.example/calls"}, 0)
	values.Set("new", "5f0c9ea4-25b4-4c5f-9a8b-6d1a6f6f9a11")
	values.Set("auth_type", "bearer")
	values.Set("auth_token", "mistyped")
	require.Equal(t, http.StatusSeeOther, s.post("webhooks", values).status)
	require.Equal(t, http.StatusSeeOther, s.post("webhooks", values).status, "the same again")
	values.Set("auth_token", "right")
	require.Equal(t, http.StatusConflict, s.post("webhooks", values).status)

	// A form without the fields keeps them, also when it comes back with a problem.
	path := "webhooks/" + values.Get("new")
	values = form(webhook.Webhook{Name: "CRM", URL: "https://crm.example/{{"}, 1)
	a := s.post(path, values)
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	require.Contains(t, a.body, `<option value="bearer" selected>`)
}

func TestAPI_Auth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.editor(acme)
	a := s.send("POST", "webhooks", `{"name":"crm","url":"https://crm.example/","auth":{"type":"basic","user":"ann","password":"s3cr3t"}}`)
	require.Equal(t, http.StatusCreated, a.status, a.body)
	require.NotContains(t, a.body, "s3cr3t")
	require.Contains(t, a.body, `"auth":{"type":"basic","user":"ann","password":"***"}`)
	id := between(t, a.body, `"id":"`, `"`)

	a = s.send("PUT", "webhooks/"+id, `{"version":1,"url":"https://evil.example/","auth":{"type":"basic","user":"ann","password":"***"}}`)
	require.Equal(t, http.StatusUnprocessableEntity, a.status)
	require.Contains(t, a.body, `"field":"auth"`)
	a = s.send("PUT", "webhooks/"+id, `{"version":1,"url":"https://crm.example/2","auth":{"type":"basic","user":"ben","password":"***"}}`)
	require.Equal(t, http.StatusOK, a.status, a.body)
	d, err := w.hooks.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, &webhook.Auth{Type: webhook.AuthBasic, User: "ben", Password: "s3cr3t"}, d.Auth)

	viewer := acme
	viewer.May = panel.View
	for _, path := range []string{"webhooks", "webhooks/" + id} {
		a = w.editor(viewer).send("GET", path, "")
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.NotContains(t, a.body, "ben")
	}
}

// A customer gives the credentials of his token server, and is told what is missing.
func TestBrowser_Auth(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	s := w.editor(acme)
	b.do(chromedp.Navigate(s.url+"webhooks/new"), chromedp.Click(css(`details:has(.auth) summary`)))
	seen := `[...document.querySelectorAll(".auth input")].filter(e => e.checkVisibility()).map(e => e.name).join()`
	require.Empty(t, run(b, chromedp.Evaluate[string](seen)))
	b.value(`input[name=name]`, "CRM")
	b.value(`textarea[name=url]`, "https://crm.example/calls")
	run(b, chromedp.Evaluate[bool](`(() => {
		const kind = document.querySelector("select[name=auth_type]");
		kind.value = "oauth2";
		return kind.dispatchEvent(new Event("input", {bubbles: true}));
	})()`))
	require.Equal(t, "auth_token_url,auth_client_id,auth_secret,auth_scope", run(b, chromedp.Evaluate[string](seen)))
	b.value(`input[name=auth_token_url]`, "http://login.example/token")
	b.eventually(`document.querySelector("#problems").textContent.includes("token_url: want https://")`)
	b.eventually(`document.querySelector("input[name=auth_token_url]").ariaInvalid === "true"`)
	b.look("compose-auth")
	b.value(`input[name=auth_token_url]`, "https://login.example/token")
	b.value(`input[name=auth_client_id]`, "ringhook")
	b.value(`input[name=auth_secret]`, "s3cr3t-of-client")
	b.eventually(`!document.querySelector("#problems li.error")`)
	b.do(chromedp.Click(css(`#save`)), chromedp.WaitVisible(css(`.note`)))
	require.Contains(t, b.text(".note"), "The webhook was created")
	require.Equal(t, "***", run(b, chromedp.Evaluate[string](`document.querySelector("input[name=auth_secret]").value`)))
	b.look("webhook-auth")
}
