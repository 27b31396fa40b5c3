package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/ringhook/webhook"
)

// receive hands what is genuine to handle. Seen tells whether an id was handled before.
func receive(text string, seen func(ctx context.Context, id string) (bool, error), handle http.HandlerFunc) (http.Handler, error) {
	secret, err := webhook.ParseSecret(text)
	if err != nil {
		return nil, err
	}
	return webhook.Verifier{Secrets: []webhook.Secret{secret}, Seen: seen}.Handler(handle), nil
}

// A message that arrives twice is handled once, and answered with 200 both times.
func ExampleVerifier_Handler() {
	const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz" // in production: from your configuration
	var handled sync.Map                                    // and that is a table of your database
	seen := func(_ context.Context, id string) (bool, error) {
		_, ok := handled.Load(id)
		return ok, nil
	}
	handler, err := receive(secret, seen, func(_ http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(webhook.HeaderID)
		fmt.Println("handling", id)
		handled.Store(id, true) // together with the work
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	key, err := webhook.ParseSecret(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	signer := webhook.StandardWebhooks{Keys: func(context.Context, string) ([]webhook.Secret, error) {
		return []webhook.Secret{key}, nil
	}}
	message := &webhook.Message{ID: "msg_1", Method: http.MethodPost, Body: []byte(`{"status":"sent"}`)}
	for range 2 {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"status":"sent"}`))
		if err := signer.Sign(context.Background(), message, time.Now(), request.Header); err != nil {
			fmt.Println(err)
			return
		}
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		fmt.Println(response.Code)
	}
	// Output:
	// handling msg_1
	// 200
	// 200
}
