package webhook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

// Patterns of dates that are accepted, and write something else than was meant.
func TestCheck_Dates(t *testing.T) {
	t.Parallel()
	const (
		strftime = "this looks like a pattern of strftime, but date_format has the letters of PHP"
		moment   = "this looks like a pattern of Java and JavaScript, but date_format has the letters of PHP"
		noZone   = " says that it is UTC; give its zone, such as 'Asia/Kolkata', as second argument"
	)
	tests := []struct {
		tag, marked, message, suggestion string
	}{
		{"{{start_at | date_format: '%Y-%m-%d'}}", "'%Y-%m-%d'", strftime, "'Y-m-d'"},
		{`{{start_at | date_format: "%Y"}}`, `"%Y"`, strftime, `"Y"`},
		{"{{start_at | date_format: '%j'}}", "'%j'", strftime, ""},
		{"{{start_at | upcase | date_format: 'YYYY-MM-DD HH:mm'}}", "'YYYY-MM-DD HH:mm'", moment, "'Y-m-d H:i'"},
		{"{{start_at | date_format: '2006-01-02'}}", "'2006-01-02'", "this looks like a pattern of Go, but date_format has the letters of PHP", "'Y-m-d'"},
		{"{{start_at | date: 'd/m/Y'}}", "'d/m/Y'", "this looks like a pattern of PHP, but date has the letters of strftime", "'%d/%m/%Y'"},
		{"{{start_at | date_format: 'd/m/Y H:m:s'}}", "'d/m/Y H:m:s'", "m is the month, and stands behind an hour: the minutes are i", "'d/m/Y H:i:s'"},
		{`{{start_at | date_format: "g:M A"}}`, `"g:M A"`, "M is the month, and stands behind an hour: the minutes are i", `"g:i A"`},
		{"{{start_at | date: '%d/%m %H:%m'}}", "'%d/%m %H:%m'", "%m is the month, and stands behind an hour: the minutes are %M", "'%d/%m %H:%M'"},
		{"{{start_at | date: '%Y-%M-%d'}}", "'%Y-%M-%d'", "%M is the minutes, and stands in a date: the month is %m", "'%Y-%m-%d'"},
		{"{{start_at | date_format: 'h:i'}}", "'h:i'", "h is an hour from 1 to 12, and nothing says AM or PM: from 0 to 23 it is H", "'H:i'"},
		{"{{start_at | date_format: 'yyyy-mm-dd'}}", "'yyyy-mm-dd'", moment, "'Y-m-d'"},
		{"{{start_at | date: '-'}}", "'-'", "date writes the same for every time: its pattern has no letter of a date", ""},
		{"{{start_at | date_format: '--'}}", "'--'", "date_format writes the same for every time: its pattern has no letter of a date", ""},
		{"{{start_at | date_format: 'c'}}", "'c'", "the time has no zone: c" + noZone, ""},
		{"{{start_at | default: '' | date_format: 'H:i P'}}", "'H:i P'", "the time has no zone: P" + noZone, ""},
		{"{{start_at | date: '%FT%T%:z'}}", "'%FT%T%:z'", "the time has no zone: %z" + noZone, ""},
		{"{{'2021-04-09' | date_format: 'U'}}", "'U'", "the time has no zone: U" + noZone, ""},

		{tag: "{{start_at | date_format: 'c', 'Asia/Kolkata'}}"},
		{tag: "{{start_at | date_format: 'd/m/Y H:i:s'}}"},
		{tag: "{{start_at | date: '%d/%m/%Y'}}"},
		{tag: `{{start_at | date_format: 'H:\m \H:m'}}`},
		{tag: "{{start_at | date: '%%H:%m'}}"},
		{tag: "{{start_at | date: '%d/%m, %H:%M'}}"},
		{tag: "{{start_at | append: 'Z' | date_format: 'c'}}"},
		{tag: "{{'2021-04-09T16:27:39Z' | date_format: 'c'}}"},
		{tag: "{{duration | date_format: 'c'}}"},
		{tag: "{{start_at | replace: '%Y-%m-%d'}}"},
		{tag: "{{start_at | date_format: ''}}"},
	}
	for _, tt := range tests {
		w := webhook.Webhook{URL: "https://h/", Headers: map[string]string{"X": "at " + tt.tag}}
		problems := check(t, w, obdReport)
		if tt.message == "" {
			require.Empty(t, problems, tt.tag)
			continue
		}
		require.Equal(t, []webhook.Problem{{
			Field: "headers.X", Offset: strings.Index(w.Headers["X"], tt.marked), Length: len(tt.marked),
			Message: tt.message, Suggestion: tt.suggestion, Severity: webhook.SeverityWarning,
		}}, problems, tt.tag)
	}

	// A zone that only some samples lack, and none that is known.
	w := webhook.Webhook{URL: "https://h/", Headers: map[string]string{"X": "{{start_at | date_format: 'c'}}"}}
	require.Empty(t, check(t, w, payload.CallReport{}))
	require.Empty(t, check(t, w))
	require.Len(t, check(t, w, raw(`{"start_at":"2021-04-09T16:27:39Z"}`), raw(`{"start_at":"2021-04-09 16:27:39"}`)), 1)

	// Inside a JSON text the quotes may be escaped.
	w = webhook.Webhook{URL: "https://h/", Body: `{"at": "{{start_at | date_format: \"%Y-%m-%d\"}}"}`}
	problems := check(t, w, obdReport)
	require.Len(t, problems, 1)
	require.Equal(t, `\"Y-m-d\"`, problems[0].Suggestion)
	fixed := w.Body[:problems[0].Offset] + problems[0].Suggestion + w.Body[problems[0].Offset+problems[0].Length:]
	require.Equal(t, `{"at": "2021-04-09"}`, string(compose(t, webhook.Webhook{Body: fixed}, obdReport).Body))
}
