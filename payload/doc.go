// Package payload has the events that telephony and WhatsApp platforms report to their
// customers' webhooks, to send and to receive.
//
//	event, err := payload.Parse(body)
//	switch e := event.(type) {
//	case *payload.MessageStatus:
//		log.Println(e.ID, e.Status)
//	case *payload.CallReport:
//		...
//	}
//
// [encoding/json.Marshal] writes the documented body of each type and
// [encoding/json.Unmarshal] reads it back. Nothing a platform sent is lost on the way:
// members that a type does not know, at every level, and members that came in an
// unusual form (a number for a string, null, a text that is no time) are written again
// as they came, unless the field was changed. Documented members are written in the
// documented order, others behind them. Names match exactly, where encoding/json alone
// would take STATUS for status; of several members with one name the last counts.
//
// No id, phone number or amount passes through a float64. Values whose wire form varies
// are kept as the token they came as, in the types [Phone], [Int], [Seconds], [Decimal]
// and [Time]; their accessors return false where there is no such value, so that one
// bad optional member makes neither the event unreadable nor a wrong value.
//
// The types are plain values. They may be copied, and read by several goroutines at once;
// as with any struct, a copy shares the elements of lists and the bytes of raw JSON. The
// package imports nothing of the sending side, so that a receiver does not link it.
package payload

// An Event is one of the types of this package: a *[CallReport], *[CDR],
// *[MessageStatus] or *[MessageIn] from [Parse].
type Event interface {
	// EventType is the name under which the event is reported, such as
	// "whatsapp:message:status".
	EventType() string
}
