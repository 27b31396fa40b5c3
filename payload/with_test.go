package payload_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// withMember calls With of any event.
func withMember(t testing.TB, event payload.Event, name string, value any) (with payload.Event, err error) {
	t.Helper()
	switch e := event.(type) {
	case *payload.CallReport:
		return e.With(name, value)
	case *payload.CDR:
		return e.With(name, value)
	case *payload.MessageStatus:
		return e.With(name, value)
	case *payload.MessageIn:
		return e.With(name, value)
	case *payload.SMSStatus:
		return e.With(name, value)
	case *payload.Unsubscription:
		return e.With(name, value)
	case *payload.WebhookState:
		return e.With(name, value)
	}
	require.Fail(t, "an event without With", "%T", event)
	return nil, nil
}

// A member of one's own stands behind the others, templates know it, and what is read
// again has it.
func TestWith(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, testdata.Names())
	for _, name := range testdata.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event, err := payload.Parse(testdata.Fixture(name))
			require.NoError(t, err)
			before := marshal(t, event)
			with, err := withMember(t, event, "error_code", map[string]any{"<n>": []int{131026}})
			require.NoError(t, err)
			require.Equal(t, before, marshal(t, event), "the event itself is as it was")

			tail := `,"error_code":{"<n>":[131026]}}`
			want := before[:len(before)-1] + tail
			if _, bare := event.(interface{ UnmarshalJSON([]byte) error }); bare && before[:9] == `{"event":` {
				want = before[:len(before)-2] + tail + "}"
			}
			require.Equal(t, want, marshal(t, with))
			again, err := payload.ParseAs(with.EventType(), []byte(want))
			require.NoError(t, err)
			require.Equal(t, want, marshal(t, again))

			c, err := webhook.Compile(webhook.Webhook{
				URL: "https://receiver.test/", Body: `[{{error_code}},{{payload.error_code}}]`,
			}, with)
			require.NoError(t, err)
			for body, e := range map[string]payload.Event{
				`[{"<n>":[131026]},{"<n>":[131026]}]`: with, `[null,null]`: event,
			} {
				m, err := c.Compose(e)
				require.NoError(t, err)
				require.Equal(t, body, string(m.Body), "known by the sample, whether the event has it or not")
			}
		})
	}
}

// A member that has another name of a documented one stands beside it, in the body and in
// templates, whatever the samples are.
func TestWith_Alias(t *testing.T) {
	t.Parallel()
	status, err := payload.MessageStatus{To: payload.PhoneString("919019912345")}.With("mobile", "own")
	require.NoError(t, err)
	report, err := payload.CallReport{MID: "m"}.With("id", "own")
	require.NoError(t, err)
	tests := []struct {
		event, plain webhook.Event
		body         string
		want, before string
	}{
		{
			status,
			payload.MessageStatus{To: payload.PhoneString("919019912345")},
			`["{{mobile}}","{{payload.mobile}}","{{to}}"]`,
			`["own","own","919019912345"]`, `["919019912345","919019912345","919019912345"]`,
		},
		{report, payload.CallReport{MID: "m"}, `["{{id}}","{{payload.id}}","{{mid}}"]`, `["own","own","m"]`, `["m","m","m"]`},
	}
	for _, tt := range tests {
		for _, samples := range [][]webhook.Event{nil, {tt.plain}, {tt.event}} {
			c, err := webhook.Compile(webhook.Webhook{URL: "https://receiver.test/", Body: tt.body}, samples...)
			require.NoError(t, err)
			for want, e := range map[string]webhook.Event{tt.want: tt.event, tt.before: tt.plain} {
				m, err := c.Compose(e)
				require.NoError(t, err)
				require.Equal(t, want, string(m.Body))
			}
		}
	}
}

func TestWith_Replaces(t *testing.T) {
	t.Parallel()
	report := parse[*payload.CallReport](t, `{"bridge":1,"dtmf":"5","status":7,"dtmf":"6","x":null}`)
	with, err := report.With("dtmf", nil)
	require.NoError(t, err)
	require.Equal(t, `{"bridge":1,"status":7,"x":null,"dtmf":null}`, marshal(t, with))
	with, err = with.With("dtmf", "<7>")
	require.NoError(t, err)
	require.Equal(t, `{"bridge":1,"status":7,"x":null,"dtmf":"<7>"}`, marshal(t, with))
	with.Status = payload.CallStatusBusy
	require.Equal(t, `{"bridge":1,"status":"BUSY","x":null,"dtmf":"<7>"}`, marshal(t, with))
	require.Equal(t, `{"bridge":1,"status":7,"dtmf":"5","dtmf":"6","x":null}`, marshal(t, report))

	// An alias is no member: one's own member of that name counts.
	with, err = payload.CallReport{MID: "m"}.With("id", 5)
	require.NoError(t, err)
	m, err := webhook.MustCompile(webhook.Webhook{URL: "https://receiver.test/", Body: `[{{id}},{{mid}}]`}).Compose(with)
	require.NoError(t, err)
	require.Equal(t, `[5,"m"]`, string(m.Body))

	// Two that are made of one do not share what they add.
	one, err := with.With("a", 1)
	require.NoError(t, err)
	two, err := with.With("b", 2)
	require.NoError(t, err)
	require.Contains(t, marshal(t, one), `"id":5,"a":1}`)
	require.Contains(t, marshal(t, two), `"id":5,"b":2}`)
}

func TestWith_Error(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, member string
		value        any
		want         string
	}{
		{"documented", "status", "x", `payload: With: "status" is a documented member: set its field`},
		{"empty", "", 1, "payload: With: the name of a member is empty, or not UTF-8"},
		{"not UTF-8", "a\xff", 1, "payload: With: the name of a member is empty, or not UTF-8"},
		{"event", "event", "x", `payload: With: a member "event" would make it another event`},
		{"payload", "payload", 1, `payload: With: a member "payload" would make it another event`},
		{"a function", "f", func() {}, `payload: With: the value of "f", a func(), has no JSON form`},
		{"not a number", "n", math.NaN(), `payload: With: the value of "n", a float64, has no JSON form`},
		{"broken JSON", "j", json.RawMessage(`{"to":9190`), `payload: With: the value of "j", a json.RawMessage, has no JSON form`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, event := range []payload.Event{
				&payload.CallReport{MID: "1"}, &payload.MessageStatus{ID: "1"}, &payload.SMSStatus{}, &payload.Unsubscription{},
			} {
				with, err := withMember(t, event, tt.member, tt.value)
				require.EqualError(t, err, tt.want)
				require.Equal(t, marshal(t, event), marshal(t, with), "unchanged")
			}
		})
	}
	_, err := payload.MessageIn{}.With("recipient", 1)
	require.Error(t, err)
	_, err = payload.CDR{}.With("cost", 1)
	require.Error(t, err)
}
