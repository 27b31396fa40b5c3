package payload_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// A receiver verifies a body, parses it, and handles it by the type of the event.
func Example() {
	for _, name := range []string{"whatsapp_status", "whatsapp_in_text", "obd", "cdr"} {
		event, err := payload.Parse(testdata.Fixture(name))
		if err != nil {
			fmt.Println(err)
			return
		}
		switch e := event.(type) {
		case *payload.MessageStatus:
			fmt.Println("message", e.ForeignID, "is", e.Status)
		case *payload.MessageIn:
			if text, ok := e.Message.Text(); ok {
				fmt.Println(e.Recipient.User.FirstName, "wrote", len(text), "bytes")
			}
		case *payload.CallReport:
			d, _ := e.Duration.Duration()
			fmt.Println("call", e.MID, "took", d, "and ended with", e.Status)
		case *payload.CDR:
			cost, _ := e.Cost.Rat()
			fmt.Println("leg", e.LegType, "cost", cost.FloatString(4), e.HangupCause)
		}
	}
	// Output:
	// message your-business-identifier is read
	// Aïsha wrote 59 bytes
	// call 1234-1333-56789 took 23s and ended with ANSWER
	// leg 1 cost 0.0150 NORMAL_CLEARING
}

// An event of a type that this package does not know is no error. It can be looked into,
// and passed on as it came.
func ExampleOther() {
	for _, body := range []string{
		`{"event": "message.created", "payload": {"id": "wa-1", "from": "919019912345"}}`,
		`{"id": 86, "first_name": "Asha"}`,
		`{"id": 86,`,
	} {
		event, err := payload.Parse([]byte(body))
		if errors.Is(err, payload.ErrSyntax) {
			fmt.Println(err)
			continue
		}
		if other, ok := event.(*payload.Other); ok {
			fmt.Println(other.Type, len(other.JSON))
		}
	}
	// Output:
	// message.created 79
	// unknown 32
	// payload: not JSON at offset 10
}

// An unsubscription does not say of which channel it is. A receiver that has another URL
// for each channel, or gets the type in a header, does.
func ExampleParseAs() {
	event, err := payload.ParseAs("sms:unsubscription", testdata.Fixture("sms_unsubscription"))
	if err != nil {
		fmt.Println(err)
		return
	}
	u := event.(*payload.Unsubscription)
	fmt.Println(u.EventType(), u.Type, u.Value)
	// Output:
	// sms:unsubscription sender Demo12
}

// A platform reports more than the documents have, here why a message failed. Templates
// can name it as all other members.
func ExampleMessageStatus_With() {
	status, err := payload.MessageStatus{ID: "a418d672", Status: payload.StatusFailed}.With("error_code", 131026)
	if err != nil {
		fmt.Println(err)
		return
	}
	composer := webhook.MustCompile(webhook.Webhook{
		URL: "https://receiver.test/", Body: `{"id": "{{id}}", "failed": {{error_code}}}`,
	}, status)
	message, err := composer.Compose(status)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(message.Body))
	// Output:
	// {"id": "a418d672", "failed": 131026}
}

// Call times are wall clocks without a zone. With the zone, they are an instant.
func ExampleTime_In() {
	event, err := payload.Parse(testdata.Fixture("obd"))
	if err != nil {
		fmt.Println(err)
		return
	}
	start := event.(*payload.CallReport).StartAt

	_, ok := start.Time()
	fmt.Println(start, "names its zone:", ok)

	india := time.FixedZone("IST", 5*3600+30*60) // or time.LoadLocation("Asia/Kolkata")
	at, ok := start.In(india)
	fmt.Println(at.UTC().Format(time.RFC3339), ok)
	// Output:
	// 2021-04-09 16:27:39 names its zone: false
	// 2021-04-09T10:57:39Z true
}

// An event that is made in Go has the documented body.
func ExampleMessageStatus() {
	body, err := json.Marshal(payload.MessageStatus{
		ID:        "a418d672",
		Channel:   payload.ChannelRCS,
		To:        payload.PhoneString("919019912345"),
		Status:    payload.StatusDelivered,
		Timestamp: payload.TimeInstant(time.Date(2021, 6, 18, 14, 48, 6, 0, time.UTC)),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(body))
	// Output:
	// {"event":"rcs:message:status","payload":{"id":"a418d672","channel":"rcs","from":null,"to":"919019912345","status":"delivered","delivered_at":null,"read_at":null,"processed_at":null,"timestamp":"2021-06-18T14:48:06.000000Z","foreign_id":""}}
}

// Samples are for previews in a form in which customers write webhooks, and for the table
// of names beside it.
func ExampleSamples() {
	event := payload.Samples("sms:message:status")[0]
	composer, err := webhook.Compile(webhook.Webhook{
		URL: "https://www.example.com/", Body: `{"to": "{{payload.mobile}}", "state": "{{payload.status}}"}`,
	}, event)
	if err != nil {
		fmt.Println(err)
		return
	}
	preview, err := composer.Compose(event)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(preview.Body))
	// Output:
	// {"to": "919019912345", "state": "DELIVRD"}
}
