package webhook_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/webhooktest"
)

func Example() {
	receiver := webhooktest.NewReceiver() // stands for the customer's server
	defer receiver.Close()
	hook := webhook.Webhook{ // as the customer wrote it in your form
		ID:   "dd4b91af",
		URL:  receiver.URL + "/ack?id={{payload.id}}",
		Body: `{"to": "{{payload.to}}", "state": "{{payload.status | upcase}}", "read_at": {{payload.read_at}}}`,
	}
	event := payload.MessageStatus{ID: "a418d672", To: payload.PhoneString("919019912345"), Status: payload.StatusSent}
	message, err := webhook.MustCompile(hook, event).Compose(event)
	if err != nil {
		panic(err)
	}
	client := receiver.Client() // which may reach this machine; in production: &webhook.Client{}
	client.Signer = webhook.HMAC{}
	if err := client.Send(context.Background(), message); err != nil {
		panic(err)
	}
	got := receiver.Requests()[0]
	fmt.Println(got.Method, got.URL)
	fmt.Println("Signature:", got.Header.Get("Signature"))
	fmt.Println(string(got.Body))
	// Output:
	// POST /ack?id=a418d672
	// Signature: e2134d4a48035cec28e8c8f56e212b74e32d54f26840e49900ad6be8af90de94
	// {"to": "919019912345", "state": "SENT", "read_at": null}
}

// A message is composed in the customer's own format. The place of a placeholder decides
// how its value is written.
func ExampleComposer_Compose() {
	composer, err := webhook.Compile(webhook.Webhook{
		URL:     "https://www.example.com/calls/{{mid}}?status={{status}}",
		Headers: map[string]string{"X-Campaign": "flow {{flow_id}}"},
		Body:    `{"to": "{{to}}", "seconds": {{duration}}, "note": "from {{from}}"}`,
	}, payload.CallReport{})
	if err != nil {
		panic(err)
	}
	m, err := composer.ComposeID("call-1234", payload.CallReport{
		MID:      "1234/1333?",
		FlowID:   payload.IntNumber(123),
		From:     payload.PhoneString(`"anonymous"`),
		To:       payload.PhoneNumber(918867130000),
		Duration: payload.SecondsString(23e9),
		Status:   payload.CallStatusAnswer,
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(m.ID, m.Method, m.URL)
	fmt.Println(m.Header.Get("X-Campaign"))
	fmt.Println(string(m.Body))
	// Output:
	// call-1234 POST https://www.example.com/calls/1234%2F1333%3F?status=ANSWER
	// flow 123
	// {"to": "918867130000", "seconds": "23", "note": "from \"anonymous\""}
}

// Errors in a webhook are found when it is saved, and can be shown to its author.
func ExampleTemplateError_Detail() {
	_, err := webhook.Compile(webhook.Webhook{
		URL:  "https://www.example.com/ack",
		Body: `{"status": "{{payload.staus}}"}`,
	}, payload.MessageStatus{})
	var bad *webhook.TemplateError
	if errors.As(err, &bad) {
		fmt.Println(bad.Detail())
	}
	// Output:
	// webhook: body: offset 14: unknown name "payload.staus"; did you mean "payload.status"?
	// {"status": "{{payload.staus}}"}
	//               ^
}

func ExampleVariables() {
	for _, v := range webhook.Variables(payload.MessageStatus{
		Status: payload.StatusRead, To: payload.PhoneString("919019912345"),
	})[4:9] {
		fmt.Printf("%s %q %s %q\n", v.Name, v.Aliases, v.Type, v.Example)
	}
	// Output:
	// payload.id [] string ""
	// payload.channel [] string ""
	// payload.from [] string ""
	// payload.to ["payload.mobile"] string "919019912345"
	// payload.status [] string "read"
}
