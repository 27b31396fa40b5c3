package payload

import (
	"encoding/json"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// Content is the content of a message. Payload is kept as it came, whatever Type is,
// and the methods read it: each returns false if the content is of another type or of
// an unknown form. Only text and image are documented for inbound messages; the other
// forms are those that the platform documents for sending. Where there is no such payload,
// the methods read the form of Meta, which other platforms send under the same types of
// event: a member with the name of the type, such as "text":{"body":"hello"}, beside Payload
// or inside it.
type Content struct {
	Type    ContentType     `json:"type" doc:"Type of the message: text, image, ..."`
	Payload json.RawMessage `json:"payload" doc:"The message itself, by type: text; url, caption, filename; latitude, longitude; ..."`
	// ID and Timestamp exist since 2024. They are not written if unset.
	ID        string `json:"id" doc:"Id of the message"`
	Timestamp Time   `json:"timestamp" doc:"Time of the message"`

	extra extra
}

// ContentType is the type of a message. A type that is not listed here stays as it came.
type ContentType string

// The types of messages.
const (
	ContentText        ContentType = "text"
	ContentImage       ContentType = "image"
	ContentVideo       ContentType = "video"
	ContentAudio       ContentType = "audio"
	ContentDocument    ContentType = "document"
	ContentSticker     ContentType = "sticker"
	ContentLocation    ContentType = "location"
	ContentContacts    ContentType = "contacts"
	ContentInteractive ContentType = "interactive" // the reply to a list or a button
	ContentButton      ContentType = "button"      // the reply to a quick reply button
)

// Media is an image, video, audio, document or sticker.
type Media struct {
	URL      string `json:"url"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
}

// A Location is a place on the map.
type Location struct {
	Longitude Decimal `json:"longitude"`
	Latitude  Decimal `json:"latitude"`
	Name      string  `json:"name"`
	Address   string  `json:"address"`
}

// A Contact is a card of an address book.
type Contact struct {
	Name      ContactName     `json:"name"`
	Phones    []ContactPhone  `json:"phones"`
	Emails    json.RawMessage `json:"emails"`    // as it came
	Addresses json.RawMessage `json:"addresses"` // as it came
	URLs      json.RawMessage `json:"urls"`      // as it came
	Org       ContactOrg      `json:"org"`
	Birthday  string          `json:"birthday"`
}

// A ContactName is the name on a [Contact].
type ContactName struct {
	FirstName     string `json:"first_name"`
	LastName      string `json:"last_name"`
	FormattedName string `json:"formatted_name"`
}

// A ContactPhone is a phone number on a [Contact].
type ContactPhone struct {
	Phone Phone  `json:"phone"`
	WaID  Phone  `json:"wa_id"` // the number in WhatsApp, digits alone; absent if it is not there
	Type  string `json:"type"`
}

// A ContactOrg is the company of a [Contact], and the person's place in it.
type ContactOrg struct {
	Company    string `json:"company"`
	Department string `json:"department"`
	Title      string `json:"title"`
}

// A Reply is what a user chose from buttons or a list.
type Reply struct {
	ID          string // of the choice, as its sender named it
	Title       string // as the user saw it
	Description string // of a list's row
}

// TextContent returns the content of a text message.
func TextContent(s string) Content {
	return Content{Type: ContentText, Payload: rawjson.AppendString([]byte(`{"text":`), s)}.closed()
}

// MediaContent returns the content of an image, video, audio, document or sticker.
func MediaContent(t ContentType, m Media) Content {
	p := rawjson.AppendString([]byte(`{"url":`), m.URL)
	p = rawjson.AppendString(append(p, `,"caption":`...), m.Caption)
	p = rawjson.AppendString(append(p, `,"filename":`...), m.Filename)
	return Content{Type: t, Payload: p}.closed()
}

func (c Content) closed() Content {
	c.Payload = append(c.Payload, '}')
	return c
}

// Text returns the text of a text message.
func (c Content) Text() (string, bool) {
	if c.Type != ContentText {
		return "", false
	}
	for _, raw := range []string{find(c.raw(), "text"), c.beside()} {
		if rawjson.KindOf(raw) == rawjson.Object {
			raw = find(raw, "body")
		}
		if v := field.FromJSON(raw); v.Kind == rawjson.String {
			return v.Text, true
		}
	}
	return "", false
}

// Media returns the file of an image, video, audio, document or sticker message. A file
// that has only an id, to ask the platform for, is none.
func (c Content) Media() (Media, bool) {
	switch c.Type {
	case ContentImage, ContentVideo, ContentAudio, ContentDocument, ContentSticker:
		for _, raw := range c.bodies() {
			if url := findText(raw, "url", "link"); url != "" {
				return Media{URL: url, Caption: findText(raw, "caption"), Filename: findText(raw, "filename")}, true
			}
		}
	}
	return Media{}, false
}

// Location returns the place of a location message.
func (c Content) Location() (Location, bool) {
	if c.Type != ContentLocation {
		return Location{}, false
	}
	for _, raw := range c.bodies() {
		long, lat := Decimal{token{find(raw, "longitude")}}, Decimal{token{find(raw, "latitude")}}
		_, okLong := long.Rat()
		_, okLat := lat.Rat()
		if okLong && okLat {
			return Location{
				Longitude: long, Latitude: lat,
				Name: findText(raw, "name"), Address: findText(raw, "address"),
			}, true
		}
	}
	return Location{}, false
}

// Contacts returns the cards of a contacts message: its payload is a card, a list of
// them, or has a member contacts.
func (c Content) Contacts() ([]Contact, bool) {
	if c.Type != ContentContacts {
		return nil, false
	}
	raw, ok := rawjson.Find(c.raw(), "contacts")
	if !ok {
		if raw = c.raw(); rawjson.KindOf(raw) <= rawjson.Null {
			raw = c.beside()
		}
	}
	if rawjson.KindOf(raw) == rawjson.Object {
		return []Contact{readContact(raw)}, true
	}
	l := readObjects(raw, readContact)
	return l, len(l) > 0
}

func readContact(raw string) Contact {
	name, org := find(raw, "name"), find(raw, "org")
	return Contact{
		Name: ContactName{
			findText(name, "first_name"), findText(name, "last_name"), findText(name, "formatted_name"),
		},
		Phones:    readObjects(find(raw, "phones"), readContactPhone),
		Emails:    findRaw(raw, "emails"),
		Addresses: findRaw(raw, "addresses"),
		URLs:      findRaw(raw, "urls"),
		Org:       ContactOrg{findText(org, "company"), findText(org, "department"), findText(org, "title")},
		Birthday:  findText(raw, "birthday"),
	}
}

func readContactPhone(raw string) ContactPhone {
	return ContactPhone{Phone{token{find(raw, "phone")}}, Phone{token{find(raw, "wa_id")}}, findText(raw, "type")}
}

// Reply returns what a user chose. The platform does not document the form. Reply
// understands an id and a title directly in the payload, or in its member button_reply,
// list_reply, reply or payload, and the text and payload of a template's button.
func (c Content) Reply() (Reply, bool) {
	if c.Type != ContentInteractive && c.Type != ContentButton {
		return Reply{}, false
	}
	for _, raw := range c.bodies() {
		for _, name := range []string{"button_reply", "list_reply", "reply", "payload"} {
			if inner := find(raw, name); rawjson.KindOf(inner) == rawjson.Object {
				raw = inner
				break
			}
		}
		id, title := findText(raw, "id", "payload"), findText(raw, "title", "text")
		if id != "" || title != "" {
			return Reply{ID: id, Title: title, Description: findText(raw, "description")}, true
		}
	}
	return Reply{}, false
}

func (c Content) raw() string { return rawjson.Trim(string(c.Payload)) }

// beside returns the member that has the name of the type, as in Meta's form.
func (c Content) beside() string {
	raw, _ := c.extra.find(string(c.Type))
	return raw
}

// bodies returns what may have the members of the content.
func (c Content) bodies() [3]string {
	return [3]string{c.raw(), find(c.raw(), string(c.Type)), c.beside()}
}

// The functions below read JSON whose form is not certain. A member that is missing or
// of another form is read as empty, and the others are read all the same.

// find returns the JSON of an object's member, or the empty text.
func find(object, name string) string {
	raw, _ := rawjson.Find(object, name)
	return raw
}

func findRaw(object, name string) json.RawMessage {
	if raw := find(object, name); raw != "" {
		return json.RawMessage(raw)
	}
	return nil
}

// findText returns the text of the first of the members that has one.
func findText(object string, names ...string) string {
	for _, name := range names {
		if v := field.FromJSON(find(object, name)); !v.Empty() && !v.Composite() {
			return v.Text
		}
	}
	return ""
}

// readObjects reads the objects of a list.
func readObjects[T any](list string, read func(raw string) T) (l []T) {
	if rawjson.KindOf(list) != rawjson.List {
		return nil
	}
	for it := rawjson.Walk(list); it.Next(); {
		if rawjson.KindOf(it.Value()) == rawjson.Object {
			l = append(l, read(it.Value()))
		}
	}
	return l
}
