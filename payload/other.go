package payload

import (
	"encoding/json"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
)

// EventUnknown is the type of an [Other] that does not name one.
const EventUnknown = "unknown"

// An Other is an event of a type that this package does not know: a new one, or that of
// another platform. A receiver answers it as all others, looks into it where it cares,
// and can pass it on: templates may name all that it has, and without a template it is
// sent byte for byte.
type Other struct {
	// Type is the name in the member event of what was read, or EventUnknown.
	Type string
	// JSON is the event as it came, which [Parse] makes sure is an object.
	JSON json.RawMessage
}

// EventType returns Type.
func (o Other) EventType() string { return o.Type }

// Refs returns what the event is most likely looked for by: its id, that of its payload
// first.
func (o Other) Refs() []string {
	inner := find(rawjson.Trim(string(o.JSON)), "payload")
	return []string{findText(inner, "id"), findText(rawjson.Trim(string(o.JSON)), "id")}
}

// MarshalJSON returns JSON. It is an error if that was set to something else.
func (o Other) MarshalJSON() ([]byte, error) {
	if off := rawjson.Check(o.JSON); off >= 0 {
		return nil, syntaxError(off)
	}
	return o.JSON, nil
}

// UnmarshalJSON keeps an object as it is, whatever its type, and sets Type.
func (o *Other) UnmarshalJSON(b []byte) error {
	text, err := readBody(b)
	if err != nil {
		return err
	}
	raw := rawjson.Trim(text)
	switch kind := rawjson.KindOf(raw); kind {
	case rawjson.Null:
		return nil // as encoding/json does
	case rawjson.Object:
	default:
		return noObject(kind)
	}
	*o = Other{EventUnknown, []byte(text)}
	if name := eventName(raw); name != "" {
		o.Type = name
	}
	return nil
}

func init() {
	field.RegisterJSON(func(o Other) ([]byte, error) {
		if off := rawjson.Check(o.JSON); off >= 0 {
			return nil, problem.Errorf(problem.EventSyntax, "%w at offset %d", ErrSyntax, off)
		}
		return o.JSON, nil
	})
}
