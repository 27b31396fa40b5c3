package payload

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// Parse reads the body of a webhook and determines its type: by the name in its member
// event or, if it has none, by members that only one type has. An event that is none of
// this package's is an [*Other], whose Type is that name or [EventUnknown]; so is one that
// is, but has a payload which is null or something else than an object, and a message
// without one, since a receiver that refused it would only get it again.
//
// The error is [ErrSyntax] where the body is not JSON. It is another one for JSON that
// is no object. It says what is there, and never quotes a value. A byte order mark before
// the JSON is passed over.
//
// A form, which a webhook may send in place of JSON, is not read: net/http's ParseForm
// has its fields, each a text, with names such as status or payload[status].
func Parse(body []byte) (Event, error) {
	text, err := readBody(body)
	if err != nil {
		return nil, err
	}
	raw := rawjson.Trim(text)
	if kind := rawjson.KindOf(raw); kind != rawjson.Object {
		return nil, noObject(kind)
	}
	if name := eventName(raw); name != "" {
		return parseNamed(name, raw, text)
	}
	if b := tellBare(raw); b != nil {
		return b.read(raw, "", "")
	}
	return &Other{EventUnknown, []byte(text)}, nil
}

// ParseAs reads the JSON form of an event whose type is known, as one that was stored,
// or whose type came in a header. Of a type that is none of this package's it is an
// [*Other], for which any JSON will do. The error is as of [Parse], also for an event
// that names another type, and for no type.
func ParseAs(eventType string, body []byte) (Event, error) {
	text, err := readBody(body)
	if err != nil {
		return nil, err
	}
	if eventType == "" {
		return nil, errNoType
	}
	raw := rawjson.Trim(text)
	kind, bare, name := rawjson.KindOf(raw), bareOf(eventType), eventName(raw)
	switch {
	case bare == nil && !hasEnvelope(eventType):
		return &Other{eventType, []byte(text)}, nil
	case kind != rawjson.Object:
		return nil, noObject(kind)
	case name == "" || name == eventType:
	case bare == nil, rawjson.KindOf(find(raw, "payload")) == rawjson.Object: // a bare event may have a member event of its own
		return nil, errAnotherType
	}
	e, err := parseNamed(eventType, raw, text)
	if err == nil && e.EventType() != eventType {
		return nil, errAnotherType
	}
	return e, err
}

// parseNamed reads an event of a type that has a name. Of a type of this package, its
// members stand in a payload or, if it is bare and has none, beside the name. If there is
// something else in the payload, the event is read only if its members tell the type.
func parseNamed(name, raw, text string) (Event, error) {
	inner, bare := find(raw, "payload"), bareOf(name)
	enveloped := rawjson.KindOf(inner) == rawjson.Object
	switch {
	case bare == nil:
	case enveloped && tellBare(inner) == bare:
		return bare.read(inner, raw, name)
	case inner == "", tellBare(raw) == bare:
		return bare.read(raw, "", name)
	case enveloped && !hasEnvelope(name):
		return bare.read(inner, raw, name)
	}
	switch {
	case !enveloped:
	case strings.HasSuffix(name, kindStatus):
		s := new(MessageStatus)
		e, err := finish(statusEnvelopes, s, raw)
		s.Event = name
		return e, err
	case strings.HasSuffix(name, kindIn):
		m := new(MessageIn)
		e, err := finish(inEnvelopes, m, raw)
		m.Event = name
		return e, err
	case name == EventWebhookState:
		return finish(stateEnvelopes, new(WebhookState), raw)
	}
	return &Other{name, []byte(text)}, nil
}

// hasEnvelope reports whether events of a type have an envelope, as far as they are of
// this package.
func hasEnvelope(eventType string) bool {
	return strings.HasSuffix(eventType, kindStatus) || strings.HasSuffix(eventType, kindIn) ||
		eventType == EventWebhookState
}

// eventName returns the text of an object's member event; empty if it has none.
func eventName(raw string) string {
	event, _ := rawjson.Find(raw, "event")
	if v := field.FromJSON(event); v.Kind == rawjson.String {
		return v.Text
	}
	return ""
}

// A bare is a kind of events without an envelope, which nothing but their members tells
// apart.
type bare struct {
	// is reports whether events of a type are of this kind.
	is func(eventType string) bool
	// read reads raw. If the event came in an envelope, what that has beside the payload
	// is added to it. eventType may be empty.
	read func(raw, envelope, eventType string) (Event, error)
	// alone has members that each tell the kind, names those of which it takes two. If
	// there are none, tells does.
	alone, names []string
	tells        func(raw string) bool
}

// numBares is the number of bares, which one that is read does not allocate for.
const numBares = 4

var bares = [numBares]*bare{
	{
		is: func(eventType string) bool { return eventType == EventCall },
		read: func(raw, envelope, _ string) (Event, error) {
			return finishBare(callReports, new(CallReport), raw, envelope)
		},
		alone: []string{"bridge"},
		// Not end_at: whatever has a start_at has that, too, such as an appointment.
		names: []string{"recording_url", "start_at", "flow_id", "mid", "status1", "status2", "hangup_by"},
	},
	{
		is: func(eventType string) bool { return eventType == EventCDR },
		read: func(raw, envelope, _ string) (Event, error) {
			return finishBare(cdrs, new(CDR), raw, envelope)
		},
		alone: []string{"cdr_id", "callrequest_id"},
		names: []string{
			"call_id", "campaign_id", "leg_type", "amd_status", "hangup_cause", "hangup_cause_code", "callerid",
		},
	},
	{
		is: func(eventType string) bool { return eventType == EventSMS },
		read: func(raw, envelope, _ string) (Event, error) {
			return finishBare(smsStatuses, new(SMSStatus), raw, envelope)
		},
		names: []string{"deliv_at", "submit_at", "deliv_time", "sent_time", "submit_time"},
	},
	{
		is: func(eventType string) bool {
			return eventType == EventUnsubscription || strings.HasSuffix(eventType, kindUnsubscription)
		},
		read: func(raw, envelope, eventType string) (Event, error) {
			u := new(Unsubscription)
			e, err := finishBare(unsubscriptions, u, raw, envelope)
			if eventType != EventUnsubscription {
				u.Event = eventType
			}
			return e, err
		},
		tells: isUnsubscription,
	},
}

func bareOf(eventType string) *bare {
	for _, b := range bares {
		if b.is(eventType) {
			return b
		}
	}
	return nil
}

// tellBare returns what an object is by its members: that of which it has the most, the
// first of several; nil if it has too few of all.
func tellBare(raw string) *bare {
	var counted [numBares]struct{ alone, names uint }
	for it := rawjson.Walk(raw); it.Next(); {
		name := it.Key()
		for i, b := range bares {
			if at := slices.Index(b.alone, name); at >= 0 {
				counted[i].alone |= 1 << at
			} else if at := slices.Index(b.names, name); at >= 0 {
				counted[i].names |= 1 << at
			}
		}
	}
	var told *bare
	most := 1
	for i, c := range counted {
		if n := 2*bits.OnesCount(c.alone) + bits.OnesCount(c.names); n > most {
			told, most = bares[i], n
		}
	}
	for _, b := range bares {
		if told == nil && b.tells != nil && b.tells(raw) {
			told = b
		}
	}
	return told
}

// finish reads raw into v. If there is an error, it returns no half-read event.
func finish[T any, P interface {
	*T
	Event
}](o *object[T], v P, raw string) (Event, error) {
	if err := readEvent(o, (*T)(v), raw); err != nil {
		return nil, err
	}
	return v, nil
}

// finishBare is finish for an event that may have come in an envelope.
func finishBare[T any, P interface {
	*T
	Event
}](o *object[T], v P, raw, envelope string) (Event, error) {
	e, err := finish(o, v, raw)
	x := o.extra((*T)(v))
	for it := rawjson.Walk(envelope); err == nil && it.Next(); {
		name := it.Key()
		_, taken := x.find(name)
		if name != "payload" && !taken && o.index(name, 0) < 0 {
			*x = append(*x, extraMember{name, it.Value()})
		}
	}
	return e, err
}
