package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

// verifying are the programs of docs/receivers.md: the language of the block, the file
// that it is saved as, and the command that runs it behind a server.
var verifying = []struct {
	language, file string
	build, command []string
}{
	{"php", "webhook.php", nil, []string{"php", "-n", "-d", "display_errors=0", "-S", "127.0.0.1:0", "verify.php"}},
	{"js", "webhook.js", nil, []string{"node", "verify.js"}},
	{"python", "webhook.py", nil, []string{"python3", "verify.py"}},
	{
		"java", "Webhook.java",
		[]string{"javac", "-d", ".", "Webhook.java", "Verify.java"},
		[]string{"java", "-cp", ".", "Verify"},
	},
}

// blocks returns the code blocks of docs/receivers.md by their language.
func blocks(t *testing.T) map[string]string {
	t.Helper()
	manual, err := os.ReadFile("docs/receivers.md")
	require.NoError(t, err)
	found := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)\n```(\\w+)\n(.*?\n)```\n").FindAllStringSubmatch(
		strings.ReplaceAll(string(manual), "\r\n", "\n"), -1) {
		require.NotContains(t, found, m[1])
		found[m[1]] = m[2]
	}
	return found
}

// What the manual for receivers says about Go is what the example does.
func TestDocs_ReceiversGo(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("example_receive_test.go")
	require.NoError(t, err)
	require.Contains(t, strings.ReplaceAll(string(source), "\r\n", "\n"), blocks(t)["go"])
}

// The programs in the manual for receivers take what the library signs, and nothing
// else.
func TestDocs_Receivers(t *testing.T) {
	t.Parallel()
	found := blocks(t)
	require.Len(t, found, len(verifying)+1, "and Go's")
	for _, p := range verifying {
		t.Run(p.language, func(t *testing.T) {
			t.Parallel()
			// All in one folder, which for Java must have the compiled classes.
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "receivers"))))
			require.NoError(t, os.WriteFile(filepath.Join(dir, p.file), []byte(found[p.language]), 0o600))
			if p.build != nil {
				build(t, dir, p.build)
			}
			checkVerifying(t, p.language, startReceiver(t, dir, p.command, "RINGHOOK_BLOCKS="+dir))
		})
	}
}

func build(t *testing.T, dir string, command []string) {
	t.Helper()
	out, err := receiverCommand(t, dir, command).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// checkVerifying sends genuine and forged requests. Their header X-Secret tells the
// server the secret that it has, or X-Key that of the platform's scheme.
func checkVerifying(t *testing.T, language, address string) {
	t.Helper()
	secret, other := webhook.GenerateSecret(), webhook.GenerateSecret()
	standard := func(secrets ...webhook.Secret) webhook.Signer {
		return webhook.StandardWebhooks{Keys: func(context.Context, string) ([]webhook.Secret, error) {
			return secrets, nil
		}}
	}
	// changed signs what change makes of the message and the time.
	changed := func(s webhook.Signer, change func(m *webhook.Message, at *time.Time)) webhook.Signer {
		return webhook.SignerFunc(func(ctx context.Context, m *webhook.Message, at time.Time, h http.Header) error {
			signed := *m
			change(&signed, &at)
			err := s.Sign(ctx, &signed, at, h)
			delete(h, webhook.HeaderID) // the message's own is set anyway
			return err
		})
	}
	after := func(d time.Duration) func(*webhook.Message, *time.Time) {
		return func(_ *webhook.Message, at *time.Time) { *at = at.Add(d) }
	}
	otherID := func(m *webhook.Message, _ *time.Time) { m.ID += "1" }
	otherWebhook := func(m *webhook.Message, _ *time.Time) { m.WebhookID += "1" }
	otherContent := func(m *webhook.Message, _ *time.Time) {
		m.Body = append([]byte(" "), m.Body...)
		m.URL += "?x" // which is all that the platform's scheme signs of a GET
	}
	fixed := func(name, value string) webhook.Signer {
		return webhook.SignerFunc(func(ctx context.Context, m *webhook.Message, at time.Time, h http.Header) error {
			err := standard(secret).Sign(ctx, m, at, h)
			h[name] = []string{value}
			return err
		})
	}
	whsec, id := http.Header{"X-Secret": {secret.Reveal()}}, http.Header{"X-Key": {"wh_1"}}
	tests := []struct {
		name    string
		has     http.Header
		signer  webhook.Signer
		genuine bool
	}{
		{"right", whsec, standard(secret), true},
		{"new secret first", whsec, standard(other, secret), true},
		{"both schemes", whsec, webhook.Signers{webhook.HMAC{}, standard(secret)}, true},
		{"4 minutes ago", whsec, changed(standard(secret), after(-4*time.Minute)), true},
		{"no signature", whsec, nil, false},
		{"other secret", whsec, standard(other), false},
		{"other body", whsec, changed(standard(secret), otherContent), false},
		{"other id", whsec, changed(standard(secret), otherID), false},
		{"6 minutes ago", whsec, changed(standard(secret), after(-6*time.Minute)), false},
		{"in 6 minutes", whsec, changed(standard(secret), after(6*time.Minute)), false},
		{"other time", whsec, fixed(webhook.HeaderTimestamp, "1700000000"), false},
		{"no time", whsec, fixed(webhook.HeaderTimestamp, "x"), false},
		{"empty signature", whsec, fixed(webhook.HeaderWebhookSignature, "v1,"), false},
		{"other scripts", whsec, fixed(webhook.HeaderWebhookSignature, "v1,é "+strings.Repeat("é", 44)), false},
		{"no secret", http.Header{}, signEmpty, false},
		{"empty secret", http.Header{"X-Secret": {"whsec_"}}, signEmpty, false},
		{"only the platform's", whsec, webhook.HMAC{}, false},

		{"platform's", id, webhook.HMAC{}, true},
		{"platform's, both schemes", id, webhook.Signers{webhook.HMAC{}, standard(secret)}, true},
		{"platform's, no signature", id, nil, false},
		{"platform's, other webhook", id, changed(webhook.HMAC{}, otherWebhook), false},
		{"platform's, other content", id, changed(webhook.HMAC{}, otherContent), false},
		{"platform's, no key", http.Header{"X-Key": {""}}, signEmpty, false},
		{"platform's, standard only", id, standard(secret), false},
	}
	client := newClient(t, loopback)
	checkShifted(t, client, address, secret)
	for _, place := range places {
		for _, tt := range tests {
			what := tt.name + ", " + place.name
			m := compose(t, webhook.Webhook{
				ID: "wh_1", URL: address, Method: place.method, Format: place.format, Body: "{{payload}}",
			}, raw(`{"text":"Zoë 😀 \"x\" 'y' \\ \u0000 \r\n & = % +","list":["a",null,{"b":1.50}]}`))
			for name, value := range tt.has {
				m.Header[name] = value
			}
			client.Signer = tt.signer
			m.Policy.Timeout = time.Minute // a busy machine must not change the result
			status := http.StatusUnauthorized
			if tt.genuine && (language != "php" || place.format != webhook.FormatFormData) { // it has no bytes of that
				status = http.StatusOK
			}
			require.Equal(t, status, client.Try(t.Context(), m, 1).Status, what)
		}
	}
}

// checkShifted sends a genuine text that begins like a time, and then the same without
// that, which goes where the time was, and the time into the id: what is signed is equal.
func checkShifted(t *testing.T, client *webhook.Client, address string, secret webhook.Secret) {
	t.Helper()
	now := strconv.FormatInt(time.Now().Unix(), 10)
	sum := hmac.New(sha256.New, secretBytes(t, secret))
	sum.Write([]byte("msg_1." + now + "." + now + ".text"))
	signature := "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil))
	for _, tt := range []struct {
		id, body string
		status   int
	}{
		{"msg_1", now + ".text", http.StatusOK},
		{"msg_1." + now, "text", http.StatusUnauthorized},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(tt.body))
		require.NoError(t, err)
		r.Header = http.Header{
			"X-Secret": {secret.Reveal()}, webhook.HeaderID: {tt.id}, webhook.HeaderTimestamp: {now},
			webhook.HeaderWebhookSignature: {signature},
		}
		resp, err := client.Transport.RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, tt.status, resp.StatusCode, tt.id)
	}
}

func secretBytes(t *testing.T, secret webhook.Secret) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	require.NoError(t, err)
	return b
}

// signEmpty signs in both schemes, with the key that everybody has.
var signEmpty = webhook.SignerFunc(func(_ context.Context, m *webhook.Message, at time.Time, h http.Header) error {
	sum := func(text string) []byte {
		mac := hmac.New(sha256.New, nil)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	text := string(m.Body)
	if m.Method == http.MethodGet {
		_, text, _ = strings.Cut(m.URL, "?")
	}
	h[webhook.HeaderSignature] = []string{hex.EncodeToString(sum(text))}
	seconds := strconv.FormatInt(at.Unix(), 10)
	h[webhook.HeaderTimestamp] = []string{seconds}
	signature := base64.StdEncoding.EncodeToString(sum(m.ID + "." + seconds + "." + string(m.Body)))
	h[webhook.HeaderWebhookSignature] = []string{"v1," + signature}
	return nil
})
