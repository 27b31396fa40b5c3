// Package template reads the templates that customers write: text with placeholders.
package template

import (
	"fmt"
	"io"
	"strings"

	"github.com/valyala/fasttemplate"

	"github.com/ringhook/webhook/internal/field"
)

// A Node is a piece of a template: text, or a placeholder.
type Node struct {
	Text    string
	Name    string      // what a placeholder names, dotted; empty if it has a literal
	Literal field.Value // of a placeholder without a name
	Filters []Call
	Offset  int // of the text, of the tag's opening
	At      int // of the name or literal
	End     int // behind the tag
}

// Placeholder reports whether the node is one.
func (n Node) Placeholder() bool { return n.Text == "" }

// An Error is a fault at one place of a template.
type Error struct {
	Offset, Length int
	Name           string // the placeholder, if there is one
	Err            error
}

func (e *Error) Error() string { return fmt.Sprintf("offset %d: %v", e.Offset, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error at an offset.
func Errorf(offset int, format string, args ...any) *Error {
	return &Error{Offset: offset, Length: 1, Err: fmt.Errorf(format, args...)}
}

// Errorf makes an Error at a placeholder's tag.
func (n Node) Errorf(format string, args ...any) *Error {
	return &Error{Offset: n.Offset, Length: n.End - n.Offset, Name: n.Name, Err: fmt.Errorf(format, args...)}
}

// The tags. In the documents {{x}} stands as @{{x}}, where the @ is an escape of their
// page generator, and customers paste both; so one @ in front of a tag is part of it.
const (
	openBraces, closeBraces = "{{", "}}"
	openAngles, closeAngles = "@<<", ">>"
)

// Split cuts a template into its nodes, without empty texts. If the template is JSON,
// \" in a tag stands for ".
//
// Of the errors, all that are inside of tags come at once; the nodes then have the
// literal nil for each such tag, so that what is around them can still be looked at.
// After a tag without an end there are no nodes.
func Split(src string, isJSON bool) ([]Node, []*Error) {
	s := splitter{json: isJSON}
	if err := cut(src, 0, openBraces, closeBraces, s.literal, s.braces); err != nil {
		return nil, append(s.errs, err)
	}
	return s.nodes, s.errs
}

type splitter struct {
	json  bool
	nodes []Node
	errs  []*Error
}

// literal takes text between tags in braces, which may have tags in angles.
func (s *splitter) literal(text string, offset int) *Error {
	return cut(text, offset, openAngles, closeAngles, s.text, s.placeholder)
}

func (s *splitter) text(text string, offset int) *Error {
	if text != "" {
		s.nodes = append(s.nodes, Node{Text: text, Offset: offset, End: offset + len(text)})
	}
	return nil
}

// braces takes a tag in braces and cuts the @ off the text before it.
func (s *splitter) braces(content string, offset, at int) {
	if last := len(s.nodes) - 1; last >= 0 && !s.nodes[last].Placeholder() {
		if text, ok := strings.CutSuffix(s.nodes[last].Text, "@"); ok {
			s.nodes[last].Text = text
			s.nodes[last].End--
			if text == "" {
				s.nodes = s.nodes[:last]
			}
		}
	}
	s.placeholder(content, offset, at)
}

func (s *splitter) placeholder(content string, offset, at int) {
	n := Node{Offset: offset, End: at + len(content) + len(closeBraces)}
	x := expr{src: content, base: at, json: s.json}
	err := x.parse(&n)
	if i := nestedTag(content); i >= 0 {
		err = Errorf(at+i, "a tag inside a tag")
	}
	if err != nil {
		s.errs = append(s.errs, err)
		n = Node{Literal: field.Null, Offset: offset, At: offset, End: n.End}
	}
	s.nodes = append(s.nodes, n)
}

// nestedTag returns where a tag begins inside a tag's content, but not in a text in
// quotes; -1 if none does.
func nestedTag(content string) int {
	quote := byte(0)
	for i := range len(content) {
		switch c := content[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.HasPrefix(content[i:], openBraces), strings.HasPrefix(content[i:], openAngles), strings.HasPrefix(content[i:], "<<"):
			return i
		}
	}
	return -1
}

// cut gives the texts and tags of src in order to text and tag; at is the offset of a
// tag's content.
func cut(src string, base int, open, closing string, text func(string, int) *Error, tag func(content string, offset, at int)) *Error {
	t, err := fasttemplate.NewTemplate(src, open, closing)
	if err != nil { // its text quotes the template, which may hold credentials
		return Errorf(base+unclosed(src, open, closing), "a tag is not closed by %s", closing)
	}
	// fasttemplate has done the splitting; running the template once, with a writer
	// that records, gives the pieces.
	r := recorder{offset: base, text: text}
	// The only errors are r's own.
	_, _ = t.ExecuteFunc(&r, func(_ io.Writer, content string) (int, error) {
		if r.err == nil {
			start := r.offset
			r.offset += len(open) + len(content) + len(closing)
			tag(strings.Clone(content), start, start+len(open))
		}
		return 0, nil
	})
	return r.err
}

type recorder struct {
	offset int
	text   func(string, int) *Error
	err    *Error
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.err == nil {
		start := r.offset
		r.offset += len(p)
		r.err = r.text(string(p), start)
	}
	return len(p), nil
}

// unclosed returns the offset of the tag that has no end.
func unclosed(src, open, closing string) int {
	for i := 0; ; {
		n := strings.Index(src[i:], open)
		if n < 0 {
			return len(src)
		}
		tag := i + n
		if n = strings.Index(src[tag+len(open):], closing); n < 0 {
			return tag
		}
		i = tag + len(open) + n + len(closing)
	}
}
