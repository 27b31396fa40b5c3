package webhook_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// What docs/receivers.md says of the forms of other platforms, and of public keys, holds: a
// Verifier of that form takes what is signed so, and the headers are those of the table.
func TestDocs_ReceiversForms(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("docs/receivers.md")
	require.NoError(t, err)
	secret := webhook.GenerateSecret()
	keys := func(context.Context, string) ([]webhook.Secret, error) { return []webhook.Secret{secret}, nil }
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	publicText := webhook.PublicKeyText(private.Public())
	require.True(t, strings.HasPrefix(publicText, "whpk_"))
	public, err := webhook.ParsePublicKey(publicText)
	require.NoError(t, err)
	form := func(h webhook.HMAC) webhook.Verifier {
		h.Keys = nil
		return webhook.Verifier{Secrets: []webhook.Secret{secret}, HMAC: &h}
	}
	tests := []struct {
		name     string
		signer   webhook.Signer
		verifier webhook.Verifier
		headers  []string // and how each value begins
	}{
		{"GitHub", webhook.GitHub(keys), form(webhook.GitHub(nil)), []string{"X-Hub-Signature-256", "sha256="}},
		{"Shopify", webhook.Shopify(keys), form(webhook.Shopify(nil)), []string{"X-Shopify-Hmac-Sha256", ""}},
		{"Stripe", webhook.Stripe(keys), form(webhook.Stripe(nil)), []string{"Stripe-Signature", "t="}},
		{"Slack", webhook.Slack(keys), form(webhook.Slack(nil)), []string{"X-Slack-Signature", "v0=", "X-Slack-Request-Timestamp", ""}},
		{
			"Ed25519",
			webhook.Ed25519{Keys: func(context.Context, string) ([]crypto.Signer, error) { return []crypto.Signer{private}, nil }},
			webhook.Verifier{PublicKeys: []ed25519.PublicKey{public}},
			[]string{"Webhook-Signature", "v1a,"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := message("https://example.com/")
			header := http.Header{webhook.HeaderID: {m.ID}}
			require.NoError(t, tt.signer.Sign(t.Context(), m, time.Now(), header))
			for i := 0; i < len(tt.headers); i += 2 {
				require.True(t, strings.HasPrefix(header.Get(tt.headers[i]), tt.headers[i+1]))
				require.Contains(t, string(manual), "`"+tt.headers[i]+"`")
			}
			handled := 0
			handler := tt.verifier.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { handled++ }))
			for _, body := range []string{string(m.Body), "another"} {
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
				r.Header = header.Clone()
				handler.ServeHTTP(httptest.NewRecorder(), r)
			}
			require.Equal(t, 1, handled)
		})
	}
}
