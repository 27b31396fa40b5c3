package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/mac"
	"github.com/ringhook/webhook/internal/request"
)

// The headers of deliveries and signatures.
const (
	HeaderID               = "Webhook-Id"        // the message's ID, on every request
	HeaderTimestamp        = "Webhook-Timestamp" // Standard Webhooks: seconds since 1970
	HeaderWebhookSignature = "Webhook-Signature" // Standard Webhooks: v1,base64 …
	HeaderSignature        = "Signature"         // the platform's: hex; see [HMAC]
)

// ErrNoKey is wrapped by the errors of signers and of [Verifier.Verify] when there is
// no key, or none that the scheme may use. Nothing is sent, and nothing is accepted,
// without one.
var ErrNoKey = errors.New("no key")

// A Signer signs one attempt. It is safe for concurrent use.
type Signer interface {
	// Sign sets the headers that authenticate m, sent at the time at, in h, which is
	// empty; they are set on the request after m.Header. If it sets none, m goes
	// unsigned. It is an error to set a header that belongs to the connection or the
	// framing, one header in two spellings, or a Webhook-Id other than m.ID. An error
	// means that the attempt fails and nothing is sent. Sign does not change m or keep
	// it, and returns soon after ctx ends.
	Sign(ctx context.Context, m *Message, at time.Time, h http.Header) error
}

// SignerFunc is a function that is a [Signer].
type SignerFunc func(ctx context.Context, m *Message, at time.Time, h http.Header) error

// Sign calls f.
func (f SignerFunc) Sign(ctx context.Context, m *Message, at time.Time, h http.Header) error {
	return f(ctx, m, at, h)
}

// StandardWebhooks signs as version 1.0.0 of the Standard Webhooks specification says,
// scheme v1: the headers Webhook-Id, Webhook-Timestamp and Webhook-Signature, where the
// signature is the base64 of the HMAC-SHA256 of id, timestamp and body, joined by dots.
// There is one signature for every key, so that receivers with an old secret and those
// with the new one both accept the request.
//
// It always covers the body, and never the URL: of a GET only the id and the time are
// signed, so use a POST. It is safe for concurrent use.
//
// See
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
type StandardWebhooks struct {
	// Keys gives the secrets of a webhook. If nil, nothing can be signed, and Sign
	// fails with ErrNoKey. So does a secret made by WebhookIDSecret, which everybody
	// may know. Those of less than 24 bytes are passed over; if no other is left, Sign
	// fails too.
	Keys Keyring
}

var _ Signer = StandardWebhooks{}

// Sign sets the three headers. It fails with [ErrNoKey], with the error of Keys, or if
// the message's ID is not valid.
func (s StandardWebhooks) Sign(ctx context.Context, m *Message, at time.Time, header http.Header) error {
	if err := request.CheckID(m.ID); err != nil {
		return err
	}
	secrets, err := s.Keys.secrets(ctx, m.WebhookID)
	if err != nil {
		return err
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	prefix := standardPrefix(m.ID, timestamp)
	var list []byte
	for _, secret := range secrets {
		if secret.isShort {
			continue
		}
		if secret.key == nil || secret.isWebhookID {
			return ErrNoKey
		}
		if len(list) > 0 {
			list = append(list, ' ')
		}
		sum := secret.key.Sum(prefix, m.Body)
		list = append(list, standardVersion+","...)
		list = base64.StdEncoding.AppendEncode(list, sum[:])
	}
	if len(list) == 0 {
		return ErrNoKey
	}
	header[HeaderID] = []string{m.ID}
	header[HeaderTimestamp] = []string{timestamp}
	header[HeaderWebhookSignature] = []string{string(list)}
	return nil
}

// Each signature in a Webhook-Signature header starts with its version and a comma.
const (
	standardVersion = "v1"
	publicVersion   = "v1a" // of Ed25519
)

// standardPrefix is what Standard Webhooks signs before the body. Neither part can have
// a dot in it.
func standardPrefix(id, timestamp string) []byte {
	return []byte(id + "." + timestamp + ".")
}

// Signers signs with several signers at once, so that receivers can move from one
// scheme to another one by one: Signers{HMAC{}, StandardWebhooks{Keys: keys}}. It is
// safe for concurrent use if they all are.
type Signers []Signer

var _ Signer = Signers(nil)

// Sign sets the headers of all signers, each of which gets an empty one. The first
// error of one of them ends it. It is an error if two of them want a header to have
// different values, since one would be lost; equal values, such as two times the same
// Webhook-Id, are fine. For several secrets of one scheme use a [Keyring]. Without any
// signer it fails with [ErrNoKey].
func (s Signers) Sign(ctx context.Context, m *Message, at time.Time, h http.Header) (err error) {
	if len(s) == 0 {
		return ErrNoKey
	}
	defer func() {
		if err != nil {
			clear(h) // half of the signatures are none
		}
	}()
	one := make(http.Header)
	for i, signer := range s {
		if signer == nil {
			return fmt.Errorf("signer %d is nil", i)
		}
		clear(one)
		if err := signer.Sign(ctx, m, at, one); err != nil {
			return err
		}
		for name, values := range one {
			name = http.CanonicalHeaderKey(name)
			if old, ok := h[name]; ok && !slices.Equal(old, values) {
				return fmt.Errorf("two signers set the header %q", name)
			}
			h[name] = values
		}
	}
	return nil
}

// A Keyring gives the secrets of a webhook, newest first; it may ask a database or a
// key service. None is [ErrNoKey]: the attempt fails and nothing is sent. It must be
// safe for concurrent use. Its secrets should be kept, not made for each call: a Secret
// that was used before signs faster.
type Keyring func(ctx context.Context, webhookID string) ([]Secret, error)

func (k Keyring) secrets(ctx context.Context, webhookID string) ([]Secret, error) {
	if k == nil {
		return nil, ErrNoKey
	}
	secrets, err := k(ctx, webhookID)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if len(secrets) == 0 {
		return nil, ErrNoKey
	}
	return secrets, nil
}

// A Secret is a key that signs and verifies. However it is printed, logged or marshaled
// it gives REDACTED; only [Secret.Reveal] tells it. The zero Secret has no key: it
// never signs and never verifies. Copies share one key, and all are safe for concurrent
// use.
type Secret struct {
	redaction
	key         *mac.Key // shared by copies
	isWebhookID bool     // so it is no secret, and for HMAC only
	isShort     bool     // of less than minSecretSize bytes, and for HMAC only
}

const (
	secretPrefix  = "whsec_"
	minSecretSize = 24 // bytes, as in the Standard Webhooks specification
	minShortSize  = 8
	maxSecretSize = 64
	newSecretSize = 32
)

// ParseSecret reads the text form of Standard Webhooks: standard base64, with padding,
// of 24 to 64 bytes, with or without whsec_ before it. Its errors have nothing of s in
// them.
func ParseSecret(s string) (Secret, error) {
	text := strings.TrimPrefix(s, secretPrefix)
	b, err := base64.StdEncoding.DecodeString(text)
	// The decoder passes over line breaks and loose bits at the end: a secret has one
	// spelling.
	if err != nil || base64.StdEncoding.EncodeToString(b) != text {
		return Secret{}, errors.New("webhook: secret is not standard base64")
	}
	if len(b) < minSecretSize || len(b) > maxSecretSize {
		return Secret{}, fmt.Errorf("webhook: secret of %d bytes, want %d to %d", len(b), minSecretSize, maxSecretSize)
	}
	return newSecret(b, false), nil
}

// RawSecret makes a secret of at least 24 bytes, used as they are. It keeps a copy of
// b.
func RawSecret(b []byte) (Secret, error) {
	if len(b) < minSecretSize {
		return Secret{}, fmt.Errorf("webhook: secret of %d bytes, want at least %d", len(b), minSecretSize)
	}
	return newSecret(slices.Clone(b), false), nil
}

// ExistingSecret makes a secret of one that a receiver has already, of at least 8 bytes,
// used as they are. It keeps a copy of b. From 24 bytes on it is as of [RawSecret]. A
// shorter one can be guessed by whoever has seen a signature, and is for [HMAC] and its
// verifier only: [StandardWebhooks] passes it over. See [Secret.IsShort].
func ExistingSecret(b []byte) (Secret, error) {
	if len(b) < minShortSize {
		return Secret{}, fmt.Errorf("webhook: secret of %d bytes, want at least %d", len(b), minShortSize)
	}
	secret := newSecret(slices.Clone(b), false)
	secret.isShort = len(b) < minSecretSize
	return secret, nil
}

// WebhookIDSecret makes the key of the platform's scheme, which is the webhook's id. It
// is for [HMAC] and its verifier only, because the id is no secret; [StandardWebhooks]
// refuses it. It signs and verifies however short the id is. An empty id gives the zero
// Secret, which does neither.
func WebhookIDSecret(id string) Secret {
	if id == "" {
		return Secret{}
	}
	return newSecret([]byte(id), true)
}

// GenerateSecret makes a new secret of 32 random bytes. Give the customer what
// [Secret.Reveal] returns, and keep that.
func GenerateSecret() Secret {
	b := make([]byte, newSecretSize)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return newSecret(b, false)
}

func newSecret(b []byte, isWebhookID bool) Secret {
	return Secret{key: mac.New(b), isWebhookID: isWebhookID}
}

// mac returns the key of an [HMAC]: that of the bytes, or of the text.
func (s Secret) mac(text bool) *mac.Key {
	if !text || s.key == nil || s.isWebhookID {
		return s.key
	}
	return s.key.Derived(func() []byte { return []byte(s.Reveal()) })
}

// IsShort reports whether the secret has less than 24 bytes, so that the author of a
// webhook should be told to replace it; see [ExistingSecret].
func (s Secret) IsShort() bool { return s.isShort }

// Reveal returns the secret itself, to be stored or handed to the customer: whsec_ and
// base64, as [ParseSecret] reads it (unless it has more than 64 bytes, or less than 24).
// A receiver that checks an [HMAC] uses the decoded bytes, or this text if HMAC.Text says
// so. Of a [WebhookIDSecret] it is
// the id, and of the zero Secret the empty string. Do not log it.
func (s Secret) Reveal() string {
	switch {
	case s.key == nil:
		return ""
	case s.isWebhookID:
		return string(s.key.Bytes())
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(s.key.Bytes())
}
