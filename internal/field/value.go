// Package field reads the members of events by name.
package field

import (
	"strings"

	"github.com/ringhook/webhook/internal/rawjson"
)

// A Value is the value of one name in an event.
type Value struct {
	Kind rawjson.Kind // None: the event has no such name
	// Text is the text of a String, the JSON of anything else. The JSON of objects and
	// lists may have blanks.
	Text string
}

// Null is the JSON null.
var Null = Value{rawjson.Null, "null"}

// Invalid is the value of a member that has no JSON form, such as raw JSON with a
// syntax error. Its JSON is a byte that never occurs in JSON, so that whatever contains
// it can be detected.
var Invalid = Value{rawjson.None, "\x00"}

// Text returns a string.
func Text(s string) Value { return Value{rawjson.String, s} }

// Number returns a number with the given digits.
func Number(digits string) Value { return Value{rawjson.Number, digits} }

// FromJSON returns the value of JSON without blanks around it.
func FromJSON(raw string) Value {
	k := rawjson.KindOf(raw)
	if k == rawjson.String {
		return Value{k, rawjson.Unquote(raw)}
	}
	return Value{k, raw}
}

// Empty reports whether v is no value, null or the empty string: all are "" in text and
// null in JSON.
func (v Value) Empty() bool {
	return v.Kind <= rawjson.Null || v.Kind == rawjson.String && v.Text == ""
}

// Composite reports whether v is an object or a list.
func (v Value) Composite() bool { return v.Kind == rawjson.Object || v.Kind == rawjson.List }

// String returns the value as text: an object or a list is compact JSON, null is empty.
func (v Value) String() string {
	switch v.Kind {
	case rawjson.None, rawjson.Null:
		return ""
	case rawjson.Object, rawjson.List:
		return string(rawjson.AppendCompact(nil, v.Text))
	default:
		return v.Text
	}
}

// AppendJSON appends the value as JSON; no value is null.
func (v Value) AppendJSON(dst []byte) []byte {
	switch v.Kind {
	case rawjson.None:
		if v == Invalid {
			return append(dst, v.Text...)
		}
		return append(dst, "null"...)
	case rawjson.String:
		return rawjson.AppendString(dst, v.Text)
	case rawjson.Object, rawjson.List:
		return rawjson.AppendCompact(dst, v.Text)
	default:
		return append(dst, v.Text...)
	}
}

// Walk follows names and list indexes down from v. If an object does not have the
// member, the result has Kind None. A list has every index: after its end there is
// null, since its length differs from event to event.
func (v Value) Walk(path []string) Value {
	for _, name := range path {
		switch v.Kind {
		case rawjson.Object:
			raw, ok := rawjson.Find(v.Text, name)
			if !ok {
				return Value{}
			}
			v = FromJSON(raw)
		case rawjson.List:
			i, ok := Index(name)
			if !ok {
				return Value{}
			}
			var raw string
			if raw, ok = element(v.Text, i); !ok {
				return Null
			}
			v = FromJSON(raw)
		default:
			if v == Invalid {
				return v
			}
			return Value{}
		}
	}
	return v
}

// Has reports whether the names of path exist below v, at any index of a list.
func (v Value) Has(path []string) bool {
	if len(path) == 0 {
		return v.Kind != rawjson.None
	}
	switch v.Kind {
	case rawjson.Object:
		raw, ok := rawjson.Find(v.Text, path[0])
		return ok && FromJSON(raw).Has(path[1:])
	case rawjson.List:
		if _, ok := Index(path[0]); !ok {
			return false
		}
		n := 0
		for it := rawjson.Walk(v.Text); it.Next(); n++ {
			if FromJSON(it.Value()).Has(path[1:]) {
				return true
			}
		}
		return n == 0
	}
	return false
}

func element(list string, i int) (raw string, ok bool) {
	for it := rawjson.Walk(list); it.Next(); i-- {
		if i == 0 {
			return it.Value(), true
		}
	}
	return "", false
}

// Index reads a list index: decimal digits without leading zeros.
func Index(name string) (i int, ok bool) {
	if name == "" || len(name) > 9 || name[0] == '0' && name != "0" || strings.Trim(name, "0123456789") != "" {
		return 0, false
	}
	for _, c := range []byte(name) {
		i = i*10 + int(c-'0')
	}
	return i, true
}

// Names calls yield with the path of every name below v; of a list, with the names of
// its first element. It stops early if v is huge, perhaps on purpose: Walk finds every
// name, but Names does not list every one.
func (v Value) Names(yield func(path []string)) {
	left := listedNames
	v.names(nil, 0, func(path []string) bool {
		yield(path)
		left--
		return left > 0
	})
}

// The limits of Names.
const (
	listedNames = 1000
	listedDepth = 8
	listedSize  = 512 // bytes of a path
)

func (v Value) names(above []string, size int, yield func([]string) bool) (more bool) {
	if !v.Composite() || len(above) > listedDepth {
		return true
	}
	for it := rawjson.Walk(v.Text); it.Next(); {
		name := "0"
		if v.Kind == rawjson.Object {
			if it.KeyEnd-it.KeyStart+size > listedSize {
				continue
			}
			name = it.Key()
		}
		path := extend(above, name)
		if !yield(path) || !FromJSON(it.Value()).names(path, size+len(name)+1, yield) {
			return false
		}
		if v.Kind == rawjson.List {
			break
		}
	}
	return true
}

// TypeName returns the type of v as JSON names it, and "any" for null.
func (v Value) TypeName() string {
	switch v.Kind {
	case rawjson.Bool:
		return "boolean"
	case rawjson.Number:
		return "number"
	case rawjson.String:
		return "string"
	case rawjson.Object:
		return "object"
	case rawjson.List:
		return "array"
	default:
		return "any"
	}
}
