package panel_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// A browser is a page in Chromium that must have nothing to complain of.
type browser struct {
	t   testing.TB
	ctx context.Context
	// expected are parts of what the browser says on the console of the answers that a test
	// provokes.
	expected []string
}

// newBrowser starts Chromium, or skips the test where there is none.
func newBrowser(t testing.TB) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no chromium here: the pages are not tested in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(ctx)
	require.NoError(t, chromedp.Do(ctx))
	b := &browser{t: t, ctx: ctx}
	messages := chromedp.Console(ctx)
	ended := make(chan struct{})
	var issues []string
	go func() {
		defer close(ended)
		for message, err := range messages {
			if err != nil {
				return
			}
			issues = append(issues, message.String())
		}
	}()
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		end()
		stop()
		<-ended
		issues = slices.DeleteFunc(issues, func(text string) bool {
			return slices.ContainsFunc(b.expected, func(part string) bool { return strings.Contains(text, part) })
		})
		require.Empty(t, issues, "messages on the console")
	})
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, steps...))
}

// run runs a step that has a result.
func run[T any](b *browser, step chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	result, err := chromedp.Run(ctx, step)
	require.NoError(b.t, err)
	return result
}

// css is a selector.
type css = chromedp.CSS

// text returns the text that is seen of an element.
func (b *browser) text(selector css) string {
	b.t.Helper()
	return run(b, chromedp.Text(selector))
}

// look takes pictures of the page as it is, wide and narrow, light and dark, for people to
// look at. They go to the folder RINGHOOK_SCREENSHOTS, or nowhere. It returns how much the
// narrow page is too wide, in pixels.
func (b *browser) look(name string) {
	b.t.Helper()
	folder := os.Getenv("RINGHOOK_SCREENSHOTS")
	for _, width := range []int64{1280, 390, 360} {
		for _, scheme := range []string{"light", "dark"} {
			b.do(chromedp.EmulateViewport(width, 800))
			_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			require.NoError(b.t, err)
			wider := run(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
			require.LessOrEqual(b.t, wider, 0, "%s is too wide at %d", name, width)
			if folder == "" || width == 360 {
				continue
			}
			picture := run(b, chromedp.FullScreenshot(100))
			require.NoError(b.t, os.MkdirAll(folder, 0o700))
			file := filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme))
			require.NoError(b.t, os.WriteFile(file, picture, 0o600))
		}
	}
	b.do(chromedp.EmulateViewport(1280, 800))
}

func TestBrowser_Deliveries(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	ok, gone := w.hook("acme", "/ok"), w.hook("acme", "/gone")
	broken := w.hook("acme", "/broken", func(h *webhook.Webhook) {
		h.Name, h.Policy = "Help desk", &webhook.Policy{Attempts: 2, Waits: []time.Duration{time.Second}}
		h.Body = `{"ticket": "{{payload.id}}", "caller": "{{payload.to}}", "text": "{{payload.text}}"}`
	})
	for i := range 12 {
		w.dispatch(ok, fmt.Sprintf("good-%d", i), "{}", durable.StateDelivered)
	}
	w.answer.Store(`{"error": "<b>no such lead</b>", "trace": "f3a1"}`)
	w.dispatch(broken, "bad-1", `{"id": "c-77", "to": "919019912345", "text": "Call me back"}`, durable.StateFailed)
	w.dispatch(gone, "gone-1", "{}", durable.StateFailed)
	w.pause(ok)
	w.dispatch(ok, "held-1", "{}", durable.StatePending)
	s := w.site(acme)
	b.do(chromedp.Navigate(s.url))
	b.look("overview")
	b.do(chromedp.Navigate(s.url + "deliveries"))
	b.look("deliveries")
	b.do(chromedp.Click(css(`th .all`)))
	require.Equal(t, 15, run(b, chromedp.Evaluate[int](`document.querySelectorAll("td.tick :checked").length`)))
	b.do(chromedp.Click(css(`th .all`)))
	b.do(
		chromedp.Click(css(`tr[data-id="bad-1"] button[formaction$="/resend"]`)),
		chromedp.WaitVisible(css(`.note`)),
	)
	require.Equal(t, "1 delivery is sent again.", b.text(".note"))
	w.await("bad-1", durable.StateFailed)
	b.do(chromedp.Click(css(`tr[data-id="bad-1"] a`)), chromedp.WaitVisible(css(`.line`)))
	require.Contains(t, b.text(".line"), "<b>no such lead</b>")
	b.look("delivery")
	b.do(chromedp.Navigate(s.url + "resend"))
	b.look("resend")
}

// Another one's browser sees what happens without being asked.
func TestBrowser_Live(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	ok := w.hook("acme", "/ok")
	w.dispatch(ok, "first", "{}", durable.StateDelivered)
	w.pause(ok)
	s := w.site(acme)
	b.do(chromedp.Navigate(s.url), chromedp.Click(css(`#traffic summary`)))
	run(b, chromedp.Evaluate[bool](`window.same = document.querySelector("#figures"); document.activeElement.blur(); true`))
	w.dispatch(ok, "early", "{}", durable.StatePending)
	b.eventually(`document.querySelector("#figures .card:last-child .figure").textContent === "1"`)
	require.True(t, run(b, chromedp.Evaluate[bool](`window.same === document.querySelector("#figures") && document.querySelector("#traffic details").open`)),
		"the page stays as it was but for what changed")
	b.do(chromedp.Navigate(s.url+"deliveries"), chromedp.WaitVisible(css(`.live[aria-pressed="true"]`)))
	w.dispatch(ok, "second", "{}", durable.StatePending)
	b.do(chromedp.WaitVisible(css(`tbody tr[data-id="second"]:first-child .pending`)))
	require.NoError(t, w.hooks.Enable(t.Context(), ok.ID, ""))
	b.do(chromedp.WaitVisible(css(`tbody tr[data-id="second"]:first-child .delivered`)))
	b.do(chromedp.Click(css(`.live`)), chromedp.WaitVisible(css(`.live[aria-pressed="false"]`)))

	w.pause(ok)
	w.dispatch(ok, "third", "{}", durable.StatePending)
	b.do(chromedp.Navigate(s.url+"deliveries/third"), chromedp.WaitVisible(css(`.verdict .pending`)))
	require.NoError(t, w.hooks.Enable(t.Context(), ok.ID, ""))
	b.do(chromedp.WaitVisible(css(`.verdict .delivered`)))
}

// A body of 1 MiB does not freeze the page: it shows the beginning.
func TestBrowser_LargeBody(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	w := newWorld(t)
	hook := w.hook("acme", "/broken")
	w.dispatch(hook, "large", `{"text":"`+strings.Repeat("é<b> ", (1<<20-20)/6)+`"}`, durable.StateFailed)
	s := w.site(acme)
	require.Less(t, len(s.get("deliveries/large").body), 500_000)
	b.do(chromedp.Navigate(s.url + "deliveries/large"))
	require.Contains(t, b.text("main"), "goes on: this is its beginning.")
	b.do(chromedp.Click(css(`section:last-of-type summary`)), chromedp.WaitVisible(css(`section:last-of-type details pre`)))
	b.plain("large body")
	require.Greater(t, len(s.send("GET", "deliveries/large", "").body), 1<<20, "all of it")
}
