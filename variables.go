package webhook

import (
	"github.com/ringhook/webhook/internal/compose"
	"github.com/ringhook/webhook/internal/field"
)

// A Variable is a name that templates may use for an event.
type Variable struct {
	// Name is what a placeholder has, such as "payload.status".
	Name string `json:"name"`
	// Aliases are other names of the same.
	Aliases []string `json:"aliases,omitempty"`
	// Type is what it is in JSON: string, number, boolean, object, array, or any.
	Type string `json:"type"`
	// Doc is one line, from the struct tag doc of the field; empty if there is none.
	Doc string `json:"doc,omitempty"`
	// Example is the text it has in the event that was asked about; it may be empty.
	Example string `json:"example"`
}

// Variables lists what a template may name for events like e: the reserved names, then
// the members of its type in their documented order, then members that only this event
// has. Elements of lists are shown with the index 0, and of members of any form only
// those names that e has. In an envelope the names below payload may be written without
// it. Every name compiles as it stands, in every place and in conditions: what a reserved
// name hides begins with payload, and other names than plain ones have brackets and quotes.
// The Examples are e's values: take a made-up event to show them to people. Of a
// nil event there are no variables.
func Variables(e Event) []Variable {
	if field.IsNil(e) {
		return nil
	}
	var vars []Variable
	for _, v := range compose.Variables(e) {
		vars = append(vars, Variable(v))
	}
	return vars
}
