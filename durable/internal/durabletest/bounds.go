package durabletest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// testBoundsStored stores what customers may not ask for: each error names the field and
// the numbers.
func testBoundsStored[T any](t *testing.T, db Database[T]) {
	bounds := webhook.Bounds{
		MaxAttempts: 10, MinWait: 5 * time.Second, MaxTemplateBytes: 1000, CheckURL: webhook.Egress{}.Check,
	}
	hooks := db.Open(t, durable.Config{MaxTimeout: 15 * time.Second, Bounds: bounds}).Webhooks(nil, payload.CallReport{})
	withPolicy := func(p webhook.Policy) webhook.Webhook {
		return webhook.Webhook{URL: "https://crm.example/", Policy: &p}
	}
	tests := []struct {
		name string
		hook webhook.Webhook
		want string
	}{
		{"an address", webhook.Webhook{URL: "https://127.0.0.1/"}, "webhook: url: "},
		{"metadata", webhook.Webhook{URL: "http://169.254.169.254/latest"}, "webhook: url: "},
		{"a port", webhook.Webhook{URL: "https://x.example:9443/"}, "webhook: url: port 9443 is not allowed, only 80, 443, 8080 and 8443"},
		{"a timeout", withPolicy(webhook.Policy{Timeout: 20 * time.Second}), "webhook: policy: timeout: 20s, at most 15s"},
		{"attempts", withPolicy(webhook.Policy{Attempts: 11}), "webhook: policy: attempts: 11, at most 10"},
		{"waits", withPolicy(webhook.Policy{Waits: []time.Duration{time.Minute, time.Second}}), "webhook: policy: waits: 1s, at least 5s"},
		{
			"templates",
			webhook.Webhook{URL: "https://crm.example/", Body: `"` + strings.Repeat("x", 1000) + `"`},
			"webhook: body: 1022 bytes of templates in all, at most 1000",
		},
	}
	stored, err := hooks.Create(t.Context(), withPolicy(webhook.Policy{
		Timeout: 15 * time.Second, Attempts: 10, Waits: []time.Duration{5 * time.Second},
	}))
	require.NoError(t, err)
	for _, tt := range tests {
		_, err := hooks.Create(t.Context(), tt.hook)
		var fault *webhook.TemplateError
		require.ErrorAs(t, err, &fault, tt.name)
		require.ErrorContains(t, err, tt.want, tt.name)
		require.Equal(t, tt.name == "a timeout", errors.Is(err, durable.ErrTimeout), tt.name)
		tt.hook.ID = stored.ID
		_, err = hooks.Update(t.Context(), tt.hook, 1)
		require.ErrorAs(t, err, &fault, tt.name)
	}
	_, err = hooks.Create(t.Context(), webhook.Webhook{ID: "7", URL: "https://crm.example/"})
	require.ErrorIs(t, err, durable.ErrID)
	page, err := hooks.List(t.Context(), durable.WebhookFilter{})
	require.NoError(t, err)
	require.Equal(t, []durable.Definition{stored}, page.Webhooks)
}

// testBoundsComposed composes messages of webhooks that were stored before there were
// bounds.
func testBoundsComposed[T any](t *testing.T, db Database[T]) {
	before := db.Open(t, durable.Config{MaxTimeout: time.Minute, Bounds: webhook.Bounds{MaxTimeout: -1, MaxAttempts: -1, MinWait: -1}})
	wild := webhook.Policy{Timeout: time.Minute, Attempts: 1000, Waits: []time.Duration{time.Nanosecond, time.Hour}, Jitter: 0.5}
	d, err := before.Webhooks(nil).Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/", Policy: &wild})
	require.NoError(t, err)
	bare, err := before.Webhooks(nil).Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
	require.NoError(t, err)

	policies := func(config durable.Config) (got []webhook.Policy) {
		e := db.Open(t, config)
		q, _ := newQueue(t, e, queue.Config{})
		hooks := e.Webhooks(q)
		for _, id := range []string{d.ID, bare.ID} {
			for _, event := range []webhook.Event{sent, payload.CallReport{}} {
				db.Exec(t, `DELETE FROM @delivery`)
				require.NoError(t, hooks.DispatchID(t.Context(), id, "id", event))
				m, err := e.Message(t.Context(), "id")
				require.NoError(t, err)
				got = append(got, m.Policy)
			}
		}
		return got
	}
	usual := webhook.PolicyFor(sent.EventType())
	voice := webhook.PolicyFor(payload.EventCall)
	clamped := webhook.Policy{Timeout: 10 * time.Second, Attempts: 50, Waits: []time.Duration{time.Second, time.Hour}, Jitter: 0.5}
	clampedVoice := clamped
	clampedVoice.Success = voice.Success
	require.Equal(t, []webhook.Policy{clamped, clampedVoice, usual, voice}, policies(durable.Config{}))

	// The lease is shorter than what is usual.
	for i, p := range policies(durable.Config{MaxTimeout: 2 * time.Second}) {
		require.Equal(t, 2*time.Second, p.Timeout, i)
	}
	defaults := func(eventType string) webhook.Policy {
		if eventType == payload.EventCall {
			return webhook.Policy{Attempts: 99, Success: []int{http.StatusNoContent}}
		}
		return webhook.Policy{Waits: []time.Duration{time.Minute}}
	}
	want := []webhook.Policy{clamped, clamped, usual, voice}
	want[1].Success = []int{http.StatusNoContent}
	want[2].Waits = []time.Duration{time.Minute}
	want[3].Success, want[3].Attempts = []int{http.StatusNoContent}, 50
	require.Equal(t, want, policies(durable.Config{Defaults: defaults}))
}
