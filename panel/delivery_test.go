package panel_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
)

func TestDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answer.Store(`<script>alert(1)</script> Bearer s3cr3t-t0ken`)
	hook := w.hook("acme", "/broken?to={{to}}&token=hush-hush", func(h *webhook.Webhook) {
		h.Name = "CRM <of> Acme"
		h.Body = `{"text": "{{text}}", "again": "s3cr3t-t0ken"}`
	})
	w.dispatch(hook, "bad-1", `{"to":"919019912345","text":"hello \u003cb\u003e"}`, durable.StateFailed)

	a := w.site(acme).get("deliveries/bad-1")
	require.Equal(t, http.StatusOK, a.status, a.body)
	for _, want := range []string{
		"The receiver answered 500", "Something fails at the receiver.", "CRM &lt;of&gt; Acme", "version 1",
		"/broken?to=919019912345&amp;token=***", "&lt;script&gt;alert(1)&lt;/script&gt; ***",
		`{&#34;text&#34;: &#34;hello &lt;b&gt;&#34;, &#34;again&#34;: &#34;***&#34;}`, `<h1 class="wide">call.ended</h1>`, "<dt>Authorization</dt><dd>***</dd>", "curl -q",
		`action="../deliveries/bad-1/resend"`, `action="../deliveries/bad-1/recompose"`, `href="../deliveries"`,
		`href="../webhooks/` + hook.ID + `"`, "What the server said about itself", "<dt>Server</dt><dd>crm/1.0 &lt;b&gt;</dd>",
		"<dt>X-Request-Id</dt><dd>r-77</dd>",
	} {
		require.Contains(t, a.body, want)
	}
	for _, hidden := range []string{"<script>alert", "s3cr3t-t0ken", "hush-hush"} {
		require.NotContains(t, a.body, hidden)
	}
	require.NotContains(t, a.body, "nothing was sent", "the receiver has it")

	// Without Bodies, and without Send.
	a = w.site(panel.Access{Tenant: "acme", May: panel.View}).get("deliveries/bad-1")
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Contains(t, a.body, "The receiver answered 500")
	require.Contains(t, a.body, w.receiver.URL+"/…")
	for _, hidden := range []string{"919019912345", "hello", "alert", "broken?", "curl", "<form", "crm/1.0", "r-77"} {
		require.NotContains(t, a.body, hidden)
	}
	require.Equal(t, http.StatusNotFound, w.site(globex).get("deliveries/bad-1").status)
}

// Each code of a failed attempt has a text, and a text in another language is used for it, in lists
// and on pages.
func TestDelivery_Codes(t *testing.T) {
	t.Parallel()
	english := panel.English()
	manual, err := os.ReadFile("../docs/problems.md")
	require.NoError(t, err)
	var documented, translated []string
	for _, code := range regexp.MustCompile("(?m)^\\| `delivery-([a-z0-9-]+)`").FindAllSubmatch(manual, -1) {
		documented = append(documented, string(code[1]))
	}
	for code := range english {
		if name, ok := strings.CutPrefix(code, "failed."); ok {
			translated = append(translated, name)
		}
	}
	require.NotEmpty(t, documented)
	require.ElementsMatch(t, documented, translated)

	w := newWorld(t)
	closed := httptest.NewServer(nil)
	closed.Close()
	send := func(id string, change func(*webhook.Webhook)) {
		w.dispatch(w.hook("acme", "/broken", change), id, "{}", durable.StateFailed)
	}
	send("status", func(*webhook.Webhook) {})
	send("unwanted", func(h *webhook.Webhook) { h.URL, h.Policy.Success = w.receiver.URL+"/ok", []int{204} })
	send("refused", func(h *webhook.Webhook) { h.URL = closed.URL })
	send("tls", func(h *webhook.Webhook) { h.URL = strings.Replace(w.receiver.URL, "http:", "https:", 1) })
	send("unreachable", func(h *webhook.Webhook) { h.URL = "https://nowhere.invalid/" })
	plain := w.site(acme)
	other := serve(t, panel.Config{
		Open: panel.Open(w.engine, w.hooks), Authorize: as(acme), Logger: quiet,
		Text: func(_, code string, args ...any) string {
			if _, known := english[code]; !known && !strings.HasPrefix(code, "failed.") {
				return ""
			}
			return strings.TrimSpace("~" + code + " " + fmt.Sprint(args...))
		},
	})
	tests := []struct{ id, text, code, class string }{
		{"status", "The receiver answered 500", "~failed.status 500", "~why.status 500"},
		{
			"unwanted", "The receiver answered 200, which this webhook does not count as delivered", "~failed.status-unwanted 200204",
			"~why.status 200",
		},
		{"refused", "The receiver refused the connection: nothing listens at this port", "~failed.refused", "~why.connect"},
		{"tls", "No secure connection to the receiver", "~failed.tls", "~why.tls"},
		{"unreachable", "The host was not found, or may not be sent to", "~failed.unreachable", "~why.unreachable"},
	}
	for _, tt := range tests {
		require.Contains(t, plain.get("deliveries/"+tt.id).body, tt.text, tt.id)
		page := other.get("deliveries/" + tt.id).body
		require.Contains(t, page, tt.code, tt.id)
		require.Contains(t, page, tt.class, tt.id)
		require.NotContains(t, page, tt.text, tt.id)
		require.Contains(t, other.get("deliveries").body, tt.class, tt.id)
	}
	a := plain.send("GET", "deliveries/refused", "")
	require.Contains(t, a.body, `"code":"delivery-refused"`)
	require.Contains(t, plain.send("GET", "deliveries/unwanted", "").body, `"args":["200","204"]`)
	require.Contains(t, plain.send("GET", "deliveries/status", "").body, `"X-Request-Id":["r-77"]`)
}

func TestDelivery_Recompose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/broken", func(h *webhook.Webhook) { h.Body = `{"n": {{payload.numbr}}}` })
	require.ErrorIs(t, w.hooks.DispatchID(t.Context(), hook.ID, "x", webhook.RawEvent{Type: "call.ended", JSON: []byte(`{"number":1}`)}),
		durable.ErrNotComposed)
	s := w.site(acme)
	a := s.get("deliveries/x")
	require.Contains(t, a.body, "The event could not be made into a request")
	require.Contains(t, a.body, "Mend the template of the webhook, then compose the event again.")
	require.NotContains(t, a.body, `/resend"`)
	require.Equal(t, http.StatusUnprocessableEntity, s.post("deliveries/x/recompose", nil).status)

	mended := hook.Webhook
	mended.Body, mended.URL = `{"n": {{payload.number}}}`, w.receiver.URL+"/ok"
	_, err := w.hooks.Update(t.Context(), mended, 1)
	require.NoError(t, err)
	a = s.follow("deliveries/x/recompose", s.post("deliveries/x/recompose", nil))
	require.Contains(t, a.body, "The event was composed with the webhook as it is now")
	w.await("x", durable.StateDelivered)
	require.Contains(t, s.get("deliveries/x").body, `{&#34;n&#34;: 1}`)
}

func TestDelivery_Erased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dispatch(w.hook("acme", "/broken"), "x", "{}", durable.StateFailed)
	_, err := w.engine.Erase(t.Context(), durable.Filter{Tenant: "acme"}, 0)
	require.NoError(t, err)
	a := w.site(acme).get("deliveries/x")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, "its data was erased")
	require.NotContains(t, a.body, `/resend"`)
	require.NotContains(t, a.body, `/recompose"`)
}

// naughtyStrings returns strings that have broken other parsers.
func naughtyStrings(t *testing.T) []string {
	b, err := os.ReadFile("../../shared/corpora/naughty_strings.json")
	if err != nil {
		t.Skip("no corpus here")
	}
	var encoded, texts []string
	require.NoError(t, json.Unmarshal(b, &encoded))
	for _, s := range encoded {
		text, err := base64.StdEncoding.DecodeString(s)
		require.NoError(t, err)
		texts = append(texts, string(text))
	}
	require.NotEmpty(t, texts)
	return texts
}

// Whatever an event, a webhook's name or an answer is, it is text on the page.
func TestDelivery_NaughtyStrings(t *testing.T) {
	t.Parallel()
	texts := naughtyStrings(t)
	w := newWorld(t)
	all := strings.ToValidUTF8(strings.Join(texts, "\n"), "?")
	const piece = 2000 // of an answer that is kept
	s := w.site(acme)
	for i := 0; i < len(all); i += piece * 20 { // a sample: each is a delivery of its own
		part := strings.ToValidUTF8(all[i:min(len(all), i+piece)], "?")
		w.answer.Store(part)
		hook := w.hook("acme", "/broken", func(h *webhook.Webhook) {
			h.Name = strings.ReplaceAll(part[:min(len(part), 100)], "\n", " ")
		})
		form, err := json.Marshal(map[string]string{"text": part})
		require.NoError(t, err)
		id := "n-" + hook.ID
		w.dispatch(hook, id, string(form), durable.StateFailed)
		a := s.get("deliveries/" + id)
		require.Equal(t, http.StatusOK, a.status)
		requirePlain(t, a.body)
		require.Equal(t, http.StatusOK, s.get("deliveries").status)
	}
	requirePlain(t, s.get("deliveries").body)
	for i := 0; i < len(texts); i += 25 {
		text := texts[i]
		a := s.do("GET", "deliveries?event="+strings.NewReplacer("%", "%25", "&", "%26", "#", "%23", "+", "%2B", " ", "%20").Replace(ascii(text)), nil)
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, a.status, "%q", text)
		requirePlain(t, a.body)
	}
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
}

// requirePlain requires that the only elements and attributes of a page are the panel's own.
func requirePlain(t *testing.T, page string) {
	t.Helper()
	lower := strings.ToLower(page)
	require.Equal(t, 1, strings.Count(lower, "<script"))
	for _, bad := range []string{"<iframe", "<img", "<object", "<embed", "<style", "<base", "<meta http-equiv", "javascript:"} {
		if bad == "javascript:" {
			require.NotContains(t, lower, `="javascript:`)
			continue
		}
		require.NotContains(t, lower, bad, html.EscapeString(bad))
	}
}
