// Package payload has the events that telephony and WhatsApp platforms report to their
// customers' webhooks, for senders and for receivers.
//
//	event, err := payload.Parse(body)
//	switch e := event.(type) {
//	case *payload.MessageStatus:
//		log.Println(e.ID, e.Status)
//	case *payload.CallReport:
//		...
//	default: // a *payload.Other, perhaps: nothing to be done, and no error
//	}
//
// A JSON object that is none of this package's types is an [Other], which keeps it as it
// is, with its type, if it names one. [ParseAs] reads an event whose type is known.
//
// [encoding/json.Marshal] writes the documented body of each type and
// [encoding/json.Unmarshal] reads it back. Members that a type does not know, at every
// level, and members in an unusual form (a number for a string, null, a text that is not
// a time) are written again as they came, unless the field was changed. Documented
// members are written in the documented order, others after them. Names match exactly,
// where encoding/json alone would read STATUS as status.
//
// Members of one's own are set by the methods named With. A struct that embeds one of the
// types and has more fields would be written without those, since its MarshalJSON is that
// of the type: package webhook refuses such an event.
//
// What is not kept: the order of documented members, and blanks; how a text is escaped; of
// several members with one name all but the last; bytes that are not UTF-8 and halves of a
// surrogate pair, which become U+FFFD, also in ids; and that a bare event such as a call
// report came in an envelope. An Other keeps all of it.
//
// No id, phone number or amount passes through a float64. Values whose JSON form varies
// are kept as the token that was read, in the types [Phone], [Int], [Seconds],
// [Decimal] and [Time]. Their accessors return false if there is no such value, so that
// one bad optional member neither makes the event unreadable nor becomes a wrong value.
// What was made in Go, or read in another event, is written in the form that is documented
// for the field: a number in one event is a string in another.
//
// The types are plain values. They may be copied, and read by several goroutines at once.
// As with any struct, a copy shares the elements of lists and the bytes of raw JSON. The
// package imports nothing of the sending side, so that a receiver does not link it.
package payload

// An Event is one of the types of this package: a *[CallReport], *[CDR],
// *[MessageStatus], *[MessageIn], *[SMSStatus], *[Unsubscription], *[WebhookState] or *[Other]
// from [Parse].
type Event interface {
	// EventType returns the type that the event is reported as, such as
	// "whatsapp:message:status".
	EventType() string
}
