package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"text/template"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/payload"
)

// seedWebhook has the templates of the documents: a URL with two placeholders, a header
// with one, a JSON body with four.
var seedWebhook = webhook.Webhook{
	ID:      "dd4b91af-167d-48e6-901d-ae181ff6e80d",
	URL:     "https://www.domain.com/ack/receive?id=@{{payload.id}}&status=@{{payload.status}}",
	Headers: map[string]string{"X-Message": "message @{{payload.id}}"},
	Body: `{
      "id": "@{{payload.id}}",
      "mobile": "@{{payload.mobile}}",
      "message_status": "@{{payload.status}}",
      "read_at": "@{{payload.read_at}}"
    }`,
}

// filteredWebhook returns seedWebhook with a filter on each placeholder.
func filteredWebhook() webhook.Webhook {
	w := seedWebhook
	w.URL = strings.NewReplacer("payload.id}}", "payload.id | slice: -10}}", "status}}", "status | upcase}}").Replace(w.URL)
	w.Headers = map[string]string{"X-Message": "message @{{payload.id | slice: -10}}"}
	w.Body = strings.NewReplacer("id}}", "id | slice: -10}}", "mobile}}", "mobile | slice: -10}}", "status}}", "status | upcase}}",
		"read_at}}", "read_at | default: 'x'}}").Replace(w.Body)
	return w
}

var seedStatus = payload.MessageStatus{
	Event:       "whatsapp:message:status",
	ID:          "a418d672-9781-4d97-b517-a56f7d95ad8a",
	Channel:     payload.ChannelWhatsApp,
	From:        payload.PhoneString("919019120120"),
	To:          payload.PhoneString("919019912345"),
	Status:      payload.StatusRead,
	ReadAt:      payload.TimeInstant(time.Date(2021, 6, 18, 14, 48, 6, 886358000, time.UTC)),
	DeliveredAt: payload.TimeInstant(time.Date(2021, 6, 18, 14, 48, 5, 886358000, time.UTC)),
	ForeignID:   "your-business-identifier",
}

// appendByHand renders seedWebhook as code for it alone would, with the same escapes.
func appendByHand(dst []byte, s *payload.MessageStatus) []byte {
	dst = append(dst, "https://www.domain.com/ack/receive?id="...)
	dst = escape.AppendURL(dst, s.ID)
	dst = append(dst, "&status="...)
	dst = escape.AppendURL(dst, string(s.Status))
	dst = append(dst, "message "...)
	dst = escape.AppendHeader(dst, s.ID)
	return appendBodyByHand(dst, s)
}

func appendBodyByHand(dst []byte, s *payload.MessageStatus) []byte {
	dst = append(dst, "{\n      \"id\": \""...)
	dst = rawjson.AppendEscaped(dst, s.ID)
	dst = append(dst, "\",\n      \"mobile\": \""...)
	dst = rawjson.AppendEscaped(dst, s.To.String())
	dst = append(dst, "\",\n      \"message_status\": \""...)
	dst = rawjson.AppendEscaped(dst, string(s.Status))
	dst = append(dst, "\",\n      \"read_at\": \""...)
	dst = rawjson.AppendEscaped(dst, s.ReadAt.String())
	return append(dst, "\"\n    }"...)
}

// textTemplates returns seedWebhook for text/template, with the escaping functions of the
// standard library.
func textTemplates(tb testing.TB) []*template.Template {
	funcs := template.FuncMap{
		"url": func(v any) string { return url.QueryEscape(fmt.Sprint(v)) },
		"header": func(v any) string {
			return strings.Map(func(r rune) rune {
				if unicode.IsControl(r) {
					return ' '
				}
				return r
			}, fmt.Sprint(v))
		},
		"json": func(v any) (string, error) {
			b, err := json.Marshal(fmt.Sprint(v))
			return string(b[1 : len(b)-1]), err
		},
	}
	var ts []*template.Template
	for _, text := range []string{
		"https://www.domain.com/ack/receive?id={{.ID | url}}&status={{.Status | url}}",
		"message {{.ID | header}}",
		strings.NewReplacer("@{{payload.id}}", "{{.ID | json}}", "@{{payload.mobile}}", "{{.To | json}}",
			"@{{payload.status}}", "{{.Status | json}}", "@{{payload.read_at}}", "{{.ReadAt | json}}").Replace(seedWebhook.Body),
	} {
		t, err := template.New("").Funcs(funcs).Parse(text)
		require.NoError(tb, err)
		ts = append(ts, t)
	}
	return ts
}

// BenchmarkComposer_Compose compares Compose with appending by hand and with
// text/template. The two of a pair take turns within one run, A B B A. The metric is
// the median of the pairs' ratios of time, and self is that of the reference against
// itself: outside 0.95 to 1.05 the run is not usable.
func BenchmarkComposer_Compose(b *testing.B) {
	c := webhook.MustCompile(seedWebhook, seedStatus)
	withFilters := webhook.MustCompile(filteredWebhook(), seedStatus)
	texts := textTemplates(b)
	var event webhook.Event = &seedStatus
	buf := make([]byte, 0, 4096)
	ours := func() { buf, _ = webhook.AppendRequest(c, buf[:0], event) }
	ourBody := func() { buf, _ = webhook.AppendBody(c, buf[:0], event) }
	filters := func() { buf, _ = webhook.AppendRequest(withFilters, buf[:0], event) }
	byHand := func() { buf = appendByHand(buf[:0], &seedStatus) }
	bodyByHand := func() { buf = appendBodyByHand(buf[:0], &seedStatus) }
	byText := func() {
		w := bytes.NewBuffer(buf[:0])
		for _, t := range texts {
			_ = t.Execute(w, &seedStatus)
		}
	}
	whole := func() { _, _ = c.Compose(event) }
	for _, pair := range []struct {
		name      string
		f, to     func()
		perMetric string
	}{
		{"request/hand", ours, byHand, "x-hand"},
		{"body/hand", ourBody, bodyByHand, "x-hand"},
		{"whole/hand", whole, byHand, "x-hand"},
		{"filters/request", filters, ours, "x-ours"},
		{"text-template/request", byText, ours, "x-ours"},
		{"text-template/whole", byText, whole, "x-ours"},
	} {
		b.Run(pair.name, func(b *testing.B) {
			var ratios, self []float64
			for b.Loop() {
				f1, r1, r2, f2 := cost(pair.f), cost(pair.to), cost(pair.to), cost(pair.f)
				ratios = append(ratios, (f1+f2)/(r1+r2))
				self = append(self, r1/r2)
			}
			b.ReportMetric(median(ratios), pair.perMetric)
			b.ReportMetric(median(self), "self")
		})
	}
	for name, f := range map[string]func(){"request": ours, "body": ourBody, "whole": whole, "hand": byHand, "filters": filters} {
		b.Run("allocs/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}

// cost returns the time of one call of f, measured for about a millisecond.
func cost(f func()) float64 {
	const calls = 1000
	start := time.Now()
	for range calls {
		f()
	}
	return float64(time.Since(start))
}

// Filters allocate their results, here the two texts in upper case. The result of slice
// is part of the value.
func TestComposer_FilterAllocations(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	if raceEnabled {
		t.Skip("the race detector makes pools drop what they hold")
	}
	c := webhook.MustCompile(filteredWebhook(), seedStatus)
	var event webhook.Event = &seedStatus
	buf, err := webhook.AppendRequest(c, nil, event)
	require.NoError(t, err)
	require.Equal(t, "https://www.domain.com/ack/receive?id=6f7d95ad8a&status=READmessage 6f7d95ad8a"+
		"{\n      \"id\": \"6f7d95ad8a\",\n      \"mobile\": \"9019912345\",\n      \"message_status\": \"READ\",\n"+
		"      \"read_at\": \"2021-06-18T14:48:06.886358Z\"\n    }", string(buf))
	allocs := testing.AllocsPerRun(1000, func() { buf, err = webhook.AppendRequest(c, buf[:0], event) })
	require.NoError(t, err)
	require.LessOrEqual(t, allocs, 2.0)
}

func TestComposer_Allocations(t *testing.T) { //nolint:paralleltest // counts the allocations of the process
	if raceEnabled {
		t.Skip("the race detector makes pools drop what they hold")
	}
	c := webhook.MustCompile(seedWebhook, seedStatus)
	want := appendBodyByHand(nil, &seedStatus)
	for name, event := range map[string]webhook.Event{"pointer": &seedStatus, "value": seedStatus} {
		buf := make([]byte, 0, 4096)
		var err error
		body := testing.AllocsPerRun(1000, func() { buf, err = webhook.AppendBody(c, buf[:0], event) })
		require.NoError(t, err, name)
		require.Equal(t, string(want), string(buf), name)
		require.Zero(t, body, name)
		whole := testing.AllocsPerRun(1000, func() { _, err = c.Compose(event) })
		require.NoError(t, err, name)
		require.LessOrEqual(t, whole, 6.0, name)
	}
}
