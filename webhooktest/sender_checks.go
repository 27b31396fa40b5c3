package webhooktest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringhook/webhook"
)

// deliveryChecks send one message, whose fate follows from the receiver's script.
func deliveryChecks() []senderCheck {
	var (
		delivered = outcome{200, "", webhook.OutcomeDelivered}
		again     = outcome{500, webhook.ClassStatus, webhook.OutcomeRetrying}
	)
	tests := []struct {
		name     string
		script   []Answer
		policy   func(*webhook.Policy) // changes the one of trial.message
		want     []outcome
		requests int
		body     string // of the last response, if it matters
	}{
		{
			name:   "delivered at the first attempt",
			script: []Answer{Reply(200, nil, "thank you")},
			want:   []outcome{delivered}, requests: 1, body: "thank you",
		},
		{
			name:   "any 2xx",
			script: []Answer{Status(299)},
			want:   []outcome{{299, "", webhook.OutcomeDelivered}}, requests: 1,
		},
		{
			name:   "delivered after failures",
			script: []Answer{Status(500), Status(500), Status(200)},
			want:   []outcome{again, again, delivered}, requests: 3,
		},
		{
			name:   "given up",
			script: []Answer{Status(500), Status(500), Reply(404, nil, "no such hook")},
			policy: func(p *webhook.Policy) { p.Attempts = 3 },
			want:   []outcome{again, again, {404, webhook.ClassStatus, webhook.OutcomeFailed}}, requests: 3,
			body: "no such hook",
		},
		{
			name:   "no retry",
			script: []Answer{Status(500)},
			policy: func(p *webhook.Policy) { p.Attempts = 1 },
			want:   []outcome{{500, webhook.ClassStatus, webhook.OutcomeFailed}}, requests: 1,
		},
		{
			name:   "410 ends it",
			script: []Answer{Status(500), Status(410)},
			want:   []outcome{again, {410, webhook.ClassStatus, webhook.OutcomeGone}}, requests: 2,
		},
		{
			name:   "2xx outside Success",
			script: []Answer{Status(201), Status(202)},
			policy: func(p *webhook.Policy) { p.Success = []int{200, 202} },
			want: []outcome{
				{201, webhook.ClassStatus, webhook.OutcomeRetrying}, {202, "", webhook.OutcomeDelivered},
			},
			requests: 2,
		},
		{
			name:   "connection reset",
			script: []Answer{Reset(), Status(200)},
			want:   []outcome{{0, webhook.ClassReset, webhook.OutcomeRetrying}, delivered}, requests: 2,
		},
		{
			name:   "connection refused",
			script: []Answer{Refuse(), Status(200)},
			want:   []outcome{{0, webhook.ClassConnect, webhook.OutcomeRetrying}, delivered}, requests: 1,
		},
		{
			name:   "no answer in time",
			script: []Answer{Hang(), Status(200)},
			policy: func(p *webhook.Policy) { p.Timeout = 500 * time.Millisecond },
			want:   []outcome{{0, webhook.ClassTimeout, webhook.OutcomeRetrying}, delivered}, requests: 2,
		},
		{
			name:   "the status decides, not the body",
			script: []Answer{Endless(200)},
			want:   []outcome{delivered}, requests: 1,
		},
	}
	var checks []senderCheck
	for _, tt := range tests {
		checks = append(checks, senderCheck{tt.name, func(t testing.TB, start StartFunc) {
			tr := newTrial(t, tt.script...)
			m := tr.message()
			if tt.policy != nil {
				tt.policy(&m.Policy)
			}
			errs := tr.deliver(t.Context(), start, m)
			tr.check(m, tt.requests, tt.want...)
			tr.checkTotal(tt.requests)
			if tt.want[len(tt.want)-1].result == webhook.OutcomeDelivered {
				tr.checkAccepted(errs)
			}
			if got := string(tr.last(m).Body); tt.body != "" && got != tt.body {
				tr.Errorf("the last attempt has the response body %q, want %q", got, tt.body)
			}
		}})
	}
	return checks
}

func checkMethods(t testing.TB, start StartFunc) {
	tr := newTrial(t)
	var messages []*webhook.Message
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		m := tr.message()
		m.Method = method
		if method == http.MethodGet {
			m.Body = nil
		}
		messages = append(messages, m)
	}
	tr.checkAccepted(tr.deliver(t.Context(), start, messages...))
	for _, m := range messages {
		tr.check(m, 1, outcome{200, "", webhook.OutcomeDelivered})
	}
	tr.checkTotal(len(messages))
}

// checkRetryAfter really waits: the sender must not only know how long to wait, but do
// it.
func checkRetryAfter(t testing.TB, start StartFunc) {
	tr := newTrial(t, RetryAfter(503, "1"), Status(200))
	m := tr.message()
	tr.checkAccepted(tr.deliver(t.Context(), start, m))
	tr.check(m, 2, outcome{503, webhook.ClassStatus, webhook.OutcomeRetrying}, outcome{200, "", webhook.OutcomeDelivered})
	// The check before has compared the time between the requests with it.
	if got := tr.attemptsOf(m); len(got) > 0 && got[0].Wait < time.Second {
		tr.Errorf("the wait after the first attempt is %v, want 1s or more", got[0].Wait)
	}
}

func checkRedirect(t testing.TB, start StartFunc) {
	other := NewReceiver()
	t.Cleanup(other.Close)
	tr := newTrial(t, Redirect(302, other.URL+"/moved"), Redirect(307, other.URL+"/moved"))
	m := tr.message()
	m.Policy.Attempts = 2
	tr.deliver(t.Context(), start, m)
	tr.check(m, 2, outcome{302, webhook.ClassStatus, webhook.OutcomeRetrying},
		outcome{307, webhook.ClassStatus, webhook.OutcomeFailed})
	if got := len(other.Requests()); got != 0 {
		tr.Errorf("%d requests arrived at the redirect's target", got)
	}
}

func checkRetryFunc(t testing.TB, start StartFunc) {
	tr := newTrial(t, Status(500))
	tr.client.Retry = func(_ *webhook.Message, a webhook.Attempt) (time.Duration, bool) {
		return 5 * time.Millisecond, a.N < 3
	}
	m := tr.message()
	m.Policy.Attempts = 2
	tr.deliver(t.Context(), start, m)
	again := outcome{500, webhook.ClassStatus, webhook.OutcomeRetrying}
	tr.check(m, 3, again, again, outcome{500, webhook.ClassStatus, webhook.OutcomeFailed})
}

func checkSignerFails(t testing.TB, start StartFunc) {
	tr := newTrial(t)
	tr.client.Signer = webhook.SignerFunc(func(context.Context, *webhook.Message, time.Time, http.Header) error {
		return webhook.ErrNoKey
	})
	m := tr.message()
	m.Policy.Attempts = 1
	tr.deliver(t.Context(), start, m)
	tr.check(m, 0, outcome{0, webhook.ClassSign, webhook.OutcomeFailed})
	tr.checkTotal(0)
}

// checkMany sends many messages at once. Every other one is refused at first.
func checkMany(t testing.TB, start StartFunc) {
	var (
		mu   sync.Mutex
		seen = make(map[string]bool)
	)
	tr := newTrial(t, Func(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(webhook.HeaderID)
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("X-Twice") != "" && !seen[id] {
			w.WriteHeader(500)
		}
		seen[id] = true
	}))
	messages := make([]*webhook.Message, 50)
	for i := range messages {
		messages[i] = tr.message()
		if i%2 == 1 {
			messages[i].Header.Set("X-Twice", "yes")
		}
	}
	tr.checkAccepted(tr.deliver(t.Context(), start, messages...))
	delivered := outcome{200, "", webhook.OutcomeDelivered}
	for i, m := range messages {
		if i%2 == 1 {
			tr.check(m, 2, outcome{500, webhook.ClassStatus, webhook.OutcomeRetrying}, delivered)
		} else {
			tr.check(m, 1, delivered)
		}
	}
	tr.checkTotal(75)
}

func checkInvalid(t testing.TB, start StartFunc) {
	tr := newTrial(t)
	host := strings.TrimPrefix(tr.rcv.URL, "http://")
	tests := []struct {
		name  string
		spoil func(m *webhook.Message)
	}{
		{"unknown method", func(m *webhook.Message) { m.Method = "BREW" }},
		{"no URL", func(m *webhook.Message) { m.URL = "" }},
		{"other scheme", func(m *webhook.Message) { m.URL = "ftp://" + host }},
		{"user name in the URL", func(m *webhook.Message) { m.URL = "http://user:pass@" + host }},
		{"fragment in the URL", func(m *webhook.Message) { m.URL += "#fragment" }},
		{"reserved header", func(m *webhook.Message) { m.Header["Transfer-Encoding"] = []string{"chunked"} }},
		{"signature by hand", func(m *webhook.Message) { m.Header.Set(webhook.HeaderSignature, "forged") }},
		{"header name", func(m *webhook.Message) { m.Header["X Y"] = []string{"z"} }},
		{"header value", func(m *webhook.Message) { m.Header["X-Y"] = []string{"z\r\nX-Z: z"} }},
		{"no id", func(m *webhook.Message) { m.ID = "" }},
		{"dot in the id", func(m *webhook.Message) { m.ID = "a.b" }},
		{"long id", func(m *webhook.Message) { m.ID = strings.Repeat("a", 65) }},
	}
	var messages []*webhook.Message
	for _, tt := range tests {
		m := tr.message()
		tt.spoil(m)
		messages = append(messages, m)
	}
	errs := tr.deliver(t.Context(), start, messages...)
	for i, tt := range tests {
		if a := tr.last(messages[i]); errs[i] == nil && a.Class != webhook.ClassInvalid {
			tr.Errorf("%s: no error of Send, and no attempt of class %q", tt.name, webhook.ClassInvalid)
		}
	}
	tr.checkTotal(0)
}

func checkCanceled(t testing.TB, start StartFunc) {
	tr := newTrial(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := tr.message()
	if errs := tr.deliver(ctx, start, m); errs[0] == nil {
		tr.Errorf("Send with a context that has ended returned nil")
	}
	tr.check(m, 0)
	tr.checkTotal(0)
}
