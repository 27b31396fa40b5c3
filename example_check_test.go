package webhook_test

import (
	"fmt"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// A form shows the author all errors of a webhook, and what may not be meant, before it
// is saved.
func ExampleCheck() {
	for _, p := range webhook.Check(webhook.Webhook{
		URL:  "http://www.example.com/ack?id={{payload.idd}}",
		Body: `{"to": "{{payload.to | slise: -10}}", "read": "{{payload.read_at}}"}`,
	}, payload.MessageStatus{}) {
		fmt.Printf("%s: %s, %d bytes from %d on: %s\n", p.Severity, p.Field, p.Length, p.Offset, p.Message)
	}
	// Output:
	// error: url, 11 bytes from 32 on: unknown name "payload.idd"; did you mean "payload.id"?
	// error: body, 5 bytes from 23 on: unknown filter "slise"; did you mean "slice"?
	// warning: url, 5 bytes from 0 on: http sends everything in the clear; use https
	// warning: body, 15 bytes from 49 on: payload.read_at is absent until the message is read, and then empty here; the filter default can replace it
}

// Curl shows a message as a command, with credentials masked. It is the message that is
// delivered, not one made for display.
func ExampleMessage_Curl() {
	composer := webhook.MustCompile(webhook.Webhook{
		URL:     "https://www.example.com/ack",
		Headers: map[string]string{"Authorization": "Bearer the-customers-token"},
		Body:    `{"status": "{{payload.status | upcase}}", "note": "it's {{payload.id}}"}`,
	})
	m, err := composer.ComposeID("status-1", payload.MessageStatus{ID: "a418d672", Status: payload.StatusRead})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Curl())
	// Output:
	// curl -q -g --path-as-is -X POST 'https://www.example.com/ack' \
	//   -H 'Authorization: ***' \
	//   -H 'Content-Type: application/json' \
	//   -H 'User-Agent: Ringhook' \
	//   -H 'Webhook-Id: status-1' \
	//   --data-binary '{"status": "READ", "note": "it'\''s a418d672"}'
}

func ExampleModernizeTemplate() {
	template, err := webhook.ModernizeTemplate("https://www.example.com/?to={to|cut:-10}&day={start_at|date_format:d/m/Y}")
	if err != nil {
		panic(err)
	}
	fmt.Println(template)
	// Output: https://www.example.com/?to={{to | slice: -10}}&day={{start_at | date_format: 'd/m/Y'}}
}
