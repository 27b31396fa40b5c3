package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(&out))
	for _, want := range []string{
		"## Call report of a campaign (OBD)\n\nThe event is `voice:message:out`.\n\n| Name | Also | Type | Description | Example |\n|---|---|---|---|---|\n| `event` |  | string |",
		"| `mid` | `id` | string | Message id of the campaign | 1234-1333-56789 |\n",
		"| `hangup_by` |  | string | Who hung up: agent or caller (Click2Call) | agent |\n",
		"| `hangup_cause` |  | string | Hangup cause returned by the dialer | NORMAL\\_CLEARING |\n",
		"| `payload.to` | `payload.mobile` | string | Mobile number with country code | 919019912345 |\n",
		"| `payload.recipient.user.first_name` |  | string | First name of the user | Aïsha |\n",
	} {
		require.Contains(t, out.String(), want)
	}
}

// A row stays one line with the same number of cells, whatever the text.
func TestCell(t *testing.T) {
	t.Parallel()
	require.Equal(t, `sent\|delivered a\\\|b &lt;b> &amp;lt; \*x\* a\_b `+"\\`", cell("sent|delivered\na\\|b <b> &lt; *x* a_b `"))
	require.Equal(t, "…", short(strings.Repeat("नम", 30))[len(short(strings.Repeat("नम", 30)))-3:])
	require.Len(t, []rune(short(strings.Repeat("नम", 30))), 40)
	require.Equal(t, "kept", short("kept"))
}
