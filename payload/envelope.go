package payload

import (
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// newEnvelope is the table of {"event","payload"} around the table of the same struct's payload.
func newEnvelope[T any](payload *object[T], restOf func(*T) *rest, event func(*T) *string, eventType func(T) string) *object[T] {
	e := text(event)
	e.name, e.named.Doc = "event", "Type of the event"
	e.says = func(v *T) field.Value { return field.Text(eventType(*v)) }
	e.read = func(v *T, raw string) bool {
		*event(v) = ""
		if val := field.FromJSON(raw); val.Kind == rawjson.String {
			*event(v) = val.Text
		}
		return true
	}
	p := nested(payload, func(v *T) *T { return v })
	p.read = func(v *T, raw string) bool {
		received := *event(v)
		*v = *new(T) // of two payloads the last one counts
		*event(v) = received
		payload.read(v, raw)
		return true
	}
	p.name, p.named.Doc, p.named.Same = "payload", "The whole payload", true
	o := newObject(restOf, e, p)
	for _, m := range o.members {
		m.zero = field.Value{} // no value equals it: an envelope has both members, whatever was read
	}
	return o
}
