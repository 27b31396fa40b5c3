// Package template reads the templates that customers write: text with placeholders.
package template

import (
	"fmt"
	"io"
	"strings"

	"github.com/valyala/fasttemplate"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
)

// A Node is a piece of a template: text, or a placeholder.
type Node struct {
	Text    string
	Name    string      // the dotted name in a placeholder; empty if it has a literal
	Literal field.Value // of a placeholder without a name
	Filters []Call
	Offset  int // of the text, or of the tag's opening
	At      int // the offset of the name or literal
	NameEnd int // the offset after it
	End     int // the offset after the text or tag
	// InString reports whether a tag of a JSON template is inside a JSON text.
	InString bool
}

// Placeholder reports whether the node is a placeholder.
func (n Node) Placeholder() bool { return n.Text == "" }

// Count returns how many placeholders a placeholder counts for: one, and one for each name
// that is an argument of its filters.
func (n Node) Count() int {
	count := 1
	for _, call := range n.Filters {
		for _, a := range call.Args {
			if a.Name != "" {
				count++
			}
		}
	}
	return count
}

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

// Split cuts a template into its nodes, without empty texts. If the template is JSON, a
// tag inside a JSON text is read as JSON reads it.
//
// Split returns all errors inside tags at once. The nodes have the literal nil for each
// such tag, so that the caller can check the rest of the template. If a tag has no end, or
// if there are more than most placeholders or 1000 errors, at which Split stops, there are
// no nodes.
func Split(src string, isJSON bool, most int) ([]Node, []*Error) {
	s := splitter{src: src, json: isJSON, left: most}
	if err := cut(View{Text: src}, openBraces, closeBraces, s.literal, s.braces); err != nil {
		return nil, append(s.errs, err)
	}
	return s.nodes, s.errs
}

// mostErrors is how many errors Split returns at most: an author reads no more.
const mostErrors = 1000

type splitter struct {
	src      string
	json     bool
	inString bool // a JSON text is open
	left     int  // how many placeholders there may be
	nodes    []Node
	errs     []*Error
}

// A span is a piece of a template.
type span struct{ from, to int }

// A tagSpan is a tag, and its content.
type tagSpan struct{ tag, content span }

// literal splits the text between tags in braces, which may have tags in angle brackets.
// Some encoders of JSON write < and > as escapes, so these are looked for behind them.
func (s *splitter) literal(at span) *Error {
	return cut(Read(s.src[at.from:at.to], at.from, s.json), openAngles, closeAngles, s.text, s.placeholder)
}

func (s *splitter) text(at span) *Error {
	text := s.src[at.from:at.to]
	if text == "" {
		return nil
	}
	s.nodes = append(s.nodes, Node{Text: text, Offset: at.from, End: at.to})
	for i := 0; i < len(text) && s.json; i++ {
		switch {
		case text[i] == '"':
			s.inString = !s.inString
		case text[i] == '\\' && s.inString:
			i++
		}
	}
	return nil
}

// braces adds a tag in braces, and removes the @ from the text before it.
func (s *splitter) braces(at tagSpan) *Error {
	if last := len(s.nodes) - 1; last >= 0 && !s.nodes[last].Placeholder() {
		if text, ok := strings.CutSuffix(s.nodes[last].Text, "@"); ok {
			s.nodes[last].Text = text
			s.nodes[last].End--
			if text == "" {
				s.nodes = s.nodes[:last]
			}
		}
	}
	return s.placeholder(at)
}

func (s *splitter) placeholder(at tagSpan) *Error {
	n := Node{Offset: at.tag.from, End: at.tag.to, InString: s.inString}
	content := strings.Clone(s.src[at.content.from:at.content.to])
	x := expr{View: Read(content, at.content.from, s.inString), inString: s.inString}
	x.src = x.Text
	if err := x.parse(&n); err != nil {
		if i := x.nestedTag(); i >= 0 {
			// Most likely this one is not closed: it is blamed, and not the one in it.
			err = Errorf(n.Offset, problem.TagInTag, "a tag inside a tag")
			err.Length = x.Offset(i) - n.Offset
		}
		if len(s.errs) == mostErrors-1 {
			return err
		}
		s.errs = append(s.errs, err)
		n = Node{Literal: field.Null, Offset: n.Offset, At: n.Offset, NameEnd: n.Offset, End: n.End, InString: n.InString}
		s.left--
	} else if s.left -= n.Count(); s.left < 0 {
		return n.Errorf(problem.TooManyPlaceholders, "more than %d placeholders in all templates: %w", request.MaxPlaceholders, request.ErrLimit)
	}
	s.nodes = append(s.nodes, n)
	return nil
}

// nestedTag returns the offset of a tag inside a tag's content and outside quotes, or -1.
func (x *expr) nestedTag() int {
	for x.i = 0; x.i < len(x.src); x.i++ {
		switch {
		case x.quoted():
			_, end, err := x.scan(false)
			if err != nil {
				return -1
			}
			x.i = end - 1
		case x.follows(openBraces), x.follows(openAngles), x.follows("<<"):
			return x.i
		}
	}
	return -1
}

// cut calls text and tag for the texts and tags of a view, in order, with their places in
// the template, up to the first error.
func cut(v View, open, closing string, text func(span) *Error, tag func(tagSpan) *Error) *Error {
	t, err := fasttemplate.NewTemplate(v.Text, open, closing)
	if err != nil { // it quotes the template, which may have credentials
		return Errorf(v.Offset(unclosed(v.Text, open, closing)), problem.TagUnclosed, "a tag is not closed by %s", closing)
	}
	// fasttemplate has split the template. To get the pieces, run it once with a writer
	// that records them.
	r := recorder{View: v, text: text}
	// The only errors are r's own.
	_, _ = t.ExecuteFunc(&r, func(_ io.Writer, content string) (int, error) {
		if r.err == nil {
			start := r.i
			from, to := start+len(open), start+len(open)+len(content)
			r.i = to + len(closing)
			r.err = tag(tagSpan{v.span(start, r.i), v.span(from, to)})
		}
		return 0, nil
	})
	return r.err
}

type recorder struct {
	View
	i    int
	text func(span) *Error
	err  *Error
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.err == nil {
		start := r.i
		r.i += len(p)
		r.err = r.text(r.span(start, r.i))
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
