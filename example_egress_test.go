package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/webhooktest"
)

// In development, messages may go to this machine. A client without such a Transport
// refuses it, as it refuses every address that is not public.
func ExampleNewTransport_development() {
	receiver := webhooktest.NewReceiver() // or a server of one's own, or ringhook listen
	defer receiver.Close()
	m, err := webhook.MustCompile(webhook.Webhook{URL: receiver.URL + "/hook", Policy: &webhook.Policy{Attempts: 1}}).
		ComposeID("msg_1", webhook.RawEvent{Type: "order:paid", JSON: []byte(`{}`)})
	if err != nil {
		panic(err)
	}
	var refused *webhook.DeliveryError
	if errors.As((&webhook.Client{}).Send(context.Background(), m), &refused) {
		fmt.Println("in production:", refused.Last.Class)
	}
	client := &webhook.Client{Transport: webhook.NewTransport(webhook.Egress{
		AnyPort: true,
		Allow:   []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	})}
	defer client.CloseIdleConnections()
	fmt.Println("in development:", client.Send(context.Background(), m))
	// Output:
	// in production: unreachable
	// in development: <nil>
}

// What a customer asks for is judged when he saves it.
func ExampleBounds_Check() {
	bounds := webhook.Bounds{MaxAttempts: 10, CheckURL: webhook.Egress{}.Check}
	for _, p := range bounds.Check(webhook.Webhook{
		URL:    "http://169.254.169.254/latest/meta-data",
		Policy: &webhook.Policy{Attempts: 40},
	}) {
		fmt.Printf("%s: %s: %s\n", p.Severity, p.Field, p.Message)
	}
	// Output:
	// error: policy: attempts: 40, at most 10
	// error: url: the address of the URL is not a public one
	// warning: url: http sends everything in the clear; use https
}

// A webhook is told of what its customer has subscribed to.
func ExampleSubscription_Match() {
	s := webhook.Subscription{
		WebhookID: "wh_1", Events: []string{"whatsapp:*", "sms:message:status"}, Identities: []string{"number:919019120120"},
	}
	ours := []string{"number:919019120120", webhook.IdentityAll}
	fmt.Println(s.Match("whatsapp:message:in", ours))
	fmt.Println(s.Match("voice:message:out", ours))
	fmt.Println(s.Match("whatsapp:message:in", []string{"number:919019000000", webhook.IdentityAll}))
	// Output:
	// true
	// false
	// false
}
