package payload_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/payload"
)

// A field writes the form that is documented for it, whatever its value was made of.
func TestDocumentedForms(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 6, 18, 20, 18, 6, 886358999, time.FixedZone("IST", 5*3600+1800))
	// Values that were read, in some other event.
	odd := readValue[payload.Phone](t, `9.18068280001e11`)
	clock := readValue[payload.Seconds](t, `"00:00:12"`)
	cost := readValue[payload.Decimal](t, `"0.0150"`)
	zoned := readValue[payload.Time](t, `"2021-06-18 14:48:06 +0530"`)
	local := readValue[payload.Time](t, `"2021-06-18 14:48:06"`)
	epoch := readValue[payload.Time](t, `1737300755123`)

	tests := []struct {
		name   string
		event  payload.Event
		member string
		want   string
	}{
		{"text in a call report", payload.CallReport{From: payload.PhoneString("918068280001")}, "from", `918068280001`},
		{"number in a call report", payload.CallReport{From: payload.PhoneNumber(918068280001)}, "from", `918068280001`},
		{"text with signs", payload.CallReport{From: payload.PhoneString("+91 80682-80001")}, "from", `918068280001`},
		{"a number that begins with 0", payload.CallReport{From: payload.PhoneString("08068280001")}, "from", `"08068280001"`},
		{"no number at all", payload.CallReport{From: payload.PhoneString("anonymous")}, "from", `"anonymous"`},
		{"the empty text", payload.CallReport{From: payload.PhoneString("")}, "from", `""`},
		{"a float in a call report", payload.CallReport{From: odd}, "from", `918068280001`},
		{"number in a message", payload.MessageStatus{To: payload.PhoneNumber(918068280001)}, "to", `"918068280001"`},
		{"a float in a message", payload.MessageStatus{To: odd}, "to", `"918068280001"`},
		{"text in a message", payload.MessageStatus{To: payload.PhoneString("+91 80")}, "to", `"+91 80"`},
		{"number in a CDR", payload.CDR{PhoneNumber: payload.PhoneNumber(34650784355)}, "phone_number", `"34650784355"`},
		{"text with a + in a CDR", payload.CDR{PhoneNumber: payload.PhoneString("+34650784355")}, "phone_number", `"34650784355"`},
		{"caller id of a CDR", payload.CDR{CallerID: payload.PhoneString("+34650784355")}, "callerid", `"+34650784355"`},

		{"seconds as a number in a call report", payload.CallReport{Duration: payload.SecondsNumber(23 * time.Second)}, "duration", `"23"`},
		{"seconds as text in a CDR", payload.CDR{BilledDuration: payload.SecondsString(23 * time.Second)}, "billed_duration", `23`},
		{"seconds as a clock in a call report", payload.CallReport{Duration: clock}, "duration", `"12"`},
		{"seconds as a clock in a CDR", payload.CDR{BilledDuration: clock}, "billed_duration", `12`},
		{"negative seconds", payload.CDR{BilledDuration: payload.SecondsString(-time.Second)}, "billed_duration", `-1`},
		{"id as text", payload.CDR{ClientID: payload.IntString(17)}, "client_id", `17`},
		{"time as a number", payload.CallReport{Source: payload.SourceC2C, UnixTime: payload.IntNumber(1617965904)}, "unixtime", `"1617965904"`},
		{"cost as text", payload.CDR{Cost: cost}, "cost", `0.0150`},

		{"an instant in a message", payload.MessageStatus{ReadAt: payload.TimeInstant(at)}, "read_at", `"2021-06-18T14:48:06.886358Z"`},
		{"a wall clock in a message", payload.MessageStatus{ReadAt: payload.TimeLocal(at)}, "read_at", `"2021-06-18T14:48:06.000000Z"`},
		{"an instant with a zone in a message", payload.MessageStatus{ReadAt: zoned}, "read_at", `"2021-06-18T09:18:06.000000Z"`},
		{"milliseconds in a message", payload.MessageStatus{ReadAt: epoch}, "read_at", `"2025-01-19T15:32:35.123000Z"`},
		{"a wall clock of an unknown zone in a message", payload.MessageStatus{ReadAt: local}, "read_at", `"2021-06-18 14:48:06"`},
		{"a wall clock in a call report", payload.CallReport{StartAt: payload.TimeLocal(at)}, "start_at", `"2021-06-18 20:18:06"`},
		{"an instant in a call report", payload.CallReport{StartAt: payload.TimeInstant(at)}, "start_at", `"2021-06-18 14:48:06"`},
		{"an instant with a zone in a call report", payload.CallReport{StartAt: zoned}, "start_at", `"2021-06-18 14:48:06"`},
		{"an instant in a CDR", payload.CDR{CallDate: payload.TimeInstant(at)}, "call_date", `"2021-06-18T14:48:06.886358Z"`},
		{"a wall clock in a CDR", payload.CDR{CallDate: payload.TimeLocal(at)}, "call_date", `"2021-06-18 20:18:06"`},
		{"seconds in a status of SMS", payload.SMSStatus{SentAt: epoch}, "sent_at", `"1737300755"`},
		{"an instant in seconds of a status of SMS", payload.SMSStatus{SentAt: payload.TimeInstant(at)}, "sent_at", `"1624027686"`},
		{"a wall clock in seconds of a status of SMS", payload.SMSStatus{SentAt: payload.TimeLocal(at)}, "sent_at", `"1624027686"`},
		{"a wall clock of an unknown zone in a status of SMS", payload.SMSStatus{SentAt: local}, "sent_at", `"2021-06-18 14:48:06"`},
		{"Go's zero time in a status of SMS", payload.SMSStatus{SentAt: payload.TimeInstant(time.Time{})}, "sent_at", `null`},
		{"credits as a number", payload.SMSStatus{Credits: decimal(t, "2.0000")}, "credits", `"2.0000"`},
		{"units as text", payload.SMSStatus{Units: payload.IntString(2)}, "units", `2`},
		{"Go's zero time in a message", payload.MessageStatus{ReadAt: payload.TimeInstant(time.Time{})}, "read_at", `null`},
		{"Go's zero time in a call report", payload.CallReport{StartAt: payload.TimeLocal(time.Time{})}, "start_at", `null`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var body map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(marshal(t, tt.event)), &body))
			if inner, ok := body["payload"]; ok {
				require.NoError(t, json.Unmarshal(inner, &body))
			}
			require.Equal(t, tt.want, string(body[tt.member]))
		})
	}
}

// What was received leaves as it came, and what takes its place in the documented form.
func TestReceivedForms(t *testing.T) {
	t.Parallel()
	body := `{"bridge":"+91 80682-80001","from":"918919520001","to":9.18867130001e11,"source":"C2C",` +
		`"start_at":"2021-06-18T14:48:06Z","end_at":"0001-01-01T00:00:00Z","date":1617965904,"unixtime":1617965904,` +
		`"duration":"00:00:12","billing":23,"status":"COMPLETED","status1":"","status2":"","recording_url":"","hangup_by":""}`
	report := parse[*payload.CallReport](t, body)
	require.Equal(t, body, marshal(t, report))

	other := payload.CallReport{
		Bridge: report.Bridge, From: report.From, To: report.To, Source: payload.SourceC2C, StartAt: report.StartAt,
		Date: report.Date, UnixTime: report.UnixTime, Duration: report.Duration, Billing: report.Billing,
	}
	require.Equal(t, `{"bridge":918068280001,"from":918919520001,"to":918867130001,"source":"C2C",`+
		`"start_at":"2021-06-18 14:48:06","end_at":null,"date":"2021-04-09 10:58:24","unixtime":"1617965904",`+
		`"duration":"12","billing":"23","status":"","status1":"","status2":"","recording_url":"","hangup_by":""}`, marshal(t, other))

	report.From, report.Duration = payload.PhoneString("919019912345"), payload.SecondsNumber(7*time.Second)
	report.StartAt = payload.TimeInstant(time.Unix(1617965904, 0))
	changed := parse[*payload.CallReport](t, marshal(t, report))
	require.Equal(t, "919019912345", marshal(t, changed.From))
	require.Equal(t, `"7"`, marshal(t, changed.Duration))
	require.Equal(t, `"2021-04-09 10:58:24"`, marshal(t, changed.StartAt))
	require.Equal(t, `"+91 80682-80001"`, marshal(t, changed.Bridge))
}
