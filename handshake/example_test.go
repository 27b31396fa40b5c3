package handshake_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/ringhook/webhook/handshake"
	"github.com/ringhook/webhook/webhooktest"
)

// When a customer saves a webhook, its receiver is asked whether it wants the events. A
// server of somebody else does not know what to answer.
func ExampleProver_Prove() {
	receiver := webhooktest.NewReceiver(webhooktest.Handshake("9012000", webhooktest.Status(200)))
	defer receiver.Close()
	stranger := webhooktest.NewReceiver(webhooktest.Status(200))
	defer stranger.Close()
	for _, r := range []*webhooktest.Receiver{receiver, stranger} {
		prover := &handshake.Prover{
			Handshake: handshake.Echo{Key: "9012000"},
			Transport: r.Client().Transport, // which may reach this machine; in production: none
		}
		err := prover.Prove(context.Background(), "wh_1", r.URL+"/hook")
		fmt.Println(err == nil, errors.Is(err, handshake.ErrRefused))
	}
	// Output:
	// true false
	// false true
}

// A receiver answers challenges, and hands all else to the handler of its events.
func ExampleEcho_Handler() {
	events := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fmt.Println("an event") })
	handler := handshake.Echo{Key: "9012000"}.Handler(events) // events: a Verifier's Handler
	for _, body := range []string{`{"validation_key": "9012000", "challenge": "a234qwe"}`, `{"event": "whatsapp:message:in"}`} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/hook?token=9012000", strings.NewReader(body)))
		fmt.Print(answer.Body.String())
	}
	// Output:
	// {"challenge":"a234qwe"}
	// an event
}
