package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/nearest"
	"github.com/ringhook/webhook/internal/rawjson"
)

// How the names of placeholders find their values. A name is looked up among the reserved names first, then among the
// members of the event, then among the aliases of its type. If the event is an envelope, which is to say has an object
// member payload, payload.x is that object's x, and plain x is looked up at the top first, then in it; otherwise payload.x
// and x both mean the event's own x.

// A reading is how a value is read.
type reading byte

const (
	readMember    reading = iota // by the functions of the event's type
	readJSON                     // from the event's JSON form
	readEvent                    // the event's type
	readWebhookID                // of the webhook
	readMessageID                // of the message that is made
)

// An accessor is how one name is read from events of one Go type.
type accessor struct {
	kind     reading
	get      field.Getter // of readMember
	direct   field.Getter // get, unless its value goes through filters: what nearly all segments need
	known    bool         // absent means empty, not unknown
	envelope bool         // of a type that is one, whatever the event at hand has
}

// A binding is how the names are read from events of one Go type, for each segment of all parts.
type binding struct {
	entry     *field.Entry
	accessors []accessor
}

// bind returns the binding for an event's type. It is made once; the latest one is at hand, since most webhooks get events
// of one type.
func (c *Composer) bind(e Event) *binding {
	entry := field.EntryOf(e)
	found, ok := c.bindings.Load(entry)
	if !ok {
		b := &binding{entry: entry, accessors: make([]accessor, c.segments)}
		for p := range c.parts() {
			for i := range p.nodes {
				if n := p.segments[i].name; n >= 0 {
					a := newAccessor(b.entry, c.names[n])
					if !p.segments[i].computed {
						a.direct = a.get
					}
					b.accessors[p.first+i] = a
				}
			}
		}
		found, _ = c.bindings.LoadOrStore(entry, b)
	}
	b := found.(*binding)
	c.latest.Store(b)
	return b
}

func newAccessor(entry *field.Entry, n name) accessor {
	switch n.text {
	case "event":
		return accessor{kind: readEvent, known: true}
	case "webhook_id":
		return accessor{kind: readWebhookID, known: true}
	case "message_id":
		return accessor{kind: readMessageID, known: true}
	}
	if entry.Type == nil {
		return accessor{kind: readJSON, known: n.text == "payload"}
	}
	envelope := entry.Member("payload")
	if envelope != nil && (envelope.Type == nil || envelope.Type.Elem != nil) {
		envelope = nil
	}
	a := accessor{kind: readJSON, envelope: envelope != nil && !envelope.Type.Free}
	get, known := resolve(entry.Type, envelope, n.path)
	if a.known = known; get != nil && entry.Load != nil {
		a.kind, a.get = readMember, get
	}
	return a
}

// resolve looks a name up among those that a type knows, whose member payload is envelope if it may be an object. The Getter
// is nil if the name is to be read from the JSON form.
func resolve(t *field.Type, envelope *field.Member, path []string) (get field.Getter, known bool) {
	switch {
	case path[0] == "payload" && len(path) == 1:
		if envelope == nil {
			return nil, true // the whole event
		}
		return envelope.Get, true
	case envelope != nil && envelope.Type.Free:
		return nil, true // only the event at hand tells whether it is an envelope
	case path[0] == "payload" && envelope == nil:
		return t.Lookup(path[1:])
	}
	if get, known = t.Lookup(path); !known && envelope != nil {
		get, known = t.Lookup(append([]string{"payload"}, path...))
		return t.ExtraFirst(path, get), known
	}
	return get, known
}

var payloadPath = []string{"payload"}

// lookUp is resolve for an event's JSON form. Of an envelope the type says that it is one; else the form does.
func lookUp(doc *field.Doc, envelope bool, path []string) field.Value {
	envelope = envelope || doc.Walk(payloadPath).Kind == rawjson.Object
	if path[0] == "payload" {
		if !envelope {
			path = path[1:]
		}
		return doc.Walk(path)
	}
	v := doc.Walk(path)
	if v.Kind == rawjson.None && envelope {
		return doc.Walk(append(payloadPath[:1:1], path...))
	}
	return v
}

// has is lookUp for a sample: it tells whether there is such a name, for any index of its lists.
func has(doc field.Value, path []string) bool {
	payload := doc.Walk(payloadPath)
	envelope := payload.Kind == rawjson.Object
	if path[0] == "payload" {
		if !envelope {
			payload = doc
		}
		return payload.Has(path[1:])
	}
	return doc.Has(path) || envelope && payload.Has(path)
}

// A sampleGroup is the samples of one Go type; where the Go type tells nothing of the members, of one event type.
type sampleGroup struct {
	entry     *field.Entry
	eventType string
	docs      []field.Value
}

func (g *sampleGroup) covers(entry *field.Entry, eventType string) bool {
	return g.entry == entry && (entry.Type != nil || g.eventType == eventType)
}

func (g *sampleGroup) has(path []string) bool {
	for _, doc := range g.docs {
		if has(doc, path) {
			return true
		}
	}
	return false
}

// sampled reports whether a sample of the event's kind has a name that its type does not know.
func (c *Composer) sampled(entry *field.Entry, eventType string, path []string) bool {
	for _, g := range c.samples {
		if g.covers(entry, eventType) && g.has(path) {
			return true
		}
	}
	return false
}

// checkNames makes sure that one kind of sample knows all the names, and else faults those that are unknown to the kind
// that knows the most.
func (c *compiler) checkNames(samples []Event) {
	for _, e := range samples {
		if err := c.addSample(e); err != nil {
			c.fail(err)
		}
	}
	var best *sampleGroup
	var fewest map[int]bool
	for _, g := range c.samples {
		if unknown := c.unknownTo(g); best == nil || len(unknown) < len(fewest) {
			best, fewest = g, unknown
		}
	}
	if len(fewest) == 0 {
		return
	}
	for p := range c.parts() {
		for i := range p.nodes {
			if fewest[p.segments[i].name] {
				c.fail(p.unknown(i, best.entry, best.docs))
			}
		}
	}
}

// unknownTo returns the numbers of the names that a kind of sample does not know.
func (c *Composer) unknownTo(g *sampleGroup) map[int]bool {
	unknown := map[int]bool{}
	for i, n := range c.names {
		if !newAccessor(g.entry, n).known && !g.has(n.path) {
			unknown[i] = true
		}
	}
	return unknown
}

func (c *Composer) addSample(e Event) *TemplateError {
	if field.IsNil(e) {
		return &TemplateError{Field: "event", Err: fmt.Errorf("a sample is nil")}
	}
	entry := field.EntryOf(e)
	var p any
	if entry.Load != nil {
		p, _ = entry.Load(e, nil)
	}
	b, err := eventJSON(e, entry, p)
	if bad := (*TemplateError)(nil); errors.As(err, &bad) {
		return bad
	}
	doc := field.FromJSON(rawjson.Trim(string(b)))
	for _, g := range c.samples {
		if g.covers(entry, e.EventType()) {
			g.docs = append(g.docs, doc)
			return nil
		}
	}
	c.samples = append(c.samples, &sampleGroup{entry, e.EventType(), []field.Value{doc}})
	return nil
}

func (r *renderer) unknown(p *part, i int) error {
	doc, err := r.jsonForm()
	if err != nil {
		return err
	}
	return p.unknown(i, r.entry, []field.Value{doc})
}

// unknown is the error for a placeholder that names nothing.
func (p *part) unknown(i int, entry *field.Entry, docs []field.Value) *TemplateError {
	n := p.nodes[i]
	text := fmt.Sprintf("unknown name %q", n.Name)
	near := nearestName(n.Name, entry, docs)
	if near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	e := p.fault(i, &reasonError{text, []error{ErrUnknownName}})
	e.Offset, e.length, e.suggestion = n.At, writtenLength(p.source[n.At:]), near
	return e
}

// writtenLength is the length of the name that a text begins with, as it is written there.
func writtenLength(text string) int {
	if end := strings.IndexAny(text, " \t\r\n|}>"); end >= 0 {
		return end
	}
	return len(text)
}

// nearestName returns the known name that is closest to a misspelt one, or "" if none is near.
func nearestName(name string, entry *field.Entry, docs []field.Value) string {
	search := nearest.To(name)
	envelope := slices.ContainsFunc(docs, func(doc field.Value) bool { return doc.Walk([]string{"payload"}).Kind == rawjson.Object })
	prefixed := strings.HasPrefix(name, "payload.")
	add := func(known string) {
		search.Try(known)
		if bare, ok := strings.CutPrefix(known, "payload."); ok && envelope && !prefixed {
			search.Try(bare)
		} else if prefixed && !envelope {
			search.Try("payload." + known)
		}
	}
	for _, known := range []string{"event", "webhook_id", "message_id"} {
		search.Try(known)
	}
	if entry.Type != nil {
		entry.Names(func(path string, m *field.Member) {
			add(path)
			for _, alias := range m.Aliases {
				add(strings.TrimSuffix(path, m.Name) + alias)
			}
		})
	}
	for _, doc := range docs {
		doc.Names(add)
	}
	return search.Best()
}
