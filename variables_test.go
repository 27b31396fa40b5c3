package webhook_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// fixture returns the event with that name of package testdata.
func fixture(t testing.TB, name string) webhook.Event {
	t.Helper()
	e, err := payload.Parse(testdata.Fixture(name))
	require.NoError(t, err, name)
	return e
}

// The lists have every row of the variable tables in the platforms' documents.
func TestVariables_Documented(t *testing.T) {
	t.Parallel()
	status := []string{
		"id", "from", "to", "status", "delivered_at", "read_at", "processed_at", "submit_time", "foreign_id",
		"channel", "timestamp",
	}
	tests := []struct {
		name    string
		event   webhook.Event
		prefix  string
		rows    []string
		aliases map[string]string
	}{
		{"call report of a campaign", payload.CallReport{}, "", []string{
			"webhook_id", "bridge", "from", "to", "start_at", "end_at", "duration", "mid", "flow_id",
			"status", "source", "recording_url",
		}, map[string]string{"id": "mid"}},
		{"call report of Click2Call", payload.CallReport{Source: payload.SourceC2C}, "", []string{
			"date", "unixtime", "billing", "status1", "status2", "hangup_by",
		}, nil},
		{"call detail record", payload.CDR{}, "", []string{
			"client_id", "cdr_id", "callerid", "callrequest_id", "call_id", "campaign_id", "campaign_name",
			"leg_type", "phone_number", "list_phonebook_id", "list_phonebook_name", "gateway", "amd_status",
			"hangup_cause_code", "hangup_cause", "cost", "billed_duration", "incremental_duration",
			"call_date",
		}, nil},
		{"message status", payload.MessageStatus{}, "payload.", status, map[string]string{"payload.mobile": "payload.to"}},
		{"message status of RCS", payload.MessageStatus{Channel: payload.ChannelRCS}, "payload.", status, nil},
		{"status of SMS", payload.SMSStatus{}, "", []string{
			"id", "mobile", "status", "credits", "units", "deliv_at", "sent_at", "submit_at", "deliv_time", "sent_time",
			"submit_time", "cid", "custom", "custom1", "custom2", "location", "region", "provider", "location_code",
			"region_code", "provider_code",
		}, map[string]string{"to": "mobile"}},
		{"unsubscription", payload.Unsubscription{}, "", []string{
			"id", "receiver", "type", "value", "created_at", "status",
		}, map[string]string{}},
		{"incoming message", payload.MessageIn{}, "payload.", []string{
			"id", "channels", "channels.0.name", "channels.0.to", "recipient.from", "recipient.user.id",
			"recipient.user.identifier_id", "recipient.user.subscriber_id", "recipient.user.identity",
			"recipient.user.username", "recipient.user.first_name", "recipient.user.middle_name",
			"recipient.user.last_name", "recipient.user.email", "recipient.user.phone",
			"recipient.user.attributes", "recipient.user.user_info.picture",
			"recipient.user.user_info.gender", "recipient.user.user_info.title", "message.type",
			"message.payload", "message.id", "message.timestamp",
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			listed, aliases := map[string]bool{}, map[string]string{}
			for _, v := range webhook.Variables(tt.event) {
				require.NotEmpty(t, v.Doc, v.Name)
				require.NotContains(t, v.Doc, "\n", v.Name)
				require.Contains(t, []string{"string", "number", "boolean", "object", "array", "any"}, v.Type, v.Name)
				require.False(t, listed[v.Name], "%s is there twice", v.Name)
				listed[v.Name] = true
				for _, alias := range v.Aliases {
					aliases[alias] = v.Name
				}
			}
			for _, row := range tt.rows {
				if row != "webhook_id" {
					row = tt.prefix + row
				}
				require.True(t, listed[row], row)
			}
			for _, row := range []string{"event", "webhook_id", "message_id", "payload"} {
				require.True(t, listed[row], row)
			}
			if tt.aliases != nil {
				require.Equal(t, tt.aliases, aliases)
			}
		})
	}
}

// Every name in the list can be used, and the example is its value.
func TestVariables_Usable(t *testing.T) {
	t.Parallel()
	for _, name := range testdata.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event := fixture(t, name)
			empty := reflect.New(reflect.TypeOf(event).Elem()).Interface().(webhook.Event)
			for _, v := range webhook.Variables(event) {
				require.NotEmpty(t, v.Doc, v.Name)
				bare, _ := strings.CutPrefix(v.Name, "payload.")
				for _, used := range append([]string{v.Name, bare}, v.Aliases...) {
					// The type alone knows the name, also if this event does not have
					// the value.
					c, err := webhook.Compile(webhook.Webhook{URL: "https://h/", Body: `"{{` + used + `}}"`}, empty)
					require.NoError(t, err, used)
					m, err := c.ComposeID("m", event)
					require.NoError(t, err, used)
					var text string
					require.NoError(t, json.Unmarshal(m.Body, &text))
					if v.Name == "message_id" {
						require.Equal(t, "m", text)
						continue
					}
					require.Equal(t, v.Example, text, used)
				}
			}
		})
	}
}

// Of members that an event has twice the last one counts, so what is below others is no name.
func TestVariables_Twice(t *testing.T) {
	t.Parallel()
	var names []string
	for _, v := range webhook.Variables(raw(`{"a":{"b":1},"payload":{"c":1},"a":[2],"payload":{"d":1}}`)) {
		names = append(names, v.Name)
	}
	require.Equal(t, []string{"event", "webhook_id", "message_id", "payload", "a", "a.0", "payload.d"}, names)
}

func TestVariables_OtherEvents(t *testing.T) {
	t.Parallel()
	reserved := []string{"event", "webhook_id", "message_id", "payload"}
	tests := []struct {
		name  string
		event webhook.Event
		want  []webhook.Variable // after the reserved names
	}{
		{"raw", raw(`{"a":{"b":[{"c":1.50}]},"d":null}`), []webhook.Variable{
			{Name: "a", Type: "object", Example: `{"b":[{"c":1.50}]}`},
			{Name: "a.b", Type: "array", Doc: "Member of a", Example: `[{"c":1.50}]`},
			{Name: "a.b.0", Type: "object", Doc: "First element of a.b", Example: `{"c":1.50}`},
			{Name: "a.b.0.c", Type: "number", Doc: "Member of a.b.0", Example: "1.50"},
			{Name: "d", Type: "any"},
		}},
		{"map", mapEvent{"on": true}, []webhook.Variable{{Name: "on", Type: "boolean", Example: "true"}}},
		{"member that the documents do not have", mustRead[payload.CDR](`{"cdr_id":"1","zone":"EU"}`), []webhook.Variable{
			{Name: "zone", Type: "string", Example: "EU"},
		}},
		{"names that are taken", raw(`{"event":1,"message_id":2,"payload":[3]}`), []webhook.Variable{
			{Name: "payload.event", Type: "number", Example: "1"},
			{Name: "payload.message_id", Type: "number", Example: "2"},
			{Name: "payload.payload", Type: "array", Example: "[3]"},
			{Name: "payload.payload.0", Type: "number", Doc: "First element of payload", Example: "3"},
		}},
		{"names that are taken, in an envelope", raw(`{"event":1,"message_id":2,"payload":{"event":3,"payload":4}}`), []webhook.Variable{
			{Name: "payload.event", Type: "number", Doc: "Member of payload", Example: "3"},
			{Name: "payload.payload", Type: "number", Doc: "Member of payload", Example: "4"},
		}},
		{"names with other characters", raw(`{"a b":{"c.d":1,"e":[2]},"in":3,"true":4,"":5}`), []webhook.Variable{
			{Name: "payload['a b']", Type: "object", Example: `{"c.d":1,"e":[2]}`},
			{Name: "payload['a b']['c.d']", Type: "number", Doc: "Member of ['a b']", Example: "1"},
			{Name: "payload['a b'].e", Type: "array", Doc: "Member of ['a b']", Example: "[2]"},
			{Name: "payload['a b'].e.0", Type: "number", Doc: "First element of ['a b'].e", Example: "2"},
			{Name: "payload.in", Type: "number", Example: "3"},
			{Name: "payload.true", Type: "number", Example: "4"},
			{Name: "payload['']", Type: "number", Example: "5"},
		}},
		{"an alias that is a member", mustRead[payload.CallReport](`{"mid":"1","id":"2"}`), []webhook.Variable{
			{Name: "id", Type: "string", Example: "2"},
		}},
		{"not JSON", raw(`{`), []webhook.Variable{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			vars := webhook.Variables(tt.event)
			for i, name := range reserved {
				require.Equal(t, name, vars[i].Name)
			}
			require.Equal(t, tt.want, vars[len(vars)-len(tt.want):])
			if _, isRaw := tt.event.(webhook.RawEvent); isRaw {
				require.Len(t, vars, len(reserved)+len(tt.want))
			}
		})
	}
	require.Nil(t, webhook.Variables(nil))
	require.Nil(t, webhook.Variables((*payload.CDR)(nil)))
}
