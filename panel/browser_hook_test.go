package panel_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
)

// value sets what a field has, as typing does.
func (b *browser) value(selector, text string) {
	b.t.Helper()
	b.do(chromedp.Focus(css(selector)))
	run(b, chromedp.Evaluate[bool](`(() => { document.activeElement.select(); return true; })()`))
	b.insert(text)
}

// insert puts text in where the cursor is.
func (b *browser) insert(text string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, input.InsertText, input.InsertTextParams{Text: text})
	require.NoError(b.t, err)
}

// eventually waits until a script says true.
func (b *browser) eventually(script string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return run(b, chromedp.Evaluate[bool](script)) }, 20*time.Second, 20*time.Millisecond, script)
}

// A customer composes a webhook with a mistake, takes the fix, sees the request, saves it,
// and changes it later.
func TestBrowser_Compose(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	s := w.editor(acme)
	b.do(chromedp.Navigate(s.url + "webhooks/new"))
	b.value(`input[name=name]`, "CRM <b>status</b>")
	b.value(`textarea[name=url]`, w.receiver.URL+"/ok?id=@{{payload.id}}")
	b.value(`textarea[name=body]`, `{"😀": "é", "to": "@{{payload.mobil}}", "status": "@{{payload.status}}"}`)
	b.eventually(`document.querySelector("textarea[name=body]").previousElementSibling?.querySelector("mark.error")?.textContent === "payload.mobil"`)
	b.look("compose-error")
	b.do(chromedp.Click(css(`#problems [data-suggestion="payload.mobile"]`)))
	b.eventually(`!document.querySelector("#problems li.error") && document.querySelector("#preview").textContent.includes('"to": "919019912345"')`)

	// Names are completed behind {{.
	b.value(`textarea[name=when]`, "payload.sta")
	b.eventually(`document.querySelector("#names:not([hidden]) li[aria-selected=true]")?.textContent === "payload.status"`)
	b.look("compose-names")
	b.do(chromedp.KeyEvent("\t"))
	b.eventually(`document.querySelector("#names").hidden`)
	b.insert(" == 'read'")
	b.eventually(`document.querySelector("textarea[name=when]").value === "payload.status == 'read'"`)
	b.eventually(`document.querySelector("#preview pre") !== null`)

	b.do(chromedp.Click(css(`#save`)), chromedp.WaitVisible(css(`.note`)))
	require.Contains(t, b.text(".note"), "The webhook was created")
	require.Equal(t, "CRM <b>status</b>", b.text("h1"))
	b.look("webhook")
	b.do(chromedp.Navigate(s.url + "webhooks"))
	require.Contains(t, b.text("table"), "CRM <b>status</b>")
	b.look("webhooks")
}

// An operator looks at a webhook that was paused, and at what a change would do.
func TestBrowser_Webhook(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	hook := w.hook("acme", "/broken", func(h *webhook.Webhook) { h.Name, h.Body = "Billing", `{"id": "{{payload.id}}"}` })
	for _, name := range []string{"Support desk", "CRM", "Data warehouse"} {
		w.hook("acme", "/ok", func(h *webhook.Webhook) { h.Name = name })
	}
	w.dispatch(hook, "bad-1", `{"payload": {"id": "1"}}`, durable.StateFailed)
	s := w.editor(operator)
	b.expected = []string{"status of 422"} // a subscription with a mistake
	b.do(chromedp.Navigate(s.url + "webhooks/" + hook.ID))
	b.do(chromedp.Click(css(`.acts summary`)))
	b.value(`.acts input[name=reason]`, "asked by phone")
	b.do(chromedp.Click(css(`button[formaction$="/state/pause"]`)), chromedp.WaitVisible(css(`.note`)))
	require.Contains(t, b.text(".facts"), "Paused")
	require.Contains(t, b.text(".facts"), "asked by phone")
	b.value(`textarea[name=body]`, `{"id": "{{payload.id}}", "v": 2}`)
	b.do(chromedp.Click(css(`button[formaction$="/compare"]`)), chromedp.WaitVisible(css(`#comparison`)))
	b.look("compare")
	b.do(chromedp.Click(css(`#save`)), chromedp.WaitVisible(css(`.note`)))
	b.do(chromedp.Click(css(`.versions summary`)))
	b.do(chromedp.Click(css(`form[action$="/test"] button`)), chromedp.WaitVisible(css(`#test`)))
	require.Contains(t, b.text("#test"), "Your server answered 500")
	b.look("test")
	b.do(chromedp.Navigate(s.url + "webhooks"))
	b.look("webhooks-many")
	b.do(chromedp.Navigate(s.url + "webhooks/" + hook.ID + "/subscriptions"))
	b.value(`fieldset:last-of-type textarea[name=events]`, "whatsapp:*\nvoice:message:out")
	b.value(`fieldset:last-of-type textarea[name=identities]`, "number:919019120120\nkeyword:sale")
	b.do(chromedp.Click(css(`#save`)), chromedp.WaitVisible(css(`.note`)))
	require.Contains(t, b.text(".versions"), "Change 1")
	b.value(`fieldset:last-of-type textarea[name=events]`, "dialer:cdr\nwhatsapp in")
	b.look("subscriptions")
	b.do(chromedp.Click(css(`#save`)), chromedp.WaitVisible(css(`#problems`)))
	require.Contains(t, b.text("#problems"), "Subscription 2, event in line 2")
	b.look("subscriptions-error")
	b.do(chromedp.Navigate(s.url + "webhooks/" + hook.ID + "/secrets"))
	b.do(chromedp.Click(css(`form[action$="/rotate"] button`)), chromedp.WaitVisible(css(`.note`)))
	b.look("secrets")
	b.do(chromedp.Navigate(s.url + "webhooks/" + hook.ID + "/delete"))
	b.look("delete")
}

// The whole way of a customer, who asks nobody: a mistake, its fix, a failure with what the receiver
// answered, what a change would do, and the same event delivered after it; then a pause.
func TestBrowser_Story(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	s := w.editor(acme)
	w.answer.Store("the field phone is missing")
	b.do(chromedp.Navigate(s.url + "webhooks/new"))
	b.value(`input[name=name]`, "CRM")
	b.value(`textarea[name=url]`, w.receiver.URL+"/broken")
	b.value(`textarea[name=body]`, `{"to": "@{{payload.mobil}}"}`)
	b.do(chromedp.Click(css(`.fields details:has([name=attempts]) > summary`)))
	b.value(`input[name=attempts]`, "1")
	b.eventually(`document.querySelector("#problems [data-suggestion='payload.mobile']") !== null`)
	b.do(chromedp.Click(css(`#problems [data-suggestion="payload.mobile"]`)))
	b.eventually(`!document.querySelector("#problems li.error") && document.querySelector("#preview").textContent.includes("919019912345")`)
	b.do(chromedp.Click(css(`#save`)), chromedp.WaitVisible(css(`.note`)))
	id := b.text(".copy")

	require.NoError(t, w.hooks.DispatchID(t.Context(), id, "first", samples[0]))
	w.await("first", durable.StateFailed)
	b.do(chromedp.Navigate(s.url + "deliveries"))
	require.Contains(t, b.text("tbody"), "The receiver answered 500")
	b.do(chromedp.Click(css(`tr[data-id="first"] a`)), chromedp.WaitVisible(css(`.line`)))
	require.Contains(t, b.text(".line"), "the field phone is missing")

	b.do(chromedp.Navigate(s.url + "webhooks/" + id))
	b.value(`textarea[name=url]`, w.receiver.URL+"/ok")
	b.value(`textarea[name=body]`, `{"phone": "@{{payload.mobile}}"}`)
	b.do(chromedp.Click(css(`button[formaction$="/compare"]`)), chromedp.WaitVisible(css(`#comparison`)))
	require.Contains(t, b.text("#comparison"), "Another request: 1.")
	b.do(chromedp.Click(css(`#save`)), chromedp.WaitVisible(css(`.note`)))
	b.do(chromedp.Click(css(`form[action$="/recompose"] button`)), chromedp.WaitVisible(css(`.note`)))
	require.Contains(t, b.text(".note"), "The event was composed with the webhook as it is now")
	b.do(chromedp.Navigate(s.url + "deliveries"))
	b.eventually(`document.querySelectorAll("tbody .state.delivered").length === 1`)

	b.do(chromedp.Navigate(s.url+"webhooks/"+id), chromedp.Click(css(`.acts summary`)))
	b.do(chromedp.Click(css(`button[formaction$="/state/pause"]`)), chromedp.WaitVisible(css(`.facts .state.paused`)))
	b.do(chromedp.Click(css(`.acts summary`)), chromedp.Click(css(`.acts button.main`)), chromedp.WaitVisible(css(`.facts .state.enabled`)))
}

// Whatever the service answers while one types, it is told in words where the problems are.
func TestBrowser_Refused(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	var access atomic.Pointer[panel.Access]
	access.Store(&acme)
	s := serve(t, panel.Config{
		Open: panel.Open(w.engine, w.hooks), Samples: samples, Logger: quiet,
		Authorize: func(*http.Request) (panel.Access, error) { return *access.Load(), nil },
	})
	b.do(chromedp.Navigate(s.url+"webhooks/new"), chromedp.Click(css(`.fields details:last-of-type summary`)))
	b.value(`input[name=expires]`, "tomorrow")
	b.eventually(`document.querySelector("input[name=expires]").ariaInvalid === "true"`)
	require.Contains(t, b.text("#problems"), "This is no time: write it as 30m, 12h or 7d.")
	b.look("compose-policy")
	run(b, chromedp.Evaluate[bool](`(() => {
		const row = document.querySelector(".row");
		for (let i = 0; i < 600; i++) row.after(row.cloneNode(true));
		return true;
	})()`))
	b.value(`input[name=name]`, "Many headers")
	b.eventually(`document.querySelector("#problems").textContent.includes("There are more than 500 headers.")`)
	run(b, chromedp.Evaluate[bool](`document.querySelectorAll(".row:nth-of-type(n + 9)").forEach(r => r.remove()); true`))

	b.expected = []string{"status of 403", "ERR_CONNECTION"}
	access.Store(&panel.Access{})
	b.value(`input[name=name]`, "The session has ended")
	b.eventually(`document.querySelector("#problems").textContent.includes("` + panel.English()["error.forbidden.text"] + `")`)
	access.Store(&acme)
	b.value(`input[name=name]`, "And goes on")
	b.eventually(`document.querySelector("#problems").textContent.includes("This is no time")`)

	s.stop()
	b.value(`input[name=name]`, "The service is away")
	b.eventually(`document.querySelector("#problems").textContent.includes("The service did not answer.")`)
}
