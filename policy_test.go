package webhook_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// answering is a Client whose receiver gives each answer in turn, and the last one again.
func answering(answers ...http.Response) (c *webhook.Client, requests *int) {
	requests = new(int)
	return &webhook.Client{Transport: roundTripFunc(func(*http.Request) (*http.Response, error) {
		answer := answers[min(*requests, len(answers)-1)]
		*requests++
		answer.Body = http.NoBody
		return &answer, nil
	})}, requests
}

func TestPolicy_Expires(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		expires  time.Duration
		max      time.Duration
		age      time.Duration
		composed bool
		class    webhook.Class
	}{
		{name: "young enough", expires: time.Hour, age: time.Hour, composed: true, class: webhook.ClassStatus},
		{name: "too old", expires: time.Hour, age: time.Hour + time.Microsecond, composed: true, class: webhook.ClassExpired},
		{name: "never", age: 10_000 * time.Hour, composed: true, class: webhook.ClassStatus},
		{name: "nobody knows how old", expires: time.Hour, class: webhook.ClassStatus},
		{name: "by the bound", expires: 900 * time.Hour, max: time.Minute, age: 2 * time.Minute, composed: true, class: webhook.ClassExpired},
		{name: "by the usual bound", expires: 900 * time.Hour, age: 721 * time.Hour, composed: true, class: webhook.ClassExpired},
		{name: "bound lifted", expires: 900 * time.Hour, max: -1, age: 721 * time.Hour, composed: true, class: webhook.ClassStatus},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, requests := answering(http.Response{StatusCode: 500})
				c.Bounds.MaxExpires = tt.max
				m := message("https://example.com/")
				m.Policy.Expires = tt.expires
				if tt.composed {
					m.Composed = time.Now().Add(-tt.age)
				}
				a := c.Try(t.Context(), m, 1)
				require.Equal(t, tt.class, a.Class)
				if tt.class != webhook.ClassExpired {
					require.Equal(t, webhook.OutcomeRetrying, a.Outcome)
					return
				}
				require.Zero(t, *requests)
				require.Equal(t, webhook.OutcomeFailed, a.Outcome)
				require.False(t, a.MayHaveArrived)
				require.Equal(t, "delivery-expired", a.Code)
				require.ErrorContains(t, a.Err, "webhook: expired, "+a.Args[0]+" after it was composed")
				requireCoded(t, a.Code, a.Args, a.Err.Error())
			})
		})
	}
	t.Run("while it is tried", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c, requests := answering(http.Response{StatusCode: 500})
			m := message("https://example.com/")
			m.Policy.Expires, m.Composed = time.Minute, time.Now()
			var failed *webhook.DeliveryError
			require.ErrorAs(t, c.Send(t.Context(), m), &failed)
			require.Equal(t, webhook.ClassExpired, failed.Last.Class)
			require.Equal(t, 2, *requests, "at 0 and 10 s, and not at 110 s")
		})
	})
}

func TestPolicy_GiveUp(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]webhook.Outcome{
		400: webhook.OutcomeFailed, 599: webhook.OutcomeFailed, 404: webhook.OutcomeRetrying, 410: webhook.OutcomeGone,
	} {
		c, _ := answering(http.Response{StatusCode: status})
		c.Retry = func(*webhook.Message, webhook.Attempt) (time.Duration, bool) { return time.Second, true }
		m := message("https://example.com/")
		m.Policy.GiveUp = []int{400, 599}
		a := c.Try(t.Context(), m, 1)
		require.Equal(t, want, a.Outcome, status)
		require.Equal(t, webhook.ClassStatus, a.Class)
	}
}

func TestPolicy_Next(t *testing.T) {
	t.Parallel()
	m := message("https://example.com/")
	c, _ := answering(http.Response{StatusCode: 500})
	m.Policy = webhook.Policy{Attempts: 4, Jitter: 0.3, Waits: []time.Duration{5 * time.Second, time.Minute}, GiveUp: []int{404}}
	for n := range 6 {
		want := c.Try(t.Context(), m, n+1)
		wait, ok := m.Policy.Next(m, webhook.Attempt{N: n + 1, Status: 500})
		require.Equal(t, want.Outcome == webhook.OutcomeRetrying, ok)
		require.Equal(t, want.Wait, wait)
	}
	_, ok := m.Policy.Next(m, webhook.Attempt{N: 1, Status: 404})
	require.False(t, ok)
	_, ok = m.Policy.Next(m, webhook.Attempt{})
	require.False(t, ok)
	_, ok = m.Policy.Next(nil, webhook.Attempt{N: 1})
	require.False(t, ok)
	c.Retry = webhook.Policy{Waits: []time.Duration{time.Hour}}.Next
	require.Equal(t, time.Hour, c.Try(t.Context(), m, 2).Wait)
	sms := &webhook.Message{Event: "sms:message:status"}
	wait, _ := webhook.Policy{}.Next(sms, webhook.Attempt{N: 1})
	require.Equal(t, 30*time.Minute, wait, "what is documented for the type")
}

func TestPolicy_NewMembers(t *testing.T) {
	t.Parallel()
	p := webhook.Policy{Expires: 36 * time.Hour, GiveUp: []int{400, 404}}
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.JSONEq(t, `{"expires":"36h0m0s","give_up":[400,404]}`, string(text))
	var back webhook.Policy
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, p, back)
	for text, want := range map[string]string{
		`{"expires":3600}`:    `webhook: policy expires: want a string with a unit such as "10s", not a number`,
		`{"give_up":"400"}`:   "webhook: policy give_up: want a list of status codes such as [400, 404]",
		`{"give_up":[400.5]}`: "webhook: policy give_up: want a list of status codes such as [400, 404]",
	} {
		require.EqualError(t, json.Unmarshal([]byte(text), &back), want)
	}
	require.Equal(t, p, webhook.Policy{}.Or(p))
	require.Equal(t, 5*time.Second, webhook.Policy{Expires: 5 * time.Second}.Or(p).Expires)

	for want, p := range map[string]webhook.Policy{
		"expires: 999ms outside 1s to 8760h0m0s":     {Expires: 999 * time.Millisecond},
		"expires: -1h0m0s outside 1s to 8760h0m0s":   {Expires: -time.Hour},
		"expires: 8761h0m0s outside 1s to 8760h0m0s": {Expires: 8761 * time.Hour},
		"give_up: status 399 outside 400 to 599":     {GiveUp: []int{404, 399}},
		"give_up: 201 statuses, at most 200":         {GiveUp: make([]int, 201)},
	} {
		require.EqualError(t, webhook.CheckPolicy(p), want)
		w := webhook.Webhook{URL: "https://example.com/", Policy: &p}
		problems := webhook.Check(w)
		require.Len(t, problems, 1)
		require.Equal(t, []string{"policy", want}, []string{problems[0].Field, problems[0].Message})
		requireProblem(t, w, problems[0])
	}
	w := webhook.Webhook{URL: "https://example.com/", Policy: &webhook.Policy{Expires: 31 * 24 * time.Hour}}
	problems := webhook.Bounds{}.Check(w)
	require.Len(t, problems, 1)
	require.Equal(t, "expires: 744h0m0s, at most 720h0m0s", problems[0].Message)
	requireProblem(t, w, problems[0])
	require.Empty(t, webhook.Bounds{MaxExpires: -1}.Check(w))
}

func TestAttempt_Header(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 200)
	c, _ := answering(http.Response{StatusCode: 301, Header: http.Header{
		"Location": {"https://u:p@other.example/" + strings.Repeat("a", 300) + "?token=x"}, "Server": {long, "second"},
		"Date": {"Mon, 30 Nov 2026 05:17:45 GMT"}, "Content-Type": {"text/\x01\xffplain"}, "Retry-After": {"3"},
		"X-Request-Id": {"r1"}, "X-Amzn-Trace-Id": {"t1"}, "Request-Id": {""}, "X-Id": {"no"}, "Set-Cookie": {"secret"},
	}}, http.Response{StatusCode: 200})
	a := c.Try(t.Context(), message("https://example.com/"), 1)
	require.Equal(t, http.Header{
		"Location": {"https://other.example/" + strings.Repeat("a", 234)}, "Server": {long[:256]},
		"Date": {"Mon, 30 Nov 2026 05:17:45 GMT"}, "Content-Type": {"text/plain"}, "Retry-After": {"3"},
		"X-Request-Id": {"r1"}, "X-Amzn-Trace-Id": {"t1"}, "Request-Id": {""},
	}, a.Header)
	require.Zero(t, a.RetryAfter, "of a redirect")
	require.Nil(t, c.Try(t.Context(), message("https://example.com/"), 1).Header)

	many := http.Header{}
	for _, letter := range "abcdefghijklmnopqrstuvwxyz" {
		many[http.CanonicalHeaderKey("x-"+string(letter)+"-trace-id")] = []string{"1"}
	}
	c, _ = answering(http.Response{StatusCode: 200, Header: many})
	require.Len(t, c.Try(t.Context(), message("https://example.com/"), 1).Header, 16)
}

// Each failure has a code that the manual lists, with its message.
func TestAttempt_Code(t *testing.T) {
	t.Parallel()
	with := func(change func(*webhook.Message)) *webhook.Message {
		m := message("https://example.com/")
		change(m)
		return m
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name   string
		ctx    context.Context //nolint:containedctx // of one attempt
		m      *webhook.Message
		answer http.Response
		signer webhook.Signer
		code   string
		args   []string
	}{
		{name: "delivered", answer: http.Response{StatusCode: 204}},
		{name: "status", answer: http.Response{StatusCode: 500}, code: "delivery-status", args: []string{"500"}},
		{
			name: "another success", answer: http.Response{StatusCode: 204}, code: "delivery-status-unwanted", args: []string{"204", "200 or 202"},
			m: with(func(m *webhook.Message) { m.Event = "voice:message:out" }),
		},
		{name: "redirect", answer: http.Response{StatusCode: 302}, code: "delivery-redirect", args: []string{"302", ""}},
		{
			name: "redirect to another host", code: "delivery-redirect", args: []string{"302", "another host"},
			answer: http.Response{StatusCode: 302, Header: http.Header{"Location": {"https://other.example/"}}},
		},
		{name: "no key", signer: webhook.StandardWebhooks{}, code: "delivery-no-key"},
		{name: "not signed", signer: webhook.Signers{nil}, code: "delivery-sign"},
		{name: "canceled", ctx: canceled, code: "delivery-canceled"},
		{name: "invalid", m: with(func(m *webhook.Message) { m.Policy.Attempts = -1 }), code: "policy-attempts", args: []string{"-1", "1000"}},
		{name: "invalid in another way", m: with(func(m *webhook.Message) { m.Body, m.Method = []byte("x"), "GET" }), code: "other", args: []string{"a GET must not have a body"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := answering(tt.answer)
			c.Signer = tt.signer
			ctx, m := t.Context(), message("https://example.com/")
			if tt.ctx != nil {
				ctx = tt.ctx
			}
			if tt.m != nil {
				m = tt.m
			}
			a := c.Try(ctx, m, 1)
			require.Equal(t, tt.code, a.Code)
			require.Equal(t, tt.args, a.Args)
			if tt.code != "" {
				requireCoded(t, a.Code, a.Args, a.Err.Error())
			}
		})
	}
}

func TestClient_UserAgent(t *testing.T) {
	t.Parallel()
	var got http.Header
	c := &webhook.Client{
		UserAgent: "Acme/2", Transport: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			got = r.Header
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}),
	}
	m := message("https://example.com/")
	require.NoError(t, c.Try(t.Context(), m, 1).Err)
	require.Equal(t, []string{"Acme/2"}, got["User-Agent"])
	require.Equal(t, []string{"*/*"}, got["Accept"])
	require.Contains(t, c.Curl(m), "-H 'User-Agent: Acme/2'")
	require.Contains(t, c.CurlWithSecrets(m), "-H 'User-Agent: Acme/2'")
	require.Contains(t, m.Curl(), "-H 'User-Agent: Ringhook'")

	m.Header = http.Header{"accept": {"text/html"}, "User-Agent": {"theirs"}}
	require.NoError(t, c.Try(t.Context(), m, 1).Err)
	require.Equal(t, []string{"theirs"}, got["User-Agent"])
	require.Equal(t, []string{"text/html"}, got["Accept"])
	require.Contains(t, c.Curl(m), "-H 'User-Agent: theirs'")
	require.Contains(t, c.Curl(m), "-H 'Accept: text/html'")

	c.UserAgent = "Acme\r\nX: y"
	a := c.Try(t.Context(), m, 1)
	require.Equal(t, webhook.ClassInvalid, a.Class)
	require.NotContains(t, a.Err.Error(), "Acme")
}
