package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, customer))
	for _, want := range []string{
		"GET https://orders.example.com/ack/receive?id=a418d672-9781-4d97-b517-a56f7d95ad8a&source=whatsapp&mobile=919019912345&message_status=read\n",
		"POST https://helpdesk.example.com/api/v1/events/a418d672-9781-4d97-b517-a56f7d95ad8a\nContent-Type: multipart/form-data; boundary=",
		"name=\"message[status]\"\n\nread\n",
		"PUT https://crm.example.com/v2/leads/919019912345/messages\nAuthorization: ****\nContent-Type: application/json\n",
		`  "read_at": "2026-07-01T10:57:39.000000Z",` + "\n" + `  "campaign": "July \"renewals\""` + "\n",
		"POST https://ledger.example.com/status\nContent-Type: text/xml; charset=utf-8\n",
		"<campaign>July &quot;renewals&quot;</campaign>\n",
		"== Wrong on purpose\n" + `webhook: body: offset 51: unknown name "payload.staus"; did you mean "payload.status"?
  "status": "@{{payload.staus}}"
                ^
`,
	} {
		require.Contains(t, out.String(), want)
	}
	require.Equal(t, 4, strings.Count(out.String(), "-> delivered"))
	require.NotContains(t, out.String(), "not-a-real-token")
}

func TestRun_UnknownMember(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), &strings.Builder{}, []byte(`[{"id": "1", "header": {}}]`))
	require.ErrorContains(t, err, `unknown field "header"`)
}
