package payload

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// The payload types are plain structs. Each has a table of its members, which reads and
// writes their JSON. encoding/json would not do: a member in an unusual form must be
// written in the same form, but encoding/json keeps neither tokens nor unknown members,
// and reads "STATUS" as "status".

// extra has what a struct's fields do not hold of the object they were read from:
// members that the type does not know, known members whose form the field cannot hold
// and, with an empty raw, known members that were absent. It is never changed after
// reading, so that copies of a struct may share it.
type extra []extraMember

type extraMember struct{ name, raw string }

func (x extra) find(name string) (raw string, ok bool) {
	for i := len(x) - 1; i >= 0; i-- {
		if x[i].name == name {
			return x[i].raw, true
		}
	}
	return "", false
}

// A member connects one field of T with one member of its JSON object.
type member[T any] struct {
	name string
	// fieldValue returns the value of the field.
	fieldValue func(*T) field.Value
	// read sets the field, and reports whether the field holds all of raw.
	read func(v *T, raw string) (exact bool)
	// append appends the field's JSON. If nil, that of fieldValue is appended.
	append func(dst []byte, v *T) []byte
	// optional reports whether an unset field is left out. If nil, it is written.
	optional func(*T) bool

	at    func(*T) any // the field's address, to find its struct tags
	zero  field.Value  // the value of an unset field
	named *field.Member
}

// An object is the table of the members of T.
type object[T any] struct {
	members []*member[T]
	extra   func(*T) *extra
	typ     *field.Type
}

func newObject[T any](extraOf func(*T) *extra, members ...*member[T]) *object[T] {
	o := &object[T]{members: members, extra: extraOf}
	o.typ = &field.Type{Extra: func(p any, name string) field.Value {
		x := *extraOf(p.(*T))
		if x == nil { // as nearly always
			return field.Value{}
		}
		raw, _ := x.find(name)
		return field.FromJSON(raw)
	}}
	if len(members) > maxMembers {
		panic("payload: maxMembers is too small")
	}
	var zero T
	for _, m := range members {
		if m.name == "" {
			m.describe(tagOf(&zero, m.at(&zero)))
		}
		m.zero, m.named.Name = m.fieldValue(&zero), m.name
		if m.named.Get == nil {
			m.named.Get = func(p any) field.Value {
				v := p.(*T)
				x := *extraOf(v)
				if o.skip(m, v, x) {
					return field.Null
				}
				return o.value(m, v, x)
			}
			if m.named.Fast != nil {
				m.named.Get = m.named.Fast(m.named.Get)
			}
		}
		if at := m.named.At; at != nil {
			m.named.At = func(p any) any {
				v := p.(*T)
				x := *extraOf(v)
				if _, kept := x.find(m.name); kept && o.value(m, v, x).Kind != rawjson.Object {
					return nil // it was absent, or not an object
				}
				return at(p)
			}
		}
		o.typ.Members = append(o.typ.Members, m.named)
	}
	return o
}

// describe sets the member's name, aliases and description from its field's tags.
func (m *member[T]) describe(tag reflect.StructTag) {
	m.name, _, _ = strings.Cut(tag.Get("json"), ",")
	m.named.Doc, m.named.Absent = tag.Get("doc"), tag.Get("absent")
	if alias := tag.Get("alias"); alias != "" {
		m.named.Aliases = strings.Split(alias, ",")
	}
}

// tagOf returns the struct tag of the field at an address: a member's name and
// description are written there and nowhere else.
func tagOf(structure, at any) reflect.StructTag {
	s := reflect.ValueOf(structure).Elem()
	for i := range s.NumField() {
		if s.Field(i).Addr().Pointer() == reflect.ValueOf(at).Pointer() {
			return s.Type().Field(i).Tag
		}
	}
	panic("payload: a member of " + s.Type().Name() + " has an address that is not a field's")
}

// value returns the member's value: what it was read from if the field still has the
// same value, else the field's value.
func (o *object[T]) value(m *member[T], v *T, x extra) field.Value {
	current := m.fieldValue(v)
	raw, ok := x.find(m.name)
	switch {
	case !ok:
	case raw == "":
		if current == m.zero {
			return field.Null // it was absent, and was not set later
		}
	default:
		var as T
		if m.read(&as, raw); m.fieldValue(&as) == current {
			return field.FromJSON(raw)
		}
	}
	return current
}

// derive adds a name that templates know and that is no member. of is the path to what it
// is another name of, or "". get is given the value there, null if there is none; if get
// is nil, that is the value.
func (o *object[T]) derive(name, of, doc string, get func(v *T, there field.Value) field.Value) *object[T] {
	there := func(any) field.Value { return field.Null }
	if of != "" {
		there, _ = o.typ.Lookup(strings.Split(of, "."))
	}
	o.typ.Derived = append(o.typ.Derived, &field.Member{
		Name: name, Kind: "string", Doc: doc, Of: of, Derived: true,
		Get: func(p any) field.Value {
			value := there(p)
			if value.Kind == rawjson.None {
				value = field.Null
			}
			if get == nil {
				return value
			}
			return get(p.(*T), value)
		},
	})
	return o
}

// read sets the fields from an object. Of several members with one name it reads the
// last, as [rawjson.Find] does.
func (o *object[T]) read(v *T, raw string) {
	var x extra
	var found [maxMembers]string
	next := 0
	for it := rawjson.Walk(raw); it.Next(); {
		name := it.Key()
		i := o.index(name, next)
		if i < 0 {
			x = append(x, extraMember{name, it.Value()})
			continue
		}
		found[i] = it.Value()
		next = i + 1
	}
	for i, m := range o.members {
		optional := m.optional != nil && m.optional(v)
		if found[i] == "" && optional || found[i] != "" && m.read(v, found[i]) && !(optional && looksUnset(found[i])) {
			continue
		}
		x = append(x, extraMember{m.name, found[i]})
	}
	*o.extra(v) = x
}

// maxMembers is more than any table here has.
const maxMembers = 24

// looksUnset reports whether a field looks unset after it has read raw. If unset fields
// are left out, only extra shows that the member was there.
func looksUnset(raw string) bool {
	return raw == "null" || raw == `""` || raw[0] == '[' && len(rawjson.AppendCompact(nil, raw)) == len("[]")
}

// index returns the index of the member with that name, or -1. It first looks at guess,
// where the member is if the object has the documented order.
func (o *object[T]) index(name string, guess int) int {
	if guess < len(o.members) && o.members[guess].name == name {
		return guess
	}
	for i, m := range o.members {
		if m.name == name {
			return i
		}
	}
	return -1
}

func (o *object[T]) appendJSON(dst []byte, v *T) []byte {
	dst = append(dst, '{')
	start, x := len(dst), *o.extra(v)
	for _, m := range o.members {
		if o.skip(m, v, x) {
			continue
		}
		dst = appendName(dst, start, m.name)
		if _, kept := x.find(m.name); m.append != nil && !kept {
			dst = m.append(dst, v)
		} else {
			dst = o.value(m, v, x).AppendJSON(dst)
		}
	}
	for _, unknown := range x {
		if o.index(unknown.name, 0) < 0 {
			dst = appendName(dst, start, unknown.name)
			dst = rawjson.AppendCompact(dst, unknown.raw)
		}
	}
	return append(dst, '}')
}

// skip reports whether a member is not written: unset, and either optional or absent
// from what was read.
func (o *object[T]) skip(m *member[T], v *T, x extra) bool {
	raw, found := x.find(m.name)
	if absent := found && raw == ""; !absent && (found || m.optional == nil || !m.optional(v)) {
		return false
	}
	return m.fieldValue(v) == m.zero
}

func appendName(dst []byte, start int, name string) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return append(rawjson.AppendString(dst, name), ':')
}

// unless makes a member optional if the condition does not hold.
func (m *member[T]) unless(cond func(*T) bool) *member[T] {
	m.optional = func(v *T) bool { return !cond(v) }
	return m
}

// omitUnset makes a member always optional.
func (m *member[T]) omitUnset() *member[T] {
	m.optional = func(*T) bool { return true }
	return m
}

// text returns a member with a field of a string type. at also returns the struct's
// extra, so that a template reads the field with one call.
//
//go:noinline // or a package's long init stops the inlining into what text returns
func text[T any, S ~string](at func(*T) (*S, extra)) *member[T] {
	return &member[T]{
		at: func(v *T) any { s, _ := at(v); return s },
		named: &field.Member{Kind: "string", Fast: func(slow field.Getter) field.Getter {
			return func(p any) field.Value {
				s, x := at(p.(*T))
				if x != nil {
					return slow(p)
				}
				return field.Text(string(*s))
			}
		}},
		fieldValue: func(v *T) field.Value { s, _ := at(v); return field.Text(string(*s)) },
		read: func(v *T, raw string) bool {
			val := field.FromJSON(raw)
			if val.Composite() {
				val = field.Null
			}
			s, _ := at(v)
			*s = S(val.String())
			return val.Kind == rawjson.String
		},
	}
}

// scalar returns a member whose field keeps the token. It is written in its documented
// form, unless it was read in another one. at is as for text.
//
//go:noinline // as text
func scalar[T, V any, P interface {
	*V
	set(raw string)
}](f form[V], at func(*T) (P, extra),
) *member[T] {
	if f.value == nil {
		f.value = func(v *V) field.Value { return f.of(*v).value() }
	}
	return &member[T]{
		at: func(v *T) any { p, _ := at(v); return p },
		named: &field.Member{Kind: f.kind, Fast: func(slow field.Getter) field.Getter {
			return func(p any) field.Value {
				v, x := at(p.(*T))
				if x != nil {
					return slow(p)
				}
				return f.value(v)
			}
		}},
		fieldValue: func(v *T) field.Value { p, _ := at(v); return f.value(p) },
		read: func(v *T, raw string) bool {
			p, _ := at(v)
			p.set(raw)
			return f.of(*p).raw == raw
		},
	}
}

// code returns a member with a field of an integer type, where zero means unset.
func code[T any, N ~int](at func(*T) *N) *member[T] {
	return &member[T]{
		at:    func(v *T) any { return at(v) },
		named: &field.Member{Kind: "number"},
		fieldValue: func(v *T) field.Value {
			if *at(v) == 0 {
				return field.Null
			}
			return field.Number(strconv.Itoa(int(*at(v))))
		},
		read: func(v *T, raw string) bool {
			n, _ := token{raw}.integer()
			// No code is larger, and int may have 32 bits.
			if n < math.MinInt32 || n > math.MaxInt32 {
				n = 0
			}
			*at(v) = N(n)
			return n != 0 && raw == strconv.FormatInt(n, 10)
		},
	}
}

// list returns a member whose field is a list of scalars. parse reads one scalar. It
// reports whether it can, and whether the result holds all of raw.
func list[T, E any](
	at func(*T) *[]E, parse func(raw string) (e E, ok, exact bool), appendTo func([]byte, E) []byte,
) *member[T] {
	return &member[T]{
		at:    func(v *T) any { return at(v) },
		named: &field.Member{Kind: "array", Type: &field.Type{Elem: &field.Type{}}},
		fieldValue: func(v *T) field.Value {
			b := []byte{'['}
			for i, e := range *at(v) {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendTo(b, e)
			}
			return field.Value{Kind: rawjson.List, Text: string(append(b, ']'))}
		},
		read: func(v *T, raw string) bool {
			*at(v) = nil
			if rawjson.KindOf(raw) != rawjson.List {
				return false
			}
			var l []E
			all := true
			for it := rawjson.Walk(raw); it.Next(); {
				e, ok, exact := parse(it.Value())
				if !ok {
					return false
				}
				l, all = append(l, e), all && exact
			}
			*at(v) = l
			return all
		},
	}
}

func numbers[T any](at func(*T) *[]int64) *member[T] {
	parse := func(raw string) (n int64, ok, exact bool) {
		n, ok = token{raw}.integer()
		return n, ok, raw == strconv.FormatInt(n, 10)
	}
	return list(at, parse, func(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) })
}

func texts[T any](at func(*T) *[]string) *member[T] {
	parse := func(raw string) (s string, ok, exact bool) {
		ok = rawjson.KindOf(raw) == rawjson.String
		return rawjson.Unquote(raw), ok, ok
	}
	return list(at, parse, rawjson.AppendString)
}

// raw returns a member that is kept as it came, and may contain anything. Users can
// set the field: text that is not JSON must not be written, since it would change the
// body around it.
func raw[T any](at func(*T) *json.RawMessage) *member[T] {
	return &member[T]{
		at:    func(v *T) any { return at(v) },
		named: &field.Member{Kind: "any", Type: &field.Type{Free: true}},
		fieldValue: func(v *T) field.Value {
			if len(*at(v)) == 0 {
				return field.Null
			}
			if rawjson.Check(*at(v)) >= 0 {
				return field.Invalid // set by hand
			}
			return field.FromJSON(rawjson.Trim(string(*at(v))))
		},
		read: func(v *T, raw string) bool { *at(v) = json.RawMessage(raw); return true },
	}
}

// nested returns a member that is an object with a table of its own.
func nested[T, U any](o *object[U], at func(*T) *U) *member[T] {
	return &member[T]{
		at:    func(v *T) any { return at(v) },
		named: &field.Member{Kind: "object", Type: o.typ, At: func(p any) any { return at(p.(*T)) }},
		fieldValue: func(v *T) field.Value {
			return field.Value{Kind: rawjson.Object, Text: string(o.appendJSON(nil, at(v)))}
		},
		append: func(dst []byte, v *T) []byte { return o.appendJSON(dst, at(v)) },
		read: func(v *T, raw string) bool {
			if rawjson.KindOf(raw) != rawjson.Object {
				return false
			}
			o.read(at(v), raw)
			return true
		},
	}
}

// objects returns a member that is a list of objects with one table.
func objects[T, U any](o *object[U], at func(*T) *[]U) *member[T] {
	appendList := func(dst []byte, v *T) []byte {
		dst = append(dst, '[')
		for i := range *at(v) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = o.appendJSON(dst, &(*at(v))[i])
		}
		return append(dst, ']')
	}
	return &member[T]{
		at: func(v *T) any { return at(v) },
		named: &field.Member{Kind: "array", Type: &field.Type{Elem: o.typ}, Elem: func(p any, i int) any {
			if l := *at(p.(*T)); i < len(l) {
				return &l[i]
			}
			return nil
		}},
		fieldValue: func(v *T) field.Value {
			if len(*at(v)) == 0 {
				return field.Value{Kind: rawjson.List, Text: "[]"}
			}
			return field.Value{Kind: rawjson.List, Text: string(appendList(nil, v))}
		},
		append: appendList,
		read: func(v *T, raw string) bool {
			*at(v) = nil
			if rawjson.KindOf(raw) != rawjson.List {
				return false
			}
			var l []U
			for it := rawjson.Walk(raw); it.Next(); {
				if rawjson.KindOf(it.Value()) != rawjson.Object {
					return false
				}
				l = append(l, *new(U))
				o.read(&l[len(l)-1], it.Value())
			}
			*at(v) = l
			return true
		},
	}
}
