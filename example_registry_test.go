package webhook_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/webhooktest"
)

// A Registry finds webhooks by id: an API call names a webhook_id, and the webhooks are
// in the service's own table. Each is read and compiled at most once a minute, for any
// number of events.
func ExampleRegistry() {
	receiver := webhooktest.NewReceiver() // stands for the customers' servers
	defer receiver.Close()
	table := map[string]webhook.Webhook{
		"dd4b91af": {URL: receiver.URL + "/ack?id={{id}}", Body: `{"status": "{{status}}"}`},
		"58e1c0aa": {URL: receiver.URL + "/crm", Body: `{"lead": "{{to}}", "seconds": {{duration}}}`},
	}
	registry := &webhook.Registry{
		Source: func(_ context.Context, id string) (webhook.Webhook, error) {
			fmt.Println("reading", id)
			w, ok := table[id]
			if !ok {
				return webhook.Webhook{}, webhook.ErrNotFound
			}
			return w, nil
		},
		// All of these webhooks get call reports.
		Samples: []webhook.Event{payload.CallReport{}},
	}

	// This client may reach this machine. In production: client := &webhook.Client{}
	client := receiver.Client()
	report := func(webhookID, mid string) {
		err := registry.Dispatch(context.Background(), client, webhookID, payload.CallReport{
			MID: mid, To: payload.PhoneNumber(918867130000), Status: payload.CallStatusAnswer,
			Duration: payload.SecondsString(23e9),
		})
		if errors.Is(err, webhook.ErrNotFound) {
			fmt.Println("to the caller of the API:", err)
		} else if err != nil {
			panic(err)
		}
	}
	report("dd4b91af", "1234-1")
	report("dd4b91af", "1234-2")
	report("58e1c0aa", "1234-3")
	report("typo", "1234-4")
	for _, r := range receiver.Requests() {
		fmt.Println(r.Method, r.URL, string(r.Body))
	}
	// Output:
	// reading dd4b91af
	// reading 58e1c0aa
	// reading typo
	// to the caller of the API: webhook: look-up of webhook "typo": no such webhook
	// POST /ack?id=1234-1 {"status": "ANSWER"}
	// POST /ack?id=1234-2 {"status": "ANSWER"}
	// POST /crm {"lead": "918867130000", "seconds": "23"}
}
