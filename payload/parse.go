package payload

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

var (
	errNoObject  = errors.New("payload: an event is a JSON object")
	errNoEvent   = errors.New(`payload: member "event" is missing or no text`)
	errNoPayload = errors.New(`payload: member "payload" is missing or no object`)
	errNoType    = errors.New(`payload: member "event" names no type known here: want one that ends in ` + kindStatus + ` or ` + kindIn)
	errNoMembers = errors.New(`payload: not an event: no members "event" and "payload", no "bridge" or "recording_url" as in a call report, no "cdr_id" or "call_id" as in a CDR`)
)

func syntaxError(offset int) error {
	return fmt.Errorf("payload: not JSON at offset %d", offset)
}

// Parse reads the body of a webhook and tells from it what it is: a *[MessageStatus] or *[MessageIn] by the type in its
// envelope, a *[CallReport] or *[CDR] by the members that only they have. The error names what was missing, or the offset at
// which the body stops being JSON; it never quotes a value.
func Parse(body []byte) (Event, error) {
	raw, err := checkObject(body)
	if err != nil {
		return nil, err
	}
	s := lookAt(raw)
	switch {
	case s.payload != "":
		return parseEnvelope(s, raw)
	case s.calls == 0 && s.records == 0:
		return nil, errNoMembers
	case s.calls >= s.records:
		r := new(CallReport)
		callReports.read(r, raw)
		return r, nil
	default:
		c := new(CDR)
		cdrs.read(c, raw)
		return c, nil
	}
}

func parseEnvelope(s signs, raw string) (Event, error) {
	event := field.FromJSON(s.event)
	switch {
	case event.Kind != rawjson.String || event.Text == "":
		return nil, errNoEvent
	case rawjson.KindOf(s.payload) != rawjson.Object:
		return nil, errNoPayload
	case strings.HasSuffix(event.Text, kindStatus):
		m := new(MessageStatus)
		statusEnvelopes.read(m, raw)
		return m, nil
	case strings.HasSuffix(event.Text, kindIn):
		m := new(MessageIn)
		inEnvelopes.read(m, raw)
		return m, nil
	}
	return nil, errNoType
}

// signs are what tells the kinds of events apart.
type signs struct {
	event, payload string // members of an envelope
	calls, records int    // how many members there are that only call reports, only CDRs have
}

func lookAt(raw string) (s signs) {
	for it := rawjson.Walk(raw); it.Next(); {
		switch it.Key() {
		case "event":
			s.event = it.Value()
		case "payload":
			s.payload = it.Value()
		case "bridge", "recording_url", "start_at", "end_at", "flow_id", "mid", "status1", "status2", "hangup_by":
			s.calls++
		case "cdr_id", "callrequest_id", "call_id", "campaign_id", "leg_type", "amd_status", "hangup_cause", "hangup_cause_code", "callerid":
			s.records++
		}
	}
	return s
}

// unmarshal reads a body into v, whatever v was. An error leaves v as it was.
func unmarshal[T any](o *object[T], v *T, b []byte) error {
	if rawjson.Trim(string(b)) == "null" {
		return nil // as encoding/json has it
	}
	raw, err := checkObject(b)
	if err != nil {
		return err
	}
	if o.typ.Member("payload") != nil && rawjson.KindOf(lookAt(raw).payload) != rawjson.Object {
		return errNoPayload
	}
	*v = *new(T)
	o.read(v, raw)
	return nil
}

// checkObject returns b as text if it is one JSON object.
func checkObject(b []byte) (raw string, err error) {
	if off := rawjson.Check(b); off >= 0 {
		return "", syntaxError(off)
	}
	if raw = rawjson.Trim(string(b)); rawjson.KindOf(raw) != rawjson.Object {
		return "", errNoObject
	}
	return raw, nil
}
