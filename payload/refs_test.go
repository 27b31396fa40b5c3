package payload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

func TestRefs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		event webhook.Event
		want  []string
	}{
		{payload.CallReport{}, nil},
		{payload.CallReport{
			MID: "Mid-1", To: payload.PhoneNumber(919019912345), From: payload.PhoneString("+91 80471-23456"),
			Bridge: payload.PhoneNumber(8047100000), Source: payload.SourceC2C,
		}, []string{"mid-1", "919019912345", "9019912345", "918047123456", "8047123456"}},
		{payload.CallReport{
			MID: "Mid-1", To: payload.PhoneNumber(919019912345), From: payload.PhoneString("918047123456"),
			Source: payload.SourceOBD,
		}, []string{"mid-1", "919019912345", "9019912345"}},
		{payload.CDR{
			CDRID: "c-1", CallRequestID: "r-1", CallID: "5BC9E66C-7785", PhoneNumber: payload.PhoneString("919019912345"),
		}, []string{"5bc9e66c-7785", "r-1", "c-1", "919019912345", "9019912345"}},
		{payload.MessageStatus{
			ID: "a418", ForeignID: "Your-Id", To: payload.PhoneString("9019912345"), From: payload.PhoneString("918047123456"),
		}, []string{"a418", "your-id", "9019912345"}},
		{payload.MessageIn{
			ID: "n-1", Message: payload.Content{ID: "wamid.1"},
			Recipient: payload.Recipient{From: payload.PhoneString("919019912345")},
		}, []string{"n-1", "wamid.1", "919019912345", "9019912345"}},
		{payload.SMSStatus{
			ID: "b34e:1", Mobile: payload.PhoneString("919019912345"), CID: "Your-Id", Custom: "c",
		}, []string{"b34e:1", "919019912345", "9019912345", "your-id", "c"}},
		{payload.Unsubscription{ID: "436", Receiver: payload.PhoneString("9019912345")}, []string{"436", "9019912345"}},
		{payload.WebhookState{ID: "DD4B91AF", Reason: "gone"}, []string{"dd4b91af"}},
		{payload.Other{Type: "x", JSON: []byte(` {"id":"Top","payload":{"id":436}} `)}, []string{"436", "top"}},
		{payload.Other{Type: "x", JSON: []byte(`{"id":"Top","payload":[]}`)}, []string{"top"}},
		{payload.Other{Type: "x", JSON: []byte(`[{"id":"1"}]`)}, nil},
	}
	c := webhook.MustCompile(webhook.Webhook{URL: "https://receiver.test/"})
	for _, tt := range tests {
		m, err := c.Compose(tt.event)
		require.NoError(t, err)
		require.Equal(t, tt.want, m.Refs, "%T", tt.event)
	}
}
