package field

import (
	"bytes"
	"encoding/json"
	"reflect"
	"sync"

	"github.com/ringhook/webhook/internal/rawjson"
)

// An Entry is how events of one Go type are read.
type Entry struct {
	// Type is nil if no name is known before there is an event. Where its members have
	// no functions, values are read from the JSON form.
	*Type
	// Load returns the pointer that the Type's functions take, for an event that is a T
	// or a *T, and nil for any other and for a nil *T. A T is copied, into scratch if
	// that is what an earlier Load has copied into. If Load is nil, all values are read
	// from the JSON form.
	Load func(event, scratch any) (p any, copied bool)
	// AppendJSON appends the JSON form; if nil, [JSON] does.
	AppendJSON func(dst []byte, p any) []byte
	// JSON returns the JSON form of a type that is nothing but that. If nil, AppendJSON
	// or [JSON] does.
	JSON func(event any) ([]byte, error)
}

var entries sync.Map // reflect.Type of T, also for *T → *Entry

// Register makes known how events of the type T are read. It is for the init of the
// package that has the type.
func Register[T any](t *Type, appendJSON func(dst []byte, p *T) []byte) {
	e := &Entry{Type: t, Load: load[T], AppendJSON: func(dst []byte, p any) []byte { return appendJSON(dst, p.(*T)) }}
	entries.Store(reflect.TypeFor[T](), e)
}

// RegisterJSON makes known that events of the type T are JSON already, whose errors are
// safe to show. It is for the init of the package that has the type.
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

// EntryOf returns how events of the event's Go type are read. A type has one entry, for
// its values and for pointers to them.
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

// IsNil reports whether an event is nil or a nil pointer or map, which has
// nothing to report.
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

// newEntry binds a plain struct to its fields. Everything else is read from its JSON
// form, since only encoding/json knows what that is; of a struct the names are known
// all the same.
func newEntry(s reflect.Type) *Entry {
	if s.Kind() != reflect.Struct || marshals(s) {
		return &Entry{}
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

// value makes a Value of any Go value by way of encoding/json.
func value(v any) Value {
	b, err := JSON(v)
	if err != nil {
		return Invalid
	}
	return FromJSON(rawjson.Trim(string(b)))
}
