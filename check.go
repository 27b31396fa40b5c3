package webhook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/template"
)

// A Severity says whether a [Problem] keeps a webhook from being used.
type Severity string

// The severities of problems.
const (
	SeverityError   Severity = "error"   // Compile refuses the webhook
	SeverityWarning Severity = "warning" // it works, but perhaps not as it was meant
)

// A Problem is one thing that the author of a webhook should see. It is plain data, for a form: the text from Offset on, of
// Length bytes, is what to underline in Field, and what Suggestion, if there is one, would replace.
type Problem struct {
	Field      string   `json:"field"` // as in TemplateError
	Offset     int      `json:"offset"`
	Length     int      `json:"length"`
	Message    string   `json:"message"`
	Suggestion string   `json:"suggestion,omitempty"`
	Severity   Severity `json:"severity"`
}

// Check tells everything that is wrong with a webhook at once, and what may not be what its author meant: the errors first,
// in the order of the settings, URL, headers by name and body, then the warnings in the same order. Of thousands of errors
// some are left out. Without errors [Compile] accepts the webhook. It composes, signs and sends nothing. The messages quote
// names, but no other text of the templates.
//
// For samples see [Compile]. Warnings are a name that is often absent and has no default, a text that stands in JSON without
// quotes of the template's own, text that touches a number in a query, an object or a list in a URL, an @ that a tag takes
// away, a url_encode that changes nothing, and a URL without TLS.
func Check(w Webhook, samples ...Event) []Problem {
	c, faults := compile(w, samples)
	var problems []Problem
	for _, f := range faults {
		problems = append(problems, Problem{f.Field, f.Offset, f.length, f.Err.Error(), f.suggestion, SeverityError})
	}
	errorsEnd := len(problems)
	warn := func(p *part, offset, length int, format string, args ...any) {
		problems = append(problems, Problem{p.field, offset, length, fmt.Sprintf(format, args...), "", SeverityWarning})
	}
	for p := range c.parts() {
		if p == c.url && len(p.source) >= len("http://") && strings.EqualFold(p.source[:len("http://")], "http://") {
			warn(p, 0, len("http:"), "http sends everything in the clear; use https")
		}
		for i, n := range p.nodes {
			c.warnTag(p, n, warn)
			if n.Name != "" {
				c.warnName(p, i, warn)
			}
		}
	}
	slices.SortStableFunc(problems[:errorsEnd], inOrder)
	slices.SortStableFunc(problems[errorsEnd:], inOrder)
	return problems
}

// inOrder sorts problems as an author reads a webhook.
func inOrder(a, b Problem) int {
	rank := func(field string) int {
		switch {
		case field == "body":
			return 3
		case strings.HasPrefix(field, "headers."):
			return 2
		case field == "url":
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(rank(a.Field), rank(b.Field)), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Offset, b.Offset))
}

type warnFunc func(p *part, offset, length int, format string, args ...any)

// warnTag looks at how a tag is written.
func (c *Composer) warnTag(p *part, n template.Node, warn warnFunc) {
	if at := n.Offset - 1; at > 0 && p.source[at] == '@' && p.source[at-1] != '@' && strings.HasPrefix(p.source[n.Offset:], "{{") {
		if before, _ := utf8.DecodeLastRuneInString(p.source[:at]); unicode.IsLetter(before) || unicode.IsDigit(before) {
			warn(p, at, 1, "the @ before a tag is a part of it and not sent; write @@ to send one")
		}
	}
	if last := len(n.Filters) - 1; p == c.url && last >= 0 && n.Filters[last].Name == "url_encode" {
		warn(p, n.Filters[last].At, len("url_encode"), "url_encode changes nothing at the end of a tag in a URL, where every value is encoded")
	}
}

// warnName looks at what a name stands for. Behind filters it may be something else.
func (c *Composer) warnName(p *part, i int, warn warnFunc) {
	n := p.nodes[i]
	m := c.member(c.names[p.segments[i].name].path)
	if m == nil {
		return
	}
	if m.Absent != "" && !defaulted(n) {
		empty := "empty"
		if p.segments[i].op == opJSON {
			empty = "null"
		}
		warn(p, n.At, writtenLength(p.source[n.At:]), "%s is absent %s, and then %s here; the filter default can stand in for it", n.Name, m.Absent, empty)
	}
	if len(n.Filters) > 0 {
		return
	}
	if p.segments[i].op == opJSON && m.Kind == "string" && !p.whole() {
		warn(p, n.Offset, n.End-n.Offset, "%s is a text: without quotes around the tag it brings its own", n.Name)
	}
	if p == c.url && (m.Kind == "object" || m.Kind == "array") {
		warn(p, n.At, writtenLength(p.source[n.At:]), "%s is an %s, which cannot stand in a URL: no message will be composed", n.Name, m.Kind)
	}
	if p == c.url && m.Kind == "number" && c.inQuery(n) {
		after, _ := utf8.DecodeRuneInString(p.source[n.End:])
		before, _ := utf8.DecodeLastRuneInString(p.source[:n.Offset])
		if touches(before) || touches(after) {
			warn(p, n.Offset, n.End-n.Offset, "%s is a number, and touches other text here", n.Name)
		}
	}
}

// whole reports whether a template is nothing but one placeholder.
func (p *part) whole() bool {
	return len(p.nodes) == 1 && strings.TrimSpace(p.segments[0].text+p.tail) == ""
}

func touches(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

func (c *Composer) inQuery(n template.Node) bool {
	return strings.Contains(c.url.source[:n.Offset], "?")
}

// defaulted reports whether something stands in for an absent value.
func defaulted(n template.Node) bool {
	for _, f := range n.Filters {
		if f.Name == "default" {
			return true
		}
	}
	return false
}

// member returns what is known of a name, from the first kind of sample that has it.
func (c *Composer) member(path []string) *field.Member {
	for _, g := range c.samples {
		if g.entry.Type != nil {
			if m := g.entry.Find(path); m != nil {
				return m
			}
			if path[0] != "payload" {
				if m := g.entry.Find(append([]string{"payload"}, path...)); m != nil {
					return m
				}
			} else if len(path) > 1 {
				if m := g.entry.Find(path[1:]); m != nil {
					return m
				}
			}
			continue
		}
		for _, doc := range g.docs {
			if v := lookUp(&field.Doc{Value: doc}, false, path); v.Kind != rawjson.None {
				return &field.Member{Kind: v.TypeName()}
			}
		}
	}
	return nil
}
