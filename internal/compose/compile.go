package compose

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/escape"
	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/filter"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
	"github.com/ringhook/webhook/internal/template"
)

// A compiler makes a Program and collects what is wrong with the webhook.
type compiler struct {
	*Program
	placeholders int // in all templates
	faults       []*Error
}

// Compile makes a program, which can run only if there are no faults. It keeps w.
func Compile(w Webhook, samples ...Event) (*Program, []*Error) {
	if w.Method == "" {
		w.Method = http.MethodPost
	}
	if w.Format == "" {
		w.Format = FormatJSON
	}
	if w.FormLists == "" {
		w.FormLists = FormListsIndex
	}
	c := &compiler{Program: &Program{webhook: w}}
	c.checkSettings()
	c.compileWhen()
	c.compileURL()
	c.compileHeaders()
	c.compileBody()
	c.checkNames(samples)
	c.suggestNames()
	c.checkWhen()
	return c.Program, c.faults
}

// maxFaults is how many faults are reported: an author reads no more, and large
// templates can have a million.
const maxFaults = 1000

// fail records a fault. It returns false, for callers that cannot go on.
func (c *compiler) fail(e *Error) bool {
	if len(c.faults) < maxFaults {
		c.faults = append(c.faults, e)
	}
	return false
}

func (c *compiler) checkSettings() {
	if err := request.CheckMethod(c.webhook.Method); err != nil {
		c.fail(inTemplate("method", "", err))
	}
	c.checkChoice("format", problem.UnknownFormat, c.webhook.Format, FormatJSON, FormatFormData, FormatFormURLEncoded,
		FormatText, FormatXML, FormatNone)
	if c.webhook.Method == http.MethodGet && (c.webhook.Format == FormatText || c.webhook.Format == FormatXML) {
		c.fail(&Error{Field: "format", Err: problem.Errorf(problem.BodyOfGET,
			"a GET has no body, and the format %s no fields for its query", c.webhook.Format)})
	}
	c.checkChoice("form_lists", problem.UnknownFormLists, c.webhook.FormLists,
		FormListsIndex, FormListsBrackets, FormListsRepeat)
}

// checkChoice checks a setting that is one of a few words.
func (c *compiler) checkChoice(field string, code problem.Code, value string, known ...string) {
	if slices.Contains(known, value) {
		return
	}
	last := len(known) - 1
	words := strings.Join(known[:last], ", ") + " or " + known[last]
	text := fmt.Sprintf("unknown %s %.64q, want %s", field, value, words)
	c.fail(&Error{Field: field, Err: problem.New(code, text, nil, value, strings.Join(known, ", "))})
}

// split cuts a template into nodes, and counts the placeholders of all templates. It
// reports false if there are no nodes to go on with.
func (c *compiler) split(field, source string) ([]template.Node, bool) {
	if !c.checkSource(field, source) || len(c.faults) == maxFaults {
		return nil, false
	}
	nodes, errs := template.Split(source, field == "body" && c.isJSON(), request.MaxPlaceholders-c.placeholders)
	for _, err := range errs {
		c.fail(inTemplate(field, source, err))
		if err.Err.Code == problem.TooManyPlaceholders {
			c.placeholders = request.MaxPlaceholders // those of the next templates are too many, too
		}
	}
	for _, n := range nodes {
		if n.Placeholder() {
			c.placeholders += n.Count()
		}
	}
	return nodes, nodes != nil || len(errs) == 0
}

// checkSource checks the size and the bytes of a template.
func (c *compiler) checkSource(field, source string) bool {
	if len(source) > request.MaxTemplateSize {
		return c.fail(&Error{Field: field, Err: problem.Errorf(problem.TemplateTooLong, "a template of %d bytes, at most %d: %w",
			len(source), request.MaxTemplateSize, request.ErrLimit)})
	}
	if i := invalidUTF8(source); i >= 0 {
		return c.fail(inTemplate(field, source, template.Errorf(i, problem.NotUTF8, "not UTF-8")))
	}
	return true
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

// add makes a part of a template's nodes.
func (c *compiler) add(field, source string, limit int, nodes []template.Node, placeOf func(i int) place) *part {
	p := &part{index: len(c.parts), field: field, source: source, limit: limit}
	for i, n := range nodes {
		if !n.Placeholder() {
			p.tail = n.Text
			continue
		}
		at := placeOf(i)
		ph := &placeholder{Node: n, before: p.tail, op: at.op}
		if n.Name != "" {
			ph.name = c.name(n.Name)
		}
		c.compileFilters(p, ph)
		if ph.optional = c.compileOptional(p, n, at); ph.optional {
			ph.lead, p.optional = at.lead, true
			ph.filters = ph.filters[:len(ph.filters)-1]
		}
		last := len(ph.filters) - 1
		if ph.op == opURL && last >= 0 && n.Filters[last].Name == "url_encode" {
			// The place encodes; doing it twice would spoil the value.
			ph.filters = ph.filters[:last]
		}
		p.placeholders = append(p.placeholders, ph)
		p.tail = ""
	}
	c.parts = append(c.parts, p)
	return p
}

// name returns the name with that text, which all placeholders share.
func (c *compiler) name(text string) *name {
	if i := slices.IndexFunc(c.names, func(n *name) bool { return n.text == text }); i >= 0 {
		return c.names[i]
	}
	c.names = append(c.names, newName(text))
	return c.names[len(c.names)-1]
}

// compileFilters makes the filters of a placeholder.
func (c *compiler) compileFilters(p *part, ph *placeholder) {
	n := ph.Node
	if len(c.faults) == maxFaults { // to make suggestions for more of them takes time
		ph.filters = make([]filter.Filter, len(n.Filters))
		return
	}
	for i, call := range n.Filters {
		args := make([]field.Value, len(call.Args))
		for j, a := range call.Args {
			if args[j] = a.Value; a.Name == "" {
				continue
			}
			args[j] = filter.ByName
			if ph.args == nil {
				ph.args = make([][]*placeholder, len(n.Filters))
			}
			if ph.args[i] == nil {
				ph.args[i] = make([]*placeholder, len(args))
			}
			ph.args[i][j] = &placeholder{
				Node: template.Node{Name: a.Name, Offset: a.At, At: a.At, NameEnd: a.End, End: a.End},
				name: c.name(a.Name), argument: true,
			}
		}
		f, err := filter.Compile(call.Name, args)
		if bad := (*filter.ArgError)(nil); errors.As(err, &bad) {
			e := &template.Error{Offset: call.At, Length: len(call.Name), Name: n.Name, Err: bad.Err}
			if bad.Index >= 0 {
				a := call.Args[bad.Index]
				if e.Offset, e.Length = a.At, a.End-a.At; a.Name != "" {
					ph.args[i][bad.Index] = nil // one fault is enough
				}
			}
			fault := inTemplate(p.field, p.source, e)
			switch {
			case errors.Is(err, filter.ErrUnknown):
				fault.Suggestion = filter.Nearest(call.Name)
			case bad.Index == 0 && strings.ContainsAny(call.Args[0].Name, "/-%") && filter.LettersOf(call.Name) != "":
				fault.Suggestion = template.Quote(call.Args[0].Name)
			}
			c.fail(fault)
		}
		ph.filters = append(ph.filters, f)
	}
}

func (c *compiler) compileURL() {
	source := c.webhook.URL
	nodes, ok := c.split("url", source)
	if !ok {
		return
	}
	nodes = trimBlanks(nodes)
	authority, err := template.URL(nodes)
	if err != nil {
		c.fail(inTemplate("url", source, err))
		return
	}
	// The other checks do not depend on values: check the URL with a letter for each.
	var sample strings.Builder
	for i, n := range nodes {
		if n.Placeholder() {
			sample.WriteByte('x')
			c.pathVaries = c.pathVaries || !strings.Contains(sample.String(), "?")
			continue
		}
		fixed := 0
		if i == 0 {
			fixed = authority
		}
		nodes[i].Text = n.Text[:fixed] + string(escape.AppendURLLiteral(nil, n.Text[fixed:]))
		sample.WriteString(nodes[i].Text)
	}
	if _, err := request.ParseURL(sample.String()); err != nil {
		c.fail(inTemplate("url", source, err))
	} else if _, err := request.BadSegment(sample.String(), sample.String()); err != nil {
		c.fail(inTemplate("url", source, err))
	} else {
		c.sampleURL = sample.String()
	}
	c.url = c.add("url", source, request.MaxURLSize, nodes, func(i int) place {
		lead := template.QueryLead(nodes, i)
		return place{opURL, lead, unless(lead > 0, errOptionalQuery)}
	})
}

// trimBlanks removes the blanks, and what cannot be seen, around a template, which are pasted with a URL.
func trimBlanks(nodes []template.Node) []template.Node {
	if len(nodes) > 0 {
		nodes = trimStart(nodes, len(nodes[0].Text)-len(strings.TrimLeftFunc(nodes[0].Text, request.IsBlank)))
	}
	if len(nodes) > 0 {
		last := &nodes[len(nodes)-1]
		text := strings.TrimRightFunc(last.Text, request.IsBlank)
		last.End -= len(last.Text) - len(text)
		if last.Text != "" && text == "" { // it would be a placeholder
			return nodes[:len(nodes)-1]
		}
		last.Text = text
	}
	return nodes
}

// trimStart removes n bytes of the text that a template begins with.
func trimStart(nodes []template.Node, n int) []template.Node {
	if n == 0 {
		return nodes
	}
	nodes[0].Text, nodes[0].Offset = nodes[0].Text[n:], nodes[0].Offset+n
	if nodes[0].Text == "" {
		return nodes[1:]
	}
	return nodes
}

// byteOrderMark is what some editors begin a file with; it is no part of JSON.
const byteOrderMark = '\ufeff'

var errNotFields = problem.Errorf(problem.FormNotFields, "the body of a form must be one JSON object, or one placeholder for one")

func (c *compiler) compileBody() {
	source := c.webhook.Body
	format := c.webhook.Format
	if strings.TrimSpace(strings.TrimPrefix(source, string(byteOrderMark))) == "" {
		if format == FormatText || format == FormatXML {
			c.fail(&Error{Field: "body", Err: problem.Errorf(problem.BodyMissing, "the format %s needs a body template", format)})
		}
		return
	}
	if format == FormatNone {
		c.fail(&Error{Field: "body", Err: errBodyOfNone})
		return
	}
	nodes, ok := c.split("body", source)
	if !ok {
		return
	}
	if c.isJSON() && strings.HasPrefix(source, string(byteOrderMark)) {
		nodes = trimStart(nodes, len(string(byteOrderMark)))
	}
	places, err := c.bodyPlaces(nodes)
	if err != nil {
		c.fail(inTemplate("body", source, err))
		return
	}
	c.body = c.add("body", source, request.MaxOutputSize, nodes, func(i int) place { return places[i] })
}

// bodyPlaces checks the body's template, and returns the place of each node.
func (c *compiler) bodyPlaces(nodes []template.Node) (places []place, err error) {
	if c.isJSON() {
		return c.jsonPlaces(nodes)
	}
	within := make([]bool, len(nodes))
	outer, inner := opText, opText
	switch c.webhook.Format {
	case FormatXML:
		outer, inner = opXML, opXMLAttribute
		within, err = template.XML(nodes, request.MaxDepth)
	default:
		if err = template.Text(nodes); c.csv && err == nil {
			outer, inner = opCSV, opCSVQuoted
			within, err = template.CSV(nodes)
		}
	}
	for _, in := range within {
		at := place{op: outer, refusal: errOptionalText}
		if in {
			at.op = inner
		}
		places = append(places, at)
	}
	return places, err
}

func (c *compiler) jsonPlaces(nodes []template.Node) ([]place, error) {
	found, err := template.JSON(nodes, request.MaxDepth)
	if err != nil {
		return nil, err
	}
	if c.hasFields() {
		first := strings.TrimSpace(nodes[0].Text)
		whole := nodes[0].Placeholder() || first == "" && len(nodes) > 1
		if c.ownKeys = strings.HasPrefix(first, "{"); !c.ownKeys && !whole {
			c.fail(inTemplate("body", c.webhook.Body, &template.Error{Length: 1, Err: errNotFields}))
		}
	}
	places := make([]place, len(nodes))
	for i, at := range found {
		places[i] = jsonPlace(nodes[i], at)
		if at.Lead > 0 {
			before := nodes[i-1].Text
			places[i].lead = len(rawjson.MendSurrogates([]byte(before[len(before)-at.Lead:])))
		}
	}
	for i, n := range nodes {
		if strings.Contains(n.Text, `\u`) {
			nodes[i].Text = string(rawjson.MendSurrogates([]byte(n.Text)))
		}
	}
	return places, nil
}

func jsonPlace(n template.Node, at template.Place) place {
	made := place{op: opJSON, refusal: unless(at.Lead > 0, errOptionalMember)}
	if n.InString {
		made.op = opString
	}
	if at.Element {
		made.refusal = errOptionalElement
	}
	return made
}

// unless returns err if ok is false.
func unless(ok bool, err *problem.Error) *problem.Error {
	if ok {
		return nil
	}
	return err
}
