package field

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// marshals reports whether a type makes its own JSON form.
func marshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonMarshaler) || p.Implements(textMarshaler)
}

// byAddress reports whether the JSON form of a value depends on whether the value is
// addressable: encoding/json calls a method of the pointer only if it is.
func byAddress(t reflect.Type) bool {
	switch {
	case t.Implements(jsonMarshaler) || t.Implements(textMarshaler):
		return false
	case marshals(t):
		return true
	case t.Kind() == reflect.Array:
		return byAddress(t.Elem())
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if byAddress(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// plain reports whether each field of a struct is one member of its JSON,
// whatever the values.
func plain(s reflect.Type) bool {
	names := map[string]bool{}
	for i := range s.NumField() {
		f := s.Field(i)
		if f.Anonymous {
			return false
		}
		name, options, ok := jsonName(f)
		if !ok {
			continue
		}
		if options != "" || names[name] || f.Tag.Get("json") != "" && !validName(name) {
			return false
		}
		names[name] = true
	}
	return true
}

// jsonName returns the name of a field in JSON; false if it has none.
func jsonName(f reflect.StructField) (name, options string, ok bool) {
	tag := f.Tag.Get("json")
	if !f.IsExported() && !f.Anonymous || tag == "-" {
		return "", "", false
	}
	name, options, _ = strings.Cut(tag, ",")
	if name == "" {
		name = f.Name
	}
	return name, options, true
}

// validName reports whether encoding/json accepts a name in a tag without further checks.
func validName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-'
	})
}

// members returns the fields of s that are members in JSON, with the fields of embedded
// structs in their place. A struct that is embedded under a name is one member, as in
// encoding/json.
func members(s reflect.Type, above []reflect.Type) (fields []reflect.StructField) {
	if slices.Contains(above, s) {
		return nil
	}
	above = append(slices.Clip(above), s)
	for i := range s.NumField() {
		f := s.Field(i)
		embedded := f.Type
		if embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		_, _, ok := jsonName(f)
		tagged, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case ok && f.Anonymous && tagged == "" && embedded.Kind() == reflect.Struct:
			for _, below := range members(embedded, above) {
				below.Index = append(slices.Clone(f.Index), below.Index...)
				fields = append(fields, below)
			}
		case ok && f.IsExported():
			fields = append(fields, f)
		}
	}
	return fields
}

// typeOf returns the names of a struct, with functions for those that are its own
// fields. above has the structs that contain s: below a struct that contains itself,
// any name is known.
func typeOf(s reflect.Type, above []reflect.Type) *Type {
	if slices.Contains(above, s) {
		return &Type{Free: true}
	}
	above = append(slices.Clip(above), s)
	t, bound := &Type{}, plain(s)
	fields := members(s, nil)
	for _, f := range fields {
		name, _, _ := jsonName(f)
		hidden := slices.ContainsFunc(fields, func(other reflect.StructField) bool {
			otherName, _, _ := jsonName(other)
			return otherName == name && len(other.Index) < len(f.Index)
		})
		if hidden || t.Member(name) != nil {
			continue
		}
		m := &Member{
			Name: name, Doc: f.Tag.Get("doc"), Absent: f.Tag.Get("absent"),
			Kind: kindOf(f.Type), Type: below(f.Type, above),
		}
		if bound {
			m.bind(f)
		}
		t.Members = append(t.Members, m)
	}
	return t
}

// bind sets the functions that read the member from field f of a struct.
func (m *Member) bind(f reflect.StructField) {
	i := f.Index[0]
	at := func(p any) reflect.Value { return reflect.ValueOf(p).Elem().Field(i) }
	if get := getter(f.Type); get != nil {
		m.Get = func(p any) Value { return get(at(p)) }
		return
	}
	m.Get = func(p any) Value { return value(at(p).Addr().Interface()) }
	if f.Type.Kind() == reflect.Struct && !marshals(f.Type) && plain(f.Type) && !m.Type.Free {
		m.At = func(p any) any { return at(p).Addr().Interface() }
	}
}

// getter returns the function that reads a type without its JSON form. It is nil for
// types that need JSON.
func getter(t reflect.Type) func(reflect.Value) Value {
	if marshals(t) || t == reflect.TypeFor[json.Number]() {
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		return func(v reflect.Value) Value { return Text(v.String()) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(v reflect.Value) Value { return Number(strconv.FormatInt(v.Int(), 10)) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(v reflect.Value) Value { return Number(strconv.FormatUint(v.Uint(), 10)) }
	}
	return nil
}

// below returns the names below a value of type t, or nil if there are none.
func below(t reflect.Type, above []reflect.Type) *Type {
	switch {
	case reflect.PointerTo(t).Implements(textMarshaler):
		return nil // a text, as time.Time is
	case marshals(t):
		return &Type{Free: true}
	case t.Kind() == reflect.Pointer:
		return below(t.Elem(), above)
	case t.Kind() == reflect.Struct:
		return typeOf(t, above)
	case t.Kind() == reflect.Map, t.Kind() == reflect.Interface:
		return &Type{Free: true}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !marshals(t.Elem()):
		return nil // a string, in base64
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Array:
		elem := below(t.Elem(), above)
		if elem == nil {
			elem = &Type{}
		}
		return &Type{Elem: elem}
	}
	return nil
}

// kindOf returns the JSON name of a Go type.
func kindOf(t reflect.Type) string {
	switch k := t.Kind(); {
	case k == reflect.Pointer:
		return kindOf(t.Elem())
	case marshals(t) && t.PkgPath() == "time":
		return "string"
	case marshals(t) || k == reflect.Interface:
		return "any"
	case k == reflect.String || k == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "string"
	case k == reflect.Bool:
		return "boolean"
	case k >= reflect.Int && k <= reflect.Float64:
		return "number"
	case k == reflect.Slice || k == reflect.Array:
		return "array"
	}
	return "object"
}
