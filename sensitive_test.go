package webhook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestSensitive(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Authorization": true, "x-api-key": true, "Cookie": true, "X-Tenant": true, "": true,
		"Accept": false, "accept-language": false, "CONTENT-TYPE": false, "user-agent": false,
		webhook.HeaderID: false, "webhook-timestamp": false, webhook.HeaderSignature: true,
	} {
		require.Equal(t, want, webhook.SensitiveHeader(name), name)
	}
	for name, want := range map[string]bool{
		"token": true, "code": true, "sid": true, "pin": true, "account": true, "": true, "%zz": true, "id": false, "ID": false,
		"to[0]": false, "to[]": false, "to[token]": true, "data[id]": true, "tok%65n": true, "%69d": false, "id ": true,
	} {
		require.Equal(t, want, webhook.SensitiveParameter(name), name)
	}
}
