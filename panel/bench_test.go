package panel_test

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
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

// What a viewer costs while nothing happens: the memory of the server, with its connection, for each
// of the 200 that there may be, who look at the list in five windows each.
func BenchmarkLive_Memory(b *testing.B) {
	w := newWorld(b)
	hook := w.hook("acme", "/ok")
	require.NoError(b, w.hooks.Pause(b.Context(), hook.ID, "later"))
	for i := range 50 {
		w.dispatch(hook, fmt.Sprintf("m-%d", i), "{}", durable.StatePending)
	}
	const viewers = 200
	for b.Loop() {
		s := serve(b, panel.Config{
			Open: panel.Open(w.engine, w.hooks), Logger: quiet,
			Authorize: func(r *http.Request) (panel.Access, error) {
				return panel.Access{Actor: r.Header.Get("Actor"), Tenant: "acme", May: everything}, nil
			},
		})
		address, err := url.Parse(s.url)
		require.NoError(b, err)
		before := inUse()
		var connections []net.Conn
		for i := range viewers {
			connection, err := new(net.Dialer).DialContext(b.Context(), "tcp", address.Host)
			require.NoError(b, err)
			_, err = fmt.Fprintf(connection, "GET %slive HTTP/1.1\r\nHost: x\r\nActor: %d\r\n\r\n", address.Path, i/5)
			require.NoError(b, err)
			connections = append(connections, connection)
		}
		for _, connection := range connections { // until each has the list
			lines := bufio.NewReader(connection)
			for line := ""; !strings.HasPrefix(line, "data: "); {
				line, err = lines.ReadString('\n')
				require.NoError(b, err)
				require.NotContains(b, line, "503")
			}
		}
		b.ReportMetric(float64(inUse()-before)/viewers/1000, "kB/viewer")
		for _, connection := range connections {
			require.NoError(b, connection.Close())
		}
		s.stop()
	}
}

// inUse is how much memory of the heap and of stacks is in use.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc) + int64(stats.StackInuse)
}
