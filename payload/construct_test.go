package payload_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

func decimal(t testing.TB, s string) payload.Decimal {
	t.Helper()
	d, err := payload.ParseDecimal(s)
	require.NoError(t, err)
	return d
}

func obd() payload.CallReport {
	start := time.Date(2021, 4, 9, 16, 27, 39, 0, time.UTC)
	return payload.CallReport{
		Bridge:       payload.PhoneNumber(918068280011),
		From:         payload.PhoneNumber(918919520022),
		To:           payload.PhoneNumber(918867130033),
		Source:       payload.SourceOBD,
		MID:          "1234-1333-56789",
		FlowID:       payload.IntNumber(123),
		StartAt:      payload.TimeLocal(start),
		EndAt:        payload.TimeLocal(start.Add(16 * time.Second)),
		Duration:     payload.SecondsString(23 * time.Second),
		Status:       payload.CallStatusAnswer,
		RecordingURL: "https://youraudiofilelocation/",
	}
}

func c2c() payload.CallReport {
	start := time.Date(2021, 4, 9, 16, 27, 39, 0, time.UTC)
	return payload.CallReport{
		Bridge:       payload.PhoneNumber(918068280011),
		From:         payload.PhoneNumber(918919520022),
		To:           payload.PhoneNumber(918867130033),
		Source:       payload.SourceC2C,
		StartAt:      payload.TimeLocal(start),
		EndAt:        payload.TimeLocal(start.Add(45 * time.Second)),
		Duration:     payload.SecondsString(45 * time.Second),
		Status:       payload.CallStatusCompleted,
		RecordingURL: "https://youraudiofilelocation/",
		Date:         payload.TimeLocal(start.Add(45 * time.Second)),
		UnixTime:     payload.IntString(1617965904),
		Billing:      payload.SecondsString(23 * time.Second),
		Status1:      payload.CallStatusReceived,
		Status2:      payload.CallStatusAnswer,
		HangupBy:     payload.HangupByAgent,
	}
}

func record(t testing.TB) payload.CDR {
	var date payload.Time
	require.NoError(t, json.Unmarshal([]byte(`"2013-12-23T11:11:40.030Z"`), &date))
	return payload.CDR{
		ClientID:            payload.IntNumber(17),
		CDRID:               "8f14e45f-ceea-467f-a8d2-8b9e1f7c0001",
		CallerID:            payload.PhoneString("442071838750"),
		CallRequestID:       "5bc9e66c-7785-11e3-964f-000c2977e6c8",
		CallID:              "5bca1f3e-7785-11e3-9650-000c2977e6c8",
		CampaignID:          payload.IntNumber(42),
		CampaignName:        `Renewals, "early bird"`,
		LegType:             payload.LegA,
		PhoneNumber:         payload.PhoneString("34650784355"),
		ListPhonebookID:     []int64{3, 12},
		ListPhonebookName:   []string{"Spain", "VIP"},
		Gateway:             "carrier-es-1",
		AMDStatus:           payload.AMDPerson,
		HangupCauseCode:     payload.IntNumber(16),
		HangupCause:         payload.CauseNormalClearing,
		Cost:                decimal(t, "0.0150"),
		BilledDuration:      payload.SecondsNumber(time.Minute),
		IncrementalDuration: payload.SecondsNumber(6*time.Second + 999*time.Millisecond),
		CallDate:            date,
	}
}

func read() payload.MessageStatus {
	at := time.Date(2021, 6, 18, 14, 48, 6, 886358000, time.UTC)
	ist := time.FixedZone("IST", 5*3600+1800)
	return payload.MessageStatus{
		ID:          "a418d672-9781-4d97-b517-a56f7d95ad8a",
		Channel:     payload.ChannelWhatsApp,
		From:        payload.PhoneString("919019120120"),
		To:          payload.PhoneString("919019912345"),
		Status:      payload.StatusRead,
		DeliveredAt: payload.TimeInstant(at),
		ReadAt:      payload.TimeInstant(time.Date(2021, 6, 18, 20, 18, 9, 120004999, ist)),
		ProcessedAt: payload.TimeInstant(time.Date(2021, 6, 18, 14, 48, 5, 120000, time.UTC)),
		Timestamp:   payload.TimeInstant(at),
		ForeignID:   "your-business-identifier",
	}
}

func delivered(t testing.TB) payload.SMSStatus {
	at := time.Date(2021, 4, 9, 16, 27, 35, 0, time.FixedZone("IST", 5*3600+1800))
	return payload.SMSStatus{
		ID: "b34e35ad-fe34-4a8b-977c-b21cd76cd7d6:1", Mobile: payload.PhoneNumber(919019912345), Status: payload.SMSDelivered,
		Credits: decimal(t, "2.0000"), Units: payload.IntString(2),
		DelivAt: payload.TimeInstant(at.Add(16 * time.Second)), SentAt: payload.TimeInstant(at), SubmitAt: payload.TimeLocal(at.Add(4 * time.Second)),
		DelivTime: payload.TimeLocal(at.Add(16 * time.Second)), SentTime: payload.TimeLocal(at),
		SubmitTime: payload.TimeLocal(at.Add(4 * time.Second)),
		CID:        "your-business-identifier", Custom: "renewals", Custom1: "campaign-3344", Custom2: "new-camp001",
		Location: "India", Region: "Bangalore", Provider: "Jio", LocationCode: "in", RegionCode: "KA", ProviderCode: "RJ",
	}
}

func unsubscription() payload.Unsubscription {
	return payload.Unsubscription{
		Channel: "sms", ID: "d105a1ef-6728-4563-8b85-7f5356c8a001", Receiver: payload.PhoneString("919019912345"),
		Type: payload.UnsubscriptionSender, Value: "Demo12", Status: "Unsubscriber created successfully",
		CreatedAt: payload.TimeInstant(time.Date(2023, 7, 8, 12, 52, 54, 0, time.UTC)),
	}
}

func message(content payload.Content, firstName string) payload.MessageIn {
	content.ID = "5c1e0f7a-92b4-4d0c-8f0e-2f6f5a1f9e02"
	content.Timestamp = payload.TimeInstant(time.Date(2024, 7, 2, 9, 15, 42, 125e6, time.UTC))
	return payload.MessageIn{
		ID:       "0b7f3c1e-4d0a-4f6e-9a51-3f6f0a2b7c11",
		Channels: []payload.Channel{{Name: payload.ChannelWhatsApp, To: payload.PhoneString("919019120120")}},
		Recipient: payload.Recipient{
			From: payload.PhoneString("919019912345"),
			User: payload.User{
				ID: "3e1c", IdentifierID: "9d21", SubscriberID: "77aa", Identity: "919019912345", Username: "asha",
				FirstName: firstName, MiddleName: "", LastName: "Rao", Email: "asha@example.com",
				Phone:      payload.PhoneString("919019912345"),
				Attributes: json.RawMessage(`{"plan": "gold", "visits": 3}`),
				UserInfo:   payload.UserInfo{Picture: "null", Gender: "female", Title: "null"},
			},
		},
		Message: content,
	}
}

// Events that are made in Go have the documented bodies.
func TestConstruct(t *testing.T) {
	t.Parallel()
	text := "She said \"hi\" <b>नमस्ते</b> 🙏\nC:\\temp & more"
	image := payload.Media{URL: "https://domin-name.com/your_image_path.png", Caption: "some caption for image"}
	tests := []struct {
		name  string // of the fixture
		event payload.Event
	}{
		{"obd", obd()},
		{"c2c", c2c()},
		{"cdr", record(t)},
		{"whatsapp_status", read()},
		{"sms_status", delivered(t)},
		{"sms_unsubscription", unsubscription()},
		{"webhook_state", payload.WebhookState{
			ID: "dd4b91af-167d-48e6-901d-ae181ff6e80d", State: "resting", Was: "healthy", Class: "status",
			StatusCode: payload.IntNumber(503), At: payload.TimeInstant(time.Date(2021, 6, 18, 14, 48, 6, 886358000, time.UTC)),
		}},
		{"whatsapp_in_text", message(payload.TextContent(text), "Aïsha")},
		{"whatsapp_in_image", message(payload.MediaContent(payload.ContentImage, image), "Asha")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := compact(t, testdata.Fixture(tt.name))
			if _, ok := tt.event.(payload.MessageIn); ok {
				// Not written if unset.
				want = strings.Replace(want, `"middle_name":"",`, "", 1)
			}
			require.Equal(t, want, marshal(t, tt.event))
			direct, err := tt.event.(json.Marshaler).MarshalJSON()
			require.NoError(t, err)
			require.Equal(t, want, string(direct))
		})
	}
}

func TestZeroValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		event payload.Event
		kind  string
		want  string
	}{
		{
			"call report",
			payload.CallReport{},
			"voice:message:out",
			`{"bridge":null,"from":null,"to":null,"source":"","mid":"","flow_id":null,"start_at":null,"end_at":null,"duration":null,"status":"","recording_url":""}`,
		},
		{
			"campaign",
			payload.CallReport{Source: payload.SourceOBD},
			"voice:message:out",
			`{"bridge":null,"from":null,"to":null,"source":"OBD","mid":"","flow_id":null,"start_at":null,"end_at":null,"duration":null,"status":"","recording_url":""}`,
		},
		{
			"Click2Call",
			payload.CallReport{Source: payload.SourceC2C},
			"voice:message:out",
			`{"bridge":null,"from":null,"to":null,"source":"C2C","start_at":null,"end_at":null,"date":null,"unixtime":null,` +
				`"duration":null,"billing":null,"status":"","status1":"","status2":"","recording_url":"","hangup_by":""}`,
		},
		{
			"campaign with members of a Click2Call",
			payload.CallReport{
				Source: payload.SourceOBD, Billing: payload.SecondsString(0),
				HangupBy: payload.HangupByCaller,
			},
			"voice:message:out",
			`{"bridge":null,"from":null,"to":null,"source":"OBD","mid":"","flow_id":null,"start_at":null,"end_at":null,"duration":null,` +
				`"billing":"0","status":"","recording_url":"","hangup_by":"caller"}`,
		},
		{
			"Click2Call with members of a campaign",
			payload.CallReport{Source: payload.SourceC2C, MID: "1", FlowID: payload.IntNumber(0)},
			"voice:message:out",
			`{"bridge":null,"from":null,"to":null,"source":"C2C","mid":"1","flow_id":0,"start_at":null,"end_at":null,"date":null,"unixtime":null,` +
				`"duration":null,"billing":null,"status":"","status1":"","status2":"","recording_url":"","hangup_by":""}`,
		},
		{
			"CDR",
			payload.CDR{},
			"dialer:cdr",
			`{"client_id":null,"cdr_id":"","callerid":null,"callrequest_id":"","call_id":"","campaign_id":null,"campaign_name":"","leg_type":null,` +
				`"phone_number":null,"list_phonebook_id":[],"list_phonebook_name":[],"gateway":"","amd_status":null,"hangup_cause_code":null,"hangup_cause":"",` +
				`"cost":null,"billed_duration":null,"incremental_duration":null,"call_date":null}`,
		},
		{
			"message status",
			payload.MessageStatus{},
			"whatsapp:message:status",
			`{"event":"whatsapp:message:status","payload":{"id":"","channel":"","from":null,"to":null,"status":"",` +
				`"delivered_at":null,"read_at":null,"processed_at":null,"timestamp":null,"foreign_id":""}}`,
		},
		{
			"message status of a channel",
			payload.MessageStatus{Channel: payload.ChannelViber},
			"viber:message:status",
			`{"event":"viber:message:status","payload":{"id":"","channel":"viber","from":null,"to":null,"status":"",` +
				`"delivered_at":null,"read_at":null,"processed_at":null,"timestamp":null,"foreign_id":""}}`,
		},
		{
			"status of SMS",
			payload.SMSStatus{},
			"sms:message:status",
			`{"id":"","mobile":null,"status":"","credits":null,"units":null,"deliv_at":null,"sent_at":null,"submit_at":null,` +
				`"deliv_time":null,"sent_time":null,"submit_time":null,"cid":"","custom":""}`,
		},
		{
			"unsubscription",
			payload.Unsubscription{},
			"unsubscription",
			`{"id":"","receiver":null,"type":"","value":"","created_at":null,"status":""}`,
		},
		{
			"unsubscription of a channel",
			payload.Unsubscription{Channel: payload.ChannelViber},
			"viber:unsubscription",
			`{"id":"","receiver":null,"type":"","value":"","created_at":null,"status":""}`,
		},
		{
			"inbound message",
			payload.MessageIn{},
			"whatsapp:message:in",
			`{"event":"whatsapp:message:in","payload":{"id":"","channels":[],"recipient":{"from":null,"user":{"id":"","username":"","first_name":"","last_name":"",` +
				`"email":"","phone":null,"user_info":{"picture":"","gender":"","title":""}}},"message":{"type":"","payload":null}}}`,
		},
		{
			"inbound message of a channel",
			payload.MessageIn{Event: "", Channels: []payload.Channel{{Name: payload.ChannelRCS}}},
			"rcs:message:in",
			`{"event":"rcs:message:in","payload":{"id":"","channels":[{"name":"rcs","to":null}],"recipient":{"from":null,"user":{"id":"","username":"","first_name":"","last_name":"",` +
				`"email":"","phone":null,"user_info":{"picture":"","gender":"","title":""}}},"message":{"type":"","payload":null}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.kind, tt.event.EventType())
			require.Equal(t, tt.want, marshal(t, tt.event))
			again, err := payload.ParseAs(tt.kind, []byte(tt.want))
			require.NoError(t, err)
			require.IsType(t, again, reflect.New(reflect.TypeOf(tt.event)).Interface())
			require.Equal(t, tt.want, marshal(t, again))
		})
	}
}

// Raw JSON that is not JSON is an error, and not sent.
func TestConstructBrokenRawJSON(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`{`, `{} {}`, `"`, `nul`, "\x00", ` `} {
		var m payload.MessageIn
		m.Message.Payload = json.RawMessage(raw)
		_, err := json.Marshal(m)
		require.Error(t, err, raw)
		m.Message.Payload = nil
		m.Recipient.User.Attributes = json.RawMessage(raw)
		_, err = json.Marshal(m)
		require.Error(t, err, raw)
	}
}
