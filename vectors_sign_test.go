package webhook_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// sharedFile reads known answers that are kept next to the repository.
func sharedFile(t *testing.T, name string, into any) {
	t.Helper()
	if _, err := os.Stat("../shared"); err != nil {
		t.Skip("../shared does not exist")
	}
	b, err := os.ReadFile("../shared/vectors/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}

func TestPHPVectors(t *testing.T) {
	t.Parallel()
	var file struct {
		Secrets map[string]string
		Vectors []struct {
			Name       string
			JSONBase64 []byte `json:"json_base64"`
			Signature  map[string]string
		}
	}
	sharedFile(t, "php_signature.json", &file)
	literals, runs := 0, 0
	for _, vector := range file.Vectors {
		for name, want := range vector.Signature {
			secret, ok := file.Secrets[name]
			if !ok {
				secret, ok = strings.CutPrefix(name, "literal:")
				require.True(t, ok, "unknown secret %q in %s", name, vector.Name)
				literals++
			}
			m := &webhook.Message{WebhookID: secret, Method: http.MethodPost, Body: vector.JSONBase64}
			header, err := sign(t, webhook.HMAC{}, m, time.Time{})
			require.NoError(t, err)
			require.Equal(t, http.Header{"Signature": {want}}, header, "%s with %s", vector.Name, name)

			v := webhook.Verifier{Header: "Signature", Secrets: []webhook.Secret{webhook.WebhookIDSecret(secret)}}
			require.NoError(t, v.Verify(t.Context(), header, vector.JSONBase64), "%s with %s", vector.Name, name)
			runs++
		}
	}
	require.NotZero(t, literals)
	require.Greater(t, runs, len(file.Vectors))
}

// A standardVectors file has a list for each kind of vector. The test fails on a kind
// that it does not know.
type standardVectors struct {
	Sign   []signVector `json:"sign"`
	Reject []struct {
		Name, Expect string
		Headers      map[string]string
		Offset       int64 `json:"timestamp_offset_seconds"`
		Secret       *string
	} `json:"verify_reject"`
	Accept []struct {
		Name            string
		SignatureHeader string `json:"signature_header"`
		Headers         []string
	} `json:"verify_accept"`
}

type signVector struct {
	Name, Scheme, Secret, ID, Body, Signature string
	PublicKey                                 string `json:"public_key"`
	Timestamp                                 int64
}

func TestStandardWebhooksVectors(t *testing.T) {
	t.Parallel()
	var kinds map[string]json.RawMessage
	sharedFile(t, "standard_webhooks.json", &kinds)
	for kind := range kinds {
		// All other members are text for people.
		require.Contains(t, []string{
			"spec", "generated", "constants", "sign", "verify_reject", "verify_accept", "spec_examples",
		}, kind)
	}
	var vectors standardVectors
	sharedFile(t, "standard_webhooks.json", &vectors)

	t.Run("sign", func(t *testing.T) {
		t.Parallel()
		testSignVectors(t, vectors)
	})
	t.Run("reject", func(t *testing.T) {
		t.Parallel()
		testRejectVectors(t, vectors)
	})
	t.Run("accept", func(t *testing.T) {
		t.Parallel()
		testAcceptVectors(t, vectors)
	})
}

func testSignVectors(t *testing.T, vectors standardVectors) {
	const (
		shortSecret = "svix-docs-example" // of 18 bytes, against the specification
		asymmetric  = "asymmetric-v1a"
	)
	var refused []string
	runs, public := 0, 0
	for _, vector := range vectors.Sign {
		secret, err := webhook.ParseSecret(vector.Secret)
		switch vector.Name {
		case shortSecret:
			require.EqualError(t, err, "webhook: secret of 18 bytes, want 24 to 64")
			refused = append(refused, vector.Name)
			continue
		case asymmetric:
			require.Equal(t, "v1a", vector.Scheme)
			require.EqualError(t, err, "webhook: secret is not standard base64")
			testPublicVector(t, vector)
			public++
			continue
		}
		require.NoError(t, err, vector.Name)
		require.Equal(t, "v1", vector.Scheme, "unknown scheme of %s", vector.Name)

		m := &webhook.Message{ID: vector.ID, Method: http.MethodPost, Body: []byte(vector.Body)}
		at := time.Unix(vector.Timestamp, 0)
		header, err := sign(t, webhook.StandardWebhooks{Keys: keyring(secret)}, m, at)
		require.NoError(t, err, vector.Name)
		require.Equal(t, vector.Signature, header.Get("Webhook-Signature"), vector.Name)
		v := webhook.Verifier{Secrets: []webhook.Secret{secret}, Now: func() time.Time { return at }}
		require.NoError(t, v.Verify(t.Context(), header, m.Body), vector.Name)
		runs++
	}
	require.NotZero(t, runs, "no vectors")
	require.ElementsMatch(t, []string{shortSecret}, refused, "a vector that we refuse is gone")
	require.Equal(t, 1, public)
}

// testPublicVector signs and verifies a vector of Ed25519, which signs the same each time.
func testPublicVector(t *testing.T, vector signVector) {
	t.Helper()
	key, err := webhook.ParsePrivateKey(vector.Secret)
	require.NoError(t, err)
	require.Equal(t, vector.PublicKey, webhook.PublicKeyText(key.Public()))
	public, err := webhook.ParsePublicKey(vector.PublicKey)
	require.NoError(t, err)

	m := &webhook.Message{ID: vector.ID, Method: http.MethodPost, Body: []byte(vector.Body)}
	at := time.Unix(vector.Timestamp, 0)
	header, err := sign(t, webhook.Ed25519{Keys: signingKeys(key)}, m, at)
	require.NoError(t, err)
	require.Equal(t, vector.Signature, header.Get("Webhook-Signature"))
	v := webhook.Verifier{PublicKeys: []ed25519.PublicKey{public}, Now: func() time.Time { return at }}
	require.NoError(t, v.Verify(t.Context(), header, m.Body))
}

// validVector returns the message that the vectors of verifiers change: the first one to
// sign, signed at this time.
func validVector(t *testing.T, vectors standardVectors, at time.Time) (v webhook.Verifier, header http.Header, body []byte) {
	t.Helper()
	require.NotEmpty(t, vectors.Sign)
	first := vectors.Sign[0]
	secret := parseSecret(t, first.Secret)
	m := &webhook.Message{ID: first.ID, Method: http.MethodPost, Body: []byte(first.Body)}
	header, err := sign(t, webhook.StandardWebhooks{Keys: keyring(secret)}, m, at)
	require.NoError(t, err)
	return webhook.Verifier{Secrets: []webhook.Secret{secret}}, header, m.Body
}

func testRejectVectors(t *testing.T, vectors standardVectors) {
	expected := map[string]error{
		"no_matching_signature": webhook.ErrBadSignature,
		"missing_headers":       webhook.ErrNoSignature,
		"invalid_headers":       webhook.ErrBadSignature,
		"message_too_old":       webhook.ErrExpired,
		"message_too_new":       webhook.ErrExpired,
		"empty_secret":          webhook.ErrNoKey,
	}
	require.NotEmpty(t, vectors.Reject, "no vectors")
	for _, vector := range vectors.Reject {
		want, ok := expected[vector.Expect]
		require.True(t, ok, "unknown expectation %q of %s", vector.Expect, vector.Name)
		now := time.Unix(1614265330, 0)
		v, valid, body := validVector(t, vectors, now.Add(time.Duration(vector.Offset)*time.Second))
		v.Now = func() time.Time { return now }
		header := valid
		if vector.Headers != nil {
			header = http.Header{}
			replace := strings.NewReplacer("<now>", strconv.FormatInt(now.Unix(), 10), "<valid>", valid.Get("Webhook-Signature"))
			for name, value := range vector.Headers {
				header.Set(name, replace.Replace(value))
			}
		}
		if vector.Secret != nil {
			secret, err := webhook.ParseSecret(*vector.Secret)
			require.Error(t, err, vector.Name)
			v.Secrets = []webhook.Secret{secret}
		}
		require.ErrorIs(t, v.Verify(t.Context(), header, body), want, vector.Name)
	}
}

func testAcceptVectors(t *testing.T, vectors standardVectors) {
	require.NotEmpty(t, vectors.Accept, "no vectors")
	for _, vector := range vectors.Accept {
		v, valid, body := validVector(t, vectors, time.Now())
		signature := valid.Get("Webhook-Signature")
		switch vector.Name {
		case "multi-signature-any-match":
			valid.Set("Webhook-Signature", strings.ReplaceAll(vector.SignatureHeader, "<valid>", signature))
		case "header-names-case-insensitive":
			header := http.Header{}
			for _, name := range vector.Headers {
				header.Set(name, valid.Get(name))
			}
			valid = header
		case "unpadded-secret-accepted-by-python-lib-only":
			_, err := webhook.ParseSecret(strings.TrimRight(webhook.GenerateSecret().Reveal(), "="))
			require.EqualError(t, err, "webhook: secret is not standard base64")
			continue
		default:
			require.Fail(t, "unknown vector", vector.Name)
		}
		require.NoError(t, v.Verify(t.Context(), valid, body), vector.Name)
	}
}
