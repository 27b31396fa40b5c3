package webhook

import (
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// A Variable is a name that templates may use for an event.
type Variable struct {
	Name    string   // such as "payload.status"
	Aliases []string // other names of the same
	Type    string   // in JSON: string, number, boolean, object, array, or any
	Doc     string   // one line, from the struct tag doc of the field; empty if there is none
	Example string   // the text it has in the event that was asked about; may be empty
}

// Variables lists what a template may name for events like e: the reserved names, then the members of its type in their
// documented order, then members that only this event has. Elements of lists are shown with the index 0, and of members of
// any form only those names that e has. In an envelope the names below payload may be written without it. The Examples
// are e's values: take a made-up event to show them to people. Of a nil event there are no variables.
func Variables(e Event) []Variable {
	if field.IsNil(e) {
		return nil
	}
	entry := field.EntryOf(e)
	var p any
	if entry.Load != nil {
		p, _ = entry.Load(e, nil)
	}
	b, err := eventJSON(e, entry, p)
	if err != nil {
		b = []byte("null")
	}
	doc := field.FromJSON(rawjson.Trim(string(b)))
	vars := []Variable{
		{Name: "event", Type: "string", Doc: "Type of the event", Example: e.EventType()},
		{Name: "webhook_id", Type: "string", Doc: "Id of the webhook"},
		{Name: "message_id", Type: "string", Doc: "Id of the delivery, the same on every attempt"},
		{Name: "payload", Type: "object", Doc: "The whole payload", Example: lookUp(doc, false, []string{"payload"}).String()},
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
			v := Variable{Name: path, Type: m.Kind, Doc: m.Doc, Example: lookUp(doc, false, field.Split(path)).String()}
			for _, alias := range m.Aliases {
				v.Aliases = append(v.Aliases, strings.TrimSuffix(path, m.Name)+alias)
			}
			add(v)
		})
	}
	doc.Names(func(path string) {
		v := lookUp(doc, false, field.Split(path))
		add(Variable{Name: path, Type: v.TypeName(), Doc: belongs(path), Example: v.String()})
	})
	return vars
}

// belongs describes a name that has no description of its own by the one that it is below.
func belongs(path string) string {
	switch i := strings.LastIndexByte(path, '.'); {
	case i < 0:
		return ""
	case path[i:] == ".0":
		return "First element of " + path[:i]
	default:
		return "Member of " + path[:i]
	}
}
