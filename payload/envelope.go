package payload

import (
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// newEnvelope returns the table of {"event","payload"} for a struct whose payload has
// the given table.
func newEnvelope[T any](
	payload *object[T], extraOf func(*T) *extra, event func(*T) *string, eventType func(T) string,
) *object[T] {
	e := text(func(v *T) (*string, extra) { return event(v), *extraOf(v) })
	e.name, e.named.Doc = "event", "Type of the event"
	e.fieldValue, e.named.Fast = func(v *T) field.Value { return field.Text(eventType(*v)) }, nil
	e.read = func(v *T, raw string) bool {
		val := field.FromJSON(raw)
		if val.Kind == rawjson.String {
			*event(v) = val.Text
		}
		return *event(v) != ""
	}
	p := nested(payload, func(v *T) *T { return v })
	p.name, p.named.Doc, p.named.Same = "payload", "The whole payload", true
	o := newObject(extraOf, e, p)
	for _, m := range o.members {
		// No value equals it: an envelope has both members, whatever was read.
		m.zero = field.Value{}
	}
	return o
}

// unmarshal reads the body of an event.
func unmarshal[T any](o *object[T], v *T, b []byte) error {
	text, err := readBody(b)
	if err != nil {
		return err
	}
	raw := rawjson.Trim(text)
	switch kind := rawjson.KindOf(raw); kind {
	case rawjson.Null:
		return nil // as encoding/json does
	case rawjson.Object:
		return readEvent(o, v, raw)
	default:
		return noObject(kind)
	}
}

func readEvent[T any](o *object[T], v *T, raw string) error {
	if o.typ.Member("payload") != nil {
		p, ok := rawjson.Find(raw, "payload")
		if !ok {
			return errNoPayload
		}
		if kind := rawjson.KindOf(p); kind != rawjson.Object {
			return badPayload(kind)
		}
	}
	*v = *new(T)
	o.read(v, raw)
	return nil
}
