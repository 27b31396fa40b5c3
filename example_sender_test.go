package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/webhooktest"
)

// An outbox is a Sender that stores messages, like a table that is written in the same
// transaction as the service's own data. It returns nil for a message that is stored:
// something else delivers it.
type outbox struct{ rows [][]byte }

func (o *outbox) Send(_ context.Context, m *webhook.Message) error {
	row, err := json.Marshal(m)
	if err != nil {
		return err
	}
	o.rows = append(o.rows, row)
	return nil
}

var _ webhook.Sender = (*outbox)(nil)

// deliver sends the stored messages. Another process can run it, later.
func (o *outbox) deliver(ctx context.Context, s webhook.Sender) error {
	for len(o.rows) > 0 {
		var m webhook.Message
		if err := json.Unmarshal(o.rows[0], &m); err != nil {
			return err
		}
		if err := s.Send(ctx, &m); err != nil {
			return err
		}
		// If it is lost after Send, the same ID is sent again, and receivers drop it.
		o.rows = o.rows[1:]
	}
	return nil
}

// Your own Sender: code that reports events accepts any Sender. Here it gets one that
// only stores messages.
func ExampleSender() {
	receiver := webhooktest.NewReceiver() // stands for the customer's server
	defer receiver.Close()
	composer := webhook.MustCompile(webhook.Webhook{URL: receiver.URL + "/orders", Body: `{"order": {{order}}}`})

	ctx, box := context.Background(), &outbox{}
	for _, order := range []string{"A-17", "A-18"} {
		m, err := composer.ComposeID("order_"+order, webhook.RawEvent{
			Type: "shop:order:placed", JSON: []byte(`{"order": "` + order + `"}`),
		})
		if err != nil {
			panic(err)
		}
		if err := box.Send(ctx, m); err != nil {
			panic(err)
		}
	}
	fmt.Println("stored:", len(box.rows), "sent:", len(receiver.Requests()))

	if err := box.deliver(ctx, receiver.Client()); err != nil {
		panic(err)
	}
	fmt.Println("stored:", len(box.rows), "sent:", len(receiver.Requests()))
	for _, r := range receiver.Requests() {
		fmt.Println(r.Method, r.URL, r.ID, string(r.Body))
	}
	// Output:
	// stored: 2 sent: 0
	// stored: 0 sent: 2
	// POST /orders order_A-17 {"order": "A-17"}
	// POST /orders order_A-18 {"order": "A-18"}
}
