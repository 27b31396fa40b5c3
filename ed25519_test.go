package webhook_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func signingKeys(keys ...crypto.Signer) func(context.Context, string) ([]crypto.Signer, error) {
	return func(context.Context, string) ([]crypto.Signer, error) { return keys, nil }
}

// The pair of the specification, and that of RFC 8032, 7.1, test 2.
const (
	specPrivate = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
	specPublic  = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
	rfcPrivate  = "whsk_TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDA=="
	rfcPublic   = "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
)

func parsePair(t testing.TB, private, public string) (webhook.PrivateKey, ed25519.PublicKey) {
	t.Helper()
	key, err := webhook.ParsePrivateKey(private)
	require.NoError(t, err)
	parsed, err := webhook.ParsePublicKey(public)
	require.NoError(t, err)
	require.Equal(t, parsed, key.Public())
	require.Equal(t, public, webhook.PublicKeyText(parsed))
	require.Equal(t, private, key.Reveal())
	return key, parsed
}

func TestEd25519(t *testing.T) {
	t.Parallel()
	spec, specOpen := parsePair(t, specPrivate, specPublic)
	rfc, rfcOpen := parsePair(t, rfcPrivate, rfcPublic)

	// The example of the Standard Webhooks specification.
	m := &webhook.Message{ID: "msg_p5jXN8AQM9LWM0D4loKWxJek", Method: "POST", Body: []byte(`{"test": 2432232314}`)}
	at := time.Unix(1614265330, 0)
	const specSignature = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
	header, err := sign(t, webhook.Ed25519{Keys: signingKeys(spec)}, m, at)
	require.NoError(t, err)
	require.Equal(t, http.Header{
		"Webhook-Id": {m.ID}, "Webhook-Timestamp": {"1614265330"}, "Webhook-Signature": {specSignature},
	}, header)

	// openssl pkeyutl -sign -rawin -inkey test2.pem -in text | base64, where text is
	// id.time.body of rustMessage.
	const rfcSignature = "v1a,WHjsBnxYGAzT4ouNcEHVkIFB4V5sqMvGNEfbIzAeidMH5kRnfaveEv167/OQ9xXNboC36vYKangXhyprOiJMAg=="
	m, at, symmetric := rustMessage()
	header, err = sign(t, webhook.Ed25519{Keys: signingKeys(rfc, spec)}, m, at)
	require.NoError(t, err)
	first, second, _ := strings.Cut(header.Get("Webhook-Signature"), " ")
	require.Equal(t, rfcSignature, first)
	require.True(t, strings.HasPrefix(second, "v1a,"))

	now := func() time.Time { return at }
	other := webhook.GeneratePrivateKey().Public().(ed25519.PublicKey)
	secret := parseSecret(t, signSecretText)
	bad := webhook.ErrBadSignature
	foreign := "v1a," + base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))
	tests := []struct {
		name      string
		v         webhook.Verifier
		signature string // if empty, both
		body      string
		is        error
	}{
		{name: "first key", v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{rfcOpen}}},
		{name: "second key", v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{other, specOpen}}},
		{name: "another key", v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{other}}, is: bad},
		{name: "another body", v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{rfcOpen}}, body: "{}", is: bad},
		{name: "of another version", v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{rfcOpen}}, signature: "v1" + first[3:], is: bad},
		{name: "cut", v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{rfcOpen}}, signature: first[:40], is: bad},
		{
			name: "the 4th", signature: strings.Repeat(foreign+" ", 3) + first,
			v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{rfcOpen}},
		},
		{
			name: "the 5th", signature: strings.Repeat(foreign+" ", 4) + first, is: bad,
			v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{rfcOpen}},
		},
		{name: "beside a secret", v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{rfcOpen}, Secrets: []webhook.Secret{secret}}},
		{
			name: "beside a secret that signed", signature: symmetric,
			v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{other}, Secrets: []webhook.Secret{secret}},
		},
		{name: "only the secret", v: webhook.Verifier{Secrets: []webhook.Secret{secret}}, is: bad},
		{name: "no key that can be used", v: webhook.Verifier{PublicKeys: []ed25519.PublicKey{nil, make([]byte, 32), other[:31]}}, is: webhook.ErrNoKey},
		{name: "too old", v: webhook.Verifier{
			PublicKeys: []ed25519.PublicKey{rfcOpen}, Now: func() time.Time { return at.Add(time.Hour) },
		}, is: webhook.ErrExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.v.Now == nil {
				tt.v.Now = now
			}
			h, body := header.Clone(), m.Body
			if tt.signature != "" {
				h.Set("Webhook-Signature", tt.signature)
			}
			if tt.body != "" {
				body = []byte(tt.body)
			}
			require.ErrorIs(t, tt.v.Verify(t.Context(), h, body), tt.is)
		})
	}
}

// A remote signer stands for a key service.
type remoteSigner struct {
	public    crypto.PublicKey
	signature []byte
	err       error
}

func (r remoteSigner) Public() crypto.PublicKey { return r.public }

func (r remoteSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return r.signature, r.err
}

func TestEd25519_Errors(t *testing.T) {
	t.Parallel()
	m, at, _ := rustMessage()
	dotted := *m
	dotted.ID = "a.b"
	key := webhook.GeneratePrivateKey()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	errDown := errors.New("service is down")
	broken := func(context.Context, string) ([]crypto.Signer, error) { return nil, errDown }
	tests := []struct {
		name string
		keys func(context.Context, string) ([]crypto.Signer, error)
		m    *webhook.Message
		is   error
		text string
	}{
		{name: "ZeroValue", m: m, is: webhook.ErrNoKey, text: "no key"},
		{name: "none", keys: signingKeys(), m: m, is: webhook.ErrNoKey, text: "no key"},
		{name: "nil", keys: signingKeys(nil), m: m, is: webhook.ErrNoKey, text: "key 0: no key"},
		{name: "zero key", keys: signingKeys(key, webhook.PrivateKey{}), m: m, is: webhook.ErrNoKey, text: "key 1: no key"},
		{name: "short key", keys: signingKeys(ed25519.PrivateKey("short")), m: m, is: webhook.ErrNoKey, text: "key 0: no key"},
		{name: "another kind", keys: signingKeys(curve), m: m, is: webhook.ErrNoKey, text: "key 0: it is no Ed25519 key: no key"},
		{name: "keys fail", keys: broken, m: m, is: errDown, text: "keys: service is down"},
		{
			name: "key fails", keys: signingKeys(remoteSigner{public: key.Public(), err: errDown}), m: m,
			is: errDown, text: "key 0: service is down",
		},
		{
			name: "short signature", keys: signingKeys(remoteSigner{public: key.Public(), signature: []byte("x")}), m: m,
			text: "key 0: signature of 1 bytes, want 64",
		},
		{name: "dot in the id", keys: signingKeys(key), m: &dotted, text: "message id has a character other than letters, digits, _ and - at offset 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header, err := sign(t, webhook.Ed25519{Keys: tt.keys}, tt.m, at)
			require.EqualError(t, err, tt.text)
			require.Empty(t, header)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		})
	}
	_, err = webhook.PrivateKey{}.Sign(rand.Reader, nil, crypto.Hash(0))
	require.EqualError(t, err, "webhook: no key")
	require.Nil(t, webhook.PrivateKey{}.Public())
	require.Empty(t, webhook.PrivateKey{}.Reveal())
	require.Empty(t, webhook.PublicKeyText(nil))
	require.Empty(t, webhook.PublicKeyText(curve.Public()))
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	encoded := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n)) }
	for text, want := range map[string]string{
		"":                                  "webhook: private key does not begin with whsk_",
		specPublic:                          "webhook: private key does not begin with whsk_",
		specPrivate[5:]:                     "webhook: private key does not begin with whsk_",
		"whsk_" + encoded(32):               "webhook: private key of 32 bytes, want 64",
		"whsk_" + encoded(64):               "webhook: private key whose second half is not the public key of the first",
		specPrivate + "\n":                  "webhook: private key is not standard base64",
		strings.TrimRight(specPrivate, "="): "webhook: private key is not standard base64",
	} {
		_, err := webhook.ParsePrivateKey(text)
		require.EqualError(t, err, want)
	}
	for text, want := range map[string]string{
		"":                    "webhook: public key does not begin with whpk_",
		specPrivate:           "webhook: public key does not begin with whpk_",
		"whpk_" + encoded(31): "webhook: public key of 31 bytes, want 32",
		"whpk_" + encoded(32)[:8] + "\r\n" + encoded(32)[8:]: "webhook: public key is not standard base64",
	} {
		_, err := webhook.ParsePublicKey(text)
		require.EqualError(t, err, want)
	}
}

func TestPrivateKeyRedacts(t *testing.T) {
	t.Parallel()
	key, _ := parsePair(t, specPrivate, specPublic)
	holder := struct{ Key webhook.PrivateKey }{key}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		require.Equal(t, "REDACTED", fmt.Sprintf(verb, key))
		fmt.Fprintf(&out, verb+verb, holder, &holder)
	}
	b, err := json.Marshal(holder)
	require.NoError(t, err)
	require.JSONEq(t, `{"Key":"REDACTED"}`, string(b))
	var failed failure
	require.Equal(&failed, 1, holder) // testify prints structs by reflection
	out.WriteString(failed.log.String())
	require.NotContains(t, out.String(), "233 118 255 116", "a slice of bytes")
	require.NotContains(t, strings.ToLower(out.String()), "e976ff74")
	require.NotContains(t, out.String(), "0xe9, 0x76")
	require.NotContains(t, out.String(), specPrivate[5:15])
}
