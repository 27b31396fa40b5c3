package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestDemonstrate(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, demonstrate(t.Context(), &out))
	require.Equal(t, `The receiver wants the events: it has answered the challenge.
Asha wrote: "Where is my order?"
  whatsapp:message:in: answer 200
call 1234-1333-98765: ANSWER, 23s
  voice:message:out: answer 200
call b1b7c8a0 of campaign "Renewals, July": NORMAL_CLEARING
  dialer:cdr: answer 200
an event of type "unknown", which is not handled here
  contacts:subscriber:subscription: answer 200
message a418d672 is read
  whatsapp:message:status: answer 200
The last one again, as after an answer that was lost: not handled twice.
  whatsapp:message:status: answer 200
Without a signature:
  whatsapp:message:status: answer 401
`, out.String())
}

func TestServe(t *testing.T) {
	t.Parallel()
	key := webhook.GenerateSecret()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, w, "127.0.0.1:0", key.Reveal(), "") }()
	lines := bufio.NewScanner(r)
	require.True(t, lines.Scan())
	url, ok := strings.CutPrefix(lines.Text(), "listening on ")
	require.True(t, ok, lines.Text())

	client := &webhook.Client{
		Transport: webhook.NewTransport(webhook.Egress{
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AnyPort: true,
		}),
		Signer: webhook.StandardWebhooks{Keys: func(context.Context, string) ([]webhook.Secret, error) {
			return []webhook.Secret{key}, nil
		}},
	}
	defer client.CloseIdleConnections()
	sent := make(chan error, 1)
	go func() {
		sent <- client.Send(ctx, &webhook.Message{
			ID: "msg_1", Method: http.MethodPost, URL: url,
			Body: []byte(`{"event":"whatsapp:message:status","payload":{"id":"a418d672","status":"read"}}`),
		})
	}()
	require.True(t, lines.Scan())
	require.Equal(t, "message a418d672 is read", lines.Text())
	require.NoError(t, <-sent)
	cancel()
	require.NoError(t, <-ended)
}

func TestServe_NoSecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"", "whsec_c2hvcnQ="} {
		err := serve(t.Context(), io.Discard, "127.0.0.1:0", secret, "")
		require.ErrorContains(t, err, "WEBHOOK_SECRET: webhook: ")
	}
}
