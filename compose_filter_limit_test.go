package webhook_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// A filter's result is no longer than a body may be, and counts like any value.
func TestCompose_FilterLimits(t *testing.T) {
	t.Parallel()
	const mib = webhook.MaxOutputSize
	big := raw(`{"a":"` + strings.Repeat("x", mib-8) + `"}`)
	tests := []struct{ name, body, err string }{
		{"append", `"{{a|append:'123456789'}}"`, "webhook: body: offset 5: append: the result is longer than 1048576 bytes: over the limit"},
		{"replace", `[{{a|replace:'x','yz'|size}}]`, "webhook: body: offset 5: replace: the result is longer than 1048576 bytes: over the limit"},
		{"split", `[{{a|split:''|size}}]`, "webhook: body: offset 5: split: the result is longer than 1048576 bytes: over the limit"},
		{"growing", `[{{'x'` + strings.Repeat(`|replace:'x','xxxxxxxxxx'`, 7) + `|size}}]`, "webhook: body: offset 157: replace: the result is longer than 1048576 bytes: over the limit"},
		{"work", `[` + strings.Repeat(`{{a|upcase|downcase|size}},`, 8) + `1]`, "webhook: body: offset 48: all filters together read and write more than 8388608 bytes: over the limit"},
		{"together", `[{{a|upcase}},{{a|downcase}}]`, "webhook: body: offset 14: composed to more than 1048576 bytes: over the limit"},
		{"escapes", `"{{a|replace:'x','\"'}}"`, "webhook: body: offset 1: composed to more than 1048576 bytes: over the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := webhook.MustCompile(webhook.Webhook{URL: "https://h/", Body: tt.body})
			m, err := c.Compose(big)
			require.Nil(t, m)
			require.EqualError(t, err, tt.err)
			require.ErrorIs(t, err, webhook.ErrLimit)
			require.ErrorAs(t, err, new(*webhook.TemplateError))
		})
	}
	cut := compose(t, webhook.Webhook{
		Headers: map[string]string{"X": "{{a|replace:'x','é'|slice:0,5000}}"}, Body: "1",
	}, raw(`{"a":"`+strings.Repeat("x", 9000)+`"}`))
	require.Equal(t, strings.Repeat("é", webhook.MaxHeaderSize/2), cut.Header.Get("X"))
	_, err := webhook.MustCompile(webhook.Webhook{URL: "https://h/{{a|append:'y'}}"}).Compose(raw(`{"a":"` + strings.Repeat("x", 8192) + `"}`))
	require.ErrorIs(t, err, webhook.ErrLimit)
}

// Each result may be within the limits and the last one small, and all of them together
// may still be hours of work.
func TestCompose_FilterWork(t *testing.T) {
	t.Parallel()
	tag := "{{'x'" + strings.Repeat("|replace:'x','xxxxxxxxxxxxxxxx'", 5) +
		strings.Repeat("|replace:'x','y'|replace:'y','x'", 13) + "|size}}"
	headers := map[string]string{}
	for i := range webhook.MaxHeaders {
		headers[fmt.Sprintf("X-%d", i)] = strings.Repeat(tag, webhook.MaxPlaceholders/webhook.MaxHeaders)
	}
	c := webhook.MustCompile(webhook.Webhook{URL: "https://h/", Headers: headers})
	_, err := c.Compose(raw(`{}`))
	require.EqualError(t, err, "webhook: headers.X-0: offset 209: "+
		"all filters together read and write more than 8388608 bytes: over the limit")
	require.ErrorIs(t, err, webhook.ErrLimit)

	// So may the letters of dates, which take longer than other text.
	layouts := map[string]string{}
	for i := range webhook.MaxHeaders {
		layouts[fmt.Sprintf("X-%d", i)] = "{{'2021-04-09' | date_format: '" + strings.Repeat("L", 60_000) + "' | size}}"
	}
	_, err = webhook.MustCompile(webhook.Webhook{URL: "https://h/", Headers: layouts}).Compose(raw(`{}`))
	require.ErrorContains(t, err, "all filters together read and write more than 8388608 bytes: over the limit")

	// It is counted for each message: this one reads and writes 6 MiB and 2 bytes.
	value := strings.Repeat("x", webhook.MaxOutputSize-1)
	c = webhook.MustCompile(webhook.Webhook{URL: "https://h/", Body: `{{a|downcase|downcase|downcase|size}}`})
	for range 3 {
		m, err := c.Compose(raw(`{"a":"` + value + `"}`))
		require.NoError(t, err)
		require.Equal(t, "1048575", string(m.Body))
	}
}

// A text to look for that has the same hash as the text that is searched, at each of its
// bytes, is compared at each of them. The longest ones made ten seconds of work.
func TestCompose_FilterSearch(t *testing.T) {
	t.Parallel()
	collides := func(n int) string { return strings.Repeat("a", n-8) + "oVRVPfap" }
	long := "{{'" + strings.Repeat("a", 1000) + "' | replace: 'a', '" + strings.Repeat("a", 1000) + "'"
	refused := webhook.Webhook{URL: "https://h/", Headers: map[string]string{"X": long + " | replace: '" + collides(30_000) + "'}}"}}
	_, err := webhook.Compile(refused)
	var te *webhook.TemplateError
	require.ErrorAs(t, err, &te)
	require.ErrorIs(t, err, webhook.ErrLimit)
	require.Equal(t, "headers.X", te.Field)
	require.Equal(t, strings.Index(refused.Headers["X"], collides(30_000))-1, te.Offset)

	most := webhook.Webhook{URL: "https://h/", Headers: map[string]string{"X": long +
		strings.Repeat(" | replace: '"+collides(256)+"'", 3) + " | size}}"}}
	c := webhook.MustCompile(most)
	start := time.Now()
	m, err := c.Compose(raw(`{}`))
	require.NoError(t, err)
	require.Equal(t, "1000000", m.Header.Get("X"))
	require.Less(t, time.Since(start), 2*time.Second, "20 ms on a machine that does nothing else")
}

// What is compiled takes memory in proportion to the templates, whatever is in them.
func TestCompile_Memory(t *testing.T) { //nolint:paralleltest // counts the memory of the process
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	pairs := "|translate:0,0"
	for i := range 200 {
		pairs += fmt.Sprintf(",%d,0", i+1)
	}
	for _, filters := range []string{
		"", "|upcase", "|date:'%c'", "|json", pairs, "|plus:1", "|slice:1,2", "|date_format:'Y'", "|date_format:'Y','Asia/Gaza'", "|date_format:'Y','Europe/London'",
	} {
		webhook.MustCompile(webhook.Webhook{URL: "https://h/{{a" + filters + "}}"}) // what all webhooks share
		headers, size := map[string]string{}, uint64(0)
		for i := range webhook.MaxHeaders {
			source := strings.Repeat("{{a"+strings.Repeat(filters, 32)+"}}", webhook.MaxPlaceholders/webhook.MaxHeaders)
			if len(source) > webhook.MaxTemplateSize {
				source = "{{a" + strings.Repeat(filters, 32) + "}}"
			}
			headers[fmt.Sprintf("X-%d", i)] = source
			size += uint64(len(source))
		}
		before := heap()
		c := webhook.MustCompile(webhook.Webhook{URL: "https://h/", Headers: headers})
		after := heap()
		require.Less(t, after-min(before, after), 64*size+64<<10, "%s: %d bytes of templates", filters, size)
		runtime.KeepAlive(c)
	}
}
