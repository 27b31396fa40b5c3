package webhook_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestBounds_Check(t *testing.T) {
	t.Parallel()
	const address = "https://customer.test/{{id}}"
	lifted := webhook.Bounds{MaxTimeout: -1, MaxAttempts: -1, MinWait: -1, MaxTemplateBytes: -1}
	large := map[string]string{"X-A": strings.Repeat("a", 4000), "X-B": strings.Repeat("b", 4000)}
	greedy := &webhook.Policy{Timeout: 10 * time.Minute, Attempts: 1000, Waits: []time.Duration{time.Hour, 0}}
	tests := []struct {
		name   string
		bounds webhook.Bounds
		hook   webhook.Webhook
		want   []string // field: message
	}{
		{"none", webhook.Bounds{}, webhook.Webhook{URL: address}, nil},
		{
			"what is allowed by default",
			webhook.Bounds{},
			webhook.Webhook{URL: address, Policy: &webhook.Policy{Timeout: 30 * time.Second, Attempts: 50, Waits: []time.Duration{time.Second}}},
			nil,
		},
		{"greedy", webhook.Bounds{}, webhook.Webhook{URL: address, Policy: greedy}, []string{
			"policy: timeout: 10m0s, at most 30s", "policy: attempts: 1000, at most 50", "policy: waits: 0s, at least 1s",
		}},
		{"lifted", lifted, webhook.Webhook{URL: address, Policy: greedy, Headers: large}, nil},
		{
			"the embedder's own",
			webhook.Bounds{MaxTimeout: time.Second, MaxAttempts: 2, MinWait: time.Minute},
			webhook.Webhook{URL: address, Policy: &webhook.Policy{Timeout: 2 * time.Second, Attempts: 3, Waits: []time.Duration{time.Second}}},
			[]string{"policy: timeout: 2s, at most 1s", "policy: attempts: 3, at most 2", "policy: waits: 1s, at least 1m0s"},
		},
		{
			"an invalid policy is told once",
			webhook.Bounds{},
			webhook.Webhook{URL: address, Policy: &webhook.Policy{Attempts: 1001}},
			[]string{"policy: attempts: 1001 outside 0 to 1000"},
		},
		{
			"templates",
			webhook.Bounds{MaxTemplateBytes: 8_000},
			webhook.Webhook{URL: address, Headers: large, Body: `"x"`},
			[]string{"headers.X-B: 8037 bytes of templates in all, at most 8000: over the limit"},
		},
		{
			"beside other problems, in the order of a webhook",
			webhook.Bounds{MaxTemplateBytes: 10},
			webhook.Webhook{URL: "https://h/", Method: "BREW", Body: `{"a":{{a}}`},
			[]string{
				`method: unknown method "BREW", want one of GET, POST, PUT, PATCH, DELETE`, "body: 20 bytes of templates in all, at most 10: over the limit",
				"body: not JSON: it ends early",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range uncoded(t, tt.hook, tt.bounds.Check(tt.hook)) {
				require.Equal(t, webhook.SeverityError, p.Severity)
				got = append(got, p.Field+": "+p.Message)
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestBounds_CheckURL(t *testing.T) {
	t.Parallel()
	bounds := webhook.Bounds{CheckURL: webhook.Egress{}.Check}
	w := webhook.Webhook{URL: "https://127.0.0.1/{{id}}?x={{id}}"}
	require.Equal(t, []webhook.Problem{{
		Field: "url", Length: len(w.URL), Message: "the address of the URL is not a public one", Severity: webhook.SeverityError,
	}}, uncoded(t, w, bounds.Check(w)))
	w.URL = "https://customer.test/{{id}}?x={{id}}"
	require.Empty(t, bounds.Check(w))
	w.URL = "ftp://127.0.0.1/"
	require.Len(t, bounds.Check(w), 1, "what is no URL is not judged twice")
}

func TestEgress_Check(t *testing.T) {
	t.Parallel()
	const (
		private = "webhook: the address of the URL is not a public one"
		port    = " is not allowed, only 80, 443, 8080 and 8443"
	)
	own := webhook.Egress{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, AnyPort: true}
	tests := []struct {
		name   string
		egress webhook.Egress
		url    string
		want   string
	}{
		{"name", webhook.Egress{}, "https://customer.test/x?y=z", ""},
		{"public", webhook.Egress{}, "http://93.184.215.14:8080/", ""},
		{"public 6", webhook.Egress{}, "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", ""},
		{"loopback", webhook.Egress{}, "https://127.0.0.1/", private},
		{"loopback 6", webhook.Egress{}, "https://[::1]/", private},
		{"mapped", webhook.Egress{}, "https://[::ffff:10.1.2.3]/", private},
		{"localhost", webhook.Egress{}, "http://LocalHost./", private},
		{"below localhost", webhook.Egress{}, "http://a.localhost/", private},
		{"a name that begins so", webhook.Egress{}, "http://localhost.customer.test/", ""},
		{"metadata", webhook.Egress{}, "http://169.254.169.254/latest", private},
		{"port", webhook.Egress{}, "https://customer.test:9443/", "webhook: port 9443" + port},
		{"port of an address", webhook.Egress{}, "https://127.0.0.1:22/", "webhook: port 22" + port},
		{"allowed", own, "https://10.1.2.3:9443/", ""},
		{"not allowed", own, "https://192.168.1.1:9443/", private},
		{"by a proxy", webhook.Egress{Proxy: &url.URL{Scheme: "http", Host: "proxy.test:3128"}}, "https://10.1.2.3:9443/", ""},
		{"no URL", webhook.Egress{}, "https://user:secret@customer.test/", "webhook: URL must not have a user name or password; use a header"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.egress.Check(tt.url)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
		})
	}
}

// A Client holds what a message asks for to its Bounds, whoever made the message.
func TestClient_Bounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var at []time.Duration
		c := &webhook.Client{Transport: answer(500), Bounds: webhook.Bounds{MaxAttempts: 3, MaxTimeout: time.Second}}
		c.OnAttempt = func(context.Context, *webhook.Message, webhook.Attempt) { at = append(at, time.Since(begin)) }
		m := message("http://receiver.test/")
		m.Policy = webhook.Policy{Attempts: 1000, Waits: []time.Duration{0}, Timeout: 10 * time.Minute}
		require.Error(t, c.Send(t.Context(), m))
		require.Equal(t, []time.Duration{0, time.Second, 2 * time.Second}, at)
		require.Equal(t, []time.Duration{0}, m.Policy.Waits, "the message is not changed")

		c.Transport, begin = roundTripFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), time.Now()
		require.Equal(t, webhook.ClassTimeout, c.Try(t.Context(), m, 1).Class)
		require.Equal(t, time.Second, time.Since(begin))
	})
}

// The jitter of a short wait does not take it below the bound.
func TestClient_Bounds_jitter(t *testing.T) {
	t.Parallel()
	c := &webhook.Client{Transport: answer(500)}
	m := message("http://receiver.test/")
	m.Policy = webhook.Policy{Waits: []time.Duration{time.Second}, Jitter: 1}
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		m.ID = id
		require.GreaterOrEqual(t, c.Try(t.Context(), m, 1).Wait, time.Second)
	}
}

// A Registry completes what a webhook leaves open by the embedder's defaults, then by the
// documented ones, and holds all of it to its bounds.
func TestRegistry_DefaultsAndBounds(t *testing.T) {
	t.Parallel()
	policy := &webhook.Policy{Attempts: 100}
	r := &webhook.Registry{
		Source: func(context.Context, string) (webhook.Webhook, error) {
			return webhook.Webhook{URL: "https://customer.test/", Policy: policy}, nil
		},
		Defaults: func(eventType string) webhook.Policy {
			require.Equal(t, "voice:message:out", eventType)
			return webhook.Policy{Timeout: time.Minute, Attempts: 7, Waits: []time.Duration{time.Millisecond}}
		},
		Bounds: webhook.Bounds{MaxTimeout: 20 * time.Second},
	}
	c, err := r.Composer(t.Context(), "wh")
	require.NoError(t, err)
	m, err := c.Compose(webhook.RawEvent{Type: "voice:message:out", JSON: []byte(`{}`)})
	require.NoError(t, err)
	require.Equal(t, webhook.Policy{
		Success: []int{200, 202}, Timeout: 20 * time.Second, Attempts: 50, Waits: []time.Duration{time.Second},
	}, m.Policy)
}
