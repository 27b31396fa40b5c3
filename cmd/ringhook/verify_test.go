package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

const (
	signedAt = "2026-03-01T12:00:00Z"
	whBody   = `{"to":"919019912345","name":"Zoë/ä","list":[1.50,{}],"x":{"a":null}}`
	ghSecret = "a-token-of-github"

	// Made up for the tests.
	privateKey = "whsk_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYjvFSRLB5uksSoaCXIZ+J//cVVv/vUJE8Xomq//+6WXQ=="
	publicKey  = "whpk_I7xUkSwebpLEqGglyGfif/3FVb/71CRPF6Jqv//ull0="
)

// signed returns the header of a body that a scheme has signed with that secret.
func signed(t *testing.T, schemeName, secret, body string) http.Header {
	t.Helper()
	s, err := schemeNamed(schemeName)
	require.NoError(t, err)
	signer, err := s.signer(secret)
	require.NoError(t, err)
	at, err := parseTime(signedAt)
	require.NoError(t, err)
	h := http.Header{}
	require.NoError(t, signer.Sign(t.Context(), &webhook.Message{ID: "msg_1", Method: "POST", Body: []byte(body)}, at, h))
	return h
}

// with returns the header with one more or another value.
func with(h http.Header, name, value string) http.Header {
	h.Set(name, value)
	return h
}

func without(h http.Header, name string) http.Header {
	h.Del(name)
	return h
}

// verify runs the command.
func verify(t *testing.T, h http.Header, body string, args ...string) (f finding, status int) {
	t.Helper()
	all := []string{"verify", "-", "-json"}
	for name, values := range h {
		for _, value := range values {
			all = append(all, "-H", name+": "+value)
		}
	}
	if !strings.Contains(strings.Join(args, " "), "-at ") {
		all = append(all, "-at", signedAt)
	}
	out, status := ringhook(t, body, append(all, args...)...)
	require.NoError(t, json.Unmarshal([]byte(out), &f), out)
	return f, status
}

func TestVerify(t *testing.T) {
	t.Parallel()
	keyHex := "30313233343536373839616263646566303132333435363738396162636465660000"
	tests := []struct {
		name   string
		header http.Header
		body   string
		args   string
		codes  string // verified if empty
	}{
		{"standard", signed(t, "standard", secret, whBody), whBody, "-secret " + secret, ""},
		{"either secret", signed(t, "standard", secret, whBody), whBody, "-secret whsec_" + strings.Repeat("A", 32) + " -secret " + secret, ""},
		{"platform", signed(t, "platform", "wh_1", whBody), whBody, "-secret wh_1", ""},
		{"github", signed(t, "github", ghSecret, whBody), whBody, "-secret " + ghSecret, ""},
		{"shopify", signed(t, "shopify", ghSecret, whBody), whBody, "-secret " + ghSecret, ""},
		{"stripe", signed(t, "stripe", ghSecret, whBody), whBody, "-secret " + ghSecret, ""},
		{"slack", signed(t, "slack", ghSecret, whBody), whBody, "-secret " + ghSecret, ""},

		{"late", signed(t, "standard", secret, whBody), whBody, "-secret " + secret + " -at 2026-03-01T12:06:00Z", "time"},
		{"early", signed(t, "stripe", ghSecret, whBody), whBody, "-secret " + ghSecret + " -at 2026-03-01T11:54:00Z", "time"},
		{"late but allowed", signed(t, "slack", ghSecret, whBody), whBody, "-secret " + ghSecret + " -tolerance 10m -at 2026-03-01T12:06:00Z", ""},
		{"line break added", signed(t, "standard", secret, whBody), whBody + "\n", "-secret " + secret, "line_break_added"},
		{"CRLF added", signed(t, "github", ghSecret, whBody), whBody + "\r\n", "-secret " + ghSecret, "line_break_added"},
		{"line break lost", signed(t, "standard", secret, whBody+"\n"), whBody, "-secret " + secret, "line_break_lost"},
		{"line breaks", signed(t, "standard", secret, "a\nb"), "a\r\nb", "-secret " + secret, "line_breaks"},
		{"byte order mark", signed(t, "standard", secret, whBody), "\ufeff" + whBody, "-secret " + secret, "byte_order_mark"},
		{"late and line break", signed(t, "standard", secret, whBody), whBody + "\n", "-secret " + secret + " -at 2026-03-01T12:06:00Z", "line_break_added time"},

		{"key is text", signed(t, "platform", "MDEyMzQ1Njc4OWFiY2RlZg==", whBody), whBody, "-secret whsec_" + "MDEyMzQ1Njc4OWFiY2RlZg==", "key_unprefixed"},
		{"key is base64", signed(t, "github", "0123456789abcdef0123456789abcdef", whBody), whBody, "-secret " + secret, "key_base64"},
		{"key is text with prefix", signedText(t, secret), whBody, "-secret " + secret + " -scheme platform", "key_text"},
		{"key is hex", signed(t, "github", "0123456789abcdef0123456789abcdef\x00\x00", whBody), whBody, "-secret " + keyHex, "key_hex"},
		{"key with a line break", signed(t, "github", ghSecret+"\n", whBody), whBody, "-secret " + ghSecret, "key_line_break"},

		{"blanks around", signed(t, "standard", secret, whBody), whBody, "-secret=\u00a0" + secret + "\u00a0", "key_blanks"},
		{"blank lost its prefix", signed(t, "platform", secret[6:], whBody), whBody, "-secret=\u00a0" + secret, "key_blanks key_unprefixed"},

		{"public key", signed(t, "ed25519", privateKey, whBody), whBody, "-secret " + publicKey, ""},
		{"public key, late", signed(t, "ed25519", privateKey, whBody), whBody, "-secret " + publicKey + " -at 2026-03-01T12:06:00Z", "time"},
		{"public key with blanks", signed(t, "ed25519", privateKey, whBody), whBody, "-scheme ed25519 -secret=\u00a0" + publicKey, "key_blanks"},
		{"other public key", signed(t, "ed25519", webhook.GeneratePrivateKey().Reveal(), whBody), whBody, "-secret " + publicKey, "key_or_body"},
		{"secret's signature for a public key", signed(t, "standard", secret, whBody), whBody, "-secret " + publicKey, "scheme"},

		{"signature in base64", inBase64(t), whBody, "-secret wh_1", "signature_base64"},
		{"signature in hex", inHex(t), whBody, "-secret " + ghSecret, "signature_hex"},
		{
			"no sha256=", with(http.Header{}, "X-Hub-Signature-256", signed(t, "platform", ghSecret, whBody).Get("Signature")),
			whBody, "-secret " + ghSecret, "signature_prefix",
		},
		{
			"sha256= too much", with(http.Header{}, "Signature", "sha256="+signed(t, "platform", "wh_1", whBody).Get("Signature")),
			whBody, "-secret wh_1", "signature_prefix",
		},
		{"other scheme", signed(t, "github", ghSecret, whBody), whBody, "-scheme shopify -secret " + ghSecret, "scheme"},
		{"other scheme and line break", signed(t, "github", ghSecret, whBody), whBody + "\n", "-scheme platform -secret " + ghSecret, "scheme line_break_added"},
		{"other scheme, other key", signed(t, "github", ghSecret, whBody), whBody, "-scheme platform -secret wh_1", "no_header scheme"},
		{"no header", http.Header{}, whBody, "-secret wh_1", "no_header"},
		{"no id", without(signed(t, "standard", secret, whBody), "Webhook-Id"), whBody, "-secret " + secret, "no_header"},
		{"two", twice(signed(t, "platform", "wh_1", whBody)), whBody, "-secret wh_1", "header_twice"},

		{"other key or body", signed(t, "standard", secret, whBody), whBody, "-secret whsec_" + strings.Repeat("A", 32), "key_or_body"},
		{"other length", with(signed(t, "standard", secret, whBody), "Content-Length", "12"), "{}", "-secret " + secret, "body"},
		{"other key", both(t, whBody), whBody, "-webhook-id wh_1 -secret whsec_" + strings.Repeat("A", 32), "key"},
		{"other body", both(t, whBody), "{}", "-webhook-id wh_1 -secret " + secret, "body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, status := verify(t, tt.header, tt.body, strings.FieldsFunc(tt.args, func(r rune) bool { return r == ' ' })...)
			require.Equal(t, tt.codes, strings.Join(f.Codes, " "), f.Reasons)
			require.Equal(t, tt.codes == "", f.Verified)
			require.Equal(t, tt.codes == "", status == exitFine)
			require.Len(t, f.Reasons, len(f.Codes))
			require.NotContains(t, strings.Join(f.Reasons, ""), secret)
			help, _ := ringhook(t, "", "help", "verify")
			for _, code := range f.Codes {
				require.Contains(t, help, code)
			}
		})
	}
}

// signedText is signed as the platform does, with the text of a secret.
func signedText(t *testing.T, text string) http.Header {
	t.Helper()
	h := webhook.HMAC{}
	header := http.Header{}
	require.NoError(t, h.Sign(t.Context(), &webhook.Message{WebhookID: text, Method: "POST", Body: []byte(whBody)}, time.Now(), header))
	return header
}

func inBase64(t *testing.T) http.Header {
	t.Helper()
	h := webhook.HMAC{Encoding: webhook.EncodingBase64}
	header := http.Header{}
	require.NoError(t, h.Sign(t.Context(), &webhook.Message{WebhookID: "wh_1", Method: "POST", Body: []byte(whBody)}, time.Now(), header))
	return header
}

func inHex(t *testing.T) http.Header {
	t.Helper()
	return with(http.Header{}, "X-Shopify-Hmac-Sha256", signed(t, "platform", ghSecret, whBody).Get("Signature"))
}

func twice(h http.Header) http.Header {
	h.Add("Signature", h.Get("Signature"))
	return h
}

// both is signed in both ways.
func both(t *testing.T, body string) http.Header {
	t.Helper()
	return with(signed(t, "standard", secret, body), "Signature", signed(t, "platform", "wh_1", body).Get("Signature"))
}

// What other encoders make of JSON is known again, in both directions.
func TestVerify_JSON(t *testing.T) {
	t.Parallel()
	php := `{"to":"919019912345","name":"Zo\u00eb\/\u00e4","list":[1.50,{}],"x":{"a":null}}`
	python := `{"to": "919019912345", "name": "Zo\u00eb/\u00e4", "list": [1.50, {}], "x": {"a": null}}`
	javascript := "{\n  \"to\": \"919019912345\",\n  \"name\": \"Zoë/ä\",\n  \"list\": [\n    1.50,\n    {}\n  ],\n  \"x\": {\n    \"a\": null\n  }\n}"
	writings := []string{whBody, php, python, javascript}
	for _, sent := range writings {
		for _, got := range writings {
			f, _ := verify(t, signed(t, "standard", secret, sent), got, "-secret", secret)
			require.Equal(t, sent == got, f.Verified)
			if sent != got {
				require.Equal(t, []string{"json"}, f.Codes, "%s for %s", got, sent)
			}
		}
	}
	f, _ := verify(t, signed(t, "standard", secret, whBody), `{"to":"919019912346"}`, "-secret", secret)
	require.Equal(t, []string{"key_or_body"}, f.Codes, "another value is no other writing")
}

// No line of a file is passed over in silence but those that are known to be none of the
// header.
func TestVerify_FileLines(t *testing.T) {
	t.Parallel()
	long := "Signature: " + strings.Repeat("a", 100_000)
	tests := []struct {
		name, text string
		wrong      int
		want       http.Header
	}{
		{"plain", "A: b\nc:d\r\n", 0, http.Header{"A": {"b"}, "C": {"d"}}},
		{"request", "POST / HTTP/1.1\nA: b:c\n", 0, http.Header{"A": {"b:c"}}},
		{"answer", "HTTP/1.1 200 OK\nA: b\n", 0, http.Header{"A": {"b"}}},
		{"HTTP/2", ":method: POST\n:authority: h:1\nA: b", 0, http.Header{"A": {"b"}}},
		{"body behind", "A: b\n\nno line", 0, http.Header{"A": {"b"}}},
		{"indented", "  POST /\n  A: b\n\n", 0, http.Header{"A": {"b"}}},
		{"mark", "\ufeffA: b\n", 0, http.Header{"A": {"b"}}},
		{"long", "A: b\n" + long + "\nC: d\n", 0, http.Header{"A": {"b"}, "Signature": {long[11:]}, "C": {"d"}}},
		{"empty", "", 0, http.Header{}},
		{"no colon", "A: b\nsignature\n", 2, nil},
		{"first", "a signature\n", 1, nil},
		{"request later", "A: b\nPOST / HTTP/1.1\n", 2, nil},
		{"blank in the name", "A: b\nMy Signature: c\n", 2, nil},
		{"blank before the colon", "A : b\n", 1, nil},
		{"no name", ": b\n", 1, nil},
		{"folded", "A: b\n c: d\n", 2, nil},
		{"comment", "# a: b\n", 1, nil},
	}
	for _, tt := range tests {
		header := http.Header{}
		require.Equal(t, tt.wrong, addHeaders(header, tt.text), tt.name)
		if tt.wrong == 0 {
			require.Equal(t, tt.want, header, tt.name)
		}
	}
}

// A file may be a request as listen prints it.
func TestVerify_File(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "request")
	text := "POST http://127.0.0.1/ HTTP/1.1\nSignature: " + signed(t, "platform", "wh_1", whBody).Get("Signature") + "\n\nX: y\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	out, status := ringhook(t, whBody, "verify", "-", "-H", "@"+file, "-secret", "wh_1")
	require.Equal(t, "verified: the platform's signature\n", out)
	require.Equal(t, exitFine, status)
}
