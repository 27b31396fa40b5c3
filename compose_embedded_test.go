package webhook_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

type (
	// statusPlus would lose ErrorCode: MarshalJSON is that of the status.
	statusPlus struct {
		payload.MessageStatus
		ErrorCode int `json:"error_code"`
	}
	reportPlus struct {
		*payload.CallReport `json:"report"`
		Notes               string
	}
	nestedPlus  struct{ statusPlus }
	deepPlus    struct{ statusInner }
	statusInner struct{ twoPlus }
	twoPlus     struct {
		payload.MessageStatus
		more
	}
	more     struct{ Region string }
	timePlus struct {
		time.Time
		ID string
	}
	pointerPlus struct {
		byPointer
		ID string
	}
	byPointer  struct{}
	memberPlus struct {
		ID     string
		Status *statusPlus
	}
	membersPlus struct{ All map[string][]timePlus }
	listPlus    []statusPlus

	// The others lose nothing.
	statusOnly struct {
		payload.MessageStatus
		Context string `json:"-"`
		hidden  int
	}
	statusOwn struct {
		payload.MessageStatus
		ErrorCode int
	}
	statusOwnPointer struct {
		payload.MessageStatus
		ErrorCode int
	}
	statusMember struct {
		Status    payload.MessageStatus `json:"status"`
		ErrorCode int                   `json:"error_code"`
		Next      *statusMember         `json:"next,omitempty"`
		Own       *statusOwn            `json:"own,omitempty"`
		Dropped   *statusPlus           `json:"-"`
	}
)

func (timePlus) EventType() string     { return "t" }
func (pointerPlus) EventType() string  { return "t" }
func (memberPlus) EventType() string   { return "t" }
func (membersPlus) EventType() string  { return "t" }
func (listPlus) EventType() string     { return "t" }
func (statusMember) EventType() string { return "t" }

func (*byPointer) MarshalJSON() ([]byte, error) { return []byte(`{"by":1}`), nil }

func (s statusOwn) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"id": s.ID, "error_code": s.ErrorCode})
}

func (s *statusOwnPointer) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"id": s.ID, "error_code": s.ErrorCode})
}

// An event that embeds another one and adds fields would be sent without them.
func TestCompose_EmbeddedDropsFields(t *testing.T) {
	t.Parallel()
	const with = ": set a member of one's own with its method With, or give the event a MarshalJSON"
	tests := []struct {
		event webhook.Event
		want  string
	}{
		{statusPlus{}, "embeds payload.MessageStatus, whose JSON form does not have the field ErrorCode" + with},
		{&statusPlus{ErrorCode: 1}, "embeds payload.MessageStatus, whose JSON form does not have the field ErrorCode" + with},
		{reportPlus{CallReport: &payload.CallReport{}}, "embeds payload.CallReport, whose JSON form does not have the field Notes" + with},
		{nestedPlus{}, "embeds payload.MessageStatus, whose JSON form does not have the field ErrorCode" + with},
		{deepPlus{}, "embeds payload.MessageStatus, whose JSON form does not have the field Region" + with},
		{timePlus{}, "embeds time.Time, whose JSON form does not have the field ID: give the event a MarshalJSON of its own"},
		{&pointerPlus{}, "embeds webhook_test.byPointer, whose JSON form does not have the field ID: give the event a MarshalJSON of its own"},
		{memberPlus{}, "embeds payload.MessageStatus, whose JSON form does not have the field ErrorCode" + with},
		{&memberPlus{Status: &statusPlus{}}, "embeds payload.MessageStatus, whose JSON form does not have the field ErrorCode" + with},
		{membersPlus{}, "embeds time.Time, whose JSON form does not have the field ID: give the event a MarshalJSON of its own"},
		{listPlus{}, "embeds payload.MessageStatus, whose JSON form does not have the field ErrorCode" + with},
	}
	for _, tt := range tests {
		for _, w := range []webhook.Webhook{{}, {Body: `{"a":1}`}, {Body: `{"id":"{{id}}"}`}, {Method: "GET"}} {
			w.URL = "https://receiver.test/"
			_, err := webhook.MustCompile(w).Compose(tt.event)
			require.EqualError(t, err, "webhook: event: "+tt.want)
			var te *webhook.TemplateError
			require.ErrorAs(t, err, &te)
			requireCoded(t, te.Code, te.Args, te.Err.Error())
			_, err = webhook.Compile(w, tt.event)
			require.EqualError(t, err, "webhook: event: "+tt.want, "as a sample")
		}
		_, err := webhook.ContentID("wh", tt.event)
		require.EqualError(t, err, "webhook: event: "+tt.want)
	}
}

func TestCompose_EmbeddedKeepsFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		event webhook.Event
		want  string
	}{
		{statusOnly{hidden: 1}, `{"event":"whatsapp:message:status","payload":{"id":"",`},
		{statusOwn{ErrorCode: 5}, `{"error_code":5,"id":""}`},
		{&statusOwn{ErrorCode: 5}, `{"error_code":5,"id":""}`},
		{&statusOwnPointer{ErrorCode: 5}, `{"error_code":5,"id":""}`},
		{statusMember{ErrorCode: 5}, `{"status":{"event":"whatsapp:message:status","payload":{"id":"",`},
	}
	for _, tt := range tests {
		m, err := webhook.MustCompile(webhook.Webhook{URL: "https://receiver.test/"}).Compose(tt.event)
		require.NoError(t, err)
		require.Contains(t, string(m.Body), tt.want, "%T", tt.event)
	}
}
