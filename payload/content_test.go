package payload_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/testdata"
)

// parts returns all that the helpers read from a content, without what they refuse.
func parts(t testing.TB, c payload.Content) map[string]any {
	t.Helper()
	all := map[string]any{}
	addPart(t, all, "text", c.Text)
	addPart(t, all, "media", c.Media)
	addPart(t, all, "location", c.Location)
	addPart(t, all, "contacts", c.Contacts)
	addPart(t, all, "reply", c.Reply)
	return all
}

func addPart[V any](t testing.TB, all map[string]any, name string, read func() (V, bool)) {
	t.Helper()
	v, ok := read()
	if !ok {
		require.Empty(t, v, "%s is refused and yet has a value", name)
		return
	}
	all[name] = v
}

func content(kind payload.ContentType, raw string) payload.Content {
	return payload.Content{Type: kind, Payload: json.RawMessage(raw)}
}

// Each helper reads its own types only.
func TestContentFixtures(t *testing.T) {
	t.Parallel()
	place := payload.Location{
		Longitude: decimal(t, "77.594563"), Latitude: decimal(t, "12.971599"), Name: "Cubbon Park",
		Address: "Kasturba Road, Bengaluru",
	}
	card := payload.Contact{
		Name:   payload.ContactName{FirstName: "Ravi", LastName: "Kumar", FormattedName: "Ravi Kumar"},
		Phones: []payload.ContactPhone{{Phone: payload.PhoneString("+919019955501"), Type: "CELL"}},
		Emails: json.RawMessage("[]"), Addresses: json.RawMessage("[]"), URLs: json.RawMessage("[]"),
		Org:      payload.ContactOrg{Company: "Acme", Department: "Sales", Title: "Lead"},
		Birthday: "1990-01-31",
	}
	tests := map[string]map[string]any{
		"rcs_in_text":              {"text": "This is a simple text message"},
		"whatsapp_in_2021":         {"text": "hello"},
		"viber_in_text":            {"text": "This is a simple text message"},
		"vmn_in_text":              {"text": "WIN 42"},
		"whatsapp_in_text":         {"text": "She said \"hi\" <b>नमस्ते</b> 🙏\nC:\\temp & more"},
		"whatsapp_in_audio":        {"media": payload.Media{URL: "https://media.example.com/audio/1", Filename: "note.ogg"}},
		"whatsapp_in_document":     {"media": payload.Media{URL: "https://media.example.com/document/1", Caption: "Invoice", Filename: "invoice 7.pdf"}},
		"whatsapp_in_image":        {"media": payload.Media{URL: "https://domin-name.com/your_image_path.png", Caption: "some caption for image"}},
		"whatsapp_in_sticker":      {"media": payload.Media{URL: "https://media.example.com/sticker/1"}},
		"whatsapp_in_video":        {"media": payload.Media{URL: "https://media.example.com/video/1", Caption: "see this", Filename: "clip.mp4"}},
		"whatsapp_in_location":     {"location": place},
		"whatsapp_in_contacts":     {"contacts": []payload.Contact{card}},
		"whatsapp_in_button_reply": {"reply": payload.Reply{ID: "confirm-yes", Title: "Yes, confirm"}},
		"whatsapp_in_list_reply":   {"reply": payload.Reply{ID: "slot-3", Title: "10:30", Description: "Tuesday morning"}},
	}
	for name, event := range fixtures {
		if _, ok := event.(*payload.MessageIn); !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, tests, name)
			m := parse[*payload.MessageIn](t, string(testdata.Fixture(name)))
			require.Equal(t, tests[name], parts(t, m.Message))
			m.Message.Type = "poll"
			require.Empty(t, parts(t, m.Message))
		})
	}
}

func TestContentForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		content payload.Content
		want    map[string]any
	}{
		{"zero", payload.Content{}, map[string]any{}},
		{"text that is empty", content("text", `{"text":""}`), map[string]any{"text": ""}},
		{"text with blanks around", content("text", " {\"text\" : \"a\"}\n"), map[string]any{"text": "a"}},
		{"text that is a number", content("text", `{"text":5}`), map[string]any{}},
		{"text that is null", content("text", `{"text":null}`), map[string]any{}},
		{"text of an unknown form", content("text", `{"body":"a"}`), map[string]any{}},
		{"text that is the payload", content("text", `"a"`), map[string]any{}},
		{"names match exactly", content("text", `{"TEXT":"a"}`), map[string]any{}},
		{"image without URL", content("image", `{"caption":"a","filename":"b"}`), map[string]any{}},
		{"image with an unusual caption", content("image", `{"url":"u","caption":null,"filename":5}`), map[string]any{"media": payload.Media{URL: "u", Filename: "5"}}},
		{"location as text", content("location", `{"longitude":"77.5","latitude":"-12"}`), map[string]any{
			"location": payload.Location{
				Longitude: readValue[payload.Decimal](t, `"77.5"`),
				Latitude:  readValue[payload.Decimal](t, `"-12"`),
			},
		}},
		{"location with an unusual name", content("location", `{"longitude":1,"latitude":2,"name":5,"address":null}`), map[string]any{
			"location": payload.Location{Longitude: decimal(t, "1"), Latitude: decimal(t, "2"), Name: "5"},
		}},
		{"location without latitude", content("location", `{"longitude":1,"Latitude":2,"name":"a"}`), map[string]any{}},
		{"location beyond numbers", content("location", `{"longitude":1,"latitude":1e999999999}`), map[string]any{}},
		{"one card", content("contacts", `{"name":{"formatted_name":"A"}}`), map[string]any{
			"contacts": []payload.Contact{{Name: payload.ContactName{FormattedName: "A"}}},
		}},
		{"cards", content("contacts", `[{"birthday":"1"},{"birthday":"2"}]`), map[string]any{
			"contacts": []payload.Contact{{Birthday: "1"}, {Birthday: "2"}},
		}},
		{"card with unusual members", content("contacts", `[{"name":null,"phones":[{"phone":5,"type":null}, "x"],"org":"Acme","birthday":1990,"emails":{"a" : 1}}]`), map[string]any{
			"contacts": []payload.Contact{{Phones: []payload.ContactPhone{{Phone: payload.PhoneNumber(5)}}, Birthday: "1990", Emails: json.RawMessage(`{"a" : 1}`)}},
		}},
		{"no card", content("contacts", `[]`), map[string]any{}},
		{"cards that are not objects", content("contacts", `["a"]`), map[string]any{}},
		{"cards that are a text", content("contacts", `"a"`), map[string]any{}},
		{"reply directly", content("interactive", `{"id":"1","title":"A"}`), map[string]any{"reply": payload.Reply{ID: "1", Title: "A"}}},
		{"reply inside reply", content("interactive", `{"type":"reply","reply":{"id":5,"title":null,"description":"d"}}`), map[string]any{"reply": payload.Reply{ID: "5", Description: "d"}}},
		{"button of a template", content("button", `{"text":"Yes","payload":"yes-1"}`), map[string]any{"reply": payload.Reply{ID: "yes-1", Title: "Yes"}}},
		{"reply inside payload", content("button", `{"payload":{"id":"1"}}`), map[string]any{"reply": payload.Reply{ID: "1"}}},
		{"reply of an unknown form", content("interactive", `{"description":"a","choice":1}`), map[string]any{}},
		{"reply that is a list", content("interactive", `[{"id":"1"}]`), map[string]any{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, parts(t, tt.content))
		})
	}
}

// Other platforms send the form of Meta under the same types of event: a member with the
// name of the type beside payload, or inside it.
func TestContentOfMeta(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		message string // without its braces
		want    map[string]any
	}{
		{"text", `"type":"text","text":{"body":"hello"}`, map[string]any{"text": "hello"}},
		{"text that is empty", `"type":"text","text":{"body":""}`, map[string]any{"text": ""}},
		{"text directly", `"type":"text","text":"hello"`, map[string]any{"text": "hello"}},
		{"text inside the payload", `"type":"text","payload":{"text":{"body":"hello"}}`, map[string]any{"text": "hello"}},
		{"text in both", `"type":"text","payload":{"text":"a"},"text":{"body":"b"}`, map[string]any{"text": "a"}},
		{"text of another type", `"type":"image","text":{"body":"hello"}`, map[string]any{}},
		{"text of an unknown form", `"type":"text","text":{"content":"hello"}`, map[string]any{}},
		{"image", `"type":"image","image":{"url":"https://m.example/1.jpg","mime_type":"image/jpeg"}`, map[string]any{
			"media": payload.Media{URL: "https://m.example/1.jpg"},
		}},
		{"document by a link", `"type":"document","payload":null,"document":{"link":"https://m.example/1.pdf","filename":"1.pdf","caption":"c"}`, map[string]any{
			"media": payload.Media{URL: "https://m.example/1.pdf", Filename: "1.pdf", Caption: "c"},
		}},
		{"video inside the payload", `"type":"video","payload":{"video":{"url":"u"}}`, map[string]any{"media": payload.Media{URL: "u"}}},
		{"image that has only an id", `"type":"image","image":{"id":"1"}`, map[string]any{}},
		{"location", `"type":"location","location":{"latitude":12.5,"longitude":77.5,"name":"n"}`, map[string]any{
			"location": payload.Location{Longitude: decimal(t, "77.5"), Latitude: decimal(t, "12.5"), Name: "n"},
		}},
		{"contacts", `"type":"contacts","contacts":[{"name":{"formatted_name":"A"},"phones":[{"phone":"+91 90199 55501","wa_id":"919019955501","type":"CELL"}]}]`, map[string]any{
			"contacts": []payload.Contact{{
				Name:   payload.ContactName{FormattedName: "A"},
				Phones: []payload.ContactPhone{{Phone: payload.PhoneString("+91 90199 55501"), WaID: payload.PhoneString("919019955501"), Type: "CELL"}},
			}},
		}},
		{"reply to a button", `"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"1","title":"Yes"}}`, map[string]any{
			"reply": payload.Reply{ID: "1", Title: "Yes"},
		}},
		{"reply to a list", `"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"1","title":"A","description":"d"}}`, map[string]any{
			"reply": payload.Reply{ID: "1", Title: "A", Description: "d"},
		}},
		{"reply inside the payload", `"type":"interactive","payload":{"interactive":{"button_reply":{"id":"1","title":"Yes"}}}`, map[string]any{
			"reply": payload.Reply{ID: "1", Title: "Yes"},
		}},
		{"button of a template", `"type":"button","button":{"payload":"yes-1","text":"Yes"}`, map[string]any{
			"reply": payload.Reply{ID: "yes-1", Title: "Yes"},
		}},
		{"reply of an unknown form", `"type":"interactive","interactive":{"nfm_reply":{"name":"flow"}}`, map[string]any{}},
		{"a member that is no object", `"type":"image","image":"u"`, map[string]any{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := in(`"message":{` + tt.message + `}`)
			m := parse[*payload.MessageIn](t, body)
			require.Equal(t, tt.want, parts(t, m.Message))
			require.JSONEq(t, body, marshal(t, m))
			m.Message.Type = "poll"
			require.Empty(t, parts(t, m.Message))
		})
	}
}

// The number is where the documents have it, else where Meta and others have it.
func TestNumberOfUser(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, members, want string }{
		{"documented", `"recipient":{"from":"1"},"contacts":[{"wa_id":"2"}]`, `"1"`},
		{"as a number", `"recipient":{"from":919019912345}`, `919019912345`},
		{"an id in its place", `"recipient":{"from":"US.13491208655302741918"},"contacts":[{"wa_id":"2"}]`, `"US.13491208655302741918"`},
		{"to of a contact", `"contacts":[{"to":"919000000001","profile":{"name":"A"}},{"to":"2"}]`, `"919000000001"`},
		{"wa_id of a contact", `"contacts":[{"to":"1","wa_id":"919000000001"}]`, `"919000000001"`},
		{"wa_id that is empty", `"contacts":[{"to":"1","wa_id":""}]`, `"1"`},
		{"in the message", `"message":{"from":"919000000001"}`, `"919000000001"`},
		{"null, and in the message", `"recipient":{"from":null},"contacts":[],"message":{"from":"919000000001"}`, `"919000000001"`},
		{"contacts without a number", `"contacts":[{"user_id":"US.1"},{"wa_id":"2"}],"message":{"from_user_id":"US.1"}`, `null`},
		{"contacts of another form", `"contacts":{"wa_id":"1"}`, `null`},
		{"nowhere", `"recipient":{"user":{"user_id":"US.1"}}`, `null`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := parse[*payload.MessageIn](t, in(tt.members))
			require.Equal(t, tt.want, marshal(t, m.From()))
			require.Equal(t, m.From().String(), m.Refs()[2])
		})
	}
	for members, want := range map[string]string{
		`"to":"1","recipient_id":"2"`:        `"1"`,
		`"recipient_id":"919000000001"`:      `"919000000001"`,
		`"contacts":[{"to":"919000000001"}]`: `"919000000001"`,
		`"to":"","contacts":[{"wa_id":"1"}]`: `"1"`,
		`"status":"sent"`:                    `null`,
	} {
		s := parse[*payload.MessageStatus](t, status(members))
		require.Equal(t, want, marshal(t, s.Recipient()), members)
		require.Equal(t, s.Recipient().String(), s.Refs()[2])
	}
	require.Equal(t, "US.1", parse[*payload.MessageIn](t, user(`"user_id":"US.1"`)).Recipient.User.UserID)
}

// A payload that was set by the caller may not be JSON at all.
func TestContentBroken(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		``, ` `, `{`, `{"text`, `{"text":`, `{"text":"`, `[`, `[{`, `]`, `"`, `{"url":"u`, `{"contacts":[`,
		`{"contacts":[{"phones":[`, "\x00", `{"a"}`, `{"\`,
	} {
		for _, kind := range []payload.ContentType{"text", "image", "location", "contacts", "interactive", "button"} {
			require.NotPanics(t, func() {
				c := content(kind, raw)
				c.Text()
				c.Media()
				c.Location()
				c.Contacts()
				c.Reply()
			}, "%s %q", kind, raw)
		}
	}
}

func TestMakeContent(t *testing.T) {
	t.Parallel()
	text := payload.TextContent("a\"<b>\n")
	require.Equal(t, payload.ContentText, text.Type)
	require.Equal(t, `{"text":"a\"<b>\n"}`, string(text.Payload))
	require.Equal(t, map[string]any{"text": "a\"<b>\n"}, parts(t, text))

	video := payload.Media{URL: "https://example.com/?a&b", Caption: "é\t", Filename: `C:\x`}
	c := payload.MediaContent(payload.ContentVideo, video)
	require.Equal(t, payload.ContentVideo, c.Type)
	require.Equal(t, `{"url":"https://example.com/?a&b","caption":"é\t","filename":"C:\\x"}`, string(c.Payload))
	require.Equal(t, map[string]any{"media": video}, parts(t, c))
}

func TestSubject(t *testing.T) {
	t.Parallel()
	order := [][]payload.Status{
		{
			"", "parked", "UNKNOWN", "se nt", "sent\x00", payload.StatusOffline, payload.Status(strings.Repeat("sent", 99)),
			payload.StatusFailed, payload.StatusUndelivered, payload.StatusDeleted,
			payload.StatusExpired, payload.StatusRejected, payload.StatusBlocked, payload.StatusBlacklist, "canceled",
			"EXPIRED", "UNDELIV", "REJECTD", "DELETED",
		},
		{payload.StatusAccepted, payload.StatusQueued, "scheduled", "Queued"},
		{payload.StatusDispatched, "sending"},
		{payload.StatusSent, payload.StatusWarning, "submitted", "Sent", "ENROUTE", "ACCEPTD"},
		{payload.StatusDelivered, "DELIVERED", "DELIVRD", "delivrd"},
		{payload.StatusRead, "seen"},
		{payload.StatusPlayed, "PLAYED"},
	}
	for want, statuses := range order {
		for _, s := range statuses {
			id, rank := payload.MessageStatus{ID: "a418", Status: s}.Subject()
			require.Equal(t, "a418", id)
			require.Equal(t, want, rank, s)
		}
	}
}
