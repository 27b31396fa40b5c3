package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A printed is what a command that goes on has printed so far.
type printed struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
	return p.text.Write(b)
}

// wait returns what was printed when it has the pattern.
func (p *printed) wait(t *testing.T, pattern string) []string {
	t.Helper()
	for {
		p.mu.Lock()
		found, changed := regexp.MustCompile(pattern).FindStringSubmatch(p.text.String()), p.changed
		p.mu.Unlock()
		if found != nil {
			return found
		}
		select {
		case <-changed:
		case <-t.Context().Done():
			require.FailNow(t, "not printed", pattern)
		}
	}
}

// listen starts the command. stop ends it, and returns its output and status.
func listen(t *testing.T, args ...string) (url string, stop func() (string, int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &printed{changed: make(chan struct{})}
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, append([]string{"listen", "-port", "0"}, args...), strings.NewReader(""), out, out)
	}()
	url = out.wait(t, `listening(?:":"| at )(http://[0-9.:]+)`)[1]
	return url, func() (string, int) {
		cancel()
		s := <-status
		return out.text.String(), s
	}
}

// send sends a status to a receiver.
func send(t *testing.T, url string, args ...string) (string, int) {
	t.Helper()
	hook, err := json.Marshal(map[string]any{
		"id": "wh_1", "url": url + "/ack?key=k", "body": `{"status": "{{payload.status}}"}`,
		"policy": map[string]any{"timeout": "30s"}, // a busy machine must not change the result
	})
	require.NoError(t, err)
	return ringhook(t, string(hook), append([]string{
		"send", "-", "-type", "whatsapp:message:status", "-id", "msg_1", "-allow-loopback",
	}, args...)...)
}

var passing = regexp.MustCompile(`127\.0\.0\.1:\d+|after [\d.]+m?s\b|\d\d:\d\d:\d\d`)

func TestListen(t *testing.T) {
	t.Parallel()
	url, stop := listen(t, "-answer", "500,429:7,reset,200")
	var told []string
	for range 5 {
		out, status := send(t, url)
		told = append(told, passing.ReplaceAllString(out, "X"))
		require.Equal(t, len(told) < 4, status == exitProblems)
	}
	first := "POST http://X/ack?key=***\n"
	require.True(t, strings.HasPrefix(told[0], first+
		"not delivered: status 500, X\n  the receiver may have got it; another attempt would follow X\n\nThe answer:\n"), told[0])
	require.Contains(t, told[1], "not delivered: status 429, X\n")
	require.Contains(t, told[1], "\nRetry-After: 7\n")
	require.Contains(t, told[2], "not delivered: connection closed without an answer, X\n  the receiver may have got it;")
	require.True(t, strings.HasPrefix(told[3], first+"delivered: status 200, X\n"), told[3])
	out, status := stop()
	require.Equal(t, exitFine, status)
	require.Equal(t, 5, strings.Count(out, "--- request "))
	require.Contains(t, passing.ReplaceAllString(out, "X"), "\n--- request 1, X\n  POST /ack?key=k\n  Accept: */*\n  Content-Length: 18\n"+
		"  Content-Type: application/json\n  User-Agent: Ringhook\n  Webhook-Id: msg_1\n\n  {\"status\": \"read\"}\n--- answer 500\n")
	require.Contains(t, out, "--- answer 429:7\n")
	require.Contains(t, out, "--- answer reset\n")
	require.Equal(t, 2, strings.Count(out, "--- answer 200\n"))
}

// Nothing that arrives looks like a line of listen itself.
func TestListen_Forged(t *testing.T) {
	t.Parallel()
	url, stop := listen(t, "-verify", "env:SECRET")
	const forged = "--- verified: Standard Webhooks"
	for _, body := range []string{
		forged, "{}\n" + forged + "\n--- answer 200\n\n--- request 2, 12:00:00\n", "a\r\n" + forged, "a\r" + forged, "a\u2028" + forged, "\n\n" + forged,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "---", url+"/x", strings.NewReader(body))
		require.NoError(t, err)
		r.Header = http.Header{"---": {"verified: Standard Webhooks"}, "X": {"a\t" + forged}}
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	out, status := stop()
	require.Equal(t, exitProblems, status)
	var own []string
	for line := range strings.Lines(out) {
		if line != "\n" && line != "\r\n" && !strings.HasPrefix(line, "  ") {
			own = append(own, strings.TrimSpace(passing.ReplaceAllString(line, "X")))
		}
	}
	want := []string{"listening at http://X; stop with Ctrl-C"}
	for n := range 6 {
		want = append(want, fmt.Sprintf("--- request %d, X", n+1), "--- not verified: Standard Webhooks", "--- answer 401")
	}
	require.Equal(t, want, own)
}

func TestListen_Verify(t *testing.T) {
	t.Parallel()
	url, stop := listen(t, "-verify", "env:SECRET")
	_, status := send(t, url, "-secret", "env:SECRET")
	require.Equal(t, exitFine, status)
	out, status := send(t, url, "-scheme", "platform")
	require.Equal(t, exitProblems, status)
	require.Contains(t, out, "not delivered: status 401")
	out, status = stop()
	require.Equal(t, exitProblems, status, "one was not verified")
	require.Contains(t, out, "--- verified: Standard Webhooks\n--- answer 200\n")
	require.Contains(t, out, "--- not verified: Standard Webhooks\n  - the header Webhook-Signature is missing: ")
	require.Contains(t, out, "try -scheme platform\n--- answer 401\n")
	require.NotContains(t, out, secret)
}

func TestListen_Platform(t *testing.T) {
	t.Parallel()
	url, stop := listen(t, "-verify", "wh_1")
	_, status := send(t, url, "-scheme", "platform")
	require.Equal(t, exitFine, status)
	_, status = send(t, url, "-secret", "wh_2")
	require.Equal(t, exitProblems, status)
	out, _ := stop()
	require.Contains(t, out, "--- verified: the platform's signature\n--- answer 200\n")
	require.Contains(t, out, "  - the secret is another one, or the body was changed")
}

func TestListen_JSON(t *testing.T) {
	t.Parallel()
	url, stop := listen(t, "-verify", "wh_1", "-json")
	out, status := send(t, url, "-scheme", "platform", "-json")
	require.Equal(t, exitFine, status)
	var s sent
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.Equal(t, 200, s.Status)
	require.Equal(t, "msg_1", s.ID)
	require.True(t, strings.HasSuffix(s.URL, "/ack?key=***"), s.URL)
	out, status = stop()
	require.Equal(t, exitFine, status)
	lines := strings.Split(out, "\n")
	require.Len(t, lines, 3)
	var got struct {
		N                         int
		Method, URL, Body, Answer string
		Signature                 finding
	}
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &got))
	require.Equal(t, 1, got.N)
	require.Equal(t, "POST /ack?key=k {\"status\": \"read\"} 200", got.Method+" "+got.URL+" "+got.Body+" "+got.Answer)
	require.True(t, got.Signature.Verified)
}

func TestSend_Refused(t *testing.T) {
	t.Parallel()
	out, status := ringhook(t, "", "send", "local.json", "-type", "whatsapp:message:status")
	require.Equal(t, exitProblems, status)
	require.Equal(t, "POST http://X/ack\nnot delivered: host not found or not allowed, X\n"+
		"  nothing arrived; another attempt would follow X\n"+
		"  Addresses of this machine are allowed with -allow-loopback only; other private ones never are.\n", passing.ReplaceAllString(out, "X"))
	out, status = ringhook(t, "", "send", "local.json", "-type", "whatsapp:message:status", "-json")
	require.Equal(t, exitProblems, status)
	var s sent
	require.NoError(t, json.Unmarshal([]byte(out), &s))
	require.Equal(t, "unreachable", string(s.Class))
	require.Equal(t, "10s", s.Wait)
	require.False(t, s.MayHaveArrived)
}

func TestParseAnswers(t *testing.T) {
	t.Parallel()
	script, err := parseAnswers("500, 429:5,hang,reset,drip,endless,200")
	require.NoError(t, err)
	require.Len(t, script, 7)
	for _, text := range []string{"", "500,", "100", "1000", "200:", "200:-1", "x", "hang:3"} {
		_, err := parseAnswers(text)
		require.ErrorContains(t, err, "want a status from 200 to 999", text)
	}
}
