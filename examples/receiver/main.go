// Receiver is the receiving side: an HTTP server that accepts only events with a valid
// signature, and prints what they report. It runs until it is interrupted.
//
//	WEBHOOK_SECRET=$(openssl rand -base64 32) go run ./examples/receiver -addr localhost:8080
//
// A platform that asks first whether the receiver wants the events, with a challenge
// that has a key, is answered if WEBHOOK_KEY has it.
//
// To try it without a sender, let it send a few events to itself and end:
//
//	go run ./examples/receiver -demo
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/handshake"
	"github.com/ringhook/webhook/payload"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	demo := flag.Bool("demo", false, "send a few events to itself and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func() error {
		return serve(ctx, os.Stdout, *addr, os.Getenv("WEBHOOK_SECRET"), os.Getenv("WEBHOOK_KEY"))
	}
	if *demo {
		run = func() error { return demonstrate(ctx, os.Stdout) }
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// serve answers on addr until ctx ends. Without a secret it does not start; without a
// validation key it answers no challenge.
func serve(ctx context.Context, out io.Writer, addr, secret, validationKey string) error {
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		return fmt.Errorf("WEBHOOK_SECRET: %w", err)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on http://%v\n", listener.Addr())
	server := &http.Server{Handler: newHandler(out, key, validationKey), ReadTimeout: 10 * time.Second}
	answered := make(chan error, 1)
	defer context.AfterFunc(ctx, func() { answered <- server.Shutdown(context.Background()) })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-answered // requests that have arrived are answered first
}

// A handler gets only requests with a valid signature, and no message twice.
type handler struct {
	out *log.Logger
	// handled has the ids of messages. A service keeps them in its database, for as
	// long as senders may repeat them.
	handled sync.Map
}

func newHandler(out io.Writer, key webhook.Secret, validationKey string) http.Handler {
	h := &handler{out: log.New(out, "", 0)}
	verifier := webhook.Verifier{
		Secrets: []webhook.Secret{key},
		Seen: func(_ context.Context, id string) (bool, error) {
			_, ok := h.handled.Load(id)
			return ok, nil
		},
		// For a platform that signs with the webhook's id:
		//	Header:  webhook.HeaderSignature,
		//	Secrets: []webhook.Secret{webhook.WebhookIDSecret(id)},
	}
	// Outside of the Verifier, since a challenge is not signed.
	return handshake.Echo{Key: validationKey}.Handler(verifier.Handler(h))
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // at most 1 MiB: Verifier.Handler limits it
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	event, err := payload.Parse(body)
	if err != nil {
		h.out.Print(err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch e := event.(type) {
	case *payload.MessageStatus:
		h.out.Printf("message %s is %s", e.ID, e.Status)
	case *payload.MessageIn:
		if text, ok := e.Message.Text(); ok {
			h.out.Printf("%s wrote: %q", e.Recipient.User.FirstName, text)
		} else {
			h.out.Printf("%s sent something of type %s", e.Recipient.User.FirstName, e.Message.Type)
		}
	case *payload.CallReport:
		length, _ := e.Duration.Duration()
		h.out.Printf("call %s: %s, %v", e.MID, e.Status, length)
	case *payload.CDR:
		h.out.Printf("call %s of campaign %q: %s", e.CallID, e.CampaignName, e.HangupCause)
	default:
		// What this program does not know, its sender need not send again: answers other
		// than 2xx would make it rest, and hold back the events that are known.
		h.out.Printf("an event of type %q, which is not handled here", e.EventType())
	}
	// Only now: a message that failed must be accepted when it is sent again.
	h.handled.Store(r.Header.Get(webhook.HeaderID), true)
	// Not 204: senders of call reports accept 200 and 202 only.
	w.WriteHeader(http.StatusOK)
}
