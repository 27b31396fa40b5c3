// Customer-template loads a customer's webhooks from a JSON file and compiles each of
// them. It shows the errors of the one that is wrong on purpose. With each of the
// others, it composes the request that reports a message status, shows it and sends it
// to a receiver that it starts itself.
//
//	go run ./examples/customer-template [file.json]
package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/webhooktest"
)

//go:embed customer.json
var customer []byte

func main() {
	flag.Usage = func() { fmt.Fprintln(flag.CommandLine.Output(), "usage: customer-template [file.json]") }
	flag.Parse()
	hooks := customer
	if flag.NArg() > 0 {
		var err error
		if hooks, err = os.ReadFile(flag.Arg(0)); err != nil {
			log.Fatal(err)
		}
	}
	if err := run(context.Background(), os.Stdout, hooks); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, file []byte) error {
	var hooks []webhook.Webhook
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields() // or a typo such as "header" would be ignored
	if err := d.Decode(&hooks); err != nil {
		return err
	}
	receiver := webhooktest.NewReceiver() // stands for the customer's servers
	defer receiver.Close()
	// This client may reach this machine. In production: client := &webhook.Client{}
	client := receiver.Client()

	event := payload.MessageStatus{
		ID:        "a418d672-9781-4d97-b517-a56f7d95ad8a",
		Channel:   payload.ChannelWhatsApp,
		From:      payload.PhoneString("919019120120"),
		To:        payload.PhoneString("919019912345"),
		Status:    payload.StatusRead,
		ReadAt:    payload.TimeInstant(time.Date(2026, time.July, 1, 10, 57, 39, 0, time.UTC)),
		ForeignID: `July "renewals"`,
	}
	for _, hook := range hooks {
		fmt.Fprintf(out, "\n== %s\n", hook.Name)
		composer, err := webhook.Compile(hook, event)
		if bad := (*webhook.TemplateError)(nil); errors.As(err, &bad) {
			fmt.Fprintln(out, bad.Detail()) // for the person who wrote it
			continue
		} else if err != nil {
			return err
		}
		message, err := composer.Compose(event)
		if err != nil {
			return err
		}
		show(out, message)
		if message.URL, err = redirect(message.URL, receiver.URL); err != nil {
			return err
		}
		if err := client.Send(ctx, message); err != nil {
			return err
		}
		got := receiver.Requests()
		fmt.Fprintf(out, "-> delivered, %d bytes of body\n", len(got[len(got)-1].Body))
	}
	return nil
}

// show prints a request without the credentials that its headers may have.
func show(out io.Writer, m *webhook.Message) {
	fmt.Fprintln(out, m.Method, m.URL)
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		value := "****"
		if name == "Content-Type" {
			value = m.Header.Get(name)
		}
		fmt.Fprintf(out, "%s: %s\n", name, value)
	}
	if len(m.Body) > 0 {
		fmt.Fprintf(out, "\n%s\n", strings.ReplaceAll(string(m.Body), "\r\n", "\n"))
	}
}

// redirect returns an address on another server, with the path and query as composed.
func redirect(address, server string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	return server + u.RequestURI(), nil
}
