package compose

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/nearest"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/template"
)

// A sampleGroup is the samples of one Go type or, if the Go type does not define the
// members, of one event type.
type sampleGroup struct {
	entry      *field.Entry
	eventTypes []string // of docs; those of a Go type may be several
	docs       []field.Value
}

func (g *sampleGroup) covers(entry *field.Entry, eventType string) bool {
	if g.entry.Type != nil || entry.Type != nil {
		return g.entry == entry
	}
	return slices.Contains(g.eventTypes, eventType)
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

// hides reports whether a member of the group's events has the reserved name n, and another
// value. own is the name of that member; empty if there is none.
func (g *sampleGroup) hides(n *name) (own string, hidden bool) {
	shape := shapeOf(g.entry.Type)
	for i, doc := range g.docs {
		envelope := shape.isEnvelope(doc)
		member := []string{n.text}
		if !n.isWhole() && envelope && doc.Walk(member).Kind == rawjson.None {
			member = append([]string{"payload"}, member...)
		}
		switch v := doc.Walk(member); {
		case v.Kind == rawjson.None, n.isWhole() && (envelope || v.Empty()):
		case n.kind == readEvent && v.String() == g.eventTypes[i]:
		default:
			return spelling(member, envelope), true
		}
	}
	return "", false
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

// checkNames checks that there are events that a message can be made of: that one group of
// samples knows all the names which it needs. If none does, those that are unknown to the
// best group are faults.
func (c *compiler) checkNames(samples []Event) {
	for _, e := range samples {
		if err := c.addSample(e); err != nil {
			c.fail(err)
		}
	}
	var best *sampleGroup
	var fewest []use
	for _, g := range c.samples {
		if missing := c.missing(g); best == nil || len(missing) < len(fewest) {
			best, fewest = g, missing
		}
	}
	if len(fewest) == 0 {
		return
	}
	known := newKnown(best)
	for _, u := range fewest {
		c.fail(u.part.unknown(u.placeholder, known))
	}
}

// A use is a name in a part: in a placeholder, or as an argument of a filter.
type use struct {
	part *part
	*placeholder
}

// missing returns the names for want of which no message can be made of a group's events.
// Those of runFilters and arguments are not among them.
func (p *Program) missing(g *sampleGroup) (missing []use) {
	knows := map[*name]bool{}
	for _, n := range p.names {
		knows[n] = g.knows(n)
	}
	for _, part := range p.parts {
		for _, ph := range part.placeholders {
			known := false // a name before was
			ph.names(func(u *placeholder, filter int) {
				fallback := ph.hasFallback(filter) || known && filter >= 0 && ph.Filters[filter].Name == "default"
				switch {
				case knows[u.name]:
					known = true
				case !fallback || !p.knownToAny(u.name):
					missing = append(missing, use{part, u})
				}
			})
		}
	}
	return missing
}

// knownToAny reports whether a sample of any kind knows a name.
func (p *Program) knownToAny(n *name) bool {
	return slices.ContainsFunc(p.samples, func(g *sampleGroup) bool { return g.knows(n) })
}

// covers reports whether there are samples of a kind of event.
func (p *Program) covers(entry *field.Entry, eventType string) bool {
	return slices.ContainsFunc(p.samples, func(g *sampleGroup) bool { return g.covers(entry, eventType) })
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
			g.docs, g.eventTypes = append(g.docs, doc), append(g.eventTypes, eventType(e))
			return nil
		}
	}
	c.samples = append(c.samples, &sampleGroup{entry, []string{eventType(e)}, []field.Value{doc}})
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

// unknown returns the error for a placeholder whose name is not known.
func (p *part) unknown(ph *placeholder, k *known) *Error {
	text := fmt.Sprintf("unknown name %q", ph.Name)
	near := cmp.Or(constants[strings.ToLower(ph.Name)], k.nearest(ph.Name))
	isValue := ph.argument && (near == "" || p.field == "when" && k.spelt(ph.Name) == "" && !strings.ContainsAny(ph.Name, ".["))
	switch {
	case isValue && constants[strings.ToLower(ph.Name)] == "":
		near = template.Quote(ph.Name)
		text += "; a text is written in quotes"
	case near != "":
		text += fmt.Sprintf("; did you mean %q?", near)
	case template.IsStatement(ph.Name):
		text += "; there are no conditions or loops"
	}
	e := p.fault(ph, problem.New(problem.UnknownName, text, ErrUnknownName, ph.Name, near))
	e.Offset, e.Length, e.Suggestion = ph.At, ph.NameEnd-ph.At, near
	return e
}

// constants has what other languages write for those that are no names.
var constants = map[string]string{
	"null": "nil", "none": "nil", "nil": "nil", "undefined": "nil", "true": "true", "false": "false",
}

// known has the names of a group, for many searches of the nearest one.
type known struct {
	*sampleGroup
	plain, prefixed []string          // to try for a name, and for one that begins with payload
	byLetters       map[string]string // a name by its letters
	work            int               // bytes of misspelt names, for each name that they were compared with
	byLast          map[string]string // a name by the letters of its last part; "" of several
}

// mostWork is how much work is put into suggestions: an author has a few names that are
// wrong, but 500 long ones, each compared with a thousand others, would take half a second.
const mostWork = 2 << 20

func newKnown(g *sampleGroup) *known {
	k := &known{sampleGroup: g, plain: slices.Sorted(maps.Keys(reserved)), byLetters: map[string]string{}, byLast: map[string]string{}}
	k.prefixed = slices.Clone(k.plain)
	shape := shapeOf(g.entry.Type)
	envelope := shape == shapeEnvelope || slices.ContainsFunc(g.docs, func(doc field.Value) bool { return shape.isEnvelope(doc) })
	add := func(member []string) {
		name, other := spelling(member, envelope), otherSpelling(member, envelope)
		k.plain, k.prefixed = append(k.plain, name), append(k.prefixed, name)
		if by := letters(strings.Join(member, "")); by != "" && k.byLetters[by] == "" {
			k.byLetters[by] = name
		}
		last := letters(member[len(member)-1])
		if before, several := k.byLast[last]; several && before != name {
			name = ""
		}
		k.byLast[last] = name
		if strings.HasPrefix(other, "payload") {
			k.prefixed = append(k.prefixed, other)
		} else {
			k.plain = append(k.plain, other)
		}
	}
	if g.entry.Type != nil {
		g.entry.Names(func(path []string, m *field.Member) {
			add(path)
			for _, alias := range m.Aliases {
				add(append(slices.Clone(path[:len(path)-1]), alias))
			}
		})
	}
	for _, doc := range g.docs {
		doc.Names(add)
	}
	return k
}

// nearest returns the known name that is closest to a misspelt one, or "" if none is.
func (k *known) nearest(misspelt string) string {
	if name := k.spelt(misspelt); strings.Contains(name, "[") || misspelt[0] == '[' { // far from it, for its signs
		return name
	}
	path := template.Path(misspelt)
	names := k.plain
	if path[0] == "payload" {
		names = k.prefixed
	}
	if k.work += len(misspelt) * len(names); k.work > mostWork {
		return ""
	}
	search := nearest.To(misspelt)
	for _, name := range names {
		search.Try(name)
	}
	if best := search.Best(); best != "" && k.knows(newName(best)) { // else another member has that name
		return best
	}
	if inner := k.spelt(strings.Join(path[1:], "")); inner != "" { // of an event that is wrapped elsewhere
		return inner
	}
	return k.byLast[letters(path[len(path)-1])]
}

// spelt returns the name that has the letters of a text, or "" if none has: only its signs
// and blanks are wrong, such as those of attributes.Date of Birth.
func (k *known) spelt(text string) string {
	by := letters(text)
	if by == "" {
		return ""
	}
	for _, by := range []string{by, strings.TrimPrefix(by, "payload"), "payload" + by} {
		if name := k.byLetters[by]; name != "" && k.knows(newName(name)) {
			return name
		}
	}
	return ""
}

// letters returns the letters and digits of a text, in lower case.
func letters(text string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text))
}

// suggestNames suggests the right spelling of names that are refused for a blank or a sign
// in them, if a sample knows it.
func (c *compiler) suggestNames() {
	var groups []*known
	for _, f := range c.faults {
		wrong := f.Err.Code == problem.BlankInName || f.Err.Code == problem.NameCharacter
		if !wrong || f.Field == "when" {
			continue
		}
		if groups == nil {
			for _, g := range c.samples {
				groups = append(groups, newKnown(g))
			}
		}
		c.suggestSpelling(f, groups)
	}
}

// suggestSpelling suggests the right spelling of the name that a fault is in.
func (c *compiler) suggestSpelling(f *Error, groups []*known) {
	v := template.Read(f.Source, 0, f.Field == "body" && c.isJSON())
	at := v.Index(f.Offset)
	before, behind := v.Text[:at], v.Text[at:]
	start := max(strings.LastIndex(before, "{{"), strings.LastIndex(before, "@<<")+1) + len("{{")
	end := len(v.Text)
	if i := strings.IndexAny(behind, "|}>"); i >= 0 {
		end = at + i
	}
	written := v.Text[start:end]
	text := strings.TrimSpace(written)
	from := start + strings.Index(written, text)
	to := from + len(text)
	for _, k := range groups {
		name := k.spelt(text)
		if name == "" {
			continue
		}
		if text[0] == '{' && strings.HasPrefix(v.Text[end:], "}}}") { // the third braces go, too
			from, to, name = start-len("{{"), end+len("}}}"), "{{"+name+"}}"
		}
		f.Offset, f.Length, f.Suggestion = v.Offset(from), v.Offset(to)-v.Offset(from), name
		return
	}
}
