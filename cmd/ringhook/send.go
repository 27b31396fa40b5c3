package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/ringhook/webhook"
)

func declareSend(flags *flag.FlagSet) action {
	var events eventFlags
	events.declare(flags)
	id := flags.String("id", "", "")
	secret := flags.String("secret", "", "")
	name := flags.String("scheme", "", "")
	loopback := flags.Bool("allow-loopback", false, "")
	return func(ctx context.Context, e *env, args []string) error {
		client := &webhook.Client{}
		var err error
		switch {
		case *secret != "" || isSet(flags, "secret"):
			if client.Signer, err = signerOf(*name, *secret); err != nil {
				return err
			}
		case *name == "platform":
			client.Signer = webhook.HMAC{} // its key is the webhook's id
		case *name != "":
			return errors.New("which secret? Name it with -secret")
		}
		if *loopback {
			client.Transport = webhook.NewTransport(webhook.Egress{AnyPort: true, Allow: []netip.Prefix{
				netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
			}})
		}
		defer client.CloseIdleConnections()
		w, m, err := e.compose(args, &events, *id)
		if err != nil {
			return err
		}
		client.Auth = func(context.Context, string) (*webhook.Auth, error) { return w.Credentials(), nil }
		a := client.Try(ctx, m, 1)
		if err := e.printAttempt(m, a); err != nil {
			return err
		}
		if a.Outcome != webhook.OutcomeDelivered {
			return errProblems
		}
		return nil
	}
}

// A sent is an attempt for programs.
type sent struct {
	Outcome        webhook.Outcome `json:"outcome"`
	ID             string          `json:"id"`
	Method         string          `json:"method"`
	URL            string          `json:"url"`
	Status         int             `json:"status,omitempty"`
	Class          webhook.Class   `json:"class,omitempty"`
	Code           string          `json:"code,omitempty"`
	Args           []string        `json:"args,omitempty"`
	Error          string          `json:"error,omitempty"`
	MayHaveArrived bool            `json:"may_have_arrived"`
	Milliseconds   int64           `json:"milliseconds"`
	Wait           string          `json:"wait,omitempty"`
	Header         http.Header     `json:"header,omitempty"`
	Body           string          `json:"body,omitempty"`
}

func (e *env) printAttempt(m *webhook.Message, a webhook.Attempt) error {
	shown := m.Masked()
	if e.json {
		s := sent{
			Outcome: a.Outcome, ID: m.ID, Method: m.Method, URL: shown.URL, Status: a.Status, Class: a.Class, Code: a.Code,
			Args: a.Args, MayHaveArrived: a.MayHaveArrived, Milliseconds: a.Duration.Milliseconds(), Header: a.Header, Body: string(a.Body),
		}
		if a.Err != nil {
			s.Error = plainError(a.Err)
		}
		if a.Wait > 0 {
			s.Wait = a.Wait.String()
		}
		return e.printJSON(s)
	}
	fmt.Fprintf(e.out, "%s %s\n", m.Method, shown.URL)
	took := a.Duration.Round(time.Millisecond)
	if a.Outcome == webhook.OutcomeDelivered {
		fmt.Fprintf(e.out, "delivered: status %d, after %s\n", a.Status, took)
	} else {
		fmt.Fprintf(e.out, "not delivered: %s, after %s\n", plainError(a.Err), took)
		e.printNext(a)
	}
	if len(a.Header)+len(a.Body) > 0 {
		fmt.Fprintln(e.out, "\nThe answer:")
		e.printHeader(a.Header)
		if len(a.Body) > 0 {
			fmt.Fprintf(e.out, "\n%s\n", strings.TrimSuffix(string(a.Body), "\n"))
		}
	}
	return nil
}

// plainError is the text of an error of the library, without the library's name.
func plainError(err error) string { return strings.TrimPrefix(err.Error(), "webhook: ") }

// printNext prints what a failure means.
func (e *env) printNext(a webhook.Attempt) {
	arrived := "nothing arrived"
	if a.MayHaveArrived {
		arrived = "the receiver may have got it"
	}
	next := "no other attempt would follow"
	if a.Outcome == webhook.OutcomeRetrying {
		next = fmt.Sprintf("another attempt would follow after %s", a.Wait)
	}
	fmt.Fprintf(e.out, "  %s; %s\n", arrived, next)
	if a.Class == webhook.ClassUnreachable {
		fmt.Fprintln(e.out, "  Addresses of this machine are allowed with -allow-loopback only; other private ones never are.")
	}
}
