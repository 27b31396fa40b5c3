package webhooktest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/webhooktest"
)

// orderShipped is an event of a shop's own.
type orderShipped struct {
	Order string `json:"order"`
}

func (orderShipped) EventType() string { return "shop:order:shipped" }

// notify is the shop's code under test. It takes a Sender, and does not know that it is
// tested.
func notify(ctx context.Context, s webhook.Sender, url string, e orderShipped) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.Send(ctx, &webhook.Message{
		ID:     "shipped_" + e.Order,
		Event:  e.EventType(),
		Method: http.MethodPost,
		URL:    url,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   body,
		Policy: webhook.Policy{Attempts: 3, Waits: []time.Duration{time.Millisecond}},
	})
}

// A receiver that is down at first, and code that must deliver all the same.
func Example() {
	rcv := webhooktest.NewReceiver(webhooktest.Refuse(), webhooktest.Status(503), webhooktest.Status(200))
	defer rcv.Close()

	client := rcv.Client()
	client.OnAttempt = func(_ context.Context, _ *webhook.Message, a webhook.Attempt) {
		fmt.Printf("attempt %d: %s, %v\n", a.N, a.Outcome, a.Err)
	}
	if err := notify(context.Background(), client, rcv.URL+"/orders", orderShipped{"A-17"}); err != nil {
		fmt.Println(err)
	}
	for _, r := range rcv.Requests() {
		fmt.Printf("%s %s %s %s\n", r.Method, r.URL, r.ID, r.Body)
	}
	// Output:
	// attempt 1: retrying, webhook: connection refused
	// attempt 2: retrying, webhook: status 503
	// attempt 3: delivered, <nil>
	// POST /orders shipped_A-17 {"order":"A-17"}
	// POST /orders shipped_A-17 {"order":"A-17"}
}

// The handler that receives a custom event is itself under test: it is a step of the
// script.
func Example_handler() {
	secret := webhook.GenerateSecret()
	handler := webhook.Verifier{Secrets: []webhook.Secret{secret}}.Handler(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var e orderShipped
			if err := json.NewDecoder(r.Body).Decode(&e); err != nil || e.Order == "" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			fmt.Println("shipped:", e.Order)
		}))

	rcv := webhooktest.NewReceiver(webhooktest.Func(handler.ServeHTTP))
	defer rcv.Close()
	signed := rcv.Client()
	signed.Signer = webhook.StandardWebhooks{
		Keys: func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{secret}, nil },
	}
	m := &webhook.Message{ID: "msg_1", Method: http.MethodPost, URL: rcv.URL, Body: []byte(`{"order":"A-17"}`)}
	fmt.Println(signed.Try(context.Background(), m, 1).Status)
	fmt.Println("unsigned:", rcv.Client().Try(context.Background(), m, 1).Status)
	// Output:
	// shipped: A-17
	// 200
	// unsigned: 401
}
