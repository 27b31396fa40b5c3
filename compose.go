package webhook

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/template"
)

// A Composer makes messages of events in the form that one [Webhook] asks for. [Compile] makes it. It is safe for concurrent
// use and does not change.
type Composer struct {
	webhook     Webhook
	names       []name // of the placeholders, each once, as the parts' segments number them
	url         *part
	headers     []*part // in the order of headerKeys
	body        *part   // nil: the event's own JSON form
	headerKeys  []string
	contentType string // of a body; empty if a header says it, or if it has a boundary
	authored    bool   // the body template is an object, so its keys are the author's own
	dotted      bool   // the path has placeholders, so that it could get dot segments

	segments int // of all parts
	samples  []*sampleGroup
	bindings sync.Map // *field.Entry → *binding
	latest   atomic.Pointer[binding]
}

// Compile checks a webhook and prepares it for composing: every placeholder, where it stands, and with samples also that it
// names something. The error is a [*TemplateError]; of several faults it tells the first.
//
// [Check] tells all faults, and what is no fault but may not be what was meant.
//
// Samples are events such as the webhook will get; zero values of the payload types will do. A name that no sample knows is
// an error then and there, with the nearest name that is known. With samples of several types, there must be one that knows
// all the names. Without samples, an unknown name is an error of Compose.
func Compile(w Webhook, samples ...Event) (*Composer, error) {
	c, faults := compile(w, samples)
	if len(faults) > 0 {
		return nil, faults[0]
	}
	return c, nil
}

// MustCompile is [Compile] for webhooks that stand in the program's own text. It panics where Compile returns an error.
func MustCompile(w Webhook, samples ...Event) *Composer {
	c, err := Compile(w, samples...)
	if err != nil {
		panic(err)
	}
	return c
}

// Placeholders returns the names that the templates use, each once, in the order of URL, headers by name, and body.
func (c *Composer) Placeholders() []string {
	names := make([]string, len(c.names))
	for i, n := range c.names {
		names[i] = n.text
	}
	return names
}

// An op is what is done with a value: the escaping of the place where the placeholder stands.
type op byte

const (
	opURL    op = iota // percent-encoded
	opHeader           // text without controls
	opString           // inside a JSON string
	opJSON             // a JSON value
)

// A part is one template, ready to run.
type part struct {
	field, source string
	segments      []segment
	tail          string          // behind the last segment
	nodes         []template.Node // of the segments' placeholders
	filters       [][]filter.Filter
	first         int  // number of the first segment among those of all parts
	cut           bool // what is over the limit is cut
}

// A segment is literal text and the placeholder behind it.
type segment struct {
	text     string
	op       op
	computed bool // a literal, or a name with filters
	name     int  // index into the composer's names; -1 for a literal
}

// A name is what a placeholder names.
type name struct {
	text string
	path []string
}

// parts yields all templates.
func (c *Composer) parts() func(yield func(*part) bool) {
	return func(yield func(*part) bool) {
		for _, p := range append(append([]*part{c.url}, c.headers...), c.body) {
			if p != nil && !yield(p) {
				return
			}
		}
	}
}

// asForm reports whether the body's members become fields of a form or of a query.
func (c *Composer) asForm() bool {
	return c.webhook.Format != FormatJSON || c.webhook.Method == http.MethodGet
}
