package payload

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/ringhook/webhook/internal/field"
)

// A MessageIn is a message that a customer's user wrote.
type MessageIn struct {
	// Event is the type as received. If empty, the type is built from the name of the
	// first channel; if that is empty, too, from whatsapp.
	Event string `json:"-"`

	ID        string    `json:"id" doc:"Id of the notification"`
	Channels  []Channel `json:"channels" doc:"Channels of the message"`
	Recipient Recipient `json:"recipient" doc:"User who wrote the message"`
	Message   Content   `json:"message" doc:"Content of the message"`

	extra, envelopeExtra extra
}

// A Channel is the channel of a message, and the business number it was sent to.
type Channel struct {
	Name ChannelName `json:"name" doc:"Channel: whatsapp, rcs, viber or vmn"`
	To   Phone       `json:"to" doc:"Business number"`

	extra extra
}

// A Recipient is the user who wrote the message; the name is the platform's.
type Recipient struct {
	// From is absent, or an id such as US.13491208655302741918, if the user does not show
	// the number to businesses. Then its Digits are none, and User.UserID tells users apart.
	From Phone `json:"from" doc:"User's number with country code"`
	User User  `json:"user" doc:"What is known of the user"`

	extra extra
}

// A User is what the platform knows of a user. Members that older platforms lack are
// not written if unset.
type User struct {
	ID           string `json:"id" doc:"Id of the user"`
	IdentifierID string `json:"identifier_id" doc:"Identifier id of the user" absent:"unless the user gave it"`
	SubscriberID string `json:"subscriber_id" doc:"Subscriber id of the user" absent:"unless the user gave it"`
	Identity     string `json:"identity" doc:"Identity of the user" absent:"unless the user gave it"`
	Username     string `json:"username" doc:"User name" absent:"unless the user gave it"`
	// UserID is the id that WhatsApp gives a user for one business, also where there is no
	// number. It is not written if unset.
	UserID     string          `json:"user_id" doc:"Id of the user for this business, also without a number" absent:"unless the platform sends it"`
	FirstName  string          `json:"first_name" doc:"First name of the user" absent:"unless the user gave it"`
	MiddleName string          `json:"middle_name" doc:"Middle name of the user" absent:"unless the user gave it"`
	LastName   string          `json:"last_name" doc:"Last name of the user" absent:"unless the user gave it"`
	Email      string          `json:"email" doc:"E-mail address of the user" absent:"unless the user gave it"`
	Phone      Phone           `json:"phone" doc:"Phone number of the user"`
	Attributes json.RawMessage `json:"attributes" doc:"Attributes of the user, of any form" absent:"unless the user gave it"`
	UserInfo   UserInfo        `json:"user_info" doc:"More about the user"`

	extra extra
}

// UserInfo has more about a user. Platforms write the text "null" for what they do not
// know; it stays as it came.
type UserInfo struct {
	Picture string `json:"picture" doc:"Picture of the user"`
	Gender  string `json:"gender" doc:"Gender of the user"`
	Title   string `json:"title" doc:"Title of the user"`

	extra extra
}

// EventType returns Event, or CHANNEL:message:in.
func (m MessageIn) EventType() string {
	var channel ChannelName
	if len(m.Channels) > 0 {
		channel = m.Channels[0].Name
	}
	return eventType(m.Event, channel, kindIn)
}

// From returns the number that the message came from: that of Recipient or, where there is
// none, what Meta's form and others have in its place, the wa_id or to of the first of the
// contacts, or from in the message.
func (m MessageIn) From() Phone {
	if !m.Recipient.From.value().Empty() {
		return m.Recipient.From
	}
	raw, _ := m.extra.find("contacts")
	if p, ok := contactOf(raw); ok {
		return p
	}
	raw, _ = m.Message.extra.find("from")
	return Phone{token{raw}}
}

// contactOf returns the number of the first contact of a list.
func contactOf(list string) (Phone, bool) {
	numbers := readObjects(list, func(raw string) Phone {
		for _, name := range []string{"wa_id", "to"} {
			if findText(raw, name) != "" {
				return Phone{token{find(raw, name)}}
			}
		}
		return Phone{}
	})
	if len(numbers) == 0 {
		return Phone{}, false
	}
	return numbers[0], !numbers[0].IsZero()
}

// MarshalJSON writes the documented body: {"event","payload"}. It is an error if
// Message.Payload or Attributes were set to something that is not JSON.
func (m MessageIn) MarshalJSON() ([]byte, error) {
	if p := m.Message.Payload; len(p) > 0 && !json.Valid(p) {
		return nil, errors.New("payload: message.payload is not JSON")
	}
	if a := m.Recipient.User.Attributes; len(a) > 0 && !json.Valid(a) {
		return nil, errors.New("payload: recipient.user.attributes is not JSON")
	}
	return inEnvelopes.appendJSON(nil, &m), nil
}

// UnmarshalJSON reads a body and overwrites all of m.
func (m *MessageIn) UnmarshalJSON(b []byte) error { return unmarshal(inEnvelopes, m, b) }

var channels = newObject(
	func(c *Channel) *extra { return &c.extra },
	text(func(c *Channel) (*ChannelName, extra) { return &c.Name, c.extra }),
	scalar(phoneText, func(c *Channel) (*Phone, extra) { return &c.To, c.extra }),
)

var userInfos = newObject(
	func(u *UserInfo) *extra { return &u.extra },
	text(func(u *UserInfo) (*string, extra) { return &u.Picture, u.extra }),
	text(func(u *UserInfo) (*string, extra) { return &u.Gender, u.extra }),
	text(func(u *UserInfo) (*string, extra) { return &u.Title, u.extra }),
)

var users = newObject(
	func(u *User) *extra { return &u.extra },
	text(func(u *User) (*string, extra) { return &u.ID, u.extra }),
	text(func(u *User) (*string, extra) { return &u.IdentifierID, u.extra }).omitUnset(),
	text(func(u *User) (*string, extra) { return &u.SubscriberID, u.extra }).omitUnset(),
	text(func(u *User) (*string, extra) { return &u.Identity, u.extra }).omitUnset(),
	text(func(u *User) (*string, extra) { return &u.Username, u.extra }),
	text(func(u *User) (*string, extra) { return &u.UserID, u.extra }).omitUnset(),
	text(func(u *User) (*string, extra) { return &u.FirstName, u.extra }),
	text(func(u *User) (*string, extra) { return &u.MiddleName, u.extra }).omitUnset(),
	text(func(u *User) (*string, extra) { return &u.LastName, u.extra }),
	text(func(u *User) (*string, extra) { return &u.Email, u.extra }),
	scalar(phoneText, func(u *User) (*Phone, extra) { return &u.Phone, u.extra }),
	raw(func(u *User) *json.RawMessage { return &u.Attributes }).omitUnset(),
	nested(userInfos, func(u *User) *UserInfo { return &u.UserInfo }),
)

var recipients = newObject(
	func(r *Recipient) *extra { return &r.extra },
	scalar(phoneText, func(r *Recipient) (*Phone, extra) { return &r.From, r.extra }),
	nested(users, func(r *Recipient) *User { return &r.User }),
)

var contents = newObject(
	func(c *Content) *extra { return &c.extra },
	text(func(c *Content) (*ContentType, extra) { return &c.Type, c.extra }),
	raw(func(c *Content) *json.RawMessage { return &c.Payload }),
	text(func(c *Content) (*string, extra) { return &c.ID, c.extra }).omitUnset(),
	scalar(instant, func(c *Content) (*Time, extra) { return &c.Timestamp, c.extra }).omitUnset(),
)

var ins = newObject(
	func(m *MessageIn) *extra { return &m.extra },
	text(func(m *MessageIn) (*string, extra) { return &m.ID, m.extra }),
	objects(channels, func(m *MessageIn) *[]Channel { return &m.Channels }),
	nested(recipients, func(m *MessageIn) *Recipient { return &m.Recipient }),
	nested(contents, func(m *MessageIn) *Content { return &m.Message }),
).
	derive("from", "recipient.from", "User's number with country code", func(m *MessageIn, v field.Value) field.Value {
		if v.Empty() {
			return m.From().value()
		}
		return v
	}).
	derive("to", "channels.0.to", "Business number", nil).
	derive("text", "message.payload.text", "Text of the message", func(m *MessageIn, v field.Value) field.Value {
		if text, ok := m.Message.Text(); ok {
			return field.Text(text)
		}
		return v
	}).
	derive("timestamp", "message.timestamp", "Time of the message", nil).
	derive("caller.name", "", "First and last name of the user", func(m *MessageIn, _ field.Value) field.Value {
		u := m.Recipient.User
		return field.Text(strings.TrimSpace(u.FirstName + " " + u.LastName))
	}).
	derive("caller.email", "", "E-mail address of the user", func(m *MessageIn, _ field.Value) field.Value {
		return field.Text(m.Recipient.User.Email)
	}).
	derive("keyword1", "", "First word of the text", keyword(0)).
	derive("keyword2", "", "Second word of the text", keyword(1))

// keyword returns the function that reads the nth word of a message's text.
func keyword(n int) func(*MessageIn, field.Value) field.Value {
	return func(m *MessageIn, _ field.Value) field.Value {
		text, _ := m.Message.Text()
		before := n
		for word := range strings.FieldsSeq(text) {
			if before == 0 {
				return field.Text(word)
			}
			before--
		}
		return field.Null
	}
}

var inEnvelopes = newEnvelope(ins,
	func(m *MessageIn) *extra { return &m.envelopeExtra },
	func(m *MessageIn) *string { return &m.Event },
	MessageIn.EventType)

func init() { field.Register(inEnvelopes.typ, inEnvelopes.appendJSON) }
