package payload_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

func TestParseError(t *testing.T) {
	t.Parallel()
	const (
		form   = ": the body is a form (application/x-www-form-urlencoded)"
		object = "payload: an event must be a JSON object, not "
	)
	syntax := []struct{ name, body, want string }{
		{"empty", "", "0: the body is empty"},
		{"blanks", " \n", "2: the body is empty"},
		{"text", "hello", "0"},
		{"form", "from=919019912345", "1" + form},
		{"form of the library's own", "payload%5Bid%5D=919019912345&event=x", "0" + form},
		{"form with JSON in it", "data=%7B%22to%22%3A9190%7D", "0" + form},
		{"form with a number first", "1=9190", "1" + form},
		{"multipart form", "--b\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n9190\r\n--b--\r\n", "1: the body is a multipart form"},
		{"XML", "<to>9190</to>", "0: the body is XML or HTML"},
		{"no form", "a b=9190", "0"},
		{"no name", "=9190", "0"},
		{"cut short", `{"from":"919019912345`, "21"},
		{"phone number without quotes", `{"from":+919019912345}`, "8"},
		{"single quotes", `{"from":'919019912345'}`, "8"},
		{"leading zero", `{"from":0919019912345}`, "9"},
		{"two values", `{"bridge":1}{"bridge":2}`, "12"},
		{"trailing comma", `{"bridge":1,}`, "12"},
		{"trailing comma behind a byte order mark", "\ufeff" + `{"bridge":1,}`, "15"},
		{"two byte order marks", "\ufeff\ufeff{}", "3"},
		{"a byte order mark alone", "\ufeff", "3: the body is empty"},
		{"NUL", "{\"bridge\":1}\x00", "12"},
		{"line break in a text", "{\"from\":\"9190\n19912345\"}", "13"},
		{"nesting without end", strings.Repeat("[", 100_000), "10000"},
		{"nesting in an event", `{"bridge":1,"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "10015"},
	}
	for _, tt := range syntax {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, parse := range parsers {
				got, err := parse([]byte(tt.body))
				require.EqualError(t, err, "payload: not JSON at offset "+tt.want)
				require.ErrorIs(t, err, payload.ErrSyntax)
				require.Nil(t, got)
				require.NotContains(t, err.Error(), "9190", "no value is quoted")
			}
		})
	}

	others := []struct{ name, body, want string }{
		{"null", "null", object + "null"},
		{"boolean", "true", object + "a boolean"},
		{"number", "919019912345", object + "a number"},
		{"string", `"919019912345"`, object + "a string"},
		{"list", `[{"bridge":1}]`, object + "a list"},
		{"empty list", ` [] `, object + "a list"},
	}
	for _, tt := range others {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := payload.Parse([]byte(tt.body))
			require.EqualError(t, err, tt.want)
			require.NotErrorIs(t, err, payload.ErrSyntax)
			require.Nil(t, got)
		})
	}
}

// parsers reads a body as an event, without knowing its type and knowing it.
var parsers = []func([]byte) (payload.Event, error){
	payload.Parse,
	func(body []byte) (payload.Event, error) { return payload.ParseAs(payload.EventCall, body) },
	func(body []byte) (payload.Event, error) { return payload.ParseAs("whatsapp:message:in", body) },
	func(body []byte) (payload.Event, error) { return payload.ParseAs("crm:contact", body) },
}

func TestParseTellsApart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       payload.Event
		event      string
	}{
		{"call report", " {\"bridge\":null}\n", &payload.CallReport{}, "voice:message:out"},
		{"call report by its recording", `{"recording_url":"","mid":""}`, &payload.CallReport{}, "voice:message:out"},
		{"call report behind a byte order mark", "\ufeff {\"bridge\":null}", &payload.CallReport{}, "voice:message:out"},
		{"call report with a payload of its own", `{"payload":{},"bridge":1}`, &payload.CallReport{}, "voice:message:out"},
		{"call report that names its type", `{"event":"voice:message:out","to":1}`, &payload.CallReport{}, "voice:message:out"},
		{"call report in an envelope", `{"event":"voice:message:out","payload":{"to":1}}`, &payload.CallReport{}, "voice:message:out"},
		{"CDR in an envelope", `{"event":"dialer:cdr","payload":{}}`, &payload.CDR{}, "dialer:cdr"},
		{"status of SMS", `{"sent_time":1,"deliv_time":null}`, &payload.SMSStatus{}, "sms:message:status"},
		{"status of SMS that names its type", `{"event":"sms:message:status","mobile":"1"}`, &payload.SMSStatus{}, "sms:message:status"},
		{"status of SMS in an envelope", `{"event":"sms:message:status","payload":{"mobile":"1","submit_at":1,"sent_time":""}}`, &payload.SMSStatus{}, "sms:message:status"},
		{"unsubscription by its type", `{"receiver":"1","type":"all","value":null}`, &payload.Unsubscription{}, "unsubscription"},
		{"unsubscription by its status", `{"receiver":"1","type":"group","value":"a","status":"Unsubscriber created successfully"}`, &payload.Unsubscription{}, "unsubscription"},
		{"unsubscription that names its type", `{"event":"rcs:unsubscription"}`, &payload.Unsubscription{}, "rcs:unsubscription"},
		{"state of a webhook", `{"event":"webhook:state","payload":{"state":5}}`, &payload.WebhookState{}, "webhook:state"},
		{"state of a webhook without an envelope", `{"event":"webhook:state","state":"paused"}`, &payload.Other{}, "webhook:state"},
		{"unsubscription in an envelope", `{"event":"voice:unsubscription","payload":{"id":1}}`, &payload.Unsubscription{}, "voice:unsubscription"},
		{"CDR by two members", `{"call_id":"1","leg_type":2}`, &payload.CDR{}, "dialer:cdr"},
		{"CDR", `{"cdr_id":5}`, &payload.CDR{}, "dialer:cdr"},
		{"call report with one member of a CDR", `{"bridge":1,"mid":"1","call_id":"1"}`, &payload.CallReport{}, "voice:message:out"},
		{"CDR with one member of a call report", `{"cdr_id":"1","call_id":"1","bridge":1}`, &payload.CDR{}, "dialer:cdr"},
		{"call report whose event is no name", `{"event":5,"bridge":1}`, &payload.CallReport{}, "voice:message:out"},
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

// What this package does not know is an event all the same, and stays as it came.
func TestParseOther(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, event string }{
		{"empty object", `{}`, payload.EventUnknown},
		{"no member that tells", `{"to":918867130001,"status":"ANSWER","duration":"23"}`, payload.EventUnknown},
		{"call report with a member event", `{"event":"hangup","bridge":1,"mid":"1"}`, "hangup"},
		{"one member of a call report", `{"recording_url":"https://a/","from":"1"}`, payload.EventUnknown},
		{"one member of a CDR", `{"call_id":"1","duration":12}`, payload.EventUnknown},
		{"one member of a status of SMS", `{"id":"1","mobile":"1","status":"DELIVRD","units":1}`, payload.EventUnknown},
		{"not all of an unsubscription", `{"type":"all","value":"","created_at":"","status":""}`, payload.EventUnknown},
		{"a payment", `{"id":"1","receiver":"a","type":"transfer","value":"100","created_at":"","status":"done"}`, payload.EventUnknown},
		{"an appointment", `{"title":"t","start_at":"2021-04-09 16:27:39","end_at":"2021-04-09 16:27:55"}`, payload.EventUnknown},
		{"a bill", `{"id":"1","units":2,"submit_time":""}`, payload.EventUnknown},
		{"one member of each", `{"call_id":"1","recording_url":""}`, payload.EventUnknown},
		{"the same member twice", `{"call_id":"1","call_id":"2"}`, payload.EventUnknown},
		{"names match exactly", `{"Bridge":1,"EVENT":"x","PAYLOAD":{}}`, payload.EventUnknown},
		{"envelope", `{"event":"message.created","payload":{"id":"1"}}`, "message.created"},
		{"envelope with another payload", `{"event":"x","payload":[1]}`, "x"},
		{"event without payload", `{"event":"call_answered","status":"in-progress"}`, "call_answered"},
		{"payload without event", `{"type":"message","payload":{"bridge":1,"mid":"1"}}`, payload.EventUnknown},
		{"event is null", `{"event":null,"payload":{}}`, payload.EventUnknown},
		{"event is empty", `{"event":"","payload":{}}`, payload.EventUnknown},
		{"event is a number", `{"event":919019912345,"payload":{}}`, payload.EventUnknown},
		{"event in capitals", `{"event":"WHATSAPP:MESSAGE:IN","payload":{}}`, "WHATSAPP:MESSAGE:IN"},
		{"event with a blank", `{"event":"whatsapp:message:in ","payload":{}}`, "whatsapp:message:in "},
		{"last event counts", `{"event":"a","event":"b"}`, "b"},
		{"odd spelling", " { \"a\" : 1.0,\"a\":\"\\u00e9\\/\" }\r\n", payload.EventUnknown},
	}
	c := webhook.MustCompile(webhook.Webhook{URL: "https://receiver.test/"})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := []byte(tt.body)
			event, err := payload.Parse(body)
			require.NoError(t, err)
			require.Equal(t, &payload.Other{Type: tt.event, JSON: []byte(tt.body)}, event)
			clear(body) // the caller's
			m, err := c.Compose(event)
			require.NoError(t, err)
			require.Equal(t, tt.body, string(m.Body))
			require.Equal(t, tt.event, m.Event)

			marked, err := payload.Parse([]byte("\ufeff" + tt.body))
			require.NoError(t, err)
			require.Equal(t, event, marked, "a byte order mark is passed over")
			var o payload.Other
			require.NoError(t, json.Unmarshal([]byte(tt.body), &o))
			require.Equal(t, tt.event, o.Type)
			require.Equal(t, rawjson(tt.body), string(o.JSON))
		})
	}
}

// rawjson is what encoding/json hands to UnmarshalJSON.
func rawjson(body string) string { return strings.Trim(body, " \r\n") }

// A bare event that came in an envelope has all that the envelope has but is bare.
func TestParseBareInEnvelope(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, want string }{
		{`{"event":"voice:message:out","payload":{"bridge":1,"x":2}}`, `{"bridge":1,"x":2,"event":"voice:message:out"}`},
		{`{"n":5,"event":"voice:message:out","payload":{"bridge":1,"x":2},"x":3,"bridge":4}`, `{"bridge":1,"x":2,"n":5,"event":"voice:message:out"}`},
		{`{"event":"dialer:cdr","payload":{"cdr_id":"1"},"at":[1]}`, `{"cdr_id":"1","event":"dialer:cdr","at":[1]}`},
	}
	for _, tt := range tests {
		require.Equal(t, tt.want, marshal(t, parse[payload.Event](t, tt.body)))
	}
}

func TestOther(t *testing.T) {
	t.Parallel()
	o := payload.Other{Type: "crm:contact", JSON: []byte(`{"a":`)}
	_, err := o.MarshalJSON()
	require.ErrorIs(t, err, payload.ErrSyntax)
	_, err = webhook.MustCompile(webhook.Webhook{URL: "https://receiver.test/"}).Compose(o)
	require.EqualError(t, err, "webhook: event: not JSON at offset 5")
	_, err = webhook.MustCompile(webhook.Webhook{URL: "https://receiver.test/"}).Compose(payload.Other{Type: "x"})
	require.EqualError(t, err, "webhook: event: not JSON at offset 0")

	kept := payload.Other{Type: "kept"}
	require.NoError(t, json.Unmarshal([]byte("null"), &kept))
	require.EqualError(t, json.Unmarshal([]byte("[]"), &kept), "payload: an event must be a JSON object, not a list")
	require.Equal(t, payload.Other{Type: "kept"}, kept)

	// A template may name what the event has, and what any sample of its type has,
	// whether that is an Other or not.
	for _, sample := range []webhook.Event{
		payload.Other{Type: "crm:contact", JSON: []byte(`{"id":1,"plan":"x"}`)},
		webhook.RawEvent{Type: "crm:contact", JSON: []byte(`{"id":1,"plan":"x"}`)},
	} {
		c, err := webhook.Compile(webhook.Webhook{URL: "https://receiver.test/", Body: `[{{id}},{{plan}},"{{event}}"]`}, sample)
		require.NoError(t, err)
		m, err := c.Compose(&payload.Other{Type: "crm:contact", JSON: []byte(`{"id":7}`)})
		require.NoError(t, err)
		require.Equal(t, `[7,null,"crm:contact"]`, string(m.Body))
	}
}

// An event without what its type has is no reason for a receiver to refuse it: it would get
// it again. Nor is it an event of that type which has nothing: it keeps its type and its
// bytes, and can be sent on.
func TestParse_NoPayload(t *testing.T) {
	t.Parallel()
	bodies := map[string][]string{"whatsapp:message:in": {`{"event":"whatsapp:message:in"}`, `{"event":"whatsapp:message:in","PAYLOAD":{}}`}}
	for _, event := range []string{
		"whatsapp:message:in", "rcs:message:status", payload.EventCall, payload.EventCDR, payload.EventSMS, payload.EventUnsubscription,
		"viber:unsubscription",
	} {
		for _, inner := range []string{"null", "[]", `[{"id":"1"}]`, `"{}"`, `""`, "0", "true"} {
			bodies[event] = append(bodies[event], ` {"event":"`+event+`", "payload":`+inner+`,"id":7}`)
		}
	}
	c := webhook.MustCompile(webhook.Webhook{URL: "https://receiver.test/"})
	for event, bodies := range bodies {
		for _, body := range bodies {
			for _, parse := range []func([]byte) (payload.Event, error){
				payload.Parse, func(b []byte) (payload.Event, error) { return payload.ParseAs(event, b) },
			} {
				e, err := parse([]byte(body))
				require.NoError(t, err, body)
				require.Equal(t, &payload.Other{Type: event, JSON: []byte(body)}, e, body)
				m, err := c.Compose(e)
				require.NoError(t, err)
				require.Equal(t, body, string(m.Body))
			}
		}
	}
}

// What a bare event has beside a payload that it need not have is kept, and is what it is
// by if the payload does not tell.
func TestParse_BareBesidePayload(t *testing.T) {
	t.Parallel()
	tests := []struct{ body, want string }{
		{`{"event":"dialer:cdr","payload":null,"cdr_id":"1"}`, `{"cdr_id":"1","event":"dialer:cdr","payload":null}`},
		{`{"event":"dialer:cdr","payload":[1],"cdr_id":"1"}`, `{"cdr_id":"1","event":"dialer:cdr","payload":[1]}`},
		{`{"event":"dialer:cdr","payload":{"x":1},"cdr_id":"1"}`, `{"cdr_id":"1","event":"dialer:cdr","payload":{"x":1}}`},
		{`{"event":"dialer:cdr","payload":{"cdr_id":"2"},"cdr_id":"1"}`, `{"cdr_id":"2","event":"dialer:cdr"}`},
	}
	for _, tt := range tests {
		e := parse[*payload.CDR](t, tt.body)
		require.JSONEq(t, tt.want, marshal(t, e), tt.body)
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
		none    = "payload: no event type"
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
		{"no object", payload.EventCDR, `["9190"]`, nil, "payload: an event must be a JSON object, not a list"},
		{"another type", "rcs:message:in", `{"event":"sms:message:in","payload":{}}`, nil, another},
		{"another kind", "sms:message:in", `{"event":"sms:message:status","payload":{}}`, nil, another},
		{"no payload", "sms:message:in", `{"event":"sms:message:in"}`, &payload.Other{}, ""},
		{"no payload, no event", "sms:message:in", `{"id":1}`, &payload.Other{}, ""},
		{"a payload that is a list", "sms:message:status", `{"event":"sms:message:status","payload":[]}`, &payload.Other{}, ""},
		{"a payload that is null", payload.EventCDR, `{"payload":null}`, &payload.Other{}, ""},
		{"a CDR in an envelope without a name", payload.EventCDR, `{"payload":{"cdr_id":"1"}}`, &payload.CDR{}, ""},
		{"a message in an envelope without a name", "sms:message:in", `{"payload":{}}`, &payload.MessageIn{}, ""},
		{"a status in an envelope without a name", payload.EventSMS, `{"payload":{}}`, &payload.MessageStatus{}, ""},
		{"a call with a member event and a payload", payload.EventCall, `{"event":"hangup","payload":null}`, &payload.Other{}, ""},
		{"no payload, of another type", "sms:message:in", `{"event":"rcs:message:in","payload":null}`, nil, another},
		{"a call in an envelope", payload.EventCall, `{"event":"voice:message:out","payload":{"to":1}}`, &payload.CallReport{}, ""},
		{"a call with a member event", payload.EventCall, `{"event":"hangup"}`, &payload.CallReport{}, ""},
		{"an envelope of another type", payload.EventCall, `{"event":"rcs:message:status","payload":{}}`, nil, another},
		{"a status of SMS", payload.EventSMS, `{}`, &payload.SMSStatus{}, ""},
		{"a status of SMS with an envelope", payload.EventSMS, `{"event":"sms:message:status","payload":{}}`, &payload.MessageStatus{}, ""},
		{"an unsubscription", "viber:unsubscription", `{}`, &payload.Unsubscription{Event: "viber:unsubscription"}, ""},
		{"a state of a webhook", payload.EventWebhookState, `{"payload":{}}`, &payload.WebhookState{}, ""},
		{"an unsubscription of no channel", "unsubscription", `{}`, &payload.Unsubscription{}, ""},
		{"unknown", "crm:contact", `{"bridge":9190}`, &payload.Other{}, ""},
		{"unknown, no object", "crm:contact", `[1]`, &payload.Other{}, ""},
		{"unknown, with another name", "crm:contact", `{"event":"whatsapp:message:in","payload":{}}`, &payload.Other{}, ""},
		{"no type", "", `{"bridge":9190}`, nil, none},
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
		new(payload.SMSStatus), new(payload.Unsubscription), new(payload.WebhookState), new(payload.Other),
		new(payload.Phone), new(payload.Int), new(payload.Seconds), new(payload.Decimal), new(payload.Time),
	}
}
