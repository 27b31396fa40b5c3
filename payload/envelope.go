package payload

import (
	"errors"
	"fmt"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

var errNoDecimal = errors.New("payload: not a decimal number")

func syntaxError(offset int) error {
	return fmt.Errorf("payload: not JSON at offset %d", offset)
}

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
	if off := rawjson.Check(b); off >= 0 {
		return syntaxError(off)
	}
	raw := rawjson.Trim(string(b))
	switch rawjson.KindOf(raw) {
	case rawjson.Null:
		return nil // as encoding/json does
	case rawjson.Object:
		return readEvent(o, v, raw)
	}
	return errNoObject
}

var errNoObject = errors.New("payload: an event must be a JSON object")

func readEvent[T any](o *object[T], v *T, raw string) error {
	if o.typ.Member("payload") != nil {
		if p, ok := rawjson.Find(raw, "payload"); !ok || rawjson.KindOf(p) != rawjson.Object {
			return errors.New(`payload: member "payload" is missing or not an object`)
		}
	}
	*v = *new(T)
	o.read(v, raw)
	return nil
}
