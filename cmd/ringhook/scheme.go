package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook"
)

// A scheme is a way to sign.
type scheme struct {
	name, title string
	hmac        *webhook.HMAC // nil for Standard Webhooks
}

// schemes are all that the library has with secrets. The keys of the foreign ones are
// given as texts, so HMAC.Text is false in all of them.
var schemes = []scheme{
	{"standard", "Standard Webhooks", nil},
	{"platform", "the platform's signature", &webhook.HMAC{}},
	{"github", "GitHub", described(webhook.GitHub)},
	{"shopify", "Shopify", described(webhook.Shopify)},
	{"stripe", "Stripe", described(webhook.Stripe)},
	{"slack", "Slack", described(webhook.Slack)},
}

func described(of func(webhook.Keyring) webhook.HMAC) *webhook.HMAC {
	h := of(nil)
	h.Text = false
	return &h
}

func schemeNamed(name string) (scheme, error) {
	var names []string
	for _, s := range schemes {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return scheme{}, fmt.Errorf("no scheme %q: %s", name, strings.Join(names, ", "))
}

// schemeFor returns the scheme of a name, or without one that of the secret.
func schemeFor(name, secret string) (scheme, error) {
	switch {
	case name != "":
		return schemeNamed(name)
	case strings.HasPrefix(secret, "whsec_"):
		return schemeNamed("standard")
	}
	return schemeNamed("platform")
}

// key makes a secret of its text, as users of the scheme have it.
func (s scheme) key(text string) (webhook.Secret, error) {
	switch {
	case s.hmac == nil, s.name == "platform" && strings.HasPrefix(text, "whsec_"):
		return webhook.ParseSecret(text)
	case s.name == "platform":
		if text == "" {
			return webhook.Secret{}, errors.New("secret: it is empty")
		}
		return webhook.WebhookIDSecret(text), nil
	}
	return webhook.ExistingSecret([]byte(text))
}

// signer returns what signs with the secret of that text.
func (s scheme) signer(text string) (webhook.Signer, error) {
	secret, err := s.key(text)
	if err != nil {
		return nil, err
	}
	keys := func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{secret}, nil }
	if s.hmac == nil {
		return webhook.StandardWebhooks{Keys: keys}, nil
	}
	h := *s.hmac
	h.Keys = keys
	return h, nil
}

// verifier returns what takes requests of the scheme.
func (s scheme) verifier(secrets ...webhook.Secret) webhook.Verifier {
	return webhook.Verifier{Secrets: secrets, HMAC: s.hmac, MaxBody: -1}
}

// header is the name of the signature's header.
func (s scheme) header() string {
	switch {
	case s.hmac == nil:
		return webhook.HeaderWebhookSignature
	case s.hmac.Header == "":
		return webhook.HeaderSignature
	}
	return http.CanonicalHeaderKey(s.hmac.Header)
}

// timeHeader is the name of the header that has the signed time, or empty.
func (s scheme) timeHeader() string {
	if s.hmac == nil {
		return webhook.HeaderTimestamp
	}
	return http.CanonicalHeaderKey(s.hmac.TimeHeader)
}

// signedTime returns the time that a header claims.
func (s scheme) signedTime(header http.Header) (time.Time, bool) {
	text := header.Get(s.timeHeader())
	if s.timeHeader() == "" {
		for element := range strings.SplitSeq(header.Get(s.header()), ",") {
			if t, ok := strings.CutPrefix(strings.TrimSpace(element), "t="); ok {
				text = t
			}
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0).UTC(), err == nil
}

// parseTime reads the time of a flag; an empty one is now.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("-at %q: want seconds since 1970, or a time such as 2026-03-01T12:00:00Z", text)
	}
	return at, nil
}
