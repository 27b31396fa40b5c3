package webhook_test

import (
	"context"
	"encoding/base64"
	"errors"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// redacting is a client that signs, with the secret, and a message with credentials.
func redacting() (*webhook.Client, webhook.Secret, *webhook.Message) {
	secret := webhook.GenerateSecret()
	keys := func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{secret}, nil }
	m := message("http://receiver.test/")
	m.WebhookID = "dd4b91af-167d-48e6-901d-ae181ff6e80d"
	m.Header = http.Header{
		"Content-Type":  {"application/json"},
		"Authorization": {"Bearer t0k/en+of=customer"},
		"X-Basic":       {"Basic " + base64.StdEncoding.EncodeToString([]byte("me:pass word&<1>"))},
		"x-api-key":     {`key"\two`, "short"},
		"User-Agent":    {"an agent"},
	}
	return &webhook.Client{Signer: webhook.Signers{
		webhook.HMAC{Keys: keys}, webhook.StandardWebhooks{Keys: keys},
	}}, secret, m
}

func TestClient_Redact(t *testing.T) {
	t.Parallel()
	c, secret, m := redacting()
	a := webhook.Attempt{N: 1, At: time.Unix(1_700_000_000, 0)}
	signature := make(http.Header)
	require.NoError(t, c.Signer.Sign(t.Context(), m, a.At, signature))
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	require.NoError(t, err)
	_, list, _ := strings.Cut(signature.Get(webhook.HeaderWebhookSignature), ",")
	hidden := map[string]string{
		"header":            "Bearer t0k/en+of=customer",
		"token":             "t0k/en+of=customer",
		"key":               `key"\two`,
		"password":          "pass word&<1>",
		"user and password": "me:pass word&<1>",
		"basic":             base64.StdEncoding.EncodeToString([]byte("me:pass word&<1>")),
		"secret":            strings.TrimPrefix(secret.Reveal(), "whsec_"),
		"bytes of a secret": string(raw),
		"HMAC":              signature.Get(webhook.HeaderSignature),
		"Standard Webhooks": signature.Get(webhook.HeaderWebhookSignature),
		"without version":   list,
	}
	forms := map[string]func(string) string{
		"plain": func(s string) string { return s },
		"query": url.QueryEscape,
		"path":  url.PathEscape,
		"lower": func(s string) string {
			return regexp.MustCompile(`%..`).ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
		},
		"html": html.EscapeString,
		"json": func(s string) string { return strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(s) },
		"php":  func(s string) string { return strings.ReplaceAll(s, "/", `\/`) },
		"base64": func(s string) string {
			return strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(s)), "=")
		},
		"base64url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	}
	for name, value := range hidden {
		for form, write := range forms {
			text := "you sent <" + write(value) + "> to us"
			got := string(c.Redact(t.Context(), m, a, []byte(text)))
			require.Equal(t, "you sent <***> to us", got, "%s as %s", name, form)
		}
	}

	for _, text := range []string{
		"", "short", "application/json by an agent", `{"id":"msg_1","of":"dd4b91af-167d-48e6-901d-ae181ff6e80d"}`,
		"Bearer of nothing, at 1700000000",
	} {
		require.Equal(t, text, string(c.Redact(t.Context(), m, a, []byte(text))))
	}
	before := []byte("t0k/en+of=customer")
	require.Equal(t, "***", string(c.Redact(t.Context(), m, a, before)))
	require.Equal(t, "t0k/en+of=customer", string(before), "the text is not changed")
	require.Equal(t, "some text", string(c.Redact(t.Context(), nil, a, []byte("some text"))))
}

// A value that the end of what was read has cut is hidden too.
func TestClient_RedactCut(t *testing.T) {
	t.Parallel()
	c, _, m := redacting()
	text := strings.Repeat("x ", 8<<10)
	text = text[:len(text)-10] + "t0k/en+of="
	got := string(c.Redact(t.Context(), m, webhook.Attempt{}, []byte(text)))
	require.Equal(t, text[:len(text)-10]+"***", got)
}

// The values of an answer's header are cut, each on a line of its own, as durable has them.
func TestClient_RedactCutLine(t *testing.T) {
	t.Parallel()
	c, secret, m := redacting()
	kept := strings.TrimPrefix(secret.Reveal(), "whsec_")[:20]
	filler := strings.Repeat("x", 236)
	text := "X-Request-Id: " + filler + kept + "\nServer: " + kept + "\nX-Trace-Id: " + filler + "Bearer t0k/en\nbody"
	got := string(c.Redact(t.Context(), m, webhook.Attempt{N: 1}, []byte(text)))
	require.Equal(t, "X-Request-Id: "+filler+"***\nServer: "+kept+"\nX-Trace-Id: "+filler+"***\nbody", got,
		"a line that is not as long was not cut")
}

// Where the secrets cannot be had, nothing of the text is kept.
func TestClient_RedactFails(t *testing.T) {
	t.Parallel()
	_, _, m := redacting()
	keyring := webhook.Keyring(func(context.Context, string) ([]webhook.Secret, error) { return nil, errors.New("down") })
	panics := webhook.Keyring(func(context.Context, string) ([]webhook.Secret, error) { panic("down") })
	text := []byte("a text with aWordThatIsAsLongAsAnySecretOfTheSignerIs")
	for _, c := range []*webhook.Client{
		{Signer: webhook.HMAC{Keys: keyring}},
		{Signer: webhook.StandardWebhooks{Keys: panics}},
		{Signer: webhook.Signers{webhook.HMAC{}, webhook.StandardWebhooks{Keys: keyring}}},
	} {
		require.Equal(t, "***", string(c.Redact(t.Context(), m, webhook.Attempt{}, text)))
		require.Equal(t, "a text", string(c.Redact(t.Context(), m, webhook.Attempt{}, []byte("a text"))))
	}
	require.Equal(t, text, (&webhook.Client{}).Redact(t.Context(), m, webhook.Attempt{}, text))
}
