package compose

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/template"
)

// A Program is the templates of one webhook, ready to run. Compile makes it. It is safe
// for concurrent use and does not change.
type Program struct {
	webhook     Webhook
	names       []*name // of all placeholders, each once, in the order of the parts
	parts       []*part // URL, headers in the order of headerKeys, body if there is one
	url         *part
	headers     []*part
	body        *part // nil: the event's own JSON form
	sampleURL   string
	headerKeys  []string
	contentType string // of a body; empty if a header sets it, if it has a boundary, or if there is none
	csv         bool   // a body of text is CSV
	ownKeys     bool   // the body template is an object: the author wrote its keys
	pathVaries  bool   // the path has placeholders, so it may get dot segments

	when     *condition     // nil: every event is wanted
	whenPart *part          // its source; it has no placeholders
	operands []*placeholder // of when

	samples  []*sampleGroup
	bindings sync.Map // *field.Entry → *binding
	latest   atomic.Pointer[binding]
}

// A part is one template: of the URL, of a header's value or of the body.
type part struct {
	index         int    // in Program.parts
	field, source string // as in Error
	placeholders  []*placeholder
	tail          string // the text after the last placeholder
	limit         int    // the most bytes that it may render to
	cut           bool   // what is over the limit is cut off, and not an error; a header's
	optional      bool   // one of the placeholders is
}

// A placeholder is one of a template's placeholders, with the text before it.
type placeholder struct {
	template.Node
	before  string
	name    *name // nil for a literal
	filters []filter.Filter
	args    [][]*placeholder // of each filter, nil for literals; nil if there are no names
	op      op

	argument bool // it is no placeholder, but an argument of a filter of one, or the right side of a comparison
	optional bool // it is left out when it has no value,
	lead     int  // with so many bytes of the text before it
}

// names calls yield with the placeholder and the names that are arguments of its filters,
// in their order, with the index of the filter. It is -1 for the placeholder's own.
func (ph *placeholder) names(yield func(use *placeholder, filter int)) {
	if ph.name != nil {
		yield(ph, -1)
	}
	for i, args := range ph.args {
		for _, arg := range args {
			if arg != nil {
				yield(arg, i)
			}
		}
	}
}

// hasFallback reports whether something replaces the value of a name that an event does not
// have, behind the filter with that index.
func (ph *placeholder) hasFallback(filter int) bool {
	return nextDefault(ph.Filters, filter+1) >= 0 || ph.optional && filter < 0
}

// An op is how a value is escaped. It depends on the place of the placeholder.
type op byte

const (
	opURL          op = iota // percent-encoded
	opHeader                 // text without control characters
	opString                 // inside a JSON string
	opJSON                   // a JSON value
	opText                   // text without control characters but TAB and the line feed
	opCSV                    // a cell
	opCSVQuoted              // inside a cell's quotes
	opXML                    // text of XML
	opXMLAttribute           // the value of an attribute
)

// An escaper writes a text for a place.
type escaper func(dst []byte, text string) []byte

var escapers = [...]escaper{
	opURL:    escape.AppendURL,
	opHeader: escape.AppendHeader,
	opString: rawjson.AppendEscaped,
	opJSON:   appendJSONText,

	opText:         escape.AppendText,
	opCSV:          escape.AppendCSV,
	opCSVQuoted:    escape.AppendCSVQuoted,
	opXML:          escape.AppendXML,
	opXMLAttribute: escape.AppendXMLAttribute,
}

// keepsUnreserved reports whether a text of unreserved characters is written as it is.
func (o op) keepsUnreserved() bool {
	switch o {
	case opJSON, opCSV, opCSVQuoted: // in quotes, or perhaps a formula
		return false
	}
	return true
}

// appendJSONText appends a text as a JSON value. An empty text is null.
func appendJSONText(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "null"...)
	}
	return rawjson.AppendString(dst, text)
}

// Placeholders returns the names that the templates use, each once, in the order of URL,
// headers by name, and body.
func (p *Program) Placeholders() []string {
	names := make([]string, len(p.names))
	for i, n := range p.names {
		names[i] = n.text
	}
	return names
}

// ID returns the webhook's id.
func (p *Program) ID() string { return p.webhook.ID }

// Method returns the HTTP method, which is never empty.
func (p *Program) Method() string { return p.webhook.Method }

// SampleURL returns the URL with a letter for each placeholder; empty if it is invalid.
func (p *Program) SampleURL() string { return p.sampleURL }

// isJSON reports whether the body's template is JSON, as that of a form is, too.
func (p *Program) isJSON() bool {
	switch p.webhook.Format {
	case FormatText, FormatXML, FormatNone:
		return false
	}
	return true
}

// hasFields reports whether the body's members become fields of a form or of a query.
func (p *Program) hasFields() bool {
	return p.isJSON() && (p.webhook.Format != FormatJSON || p.webhook.Method == http.MethodGet)
}
