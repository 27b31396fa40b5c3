package webhook_test

import (
	"bytes"
	"context"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

const (
	signSecretText = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	signOtherText  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	signWebhookID  = "dd4b91af-167d-48e6-901d-ae181ff6e80d"
)

func parseSecret(t testing.TB, text string) webhook.Secret {
	t.Helper()
	secret, err := webhook.ParseSecret(text)
	require.NoError(t, err)
	return secret
}

func keyring(secrets ...webhook.Secret) webhook.Keyring {
	return func(context.Context, string) ([]webhook.Secret, error) { return secrets, nil }
}

// rustMessage returns the vector test_sign of the Rust library of Standard Webhooks,
// signed with signSecretText.
func rustMessage() (m *webhook.Message, at time.Time, signature string) {
	return &webhook.Message{
		ID:     "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
		Method: http.MethodPost,
		URL:    "https://example.com/hook",
		Body:   []byte(`{"email":"test@example.com","username":"test_user"}`),
	}, time.Unix(1649367553, 0), "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
}

func TestStandardWebhooks(t *testing.T) {
	t.Parallel()
	m, at, signature := rustMessage()
	keys := keyring(parseSecret(t, signOtherText), parseSecret(t, signSecretText))
	header, err := sign(t, webhook.StandardWebhooks{Keys: keys}, m, at)
	require.NoError(t, err)
	require.Equal(t, http.Header{
		"Webhook-Id":        {"msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"},
		"Webhook-Timestamp": {"1649367553"},
		"Webhook-Signature": {"v1,bmED0YkXIwCHhhZjbHn8qMCbczjpYwHGju/WMUmDqOQ= " + signature},
	}, header)
}

func TestHMAC(t *testing.T) {
	t.Parallel()
	// PHP 8.2, and the key and text of RFC 4231, 4.2:
	//	hash_hmac('sha256', '{"a":"1"}', 'dd4b91af-167d-48e6-901d-ae181ff6e80d')
	const php = "0271518e062ec2a249da384e2efd9bef08293ffad23c56b6cca8b432436055d8"
	rfc, err := webhook.RawSecret(bytes.Repeat([]byte{0xaa}, 131))
	require.NoError(t, err)
	other := webhook.GenerateSecret()

	tests := []struct {
		name   string
		signer webhook.HMAC
		method string
		url    string
		body   string
		header string
		want   string
	}{
		{name: "ZeroValue", method: "POST", body: `{"a":"1"}`, header: "Signature", want: php},
		{name: "put", method: "PUT", url: "https://example.com/?b=2", body: `{"a":"1"}`, header: "Signature", want: php},
		{name: "get signs the query", method: "GET", url: `https://example.com/x?{"a":"1"}`, header: "Signature", want: php},
		{
			name: "own header", method: "POST", body: `{"a":"1"}`, header: "X-Hub",
			signer: webhook.HMAC{Header: "x-hub"}, want: php,
		},
		{
			name: "first key only", method: "POST", header: "Signature",
			body:   "Test Using Larger Than Block-Size Key - Hash Key First",
			signer: webhook.HMAC{Keys: keyring(rfc, other)},
			want:   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &webhook.Message{WebhookID: signWebhookID, Method: tt.method, URL: tt.url, Body: []byte(tt.body)}
			for range 2 { // a used MAC state signs like a new one
				header, err := sign(t, tt.signer, m, time.Time{})
				require.NoError(t, err)
				require.Equal(t, http.Header{tt.header: {tt.want}}, header)
			}
		})
	}
}

func TestSignErrors(t *testing.T) {
	t.Parallel()
	m, _, _ := rustMessage()
	good := parseSecret(t, signSecretText)
	idKey := webhook.WebhookIDSecret(signWebhookID)
	errStore := errors.New("store is down")
	broken := func(context.Context, string) ([]webhook.Secret, error) { return nil, errStore }
	dotted, badURL, noID := *m, *m, *m
	dotted.ID = "a.b"
	badURL.Method, badURL.URL = http.MethodGet, "https://example.com:99999/?phone=919019120120"
	noID.WebhookID = ""

	tests := []struct {
		name   string
		signer webhook.Signer
		m      *webhook.Message
		is     error
		text   string
	}{
		{name: "hmac: no webhook id", signer: webhook.HMAC{}, m: &noID, is: webhook.ErrNoKey, text: "no key"},
		{name: "hmac: no secrets", signer: webhook.HMAC{Keys: keyring()}, m: m, is: webhook.ErrNoKey, text: "no key"},
		{
			name: "hmac: zero secret first", signer: webhook.HMAC{Keys: keyring(webhook.Secret{}, good)},
			m: m, is: webhook.ErrNoKey, text: "no key",
		},
		{name: "hmac: keyring", signer: webhook.HMAC{Keys: broken}, m: m, is: errStore, text: "keyring: store is down"},
		{name: "hmac: get with bad url", signer: webhook.HMAC{Keys: keyring(good)}, m: &badURL, text: "URL has a port outside 1 to 65535"},
		{name: "standard: ZeroValue", signer: webhook.StandardWebhooks{}, m: m, is: webhook.ErrNoKey, text: "no key"},
		{name: "standard: no secrets", signer: webhook.StandardWebhooks{Keys: keyring()}, m: m, is: webhook.ErrNoKey, text: "no key"},
		{
			name: "standard: zero secret last", signer: webhook.StandardWebhooks{Keys: keyring(good, webhook.Secret{})},
			m: m, is: webhook.ErrNoKey, text: "no key",
		},
		{
			name: "standard: webhook id", signer: webhook.StandardWebhooks{Keys: keyring(good, idKey)},
			m: m, is: webhook.ErrNoKey, text: "no key",
		},
		{name: "standard: keyring", signer: webhook.StandardWebhooks{Keys: broken}, m: m, is: errStore, text: "keyring: store is down"},
		{
			name: "standard: dot in the id", signer: webhook.StandardWebhooks{Keys: keyring(good)}, m: &dotted,
			text: "message id has a character other than letters, digits, _ and - at offset 1",
		},
		{name: "signers: ZeroValue", signer: webhook.Signers{}, m: m, is: webhook.ErrNoKey, text: "no key"},
		{name: "signers: nil", signer: webhook.Signers{nil}, m: m, text: "signer 0 is nil"},
		{
			name:   "signers: one fails",
			signer: webhook.Signers{webhook.HMAC{Keys: keyring(good)}, webhook.HMAC{Keys: broken}},
			m:      m, is: errStore, text: "keyring: store is down",
		},
		{
			name: "signers: two values of one header",
			signer: webhook.Signers{
				webhook.HMAC{Keys: keyring(good)},
				webhook.HMAC{Keys: keyring(webhook.GenerateSecret()), Header: "signature"},
			},
			m: m, text: `two signers set the header "Signature"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			header, err := sign(t, tt.signer, tt.m, time.Unix(1, 0))
			require.EqualError(t, err, tt.text)
			require.Empty(t, header)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
		})
	}
}

func TestSigners(t *testing.T) {
	t.Parallel()
	m, at, signature := rustMessage()
	sameID := webhook.SignerFunc(func(_ context.Context, m *webhook.Message, _ time.Time, h http.Header) error {
		h["webhook-id"], h["x-token"] = []string{m.ID}, []string{"t"}
		return nil
	})
	unsigned := webhook.SignerFunc(func(context.Context, *webhook.Message, time.Time, http.Header) error { return nil })
	standard := webhook.StandardWebhooks{Keys: keyring(parseSecret(t, signSecretText))}

	header, err := sign(t, webhook.Signers{webhook.HMAC{Keys: standard.Keys}, unsigned, standard, sameID}, m, at)
	require.NoError(t, err)
	require.Len(t, header.Get("Signature"), 64)
	header.Del("Signature")
	require.Equal(t, http.Header{
		"Webhook-Id":        {m.ID},
		"Webhook-Timestamp": {"1649367553"},
		"Webhook-Signature": {signature},
		"X-Token":           {"t"},
	}, header)

	header, err = sign(t, webhook.Signers{unsigned}, m, at)
	require.NoError(t, err)
	require.Empty(t, header)
}

// sign returns the headers that a signer sets.
func sign(t testing.TB, s webhook.Signer, m *webhook.Message, at time.Time) (http.Header, error) {
	t.Helper()
	header := http.Header{}
	err := s.Sign(t.Context(), m, at, header)
	return header, err
}

func TestKeyringIsAskedForTheWebhook(t *testing.T) {
	t.Parallel()
	type ctxKey struct{}
	ctx := context.WithValue(t.Context(), ctxKey{}, "tenant")
	keys := func(ctx context.Context, webhookID string) ([]webhook.Secret, error) {
		require.Equal(t, "tenant", ctx.Value(ctxKey{}))
		require.Equal(t, signWebhookID, webhookID)
		return []webhook.Secret{webhook.GenerateSecret()}, nil
	}
	m, at, _ := rustMessage()
	m.WebhookID = signWebhookID
	for _, signer := range []webhook.Signer{webhook.HMAC{Keys: keys}, webhook.StandardWebhooks{Keys: keys}} {
		require.NoError(t, signer.Sign(ctx, m, at, http.Header{}))
	}
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	encoded := func(n int) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, n)) }
	const notBase64 = "webhook: secret is not standard base64"
	tests := []struct {
		name, text, err string
	}{
		{name: "24 bytes", text: "whsec_" + encoded(24)},
		{name: "64 bytes", text: "whsec_" + encoded(64)},
		{name: "without prefix", text: encoded(32)},
		{name: "empty", text: "", err: "webhook: secret of 0 bytes, want 24 to 64"},
		{name: "prefix only", text: "whsec_", err: "webhook: secret of 0 bytes, want 24 to 64"},
		{name: "23 bytes", text: encoded(23), err: "webhook: secret of 23 bytes, want 24 to 64"},
		{name: "65 bytes", text: encoded(65), err: "webhook: secret of 65 bytes, want 24 to 64"},
		{name: "prefix twice", text: "whsec_whsec_" + encoded(24), err: notBase64},
		{name: "private key of v1a", text: "whsk_" + encoded(64), err: notBase64},
		{name: "URL alphabet", text: strings.ReplaceAll(encoded(24), "+", "-"), err: notBase64},
		{name: "no padding", text: strings.TrimRight(encoded(32), "="), err: notBase64},
		{name: "loose bits", text: strings.TrimSuffix(encoded(25), "w==") + "x==", err: notBase64},
		{name: "line break at the end", text: encoded(24) + "\n", err: notBase64},
		{name: "line break inside", text: encoded(24)[:8] + "\r\n" + encoded(24)[8:], err: notBase64},
		{name: "blank", text: " " + encoded(24), err: notBase64},
		{name: "a password", text: "correct horse battery staple", err: notBase64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			secret, err := webhook.ParseSecret(tt.text)
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				require.Zero(t, secret)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "whsec_"+strings.TrimPrefix(tt.text, "whsec_"), secret.Reveal())
		})
	}
}

func TestRawSecret(t *testing.T) {
	t.Parallel()
	_, err := webhook.RawSecret([]byte("twenty-three bytes long"))
	require.EqualError(t, err, "webhook: secret of 23 bytes, want at least 24")

	b := []byte("a key of twenty-four b..")
	want := "whsec_" + base64.StdEncoding.EncodeToString(b)
	secret, err := webhook.RawSecret(b)
	require.NoError(t, err)
	clear(b)
	require.Equal(t, want, secret.Reveal(), "the caller's bytes are copied")
}

func TestReveal(t *testing.T) {
	t.Parallel()
	require.Empty(t, webhook.Secret{}.Reveal())
	require.Equal(t, signWebhookID, webhook.WebhookIDSecret(signWebhookID).Reveal())
	require.Zero(t, webhook.WebhookIDSecret(""))

	first, second := webhook.GenerateSecret(), webhook.GenerateSecret()
	require.NotEqual(t, first.Reveal(), second.Reveal())
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(first.Reveal(), "whsec_"))
	require.NoError(t, err)
	require.Len(t, b, 32)
	require.Equal(t, first.Reveal(), parseSecret(t, first.Reveal()).Reveal())
}

// A failure is a test that fails: what it prints is in the logs of a CI.
type failure struct{ log strings.Builder }

func (f *failure) Errorf(format string, args ...any) { fmt.Fprintf(&f.log, format, args...) }
func (f *failure) FailNow()                          {}

func TestSecretRedacts(t *testing.T) {
	t.Parallel()
	raw := []byte("a-very-secret-key-of-32-bytes-!!")
	secret, err := webhook.RawSecret(raw)
	require.NoError(t, err)
	_, err = sign(t, webhook.HMAC{Keys: keyring(secret)}, &webhook.Message{Method: "POST"}, time.Time{})
	require.NoError(t, err, "so that there is a MAC state in it")
	type config struct {
		Public webhook.Secret
		hidden webhook.Secret
	}
	holder := config{Public: secret, hidden: secret}
	verifier := webhook.Verifier{Secrets: []webhook.Secret{secret}}

	var out strings.Builder
	for _, verb := range []string{
		"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%c", "%U", "%o", "%b", "%t", "%g",
		"%10.3s", "%z",
	} {
		require.Equal(t, "REDACTED", fmt.Sprintf(verb, secret), verb)
		require.Equal(t, "REDACTED", fmt.Sprintf(verb, &secret), verb)
		fmt.Fprintf(&out, verb+verb+verb+verb, holder, &holder, []webhook.Secret{secret}, verifier)
	}
	// fmt does not call Format for these.
	for _, verb := range []string{"%p", "%w", "%T"} {
		fmt.Fprintf(&out, verb+verb+verb, holder, secret, &secret)
	}
	require.Equal(t, "REDACTED", secret.String())
	require.Equal(t, "REDACTED", secret.GoString())
	require.Equal(t, "REDACTED", secret.LogValue().String())
	fmt.Fprint(&out, errors.Join(fmt.Errorf("with %v", secret)), slog.AnyValue(secret).Resolve())

	text, err := encoding.TextMarshaler(secret).MarshalText()
	require.NoError(t, err)
	require.Equal(t, "REDACTED", string(text))
	b, err := json.Marshal(map[string]any{"a": secret, "b": &secret, "c": holder})
	require.NoError(t, err)
	require.JSONEq(t, `{"a":"REDACTED","b":"REDACTED","c":{"Public":"REDACTED"}}`, string(b))

	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "secret", secret, "holder", holder, "verifier", verifier)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "secret", secret, "holder", holder)

	var failed failure
	// testify prints structs by reflection, without their methods.
	require.Equal(&failed, config{}, holder)
	require.NotEmpty(t, failed.log.String())
	out.WriteString(failed.log.String())

	require.NotContains(t, out.String(), string(raw))
	require.NotContains(t, out.String(), "very-secret")
	require.NotContains(t, strings.ToLower(out.String()), hex.EncodeToString(raw[:4]))
	require.NotContains(t, out.String(), "61 2d 76 65", "a hex dump")
	require.NotContains(t, out.String(), "97 45 118 101", "a slice of bytes")
	require.NotContains(t, out.String(), base64.StdEncoding.EncodeToString(raw)[:8])
}

func TestExistingSecret(t *testing.T) {
	t.Parallel()
	_, err := webhook.ExistingSecret([]byte("seven..")) // one too few
	require.EqualError(t, err, "webhook: secret of 7 bytes, want at least 8")
	b := []byte("eight...")
	short, err := webhook.ExistingSecret(b)
	require.NoError(t, err)
	clear(b) // it is a copy
	require.True(t, short.IsShort())
	require.Equal(t, "whsec_ZWlnaHQuLi4=", short.Reveal())
	long, err := webhook.ExistingSecret([]byte("twenty-four bytes long.."))
	require.NoError(t, err)
	require.False(t, long.IsShort())

	keys := func(secrets ...webhook.Secret) webhook.Keyring {
		return func(context.Context, string) ([]webhook.Secret, error) { return secrets, nil }
	}
	m := &webhook.Message{ID: "msg_1", WebhookID: "hook", Method: http.MethodPost, Body: []byte("{}")}
	now := time.Now()
	h := http.Header{}
	require.NoError(t, webhook.HMAC{Keys: keys(short)}.Sign(t.Context(), m, now, h))
	require.NoError(t, webhook.Verifier{Secrets: []webhook.Secret{short}, Header: webhook.HeaderSignature}.Verify(t.Context(), h, m.Body))

	// Standard Webhooks sign with the others only, and with none if there are none.
	h = http.Header{}
	require.ErrorIs(t, webhook.StandardWebhooks{Keys: keys(short)}.Sign(t.Context(), m, now, h), webhook.ErrNoKey)
	require.Empty(t, h)
	require.NoError(t, webhook.StandardWebhooks{Keys: keys(short, long)}.Sign(t.Context(), m, now, h))
	require.NotContains(t, h.Get(webhook.HeaderWebhookSignature), " ")
	require.NoError(t, webhook.Verifier{Secrets: []webhook.Secret{short, long}}.Verify(t.Context(), h, m.Body))
	require.ErrorIs(t, webhook.Verifier{Secrets: []webhook.Secret{short}}.Verify(t.Context(), h, m.Body), webhook.ErrNoKey)
}
