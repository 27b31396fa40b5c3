package webhook_test

import (
	"fmt"

	"github.com/ringhook/webhook"
)

// A callTransferred is an event of the service's own. Templates use its json names.
type callTransferred struct {
	CallID string   `json:"call_id"`
	From   agent    `json:"from"`
	To     agent    `json:"to"`
	Waited int      `json:"waited"` // seconds
	Skills []string `json:"skills"`
	Note   *string  `json:"note"`
}

type agent struct {
	Name  string `json:"name"`
	Queue string `json:"queue"`
}

func (callTransferred) EventType() string { return "support:call:transferred" }

// Your own event is a struct with json tags and an EventType method. Nothing has to be
// registered. With a sample of it, Compile knows its names.
func ExampleEvent() {
	event := callTransferred{
		CallID: "c-981",
		From:   agent{"Asha", "billing"},
		To:     agent{`Ravi "RK" Kumar`, "claims & refunds"},
		Waited: 41,
		Skills: []string{"hi", "en"},
	}
	composer := webhook.MustCompile(webhook.Webhook{
		URL:     "https://crm.example.com/transfers/{{call_id}}?queue={{to.queue}}",
		Headers: map[string]string{"X-Event": "{{event}}"},
		Body:    `{"agent": "{{to.name}}", "waited": {{waited}}, "language": "{{skills.0}}", "skills": {{skills}}, "note": {{note}}}`,
	}, callTransferred{})
	m, err := composer.Compose(event)
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Method, m.URL)
	fmt.Println("X-Event:", m.Header.Get("X-Event"))
	fmt.Println(string(m.Body))

	_, err = webhook.Compile(webhook.Webhook{URL: "https://crm.example.com/transfers?queue={{to.que}}"}, callTransferred{})
	fmt.Println(err)

	// Without a body template, the event's JSON is sent.
	m, err = webhook.MustCompile(webhook.Webhook{URL: "https://crm.example.com/transfers"}).Compose(event)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(m.Body))
	// Output:
	// POST https://crm.example.com/transfers/c-981?queue=claims%20%26%20refunds
	// X-Event: support:call:transferred
	// {"agent": "Ravi \"RK\" Kumar", "waited": 41, "language": "hi", "skills": ["hi","en"], "note": null}
	// webhook: url: offset 42: unknown name "to.que"; did you mean "to.queue"?
	// {"call_id":"c-981","from":{"name":"Asha","queue":"billing"},"to":{"name":"Ravi \"RK\" Kumar","queue":"claims & refunds"},"waited":41,"skills":["hi","en"],"note":null}
}
