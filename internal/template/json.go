package template

import (
	"sort"
	"strings"

	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/rawjson"
	"github.com/ringhook/webhook/internal/request"
)

// A JSON template is checked with a harmless text for each placeholder: null outside
// strings, a letter inside them. The letter never completes an escape (neither \x nor
// \ux is one), and null makes any text next to it a syntax error. So a template that
// passes keeps its shape with every value.
const (
	forBare   = "null"
	forString = "x"
)

// A Place is where a placeholder stands in JSON.
type Place struct {
	// Lead is set if it is the whole value of a member, bare or in quotes: how many bytes
	// of the text before it belong to the member, from the blanks before the key on.
	Lead    int
	Element bool // it is the whole of an element of a list
}

// JSON returns the place of each node. The error has the first place at which the template
// is not JSON, has a placeholder in a key, has a key twice, or is nested deeper than
// maxDepth.
func JSON(nodes []Node, maxDepth int) (places []Place, err error) {
	j := jsonTemplate{substituted: substituted{nodes: nodes}, places: make([]Place, len(nodes))}
	if err := j.substitute(); err != nil {
		return nil, err
	}
	if off := rawjson.Check(j.text); off >= 0 {
		return nil, j.syntaxError(off)
	}
	start := 0
	for start < len(j.text) && rawjson.Trim(string(j.text[start:start+1])) == "" {
		start++
	}
	if err := j.checkKeys(rawjson.Trim(string(j.text)), start, maxDepth); err != nil {
		return nil, err
	}
	return j.places, nil
}

type jsonTemplate struct {
	substituted
	places []Place
}

func (j *jsonTemplate) substitute() error {
	escaped := false
	for _, n := range j.nodes {
		j.starts = append(j.starts, len(j.text))
		switch {
		case !n.Placeholder():
			escaped = endsInBackslash(n.Text)
			j.text = append(j.text, n.Text...)
		case escaped && n.InString:
			return n.Errorf(problem.PlaceholderBackslash, "a placeholder after a backslash")
		case n.InString:
			j.text = append(j.text, forString...)
		default:
			j.text = append(j.text, forBare...)
		}
	}
	return nil
}

// endsInBackslash reports whether a text ends in a backslash that no other one escapes.
func endsInBackslash(text string) bool {
	return (len(text)-len(strings.TrimRight(text, `\`)))%2 == 1
}

func (j *jsonTemplate) syntaxError(off int) error {
	if off >= len(j.text) {
		return Errorf(j.end(), problem.JSONEnds, "not JSON: it ends early")
	}
	i, source := j.node(off)
	n := j.nodes[i]
	switch {
	case n.Placeholder() && n.InString:
		return n.Errorf(problem.PlaceholderInEscape, "a placeholder inside an escape")
	case n.Placeholder():
		return n.Errorf(problem.PlaceholderNoValue, "a placeholder is not allowed here: outside a string it is a whole JSON value, and never a key")
	case source == n.Offset && i > 0 && j.nodes[i-1].Placeholder() && !j.nodes[i-1].InString:
		return j.nodes[i-1].Errorf(problem.TextNextToPlaceholder, "text next to a bare placeholder: outside a string it is a whole JSON value")
	}
	return Errorf(source, problem.JSONSyntax, "not JSON")
}

// checkKeys checks the keys and the depth of all objects in raw, which begins at offset
// base of the text.
func (j *jsonTemplate) checkKeys(raw string, base, depth int) error {
	if k := rawjson.KindOf(raw); k != rawjson.Object && k != rawjson.List {
		return nil
	}
	if depth == 0 {
		_, source := j.node(base)
		return Errorf(source, problem.JSONTooDeep, "nested too deeply: %w", request.ErrLimit)
	}
	seen := map[string]bool{}
	for it := rawjson.Walk(raw); it.Next(); {
		if raw[0] == '{' {
			if n, ok := j.placeholder(base+it.KeyStart, base+it.KeyEnd); ok {
				return n.Errorf(problem.PlaceholderInKey, "a placeholder in a key")
			}
			key := it.Key()
			if seen[key] {
				_, source := j.node(base + it.KeyStart)
				err := Errorf(source, problem.DuplicateKey, "duplicate key")
				err.Length = it.KeyEnd - it.KeyStart
				return err
			}
			seen[key] = true
			j.place(base+it.Start, base+it.End, base+it.KeyStart)
		} else {
			j.place(base+it.Start, base+it.End, -1)
		}
		if err := j.checkKeys(it.Value(), base+it.Start, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// placeholder returns the first placeholder between two offsets of the text.
func (j *jsonTemplate) placeholder(from, to int) (Node, bool) {
	for i := sort.SearchInts(j.starts, from); i < len(j.nodes) && j.starts[i] < to; i++ {
		if j.nodes[i].Placeholder() {
			return j.nodes[i], true
		}
	}
	return Node{}, false
}

// place notes the placeholder that is the whole value at some offsets of the text, if
// there is one. key is the offset of its key; of an element it is -1.
func (j *jsonTemplate) place(start, end, key int) {
	if j.text[start] == '"' {
		start, end = start+1, end-1
	}
	i := sort.SearchInts(j.starts, start)
	if i == len(j.nodes) || j.starts[i] != start || !j.nodes[i].Placeholder() ||
		i+1 < len(j.nodes) && j.starts[i+1] < end {
		return
	}
	if key < 0 {
		j.places[i].Element = true
		return
	}
	for key > 0 && rawjson.Trim(string(j.text[key-1:key])) == "" {
		key--
	}
	j.places[i].Lead = start - key
}
