package payload_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

func TestMessageStatus_Errors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, members, reason string }{
		{"none", `"status":"failed"`, ""},
		{"details", `"errors":[{"code":131026,"title":"Undeliverable","details":"No WhatsApp"}]`, "No WhatsApp"},
		{"details as Meta has them", `"errors":[{"code":131026,"title":"t","message":"m","error_data":{"details":"Message Undeliverable."}}]`, "Message Undeliverable."},
		{"message", `"errors":[{"code":131026,"title":"t","message":"m","error_data":{}}]`, "m"},
		{"title", `"errors":[{"code":131026,"title":"t","message":{"a":1}}]`, "t"},
		{"code", `"errors":[{"code":"131026","title":null}]`, "131026"},
		{"the first that has any", `"errors":[{},{"title":"b"},{"title":"c"}]`, "b"},
		{"no errors", `"errors":[]`, ""},
		{"null", `"errors":null`, ""},
		{"not objects", `"errors":["a"]`, ""},
		{"a text", `"errors":"a"`, ""},
		{"a reason", `"reason":"Number does not exist"`, "Number does not exist"},
		{"an error", `"error":{"code":1002,"message":"m"}`, "m"},
		{"an error by its code", `"error":{"code":1002}`, "1002"},
		{"a text of an error", `"reason":null,"error":"","error_message":"e"`, "e"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := parse[*payload.MessageStatus](t, status(tt.members))
			require.Equal(t, tt.reason, s.Reason())
			require.Equal(t, status(tt.members), marshal(t, s), "written as it came")
		})
	}

	s := payload.MessageStatus{ID: "1", Status: payload.StatusFailed, Errors: []payload.MessageError{
		{Code: payload.IntNumber(131026), Title: "Message undeliverable"},
	}}
	require.Contains(t, marshal(t, s), `"foreign_id":"","errors":[{"code":131026,"title":"Message undeliverable"}]}}`)
	require.Equal(t, "Message undeliverable", s.Reason())
	c, err := webhook.Compile(webhook.Webhook{
		URL: "https://receiver.test/", Body: `[{{errors.0.code}},"{{payload.errors.0.title}}",{{errors.1.code}},{{errors}}]`,
	}, payload.MessageStatus{})
	require.NoError(t, err)
	m, err := c.Compose(s)
	require.NoError(t, err)
	require.Equal(t, `[131026,"Message undeliverable",null,[{"code":131026,"title":"Message undeliverable"}]]`, string(m.Body))
	m, err = c.Compose(&payload.MessageStatus{})
	require.NoError(t, err)
	require.Equal(t, `[null,"",null,null]`, string(m.Body))

	s.Errors = nil
	require.NotContains(t, marshal(t, s), "errors")
	read := parse[*payload.MessageStatus](t, status(`"errors":[{"code":1,"x":2}]`))
	read.Errors = nil
	require.Equal(t, `{"event":"rcs:message:status","payload":{"id":"1"}}`, marshal(t, read))
}
