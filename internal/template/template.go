// Package template reads the templates that customers write: text with placeholders.
package template

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/valyala/fasttemplate"
)

// A Node is a piece of a template: literal text, or a placeholder if Name is not empty.
type Node struct {
	Text   string
	Name   string // dotted
	Offset int    // of the text, of the tag's opening
	At     int    // of the name
	End    int    // behind the tag
}

// Placeholder reports whether the node is one.
func (n Node) Placeholder() bool { return n.Name != "" }

// An Error is a fault at one place of a template.
type Error struct {
	Offset int
	Name   string // the placeholder, if there is one
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("offset %d: %v", e.Offset, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error at an offset.
func Errorf(offset int, format string, args ...any) *Error {
	return &Error{Offset: offset, Err: fmt.Errorf(format, args...)}
}

// Errorf makes an Error at a placeholder's tag.
func (n Node) Errorf(format string, args ...any) *Error {
	return &Error{Offset: n.Offset, Name: n.Name, Err: fmt.Errorf(format, args...)}
}

// The tags. In the documents {{x}} stands as @{{x}}, where the @ is an escape of their page generator, and customers paste
// both; so one @ in front of a tag is part of it.
const (
	openBraces, closeBraces = "{{", "}}"
	openAngles, closeAngles = "@<<", ">>"
)

// Split cuts a template into its nodes, without empty texts. A name has at most maxName bytes and maxParts parts.
func Split(src string, maxName, maxParts int) ([]Node, error) {
	s := splitter{maxName: maxName, maxParts: maxParts}
	err := cut(src, 0, openBraces, closeBraces, s.literal, s.braces)
	if err != nil {
		return nil, err
	}
	return s.nodes, nil
}

type splitter struct {
	maxName, maxParts int
	nodes             []Node
}

// literal takes text between tags in braces, which may have tags in angles.
func (s *splitter) literal(text string, offset int) error {
	return cut(text, offset, openAngles, closeAngles, s.text, s.placeholder)
}

func (s *splitter) text(text string, offset int) error {
	if text != "" {
		s.nodes = append(s.nodes, Node{Text: text, Offset: offset, End: offset + len(text)})
	}
	return nil
}

// braces takes a tag in braces and cuts the @ off the text before it.
func (s *splitter) braces(content string, offset, at int) error {
	if last := len(s.nodes) - 1; last >= 0 && !s.nodes[last].Placeholder() {
		if text, ok := strings.CutSuffix(s.nodes[last].Text, "@"); ok {
			s.nodes[last].Text = text
			s.nodes[last].End--
			if text == "" {
				s.nodes = s.nodes[:last]
			}
		}
	}
	return s.placeholder(content, offset, at)
}

func (s *splitter) placeholder(content string, offset, at int) error {
	for _, open := range []string{openBraces, openAngles, "<<"} {
		if i := strings.Index(content, open); i >= 0 {
			return Errorf(at+i, "a tag inside a tag")
		}
	}
	name, contentAt := strings.TrimSpace(content), at
	at += strings.Index(content, name)
	if err := s.check(name, at); err != nil {
		return err
	}
	s.nodes = append(s.nodes, Node{Name: name, Offset: offset, At: at, End: contentAt + len(content) + len(closeBraces)})
	return nil
}

func (s *splitter) check(name string, at int) error {
	switch {
	case name == "":
		return Errorf(at, "an empty placeholder")
	case len(name) > s.maxName:
		return Errorf(at, "a name of %d bytes, at most %d: %w", len(name), s.maxName, ErrTooLong)
	}
	for i, r := range name {
		switch {
		case r == '|':
			return Errorf(at+i, "a | in a placeholder: filters are not known")
		case unicode.IsSpace(r):
			return Errorf(at+i, "a blank inside a name")
		case strings.ContainsRune("\"'`{}<>[](),:\\", r) || unicode.IsControl(r) || r == unicode.ReplacementChar:
			return Errorf(at+i, "%q in a name", r)
		case r == '.' && (i == 0 || i == len(name)-1 || name[i-1] == '.'):
			return Errorf(at+i, "an empty part in a name")
		}
	}
	if n := strings.Count(name, ".") + 1; n > s.maxParts {
		return Errorf(at, "a name of %d parts, at most %d: %w", n, s.maxParts, ErrTooLong)
	}
	return nil
}

// ErrTooLong is wrapped by errors about names over a limit.
var ErrTooLong = errors.New("too long")

// cut gives the texts and tags of src in order to text and tag; at is the offset of a tag's content.
func cut(src string, base int, open, closing string, text func(string, int) error, tag func(content string, offset, at int) error) error {
	t, err := fasttemplate.NewTemplate(src, open, closing)
	if err != nil { // its text quotes the template, which may hold credentials
		return Errorf(base+unclosed(src, open, closing), "a tag is not closed by %s", closing)
	}
	// fasttemplate has done the splitting; running the template once, with a writer that records, gives the pieces.
	r := recorder{offset: base, text: text}
	_, err = t.ExecuteFunc(&r, func(_ io.Writer, content string) (int, error) {
		start := r.offset
		r.offset += len(open) + len(content) + len(closing)
		return 0, tag(strings.Clone(content), start, start+len(open))
	})
	return err
}

type recorder struct {
	offset int
	text   func(string, int) error
}

func (r *recorder) Write(p []byte) (int, error) {
	start := r.offset
	r.offset += len(p)
	return len(p), r.text(string(p), start)
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
