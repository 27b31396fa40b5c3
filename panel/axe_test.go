package panel_test

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// audit has axe look at the page as it is, in both colour schemes: whether people who see
// little, or use a keyboard or a screen reader, can use it.
func (b *browser) audit(name, axe string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		require.NoError(b.t, err)
		run(b, chromedp.Evaluate[bool](axe+"; true"))
		run(b, chromedp.Evaluate[bool](`window.found = null; axe.run(document, {resultTypes: ["violations"]}).then(
			r => { window.found = r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 120) + " " + n.failureSummary).join(" | ")).join("\n"); },
			e => { window.found = "failed: " + e; }); true`))
		b.eventually(`window.found !== null`)
		require.Empty(b.t, run(b, chromedp.Evaluate[string](`window.found`)), "%s, %s", name, scheme)
	}
}

func TestBrowser_Accessible(t *testing.T) {
	t.Parallel()
	path := os.Getenv("RINGHOOK_AXE")
	if path == "" {
		t.Skip("RINGHOOK_AXE, the file axe.min.js of the npm package axe-core, is not set: accessibility is not tested")
	}
	axe, err := os.ReadFile(path)
	require.NoError(t, err)
	b := newBrowser(t)
	w := newWorld(t)
	hook := w.hook("acme", "/broken", func(h *webhook.Webhook) { h.Body = `{"id": "{{payload.id}}"}` })
	w.dispatch(hook, "bad-1", `{"payload": {"id": "1"}}`, durable.StateFailed)
	held := w.hook("acme", "/ok")
	require.NoError(t, w.hooks.Pause(t.Context(), held.ID, "not today"))
	w.dispatch(held, "held-1", "{}", durable.StatePending)
	s := w.editor(operator)
	for _, path := range []string{
		"", "deliveries", "deliveries?state=canceled", "deliveries/bad-1", "deliveries/held-1", "resend", "webhooks", "webhooks/new",
		"webhooks/" + hook.ID, "webhooks/" + held.ID, "webhooks/" + hook.ID + "/secrets", "webhooks/" + hook.ID + "/subscriptions", "webhooks/" + hook.ID + "/delete", "reference",
	} {
		b.do(chromedp.Navigate(s.url + path))
		b.audit(path, string(axe))
	}
	b.do(chromedp.Navigate(s.url + "webhooks/" + hook.ID))
	b.value(`textarea[name=body]`, "{{payload.")
	b.eventually(`document.querySelector("#names:not([hidden])") !== null && document.querySelector("#problems li.error") !== null`)
	run(b, chromedp.Evaluate[bool](`document.querySelectorAll("details").forEach(d => d.open = true); true`))
	b.audit("with an error", string(axe))
}

// Enter and Tab alone lead through the form, and the button that they come to saves.
func TestBrowser_Keyboard(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	s := w.editor(acme)
	b.do(chromedp.Navigate(s.url + "webhooks/new"))
	focused := func() string {
		return run(b, chromedp.Evaluate[string](`document.activeElement.name || document.activeElement.id || document.activeElement.textContent.trim()`))
	}
	seen := []string{}
	for range 40 {
		b.do(chromedp.KeyEvent("\t"))
		name := focused()
		seen = append(seen, name)
		switch name {
		case "name":
			b.insert("By keyboard")
		case "url":
			run(b, chromedp.Evaluate[bool](`(() => { document.activeElement.select(); return true; })()`))
			b.insert(w.receiver.URL + "/ok")
		case "save":
			b.do(chromedp.KeyEvent("\r"), chromedp.WaitVisible(css(`.note`)))
			require.Contains(t, b.text(".note"), "The webhook was created")
			require.Equal(t, "Skip to the content", seen[0])
			return
		}
	}
	require.Fail(t, "the button was not reached", strings.Join(seen, ", "))
}
