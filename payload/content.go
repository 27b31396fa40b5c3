package payload

import (
	"cmp"
	"encoding/json"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// Content is what was written. Payload is kept as it came, whatever Type says, and the methods read it: each returns false
// if the content is of another type, or of an unknown form. Only text and image are documented for inbound messages; the
// other forms are those that the platform documents for sending.
type Content struct {
	Type    ContentType     `json:"type" doc:"Type of the message: text, image, ..."`
	Payload json.RawMessage `json:"payload" doc:"The message itself, by type: text; url, caption, filename; latitude, longitude; ..."`
	// ID and Timestamp came in 2024; they are not written if unset.
	ID        string `json:"id" doc:"Id of the message"`
	Timestamp Time   `json:"timestamp" doc:"Time of the message"`

	rest rest
}

// ContentType tells what a message is. A type that is not listed here stays as it came.
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
	ContentButton      ContentType = "button"      // the reply to a template's quick reply button
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
	Type  string `json:"type"`
}

// A ContactOrg is where a [Contact] works.
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

// TextContent makes the content of a text message.
func TextContent(s string) Content {
	return Content{Type: ContentText, Payload: rawjson.AppendString([]byte(`{"text":`), s)}.closed()
}

// MediaContent makes the content of an image, video, audio, document or sticker.
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
	v := c.payload().Walk([]string{"text"})
	if c.Type != ContentText || v.Kind != rawjson.String {
		return "", false
	}
	return v.Text, true
}

// Media returns what an image, video, audio, document or sticker message points to.
func (c Content) Media() (Media, bool) {
	switch c.Type {
	case ContentImage, ContentVideo, ContentAudio, ContentDocument, ContentSticker:
		p := c.payload()
		m := Media{URL: textOf(p, "url"), Caption: textOf(p, "caption"), Filename: textOf(p, "filename")}
		return m, m.URL != ""
	}
	return Media{}, false
}

// Location returns the place of a location message.
func (c Content) Location() (Location, bool) {
	if c.Type != ContentLocation {
		return Location{}, false
	}
	p := c.payload()
	l := Location{
		Longitude: Decimal{tokenOf(p, "longitude")},
		Latitude:  Decimal{tokenOf(p, "latitude")},
		Name:      textOf(p, "name"),
		Address:   textOf(p, "address"),
	}
	_, long := l.Longitude.Rat()
	_, lat := l.Latitude.Rat()
	return l, long && lat
}

// Contacts returns the cards of a contacts message: its payload is a card, a list of them, or has a member contacts.
func (c Content) Contacts() ([]Contact, bool) {
	if c.Type != ContentContacts {
		return nil, false
	}
	p := c.payload()
	if inner := p.Walk([]string{"contacts"}); inner.Composite() {
		p = inner
	}
	if p.Kind == rawjson.Object {
		return []Contact{contactOf(p)}, true
	}
	var l []Contact
	for it := rawjson.Walk(p.Text); p.Kind == rawjson.List && it.Next(); {
		l = append(l, contactOf(field.FromJSON(it.Value())))
	}
	return l, len(l) > 0
}

// contactOf reads a card by hand, and not with encoding/json, so that one odd member does not hide the others.
func contactOf(v field.Value) Contact {
	c := Contact{
		Name: ContactName{
			FirstName:     textOf(v, "name", "first_name"),
			LastName:      textOf(v, "name", "last_name"),
			FormattedName: textOf(v, "name", "formatted_name"),
		},
		Emails:    rawOf(v, "emails"),
		Addresses: rawOf(v, "addresses"),
		URLs:      rawOf(v, "urls"),
		Org: ContactOrg{
			Company:    textOf(v, "org", "company"),
			Department: textOf(v, "org", "department"),
			Title:      textOf(v, "org", "title"),
		},
		Birthday: textOf(v, "birthday"),
	}
	phones := v.Walk([]string{"phones"})
	for it := rawjson.Walk(phones.Text); phones.Kind == rawjson.List && it.Next(); {
		p := field.FromJSON(it.Value())
		c.Phones = append(c.Phones, ContactPhone{Phone: Phone{tokenOf(p, "phone")}, Type: textOf(p, "type")})
	}
	return c
}

// Reply returns what a user chose. No platform documents the form; understood are an id and a title directly in the payload,
// or in its member button_reply, list_reply, reply or payload, and the text and payload of a template's button.
func (c Content) Reply() (Reply, bool) {
	if c.Type != ContentInteractive && c.Type != ContentButton {
		return Reply{}, false
	}
	v := c.payload()
	for _, name := range []string{"button_reply", "list_reply", "reply", "payload"} {
		if inner := v.Walk([]string{name}); inner.Kind == rawjson.Object {
			v = inner
			break
		}
	}
	r := Reply{
		ID:          cmp.Or(textOf(v, "id"), textOf(v, "payload")),
		Title:       cmp.Or(textOf(v, "title"), textOf(v, "text")),
		Description: textOf(v, "description"),
	}
	return r, r.ID != "" || r.Title != ""
}

// payload is the payload for reading; what is no JSON is no value.
func (c Content) payload() field.Value {
	if !json.Valid(c.Payload) {
		return field.Value{}
	}
	return field.FromJSON(rawjson.Trim(string(c.Payload)))
}

// textOf is the text at a path; objects and lists are no text.
func textOf(v field.Value, path ...string) string {
	if v = v.Walk(path); v.Composite() {
		return ""
	}
	return v.String()
}

// tokenOf is the member as it came.
func tokenOf(v field.Value, name string) token { return token{string(rawOf(v, name))} }

func rawOf(v field.Value, name string) json.RawMessage {
	if v.Kind != rawjson.Object {
		return nil
	}
	raw, ok := rawjson.Find(v.Text, name)
	if !ok {
		return nil
	}
	return json.RawMessage(raw)
}
