package payload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

func types(events []payload.Event) []string {
	var types []string
	for _, e := range events {
		types = append(types, e.EventType())
	}
	return types
}

func TestSamples(t *testing.T) {
	t.Parallel()
	all := payload.Samples()
	require.Len(t, all, len(testdata.Names())+5, "and unsubscriptions of five channels")
	for _, e := range all {
		require.NotEqual(t, payload.EventUnknown, e.EventType())
		require.Empty(t, webhook.Check(webhook.Webhook{URL: "https://h/", Body: "{{payload}}"}, e), e.EventType())
	}
	for _, want := range []string{
		payload.EventCall, payload.EventCDR, payload.EventSMS, payload.EventUnsubscription,
		"whatsapp:message:status", "whatsapp:message:in", "rcs:message:status", "rcs:message:in", "viber:message:status",
		"viber:message:in", "vmn:message:in", "sms:unsubscription", "whatsapp:unsubscription", "rcs:unsubscription",
		"viber:unsubscription", "voice:unsubscription",
		payload.EventWebhookState,
	} {
		require.Contains(t, types(all), want)
	}
	all[0].(*payload.CallReport).Status = "changed"
	require.NotEqual(t, all[0], payload.Samples()[0], "they are the caller's own")
}

func TestSamples_Types(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"dialer:cdr", "whatsapp:message:status"},
		types(payload.Samples("dialer:cdr", "whatsapp:message:status", "dialer:cdr")))
	require.Len(t, payload.Samples(payload.EventCall), 2, "of a campaign, and of Click2Call")
	require.Empty(t, payload.Samples("dialer:cd"))
}
