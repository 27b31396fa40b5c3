package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/ringhook/webhook"
)

// A secret is replaced without a gap: while both secrets are in the keyring, each
// request has a signature with each of them, so receivers can change to the new secret
// at any time. When all have changed, remove the old secret from the keyring.
func Example_rotation() {
	oldSecret, newSecret := webhook.GenerateSecret(), webhook.GenerateSecret()
	oldReceiver := webhook.Verifier{Secrets: []webhook.Secret{oldSecret}}
	newReceiver := webhook.Verifier{Secrets: []webhook.Secret{newSecret}}
	message := &webhook.Message{
		ID: "msg_1", WebhookID: "customer-7", Method: http.MethodPost, Body: []byte(`{"status":"sent"}`),
	}

	for _, step := range []struct {
		name string
		keys []webhook.Secret
	}{
		{"before", []webhook.Secret{oldSecret}},
		{"during", []webhook.Secret{newSecret, oldSecret}}, // newest first
		{"after", []webhook.Secret{newSecret}},
	} {
		signer := webhook.StandardWebhooks{
			Keys: func(context.Context, string) ([]webhook.Secret, error) { return step.keys, nil },
		}
		header := http.Header{}
		if err := signer.Sign(context.Background(), message, time.Now(), header); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s:\n", step.name)
		fmt.Println("  old receiver:", oldReceiver.Verify(context.Background(), header, message.Body))
		fmt.Println("  new receiver:", newReceiver.Verify(context.Background(), header, message.Body))
	}
	// Output:
	// before:
	//   old receiver: <nil>
	//   new receiver: webhook: bad signature
	// during:
	//   old receiver: <nil>
	//   new receiver: <nil>
	// after:
	//   old receiver: webhook: bad signature
	//   new receiver: <nil>
}
