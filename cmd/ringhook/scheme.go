package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
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
	hmac        *webhook.HMAC // nil for Standard Webhooks, with either kind of keys
	public      bool          // Ed25519: who verifies has another key than who signs
}

// schemes are all that the library has. The keys of the foreign ones are given as texts,
// so HMAC.Text is false in all of them.
var schemes = []scheme{
	{name: "standard", title: "Standard Webhooks"},
	{name: "ed25519", title: "Standard Webhooks with Ed25519", public: true},
	{name: "platform", title: "the platform's signature", hmac: &webhook.HMAC{}},
	{name: "github", title: "GitHub", hmac: described(webhook.GitHub)},
	{name: "shopify", title: "Shopify", hmac: described(webhook.Shopify)},
	{name: "stripe", title: "Stripe", hmac: described(webhook.Stripe)},
	{name: "slack", title: "Slack", hmac: described(webhook.Slack)},
}

// How the texts of keys begin that tell their scheme.
const (
	secretPrefix  = "whsec_"
	publicPrefix  = "whpk_"
	privatePrefix = "whsk_"
)

// isPair reports whether a text is half of a key pair of Ed25519, or both.
func isPair(text string) bool {
	return strings.HasPrefix(text, publicPrefix) || strings.HasPrefix(text, privatePrefix)
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

// schemeFor returns the scheme of a name, or without one that of the secret. Blanks around
// that are a mistake, but leave no doubt.
func schemeFor(name, secret string) (scheme, error) {
	text := strings.TrimSpace(secret)
	switch {
	case name != "" && name != "ed25519" && isPair(text):
		if _, err := schemeNamed(name); err != nil {
			return scheme{}, err
		}
		return scheme{}, fmt.Errorf("a key with whpk_ or whsk_ is for -scheme ed25519, and not for %s", name)
	case name != "":
		return schemeNamed(name)
	case isPair(text):
		return schemeNamed("ed25519")
	case strings.HasPrefix(text, secretPrefix):
		return schemeNamed("standard")
	}
	return schemeNamed("platform")
}

// A key is what a signature is verified with: a secret, or a public key.
type key struct {
	secret webhook.Secret
	public ed25519.PublicKey
}

// key makes a key of its text, as users of the scheme have it.
func (s scheme) key(text string) (k key, err error) {
	switch {
	case s.public && strings.HasPrefix(text, privatePrefix):
		pair, err := webhook.ParsePrivateKey(text)
		k.public, _ = pair.Public().(ed25519.PublicKey)
		return k, err
	case s.public && !strings.HasPrefix(text, publicPrefix):
		return k, errors.New("secret: what verifies this signature is a public key, which begins with whpk_")
	case s.public:
		k.public, err = webhook.ParsePublicKey(text)
	case s.hmac == nil, s.name == "platform" && strings.HasPrefix(text, secretPrefix):
		k.secret, err = webhook.ParseSecret(text)
	case s.name == "platform":
		if text == "" {
			return k, errors.New("secret: it is empty")
		}
		k.secret = webhook.WebhookIDSecret(text)
	default:
		k.secret, err = webhook.ExistingSecret([]byte(text))
	}
	return k, err
}

// signer returns what signs with the secret of that text.
func (s scheme) signer(text string) (webhook.Signer, error) {
	if s.public {
		return pairSigner(text)
	}
	k, err := s.key(text)
	if err != nil {
		return nil, err
	}
	keys := func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{k.secret}, nil }
	if s.hmac == nil {
		return webhook.StandardWebhooks{Keys: keys}, nil
	}
	h := *s.hmac
	h.Keys = keys
	return h, nil
}

// pairSigner returns what signs with a private key.
func pairSigner(text string) (webhook.Signer, error) {
	if strings.HasPrefix(text, publicPrefix) {
		return nil, errors.New("secret: a key with whpk_ verifies and cannot sign; the one that signs begins with whsk_")
	}
	pair, err := webhook.ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	return webhook.Ed25519{Keys: func(context.Context, string) ([]crypto.Signer, error) { return []crypto.Signer{pair}, nil }}, nil
}

// verifier returns what takes requests of the scheme.
func (s scheme) verifier(keys ...key) webhook.Verifier {
	v := webhook.Verifier{HMAC: s.hmac, MaxBody: -1}
	for _, k := range keys {
		if s.public {
			v.PublicKeys = append(v.PublicKeys, k.public)
		} else {
			v.Secrets = append(v.Secrets, k.secret)
		}
	}
	return v
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
