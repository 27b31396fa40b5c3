package field

import (
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/rawjson"
)

// A Type has the names of an object that are known before there is a value, and the
// functions that read them.
//
// The functions take a pointer to the Go value that the Type was made for.
type Type struct {
	Members []*Member
	// Free is true if any name below is known: in maps, raw JSON, and types that make
	// their own JSON form.
	Free bool
	// Derived has dotted names of what is no member: other names of what stands further
	// down, and values that are computed of the members.
	Derived []*Member
	// Elem is the type of a list's elements; nil for objects. A list of scalars has an
	// Elem without members.
	Elem *Type
	// Extra reads a member that this value was read with but the type does not know.
	Extra func(p any, name string) Value
}

// A Member is one name of an object.
type Member struct {
	Name    string
	Aliases []string
	Derived bool   // a name of Type.Derived, which is not in the JSON form
	Doc     string // one line
	// Absent tells when the member often is absent or empty, such as "until the message
	// is read". It is "" if the member seldom is.
	Absent string
	Kind   string // the type in JSON, for people: "string", "number", ...
	// Of is the dotted path, from the Type that has a Derived name without dots, to what it
	// is another name of. It is "" if there is no other name.
	Of   string
	Type *Type // of objects and lists; nil for scalars
	// Get reads the member.
	Get Getter
	// Fast makes a Getter that only reads the member if Extra has no members, and calls
	// slow otherwise. Fast may be nil.
	Fast func(slow Getter) Getter
	// At returns a pointer to the member itself, for its Type's functions, or nil if
	// there is none. At is nil if the member must be read from the JSON that Get returns.
	At func(p any) any
	// Same is true if the Type's functions take the pointer to the object that has the
	// member.
	Same bool
	// Elem returns a pointer to element i of a list, or nil if there is none. Elem is nil
	// if elements must be read from the JSON that Get returns.
	Elem func(p any, i int) any
}

// Member returns the member with that name, or nil.
func (t *Type) Member(name string) *Member {
	for _, m := range t.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func (t *Type) alias(name string) *Member {
	for _, m := range t.Members {
		for _, a := range m.Aliases {
			if a == name {
				return m
			}
		}
	}
	return nil
}

// derived returns what a path that is no member's stands for, or nil.
func (t *Type) derived(path []string) *Member {
	for _, m := range t.Derived {
		if slices.Equal(strings.Split(m.Name, "."), path) {
			return m
		}
	}
	return nil
}

// A Getter reads one name of the value that p points to.
type Getter func(p any) Value

// Lookup returns the function that reads a path. It reports false if the type does
// not know the name. The Getter is nil if the name is known but must be read from
// the JSON form.
func (t *Type) Lookup(path []string) (get Getter, known bool) {
	if t.Free {
		return nil, true
	}
	if t.Elem != nil {
		if _, ok := Index(path[0]); !ok {
			return nil, false
		}
		if len(path) == 1 {
			return nil, true
		}
		_, known = t.Elem.Lookup(path[1:])
		return nil, known
	}
	m := t.Member(path[0])
	if m == nil {
		if m = t.alias(path[0]); m == nil {
			if m = t.derived(path); m == nil {
				return nil, false
			}
			return t.ExtraFirst(path, m.Get), true
		}
		get, known = m.lookup(path[1:])
		get = t.ExtraFirst(path, get)
		if m.Fast != nil && get != nil {
			get = m.Fast(get)
		}
		return get, known
	}
	return m.lookup(path[1:])
}

// ExtraFirst returns a Getter that looks for the path among the members that the type
// does not know, before it calls get: an alias may be such a member, too.
func (t *Type) ExtraFirst(path []string, get Getter) Getter {
	if t.Extra == nil || get == nil {
		return get
	}
	name, rest := path[0], path[1:]
	return func(p any) Value {
		if v := t.Extra(p, name).Walk(rest); v.Kind != rawjson.None {
			return v
		}
		return get(p)
	}
}

func (m *Member) lookup(rest []string) (get Getter, known bool) {
	switch {
	case len(rest) == 0:
		return m.Get, true
	case m.Type == nil:
		return nil, false
	case m.Elem != nil:
		return m.lookupElem(rest)
	case m.Same:
		return m.Type.Lookup(rest)
	case m.At == nil || m.Type.Free:
		_, known = m.Type.Lookup(rest)
		return m.walk(rest), known
	}
	below, known := m.Type.Lookup(rest)
	if below == nil {
		return nil, known
	}
	return func(p any) Value {
		if inner := m.At(p); inner != nil {
			return below(inner)
		}
		return Null
	}, true
}

func (m *Member) lookupElem(rest []string) (get Getter, known bool) {
	i, ok := Index(rest[0])
	if !ok {
		return nil, false
	}
	if len(rest) == 1 {
		return m.walk(rest), true
	}
	below, known := m.Type.Elem.Lookup(rest[1:])
	if below == nil {
		return nil, known
	}
	return func(p any) Value {
		if e := m.Elem(p, i); e != nil {
			return below(e)
		}
		return Null
	}, true
}

// walk returns a Getter that reads a name below the member from the member's JSON.
func (m *Member) walk(rest []string) Getter {
	if m.Get == nil {
		return nil
	}
	return func(p any) Value { return m.Get(p).Walk(rest) }
}

// Find returns the member that a path names, or nil if the type does not have it. Below
// free-form members there are none.
func (t *Type) Find(path []string) *Member {
	if t.Elem != nil {
		if _, ok := Index(path[0]); !ok || len(path) == 1 {
			return nil
		}
		return t.Elem.Find(path[1:])
	}
	m := t.Member(path[0])
	if m == nil {
		m = t.alias(path[0])
	}
	if m == nil {
		m = t.derived(path)
	}
	switch {
	case m == nil || len(path) == 1:
		return m
	case m.Type == nil:
		return nil
	}
	return m.Type.Find(path[1:])
}

// Names calls yield with the path of every name the type knows, in order, with the index 0
// for the elements of lists, and with derived names behind the members.
func (t *Type) Names(yield func(path []string, m *Member)) { t.names(nil, yield) }

func (t *Type) names(above []string, yield func([]string, *Member)) {
	if len(above) > 8 { // a type that contains itself
		return
	}
	if t.Elem != nil {
		t.Elem.names(extend(above, "0"), yield)
		return
	}
	for _, m := range t.Members {
		path := extend(above, m.Name)
		yield(path, m)
		if m.Type != nil {
			m.Type.names(path, yield)
		}
	}
	for _, m := range t.Derived {
		yield(append(slices.Clip(above), strings.Split(m.Name, ".")...), m)
	}
}

// extend returns a new path, one name longer.
func extend(path []string, name string) []string { return append(slices.Clip(path), name) }
