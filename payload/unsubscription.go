package payload

import (
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// EventUnsubscription is the event type of an [Unsubscription] of an unknown channel.
const EventUnsubscription = "unsubscription"

// kindUnsubscription is the end of the types of unsubscriptions, before which the channel
// comes.
const kindUnsubscription = ":" + EventUnsubscription

// An Unsubscription tells that somebody does not want to hear from a customer any more.
//
// All channels send it in one form, without an envelope, so that the body does not say of
// which channel it is: [Parse] leaves Event and Channel empty. A receiver that gets the
// type elsewhere, as in a header, reads it with [ParseAs].
type Unsubscription struct {
	// Event is the type as received, such as sms:unsubscription. If empty, the type is
	// built from Channel; if that is empty, too, it is EventUnsubscription.
	Event string `json:"-"`
	// Channel is sms, whatsapp, rcs, voice or viber; the body does not have it.
	Channel ChannelName `json:"-"`

	// ID is a number of some channels. It is written as a text, unless it was read.
	ID        string             `json:"id" doc:"Id of the unsubscription"`
	Receiver  Phone              `json:"receiver" doc:"Number that wants nothing more, with country code"`
	Type      UnsubscriptionType `json:"type" doc:"What it wants nothing more of: all, a category or a sender"`
	Value     string             `json:"value" doc:"The category or the sender" absent:"if nothing at all is wanted"`
	CreatedAt Time               `json:"created_at" doc:"Time of the unsubscription"`
	Status    string             `json:"status" doc:"What the platform did, in words"`

	extra extra
}

// UnsubscriptionType is how much an [Unsubscription] is about. A type that is not listed
// here stays as it came.
type UnsubscriptionType string

// The types of unsubscriptions.
const (
	UnsubscriptionAll      UnsubscriptionType = "all"
	UnsubscriptionCategory UnsubscriptionType = "category"
	UnsubscriptionSender   UnsubscriptionType = "sender"
)

// EventType returns Event, or CHANNEL:unsubscription.
func (u Unsubscription) EventType() string {
	if u.Event == "" && u.Channel == "" {
		return EventUnsubscription
	}
	return eventType(u.Event, u.Channel, kindUnsubscription)
}

// MarshalJSON writes the documented body.
func (u Unsubscription) MarshalJSON() ([]byte, error) {
	return unsubscriptions.appendJSON(nil, &u), nil
}

// UnmarshalJSON reads a body and overwrites all of u.
func (u *Unsubscription) UnmarshalJSON(b []byte) error { return unmarshal(unsubscriptions, u, b) }

var unsubscriptions = newObject(
	func(u *Unsubscription) *extra { return &u.extra },
	text(func(u *Unsubscription) (*string, extra) { return &u.ID, u.extra }),
	scalar(phoneText, func(u *Unsubscription) (*Phone, extra) { return &u.Receiver, u.extra }),
	text(func(u *Unsubscription) (*UnsubscriptionType, extra) { return &u.Type, u.extra }),
	text(func(u *Unsubscription) (*string, extra) { return &u.Value, u.extra }),
	scalar(instant, func(u *Unsubscription) (*Time, extra) { return &u.CreatedAt, u.extra }),
	text(func(u *Unsubscription) (*string, extra) { return &u.Status, u.extra }),
)

func init() { field.Register(unsubscriptions.typ, unsubscriptions.appendJSON) }

// isUnsubscription reports whether an object is an Unsubscription. Payments have members
// of these names, too, so that what they say counts.
func isUnsubscription(raw string) bool {
	has := func(name string) bool { _, ok := rawjson.Find(raw, name); return ok }
	switch {
	case !has("receiver") || !has("value"):
		return false
	case strings.Contains(strings.ToLower(findText(raw, "status")), "unsubscri"):
		return true
	}
	switch UnsubscriptionType(findText(raw, "type")) {
	case UnsubscriptionAll, UnsubscriptionCategory, UnsubscriptionSender:
		return true
	}
	return false
}
