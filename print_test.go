package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// However they are printed, webhooks and messages show no header, no body and of the URL
// only the host.
func TestPrint(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{
		ID: "wh_1", Name: "secret name", URL: "https://receiver.example:8443/secret/{{payload.to}}?token=secret", Method: "PUT",
		Headers: map[string]string{"Authorization": "Bearer secret"}, Body: `{"secret":"{{payload.to}}"}`, When: "status != 'secret'",
	}
	c := webhook.MustCompile(w, payload.MessageStatus{})
	m, err := c.ComposeID("msg_1", payload.MessageStatus{To: payload.PhoneString("secret")})
	require.NoError(t, err)
	type holder struct {
		Webhook webhook.Webhook
		Pointer *webhook.Message
	}
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"webhook", w, `webhook "wh_1": PUT receiver.example:8443`},
		{"pointer to a webhook", &w, `webhook "wh_1": PUT receiver.example:8443`},
		{"composer", c, `composer "wh_1": PUT receiver.example:8443`},
		{"composer by value", *c, `composer "wh_1": PUT receiver.example:8443`},
		{"message", m, `message "msg_1": PUT receiver.example:8443`},
		{"message by value", *m, `message "msg_1": PUT receiver.example:8443`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				require.Equal(t, tt.want, fmt.Sprintf(verb, tt.value), verb)
			}
			require.Equal(t, tt.want, tt.value.(fmt.Stringer).String())
		})
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.NotContains(t, fmt.Sprintf(verb, holder{w, m}), "secret")
		require.NotContains(t, fmt.Sprintf(verb, []any{w, c, m}), "secret")
	}
	type key struct{ Webhook *webhook.Webhook }
	for name, nested := range map[string]any{
		"slice": []webhook.Webhook{w}, "pointers": []*webhook.Webhook{&w}, "array": [1]webhook.Message{*m}, "map": map[string]webhook.Webhook{"a": w},
		"keys": map[key]*webhook.Composer{{&w}: c}, "struct": holder{w, m}, "pointer": &holder{w, m}, "embedded": struct{ webhook.Webhook }{w},
		"deep": []any{map[string][]holder{"a": {{w, m}}}}, "error": fmt.Errorf("%v: %w", []webhook.Message{*m}, io.EOF),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			require.NotContains(t, fmt.Sprintf(verb, nested), "secret", name+verb)
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("sent", "nested", nested)
		require.NotContains(t, out.String(), "secret", name)
	}
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("sent", "w", w, "pointer", &w, "c", c, "m", m, "value", *m)
	}
	require.NotContains(t, out.String(), "secret")
	require.Contains(t, out.String(), " m.id=msg_1 m.method=PUT m.host=receiver.example:8443 ")
	require.Contains(t, out.String(), `"w":{"id":"wh_1","method":"PUT","host":"receiver.example:8443"}`)
}

// What no method can keep from being shown is as the comment of Webhook says: the JSON form
// of what has one inside, and unexported fields.
func TestPrint_Limits(t *testing.T) {
	t.Parallel()
	w := webhook.Webhook{ID: "wh_1", URL: "https://h/?token=secret", Headers: map[string]string{"Authorization": "Bearer secret"}}
	c := webhook.MustCompile(w)
	m, err := c.Compose(raw(`{"to":"secret"}`))
	require.NoError(t, err)
	log := func(value any) string {
		var out bytes.Buffer
		slog.New(slog.NewJSONHandler(&out, nil)).Info("sent", "value", value)
		return out.String()
	}
	type holder struct{ Value any }
	for _, value := range []any{w, &w, m, *m, c, *c, struct{ webhook.Webhook }{w}} {
		for name, nested := range map[string]any{
			"itself": value, "group": slog.GroupValue(slog.Any("x", value)), "error": fmt.Errorf("%v: %w", []any{value}, io.EOF),
			"Sprint of a slice": fmt.Sprint([]any{value}), "Sprint of a struct": fmt.Sprint(holder{value}),
		} {
			require.NotContains(t, log(nested), "secret", name)
		}
	}
	for _, nested := range []any{
		[]webhook.Webhook{w}, []*webhook.Webhook{&w}, map[string]webhook.Webhook{"a": w}, holder{&w}, &holder{w}, []any{*m}, holder{m},
	} {
		b, err := json.Marshal(nested)
		require.NoError(t, err)
		require.Contains(t, log(nested), string(b), "what is logged is what would be stored")
	}
	require.Contains(t, log([]any{c, *c}), `"value":[{},{}]`, "a composer is not stored")

	require.Contains(t, fmt.Sprint(struct{ w webhook.Webhook }{w}), "secret")
	require.NotContains(t, fmt.Sprint(struct{ w *webhook.Webhook }{&w}), "secret", "an address")
}

// What may not be a host is not printed as one.
func TestPrint_Hosts(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                          "",
		"https://h":                 "h",
		"https://h?token=secret":    "h",
		"http://[::1]:80/x":         "[::1]:80",
		"https://Bücher.example/":   "xn--bcher-kva.example", // as it is looked up
		"https://user:secret@h/":    "",
		"https://{{secret}}.h/":     "",
		"secret.example/x":          "",
		"https:/secret":             "",
		"https://h:secret/":         "",
		"https://h#secret":          "",
		"https://a secret\nh/":      "",
		"https://secret\xff\xfe b/": "",
		"mailto://secret?//h":       "secret", // the host of what is refused
	} {
		require.Equal(t, `webhook "": GET `+want, webhook.Webhook{Method: "GET", URL: url}.String(), url)
	}
	require.Equal(t, `webhook "a\nb": PUSH `, webhook.Webhook{ID: "a\nb", Method: "PUSH"}.String())
	require.Equal(t, "<nil>", fmt.Sprint((*webhook.Message)(nil)))
	require.Equal(t, `composer "":  `, webhook.Composer{}.String())
}
