package webhook_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringhook/webhook"
)

// BenchmarkClient_Try compares Try with a bare net/http loop: one tuned transport each,
// the same request, the same deadline, the body read. The two take turns within one
// run, in the order A B B A, since the speed of a shared machine changes. x-bare is the
// median of the pairs' ratios of requests per second. bare-self is the same for the
// bare loop against itself: outside 0.9 to 1.1 the run is not usable. Each iteration is
// one pair; -benchtime 60x or more gives a steady median.
func BenchmarkClient_Try(b *testing.B) {
	url := benchReceiver(b)
	m := &webhook.Message{
		ID: "msg_bench", WebhookID: "wh", Event: "whatsapp:message:status", Method: http.MethodPost, URL: url,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"k"}},
		Body:   bytes.Repeat([]byte("0123456789"), 25),
	}
	client := &webhook.Client{Transport: webhook.NewTransport(loopback)}
	bare := &http.Transport{
		MaxIdleConnsPerHost: 256, WriteBufferSize: 16 << 10, DisableCompression: true,
		IdleConnTimeout: 90 * time.Second, // as DefaultTransport; its timer costs 1 %
	}
	defer client.CloseIdleConnections()
	defer bare.CloseIdleConnections()

	try := func() bool { return client.Try(b.Context(), m, 1).Err == nil }
	raw := func() bool { return bareTry(b.Context(), bare, m) == nil }
	for _, workers := range []int{1, 16, 64} {
		b.Run("workers="+strconv.Itoa(workers), func(b *testing.B) {
			rate(b, workers, try) // to warm up, with all connections open
			rate(b, workers, raw)
			var ratios, self []float64
			for b.Loop() {
				t1, r1 := rate(b, workers, try), rate(b, workers, raw)
				r2, t2 := rate(b, workers, raw), rate(b, workers, try)
				ratios = append(ratios, (t1+t2)/(r1+r2))
				self = append(self, r1/r2)
			}
			b.ReportMetric(median(ratios), "x-bare")
			b.ReportMetric(median(self), "bare-self")
		})
	}
	for name, f := range map[string]func() bool{"try": try, "bare": raw} {
		b.Run("allocs="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !f() {
					b.Fatal("not delivered")
				}
			}
		})
	}
}

// bareTry sends a message as one would without this library.
func bareTry(ctx context.Context, t *http.Transport, m *webhook.Message) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, m.Method, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", "k")
	req.Header.Set("Webhook-Id", m.ID)
	req.Header.Set("User-Agent", "Ringhook")
	resp, err := t.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

// rate runs f in several goroutines for a while and returns the calls per second.
func rate(b *testing.B, workers int, f func() bool) float64 {
	const slice = 50 * time.Millisecond
	var done atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range workers {
		wg.Go(func() {
			for time.Since(start) < slice {
				if !f() {
					b.Error("not delivered")
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func benchReceiver(b *testing.B) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	b.Cleanup(srv.Close)
	return srv.URL + "/hook?id=1"
}

// loopback is the Egress of tests: their receivers listen on loopback, on any port.
var loopback = webhook.Egress{
	Allow:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	AnyPort: true,
}
