package template

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
)

// A template of XML is read with tagMark, which XML cannot hold, for each placeholder. It
// may stand in text and in the values of attributes, where a value with its characters
// escaped ends nothing. What an event must not choose, it cannot: names, namespaces,
// references, and what a parser does not hand on, such as comments.
const tagMark = 0

// XML reports for each node whether it is in an attribute's value. The error has the
// first place at which the template is not one element of well-formed XML 1.0, with
// declared prefixes, or has a DOCTYPE, a placeholder in any other place, or elements
// nested deeper than maxDepth.
func XML(nodes []Node, maxDepth int) (inAttribute []bool, err error) {
	x := xmlTemplate{inAttribute: make([]bool, len(nodes)), maxDepth: maxDepth}
	x.nodes = nodes
	for _, n := range nodes {
		x.starts = append(x.starts, len(x.text))
		if n.Placeholder() {
			x.text = append(x.text, tagMark)
			continue
		}
		for i, r := range n.Text {
			if !isXML(r) {
				return nil, Errorf(n.Offset+i, problem.XMLCharacter, "a character that XML does not allow")
			}
		}
		x.text = append(x.text, n.Text...)
	}
	if err := x.document(); err != nil {
		return nil, err
	}
	if err := x.strict(); err != nil {
		return nil, err
	}
	return x.inAttribute, nil
}

// isXML reports whether XML 1.0 can hold a character.
func isXML(r rune) bool {
	return r >= ' ' && r < 0xfffe || r == '\t' || r == '\n' || r == '\r' || r > 0xffff
}

type xmlTemplate struct {
	substituted
	inAttribute []bool
	maxDepth    int
	i           int
	open        []xmlElement
}

// An xmlElement is an element whose end has not come.
type xmlElement struct {
	name     string
	offset   int
	prefixes map[string]string // that it declares, with their namespaces
}

const utf8BOM = "\ufeff"

func (x *xmlTemplate) document() *Error {
	if x.has(utf8BOM) {
		x.i = len(utf8BOM)
	}
	if x.has("<?xml") && strings.Contains(xmlBlanks, string(x.at(x.i+len("<?xml")))) {
		if err := x.declaration(); err != nil {
			return err
		}
	}
	root := false
	for x.i < len(x.text) {
		start := x.i
		switch {
		case len(x.open) > 0 || strings.IndexByte(xmlBlanks, x.text[x.i]) >= 0:
		case x.text[x.i] != '<', root && !x.has("<!") && !x.has("<?"):
			return x.errorf(start, problem.XMLRoot, "one element must be around everything else")
		case !x.has("<!") && !x.has("<?"):
			root = true
		}
		if err := x.next(); err != nil {
			return err
		}
	}
	switch {
	case len(x.open) > 0:
		return x.unclosed(x.open[len(x.open)-1].offset, "an element")
	case !root:
		return x.errorf(len(x.text), problem.XMLRoot, "one element must be around everything else")
	}
	return nil
}

// declarationForm is what a declaration may be: of XML 1.0, in UTF-8.
var declarationForm = regexp.MustCompile(`^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')` +
	`(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?i:"utf-8"|'utf-8'))?` +
	`(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"yes"|"no"|'yes'|'no'))?[ \t\r\n]*\?>`)

func (x *xmlTemplate) declaration() *Error {
	start := x.i
	if err := x.through(start, "?>", "an XML declaration"); err != nil {
		return err
	}
	if !declarationForm.Match(x.text[start:x.i]) {
		return x.badDeclaration(start)
	}
	return nil
}

func (x *xmlTemplate) badDeclaration(start int) *Error {
	return x.errorf(start, problem.XMLDeclaration,
		"an XML declaration must be the very beginning, of version 1.0 and with no encoding but UTF-8")
}

// next reads what is at the current place: a tag, or a character of text.
func (x *xmlTemplate) next() *Error {
	start := x.i
	switch c := x.text[x.i]; {
	case c == tagMark:
		x.i++
	case c == '&':
		return x.reference()
	case x.has("]]>"):
		return x.syntax(start)
	case c == '>' && x.behindTag():
		return x.errorf(start, problem.XMLGreater, "a > behind a placeholder, whose value may end in ]]: write &gt;")
	case c != '<':
		x.i++
	case x.has("<!--"):
		x.i += len("<!--")
		if err := x.through(start, "--", "a comment"); err != nil {
			return err
		}
		if x.at(x.i) != '>' {
			return x.syntax(x.i - len("--"))
		}
		x.i++
	case x.has("<![CDATA[") && len(x.open) > 0:
		return x.through(start, "]]>", "a CDATA section")
	case x.has("<!") && unicode.IsLetter(rune(x.at(x.i+len("<!")))):
		return x.errorf(start, problem.XMLDoctype, "a DOCTYPE is not allowed")
	case x.has("<!"):
		return x.syntax(start)
	case x.has("<?"):
		x.i += len("<?")
		name, err := x.name()
		if err != nil {
			return err
		}
		switch blank := strings.IndexByte(xmlBlanks, x.at(x.i)) >= 0; {
		case strings.EqualFold(name, "xml"):
			return x.badDeclaration(start)
		case !blank && !x.has("?>"), strings.Contains(name, ":"):
			return x.syntax(x.i)
		}
		x.i = start
		return x.through(start, "?>", "a processing instruction")
	case x.has("</"):
		return x.endTag()
	default:
		return x.startTag()
	}
	return nil
}

// behindTag reports whether a value could make the end of a CDATA section, ]]>, of a > at
// the current place. No text may have one.
func (x *xmlTemplate) behindTag() bool {
	before := x.text[:x.i]
	for n := 0; n < len("]]") && bytes.HasSuffix(before, []byte("]")); n++ {
		before = before[:len(before)-1]
	}
	return bytes.HasSuffix(before, []byte{tagMark})
}

// through moves behind the end of something that began at start and has no placeholders.
func (x *xmlTemplate) through(start int, end, what string) *Error {
	n := bytes.Index(x.text[x.i:], []byte(end))
	if n < 0 {
		return x.unclosed(start, what)
	}
	if mark := slices.Index(x.text[x.i:x.i+n], tagMark); mark >= 0 {
		return x.misplaced(x.i+mark, what)
	}
	x.i += n + len(end)
	return nil
}

func (x *xmlTemplate) endTag() *Error {
	start := x.i
	x.i += len("</")
	name, err := x.name()
	if err != nil {
		return err
	}
	x.skipBlanks()
	last := len(x.open) - 1
	switch {
	case x.at(x.i) != '>':
		return x.tagSyntax(start)
	case last < 0 || x.open[last].name != name:
		return x.errorf(start, problem.XMLEndTag, "a closing tag that is not of the element before it")
	}
	x.i++
	x.open = x.open[:last]
	return nil
}

func (x *xmlTemplate) startTag() *Error {
	e := xmlElement{offset: x.i, prefixes: map[string]string{}}
	x.i++
	var err *Error
	if e.name, err = x.name(); err != nil {
		return err
	}
	names := []string{e.name} // and those of attributes, at these offsets
	offsets := []int{e.offset}
	for {
		blank := x.skipBlanks()
		if x.at(x.i) == '>' || x.has("/>") {
			break
		} else if !blank {
			return x.tagSyntax(e.offset)
		}
		at := x.i
		name, value, err := x.attribute(e.offset)
		if err != nil {
			return err
		}
		names, offsets = append(names, name), append(offsets, at)
		if prefix, ok := strings.CutPrefix(name, "xmlns:"); ok {
			if value == "" || prefix == "xml" || prefix == "xmlns" {
				return x.errorf(at, problem.XMLPrefix, "a prefix that is not declared by an xmlns, or not well")
			}
			e.prefixes[prefix] = value
		}
	}
	x.open = append(x.open, e)
	if err := x.checkNames(names, offsets); err != nil {
		return err
	}
	if len(x.open) > x.maxDepth {
		return x.errorf(e.offset, problem.XMLTooDeep, "nested too deeply: %w", request.ErrLimit)
	}
	if x.at(x.i) == '/' {
		x.i++
		x.open = x.open[:len(x.open)-1]
	}
	x.i++
	return nil
}

// checkNames checks the prefixes of a tag's names, and that no attribute is there twice,
// be it under another prefix.
func (x *xmlTemplate) checkNames(names []string, offsets []int) *Error {
	type full struct{ namespace, name string }
	seen := map[full]bool{}
	for i, name := range names {
		key := full{"", name}
		if prefix, local, ok := strings.Cut(name, ":"); ok && prefix != "xml" && (prefix != "xmlns" || i == 0) {
			namespace := x.namespace(prefix)
			if namespace == "" {
				return x.errorf(offsets[i], problem.XMLPrefix, "a prefix that is not declared by an xmlns, or not well")
			}
			key = full{namespace, local}
		}
		if i > 0 && seen[key] {
			return x.errorf(offsets[i], problem.XMLAttributeTwice, "an attribute that the tag has twice")
		}
		seen[key] = i > 0
	}
	return nil
}

// namespace returns what a prefix stands for, or nothing.
func (x *xmlTemplate) namespace(prefix string) string {
	for _, e := range slices.Backward(x.open) {
		if namespace, ok := e.prefixes[prefix]; ok {
			return namespace
		}
	}
	return ""
}

// attribute reads an attribute of a tag and returns its name and the text of its value.
func (x *xmlTemplate) attribute(tag int) (name, value string, err *Error) {
	if name, err = x.name(); err != nil {
		return "", "", err
	}
	x.skipBlanks()
	if x.at(x.i) != '=' {
		return "", "", x.tagSyntax(tag)
	}
	x.i++
	x.skipBlanks()
	quote := x.at(x.i)
	if quote != '"' && quote != '\'' {
		return "", "", x.tagSyntax(tag)
	}
	start := x.i
	for x.i++; x.i < len(x.text); {
		switch c := x.text[x.i]; {
		case c == quote:
			x.i++
			return name, string(x.text[start+1 : x.i-1]), nil
		case c == '<':
			return "", "", x.syntax(x.i)
		case c == '&':
			if err := x.reference(); err != nil {
				return "", "", err
			}
			continue
		case c == tagMark && (name == "xmlns" || strings.HasPrefix(name, "xmlns:")):
			return "", "", x.misplaced(x.i, "a namespace")
		case c == tagMark:
			i, _ := x.node(x.i)
			x.inAttribute[i] = true
		}
		x.i++
	}
	return "", "", x.unclosed(start, "an attribute's value")
}

// reference reads a reference to a character.
func (x *xmlTemplate) reference() *Error {
	start := x.i
	const longest = len("&#x0010ffff;")
	rest := x.text[start:min(start+longest, len(x.text))]
	end := slices.Index(rest, ';')
	if mark := slices.Index(rest, tagMark); mark >= 0 && (end < 0 || mark < end) && isReference(rest[1:mark]) {
		return x.misplaced(start+mark, "a reference")
	}
	if end < 0 || !isKnown(string(rest[1:end])) {
		return x.errorf(start, problem.XMLReference,
			"a reference that XML does not know: & itself is written &amp;, other characters as they are")
	}
	x.i += end + 1
	return nil
}

// isReference reports whether text could go on to be a reference.
func isReference(text []byte) bool {
	return !slices.ContainsFunc(text, func(c byte) bool {
		return c != '#' && !('0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z')
	})
}

// isKnown reports whether a reference is to a character that XML can hold.
func isKnown(reference string) bool {
	digits, ok := strings.CutPrefix(reference, "#")
	if !ok {
		return slices.Contains([]string{"amp", "lt", "gt", "quot", "apos"}, reference)
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	r, err := strconv.ParseUint(digits, base, 32)
	return err == nil && r <= unicode.MaxRune && utf8.ValidRune(rune(r)) && isXML(rune(r))
}

// name reads a name. Beyond ASCII, encoding/xml decides about its characters.
func (x *xmlTemplate) name() (string, *Error) {
	start := x.i
	for x.i < len(x.text) {
		c := x.text[x.i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
		other := '0' <= c && c <= '9' || c == '-' || c == '.' || c == ':'
		if !letter && (!other || x.i == start) {
			break
		}
		x.i++
	}
	switch {
	case x.at(x.i) == tagMark && x.i < len(x.text):
		return "", x.misplaced(x.i, "a tag")
	case x.i == start:
		return "", x.syntax(start)
	}
	name := string(x.text[start:x.i])
	if _, local, ok := strings.Cut(name, ":"); ok {
		first, _ := utf8.DecodeRuneInString(local)
		if first != '_' && !unicode.In(first, unicode.L, unicode.Nl) || strings.Contains(local, ":") {
			return "", x.syntax(start)
		}
	}
	return name, nil
}

// strict reads the template as the standard library does, which is to find nothing more.
func (x *xmlTemplate) strict() error {
	text := strings.ReplaceAll(strings.TrimPrefix(string(x.text), utf8BOM), string(rune(tagMark)), "x")
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		switch _, err := d.Token(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return x.syntax(len(x.text) - len(text) + int(d.InputOffset()))
		}
	}
}

const xmlBlanks = " \t\r\n"

// skipBlanks reports whether there were some.
func (x *xmlTemplate) skipBlanks() bool {
	start := x.i
	for x.i < len(x.text) && strings.IndexByte(xmlBlanks, x.text[x.i]) >= 0 {
		x.i++
	}
	return x.i > start
}

func (x *xmlTemplate) has(prefix string) bool {
	return bytes.HasPrefix(x.text[x.i:], []byte(prefix))
}

// at returns a byte of the text, or 0 behind its end.
func (x *xmlTemplate) at(i int) byte {
	if i < len(x.text) {
		return x.text[i]
	}
	return 0
}

func (x *xmlTemplate) errorf(at int, code problem.Code, format string, args ...any) *Error {
	if at == len(x.text) {
		return Errorf(x.end(), code, format, args...)
	}
	i, source := x.node(at)
	if n := x.nodes[i]; n.Placeholder() {
		return n.Errorf(code, format, args...)
	}
	return Errorf(source, code, format, args...)
}

func (x *xmlTemplate) syntax(at int) *Error { return x.errorf(at, problem.XMLSyntax, "not XML") }

// tagSyntax is for the current place in a tag that began at start.
func (x *xmlTemplate) tagSyntax(start int) *Error {
	switch {
	case x.i == len(x.text):
		return x.unclosed(start, "a tag")
	case x.text[x.i] == tagMark:
		return x.misplaced(x.i, "a tag")
	}
	return x.syntax(x.i)
}

func (x *xmlTemplate) unclosed(at int, what string) *Error {
	return x.errorf(at, problem.XMLUnclosed, "%s is not closed", what)
}

func (x *xmlTemplate) misplaced(at int, what string) *Error {
	return x.errorf(at, problem.XMLPlaceholder,
		"a placeholder in %s: only text, and attributes' values in quotes, may have one", what)
}
