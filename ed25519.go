package webhook

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook/internal/request"
)

// Ed25519 signs as version 1.0.0 of the Standard Webhooks specification says, scheme v1a:
// as [StandardWebhooks], but with Ed25519. Receivers have a public key, with which they
// can verify and not sign, so that one key pair serves many of them. There is one
// signature for every key. It is safe for concurrent use.
//
// [Signers] merges it with StandardWebhooks only under headers that differ, which these do
// not: a receiver moves from one to the other at once.
type Ed25519 struct {
	// Keys gives the keys of a webhook, newest first: each a [PrivateKey], an
	// [ed25519.PrivateKey], or one in a key service, whose Public returns an
	// [ed25519.PublicKey]. If nil, or if there are none, Sign fails with ErrNoKey. It
	// must be safe for concurrent use.
	Keys func(ctx context.Context, webhookID string) ([]crypto.Signer, error)
}

var _ Signer = Ed25519{}

// Sign sets the headers Webhook-Id, Webhook-Timestamp and Webhook-Signature. It fails with
// [ErrNoKey], with the error of Keys or of a key, or if the message's ID is not valid.
func (e Ed25519) Sign(ctx context.Context, m *Message, at time.Time, header http.Header) error {
	if err := request.CheckID(m.ID); err != nil {
		return err
	}
	if e.Keys == nil {
		return ErrNoKey
	}
	keys, err := e.Keys(ctx, m.WebhookID)
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if len(keys) == 0 {
		return ErrNoKey
	}
	timestamp := strconv.FormatInt(at.Unix(), 10)
	text := slices.Concat(standardPrefix(m.ID, timestamp), m.Body)
	var list []byte
	for i, key := range keys {
		signature, err := signPublic(key, text)
		if err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
		if i > 0 {
			list = append(list, ' ')
		}
		list = append(list, publicVersion+","...)
		list = base64.StdEncoding.AppendEncode(list, signature)
	}
	header[HeaderID] = []string{m.ID}
	header[HeaderTimestamp] = []string{timestamp}
	header[HeaderWebhookSignature] = []string{string(list)}
	return nil
}

// signPublic signs with a key of whatever kind.
func signPublic(key crypto.Signer, text []byte) ([]byte, error) {
	if own, ok := key.(ed25519.PrivateKey); key == nil || ok && len(own) != ed25519.PrivateKeySize {
		return nil, ErrNoKey
	}
	if own, ok := key.(PrivateKey); ok && own.key == nil {
		return nil, ErrNoKey
	}
	if public, ok := key.Public().(ed25519.PublicKey); !ok || len(public) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("it is no Ed25519 key: %w", ErrNoKey)
	}
	signature, err := key.Sign(rand.Reader, text, crypto.Hash(0))
	if err == nil && len(signature) != ed25519.SignatureSize {
		err = fmt.Errorf("signature of %d bytes, want %d", len(signature), ed25519.SignatureSize)
	}
	return signature, err
}

var zeroPublicKey [ed25519.PublicKeySize]byte

const (
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// A PrivateKey is an Ed25519 key pair that signs; see [Ed25519]. However it is printed,
// logged or marshaled it gives REDACTED; only [PrivateKey.Reveal] tells it. The zero
// PrivateKey does not sign. Copies are the same key, and all are safe for concurrent use.
type PrivateKey struct {
	redaction
	key func() ed25519.PrivateKey // a closure, as that of mac.Key
}

var _ crypto.Signer = PrivateKey{}

// GeneratePrivateKey makes a new key pair. Keep what [PrivateKey.Reveal] returns, and give
// receivers what [PublicKeyText] makes of its Public.
func GeneratePrivateKey() PrivateKey {
	_, key, _ := ed25519.GenerateKey(nil) // never fails: it ends the program instead
	return newPrivateKey(key)
}

// ParsePrivateKey reads the text form of Standard Webhooks: whsk_ and the standard base64
// of the 32 bytes of the seed and the 32 bytes of the public key. Its errors have nothing
// of s in them.
func ParsePrivateKey(s string) (PrivateKey, error) {
	b, err := parseKeyText(s, privatePrefix, "private key", ed25519.PrivateKeySize)
	if err != nil {
		return PrivateKey{}, err
	}
	key := ed25519.NewKeyFromSeed(b[:ed25519.SeedSize])
	if !bytes.Equal(key, b) {
		return PrivateKey{}, errors.New("webhook: private key whose second half is not the public key of the first")
	}
	return newPrivateKey(key), nil
}

func newPrivateKey(key ed25519.PrivateKey) PrivateKey {
	return PrivateKey{key: func() ed25519.PrivateKey { return key }}
}

// Reveal returns the key itself, as [ParsePrivateKey] reads it; of the zero PrivateKey the
// empty string. Do not log it, or give it to anybody: receivers need the public key only.
func (k PrivateKey) Reveal() string {
	if k.key == nil {
		return ""
	}
	return privatePrefix + base64.StdEncoding.EncodeToString(k.key())
}

// Public returns the [ed25519.PublicKey], or nil for the zero PrivateKey.
func (k PrivateKey) Public() crypto.PublicKey {
	if k.key == nil {
		return nil
	}
	return k.key().Public()
}

// Sign signs message as [ed25519.PrivateKey.Sign] does. With the zero PrivateKey it fails
// with [ErrNoKey].
func (k PrivateKey) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.key == nil {
		return nil, fmt.Errorf("webhook: %w", ErrNoKey)
	}
	return k.key().Sign(random, message, opts)
}

// PublicKeyText returns the text form of a public key, whsk_'s counterpart whpk_ and
// base64, to be given to receivers. It returns the empty string for what is no
// [ed25519.PublicKey] of 32 bytes.
func PublicKeyText(key crypto.PublicKey) string {
	public, ok := key.(ed25519.PublicKey)
	if !ok || len(public) != ed25519.PublicKeySize {
		return ""
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(public)
}

// ParsePublicKey reads the text form of Standard Webhooks: whpk_ and the standard base64 of
// 32 bytes. It is for the PublicKeys of a [Verifier].
func ParsePublicKey(s string) (ed25519.PublicKey, error) {
	return parseKeyText(s, publicPrefix, "public key", ed25519.PublicKeySize)
}

func parseKeyText(s, prefix, what string, size int) ([]byte, error) {
	text, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return nil, fmt.Errorf("webhook: %s does not begin with %s", what, prefix)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(b) != text { // a key has one spelling
		return nil, fmt.Errorf("webhook: %s is not standard base64", what)
	}
	if len(b) != size {
		return nil, fmt.Errorf("webhook: %s of %d bytes, want %d", what, len(b), size)
	}
	return b, nil
}

// publicKeys returns those that can be used: with those of another length the standard
// library panics, and zeros are no key, but would verify what anybody can make.
func (v Verifier) publicKeys() []ed25519.PublicKey {
	var keys []ed25519.PublicKey
	for _, key := range v.PublicKeys {
		if len(key) == ed25519.PublicKeySize && !bytes.Equal(key, zeroPublicKey[:]) {
			keys = append(keys, key)
		}
	}
	return keys
}

// matchesPublic reports whether one of the signatures is that of the parts under one of
// the keys.
func matchesPublic(keys []ed25519.PublicKey, signatures [][]byte, prefix, body []byte) bool {
	if len(keys) == 0 || len(signatures) == 0 {
		return false
	}
	text := slices.Concat(prefix, body)
	for _, key := range keys {
		for _, signature := range signatures {
			if ed25519.Verify(key, text, signature) {
				return true
			}
		}
	}
	return false
}
