package panel_test

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// From the press of a key to the underline and the request beside it. It reports the median
// and the 95th percentile, in milliseconds; most of it is the wait for the next key.
func BenchmarkBrowser_KeyPress(b *testing.B) {
	page := newBrowser(b)
	w := newWorld(b)
	page.do(chromedp.Navigate(w.editor(acme).url + "webhooks/new"))
	page.value(`textarea[name=url]`, w.receiver.URL+"/ok")
	page.value(`textarea[name=body]`, `{"to": "{{payload.mobile}}", "n": "`)
	page.eventually(`document.querySelector("#problems li.error") !== null`)
	run(page, chromedp.Evaluate[bool](`window.took = []; window.began = 0;
		document.addEventListener("input", () => { window.began = performance.now(); }, true);
		document.getElementById("compose").addEventListener("checked", () => { window.took.push(performance.now() - window.began); }); true`))
	for i := 0; b.Loop(); i++ {
		page.insert("x")
		page.eventually(fmt.Sprintf(`window.took.length > %d`, i))
	}
	took := run(page, chromedp.Evaluate[[]float64](`window.took`))
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], "ms-p50")
	b.ReportMetric(took[len(took)*95/100], "ms-p95")
}

// What pages take on the server with RINGHOOK_ROWS deliveries, 10,000 if that is not set. To
// make a million takes some minutes.
func BenchmarkPages(b *testing.B) {
	rows, err := strconv.Atoi(cmp.Or(os.Getenv("RINGHOOK_ROWS"), "10000"))
	require.NoError(b, err)
	w := newWorld(b)
	hook := w.hook("acme", "/ok")
	require.NoError(b, w.hooks.Pause(b.Context(), hook.ID, "later"))
	const batch = 1000
	for i := 0; i < rows; i += batch {
		messages := make([]*webhook.Message, 0, batch)
		for j := range batch {
			n := i + j
			messages = append(messages, &webhook.Message{
				ID: fmt.Sprintf("m-%07d", n), WebhookID: hook.ID, Event: "call.ended", Method: "POST", URL: w.receiver.URL + "/ok",
				Body: []byte(`{}`), Refs: []string{fmt.Sprintf("c-%07d", n), fmt.Sprintf("9190%08d", n%5000)},
			})
		}
		require.NoError(b, w.queue.SendAll(b.Context(), messages...))
	}
	s := w.editor(acme)
	middle := fmt.Sprintf("m-%07d", rows/2)
	for _, page := range []struct{ name, path, search string }{
		{"Overview", "", ""},
		{"Deliveries", "deliveries", ""},
		{"Failed", "deliveries?state=failed", ""},
		{"Webhook", "deliveries?webhook=" + hook.ID, ""},
		{"Delivery", "deliveries/" + middle, ""},
		{"SearchID", "search", middle},
		{"SearchCall", "search", fmt.Sprintf("c-%07d", rows/3)},
		{"SearchNumber", "search", "919000000123"},
		{"SearchNothing", "search", "919999999999"},
		{"Webhooks", "webhooks", ""},
		{"Compose", "webhooks/" + hook.ID, ""},
	} {
		b.Run(page.name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				var a answer
				if page.search != "" {
					a = s.post(page.path, map[string][]string{"q": {page.search}})
				} else {
					a = s.get(page.path)
				}
				require.Equal(b, http.StatusOK, a.status, a.body)
				size = len(a.body)
			}
			b.ReportMetric(float64(size)/1000, "kB")
			b.ReportMetric(float64(b.Elapsed())/float64(time.Millisecond)/float64(b.N), "ms/op")
		})
	}
}
