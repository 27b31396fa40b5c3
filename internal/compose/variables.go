package compose

import (
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/template"
)

// A Variable is a name that templates may use for an event.
type Variable struct {
	Name    string
	Aliases []string
	Type    string
	Doc     string
	Example string
}

// Variables lists the names that a template may use for events like e. e is not nil.
func Variables(e Event) []Variable {
	entry, root, _ := documentOf(e) // without a JSON form there are no examples
	doc := &field.Doc{Value: root}
	value := func(text string) field.Value { return newName(text).lookUp(doc, shapeOf(entry.Type)) }
	vars := []Variable{
		{Name: "event", Type: "string", Doc: "Type of the event", Example: eventType(e)},
		{Name: "webhook_id", Type: "string", Doc: "Id of the webhook"},
		{Name: "message_id", Type: "string", Doc: "Id of the delivery, the same on every attempt"},
		{Name: "payload", Type: "object", Doc: "The whole payload", Example: value("payload").String()},
	}
	listed := map[string]bool{"event": true, "webhook_id": true, "message_id": true, "payload": true}
	add := func(v Variable) {
		if !listed[v.Name] {
			listed[v.Name] = true
			vars = append(vars, v)
		}
	}
	envelope := shapeOf(entry.Type).isEnvelope(doc)
	var derived []Variable
	if entry.Type != nil {
		entry.Names(func(path []string, m *field.Member) {
			name, above := spelling(path, envelope), path[:len(path)-1]
			if name == "" {
				return
			}
			if m.Derived {
				v := Variable{Name: name, Type: m.Kind, Doc: m.Doc, Example: read(entry, e, path).String()}
				if m.Of != "" {
					v.Aliases = []string{spelling(append(slices.Clone(above), strings.Split(m.Of, ".")...), envelope)}
				}
				derived = append(derived, v)
				return
			}
			v := Variable{Name: name, Type: m.Kind, Doc: m.Doc, Example: value(name).String()}
			for _, alias := range m.Aliases {
				// A member of that name, which this event has, is another value.
				path := append(slices.Clone(above), alias)
				if alias = spelling(path, envelope); doc.Walk(path).Kind == rawjson.None && alias != "" {
					v.Aliases = append(v.Aliases, alias)
				}
			}
			add(v)
		})
	}
	doc.Names(func(path []string) {
		if name := spelling(path, envelope); name != "" {
			if v := value(name); v.Kind != rawjson.None { // not below a member that stands there twice, of which the last counts
				add(Variable{Name: name, Type: v.TypeName(), Doc: describe(path), Example: v.String()})
			}
		}
	})
	for _, v := range derived {
		i := slices.IndexFunc(vars, func(of Variable) bool {
			return slices.Contains(v.Aliases, of.Name) && of.Example == v.Example
		})
		if v.Aliases = nil; i < 0 {
			add(v)
		} else if !listed[v.Name] {
			vars[i].Aliases = append(vars[i].Aliases, v.Name)
		}
	}
	return vars
}

// read reads a name of an event's Go type that is not in its JSON form.
func read(entry *field.Entry, e Event, path []string) field.Value {
	get, _ := entry.Lookup(path)
	if get == nil || entry.Load == nil {
		return field.Null
	}
	p, _ := entry.Load(e, nil)
	return get(p)
}

// describe describes a name that has no description of its own, by what contains it.
func describe(path []string) string {
	switch last := len(path) - 1; {
	case last == 0:
		return ""
	case path[last] == "0":
		return "First element of " + template.Spell(path[:last])
	default:
		return "Member of " + template.Spell(path[:last])
	}
}
