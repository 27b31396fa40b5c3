package compose

import (
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
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
	path := field.Split(text)
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

// spellings is the inverse of paths: the names by which a template can name a member. A
// shorter one may be taken by another member, or by a reserved name.
func spellings(member string, envelope bool) []string {
	if !envelope {
		return []string{member, "payload." + member}
	}
	short, ok := strings.CutPrefix(member, "payload.")
	if ok && !strings.HasPrefix(short, "payload.") { // which would mean the one above it
		return []string{member, short}
	}
	return []string{member}
}

func (n *name) paths(envelope bool) [][]string {
	if envelope {
		return n.envelope
	}
	return n.bare
}

// envelopeOf returns the member payload of a type if it may be an object, else nil.
func envelopeOf(t *field.Type) *field.Member {
	m := t.Member("payload")
	if m == nil || m.Type == nil || m.Type.Elem != nil {
		return nil
	}
	return m
}

// resolve looks the name up in a type. It returns the path to the member and reports
// whether the name is known. The path is nil if it depends on the event.
func (n *name) resolve(t *field.Type) (get field.Getter, path []string, known bool) {
	envelope := envelopeOf(t)
	if envelope != nil && envelope.Type.Free {
		return nil, nil, true // an object or not: it depends on the event
	}
	for i, path := range n.paths(envelope != nil) {
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

func isEnvelope(doc document) bool { return doc.Walk(payloadPath).Kind == rawjson.Object }

// lookUp looks the name up in an event's JSON form. The event is an envelope if
// envelope is true, or if it has the form of one.
func (n *name) lookUp(doc document, envelope bool) (v field.Value) {
	for _, path := range n.paths(envelope || isEnvelope(doc)) {
		if v = doc.Walk(path); v.Kind != rawjson.None {
			return v
		}
	}
	return v
}

// isIn reports whether a sample has the name, at any index of its lists.
func (n *name) isIn(doc field.Value) bool {
	for _, path := range n.paths(isEnvelope(doc)) {
		if doc.Has(path) {
			return true
		}
	}
	return false
}
