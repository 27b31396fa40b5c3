package compose

import (
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

// A name is the name in a placeholder: a reserved name, or a path to a member of the
// event. Which member it means is decided here and nowhere else, by paths.
type name struct {
	text     string
	kind     reading    // of a reserved name; else readMember
	bare     [][]string // paths in an event that is not an envelope
	envelope [][]string // paths in an envelope
}

func newName(text string) *name {
	path := template.Path(text)
	return &name{
		text: text, kind: reserved[text],
		bare: paths(path, false), envelope: paths(path, true),
	}
}

// A reading is how a value is read.
type reading byte

const (
	readMember    reading = iota // by the functions of the event's type
	readJSON                     // from the event's JSON form
	readEvent                    // the event's type
	readWebhookID                // of the webhook
	readMessageID                // of the new message
)

// reserved has the names that take precedence over all members of an event.
var reserved = map[string]reading{
	"event": readEvent, "webhook_id": readWebhookID, "message_id": readMessageID,
}

// isWhole reports whether the name is payload alone, which every event has.
func (n *name) isWhole() bool { return len(n.bare[0]) == 0 }

// paths returns the members that a name may mean, in the order in which they are tried.
//
// An event is an envelope if it has a member payload that is an object. There payload.x
// is that object's x and nothing else, and x is looked up at the top, then in payload. In
// every other event payload.x and x both mean the event's own x, and payload is the whole
// event, which is the empty path.
func paths(name []string, envelope bool) [][]string {
	switch prefixed := name[0] == "payload"; {
	case prefixed && !envelope:
		return [][]string{name[1:]}
	case envelope && !prefixed:
		return [][]string{name, append([]string{"payload"}, name...)}
	}
	return [][]string{name}
}

// spelling is the inverse of paths: the name by which a template names a member. It is
// empty if there is none: at the top of an envelope, a reserved name hides a member, and a
// name may be too long.
func spelling(member []string, envelope bool) string {
	name := template.Spell(member)
	taken := member[0] == "payload" && (!envelope || len(member) == 1) ||
		len(member) == 1 && reserved[member[0]] != readMember
	if !envelope && (taken || name[0] == '[') {
		name, taken = template.Spell(append([]string{"payload"}, member...)), false
	}
	if taken || len(name) > request.MaxNameSize || len(member) >= request.MaxDepth {
		return ""
	}
	return name
}

// otherSpelling returns the other name of a member, which may be taken by another one.
func otherSpelling(member []string, envelope bool) string {
	switch {
	case !envelope:
		return template.Spell(append([]string{"payload"}, member...))
	case member[0] == "payload" && len(member) > 1:
		return template.Spell(member[1:])
	}
	return ""
}

func (n *name) paths(envelope bool) [][]string {
	if envelope {
		return n.envelope
	}
	return n.bare
}

// A shape says whether events are envelopes, as far as their Go type tells.
type shape byte

const (
	shapeOpen     shape = iota // an event with an object payload is one, any other is not
	shapeBare                  // none is, whatever else it holds
	shapeEnvelope              // each is, also while its payload is nil
)

// shapeOf returns the shape of a type; nil is the type of events that have no Go type.
func shapeOf(t *field.Type) shape {
	if t == nil {
		return shapeOpen
	}
	switch m := t.Member("payload"); {
	case m == nil || m.Type == nil || m.Type.Elem != nil:
		return shapeBare
	case m.Type.Free:
		return shapeOpen
	default:
		return shapeEnvelope
	}
}

// isEnvelope reports whether an event of that shape is an envelope.
func (s shape) isEnvelope(doc document) bool {
	return s == shapeEnvelope || s == shapeOpen && doc.Walk(payloadPath).Kind == rawjson.Object
}

// resolve looks the name up in a type. It returns the path to the member and reports
// whether the name is known. The path is nil if it depends on the event.
func (n *name) resolve(t *field.Type) (get field.Getter, path []string, known bool) {
	shape := shapeOf(t)
	if shape == shapeOpen {
		return nil, nil, true
	}
	for i, path := range n.paths(shape == shapeEnvelope) {
		if len(path) == 0 {
			return nil, path, true
		}
		if get, known = t.Lookup(path); !known {
			continue
		}
		if i > 0 { // the event may have a member that takes precedence
			get = t.ExtraFirst(n.paths(true)[0], get)
		}
		return get, path, true
	}
	return nil, nil, false
}

var payloadPath = []string{"payload"}

// A document is the JSON form of an event.
type document interface {
	Walk(path []string) field.Value
}

// lookUp looks the name up in the JSON form of an event of that shape.
func (n *name) lookUp(doc document, s shape) (v field.Value) {
	for _, path := range n.paths(s.isEnvelope(doc)) {
		if v = doc.Walk(path); v.Kind != rawjson.None {
			return v
		}
	}
	return v
}

// isIn reports whether a sample of that shape has the name, at any index of its lists.
func (n *name) isIn(doc field.Value, s shape) bool {
	for _, path := range n.paths(s.isEnvelope(doc)) {
		if doc.Has(path) {
			return true
		}
	}
	return false
}
