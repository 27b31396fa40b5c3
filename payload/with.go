package payload

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
)

var errNoName = errors.New("payload: With: the name of a member is empty, or not UTF-8")

// with returns v with a member that its type does not have. Copies of a struct share
// what it was read with, so that is not changed but replaced.
func with[T any](o *object[T], v T, name string, value any) (T, error) {
	switch {
	case name == "" || !utf8.ValidString(name):
		return v, errNoName
	case name == "event" || name == "payload":
		return v, fmt.Errorf("payload: With: a member %q would make it another event", name)
	case o.index(name, 0) >= 0:
		return v, fmt.Errorf("payload: With: %q is a documented member: set its field", name)
	}
	raw, err := field.JSON(value)
	if err != nil { // its text may quote the value
		return v, fmt.Errorf("payload: With: the value of %q, a %T, has no JSON form", name, value)
	}
	x := make(extra, 0, len(*o.extra(&v))+1)
	for _, m := range *o.extra(&v) {
		if m.name != name {
			x = append(x, m)
		}
	}
	*o.extra(&v) = append(x, extraMember{name, string(raw)})
	return v, nil
}

// With returns the report with a member of one's own, which is written behind the
// documented ones and which templates can name; one of that name is replaced. value is
// anything that encoding/json can write. With refuses the names of documented members,
// event, payload, and an empty one. Another name that templates have for a documented
// member, such as mobile of a status's to, is no member of the event until With makes it
// one: the template's mobile is then this one, and to what it was.
func (r CallReport) With(name string, value any) (CallReport, error) {
	return with(callReports, r, name, value)
}

// With returns the record with a member of one's own, as [CallReport.With] does.
func (c CDR) With(name string, value any) (CDR, error) { return with(cdrs, c, name, value) }

// With returns the status with a member of one's own in its payload, as
// [CallReport.With] does.
func (s MessageStatus) With(name string, value any) (MessageStatus, error) {
	return with(statuses, s, name, value)
}

// With returns the message with a member of one's own in its payload, as
// [CallReport.With] does.
func (m MessageIn) With(name string, value any) (MessageIn, error) { return with(ins, m, name, value) }

// With returns the status with a member of one's own, as [CallReport.With] does.
func (s SMSStatus) With(name string, value any) (SMSStatus, error) {
	return with(smsStatuses, s, name, value)
}

// With returns the unsubscription with a member of one's own, as [CallReport.With] does.
func (u Unsubscription) With(name string, value any) (Unsubscription, error) {
	return with(unsubscriptions, u, name, value)
}

// With returns the state with a member of one's own in its payload, as [CallReport.With]
// does.
func (s WebhookState) With(name string, value any) (WebhookState, error) {
	return with(states, s, name, value)
}
