// Cdr posts the call detail record of an auto-dialer, as documented, to a receiver that
// it starts itself and that requires an API key. It shows the receiver's answer, and
// then the answer to a wrong key.
//
//	go run ./examples/cdr
package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/webhooktest"
)

const apiKey = "the-customers-api-key"

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	receiver := webhooktest.NewReceiver(webhooktest.Func(store))
	defer receiver.Close()

	cost, err := payload.ParseDecimal("0.0150") // exact: it never becomes a float
	if err != nil {
		return err
	}
	cdr := payload.CDR{
		ClientID:            payload.IntNumber(12),
		CDRID:               "5f0c6a52",
		CallerID:            payload.PhoneString("918068280000"),
		CallRequestID:       "8d1f1d6e-3a3c-4a53-8a40-6c0f5a1f7b2d",
		CallID:              "b1b7c8a0-58a5-4f5e-9d69-0d3f7f4c2e11",
		CampaignID:          payload.IntNumber(77),
		CampaignName:        "Renewals, July",
		LegType:             payload.LegA,
		PhoneNumber:         payload.PhoneString("918867130000"),
		ListPhonebookID:     []int64{3, 8},
		ListPhonebookName:   []string{"Renewals", "North"},
		Gateway:             "sip-gw-1",
		AMDStatus:           payload.AMDPerson,
		HangupCauseCode:     payload.IntNumber(16),
		HangupCause:         payload.CauseNormalClearing,
		Cost:                cost,
		BilledDuration:      payload.SecondsNumber(30 * time.Second),
		IncrementalDuration: payload.SecondsNumber(23 * time.Second),
		CallDate:            payload.TimeInstant(time.Date(2026, time.July, 1, 10, 57, 39, 0, time.UTC)),
	}

	// This client may reach this machine. In production: client := &webhook.Client{}
	client := receiver.Client()
	client.OnAttempt = func(_ context.Context, m *webhook.Message, a webhook.Attempt) {
		fmt.Fprintf(out, "%s: %s, status %d, answer %s\n", m.Event, a.Outcome, a.Status, a.Body)
	}
	for _, key := range []string{apiKey, "a-key-of-last-year"} {
		composer, err := webhook.Compile(webhook.Webhook{
			URL:     receiver.URL + "/cdrs",
			Headers: map[string]string{"x-api-key": key},
			Policy:  &webhook.Policy{Attempts: 1},
			// Without a Body, the CDR is sent as documented.
		}, cdr)
		if err != nil {
			return err
		}
		message, err := composer.Compose(cdr)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s %s, %d bytes: %.70s ...\n", message.Method, message.URL, len(message.Body), message.Body)
		if err := client.Send(ctx, message); err != nil {
			fmt.Fprintln(out, err)
		}
	}
	return nil
}

// store is the customer's handler.
func store(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("x-api-key")), []byte(apiKey)) == 0 {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"wrong api key"}`)
		return
	}
	var cdr payload.CDR
	if err := json.NewDecoder(r.Body).Decode(&cdr); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"not a CDR"}`)
		return
	}
	billed, _ := cdr.BilledDuration.Duration()
	fmt.Fprintf(w, `{"stored":%q,"cost":%v,"seconds":%v}`, cdr.CDRID, cdr.Cost, billed.Seconds())
}
