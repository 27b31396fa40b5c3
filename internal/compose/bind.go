package compose

import (
	"bytes"

	"github.com/ringhook/webhook/internal/field"
)

// A binding is a program bound to events of one Go type.
type binding struct {
	entry *field.Entry
	steps [][]step // of each part, one for each of its placeholders
}

// A step writes the text in front of a placeholder, then its value.
type step struct {
	before string
	get    field.Getter // reads the value if it is a member without filters, as nearly all are
	escape escaper
	from   *accessor
}

// An accessor is how the value of a placeholder is read from events of one Go type.
type accessor struct {
	*placeholder
	kind     reading
	get      field.Getter // of readMember
	known    bool         // absent means empty, not unknown
	envelope bool         // of a type that is one, whatever the event at hand has
}

// bind returns the binding for an event's type. It is made once; the latest one is at
// hand, since most webhooks get events of one type.
func (p *Program) bind(e Event) *binding {
	entry := field.EntryOf(e)
	found, ok := p.bindings.Load(entry)
	if !ok {
		b := &binding{entry: entry}
		for _, part := range p.parts {
			b.steps = append(b.steps, part.bind(entry))
		}
		found, _ = p.bindings.LoadOrStore(entry, b)
	}
	b := found.(*binding)
	p.latest.Store(b)
	return b
}

func (p *part) bind(entry *field.Entry) []step {
	steps := make([]step, len(p.placeholders))
	for i, ph := range p.placeholders {
		a := newAccessor(entry, ph)
		steps[i] = step{before: ph.before, escape: escapers[ph.op], from: a}
		if len(ph.filters) == 0 {
			steps[i].get = a.get
		}
	}
	return steps
}

func newAccessor(entry *field.Entry, ph *placeholder) *accessor {
	a := &accessor{placeholder: ph, kind: readJSON}
	switch {
	case ph.name == nil: // a literal
		return a
	case ph.name.kind != readMember:
		a.kind, a.known = ph.name.kind, true
		return a
	case entry.Type == nil:
		a.known = ph.name.text == "payload"
		return a
	}
	envelope := envelopeOf(entry.Type)
	a.envelope = envelope != nil && !envelope.Type.Free
	get, _, known := ph.name.resolve(entry.Type)
	if a.known = known; get != nil && entry.Load != nil {
		a.kind, a.get = readMember, get
	}
	return a
}

// JSON returns the JSON form of an event that is not nil.
func JSON(e Event) ([]byte, error) {
	entry := field.EntryOf(e)
	var pointer any
	if entry.Load != nil {
		pointer, _ = entry.Load(e, nil)
	}
	return eventJSON(e, entry, pointer)
}

// eventJSON returns the JSON form of an event, of which pointer is what Entry.Load gave.
func eventJSON(e Event, entry *field.Entry, pointer any) (b []byte, err error) {
	switch {
	case entry.JSON != nil:
		if b, err = entry.JSON(e); err != nil {
			return nil, eventError(err)
		}
		return b, nil
	case pointer != nil && entry.AppendJSON != nil:
		b = entry.AppendJSON(nil, pointer)
		return b, checkValid(b)
	}
	if b, err = field.JSON(e); err != nil { // its text may quote a value
		return nil, eventError(&quietError{errNoJSON.Error(), err})
	}
	return b, nil
}

// checkValid refuses the JSON of an event that has [field.Invalid] somewhere.
func checkValid(json []byte) error {
	if bytes.IndexByte(json, 0) >= 0 {
		return eventError(errNoJSON)
	}
	return nil
}
