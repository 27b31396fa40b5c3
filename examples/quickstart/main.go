// Quickstart delivers a WhatsApp status and a call report in a customer's own format,
// signed, to a receiver that it starts itself and that fails at first, so that a retry
// is seen. It takes about a second.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/webhooktest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

const webhookID = "dd4b91af-167d-48e6-901d-ae181ff6e80d"

func run(ctx context.Context, out io.Writer) error {
	// The customer's server: it answers 500 once, and then 200.
	receiver := webhooktest.NewReceiver(webhooktest.Status(500), webhooktest.Status(200))
	defer receiver.Close()
	receiver.Verifier = &webhook.Verifier{
		Header:  webhook.HeaderSignature,
		Secrets: []webhook.Secret{webhook.WebhookIDSecret(webhookID)},
	}

	hooks := webhooks(receiver.URL)
	// This client may reach this machine. In production: client := &webhook.Client{}
	client := receiver.Client()
	client.Signer = webhook.HMAC{}
	client.OnAttempt = func(_ context.Context, m *webhook.Message, a webhook.Attempt) {
		fmt.Fprintf(out, "%s: attempt %d: status %d: %s", m.Event, a.N, a.Status, a.Outcome)
		if a.Wait > 0 {
			fmt.Fprintf(out, ", next one in %v", a.Wait)
		}
		fmt.Fprintln(out)
	}
	for i, event := range events() {
		composer, err := webhook.Compile(hooks[i], event)
		if err != nil {
			return err
		}
		message, err := composer.Compose(event)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s %s\n%s\n", message.Method, message.URL, message.Body)
		if err := client.Send(ctx, message); err != nil {
			return err
		}
	}

	fmt.Fprintln(out, "\nThe receiver got:")
	for _, r := range receiver.Requests() {
		signature := "good"
		if r.Err != nil {
			signature = r.Err.Error()
		}
		fmt.Fprintf(out, "%s %s, %s, %d bytes, signature %s\n", r.Method, r.ID, r.URL, len(r.Body), signature)
	}
	return nil
}

// webhooks returns what the customer wrote into the panel's form: one webhook for
// message statuses and one for call reports.
func webhooks(url string) []webhook.Webhook {
	hooks := []webhook.Webhook{
		{
			ID:      webhookID,
			Name:    "message status",
			URL:     url + "/ack/receive?id=@{{payload.id}}&mobile=@{{payload.mobile}}&status=@{{payload.status}}",
			Headers: map[string]string{"Authorization": "Bearer the-customers-token"},
			Body: `{"id": "@{{payload.id}}", "mobile": "@{{payload.mobile}}", ` +
				`"message_status": "@{{payload.status}}", "read_at": @{{payload.read_at}}}`,
		},
		{
			ID:   webhookID,
			Name: "call report",
			URL:  url + "/calls",
			Body: `{"call": "{{mid}}", "to": "{{to}}", "status": "{{status}}", ` +
				`"seconds": {{duration}}, "report": {{payload}}}`,
		},
	}
	for i := range hooks { // by default, the wait would be 10 s
		hooks[i].Policy = &webhook.Policy{Waits: []time.Duration{time.Second}}
	}
	return hooks
}

// events returns what happened on the platform: one event for each of the webhooks.
func events() []webhook.Event {
	return []webhook.Event{
		payload.MessageStatus{
			ID:      "a418d672-9781-4d97-b517-a56f7d95ad8a",
			Channel: payload.ChannelWhatsApp,
			From:    payload.PhoneString("919019120120"),
			To:      payload.PhoneString("919019912345"),
			Status:  payload.StatusRead,
			ReadAt:  payload.TimeInstant(time.Now()),
		},
		payload.CallReport{
			Bridge:   payload.PhoneNumber(918068280000),
			From:     payload.PhoneNumber(918919520000),
			To:       payload.PhoneNumber(918867130000),
			Source:   payload.SourceOBD,
			MID:      "1234-1333-98765",
			FlowID:   payload.IntNumber(123),
			StartAt:  payload.TimeLocal(time.Now().Add(-23 * time.Second)),
			EndAt:    payload.TimeLocal(time.Now()),
			Duration: payload.SecondsString(23 * time.Second),
			Status:   payload.CallStatusAnswer,
		},
	}
}
