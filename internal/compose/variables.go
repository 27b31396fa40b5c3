package compose

import (
	"strings"

	"github.com/ringhook/webhook/internal/field"
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
	if entry.Type != nil {
		entry.Names(func(path string, m *field.Member) {
			v := Variable{Name: path, Type: m.Kind, Doc: m.Doc, Example: value(path).String()}
			for _, alias := range m.Aliases {
				v.Aliases = append(v.Aliases, strings.TrimSuffix(path, m.Name)+alias)
			}
			add(v)
		})
	}
	doc.Names(func(path string) {
		v := value(path)
		add(Variable{Name: path, Type: v.TypeName(), Doc: describe(path), Example: v.String()})
	})
	return vars
}

// describe describes a name that has no description of its own, by what contains it.
func describe(path string) string {
	switch i := strings.LastIndexByte(path, '.'); {
	case i < 0:
		return ""
	case path[i:] == ".0":
		return "First element of " + path[:i]
	default:
		return "Member of " + path[:i]
	}
}
