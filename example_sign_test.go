package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/ringhook/webhook"
)

// The sender signs every attempt with the customer's secret, and the customer's handler
// gets only requests with a valid signature.
func Example_signAndVerify() {
	secret := webhook.GenerateSecret() // secret.Reveal() is what both sides store

	// The sender. A Client calls its Signer once for each attempt.
	signer := webhook.StandardWebhooks{
		Keys: func(_ context.Context, webhookID string) ([]webhook.Secret, error) {
			return []webhook.Secret{secret}, nil // usually from the table of webhooks
		},
	}
	message := &webhook.Message{
		ID: "msg_1", WebhookID: "customer-7", Method: http.MethodPost, Body: []byte(`{"status":"sent"}`),
	}
	header := http.Header{}
	if err := signer.Sign(context.Background(), message, time.Now(), header); err != nil {
		fmt.Println(err)
		return
	}

	// The receiver.
	verifier := webhook.Verifier{Secrets: []webhook.Secret{secret}}
	handler := verifier.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Printf("received %s: %s\n", r.Header.Get(webhook.HeaderID), body)
	}))
	for _, body := range []string{`{"status":"sent"}`, `{"status":"read"}`} {
		request := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(body))
		request.Header = header
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		fmt.Println(response.Code)
	}

	fmt.Println("the secret is", secret)
	// Output:
	// received msg_1: {"status":"sent"}
	// 200
	// 401
	// the secret is REDACTED
}

// The platform's scheme, with the webhook's id as key: PHP receivers check it with
// hash_hmac.
func ExampleHMAC() {
	message := &webhook.Message{
		WebhookID: "dd4b91af-167d-48e6-901d-ae181ff6e80d",
		Method:    http.MethodPost,
		Body:      []byte(`{"a":"1"}`),
	}
	header := http.Header{}
	if err := (webhook.HMAC{}).Sign(context.Background(), message, time.Now(), header); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(header.Get(webhook.HeaderSignature))

	verifier := webhook.Verifier{
		Header:  webhook.HeaderSignature,
		Secrets: []webhook.Secret{webhook.WebhookIDSecret(message.WebhookID)},
	}
	fmt.Println(verifier.Verify(context.Background(), header, message.Body))
	fmt.Println(errors.Is(verifier.Verify(context.Background(), header, []byte("forged")), webhook.ErrBadSignature))
	// Output:
	// 0271518e062ec2a249da384e2efd9bef08293ffad23c56b6cca8b432436055d8
	// <nil>
	// true
}
