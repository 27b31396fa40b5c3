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

// The payload types are plain structs; what is between them and JSON is a table of
// members a type. A table, and not encoding/json, because a member that came in an odd
// way has to leave in the same way: encoding/json knows no token, no unknown member,
// and takes "STATUS" for "status".

// rest is what a struct's fields cannot say of the object they were read from: members
// that the type does not know, known ones that came as something else than the field
// holds, and, with an empty raw, known ones that did not come. It is never changed
// after reading, so that copies of a struct may share it.
type rest []restMember

type restMember struct{ name, raw string }

func (r rest) find(name string) (raw string, ok bool) {
	for i := len(r) - 1; i >= 0; i-- {
		if r[i].name == name {
			return r[i].raw, true
		}
	}
	return "", false
}

// A member ties one field of T to one member of its JSON object.
type member[T any] struct {
	name string
	// says is what the field says now.
	says func(*T) field.Value
	// read sets the field, whatever it was, and reports whether it says all
	// that raw says.
	read func(v *T, raw string) (exact bool)
	// append writes what the field says; if nil, says does.
	append func(dst []byte, v *T) []byte
	// optional reports that an unset field is not written; if nil, it is.
	optional func(*T) bool

	at    func(*T) any // the field's address, by which its struct tags are found
	zero  field.Value
	named *field.Member
}

// An object is the table of T.
type object[T any] struct {
	members []*member[T]
	rest    func(*T) *rest
	typ     *field.Type
}

func newObject[T any](restOf func(*T) *rest, members ...*member[T]) *object[T] {
	o := &object[T]{members: members, rest: restOf}
	o.typ = &field.Type{Extra: func(p any, name string) field.Value {
		r := *restOf(p.(*T))
		if r == nil { // as nearly always
			return field.Value{}
		}
		raw, _ := r.find(name)
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
		m.zero, m.named.Name = m.says(&zero), m.name
		if m.named.Get == nil {
			m.named.Get = func(p any) field.Value { return o.value(m, p.(*T), *restOf(p.(*T))) }
			if m.named.Fast != nil {
				m.named.Get = m.named.Fast(m.named.Get)
			}
		}
		if at := m.named.At; at != nil {
			m.named.At = func(p any) any {
				v := p.(*T)
				r := *restOf(v)
				if _, odd := r.find(m.name); odd && o.value(m, v, r).Kind != rawjson.Object {
					return nil // it did not come, or as something else
				}
				return at(p)
			}
		}
		o.typ.Members = append(o.typ.Members, m.named)
	}
	return o
}

// describe takes the member's name, aliases and description from the struct tags
// of its field.
func (m *member[T]) describe(tag reflect.StructTag) {
	m.name, _, _ = strings.Cut(tag.Get("json"), ",")
	m.named.Doc, m.named.Absent = tag.Get("doc"), tag.Get("absent")
	if alias := tag.Get("alias"); alias != "" {
		m.named.Aliases = strings.Split(alias, ",")
	}
}

// tagOf finds the struct tag of the field at an address, so that a member's name and
// description stand in one place.
func tagOf(structure, at any) reflect.StructTag {
	s := reflect.ValueOf(structure).Elem()
	for i := range s.NumField() {
		if s.Field(i).Addr().Pointer() == reflect.ValueOf(at).Pointer() {
			return s.Type().Field(i).Tag
		}
	}
	panic("payload: no field at the address that a member of " + s.Type().Name() + " gives")
}

// value is what the member says: the token it was read from while the field still means
// the same, else the field.
func (o *object[T]) value(m *member[T], v *T, r rest) field.Value {
	says := m.says(v)
	raw, ok := r.find(m.name)
	switch {
	case !ok:
	case raw == "":
		if says == m.zero {
			return field.Null // it did not come, and was not set since
		}
	default:
		var as T
		if m.read(&as, raw); m.says(&as) == says {
			return field.FromJSON(raw)
		}
	}
	return says
}

// read takes each member once; of several with one name the last, as [rawjson.Find] does.
func (o *object[T]) read(v *T, raw string) {
	var r rest
	var came [maxMembers]string
	next := 0
	for it := rawjson.Walk(raw); it.Next(); {
		name := it.Key()
		i := o.index(name, next)
		if i < 0 {
			r = append(r, restMember{name, it.Value()})
			continue
		}
		came[i] = it.Value()
		next = i + 1
	}
	for i, m := range o.members {
		optional := m.optional != nil && m.optional(v)
		if came[i] == "" && optional || came[i] != "" && m.read(v, came[i]) && !(optional && saysNothing(came[i])) {
			continue
		}
		r = append(r, restMember{m.name, came[i]})
	}
	*o.rest(v) = r
}

// maxMembers is the most that any table here has, and some.
const maxMembers = 24

// saysNothing reports whether a field that read raw looks unset: where unset ones are
// not written, only rest knows it came.
func saysNothing(raw string) bool { return raw == "null" || raw == `""` }

// index finds a member by name, looking first where it stands if the object has the
// documented order.
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
	start, r := len(dst), *o.rest(v)
	for _, m := range o.members {
		if o.skip(m, v, r) {
			continue
		}
		dst = appendName(dst, start, m.name)
		if _, odd := r.find(m.name); m.append != nil && !odd {
			dst = m.append(dst, v)
		} else {
			dst = o.value(m, v, r).AppendJSON(dst)
		}
	}
	for _, unknown := range r {
		if o.index(unknown.name, 0) < 0 {
			dst = appendName(dst, start, unknown.name)
			dst = rawjson.AppendCompact(dst, unknown.raw)
		}
	}
	return append(dst, '}')
}

// skip reports whether a member is not written: unset, and either optional or absent
// from what was read.
func (o *object[T]) skip(m *member[T], v *T, r rest) bool {
	raw, found := r.find(m.name)
	if absent := found && raw == ""; !absent && (found || m.optional == nil || !m.optional(v)) {
		return false
	}
	return m.says(v) == m.zero
}

func appendName(dst []byte, start int, name string) []byte {
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return append(rawjson.AppendString(dst, name), ':')
}

// unless makes a member optional where the condition does not hold.
func (m *member[T]) unless(cond func(*T) bool) *member[T] {
	m.optional = func(v *T) bool { return !cond(v) }
	return m
}

// omitUnset makes a member optional everywhere.
func (m *member[T]) omitUnset() *member[T] {
	m.optional = func(*T) bool { return true }
	return m
}

// text is a member with a field of a string type. at also gives the struct's rest, so
// that a template's way to the field is one call.
//
//go:noinline // or a package's long init stops the inlining into what text returns
func text[T any, S ~string](at func(*T) (*S, rest)) *member[T] {
	return &member[T]{
		at: func(v *T) any { s, _ := at(v); return s },
		named: &field.Member{Kind: "string", Fast: func(slow field.Getter) field.Getter {
			return func(p any) field.Value {
				s, r := at(p.(*T))
				if r != nil {
					return slow(p)
				}
				return field.Text(string(*s))
			}
		}},
		says: func(v *T) field.Value { s, _ := at(v); return field.Text(string(*s)) },
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

// scalar is a member that keeps its token. at is as for text.
//
//go:noinline // as text
func scalar[T any](kind string, at func(*T) (*token, rest)) *member[T] {
	return &member[T]{
		at: func(v *T) any { t, _ := at(v); return t },
		named: &field.Member{
			Kind: kind,
			// A token alone tells all.
			Get: func(p any) field.Value { t, _ := at(p.(*T)); return t.value() },
			Fast: func(slow field.Getter) field.Getter {
				return func(p any) field.Value {
					t, r := at(p.(*T))
					if r != nil {
						return slow(p)
					}
					return t.value()
				}
			},
		},
		says: func(v *T) field.Value { t, _ := at(v); return t.value() },
		read: func(v *T, raw string) bool { t, _ := at(v); t.raw = raw; return true },
	}
}

// code is a member with a field of an integer type, of which zero means unset.
func code[T any, N ~int](at func(*T) *N) *member[T] {
	return &member[T]{
		at:    func(v *T) any { return at(v) },
		named: &field.Member{Kind: "number"},
		says: func(v *T) field.Value {
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
			return n != 0 && rawjson.KindOf(raw) == rawjson.Number
		},
	}
}

// list is a member with a field that is a list of scalars, of which parse reads one and
// reports whether it can, and whether that says all that raw says.
func list[T, E any](at func(*T) *[]E, parse func(raw string) (e E, ok, exact bool), appendTo func([]byte, E) []byte) *member[T] {
	return &member[T]{
		at:    func(v *T) any { return at(v) },
		named: &field.Member{Kind: "array", Type: &field.Type{Elem: &field.Type{}}},
		says: func(v *T) field.Value {
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
		return n, ok, rawjson.KindOf(raw) == rawjson.Number && raw != "-0"
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

// raw is a member that is kept as it came; anything may be below it. The field is open to
// anyone, so what is no JSON must not get out of it: it would change the body around it.
func raw[T any](at func(*T) *json.RawMessage) *member[T] {
	return &member[T]{
		at:    func(v *T) any { return at(v) },
		named: &field.Member{Kind: "any", Type: &field.Type{Free: true}},
		says: func(v *T) field.Value {
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

// nested is a member that is an object with a table of its own.
func nested[T, U any](o *object[U], at func(*T) *U) *member[T] {
	return &member[T]{
		at:    func(v *T) any { return at(v) },
		named: &field.Member{Kind: "object", Type: o.typ, At: func(p any) any { return at(p.(*T)) }},
		says: func(v *T) field.Value {
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

// objects is a member that is a list of objects with one table.
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
		says:   func(v *T) field.Value { return field.Value{Kind: rawjson.List, Text: string(appendList(nil, v))} },
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
