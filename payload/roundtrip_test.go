package payload_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// fixtures has the type of each fixture.
var fixtures = map[string]payload.Event{
	"obd":                      &payload.CallReport{},
	"c2c":                      &payload.CallReport{},
	"cdr":                      &payload.CDR{},
	"whatsapp_status":          &payload.MessageStatus{Event: "whatsapp:message:status"},
	"rcs_status":               &payload.MessageStatus{Event: "rcs:message:status"},
	"viber_status":             &payload.MessageStatus{Event: "viber:message:status"},
	"sms_status":               &payload.SMSStatus{},
	"sms_unsubscription":       &payload.Unsubscription{},
	"whatsapp_unsubscription":  &payload.Unsubscription{},
	"viber_in_text":            &payload.MessageIn{Event: "viber:message:in"},
	"vmn_in_text":              &payload.MessageIn{Event: "vmn:message:in"},
	"rcs_in_text":              &payload.MessageIn{Event: "rcs:message:in"},
	"whatsapp_in_2021":         &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_audio":        &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_button_reply": &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_contacts":     &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_document":     &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_image":        &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_list_reply":   &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_location":     &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_sticker":      &payload.MessageIn{Event: "whatsapp:message:in"},
	"whatsapp_in_text":         &payload.MessageIn{Event: "whatsapp:message:in"},
	"webhook_state":            &payload.WebhookState{},
	"whatsapp_in_video":        &payload.MessageIn{Event: "whatsapp:message:in"},
}

// marshal writes an event without the escapes for HTML that json.Marshal adds.
func marshal(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(v))
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func compact(t testing.TB, body []byte) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Compact(&b, body))
	return b.String()
}

func parse[E payload.Event](t testing.TB, body string) E {
	t.Helper()
	event, err := payload.Parse([]byte(body))
	require.NoError(t, err)
	e, ok := event.(E)
	require.True(t, ok, "%T", event)
	return e
}

func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, name := range testdata.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := fixtures[name]
			require.NotNil(t, want, "a fixture that the table of this test lacks")
			body := testdata.Fixture(name)

			event, err := payload.Parse(body)
			require.NoError(t, err)
			require.IsType(t, want, event)
			require.Equal(t, want.EventType(), event.EventType())
			require.Equal(t, compact(t, body), marshal(t, event))

			direct := reflect.New(reflect.TypeOf(want).Elem()).Interface()
			require.NoError(t, json.Unmarshal(body, direct))
			require.Equal(t, event, direct)
			value := reflect.ValueOf(event).Elem().Interface()
			require.Equal(t, marshal(t, event), marshal(t, value), "a value and a pointer have one form")
		})
	}
}

// The bodies of tests that are about one member.
func call(member string) string { return `{"bridge":1,` + member + `}` }
func cdr(member string) string  { return `{"cdr_id":"1",` + member + `}` }
func sms(member string) string {
	return `{"id":"1",` + member + `,"deliv_time":"","submit_time":null}`
}

func unsubscribed(member string) string {
	return `{` + member + `,"receiver":"1","type":"all","value":"","created_at":null}`
}

func status(member string) string {
	return `{"event":"rcs:message:status","payload":{"id":"1",` + member + `}}`
}

func in(member string) string {
	return `{"event":"rcs:message:in","payload":{"id":"1",` + member + `}}`
}
func user(member string) string { return in(`"recipient":{"user":{` + member + `}}`) }

// What is read is written again byte for byte: no member is lost, changed or added.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body string }{
		{"unknown member of a call report", call(`"x":{"y":[1,"<&>",1.50]}`)},
		{"unknown member of a CDR", cdr(`"x":null`)},
		{"unknown member of the envelope", `{"event":"rcs:message:in","payload":{"id":"1"},"x":12345678901234567890.10}`},
		{"unknown member of the payload", status(`"x":[]`)},
		{"unknown member of a channel", in(`"channels":[{"name":"rcs","x":1},{"to":"2","x":2}]`)},
		{"unknown member of the recipient", in(`"recipient":{"from":"1","x":{}}`)},
		{"unknown member of the user", user(`"id":"1","x":"y"`)},
		{"unknown member of user_info", user(`"user_info":{"title":"Dr","x":true}`)},
		{"unknown member of the message", in(`"message":{"type":"text","x":0}`)},
		{"unknown member with an empty name", call(`"":1`)},
		{"unknown member with a strange name", call(`"a\"\\\n.b é":1`)},
		{"unknown type of message", in(`"message":{"type":"poll","payload":[1,{"a":"b"}]}`)},

		{"names match exactly", call(`"STATUS":"ANSWER","Bridge":2,"ſource":"OBD"`)},
		{"names match exactly, nested", user(`"ID":"1","user_INFO":{"title":"Dr"}`)},

		{"status is a number", call(`"status":5`)},
		{"status is null", call(`"status":null`)},
		{"status is an object", call(`"status":{}`)},
		{"status is a list", status(`"status":[1]`)},
		{"status is false", status(`"status":false`)},
		{"duration is a text", call(`"duration":"23"`)},
		{"duration is a number", call(`"duration":23`)},
		{"duration is an object", call(`"duration":{"s":23}`)},
		{"phone is a number", call(`"from":918919520022`)},
		{"phone is a text", call(`"from":"+918919520022"`)},
		{"phone is a float", call(`"from":9.189e11`)},
		{"id of an unsubscription is a number", unsubscribed(`"id":436`)},
		{"id of an unsubscription is a text", unsubscribed(`"id":"436"`)},
		{"units are a text", sms(`"units":"2"`)},
		{"credits are a number", sms(`"credits":2.0000`)},
		{"seconds are a number", sms(`"deliv_at":1701086585`)},
		{"seconds are no time", sms(`"deliv_at":"","sent_at":null`)},
		{"own texts are empty", `{"deliv_time":"","submit_time":null,"custom1":"","region":null}`},
		{"leg_type is a text", cdr(`"leg_type":"1"`)},
		{"leg_type is a fraction", cdr(`"leg_type":1.5`)},
		{"leg_type is null", cdr(`"leg_type":null`)},
		{"leg_type is zero", cdr(`"leg_type":0`)},
		{"leg_type is minus zero", cdr(`"leg_type":-0`)},
		{"leg_type is huge", cdr(`"leg_type":9007199254740993`)},
		{"amd_status is a float", cdr(`"amd_status":3.0`)},
		{"time is the zero date", call(`"start_at":"0000-00-00 00:00:00"`)},
		{"time is a number", call(`"start_at":1617965859`)},
		{"cost has zeros", cdr(`"cost":0.0150`)},
		{"cost has more digits than a float", cdr(`"cost":120363042969381234.5`)},
		{"cost is a text", cdr(`"cost":"0.0150"`)},
		{"ids are a text", cdr(`"list_phonebook_id":"5"`)},
		{"ids are texts", cdr(`"list_phonebook_id":["5"]`)},
		{"ids are partly null", cdr(`"list_phonebook_id":[5,null]`)},
		{"ids are null", cdr(`"list_phonebook_id":null`)},
		{"ids are empty", cdr(`"list_phonebook_id":[]`)},
		{"names have HTML", cdr(`"list_phonebook_name":["<b>&"]`)},
		{"attributes are a text", user(`"attributes":"gold"`)},
		{"attributes are an object", user(`"attributes":{"plan":"gold"}`)},
		{"attributes are null", user(`"attributes":null`)},
		{"recipient is null", in(`"recipient":null`)},
		{"recipient is a text", in(`"recipient":"919019912345"`)},
		{"recipient is a list", in(`"recipient":[]`)},
		{"user is null", in(`"recipient":{"user":null}`)},
		{"channels are null", in(`"channels":null`)},
		{"channels are a text", in(`"channels":"rcs"`)},
		{"channels are empty", in(`"channels":[]`)},
		{"channels have a text among them", in(`"channels":[{"name":"rcs"},"x"]`)},
		{"message is null", in(`"message":null`)},
		{"message payload is null", in(`"message":{"payload":null}`)},
		{"message payload is a text", in(`"message":{"payload":"hi"}`)},

		{"the form of Meta", in(`"message":{"type":"text","text":{"body":"hello"}},"contacts":[{"wa_id":"1"}]`)},
		{"user_id", user(`"id":"1","username":"a","user_id":"US.1","first_name":"b"`)},
		{"user_id is null", user(`"user_id":null`)},

		{"optional time is null", status(`"submit_time":null`)},
		{"optional text is empty", user(`"middle_name":""`)},
		{"optional text is null", user(`"identity":null`)},
		{"optional id is empty", in(`"message":{"id":"","timestamp":null}`)},
		{"members of the other source are empty", `{"bridge":1,"source":"OBD","date":null,"unixtime":null,"billing":null,"status1":"","hangup_by":null}`},
		{"mid and flow_id of a Click2Call", `{"bridge":1,"source":"C2C","mid":"","flow_id":null}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			event, err := payload.Parse([]byte(tt.body))
			require.NoError(t, err)
			require.Equal(t, tt.body, marshal(t, event))
			require.Equal(t, tt.body, marshal(t, parse[payload.Event](t, marshal(t, event))))
		})
	}
}

func TestReadOddTokens(t *testing.T) {
	t.Parallel()
	report := parse[*payload.CallReport](t, `{"bridge":"+918068280011","from":918919520022,"status":5,`+
		`"recording_url":null,"source":{},"duration":23,"billing":"7","start_at":"0000-00-00 00:00:00"}`)
	digits, ok := report.Bridge.Digits()
	require.True(t, ok)
	require.Equal(t, "918068280011", digits)
	require.Equal(t, "918919520022", report.From.String())
	require.Equal(t, payload.CallStatus("5"), report.Status)
	require.Empty(t, report.RecordingURL)
	require.Empty(t, report.Source)
	d, ok := report.Duration.Duration()
	require.True(t, ok)
	require.Equal(t, 23*time.Second, d)
	d, ok = report.Billing.Duration()
	require.True(t, ok)
	require.Equal(t, 7*time.Second, d)
	_, ok = report.StartAt.Time()
	require.False(t, ok)
	require.True(t, report.EndAt.IsZero())

	legs := []struct {
		token string
		want  payload.LegType
	}{{`1`, payload.LegA}, {`"2"`, payload.LegB}, {`7`, 7}, {`1.5`, 0}, {`null`, 0}, {`"x"`, 0}, {`9007199254740993`, 0}}
	for _, leg := range legs {
		require.Equal(t, leg.want, parse[*payload.CDR](t, cdr(`"leg_type":`+leg.token)).LegType, leg.token)
	}
	record := parse[*payload.CDR](t, cdr(`"list_phonebook_id":[5,9007199254740993]`))
	require.Equal(t, []int64{5, 9007199254740993}, record.ListPhonebookID)
	require.Equal(t, []int64{5}, parse[*payload.CDR](t, cdr(`"list_phonebook_id":["5"]`)).ListPhonebookID)
	require.Empty(t, parse[*payload.CDR](t, cdr(`"list_phonebook_id":"5"`)).ListPhonebookID)

	message := parse[*payload.MessageIn](t, in(`"recipient":null,"channels":[{"name":"rcs"},5]`))
	require.Empty(t, message.Recipient.User.FirstName)
	require.Empty(t, message.Channels)
	require.JSONEq(t, `"gold"`, string(parse[*payload.MessageIn](t, user(`"attributes":"gold"`)).Recipient.User.Attributes))
}
