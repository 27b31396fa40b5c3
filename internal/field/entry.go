package field

import (
	"bytes"
	"encoding/json"
	"reflect"
	"sync"

	"github.com/ringhook/webhook/internal/rawjson"
)

// An Entry has the functions that read events of one Go type.
type Entry struct {
	// Type is nil if no name is known before there is an event. Members without
	// functions are read from the JSON form.
	*Type
	// Load returns the pointer that the Type's functions take, for an event that is a T
	// or a *T, and nil for any other event and for a nil *T. A T is copied. It is copied
	// into scratch if an earlier Load returned scratch. If Load is nil, all values are
	// read from the JSON form.
	Load func(event, scratch any) (p any, copied bool)
	// AppendJSON appends the JSON form; if nil, [JSON] does.
	AppendJSON func(dst []byte, p any) []byte
	// JSON returns the JSON form of events that are JSON already. If nil, AppendJSON or
	// [JSON] does.
	JSON func(event any) ([]byte, error)
	// Dropped is not nil if events of the type would lose a field, so that they must not
	// be sent.
	Dropped *Dropped
}

var entries sync.Map // reflect.Type of T, also for *T → *Entry

// Register sets how events of the type T are read. The package that defines T calls it
// in its init.
func Register[T any](t *Type, appendJSON func(dst []byte, p *T) []byte) {
	e := &Entry{Type: t, Load: load[T], AppendJSON: func(dst []byte, p any) []byte { return appendJSON(dst, p.(*T)) }}
	entries.Store(reflect.TypeFor[T](), e)
}

// RegisterJSON declares that events of the type T are JSON already, and that the errors
// of toJSON are safe to show. The package that defines T calls it in its init.
func RegisterJSON[T any](toJSON func(T) ([]byte, error)) {
	entries.Store(reflect.TypeFor[T](), &Entry{JSON: func(event any) ([]byte, error) {
		if p, ok := event.(*T); ok {
			return toJSON(*p)
		}
		return toJSON(event.(T))
	}})
}

func load[T any](event, scratch any) (p any, copied bool) {
	switch v := event.(type) {
	case *T:
		if v == nil {
			return nil, false
		}
		return v, false
	case T:
		p, ok := scratch.(*T)
		if !ok {
			p = new(T)
		}
		*p = v
		return p, true
	}
	return nil, false
}

// EntryOf returns the entry of the event's Go type. A type has one entry, for its
// values and for pointers to them.
func EntryOf(event any) *Entry {
	t := reflect.TypeOf(event)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if e, ok := entries.Load(t); ok {
		return e.(*Entry)
	}
	e, _ := entries.LoadOrStore(t, newEntry(t))
	return e.(*Entry)
}

// IsNil reports whether an event is nil, a nil pointer or a nil map.
func IsNil(event any) bool {
	v := reflect.ValueOf(event)
	return !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Map) && v.IsNil()
}

// JSON writes any value as JSON, without the escapes for HTML that encoding/json adds.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// newEntry binds a plain struct to its fields. Every other type is read from its
// JSON form, which only encoding/json can make. If it is a struct, its names are
// known all the same.
func newEntry(s reflect.Type) *Entry {
	dropped := droppedIn(s, map[reflect.Type]bool{})
	if dropped != nil || s.Kind() != reflect.Struct || marshals(s) {
		return &Entry{Dropped: dropped}
	}
	known := typeOf(s, nil)
	if !plain(s) || byAddress(s) {
		return &Entry{Type: known}
	}
	return &Entry{Type: known, Load: func(event, _ any) (any, bool) {
		v := reflect.ValueOf(event)
		switch t := v.Type(); {
		case t == s:
			p := reflect.New(s)
			p.Elem().Set(v)
			return p.Interface(), true
		case t.Kind() == reflect.Pointer && t.Elem() == s && !v.IsNil():
			return event, false
		}
		return nil, false
	}}
}

// value converts any Go value to a Value, with encoding/json.
func value(v any) Value {
	b, err := JSON(v)
	if err != nil {
		return Invalid
	}
	return FromJSON(rawjson.Trim(string(b)))
}
