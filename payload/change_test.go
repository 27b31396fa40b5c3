package payload_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// A field that is set after reading is written with its new value.
func TestChangeAfterReading(t *testing.T) {
	t.Parallel()

	report := parse[*payload.CallReport](t, `{"bridge":1,"from":"2","status":5,"source":null,"x":1}`)
	report.From = payload.PhoneNumber(3)
	report.Status = payload.CallStatusBusy
	report.Source = payload.SourceOBD
	report.Duration = payload.SecondsString(7e9) // was absent
	require.Equal(t, `{"bridge":1,"from":3,"source":"OBD","duration":"7","status":"BUSY","x":1}`, marshal(t, report))

	report.Status = "5" // as it came
	report.Source = ""
	require.Equal(t, `{"bridge":1,"from":3,"source":null,"duration":"7","status":5,"x":1}`, marshal(t, report))

	record := parse[*payload.CDR](t, `{"cdr_id":"1","leg_type":"1","list_phonebook_id":["5"],"list_phonebook_name":"VIP"}`)
	record.LegType = payload.LegB
	record.ListPhonebookID = []int64{6}
	record.ListPhonebookName = []string{"<VIP & more>"}
	require.Equal(t,
		`{"cdr_id":"1","leg_type":2,"list_phonebook_id":[6],"list_phonebook_name":["<VIP & more>"]}`,
		marshal(t, record))

	message := parse[*payload.MessageIn](t, in(`"recipient":"Asha","channels":["x"],"message":null`))
	message.Recipient.User.FirstName = "Asha"
	message.Channels = []payload.Channel{{Name: payload.ChannelRCS}}
	message.Message = payload.TextContent("hi")
	again := parse[*payload.MessageIn](t, marshal(t, message))
	require.Equal(t, "Asha", again.Recipient.User.FirstName)
	require.Equal(t, message.Channels[0].Name, again.Channels[0].Name)
	text, ok := again.Message.Text()
	require.True(t, ok)
	require.Equal(t, "hi", text)

	optional := parse[*payload.MessageIn](t, user(`"middle_name":"","identity":null,"attributes":null,"phone":"1"`))
	u := &optional.Recipient.User
	u.MiddleName, u.Identity, u.Attributes, u.Phone = "M", "i", json.RawMessage(` [ 1 ] `), payload.Phone{}
	require.Equal(t, user(`"identity":"i","middle_name":"M","phone":null,"attributes":[1]`), marshal(t, optional))
}

func TestEventAfterReading(t *testing.T) {
	t.Parallel()
	m := parse[*payload.MessageStatus](t, `{"x":1,"event":"rcs:message:status","payload":{"channel":"rcs"}}`)
	require.Equal(t, `{"event":"rcs:message:status","payload":{"channel":"rcs"},"x":1}`, marshal(t, m))
	m.Channel = payload.ChannelViber
	require.Equal(t, "rcs:message:status", m.EventType(), "the type is as received")
	m.Event = ""
	require.Equal(t, "viber:message:status", m.EventType())
	require.Equal(t, `{"event":"viber:message:status","payload":{"channel":"viber"},"x":1}`, marshal(t, m))
}

// Changes to a copy do not change the original, which several goroutines may be reading.
func TestCopy(t *testing.T) {
	t.Parallel()
	for _, name := range testdata.Names() {
		body := compact(t, testdata.Fixture(name))
		switch e := parse[payload.Event](t, body).(type) {
		case *payload.CallReport:
			c := *e
			c.From, c.Status, c.Duration, c.HangupBy = payload.PhoneNumber(1), "x", payload.Seconds{}, "x"
			require.Equal(t, body, marshal(t, e))
			require.NotEqual(t, body, marshal(t, c))
		case *payload.CDR:
			c := *e
			c.LegType, c.ListPhonebookID, c.Cost = 2, nil, payload.Decimal{}
			require.Equal(t, body, marshal(t, e))
			require.NotEqual(t, body, marshal(t, c))
		case *payload.MessageStatus:
			c := *e
			c.Event, c.ReadAt, c.Status = "x", payload.Time{}, "x"
			require.Equal(t, body, marshal(t, e))
			require.NotEqual(t, body, marshal(t, c))
		case *payload.MessageIn:
			c := *e
			c.Channels, c.Recipient.User.FirstName, c.Message = nil, "x", payload.TextContent("x")
			require.Equal(t, body, marshal(t, e))
			require.NotEqual(t, body, marshal(t, c))
		}
	}
}

// The caller may reuse the bytes that were read.
func TestBodyIsNotKept(t *testing.T) {
	t.Parallel()
	for _, name := range testdata.Names() {
		body := testdata.Fixture(name)
		want := compact(t, body)
		event, err := payload.Parse(body)
		require.NoError(t, err)
		clear(body)
		require.Equal(t, want, marshal(t, event))
	}
}

func TestUnmarshalReplaces(t *testing.T) {
	t.Parallel()
	report := payload.CallReport{MID: "old", RecordingURL: "old"}
	require.NoError(t, json.Unmarshal([]byte("null"), &report))
	require.Equal(t, "old", report.MID, "null leaves a value alone")
	require.NoError(t, json.Unmarshal([]byte(`{"mid":"new"}`), &report))
	require.Equal(t, `{"mid":"new"}`, marshal(t, report))
	require.Error(t, json.Unmarshal([]byte(`[]`), &report))
	require.Equal(t, "new", report.MID, "an error leaves a value alone")

	var in payload.MessageIn
	require.EqualError(t, json.Unmarshal([]byte(`{"event":"rcs:message:in"}`), &in),
		`payload: a message without a member "payload"`)
	require.EqualError(t, in.UnmarshalJSON([]byte(`{"event"`)), "payload: not JSON at offset 8")

	var list struct{ Reports []*payload.CallReport }
	require.NoError(t, json.Unmarshal([]byte(`{"Reports":[null,{"mid":"1"}]}`), &list))
	require.Nil(t, list.Reports[0])
	require.Equal(t, "1", list.Reports[1].MID)
}

// Of several members with one name the last one counts, as for encoding/json.
func TestDuplicateMembers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"text", call(`"status":{},"status":""`), call(`"status":""`)},
		{"text, unusual form last", call(`"status":"ANSWER","status":5`), call(`"status":5`)},
		{"number", cdr(`"leg_type":2,"leg_type":null`), cdr(`"leg_type":null`)},
		{"list", cdr(`"list_phonebook_id":[1],"list_phonebook_id":5`), cdr(`"list_phonebook_id":5`)},
		{"object", user(`"user_info":{"title":"Dr"},"user_info":{"gender":"f"}`), user(`"user_info":{"gender":"f"}`)},
		{"event", `{"event":"x","payload":{"id":"1"},"event":"rcs:message:status"}`, `{"event":"rcs:message:status","payload":{"id":"1"}}`},
		{"payload", `{"event":"rcs:message:in","payload":{"id":"1"},"payload":{"x":1}}`, `{"event":"rcs:message:in","payload":{"x":1}}`},
		{"members that decide the type", `{"bridge":1,"bridge":2,"cdr_id":"1","call_id":"1"}`, `{"cdr_id":"1","call_id":"1","bridge":1,"bridge":2}`},
		{"escaped name", call(`"status":"ANSWER","\u0073tatus":"BUSY"`), call(`"status":"BUSY"`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, marshal(t, parse[payload.Event](t, tt.body)))
		})
	}
}
