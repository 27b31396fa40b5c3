package compose

import (
	"bytes"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
)

// A binding is a program bound to events of one Go type.
type binding struct {
	entry   *field.Entry
	fetches []fetch  // of the names that steps read, each once
	steps   [][]step // for each part, one for each of its placeholders
	when    []*accessor
}

// A fetch reads a member that is the value of steps.
type fetch struct {
	get   field.Getter
	often bool // of more than one
}

// A step writes the text before a placeholder, then its value.
type step struct {
	before string
	// value is the index in renderer.values of a member without filters, as nearly all
	// are; else it is 0.
	value  int
	keeps  bool // op.keepsUnreserved
	escape escaper
	from   *accessor
}

// An accessor reads the value of a placeholder from events of one Go type.
type accessor struct {
	*placeholder
	kind  reading
	get   field.Getter // of readMember
	known bool         // the name is known: an absent value is empty, not an error
	shape shape
	args  [][]*accessor // of placeholder.args
	// replaced says that the name may be in some event without a Go type, and has a
	// fallback where it is not.
	replaced bool
}

// bind returns the binding for an event's type, which is made once. The latest one is
// also kept by itself, since most webhooks get events of one type.
func (p *Program) bind(e Event) *binding {
	entry := field.EntryOf(e)
	found, ok := p.bindings.Load(entry)
	if !ok {
		b := &binding{entry: entry, when: p.bindWhen(entry)}
		values := map[*name]int{}
		for _, part := range p.parts {
			b.steps = append(b.steps, b.bind(part, values))
		}
		found, _ = p.bindings.LoadOrStore(entry, b)
	}
	b := found.(*binding)
	p.latest.Store(b)
	return b
}

// bind makes the steps of a part. values has the index in renderer.values of each name.
func (b *binding) bind(p *part, values map[*name]int) []step {
	steps := make([]step, len(p.placeholders))
	for i, ph := range p.placeholders {
		a := newAccessor(b.entry, ph)
		steps[i] = step{before: ph.before, keeps: ph.op.keepsUnreserved(), escape: escapers[ph.op], from: a}
		if a.get == nil || len(ph.filters) > 0 || ph.optional {
			continue
		}
		if at := values[ph.name]; at > 0 {
			b.fetches[at-1].often = true
		} else {
			b.fetches = append(b.fetches, fetch{get: a.get})
			values[ph.name] = len(b.fetches)
		}
		steps[i].value = values[ph.name]
	}
	return steps
}

func newAccessor(entry *field.Entry, ph *placeholder) *accessor {
	a := &accessor{placeholder: ph, kind: readJSON, replaced: entry.Type == nil && ph.hasFallback(-1)}
	for filter, args := range ph.args {
		bound := make([]*accessor, len(args))
		for i, arg := range args {
			if arg != nil {
				bound[i] = newAccessor(entry, arg)
				bound[i].replaced = entry.Type == nil && ph.hasFallback(filter)
			}
		}
		a.args = append(a.args, bound)
	}
	switch {
	case ph.name == nil: // a literal
		return a
	case ph.name.kind != readMember:
		a.kind, a.known = ph.name.kind, true
		return a
	case entry.Type == nil:
		a.known = ph.name.isWhole()
		return a
	}
	a.shape = shapeOf(entry.Type)
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

// eventJSON returns the JSON form of an event. pointer is what Entry.Load returned.
func eventJSON(e Event, entry *field.Entry, pointer any) (b []byte, err error) {
	switch {
	case entry.Dropped != nil:
		return nil, droppedError(entry.Dropped)
	case entry.JSON != nil:
		if b, err = entry.JSON(e); err != nil {
			return nil, eventError(err)
		}
		return b, nil
	case pointer != nil && entry.AppendJSON != nil:
		b = rawjson.MendSurrogates(entry.AppendJSON(nil, pointer))
		return b, checkValid(b)
	}
	if b, err = field.JSON(e); err != nil { // the error's text may quote a value
		return nil, eventError(problem.New(problem.NoJSON, errNoJSON.Error(), err))
	}
	return rawjson.MendSurrogates(b), nil
}

// checkValid returns an error if the JSON of an event contains [field.Invalid].
func checkValid(json []byte) error {
	if bytes.IndexByte(json, 0) >= 0 {
		return eventError(errNoJSON)
	}
	return nil
}
