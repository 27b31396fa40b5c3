package payload

import (
	"encoding/json"
	"errors"

	"github.com/ringhook/webhook/internal/field"
)

// A MessageIn is a message that a customer's user wrote.
type MessageIn struct {
	// Event is the type as received. If empty, it is built from the first channel's
	// name, and without one for WhatsApp.
	Event string `json:"-"`

	ID        string    `json:"id" doc:"Id of the notification"`
	Channels  []Channel `json:"channels" doc:"Channels the message came by"`
	Recipient Recipient `json:"recipient" doc:"Who wrote"`
	Message   Content   `json:"message" doc:"What was written"`

	rest, top rest
}

// A Channel is a channel that a message came by, and the business number it was
// written to.
type Channel struct {
	Name ChannelName `json:"name" doc:"Channel: whatsapp, rcs or viber"`
	To   Phone       `json:"to" doc:"Business number"`

	rest rest
}

// A Recipient is the user who wrote the message; the name is the platform's.
type Recipient struct {
	From Phone `json:"from" doc:"User's number with country code"`
	User User  `json:"user" doc:"What is known of the user"`

	rest rest
}

// A User is what the platform knows of a user. Members that older platforms lack are
// not written if unset.
type User struct {
	ID           string          `json:"id" doc:"Id of the user"`
	IdentifierID string          `json:"identifier_id" doc:"Identifier id of the user" absent:"unless the user gave it"`
	SubscriberID string          `json:"subscriber_id" doc:"Subscriber id of the user" absent:"unless the user gave it"`
	Identity     string          `json:"identity" doc:"Identity of the user" absent:"unless the user gave it"`
	Username     string          `json:"username" doc:"User name" absent:"unless the user gave it"`
	FirstName    string          `json:"first_name" doc:"First name of the user" absent:"unless the user gave it"`
	MiddleName   string          `json:"middle_name" doc:"Middle name of the user" absent:"unless the user gave it"`
	LastName     string          `json:"last_name" doc:"Last name of the user" absent:"unless the user gave it"`
	Email        string          `json:"email" doc:"E-mail address of the user" absent:"unless the user gave it"`
	Phone        Phone           `json:"phone" doc:"Phone number of the user"`
	Attributes   json.RawMessage `json:"attributes" doc:"Attributes of the user, of any form" absent:"unless the user gave it"`
	UserInfo     UserInfo        `json:"user_info" doc:"More about the user"`

	rest rest
}

// UserInfo is more about a user. Platforms write the text "null" where they know
// nothing; it stays as it came.
type UserInfo struct {
	Picture string `json:"picture" doc:"Picture of the user"`
	Gender  string `json:"gender" doc:"Gender of the user"`
	Title   string `json:"title" doc:"Title of the user"`

	rest rest
}

// EventType returns Event, or CHANNEL:message:in.
func (m MessageIn) EventType() string {
	var channel ChannelName
	if len(m.Channels) > 0 {
		channel = m.Channels[0].Name
	}
	return eventType(m.Event, channel, kindIn)
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

// UnmarshalJSON reads a body, whatever m was before.
func (m *MessageIn) UnmarshalJSON(b []byte) error { return unmarshal(inEnvelopes, m, b) }

var channels = newObject(
	func(c *Channel) *rest { return &c.rest },
	text(func(c *Channel) (*ChannelName, rest) { return &c.Name, c.rest }),
	scalar("string", func(c *Channel) (*token, rest) { return &c.To.token, c.rest }),
)

var userInfos = newObject(
	func(u *UserInfo) *rest { return &u.rest },
	text(func(u *UserInfo) (*string, rest) { return &u.Picture, u.rest }),
	text(func(u *UserInfo) (*string, rest) { return &u.Gender, u.rest }),
	text(func(u *UserInfo) (*string, rest) { return &u.Title, u.rest }),
)

var users = newObject(
	func(u *User) *rest { return &u.rest },
	text(func(u *User) (*string, rest) { return &u.ID, u.rest }),
	text(func(u *User) (*string, rest) { return &u.IdentifierID, u.rest }).omitUnset(),
	text(func(u *User) (*string, rest) { return &u.SubscriberID, u.rest }).omitUnset(),
	text(func(u *User) (*string, rest) { return &u.Identity, u.rest }).omitUnset(),
	text(func(u *User) (*string, rest) { return &u.Username, u.rest }),
	text(func(u *User) (*string, rest) { return &u.FirstName, u.rest }),
	text(func(u *User) (*string, rest) { return &u.MiddleName, u.rest }).omitUnset(),
	text(func(u *User) (*string, rest) { return &u.LastName, u.rest }),
	text(func(u *User) (*string, rest) { return &u.Email, u.rest }),
	scalar("string", func(u *User) (*token, rest) { return &u.Phone.token, u.rest }),
	raw(func(u *User) *json.RawMessage { return &u.Attributes }).omitUnset(),
	nested(userInfos, func(u *User) *UserInfo { return &u.UserInfo }),
)

var recipients = newObject(
	func(r *Recipient) *rest { return &r.rest },
	scalar("string", func(r *Recipient) (*token, rest) { return &r.From.token, r.rest }),
	nested(users, func(r *Recipient) *User { return &r.User }),
)

var contents = newObject(
	func(c *Content) *rest { return &c.rest },
	text(func(c *Content) (*ContentType, rest) { return &c.Type, c.rest }),
	raw(func(c *Content) *json.RawMessage { return &c.Payload }),
	text(func(c *Content) (*string, rest) { return &c.ID, c.rest }).omitUnset(),
	scalar("string", func(c *Content) (*token, rest) { return &c.Timestamp.token, c.rest }).omitUnset(),
)

var ins = newObject(
	func(m *MessageIn) *rest { return &m.rest },
	text(func(m *MessageIn) (*string, rest) { return &m.ID, m.rest }),
	objects(channels, func(m *MessageIn) *[]Channel { return &m.Channels }),
	nested(recipients, func(m *MessageIn) *Recipient { return &m.Recipient }),
	nested(contents, func(m *MessageIn) *Content { return &m.Message }),
)

var inEnvelopes = newEnvelope(ins,
	func(m *MessageIn) *rest { return &m.top },
	func(m *MessageIn) *string { return &m.Event },
	MessageIn.EventType)

func init() { field.Register(inEnvelopes.typ, inEnvelopes.appendJSON) }
