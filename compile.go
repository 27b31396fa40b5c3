package webhook

import (
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/template"
)

// A compiler makes a Composer, and gathers what is wrong with the webhook on the way.
type compiler struct {
	*Composer
	placeholders int // in all templates
	faults       []*TemplateError
}

// compile makes a Composer. It is of use only if there are no faults.
func compile(w Webhook, samples []Event) (*Composer, []*TemplateError) {
	w = w.clone()
	if w.Method == "" {
		w.Method = http.MethodPost
	}
	if w.Format == "" {
		w.Format = FormatJSON
	}
	c := &compiler{Composer: &Composer{webhook: w}}
	c.checkSettings()
	c.compileURL()
	c.compileHeaders()
	c.compileBody()
	c.checkNames(samples)
	return c.Composer, c.faults
}

// maxFaults is how many faults are told: an author reads no more, and large templates can have a million.
const maxFaults = 1000

// fail notes what is wrong. It returns false, for those who cannot go on.
func (c *compiler) fail(e *TemplateError) bool {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, e)
	}
	return false
}

func (c *compiler) checkSettings() {
	if err := checkMethod(c.webhook.Method); err != nil {
		c.fail(&TemplateError{Field: "method", Err: err})
	}
	if !slices.Contains([]Format{FormatJSON, FormatFormData, FormatFormURLEncoded}, c.webhook.Format) {
		c.fail(&TemplateError{Field: "format", Err: fmt.Errorf("unknown format %.64q, want %s, %s or %s",
			c.webhook.Format, FormatJSON, FormatFormData, FormatFormURLEncoded)})
	}
	if c.webhook.Policy != nil {
		if err := c.webhook.Policy.check(); err != nil {
			c.fail(&TemplateError{Field: "policy", Err: err})
		}
	}
}

// split cuts a template into nodes, and counts the placeholders of all templates. It reports false if there are none to go
// on with.
func (c *compiler) split(field, source string) ([]template.Node, bool) {
	if len(source) > MaxTemplateSize {
		return nil, c.fail(&TemplateError{Field: field, Err: fmt.Errorf("a template of %d bytes, at most %d: %w", len(source), MaxTemplateSize, ErrLimit)})
	}
	if i := invalidUTF8(source); i >= 0 {
		return nil, c.fail(inTemplate(field, source, template.Errorf(i, "not UTF-8")))
	}
	nodes, errs := template.Split(source, MaxNameSize, MaxDepth, field == "body")
	for _, err := range errs {
		c.fail(inTemplate(field, source, err))
	}
	for _, n := range nodes {
		if !n.Placeholder() {
			continue
		}
		if c.placeholders++; c.placeholders > MaxPlaceholders {
			return nil, c.fail(inTemplate(field, source, n.Errorf("more than %d placeholders in all templates: %w", MaxPlaceholders, ErrLimit)))
		}
	}
	return nodes, nodes != nil || len(errs) == 0
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
func (c *compiler) newPart(field, source string, nodes []template.Node, opOf func(i int) op) *part {
	p := &part{field: field, source: source}
	text := ""
	for i, n := range nodes {
		if !n.Placeholder() {
			text = n.Text
			continue
		}
		s := segment{text: text, op: opOf(i), name: -1, computed: true}
		if n.Name != "" {
			s.name, s.computed = c.number(n.Name), len(n.Filters) > 0
		}
		p.segments = append(p.segments, s)
		p.nodes = append(p.nodes, n)
		filters := c.compileFilters(p, n)
		if last := len(filters) - 1; s.op == opURL && last >= 0 && n.Filters[last].Name == "url_encode" {
			filters = filters[:last] // the place encodes; doing it twice would spoil the value
		}
		p.filters = append(p.filters, filters)
		text = ""
	}
	p.tail = text
	p.first = c.segments
	c.segments += len(p.segments)
	return p
}

// compileFilters makes the filters of a placeholder.
func (c *compiler) compileFilters(p *part, n template.Node) []filter.Filter {
	var filters []filter.Filter
	for _, call := range n.Filters {
		args := make([]field.Value, len(call.Args))
		for i, a := range call.Args {
			args[i] = a.Value
		}
		f, err := filter.Compile(call.Name, args)
		if bad := (*filter.ArgError)(nil); errors.As(err, &bad) {
			e := template.Errorf(call.At, "%w", bad.Err)
			e.Name, e.Length = n.Name, len(call.Name)
			if bad.Index >= 0 {
				a := call.Args[bad.Index]
				e.Offset, e.Length = a.At, a.End-a.At
			}
			fault := inTemplate(p.field, p.source, e)
			if errors.Is(err, filter.ErrUnknown) {
				fault.suggestion = filter.Nearest(call.Name)
			}
			c.fail(fault)
		}
		filters = append(filters, f)
	}
	return filters
}

// number gives a name its number. There are few enough to look at each.
func (c *compiler) number(text string) int {
	if i := slices.IndexFunc(c.names, func(n name) bool { return n.text == text }); i >= 0 {
		return i
	}
	c.names = append(c.names, name{text, field.Split(text)})
	return len(c.names) - 1
}

func (c *compiler) compileURL() {
	source := c.webhook.URL
	nodes, ok := c.split("url", source)
	if !ok {
		return
	}
	authority, err := template.URL(nodes)
	if err != nil {
		c.fail(inTemplate("url", source, err))
		return
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
		c.fail(inTemplate("url", source, err))
	} else if dotSegment(sample.String()) {
		c.fail(inTemplate("url", source, errDotSegment))
	}
	c.url = c.newPart("url", source, nodes, func(int) op { return opURL })
}

func (c *compiler) compileHeaders() {
	if n := len(c.webhook.Headers); n > MaxHeaders {
		c.fail(&TemplateError{Field: "headers", Err: fmt.Errorf("%d headers, at most %d: %w", n, MaxHeaders, ErrLimit)})
		return
	}
	if c.webhook.Format == FormatJSON {
		c.contentType = "application/json"
	}
	if c.webhook.Format == FormatFormURLEncoded {
		c.contentType = "application/x-www-form-urlencoded"
	}
	for _, name := range slices.Sorted(maps.Keys(c.webhook.Headers)) {
		c.compileHeader(name, c.webhook.Headers[name])
	}
}

func (c *compiler) compileHeader(name, source string) {
	key, err := checkHeaderName(name)
	if err != nil {
		c.fail(&TemplateError{Field: "headers", Err: err})
		return
	}
	fieldName := "headers." + name
	if slices.Contains(c.headerKeys, key) {
		c.fail(&TemplateError{Field: "headers", Err: fmt.Errorf("header %s is there twice", key)})
		return
	}
	nodes, ok := c.split(fieldName, source)
	if !ok {
		return
	}
	size := 0
	for _, n := range nodes {
		size += len(n.Text)
		if i := strings.IndexFunc(n.Text, isHeaderControl); i >= 0 {
			c.fail(inTemplate(fieldName, source, template.Errorf(n.Offset+i, "a control character in a header")))
			return
		}
	}
	if size > MaxHeaderSize {
		c.fail(&TemplateError{Field: fieldName, Err: fmt.Errorf("%d bytes without its placeholders, at most %d: %w", size, MaxHeaderSize, ErrLimit)})
		return
	}
	if key == "Content-Type" {
		if err := c.ownContentType(nodes); err != nil {
			c.fail(&TemplateError{Field: fieldName, Err: err})
			return
		}
		c.contentType = ""
	}
	c.headerKeys = append(c.headerKeys, key)
	p := c.newPart(fieldName, source, nodes, func(int) op { return opHeader })
	p.cut = true
	c.headers = append(c.headers, p)
}

// ownContentType allows a Content-Type that only says more about the JSON that is sent.
func (c *compiler) ownContentType(nodes []template.Node) error {
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

func (c *compiler) compileBody() {
	source := c.webhook.Body
	if strings.TrimSpace(source) == "" {
		return
	}
	nodes, ok := c.split("body", source)
	if !ok {
		return
	}
	inString, err := template.JSON(nodes, MaxDepth)
	if err != nil {
		c.fail(inTemplate("body", source, err))
		return
	}
	if c.asForm() {
		first := strings.TrimSpace(nodes[0].Text)
		whole := nodes[0].Placeholder() || first == "" && len(nodes) > 1
		if c.authored = strings.HasPrefix(first, "{"); !c.authored && !whole {
			c.fail(inTemplate("body", source, template.Errorf(0, "the fields of a form are one JSON object, or one placeholder that stands for one")))
		}
	}
	c.body = c.newPart("body", source, nodes, func(i int) op {
		if inString[i] {
			return opString
		}
		return opJSON
	})
}
