package panel_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
)

// pieces packs texts into as few of a size as they fit in, so that each is in one of them; what
// is longer than a piece is cut. Where the text goes there are no NULs.
func pieces(texts []string, size int) []string {
	var all []string
	last := ""
	for _, text := range texts {
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
		text = strings.ToValidUTF8(text[:min(len(text), size)], "")
		if last != "" && len(last)+1+len(text) > size {
			all, last = append(all, last), ""
		}
		last = strings.TrimSpace(last + " " + text)
	}
	return append(all, last)
}

// line is a text without what a line cannot have.
func line(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !utf8.ValidRune(r) {
			return ' '
		}
		return r
	}, text)
}

// A naughtyWorld has hostile texts in all that is stored: each of the corpus in each field,
// cut to what fits there.
type naughtyWorld struct {
	*world
	tags, names, texts []string // of 128, 1000 and 2000 bytes
	hooks              []durable.Definition
	deliveries         []string
}

func newNaughtyWorld(t *testing.T) *naughtyWorld {
	t.Helper()
	strs := naughtyStrings(t)
	w := &naughtyWorld{world: newWorld(t), tags: pieces(strs, 128), names: pieces(strs, 1000), texts: pieces(strs, 2000)}
	receiver := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		i, _ := strconv.Atoi(r.Header.Get("X-Number"))
		out.Header().Set("Location", line(w.names[i%len(w.names)]))
		out.Header().Set("Server", line(w.tags[i%len(w.tags)]))
		out.WriteHeader(http.StatusFound)
		_, _ = out.Write([]byte(w.texts[i%len(w.texts)]))
	}))
	t.Cleanup(receiver.Close)
	plain := strings.NewReplacer("{", "(", "@<", "@(") // no template
	for i, tag := range w.tags {
		tenant, err := w.world.hooks.Tenant(tag)
		require.NoError(t, err)
		ctx := durable.WithActor(t.Context(), w.tags[(i+1)%len(w.tags)])
		text := w.texts[i%len(w.texts)]
		body, err := json.Marshal(plain.Replace(text))
		require.NoError(t, err)
		hook, err := tenant.Create(ctx, webhook.Webhook{
			Name: text, URL: receiver.URL + "/?id=" + url.QueryEscape(plain.Replace(text)),
			Headers: map[string]string{"X-Number": strconv.Itoa(i), "X-Text": line(plain.Replace(text))},
			Body:    `{"text": ` + string(body) + `}`, Policy: &webhook.Policy{Attempts: 1},
		})
		require.NoError(t, err, "%q", tag)
		id := fmt.Sprintf("d-%d", i)
		event, err := json.Marshal(map[string]string{tag: text})
		require.NoError(t, err)
		require.NoError(t, w.world.hooks.DispatchID(ctx, hook.ID, id, webhook.RawEvent{Type: tag, JSON: event}))
		w.hooks, w.deliveries = append(w.hooks, hook), append(w.deliveries, id)
	}
	for i, hook := range w.hooks {
		w.await(w.deliveries[i], durable.StateFailed)
		ctx := durable.WithActor(t.Context(), w.tags[i])
		set := w.world.hooks.Pause
		if i%2 == 0 {
			set = w.world.hooks.Disable
		}
		require.NoError(t, set(ctx, hook.ID, w.names[i%len(w.names)]))
	}
	return w
}

// panel serves it to whoever access says, with sample events of hostile names and values.
func (w *naughtyWorld) panel(access *atomic.Pointer[panel.Access]) *site {
	var events []webhook.Event
	for i := 0; i < len(w.tags); i += 20 {
		members := map[string]string{}
		for j := i; j < min(i+20, len(w.tags)); j++ {
			members[w.tags[j]] = w.names[j%len(w.names)]
		}
		text, err := json.Marshal(members)
		require.NoError(w.t, err)
		events = append(events, webhook.RawEvent{Type: w.tags[i], JSON: text})
	}
	return serve(w.t, panel.Config{
		Open:      panel.Open[*sql.Tx](w.engine, w.world.hooks),
		Authorize: func(*http.Request) (panel.Access, error) { return *access.Load(), nil },
		Queue:     w.queue, Client: w.client, Samples: events, Brand: panel.Brand{Name: w.tags[len(w.tags)/2]},
		Logger: quiet,
	})
}

// wrong says what on a page is not as it should be, at the width that it has: markup that is not
// the panel's, or what sticks out of the page, or of what it is in. Words that cannot be broken
// may, where they are cut off.
const wrong = `(() => {
	const page = document.documentElement;
	const tell = e => e.tagName + "." + e.className + " in " + (e.parentElement?.className ?? "") + ": " + e.textContent.trim().slice(0, 60);
	if (page.scrollWidth > page.clientWidth) {
		const widest = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > page.clientWidth + 1);
		return "wider than the page by " + (page.scrollWidth - page.clientWidth) + ": " + widest.slice(-3).map(tell).join(" | ");
	}
	for (const e of document.querySelectorAll("*")) {
		if (e.matches("iframe, object, embed, img, style, base, audio, video, script:not([src*='assets/'])")) return "not ours: " + tell(e);
		for (const a of e.attributes) if (a.name.startsWith("on") || /^\s*(javascript|data):/i.test(a.value) && /^(href|src|action|formaction)$/.test(a.name)) return a.name + " of " + tell(e);
	}
	for (const box of document.querySelectorAll(".card, .note, .top, .head")) {
		const edge = box.getBoundingClientRect();
		for (const e of box.querySelectorAll("*")) {
			const at = e.getBoundingClientRect();
			if (at.right <= edge.right + 1 && at.left >= edge.left - 1 || !at.width || getComputedStyle(e).display === "inline" || e.closest("svg")) continue;
			let cut = false;
			for (let up = e.parentElement; up !== box; up = up.parentElement) cut ||= getComputedStyle(up).overflowX !== "visible";
			if (!cut) return "out of ." + box.className + " by " + (at.right - edge.right) + ": " + tell(e);
		}
	}
	return "";
})()`

// plain requires that a page is as it should be, on wide and narrow screens.
func (b *browser) plain(name string) {
	b.t.Helper()
	for _, width := range []int64{390, 1280} {
		b.do(chromedp.EmulateViewport(width, 800))
		require.Empty(b.t, run(b, chromedp.Evaluate[string](wrong)), "%s, %d", name, width)
	}
}

// Whatever is in whatever field is text, and within its place: no script runs, which the browser
// would complain of, and no page is too wide.
func TestBrowser_Naughty(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newNaughtyWorld(t)
	var access atomic.Pointer[panel.Access]
	access.Store(&operator)
	s := w.panel(&access)
	visit := func(path string) {
		t.Helper()
		b.do(chromedp.Navigate(s.url + path))
		b.plain(path)
	}
	visit("")
	visit("reference")
	for _, first := range []string{"deliveries", "webhooks"} {
		for path, n := first, 0; path != ""; n++ {
			visit(path)
			path = run(b, chromedp.Evaluate[string](`document.querySelector("a[rel=next]")?.getAttribute("href") ?? ""`))
			require.Less(t, n, 10)
		}
	}
	for i := range w.texts {
		if visit("deliveries/" + w.deliveries[i]); i%2 == 0 {
			visit("webhooks/" + w.hooks[i].ID)
		}
	}
	for i := 0; i < len(w.tags); i += 40 {
		visit("webhooks/" + w.hooks[i].ID + "/delete")
		visit("webhooks/" + w.hooks[i].ID + "/secrets")
		who := panel.Access{Actor: w.tags[i], Tenant: w.tags[i], May: everything}
		access.Store(&who)
		visit("deliveries?state=failed")
		access.Store(&operator)
		visit("deliveries?webhook=" + w.hooks[i].ID + "&event=" + url.QueryEscape(w.tags[i]) + "&tenant=" + url.QueryEscape(w.tags[i]))
		visit("webhooks?text=" + url.QueryEscape(w.tags[i]) + "&tenant=" + url.QueryEscape(w.tags[i]))
	}

	w.tryForm(b, s)
}

// tryForm looks at the form, and at what is said of what is in it.
func (w *naughtyWorld) tryForm(b *browser, s *site) {
	t := w.t
	fill := func(i int) {
		t.Helper()
		values, err := json.Marshal(map[string]string{
			"name": w.texts[(i+1)%len(w.texts)], "url": "https://example.com/" + w.tags[i%len(w.tags)], "header_name": w.tags[(i+1)%len(w.tags)],
			"header_value": w.texts[(i+2)%len(w.texts)], "body": w.texts[i%len(w.texts)], "when": w.tags[(i+2)%len(w.tags)],
			"success": w.tags[(i+3)%len(w.tags)], "waits": w.tags[(i+4)%len(w.tags)],
		})
		require.NoError(t, err)
		run(b, chromedp.Evaluate[bool](`(() => {
			window.checked = false;
			const form = document.getElementById("compose");
			form.addEventListener("checked", () => { window.checked = true; });
			for (const [name, value] of Object.entries(`+string(values)+`)) form.querySelector("[name=" + name + "]").value = value;
			form.querySelector("[name=body]").dispatchEvent(new Event("input", {bubbles: true}));
			return true;
		})()`))
		b.eventually("window.checked")
	}
	for i := 0; i < len(w.tags); i += 40 {
		hook := "webhooks/" + w.hooks[i].ID
		b.do(chromedp.Navigate(s.url + hook))
		fill(i)
		b.plain("form, live")
		b.do(chromedp.Click(css(`button[formaction$="/preview"]:not([tabindex])`)))
		b.eventually(`!window.checked && document.querySelectorAll("#problems li").length > 0`)
		b.plain("form, checked")

		// What is stored, changed by another one meanwhile, tried on the last event, and tested.
		stored, err := w.world.hooks.Get(t.Context(), w.hooks[i].ID)
		require.NoError(t, err)
		stored.Name = w.names[(i+5)%len(w.names)]
		_, err = w.world.hooks.Update(durable.WithActor(t.Context(), w.tags[i]), stored.Webhook, stored.Version)
		require.NoError(t, err)
		b.do(chromedp.Navigate(s.url + hook))
		run(b, chromedp.Evaluate[bool](`document.querySelectorAll("details").forEach(d => d.open = true); true`))
		b.plain("versions")
		b.value(`input[name=name]`, "A name of a usual length")
		b.value(`textarea[name=body]`, `{"v": 2}`)
		b.do(chromedp.Click(css(`button[formaction$="/compare"]`)), chromedp.WaitVisible(css(`#comparison`)))
		b.plain("compare")
		b.do(chromedp.Click(css(`form[action$="/test"] button`)), chromedp.WaitVisible(css(`#test`)))
		b.plain("test")
	}
}
