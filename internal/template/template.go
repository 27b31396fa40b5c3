// Package template reads the templates that customers write: text with placeholders.
package template

import (
	"fmt"
	"io"
	"strings"

	"github.com/valyala/fasttemplate"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
)

// A Node is a piece of a template: text, or a placeholder.
type Node struct {
	Text    string
	Name    string      // the dotted name in a placeholder; empty if it has a literal
	Literal field.Value // of a placeholder without a name
	Filters []Call
	Offset  int // of the text, or of the tag's opening
	At      int // the offset of the name or literal
	End     int // the offset after the text or tag
}

// Placeholder reports whether the node is a placeholder.
func (n Node) Placeholder() bool { return n.Text == "" }

// An Error is a fault at one place of a template.
type Error struct {
	Offset, Length int
	Name           string // the placeholder, if there is one
	Err            *problem.Error
}

func (e *Error) Error() string { return fmt.Sprintf("offset %d: %v", e.Offset, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error at an offset, with a length of 1.
func Errorf(offset int, code problem.Code, format string, args ...any) *Error {
	return &Error{Offset: offset, Length: 1, Err: problem.Errorf(code, format, args...)}
}

// Errorf returns an Error at a placeholder's tag.
func (n Node) Errorf(code problem.Code, format string, args ...any) *Error {
	return &Error{Offset: n.Offset, Length: n.End - n.Offset, Name: n.Name, Err: problem.Errorf(code, format, args...)}
}

// The tags. The platform's documents write {{x}} as @{{x}}, where the @ is an escape of
// their page generator, and customers paste both. So one @ before a tag is part of it.
const (
	openBraces, closeBraces = "{{", "}}"
	openAngles, closeAngles = "@<<", ">>"
)

// Split cuts a template into its nodes, without empty texts. If the template is JSON,
// \" in a tag means ".
//
// Split returns all errors inside tags at once. The nodes have the literal nil for each
// such tag, so that the caller can check the rest of the template. If a tag has no end,
// there are no nodes.
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

// literal splits the text between tags in braces, which may have tags in angle brackets.
func (s *splitter) literal(text string, offset int) *Error {
	return cut(text, offset, openAngles, closeAngles, s.text, s.placeholder)
}

func (s *splitter) text(text string, offset int) *Error {
	if text != "" {
		s.nodes = append(s.nodes, Node{Text: text, Offset: offset, End: offset + len(text)})
	}
	return nil
}

// braces adds a tag in braces, and removes the @ from the text before it.
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
		err = Errorf(at+i, problem.TagInTag, "a tag inside a tag")
	}
	if err != nil {
		s.errs = append(s.errs, err)
		n = Node{Literal: field.Null, Offset: offset, At: offset, End: n.End}
	}
	s.nodes = append(s.nodes, n)
}

// nestedTag returns the offset of a tag inside a tag's content and outside quotes, or -1.
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
		case strings.HasPrefix(content[i:], openBraces),
			strings.HasPrefix(content[i:], openAngles),
			strings.HasPrefix(content[i:], "<<"):
			return i
		}
	}
	return -1
}

// cut calls text and tag for the texts and tags of src, in order. at is the offset of a
// tag's content.
func cut(
	src string, base int, open, closing string,
	text func(string, int) *Error, tag func(content string, offset, at int),
) *Error {
	t, err := fasttemplate.NewTemplate(src, open, closing)
	if err != nil { // it quotes the template, which may have credentials
		return Errorf(base+unclosed(src, open, closing), problem.TagUnclosed, "a tag is not closed by %s", closing)
	}
	// fasttemplate has split the template. To get the pieces, run it once with a writer
	// that records them.
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
