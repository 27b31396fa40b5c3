// Package compose makes requests of webhooks and events: it compiles the templates of a
// webhook into a program, binds the program to the Go types of events, and runs it.
//
//	program.go    what a program is made of
//	compile.go    makes it, and finds all that is wrong with the templates
//	lookup.go     which member of an event a name means
//	sample.go     which names the samples know, and the nearest one to a misspelt name
//	bind.go       how names are read from events of one Go type
//	render.go     runs a program
//	filter.go     runs the filters of a placeholder
//	when.go       the condition under which an event is wanted
//	optional.go   leaves out what has no value
//	form.go       writes forms and queries
//	error.go      what is wrong, and where
//	check.go      warnings: no errors, but perhaps not what the author meant
//	check_date.go warnings about patterns of dates
//	check_fields.go  warnings about the fields of forms and queries
//	dialect.go    warnings of what another language would replace
//	variables.go  the names of an event
//
// Package webhook gives its types and errors the names that users see.
package compose

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

// An Event can be reported to a webhook: it has a method EventType() string. It is
// passed as any, since converting one interface with methods to another costs a search
// on every call.
type Event = any

func eventType(e Event) string { return e.(interface{ EventType() string }).EventType() }

// The formats of a body.
const (
	FormatJSON           = "json"
	FormatFormData       = "form-data"
	FormatFormURLEncoded = "form-urlencoded"
	FormatText           = "text"
	FormatXML            = "xml"
	FormatNone           = "none"
)

// How the elements of lists are named in forms.
const (
	FormListsIndex    = "index"
	FormListsBrackets = "brackets"
	FormListsRepeat   = "repeat"
)

// A Webhook is what Compile compiles: the fields of the public type that are templates,
// or that templates depend on.
type Webhook struct {
	ID, URL, Method string
	Headers         map[string]string
	Format, Body    string
	FormLists       string
	When            string
}

// A Request is the result of composing.
type Request struct {
	ID, URL string
	Header  http.Header
	Body    []byte // nil if there is none
}

// Compose makes the request that reports e. If id is empty, it is new and random. The
// values of the header are appended to values, so that a caller can allocate them
// together with its message. The error is an *Error.
func (p *Program) Compose(id string, e Event, values []string) (Request, error) {
	r := renderers.Get().(*renderer)
	defer r.release()
	if err := r.start(p, id, e); err != nil {
		return Request{}, err
	}
	if ok, err := r.wants(p.when); err != nil {
		return Request{}, err
	} else if !ok {
		return Request{}, ErrUnwanted
	}
	r.readValues()
	fields, err := r.fields()
	if err != nil {
		return Request{}, err
	}
	if err := r.renderURL(fields); err != nil {
		return Request{}, err
	}
	urlEnd := len(r.buf)
	for _, h := range p.headers {
		if err := r.renderHeader(h); err != nil {
			return Request{}, err
		}
	}
	textEnd := len(r.buf)
	contentType := ""
	if p.webhook.Method != http.MethodGet {
		if contentType, err = r.renderBody(fields); err != nil {
			return Request{}, err
		}
	}
	return r.request(urlEnd, textEnd, contentType, values), nil
}

// Wants reports whether Compose would make a request for e, as far as the condition says.
func (p *Program) Wants(e Event) (bool, error) {
	r := renderers.Get().(*renderer)
	defer r.release()
	if err := r.start(p, "msg_id", e); err != nil {
		return false, err
	}
	return r.wants(p.when)
}

// AppendBody appends the body that Compose renders for e. It must have a template.
func (p *Program) AppendBody(dst []byte, e Event) ([]byte, error) {
	return p.appendParts(dst, e, p.body)
}

// AppendText appends the URL, headers and body that Compose renders for e, and makes no
// request of them. The body must have a template and not be a form.
func (p *Program) AppendText(dst []byte, e Event) ([]byte, error) {
	return p.appendParts(dst, e, p.parts...)
}

func (p *Program) appendParts(dst []byte, e Event, parts ...*part) (_ []byte, err error) {
	r := renderers.Get().(*renderer)
	defer r.release()
	if err := r.start(p, "msg_id", e); err != nil {
		return nil, err
	}
	r.readValues()
	for _, part := range parts {
		if dst, err = r.run(dst, part); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (r *renderer) renderURL(fields formFields) (err error) {
	start := len(r.buf)
	if r.buf, err = r.run(r.buf, r.program.url); err != nil {
		return err
	}
	if p := r.program; p.pathVaries {
		if i, err := request.BadSegment(string(r.buf[start:]), p.sampleURL); err != nil {
			return p.url.fault(p.url.inSegment(i), err)
		}
	}
	if r.program.webhook.Method != http.MethodGet || len(fields) == 0 {
		return nil
	}
	switch query := bytes.IndexByte(r.buf[start:], '?'); {
	case query < 0:
		r.buf = append(r.buf, '?')
	case start+query < len(r.buf)-1 && r.buf[len(r.buf)-1] != '&':
		r.buf = append(r.buf, '&')
	}
	r.buf = fields.appendURLEncoded(r.buf)
	if len(r.buf)-start > request.MaxURLSize {
		return &Error{Field: "url", Err: problem.Errorf(problem.URLWithBodyFields, "more than %d bytes with the fields of the body: %w",
			request.MaxURLSize, request.ErrLimit)}
	}
	return nil
}

// inSegment returns the first placeholder of a segment of a URL's path.
func (p *part) inSegment(segment int) *placeholder {
	slashes := -len("//") - 1 // the path begins behind the third
	for _, ph := range p.placeholders {
		if slashes += strings.Count(ph.before, "/"); slashes == segment {
			return ph
		}
	}
	return nil
}

func (r *renderer) renderHeader(p *part) (err error) {
	r.buf, err = r.run(r.buf, p)
	r.ends = append(r.ends, len(r.buf))
	return err
}

// renderBody renders the body and returns its content type.
func (r *renderer) renderBody(fields formFields) (contentType string, err error) {
	start := len(r.buf)
	switch {
	case r.program.webhook.Format == FormatNone:
		return "", nil
	case !r.program.isJSON():
		r.buf, err = r.run(r.buf, r.program.body)
	case r.program.webhook.Format == FormatFormURLEncoded:
		r.buf = fields.appendURLEncoded(r.buf)
	case r.program.webhook.Format == FormatFormData:
		r.buf, contentType, err = fields.appendMultipart(r.buf, request.MaxOutputSize)
	case r.program.body != nil:
		r.buf, err = r.runJSON(r.buf)
	case r.pointer != nil && r.binding.entry.AppendJSON != nil:
		r.buf = r.binding.entry.AppendJSON(r.buf, r.pointer)
		r.buf = r.buf[:start+len(rawjson.MendSurrogates(r.buf[start:]))]
		err = checkValid(r.buf[start:])
	default:
		var b []byte
		b, err = eventJSON(r.event, r.binding.entry, r.pointer)
		r.buf = append(r.buf, b...)
	}
	if err != nil {
		return "", err
	}
	if len(r.buf)-start > request.MaxOutputSize {
		return "", &Error{Field: "body", Err: problem.Errorf(problem.ComposedTooLong, "composed to more than %d bytes: %w",
			request.MaxOutputSize, request.ErrLimit)}
	}
	if contentType == "" {
		contentType = r.program.contentType
	}
	return contentType, nil
}

// runJSON runs the body's template and checks that the result is valid.
func (r *renderer) runJSON(dst []byte) ([]byte, error) {
	start := len(dst)
	dst, err := r.run(dst, r.program.body)
	if err == nil {
		err = checkValid(dst[start:])
	}
	return dst, err
}

// fields returns the fields of a form or a query.
func (r *renderer) fields() (f formFields, err error) {
	if !r.program.hasFields() {
		return nil, nil
	}
	var v field.Value
	switch {
	case r.program.body != nil:
		if r.json, err = r.runJSON(r.json); err != nil {
			return nil, err
		}
		v = field.FromJSON(rawjson.Trim(string(r.json)))
	case r.program.webhook.Method == http.MethodGet:
		return nil, nil
	default:
		if v, err = r.jsonForm(); err != nil {
			return nil, err
		}
	}
	name := escape.AppendFormMember
	if r.program.ownKeys {
		name = escape.AppendFormName
	}
	if f, err = flatten(v, name, r.program.webhook.FormLists); err != nil {
		return nil, &Error{Field: "body", Err: problem.Of(err)}
	}
	return f, nil
}

// request makes a Request of what was rendered into the buffers.
func (r *renderer) request(urlEnd, textEnd int, contentType string, values []string) Request {
	text := string(r.buf[:textEnd])
	keys := r.program.headerKeys
	made := Request{ID: text[:r.idEnd], URL: text[r.idEnd:urlEnd], Header: make(http.Header, len(keys)+1)}
	if textEnd < len(r.buf) {
		made.Body = bytes.Clone(r.buf[textEnd:])
	}
	if n := len(values) + len(keys) + 1; n > cap(values) {
		values = append(make([]string, 0, n), values...)
	}
	set := func(key, value string) {
		values = append(values, value)
		last := len(values) - 1
		made.Header[key] = values[last : last+1 : last+1]
	}
	start := urlEnd
	for i, key := range keys {
		if value := text[start:r.ends[i]]; value != headerLeftOut {
			set(key, value)
		}
		start = r.ends[i]
	}
	if contentType != "" {
		set("Content-Type", contentType)
	}
	return made
}
