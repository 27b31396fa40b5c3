package durable_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// A definition prints no headers, body or path.
func TestDefinition_Print(t *testing.T) {
	t.Parallel()
	d := durable.Definition{Reason: "secret", Webhook: webhook.Webhook{
		ID: "wh_1", URL: "https://h/secret", Headers: map[string]string{"A": "secret"}, Body: "secret",
	}}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.Equal(t, `webhook "wh_1": POST h`, fmt.Sprintf(verb, d))
		require.Equal(t, `webhook "wh_1": POST h`, fmt.Sprintf(verb, &d))
		require.NotContains(t, fmt.Sprintf(verb, []durable.Definition{d}), "secret")
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("stored", "d", d)
	require.Contains(t, out.String(), "d.id=wh_1 d.method=POST d.host=h")
	require.NotContains(t, out.String(), "secret")
}
