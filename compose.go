package webhook

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/template"
)

// A Composer makes messages of events in the form that one [Webhook] asks for. [Compile] makes it. It is safe for concurrent
// use and does not change.
type Composer struct {
	webhook     Webhook
	names       []name  // of the placeholders, each once, as the parts' segments number them
	url         *part   //
	headers     []*part // in the order of headerKeys
	body        *part   // nil: the event's own JSON form
	headerKeys  []string
	contentType string // of a body; empty if a header says it, or if it has a boundary
	authored    bool   // the body template is an object, so its keys are the author's own
	dotted      bool   // the path has placeholders, so that it could get dot segments

	placeholders int // in all templates
	segments     int // of all parts
	samples      []*sampleGroup
	bindings     sync.Map // *field.Entry → *binding
	latest       atomic.Pointer[binding]
}

// Compile checks a webhook and prepares it for composing: every placeholder, where it stands, and with samples also that it
// names something. The error is a [*TemplateError]; of several faults it tells the first.
//
// Samples are events such as the webhook will get; zero values of the payload types will do. A name that no sample knows is
// an error then and there, with the nearest name that is known. With samples of several types, there must be one that knows
// all the names. Without samples, an unknown name is an error of Compose.
func Compile(w Webhook, samples ...Event) (*Composer, error) {
	w = w.clone()
	if w.Method == "" {
		w.Method = http.MethodPost
	}
	if w.Format == "" {
		w.Format = FormatJSON
	}
	c := &Composer{webhook: w}
	for _, step := range []func() error{c.checkSettings, c.compileURL, c.compileHeaders, c.compileBody} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if err := c.checkNames(samples); err != nil {
		return nil, err
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
	opNone   op = iota
	opURL       // percent-encoded
	opHeader    // text without controls
	opString    // inside a JSON string
	opJSON      // a JSON value
)

// A part is one template, ready to run.
type part struct {
	field, source string
	segments      []segment
	nodes         []template.Node // of the segments' placeholders
	first         int             // number of the first segment among those of all parts
	cut           bool            // what is over the limit is cut
}

// A segment is literal text and the placeholder behind it, if there is one.
type segment struct {
	text string
	op   op
	name int // index into the composer's names
}

// A name is what a placeholder names.
type name struct {
	text string
	path []string
}

func (c *Composer) checkSettings() error {
	if err := checkMethod(c.webhook.Method); err != nil {
		return &TemplateError{Field: "method", Err: err}
	}
	if !slices.Contains([]Format{FormatJSON, FormatFormData, FormatFormURLEncoded}, c.webhook.Format) {
		return &TemplateError{Field: "format", Err: fmt.Errorf("unknown format %.64q, want %s, %s or %s",
			c.webhook.Format, FormatJSON, FormatFormData, FormatFormURLEncoded)}
	}
	if c.webhook.Policy != nil {
		if err := c.webhook.Policy.check(); err != nil {
			return &TemplateError{Field: "policy", Err: err}
		}
	}
	return nil
}

// split cuts a template into nodes, and counts the placeholders of all templates.
func (c *Composer) split(field, source string) ([]template.Node, error) {
	if len(source) > MaxTemplateSize {
		return nil, &TemplateError{Field: field, Err: fmt.Errorf("a template of %d bytes, at most %d: %w", len(source), MaxTemplateSize, ErrLimit)}
	}
	if i := invalidUTF8(source); i >= 0 {
		return nil, inTemplate(field, source, template.Errorf(i, "not UTF-8"))
	}
	nodes, err := template.Split(source, MaxNameSize, MaxDepth, field == "body")
	if err != nil {
		return nil, inTemplate(field, source, err)
	}
	for _, n := range nodes {
		if !n.Placeholder() {
			continue
		}
		if c.placeholders++; c.placeholders > MaxPlaceholders {
			return nil, inTemplate(field, source, n.Errorf("more than %d placeholders in all templates: %w", MaxPlaceholders, ErrLimit))
		}
	}
	return nodes, nil
}

func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if _, n := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
			return i
		}
	}
	return -1
}

// newPart makes the program of a template.
func (c *Composer) newPart(field, source string, nodes []template.Node, opOf func(i int) op) *part {
	p := &part{field: field, source: source}
	text := ""
	for i, n := range nodes {
		if !n.Placeholder() {
			text = n.Text
			continue
		}
		p.segments = append(p.segments, segment{text: text, op: opOf(i), name: c.number(n.Name)})
		p.nodes = append(p.nodes, n)
		text = ""
	}
	p.segments = append(p.segments, segment{text: text})
	p.first = c.segments
	c.segments += len(p.segments)
	return p
}

// number gives a name its number. There are few enough to look at each.
func (c *Composer) number(text string) int {
	if i := slices.IndexFunc(c.names, func(n name) bool { return n.text == text }); i >= 0 {
		return i
	}
	c.names = append(c.names, name{text, field.Split(text)})
	return len(c.names) - 1
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

func (c *Composer) compileURL() error {
	source := c.webhook.URL
	nodes, err := c.split("url", source)
	if err != nil {
		return err
	}
	authority, err := template.URL(nodes)
	if err != nil {
		return inTemplate("url", source, err)
	}
	// What is left to check does not depend on values: look at the URL with a letter for each of them.
	var sample strings.Builder
	for i, n := range nodes {
		if n.Placeholder() {
			sample.WriteByte('x')
			c.dotted = c.dotted || !strings.Contains(sample.String(), "?")
			continue
		}
		fixed := 0
		if i == 0 {
			fixed = authority
		}
		nodes[i].Text = n.Text[:fixed] + string(escape.AppendURLLiteral(nil, n.Text[fixed:]))
		sample.WriteString(nodes[i].Text)
	}
	if _, err := checkURL(sample.String()); err != nil {
		return inTemplate("url", source, err)
	}
	if dotSegment(sample.String()) {
		return inTemplate("url", source, errDotSegment)
	}
	c.url = c.newPart("url", source, nodes, func(int) op { return opURL })
	return nil
}

func (c *Composer) compileHeaders() error {
	if n := len(c.webhook.Headers); n > MaxHeaders {
		return &TemplateError{Field: "headers", Err: fmt.Errorf("%d headers, at most %d: %w", n, MaxHeaders, ErrLimit)}
	}
	if c.webhook.Format == FormatJSON {
		c.contentType = "application/json"
	}
	if c.webhook.Format == FormatFormURLEncoded {
		c.contentType = "application/x-www-form-urlencoded"
	}
	for _, name := range slices.Sorted(maps.Keys(c.webhook.Headers)) {
		if err := c.compileHeader(name, c.webhook.Headers[name]); err != nil {
			return err
		}
	}
	return nil
}

func (c *Composer) compileHeader(name, source string) error {
	if err := checkHeaderName(name); err != nil {
		return &TemplateError{Field: "headers", Err: err}
	}
	key, fieldName := http.CanonicalHeaderKey(name), "headers."+name
	if slices.Contains(c.headerKeys, key) {
		return &TemplateError{Field: "headers", Err: fmt.Errorf("header %s is there twice", key)}
	}
	nodes, err := c.split(fieldName, source)
	if err != nil {
		return err
	}
	size := 0
	for _, n := range nodes {
		size += len(n.Text)
		if i := strings.IndexFunc(n.Text, isHeaderControl); i >= 0 {
			return inTemplate(fieldName, source, template.Errorf(n.Offset+i, "a control character in a header"))
		}
	}
	if size > MaxHeaderSize {
		return &TemplateError{Field: fieldName, Err: fmt.Errorf("%d bytes without its placeholders, at most %d: %w", size, MaxHeaderSize, ErrLimit)}
	}
	if key == "Content-Type" {
		if err := c.ownContentType(nodes); err != nil {
			return &TemplateError{Field: fieldName, Err: err}
		}
		c.contentType = ""
	}
	c.headerKeys = append(c.headerKeys, key)
	p := c.newPart(fieldName, source, nodes, func(int) op { return opHeader })
	p.cut = true
	c.headers = append(c.headers, p)
	return nil
}

// ownContentType allows a Content-Type that only says more about the JSON that is sent.
func (c *Composer) ownContentType(nodes []template.Node) error {
	if c.webhook.Format != FormatJSON {
		return fmt.Errorf("the format %s sets its own Content-Type", c.webhook.Format)
	}
	if len(nodes) == 1 && !nodes[0].Placeholder() {
		t, params, err := mime.ParseMediaType(nodes[0].Text)
		top, sub, _ := strings.Cut(t, "/")
		utf8 := params["charset"] == "" || strings.EqualFold(params["charset"], "utf-8")
		if err == nil && top != "" && utf8 && (sub == "json" || strings.HasSuffix(sub, "+json")) {
			return nil
		}
	}
	return fmt.Errorf("want a type of JSON in UTF-8 such as application/json, without placeholders")
}

func (c *Composer) compileBody() error {
	source := c.webhook.Body
	if strings.TrimSpace(source) == "" {
		return nil
	}
	nodes, err := c.split("body", source)
	if err != nil {
		return err
	}
	inString, err := template.JSON(nodes, MaxDepth)
	if err != nil {
		return inTemplate("body", source, err)
	}
	if c.asForm() {
		first := strings.TrimSpace(nodes[0].Text)
		whole := nodes[0].Placeholder() || first == "" && len(nodes) > 1
		if c.authored = strings.HasPrefix(first, "{"); !c.authored && !whole {
			return inTemplate("body", source, template.Errorf(0, "the fields of a form are one JSON object, or one placeholder that stands for one"))
		}
	}
	c.body = c.newPart("body", source, nodes, func(i int) op {
		if inString[i] {
			return opString
		}
		return opJSON
	})
	return nil
}

// asForm reports whether the body's members become fields of a form or of a query.
func (c *Composer) asForm() bool {
	return c.webhook.Format != FormatJSON || c.webhook.Method == http.MethodGet
}
