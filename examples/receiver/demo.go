package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/handshake"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/webhooktest"
)

// demonstrate runs the handler on a port of its own, and sends events to it.
func demonstrate(ctx context.Context, out io.Writer) error {
	key := webhook.GenerateSecret()
	const validationKey = "9012000"
	server := webhooktest.NewReceiver(webhooktest.Func(newHandler(out, key, validationKey).ServeHTTP))
	defer server.Close()
	client := server.Client()
	// As a platform does when a webhook is saved.
	if err := (handshake.Echo{Key: validationKey}).Verify(ctx, client.Transport, server.URL); err != nil {
		return err
	}
	fmt.Fprintln(out, "The receiver wants the events: it has answered the challenge.")
	client.Signer = webhook.StandardWebhooks{Keys: func(context.Context, string) ([]webhook.Secret, error) {
		return []webhook.Secret{key}, nil
	}}
	client.OnAttempt = func(_ context.Context, m *webhook.Message, a webhook.Attempt) {
		fmt.Fprintf(out, "  %s: answer %d\n", m.Event, a.Status)
	}
	// No template: events are sent as documented.
	composer, err := webhook.Compile(webhook.Webhook{URL: server.URL})
	if err != nil {
		return err
	}
	var message *webhook.Message
	for _, event := range []webhook.Event{
		payload.MessageIn{
			Channels: []payload.Channel{{Name: payload.ChannelWhatsApp, To: payload.PhoneString("919019120120")}},
			Recipient: payload.Recipient{
				From: payload.PhoneString("919019912345"), User: payload.User{FirstName: "Asha"},
			},
			Message: payload.TextContent("Where is my order?"),
		},
		payload.CallReport{
			MID: "1234-1333-98765", Status: payload.CallStatusAnswer,
			Duration: payload.SecondsString(23 * time.Second),
		},
		payload.CDR{CallID: "b1b7c8a0", CampaignName: "Renewals, July", HangupCause: payload.CauseNormalClearing},
		webhook.RawEvent{Type: "contacts:subscriber:subscription", JSON: []byte(`{"id": 86, "first_name": "Asha"}`)},
		payload.MessageStatus{ID: "a418d672", Status: payload.StatusRead},
	} {
		if message, err = composer.Compose(event); err != nil {
			return err
		}
		if err := client.Send(ctx, message); err != nil {
			return err
		}
	}

	fmt.Fprintln(out, "The last one again, as after an answer that was lost: not handled twice.")
	client.Try(ctx, message, 2)
	fmt.Fprintln(out, "Without a signature:")
	client.Signer = nil
	client.Try(ctx, message, 3)
	return nil
}
