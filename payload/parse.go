package payload

import (
	"errors"
	"math/bits"
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// Parse reads the body of a webhook and determines its type: a *[MessageStatus] or
// *[MessageIn] by the type in its envelope, a *[CallReport] or *[CDR] by the members
// that only they have. The error names what is missing, or the offset at which the body
// is not JSON. It never quotes a value.
func Parse(body []byte) (Event, error) {
	if off := rawjson.Check(body); off >= 0 {
		return nil, syntaxError(off)
	}
	raw := rawjson.Trim(string(body))
	if rawjson.KindOf(raw) != rawjson.Object {
		return nil, errNoObject
	}
	if _, ok := rawjson.Find(raw, "payload"); ok {
		return parseEnvelope(raw)
	}
	switch calls, records := countMembers(raw); {
	case calls == 0 && records == 0:
		return nil, errors.New(`payload: not an event: no members "event" and "payload", ` +
			`no "bridge" or "recording_url" as in a call report, no "cdr_id" or "call_id" as in a CDR`)
	case calls >= records:
		return finish(callReports, new(CallReport), raw)
	default:
		return finish(cdrs, new(CDR), raw)
	}
}

// ParseAs reads the JSON form of an event whose type is known, as one that was stored:
// [EventCall], [EventCDR], and those that end in :message:status or :message:in. The
// error is as of [Parse], for JSON that is not such an event, and for any other type.
func ParseAs(eventType string, body []byte) (Event, error) {
	if off := rawjson.Check(body); off >= 0 {
		return nil, syntaxError(off)
	}
	raw := rawjson.Trim(string(body))
	switch isObject := rawjson.KindOf(raw) == rawjson.Object; {
	case !isObject:
		return nil, errNoObject
	case eventType == EventCall:
		return finish(callReports, new(CallReport), raw)
	case eventType == EventCDR:
		return finish(cdrs, new(CDR), raw)
	case !strings.HasSuffix(eventType, kindStatus) && !strings.HasSuffix(eventType, kindIn):
		return nil, errors.New("payload: no event of this package has that type")
	}
	e, err := parseEnvelope(raw)
	if err == nil && e.EventType() != eventType {
		return nil, errors.New(`payload: member "event" is another type`)
	}
	return e, err
}

// The members that only call reports have, and those that only CDRs have.
var (
	callMembers = []string{
		"bridge", "recording_url", "start_at", "end_at", "flow_id", "mid", "status1", "status2", "hangup_by",
	}
	cdrMembers = []string{
		"cdr_id", "callrequest_id", "call_id", "campaign_id", "leg_type", "amd_status",
		"hangup_cause", "hangup_cause_code", "callerid",
	}
)

// countMembers returns how many callMembers and cdrMembers an object has.
func countMembers(raw string) (calls, records int) {
	var call, record uint
	for it := rawjson.Walk(raw); it.Next(); {
		name := it.Key()
		if i := slices.Index(callMembers, name); i >= 0 {
			call |= 1 << i
		} else if i := slices.Index(cdrMembers, name); i >= 0 {
			record |= 1 << i
		}
	}
	return bits.OnesCount(call), bits.OnesCount(record)
}

func parseEnvelope(raw string) (Event, error) {
	event, ok := rawjson.Find(raw, "event")
	v := field.FromJSON(event)
	switch {
	case !ok || v.Kind != rawjson.String || v.Text == "":
		return nil, errors.New(`payload: member "event" is missing or not a string`)
	case strings.HasSuffix(v.Text, kindStatus):
		return finish(statusEnvelopes, new(MessageStatus), raw)
	case strings.HasSuffix(v.Text, kindIn):
		return finish(inEnvelopes, new(MessageIn), raw)
	}
	return nil, errors.New(`payload: member "event" is not a known type: ` +
		`want one that ends in ` + kindStatus + ` or ` + kindIn)
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
