package webhook

import (
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
)

// Compose makes the message that reports e. Its id is new and random. The error is a [*TemplateError]: the event has no
// such name, a value cannot stand where it was put, or the result is over a limit. Trying again does not help.
func (c *Composer) Compose(e Event) (*Message, error) { return c.compose("", e) }

// ComposeID is [Composer.Compose] with the producer's own id for the message, of 1 to 64 letters, digits, _ and -. With the
// same id, the same event composed twice is one delivery to receivers and queues.
func (c *Composer) ComposeID(id string, e Event) (*Message, error) {
	if err := checkID(id); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return c.compose(id, e)
}

func (c *Composer) compose(id string, e Event) (*Message, error) {
	r := renderers.Get().(*renderer)
	defer r.release()
	if err := r.start(c, id, e); err != nil {
		return nil, err
	}
	fields, err := r.fields()
	if err != nil {
		return nil, err
	}
	if err := r.renderURL(fields); err != nil {
		return nil, err
	}
	urlEnd := len(r.buf)
	for _, h := range c.headers {
		if err := r.renderHeader(h); err != nil {
			return nil, err
		}
	}
	textEnd := len(r.buf)
	contentType := c.contentType
	if c.webhook.Method != http.MethodGet {
		if contentType, err = r.renderBody(fields); err != nil {
			return nil, err
		}
	}
	return r.message(urlEnd, textEnd, contentType), nil
}

// A renderer is what one call of compose works with.
type renderer struct {
	c         *Composer
	event     Event
	entry     *field.Entry
	accessors []accessor
	p         any       // what the accessors read; nil if all is read from doc
	doc       field.Doc // the event's JSON form, once it was asked for
	scratch   any       // for the next event of p's type
	random    [16]byte
	idEnd     int
	ends      []int  // of the headers in buf
	buf       []byte // id, URL, header values, body
	json      []byte // a body template's JSON, before it becomes fields
	filtered  int    // bytes that filters took and made
}

var renderers = sync.Pool{New: func() any { return new(renderer) }}

// A buffer that one huge event has grown is not kept.
const keptBuffer = 64 << 10

// load sets p if the event is of the binding's type, and of one that is not read from its JSON form.
func (r *renderer) load(b *binding, e Event) bool {
	if b.entry.Load == nil {
		return false
	}
	p, copied := b.entry.Load(e, r.scratch)
	if copied {
		r.scratch = p
	}
	r.p = p
	return p != nil
}

func (r *renderer) release() {
	r.buf, r.json, r.ends = r.buf[:0], r.json[:0], r.ends[:0]
	if cap(r.buf) > keptBuffer || cap(r.json) > keptBuffer {
		r.buf, r.json = nil, nil
	}
	r.c, r.event, r.p, r.accessors, r.filtered = nil, nil, nil, nil, 0
	if r.doc.Kind != rawjson.None {
		r.doc = field.Doc{}
	}
	renderers.Put(r)
}

func (r *renderer) start(c *Composer, id string, e Event) error {
	b := c.latest.Load()
	if b == nil || !r.load(b, e) {
		if field.IsNil(e) {
			return &TemplateError{Field: "event", Err: errors.New("is nil")}
		}
		b = c.bind(e)
		r.load(b, e)
	}
	r.c, r.event, r.entry, r.accessors = c, e, b.entry, b.accessors
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

// jsonForm returns the event's JSON form, which is made once.
func (r *renderer) jsonForm() (field.Value, error) {
	if r.doc.Kind == rawjson.None {
		b, err := eventJSON(r.event, r.entry, r.p)
		if err != nil {
			return field.Value{}, err
		}
		r.doc.Value = field.FromJSON(rawjson.Trim(string(b)))
	}
	return r.doc.Value, nil
}

// value reads a name that its type's functions did not find.
func (r *renderer) value(p *part, i int) (field.Value, error) {
	a, path := &r.accessors[p.first+i], r.c.names[p.segments[i].name].path
	var v field.Value
	switch a.kind {
	case readEvent:
		return field.Text(r.event.EventType()), nil
	case readWebhookID:
		return field.Text(r.c.webhook.ID), nil
	case readMessageID:
		return field.Text(string(r.buf[:r.idEnd])), nil
	case readMember:
		if a.get(r.p) == field.Invalid {
			return v, &TemplateError{Field: "event", Placeholder: p.nodes[i].Name, Err: errors.New("has no JSON form")}
		}
	case readJSON:
		if _, err := r.jsonForm(); err != nil {
			return v, err
		}
		v = lookUp(&r.doc, a.envelope, path)
	}
	if v.Kind == rawjson.None {
		if !a.known && !r.c.sampled(r.entry, r.event.EventType(), path) {
			return v, r.unknown(p, i)
		}
		v = field.Null
	}
	return v, nil
}

// largeValue is how long a value may be without being weighed at once. All the shorter ones that a webhook can have come to
// a few megabytes at most, escapes included, which the end of the template is time enough to refuse.
const largeValue = 1 << 10

// run appends what a template says of the event, at most limit bytes: more is an error, but for a header, which is cut.
func (r *renderer) run(dst []byte, p *part, limit int) (_ []byte, err error) {
	start := len(dst)
	event, segments := r.p, p.segments
	accessors := r.accessors[p.first:][:len(segments)]
	for i := range segments {
		s := &segments[i]
		dst = append(dst, s.text...)
		var v field.Value
		if get := accessors[i].direct; get != nil {
			v = get(event)
		}
		if v.Kind == rawjson.String { // as nearly all are
			if dst = escapers[s.op](dst, v.Text); len(v.Text) <= largeValue {
				continue
			}
		} else if dst, err = r.appendOther(dst, p, i, v); err != nil {
			return dst, err
		}
		if len(dst)-start > limit {
			return p.over(dst, start, i, limit)
		}
	}
	if p.tail != "" {
		dst = append(dst, p.tail...)
	}
	if len(dst)-start > limit {
		return p.over(dst, start, len(segments), limit)
	}
	return dst, nil
}

// appendOther appends what is not a member with a text.
func (r *renderer) appendOther(dst []byte, p *part, i int, v field.Value) ([]byte, error) {
	var err error
	if p.segments[i].computed {
		v, err = r.compute(p, i)
	} else if v.Kind == rawjson.None {
		v, err = r.value(p, i)
	}
	if err != nil {
		return dst, err
	}
	switch o := p.segments[i].op; {
	case o == opURL && v.Composite():
		return dst, p.fault(i, errCompositeInURL)
	case o == opJSON && v.Kind != rawjson.String:
		return v.AppendJSON(dst), nil
	default:
		return escapers[o](dst, v.String()), nil
	}
}

// over ends a template at segment i, at which it has become too long.
func (p *part) over(dst []byte, start, i, limit int) ([]byte, error) {
	if p.cut {
		return cutText(dst, start+limit), nil
	}
	return dst, p.fault(i, fmt.Errorf("composed to more than %d bytes: %w", limit, ErrLimit))
}

// cutText cuts UTF-8 that is longer than end, before the character that stands there.
func cutText(text []byte, end int) []byte {
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// escapers write a text for a place.
var escapers = [...]func(dst []byte, text string) []byte{
	opURL: escape.AppendURL, opHeader: escape.AppendHeader, opString: rawjson.AppendEscaped, opJSON: appendJSONText,
}

// appendJSONText writes a text where a JSON value is due. The empty one is null.
func appendJSONText(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "null"...)
	}
	return rawjson.AppendString(dst, text)
}

var (
	errCompositeInURL = errors.New("an object or a list cannot stand in a URL")
	errDotSegment     = errors.New("a path segment that is . or .. would lead elsewhere")
)

// fault is the error of the placeholder of segment i.
func (p *part) fault(i int, err error) *TemplateError {
	e := &TemplateError{Field: p.field, Err: err, source: p.source}
	if i < len(p.nodes) {
		e.Offset, e.Placeholder = p.nodes[i].Offset, p.nodes[i].Name
	}
	return e
}

func (r *renderer) renderURL(fields formFields) (err error) {
	start := len(r.buf)
	if r.buf, err = r.run(r.buf, r.c.url, MaxURLSize); err != nil {
		return err
	}
	if r.c.dotted && dotSegment(string(r.buf[start:])) {
		return &TemplateError{Field: "url", Err: errDotSegment, source: r.c.url.source}
	}
	if r.c.webhook.Method != http.MethodGet || len(fields) == 0 {
		return nil
	}
	switch query := bytes.IndexByte(r.buf[start:], '?'); {
	case query < 0:
		r.buf = append(r.buf, '?')
	case start+query < len(r.buf)-1 && r.buf[len(r.buf)-1] != '&':
		r.buf = append(r.buf, '&')
	}
	r.buf = fields.appendURLEncoded(r.buf)
	if len(r.buf)-start > MaxURLSize {
		return &TemplateError{Field: "url", Err: fmt.Errorf("with the fields of the body more than %d bytes: %w", MaxURLSize, ErrLimit)}
	}
	return nil
}

func (r *renderer) renderHeader(p *part) (err error) {
	r.buf, err = r.run(r.buf, p, MaxHeaderSize)
	r.ends = append(r.ends, len(r.buf))
	return err
}

// renderBody returns the content type.
func (r *renderer) renderBody(fields formFields) (contentType string, err error) {
	start := len(r.buf)
	switch {
	case r.c.webhook.Format == FormatFormURLEncoded:
		r.buf = fields.appendURLEncoded(r.buf)
	case r.c.webhook.Format == FormatFormData:
		r.buf, contentType, err = fields.appendMultipart(r.buf, MaxOutputSize)
	case r.c.body != nil:
		r.buf, err = r.runJSON(r.buf)
	case r.p != nil && r.entry.AppendJSON != nil:
		r.buf = r.entry.AppendJSON(r.buf, r.p)
		err = checkForm(r.buf[start:])
	default:
		var b []byte
		b, err = eventJSON(r.event, r.entry, r.p)
		r.buf = append(r.buf, b...)
	}
	if err != nil {
		return "", err
	}
	if len(r.buf)-start > MaxOutputSize {
		return "", &TemplateError{Field: "body", Err: fmt.Errorf("composed to more than %d bytes: %w", MaxOutputSize, ErrLimit)}
	}
	if contentType == "" {
		contentType = r.c.contentType
	}
	return contentType, nil
}

// runJSON runs the body's template.
func (r *renderer) runJSON(dst []byte) ([]byte, error) {
	start := len(dst)
	dst, err := r.run(dst, r.c.body, MaxOutputSize)
	if err == nil {
		err = checkForm(dst[start:])
	}
	return dst, err
}

// fields makes the fields of a form or a query.
func (r *renderer) fields() (f formFields, err error) {
	if !r.c.asForm() {
		return nil, nil
	}
	var v field.Value
	switch {
	case r.c.body != nil:
		if r.json, err = r.runJSON(r.json); err != nil {
			return nil, err
		}
		v = field.FromJSON(rawjson.Trim(string(r.json)))
	case r.c.webhook.Method == http.MethodGet:
		return nil, nil
	default:
		if v, err = r.jsonForm(); err != nil {
			return nil, err
		}
	}
	f, err = flatten(v, r.c.authored)
	if err != nil {
		return nil, &TemplateError{Field: "body", Err: err}
	}
	return f, nil
}

// A composed is a Message together with the arrays that its slices point to, so that they are one allocation.
type composed struct {
	Message
	waits   [5]time.Duration
	success [2]int
	values  [4]string
}

// message takes what was rendered out of the buffers.
func (r *renderer) message(urlEnd, textEnd int, contentType string) *Message {
	w, eventType := &r.c.webhook, r.event.EventType()
	text := string(r.buf[:textEnd])
	m := &composed{Message: Message{
		ID: text[:r.idEnd], WebhookID: w.ID, Event: eventType, Method: w.Method, URL: text[r.idEnd:urlEnd],
		Header: make(http.Header, len(r.c.headers)+1),
	}}
	if textEnd < len(r.buf) {
		m.Body = bytes.Clone(r.buf[textEnd:])
	}
	if w.Policy != nil {
		m.Policy = *w.Policy
	}
	m.Policy = m.Policy.complete(eventType)
	m.Policy.Waits = append(m.waits[:0], m.Policy.Waits...)
	if len(m.Policy.Success) > 0 { // else nil, as after a JSON round trip
		m.Policy.Success = append(m.success[:0], m.Policy.Success...)
	}
	values := m.values[:0]
	if n := len(r.c.headers) + 1; n > cap(values) {
		values = make([]string, 0, n)
	}
	set := func(key, value string) {
		values = append(values, value)
		m.Header[key] = values[len(values)-1 : len(values) : len(values)]
	}
	start := urlEnd
	for i, key := range r.c.headerKeys {
		set(key, text[start:r.ends[i]])
		start = r.ends[i]
	}
	if contentType != "" && w.Method != http.MethodGet {
		set("Content-Type", contentType)
	}
	if s, ok := r.event.(interface{ Subject() (id string, rank int) }); ok {
		m.Subject, m.Rank = s.Subject()
	}
	return &m.Message
}

// eventJSON returns the JSON form of an event.
func eventJSON(e Event, entry *field.Entry, p any) ([]byte, error) {
	switch raw := e.(type) {
	case RawEvent:
		return raw.check()
	case *RawEvent:
		return raw.check()
	}
	if p != nil && entry.AppendJSON != nil {
		b := entry.AppendJSON(nil, p)
		return b, checkForm(b)
	}
	b, err := field.JSON(e)
	if err != nil { // its text may quote a value
		return nil, &TemplateError{Field: "event", Err: &reasonError{"has no JSON form", []error{err}}}
	}
	return b, nil
}

// checkForm refuses the JSON of an event that has [field.Invalid] somewhere.
func checkForm(json []byte) error {
	if bytes.IndexByte(json, 0) >= 0 {
		return &TemplateError{Field: "event", Err: errors.New("has no JSON form")}
	}
	return nil
}

// dotSegment reports whether a segment of the URL's path is . or .., in whatever way it is written.
func dotSegment(url string) bool {
	_, rest, _ := strings.Cut(url, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	for segment := range strings.SplitSeq(path, "/") {
		segment, _, _ = strings.Cut(segment, ";") // some servers take parameters off before they look
		if len(segment) > len("%2e%2e") || segment == "" {
			continue
		}
		segment = strings.ReplaceAll(strings.ReplaceAll(segment, "%2e", "."), "%2E", ".")
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// isHeaderControl reports whether a character of a header value becomes a blank.
func isHeaderControl(r rune) bool { return unicode.IsControl(r) && r != '\t' }
