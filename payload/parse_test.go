package payload_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

func TestParseError(t *testing.T) {
	t.Parallel()
	const (
		object  = `payload: an event must be a JSON object`
		nothing = `payload: not an event: no members "event" and "payload", ` +
			`no "bridge" or "recording_url" as in a call report, no "cdr_id" or "call_id" as in a CDR`
		event    = `payload: member "event" is missing or not a string`
		unknown  = `payload: member "event" is not a known type: want one that ends in :message:status or :message:in`
		envelope = `payload: member "payload" is missing or not an object`
	)
	tests := []struct{ name, body, want string }{
		{"empty", "", "payload: not JSON at offset 0"},
		{"blanks", " \n", "payload: not JSON at offset 2"},
		{"text", "hello", "payload: not JSON at offset 0"},
		{"byte order mark", "\ufeff{}", "payload: not JSON at offset 0"},
		{"form", "from=919019912345", "payload: not JSON at offset 1"},
		{"cut short", `{"from":"919019912345`, "payload: not JSON at offset 21"},
		{"phone number without quotes", `{"from":+919019912345}`, "payload: not JSON at offset 8"},
		{"single quotes", `{"from":'919019912345'}`, "payload: not JSON at offset 8"},
		{"leading zero", `{"from":0919019912345}`, "payload: not JSON at offset 9"},
		{"two values", `{"bridge":1}{"bridge":2}`, "payload: not JSON at offset 12"},
		{"trailing comma", `{"bridge":1,}`, "payload: not JSON at offset 12"},
		{"NUL", "{\"bridge\":1}\x00", "payload: not JSON at offset 12"},
		{"line break in a text", "{\"from\":\"9190\n19912345\"}", "payload: not JSON at offset 13"},
		{"nesting without end", strings.Repeat("[", 100_000), "payload: not JSON at offset 10000"},
		{"nesting in an event", `{"bridge":1,"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "payload: not JSON at offset 10015"},

		{"null", "null", object},
		{"number", "919019912345", object},
		{"string", `"919019912345"`, object},
		{"list", `[{"bridge":1}]`, object},
		{"empty list", `[]`, object},

		{"empty object", `{}`, nothing},
		{"unknown members", `{"from":"919019912345"}`, nothing},
		{"event without payload", `{"event":"whatsapp:message:in"}`, nothing},
		{"names match exactly", `{"Bridge":1,"EVENT":"x","PAYLOAD":{}}`, nothing},

		{"payload without event", `{"payload":{}}`, event},
		{"event is null", `{"event":null,"payload":{}}`, event},
		{"event is empty", `{"event":"","payload":{}}`, event},
		{"event is a number", `{"event":919019912345,"payload":{}}`, event},
		{"event is not known", `{"event":"919019912345","payload":{}}`, unknown},
		{"event in capitals", `{"event":"WHATSAPP:MESSAGE:IN","payload":{}}`, unknown},
		{"event with a blank", `{"event":"whatsapp:message:in ","payload":{}}`, unknown},
		{"payload is null", `{"event":"whatsapp:message:in","payload":null}`, envelope},
		{"payload is a list", `{"event":"whatsapp:message:status","payload":[{"id":"1"}]}`, envelope},
		{"payload is a text", `{"event":"whatsapp:message:status","payload":"{}"}`, envelope},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := payload.Parse([]byte(tt.body))
			require.EqualError(t, err, tt.want)
			require.Nil(t, got)
			require.NotContains(t, err.Error(), "9190", "no value is quoted")
		})
	}
}

func TestParseTellsApart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       payload.Event
		event      string
	}{
		{"call report", " {\"bridge\":null}\n", &payload.CallReport{}, "voice:message:out"},
		{"call report by its recording", `{"recording_url":""}`, &payload.CallReport{}, "voice:message:out"},
		{"CDR", `{"cdr_id":5}`, &payload.CDR{}, "dialer:cdr"},
		{"call report with one member of a CDR", `{"bridge":1,"mid":"1","call_id":"1"}`, &payload.CallReport{}, "voice:message:out"},
		{"CDR with one member of a call report", `{"cdr_id":"1","call_id":"1","bridge":1}`, &payload.CDR{}, "dialer:cdr"},
		{"call report with a member event", `{"event":"hangup","bridge":1}`, &payload.CallReport{}, "voice:message:out"},
		{"status", `{"payload":{},"event":"whatsapp:message:status"}`, &payload.MessageStatus{}, "whatsapp:message:status"},
		{"status of an own channel", `{"event":"sms:message:status","payload":{}}`, &payload.MessageStatus{}, "sms:message:status"},
		{"message with members of a call", `{"event":"x:message:in","payload":{},"bridge":1}`, &payload.MessageIn{}, "x:message:in"},
		{"escaped names", `{"\u0065vent":"rcs:message:in","payl\u006fad":{}}`, &payload.MessageIn{}, "rcs:message:in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			event, err := payload.Parse([]byte(tt.body))
			require.NoError(t, err)
			require.IsType(t, tt.want, event)
			require.Equal(t, tt.event, event.EventType())
		})
	}
}

// ParseAs reads what Parse reads, and goes by the type where the members do not tell.
func TestParseAs(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, testdata.Names())
	for _, name := range testdata.Names() {
		want, err := payload.Parse(testdata.Fixture(name))
		require.NoError(t, err, name)
		got, err := payload.ParseAs(want.EventType(), testdata.Fixture(name))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
	const (
		another = `payload: member "event" is another type`
		unknown = "payload: no event of this package has that type"
	)
	tests := []struct {
		name, eventType, body string
		want                  payload.Event
		err                   string
	}{
		{"a call without any member", payload.EventCall, `{}`, &payload.CallReport{}, ""},
		{"a CDR without any member", payload.EventCDR, ` {} `, &payload.CDR{}, ""},
		{"an own channel", "sms:message:in", `{"event":"sms:message:in","payload":{}}`, &payload.MessageIn{}, ""},
		{"not JSON", payload.EventCall, `{"to":9190`, nil, "payload: not JSON at offset 10"},
		{"no object", payload.EventCDR, `["9190"]`, nil, "payload: an event must be a JSON object"},
		{"another type", "rcs:message:in", `{"event":"sms:message:in","payload":{}}`, nil, another},
		{"another kind", "sms:message:in", `{"event":"sms:message:status","payload":{}}`, nil, another},
		{"no payload", "sms:message:in", `{"event":"sms:message:in"}`, nil, `payload: member "payload" is missing or not an object`},
		{"unknown", "crm:contact", `{"bridge":9190}`, nil, unknown},
		{"no type", "", `{"bridge":9190}`, nil, unknown},
	}
	for _, tt := range tests {
		got, err := payload.ParseAs(tt.eventType, []byte(tt.body))
		if tt.err != "" {
			require.EqualError(t, err, tt.err, tt.name)
			require.Nil(t, got, tt.name)
			continue
		}
		require.NoError(t, err, tt.name)
		require.IsType(t, tt.want, got, tt.name)
		require.Equal(t, tt.eventType, got.EventType(), tt.name)
	}
}

// Parse accepts the same nesting as encoding/json, and no more.
func TestParseDeep(t *testing.T) {
	t.Parallel()
	body := call(`"x":` + strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999))
	require.Equal(t, body, marshal(t, parse[*payload.CallReport](t, body)))
	body = in(`"message":{"payload":` + strings.Repeat(`{"a":`, 9_990) + "1" + strings.Repeat("}", 9_990) + `}`)
	m := parse[*payload.MessageIn](t, body)
	require.Equal(t, body, marshal(t, m))
	_, ok := m.Message.Contacts()
	require.False(t, ok)
}

// unmarshalers returns one of each type that reads JSON.
func unmarshalers() []json.Unmarshaler {
	return []json.Unmarshaler{
		new(payload.CallReport), new(payload.CDR), new(payload.MessageStatus), new(payload.MessageIn),
		new(payload.Phone), new(payload.Int), new(payload.Seconds), new(payload.Decimal), new(payload.Time),
	}
}
