package compose

import (
	"crypto/rand"
	"encoding/base32"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

// A renderer is the state of one call of Compose.
type renderer struct {
	program  *Program
	event    Event
	binding  *binding
	pointer  any       // what the getters read; nil if all is read from doc
	doc      field.Doc // the event's JSON form, once it was needed
	scratch  any       // what the next event of pointer's type is copied into
	values   []value   // of the names that steps read, behind one that is no value
	random   [16]byte
	idEnd    int
	ends     []int  // of the headers in buf
	buf      []byte // id, URL, header values, body
	json     []byte // a body template's JSON, before it becomes fields
	filtered int    // bytes that filters have read and written
}

// A value is what a name was read as.
type value struct {
	field.Value
	unreserved bool // a short text of unreserved characters, which few places escape
}

// shortValue is the length above which a value is not looked through for unreserved
// characters: it is a text, or is in few places.
const shortValue = 64

var renderers = sync.Pool{New: func() any { return new(renderer) }}

// keptBuffer is the size above which a buffer is not kept, nor are the values in it: a
// huge event has grown it.
const keptBuffer = 64 << 10

// load sets pointer and reports true if the event is of the binding's type, and that
// type is not read from its JSON form.
func (r *renderer) load(b *binding, e Event) bool {
	if b.entry.Load == nil {
		return false
	}
	pointer, copied := b.entry.Load(e, r.scratch)
	if copied {
		r.scratch = pointer
	}
	r.pointer = pointer
	return pointer != nil
}

func (r *renderer) release() {
	r.buf, r.json, r.ends = r.buf[:0], r.json[:0], r.ends[:0]
	if cap(r.buf) > keptBuffer || cap(r.json) > keptBuffer {
		r.buf, r.json, r.values = nil, nil, nil
	}
	r.program, r.event, r.pointer, r.binding, r.filtered = nil, nil, nil, nil, 0
	if r.doc.Kind != rawjson.None {
		r.doc = field.Doc{}
	}
	renderers.Put(r)
}

func (r *renderer) start(p *Program, id string, e Event) error {
	b := p.latest.Load()
	if b == nil || !r.load(b, e) {
		if field.IsNil(e) {
			return eventError(problem.Errorf(problem.EventNil, "is nil"))
		}
		b = p.bind(e)
		if b.entry.Dropped != nil {
			return droppedError(b.entry.Dropped)
		}
		r.load(b, e)
	}
	r.program, r.event, r.binding = p, e, b
	if id == "" {
		_, _ = rand.Read(r.random[:]) // never fails
		r.buf = idEncoding.AppendEncode(append(r.buf, "msg_"...), r.random[:])
	} else {
		r.buf = append(r.buf, id...)
	}
	r.idEnd = len(r.buf)
	return nil
}

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// jsonForm returns the event's JSON form, which is made only once.
func (r *renderer) jsonForm() (field.Value, error) {
	if r.doc.Kind == rawjson.None {
		b, err := eventJSON(r.event, r.binding.entry, r.pointer)
		if err != nil {
			return field.Value{}, err
		}
		r.doc.Value = field.FromJSON(rawjson.Trim(string(b)))
	}
	return r.doc.Value, nil
}

// readValues reads the members that the templates name, each once: many stand in several
// places, such as an id in the URL and in the body.
func (r *renderer) readValues() {
	fetches, pointer := r.binding.fetches, r.pointer
	values := slices.Grow(r.values[:0], len(fetches)+1)[:len(fetches)+1]
	for i := range fetches {
		v := fetches[i].get(pointer)
		plain := fetches[i].often && v.Kind == rawjson.String && len(v.Text) <= shortValue && escape.IsUnreserved(v.Text)
		values[i+1] = value{v, plain}
	}
	r.values = values
}

// largeValue is the length above which the limit is checked right after a value. All
// shorter values of a webhook together make a few megabytes at most, escapes included:
// for these, a check at the end of the template is enough.
const largeValue = 1 << 10

// run appends what a part renders to, at most its limit: more is an error, but in a
// header it is cut off.
func (r *renderer) run(dst []byte, p *part) (_ []byte, err error) {
	start, values := len(dst), r.values
	steps := r.binding.steps[p.index]
	for i := range steps {
		s := &steps[i]
		dst = append(dst, s.before...)
		v := &values[s.value]
		if v.unreserved && s.keeps { // as most are
			dst = append(dst, v.Text...)
			continue
		}
		if v.Kind == rawjson.String { // as nearly all are
			if dst = s.escape(dst, v.Text); len(v.Text) <= largeValue {
				continue
			}
		} else if dst, err = r.appendOther(dst, p, s.from, v.Value); err != nil {
			return dst, err
		}
		if len(dst)-start > p.limit {
			return p.over(dst, start, s.from.placeholder)
		}
	}
	if p.tail != "" {
		dst = append(dst, p.tail...)
	}
	if len(dst)-start > p.limit {
		return p.over(dst, start, nil)
	}
	if p.optional {
		dst = p.leaveOut(dst, start)
	}
	return dst, nil
}

// appendOther appends any value that is not a string member.
func (r *renderer) appendOther(dst []byte, p *part, a *accessor, v field.Value) (_ []byte, err error) {
	if a.name == nil || len(a.filters) > 0 || a.optional {
		v, err = r.runFilters(p, a)
	} else if v.Kind == rawjson.None {
		if v, err = r.value(p, a); err == nil && v.Kind == rawjson.None {
			err = r.unknown(p, a.placeholder)
		}
	}
	if err != nil {
		return dst, err
	}
	switch {
	case a.optional && filter.Nothing(v):
		return append(dst[:len(dst)-a.lead], leftOut), nil
	case a.op == opURL && v.Composite():
		return dst, p.fault(a.placeholder, errCompositeInURL)
	case a.op == opJSON && v.Kind != rawjson.String:
		return v.AppendJSON(dst), nil
	default:
		return escapers[a.op](dst, v.String()), nil
	}
}

// read reads a name. The result has the Kind None if the event does not know the name, but
// the samples of others do.
func (r *renderer) read(p *part, a *accessor) (v field.Value, err error) {
	if a.get != nil {
		v = a.get(r.pointer)
	}
	if v.Kind == rawjson.None {
		return r.value(p, a)
	}
	return v, nil
}

// value reads a name, as read does, that the functions of the event's type did not find.
func (r *renderer) value(p *part, a *accessor) (v field.Value, err error) {
	switch a.kind {
	case readEvent:
		return field.Text(eventType(r.event)), nil
	case readWebhookID:
		return field.Text(r.program.webhook.ID), nil
	case readMessageID:
		return field.Text(string(r.buf[:r.idEnd])), nil
	case readMember:
		if a.get(r.pointer) == field.Invalid {
			return v, &Error{Field: "event", Placeholder: a.Name, Err: errNoJSON}
		}
	case readJSON:
		if _, err := r.jsonForm(); err != nil {
			return v, err
		}
		v = a.name.lookUp(&r.doc, a.shape)
	}
	if v.Kind == rawjson.None {
		switch {
		case a.known || r.program.sampled(r.binding.entry, eventType(r.event), a.name):
			v = field.Null
		case !r.program.knownToAny(a.name) && !(a.replaced && !r.program.covers(r.binding.entry, eventType(r.event))):
			return v, r.unknown(p, a.placeholder)
		}
	}
	return v, nil
}

// unknown returns the error for a name that the event has not. What it suggests is known
// from the event's type and the samples: names that are in the event alone, such as the
// keys of a map, may be a person's number.
func (r *renderer) unknown(p *part, ph *placeholder) error {
	known := &sampleGroup{entry: r.binding.entry}
	for _, g := range r.program.samples {
		if g.covers(r.binding.entry, eventType(r.event)) {
			known = g
		}
	}
	return p.unknown(ph, newKnown(known))
}

// over ends a part that is too long: at a placeholder, or at its end if at is nil.
func (p *part) over(dst []byte, start int, at *placeholder) ([]byte, error) {
	if p.cut {
		return cutText(dst, start+p.limit), nil
	}
	return dst, p.fault(at, problem.Errorf(problem.ComposedTooLong, "composed to more than %d bytes: %w", p.limit, request.ErrLimit))
}

// cutText cuts UTF-8 that is longer than end, before the character at end.
func cutText(text []byte, end int) []byte {
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
