package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"net/http"

	"github.com/ringhook/webhook"
)

func declareSign(flags *flag.FlagSet) action {
	secret := flags.String("secret", "", "")
	name := flags.String("scheme", "", "")
	id := flags.String("id", "", "")
	at := flags.String("at", "", "")
	return func(ctx context.Context, e *env, args []string) error {
		if len(args) == 0 {
			return errors.New("which body? Name a file, or - for standard input")
		}
		body, err := e.read(args[0])
		if err != nil {
			return err
		}
		signer, err := signerOf(*name, *secret)
		if err != nil {
			return err
		}
		when, err := parseTime(*at)
		if err != nil {
			return err
		}
		header := http.Header{}
		m := &webhook.Message{ID: cmp.Or(*id, rand.Text()), Method: http.MethodPost, Body: body}
		if err := signer.Sign(ctx, m, when, header); err != nil {
			return err
		}
		if e.json {
			return e.printJSON(header)
		}
		e.printHeader(header)
		return nil
	}
}

// signerOf returns the signer that flags ask for.
func signerOf(schemeName, flagged string) (webhook.Signer, error) {
	text, err := secretText(flagged)
	if err != nil {
		return nil, err
	}
	s, err := schemeFor(schemeName, text)
	if err != nil {
		return nil, err
	}
	return s.signer(text)
}
