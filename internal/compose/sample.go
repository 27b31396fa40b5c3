package compose

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/nearest"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
)

// A sampleGroup is the samples of one Go type or, if the Go type does not define the
// members, of one event type.
type sampleGroup struct {
	entry     *field.Entry
	eventType string
	docs      []field.Value
}

func (g *sampleGroup) covers(entry *field.Entry, eventType string) bool {
	if g.entry.Type != nil || entry.Type != nil {
		return g.entry == entry
	}
	return g.eventType == eventType
}

// knows reports whether the group's type or one of its samples has the name.
func (g *sampleGroup) knows(n *name) bool {
	if n.kind != readMember || n.isWhole() {
		return true
	}
	if g.entry.Type != nil {
		if _, _, known := n.resolve(g.entry.Type); known {
			return true
		}
	}
	return g.has(n)
}

func (g *sampleGroup) has(n *name) bool {
	shape := shapeOf(g.entry.Type)
	return slices.ContainsFunc(g.docs, func(doc field.Value) bool { return n.isIn(doc, shape) })
}

// member returns what is known of a name, or nil.
func (g *sampleGroup) member(n *name) *field.Member {
	if n.kind != readMember {
		return &field.Member{Kind: "string"}
	}
	if t := g.entry.Type; t != nil {
		_, path, known := n.resolve(t)
		switch {
		case known && path != nil && len(path) == 0:
			return &field.Member{Kind: "object"}
		case known && path != nil:
			return t.Find(path)
		}
	}
	for _, doc := range g.docs {
		if v := n.lookUp(doc, shapeOf(g.entry.Type)); v.Kind != rawjson.None {
			return &field.Member{Kind: v.TypeName()}
		}
	}
	return nil
}

// member returns what is known of a name, from the first group that has it.
func (p *Program) member(n *name) *field.Member {
	for _, g := range p.samples {
		if m := g.member(n); m != nil {
			return m
		}
	}
	return nil
}

// sampled reports whether a sample of the event's kind has a name that its type does not
// know.
func (p *Program) sampled(entry *field.Entry, eventType string, n *name) bool {
	return slices.ContainsFunc(p.samples, func(g *sampleGroup) bool {
		return g.covers(entry, eventType) && g.has(n)
	})
}

// checkNames checks that one group of samples knows all the names. If none does, the
// names that are unknown to the best group are faults.
func (c *compiler) checkNames(samples []Event) {
	for _, e := range samples {
		if err := c.addSample(e); err != nil {
			c.fail(err)
		}
	}
	var best *sampleGroup
	var fewest []*name
	for _, g := range c.samples {
		if unknown := c.unknownTo(g); best == nil || len(unknown) < len(fewest) {
			best, fewest = g, unknown
		}
	}
	if len(fewest) == 0 {
		return
	}
	for _, p := range c.parts {
		for _, ph := range p.placeholders {
			if ph.name != nil && slices.Contains(fewest, ph.name) {
				c.fail(p.unknown(ph, best))
			}
		}
	}
}

// unknownTo returns the names that a group of samples does not know.
func (p *Program) unknownTo(g *sampleGroup) (unknown []*name) {
	for _, n := range p.names {
		if !g.knows(n) {
			unknown = append(unknown, n)
		}
	}
	return unknown
}

func (c *compiler) addSample(e Event) *Error {
	if field.IsNil(e) {
		return eventError(problem.Errorf(problem.SampleNil, "a sample is nil"))
	}
	entry, doc, err := documentOf(e)
	if bad := (*Error)(nil); errors.As(err, &bad) {
		return bad
	}
	for _, g := range c.samples {
		if g.covers(entry, eventType(e)) {
			g.docs = append(g.docs, doc)
			return nil
		}
	}
	c.samples = append(c.samples, &sampleGroup{entry, eventType(e), []field.Value{doc}})
	return nil
}

// documentOf returns the entry and the JSON form of an event that is not nil.
func documentOf(e Event) (entry *field.Entry, doc field.Value, err error) {
	entry = field.EntryOf(e)
	b, err := JSON(e)
	if err != nil {
		return entry, field.Null, err
	}
	return entry, field.FromJSON(rawjson.Trim(string(b))), nil
}

// unknown returns the error for a placeholder whose name a group does not know.
func (p *part) unknown(ph *placeholder, g *sampleGroup) *Error {
	text := fmt.Sprintf("unknown name %q", ph.Name)
	near := g.nearest(ph.Name)
	if near != "" {
		text += fmt.Sprintf("; did you mean %q?", near)
	}
	e := p.fault(ph, problem.New(problem.UnknownName, text, ErrUnknownName, ph.Name, near))
	e.Offset, e.Length, e.Suggestion = ph.At, writtenLength(p.source[ph.At:]), near
	return e
}

// writtenLength returns the length of the name at the start of a template's text.
func writtenLength(text string) int {
	if end := strings.IndexAny(text, " \t\r\n|}>"); end >= 0 {
		return end
	}
	return len(text)
}

// nearest returns the known name that is closest to a misspelt one, or "" if none is.
func (g *sampleGroup) nearest(misspelt string) string {
	search := nearest.To(misspelt)
	for _, known := range slices.Sorted(maps.Keys(reserved)) {
		search.Try(known)
	}
	prefixed := strings.HasPrefix(misspelt, "payload.")
	shape := shapeOf(g.entry.Type)
	envelope := shape == shapeEnvelope || slices.ContainsFunc(g.docs, func(doc field.Value) bool { return shape.isEnvelope(doc) })
	add := func(member string) {
		if !prefixed && !envelope { // spares making the other spelling of thousands of names
			search.Try(member)
			return
		}
		for _, known := range spellings(member, envelope) {
			if strings.HasPrefix(known, "payload.") == prefixed || known == member {
				search.Try(known)
			}
		}
	}
	if g.entry.Type != nil {
		g.entry.Names(func(path string, m *field.Member) {
			add(path)
			for _, alias := range m.Aliases {
				add(strings.TrimSuffix(path, m.Name) + alias)
			}
		})
	}
	for _, doc := range g.docs {
		doc.Names(add)
	}
	best := search.Best()
	if best == "" || !g.knows(newName(best)) { // another member has that name
		return ""
	}
	return best
}
