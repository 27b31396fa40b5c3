package field

import (
	"fmt"

	"github.com/ringhook/webhook/internal/rawjson"
)

// A Doc is a JSON value that many names are looked up in. It remembers the members of
// large objects and lists: with hundreds of placeholders, or names to list, reading a
// megabyte again for each of them would take a minute.
type Doc struct {
	Value
	large map[string]parts // by the path to them, in quotes
}

type parts struct {
	members  map[string]string
	elements []string
}

// largeText is the length from which on members are remembered. Shorter values are read
// faster than they are remembered.
const largeText = 1 << 10

// Walk returns the same as [Value.Walk].
func (d *Doc) Walk(path []string) Value {
	v := d.Value
	for i, name := range path {
		if !v.Composite() || len(v.Text) < largeText {
			return v.Walk(path[i:])
		}
		p := d.parts(fmt.Sprintf("%q", path[:i]), v)
		raw, ok := p.members[name]
		if v.Kind == rawjson.List {
			n, isIndex := Index(name)
			if isIndex && n >= len(p.elements) {
				return Null
			}
			if ok = isIndex; ok {
				raw = p.elements[n]
			}
		}
		if !ok {
			return Value{}
		}
		v = FromJSON(raw)
	}
	return v
}

func (d *Doc) parts(path string, v Value) parts {
	p, ok := d.large[path]
	if ok {
		return p
	}
	if v.Kind == rawjson.Object {
		p.members = map[string]string{}
	}
	for it := rawjson.Walk(v.Text); it.Next(); {
		if v.Kind == rawjson.List {
			p.elements = append(p.elements, it.Value())
		} else { // of several members with one name the last, as in Find
			p.members[it.Key()] = it.Value()
		}
	}
	if d.large == nil {
		d.large = map[string]parts{}
	}
	d.large[path] = p
	return p
}
