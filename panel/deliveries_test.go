package panel_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/panel"
)

func TestDeliveries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ok, broken, theirs := w.hook("acme", "/ok"), w.hook("acme", "/broken"), w.hook("globex", "/ok")
	w.dispatch(ok, "good-1", `{"n":1}`, durable.StateDelivered)
	w.dispatch(broken, "bad-1", `{"n":2}`, durable.StateFailed)
	w.dispatch(theirs, "other-1", `{"n":3}`, durable.StateDelivered)
	s := w.site(acme)

	a := s.get("deliveries")
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Less(t, strings.Index(a.body, "bad-1"), strings.Index(a.body, "good-1"), "the newest first")
	require.Contains(t, a.body, "The receiver answered 500")
	require.Contains(t, a.body, "acme/broken")
	require.NotContains(t, a.body, "other-1")
	require.NotContains(t, a.body, "globex")
	require.Contains(t, w.site(operator).get("deliveries").body, "other-1")

	tests := []struct{ query, has, hasNot string }{
		{"state=failed", "bad-1", "good-1"},
		{"webhook=" + ok.ID, "good-1", "bad-1"},
		{"event=call.ended", "good-1", "other-1"},
		{"event=other", "No delivery matches", "good-1"},
		{"within=1h", "good-1", "other-1"},
		{"webhook=" + theirs.ID, "No delivery matches", "other-1"},
	}
	for _, tt := range tests {
		a := s.get("deliveries?" + tt.query)
		require.Equal(t, http.StatusOK, a.status, tt.query)
		require.Contains(t, a.body, tt.has, tt.query)
		require.NotContains(t, a.body, tt.hasNot, tt.query)
	}
	for _, query := range []string{"state=lost", "within=2h", "after=x", "tenant=globex"} {
		require.Equal(t, http.StatusBadRequest, s.get("deliveries?"+query).status, query)
	}
}

var times = regexp.MustCompile(`<time .*?</time>`)

// What failed can be told apart by how it did, and each way leads to those.
func TestDeliveries_Ways(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken, lost := w.hook("acme", "/broken"), w.hook("acme", "/lost")
	other := w.hook("globex", "/broken")
	w.dispatch(broken, "bad-1", "{}", durable.StateFailed)
	w.dispatch(broken, "bad-2", "{}", durable.StateFailed)
	w.dispatch(lost, "lost-1", "{}", durable.StateFailed)
	w.dispatch(other, "other-1", "{}", durable.StateFailed)
	s := w.site(acme)
	all := s.get("deliveries?state=failed")
	require.Contains(t, all.body, `<a href="deliveries?class=status&amp;state=failed&amp;status=500">The receiver answered 500 <span class="soft">2</span></a>`)
	require.Contains(t, all.body, `<a href="deliveries?class=status&amp;state=failed&amp;status=404">The receiver answered 404 <span class="soft">1</span></a>`)
	some := s.get("deliveries?class=status&state=failed&status=500")
	require.Contains(t, some.body, "bad-1")
	require.NotContains(t, some.body, "lost-1")
	require.NotContains(t, some.body, "other-1")
	require.Contains(t, some.body, `<a href="deliveries?state=failed" aria-current="true"`, "a way back to all")
	require.Contains(t, some.body, `name="status" value="500"`, "the form keeps it")
	require.Contains(t, s.get("deliveries?state=failed&status=404&webhook="+broken.ID).body, "No delivery matches")
	require.Contains(t, s.get("webhooks/"+broken.ID).body, `deliveries?class=status&amp;state=failed&amp;status=500&amp;webhook=`+broken.ID)
	timeless := func(path string) string { return times.ReplaceAllString(s.get(path).body, "") }
	require.Equal(t, timeless("deliveries?state=pending"), timeless("deliveries?state=pending&class=status&status=500"),
		"of another state there are none")
	require.Contains(t, s.get("resend?status=404").body, "1 failed")

	require.Contains(t, s.send("GET", "deliveries?class=status&status=404", "").body, "lost-1")
	require.NotContains(t, s.send("GET", "deliveries?class=status&status=404", "").body, "bad-1")
	require.JSONEq(t, `{"deliveries": [], "next": ""}`, s.send("GET", "deliveries?class=timeout", "").body)
	require.JSONEq(t, `{"resent": 1}`, s.send("POST", "resend", `{"webhook_id": "`+lost.ID+`", "status": 404}`).body)
	for _, query := range []string{"class=slow", "status=x", "status=-1", "status=0", "status=1.5"} {
		require.Equal(t, http.StatusBadRequest, s.get("deliveries?"+query).status, query)
		require.Equal(t, http.StatusBadRequest, s.send("GET", "deliveries?"+query, "").status, query)
	}
	require.Equal(t, http.StatusBadRequest, s.send("GET", "deliveries?state=delivered&status=500", "").status)
}

// The description, the texts and the filters have the classes that there are, and no others.
func TestClasses(t *testing.T) {
	t.Parallel()
	all, english := description(t), panel.English()
	s := newWorld(t).site(acme)
	var described []webhook.Class
	for _, class := range at(t, all, all, "components", "schemas", "Class", "enum").([]any) {
		described = append(described, webhook.Class(class.(string)))
	}
	require.Equal(t, webhook.Classes(), described)
	texts := map[string][]webhook.Class{"why.": nil, "advice.": nil}
	for code := range english {
		for start := range texts {
			class, ok := strings.CutPrefix(code, start)
			if ok && class != "" && !strings.HasPrefix(class, "status.") {
				texts[start] = append(texts[start], webhook.Class(class))
			}
		}
	}
	require.ElementsMatch(t, webhook.Classes(), texts["why."])
	require.ElementsMatch(t, webhook.Classes(), append(texts["advice."], webhook.ClassStatus), "that has one for each status")
	for _, class := range webhook.Classes() {
		require.Equal(t, http.StatusOK, s.get("deliveries?class="+string(class)).status, class)
		require.Equal(t, http.StatusOK, s.send("GET", "deliveries?class="+string(class), "").status, class)
	}
}

// A link of before finds what has another name now.
func TestDeliveries_ClassOfBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok", func(h *webhook.Webhook) { h.URL = "https://nowhere.invalid/" })
	w.dispatch(hook, "lost", "{}", durable.StateFailed)
	s := w.site(acme)
	for _, class := range []string{"dns", "unreachable"} {
		a := s.get("deliveries?state=failed&class=" + class)
		require.Contains(t, a.body, `deliveries/lost"`, class)
		require.Contains(t, a.body, `name="class" value="unreachable"`, class)
		require.Contains(t, s.send("GET", "deliveries?class="+class, "").body, `"id":"lost"`)
	}
}

func TestDeliveries_Pages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	w.pause(hook)
	for i := range 120 {
		w.dispatch(hook, fmt.Sprintf("m-%03d", i), "{}", durable.StatePending)
	}
	s := w.site(acme)
	var seen []string
	for path := "deliveries?event=call.ended"; ; {
		a := s.get(path)
		require.Equal(t, http.StatusOK, a.status)
		for _, part := range strings.Split(a.body, `data-id="`)[1:] {
			if id := part[:strings.IndexByte(part, '"')]; id != "__id__" { // the row that the script copies
				seen = append(seen, id)
			}
		}
		_, next, found := strings.Cut(a.body, `rel="next" href="`)
		if !found {
			break
		}
		path = strings.ReplaceAll(next[:strings.IndexByte(next, '"')], "&amp;", "&")
	}
	require.Len(t, seen, 120)
	for i, id := range seen {
		require.Equal(t, fmt.Sprintf("m-%03d", 119-i), id)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/ok")
	require.NoError(t, w.hooks.DispatchID(t.Context(), hook.ID, "good-1", call{ID: "c-77", To: "+91 90199 12345"}))
	w.await("good-1", durable.StateDelivered)
	tests := []struct {
		name, q string
		access  panel.Access
		found   bool
	}{
		{"id", " good-1 ", acme, true},
		{"reference", "C-77", acme, true},
		{"number", "90199-12345", acme, true},
		{"nothing", "c-78", acme, false},
		{"another tenant", "good-1", globex, false},
		{"another tenant by number", "+919019912345", globex, false},
		{"id without bodies", "good-1", panel.Access{Tenant: "acme", May: panel.View}, true},
		{"number without bodies", "+919019912345", panel.Access{Tenant: "acme", May: panel.View}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := w.site(tt.access).post("search", url.Values{"q": {tt.q}})
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Equal(t, tt.found, strings.Contains(a.body, `data-id="good-1"`))
		})
	}
	require.Equal(t, http.StatusBadRequest, w.site(acme).post("search", nil).status)
}

// A call is an event that can be looked for.
type call struct {
	ID string `json:"id"`
	To string `json:"to"`
}

func (call) EventType() string { return "call.ended" }
func (c call) Refs() []string  { return []string{c.ID, c.To} }

func TestResend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/broken")
	for _, id := range []string{"a", "b", "c"} {
		w.dispatch(hook, id, "{}", durable.StateFailed)
	}
	s := w.site(acme)
	resent := func(id string) int {
		d, err := w.engine.Get(t.Context(), id)
		require.NoError(t, err)
		return d.Resent
	}

	a := s.post("deliveries/a/resend", url.Values{"back": {"state=failed&x=y"}})
	require.Contains(t, a.header.Get("Location"), "../../deliveries?")
	require.NotContains(t, a.header.Get("Location"), "x=y")
	w.await("a", durable.StateFailed)
	a = s.follow("deliveries/a/resend", a)
	require.Contains(t, a.body, "1 delivery is sent again.")
	require.Equal(t, 1, resent("a"))

	a = s.post("resend/selected", url.Values{"id": {"b", "c", "nothing"}, "back": {""}})
	a = s.follow("resend/selected", a)
	require.Contains(t, a.body, "2 deliveries are sent again. 1 was left")
	w.await("b", durable.StateFailed)
	w.await("c", durable.StateFailed)

	a = s.get("resend?state=failed&webhook=" + hook.ID)
	require.Contains(t, a.body, "3 deliveries match. 3 failed.")
	a = s.post("resend", url.Values{"state": {"failed"}, "webhook": {hook.ID}})
	require.Contains(t, s.follow("resend", a).body, "3 deliveries are sent again.")
	w.await("b", durable.StateFailed)
	require.Equal(t, 2, resent("b"))
	require.Contains(t, s.get("resend?state=delivered").body, "Nothing that failed or was dropped matches.")
}

func TestRetryAndCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.hook("acme", "/broken", func(h *webhook.Webhook) {
		h.Policy = &webhook.Policy{Attempts: 3, Waits: []time.Duration{time.Hour}}
	})
	w.dispatch(hook, "a", "{}", durable.StatePending)
	attempts := func(n int) {
		require.Eventually(t, func() bool {
			all, err := w.engine.Attempts(t.Context(), "a")
			return err == nil && len(all) == n
		}, 30*time.Second, 5*time.Millisecond)
	}
	attempts(1)
	s := w.site(acme)
	require.Contains(t, s.get("deliveries").body, "The receiver answered 500; next attempt in 59 minutes")
	a := s.post("deliveries/a/retry", url.Values{"back": {""}})
	require.Contains(t, s.follow("deliveries/a/retry", a).body, "1 delivery is tried again now.")
	attempts(2)
	a = s.post("deliveries/a/cancel", url.Values{"back": {""}})
	require.Contains(t, s.follow("deliveries/a/cancel", a).body, "1 delivery was canceled.")
	a = s.post("deliveries/a/cancel", url.Values{"back": {""}})
	require.Contains(t, s.follow("deliveries/a/cancel", a).body, "Nothing was changed")
	require.Equal(t, http.StatusConflict, s.post("deliveries/a/retry", nil).status)
}

// A file has all that match, and no cell of it is a formula.
func TestDeliveries_CSV(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ok, theirs := w.hook("acme", "/ok"), w.hook("globex", "/ok")
	w.dispatch(theirs, "other-1", "{}", durable.StateDelivered)
	require.NoError(t, w.hooks.Pause(t.Context(), ok.ID, "not today"))
	var messages []*webhook.Message
	for i := range 1100 {
		messages = append(messages, &webhook.Message{
			ID: fmt.Sprintf("m-%04d", i), WebhookID: ok.ID, Event: "=HYPERLINK(1)", Method: "POST", URL: w.receiver.URL + "/ok", Body: []byte("{}"),
		})
	}
	require.NoError(t, w.queue.SendAll(t.Context(), messages...))
	a := w.site(acme).get("deliveries.csv?state=pending")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "text/csv; charset=utf-8", a.header.Get("Content-Type"))
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1+1100)
	require.Equal(t, []string{"m-1099", ok.ID, "acme", "'=HYPERLINK(1)", "pending"}, rows[1][:5])
	require.NotContains(t, a.body, "other-1")
	require.Equal(t, http.StatusBadRequest, w.site(acme).get("deliveries.csv?state=lost").status)
}
