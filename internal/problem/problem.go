// Package problem has the errors that authors of webhooks see. Each has a code, which
// says what kind of problem it is to programs, such as a form in another language, and
// the arguments that a sentence about it needs. None can be made without a code.
package problem

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Code names a kind of problem. All there are stand in codes.go.
type Code struct{ name string }

func (c Code) String() string { return c.name }

// A Kind describes a code.
type Kind struct {
	Code string
	Args []string // what its arguments are
}

var kinds []Kind

// Kinds returns all codes, in the order of codes.go.
func Kinds() []Kind { return slices.Clone(kinds) }

// code declares a code and what its arguments are.
func code(name string, args ...string) Code {
	kinds = append(kinds, Kind{name, args})
	return Code{name}
}

// An Error is a problem. Its text is one line of English.
type Error struct {
	Code Code
	Args []string // each on one line, UTF-8, and of at most maxArg bytes
	text string
	err  error // that it wraps
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the error that was given for %w.
func (e *Error) Unwrap() error { return e.err }

// Errorf returns an error with the text that [fmt.Errorf] makes. Its arguments are those
// given, but for errors.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	var texts []string
	for _, arg := range args {
		switch arg := arg.(type) {
		case error:
		case rune:
			texts = append(texts, string(arg))
		default:
			texts = append(texts, fmt.Sprint(arg))
		}
	}
	return New(code, err.Error(), errors.Unwrap(err), texts...)
}

// New returns an error with that text, which wraps err, if it is not nil, without
// quoting it. Text and arguments are made one line each, and cut where they are long.
func New(code Code, text string, err error, args ...string) *Error {
	args = slices.Clone(args)
	for i, arg := range args {
		args[i] = oneLine(arg, maxArg)
	}
	return &Error{code, args, oneLine(text, maxText), err}
}

// Of returns the problem that err is, or wraps; of an error without a code, such as one
// of the embedder's, one with the code Other. If err is nil, it is nil.
func Of(err error) *Error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		if e.text == err.Error() {
			return e
		}
		return New(e.Code, err.Error(), err, e.Args...)
	}
	return New(Other, err.Error(), err, err.Error())
}

// InFilter returns the problem of a filter, whose name is its first argument and stands
// before its text.
func InFilter(filter string, err error) *Error {
	e := Of(err)
	code, args := e.Code, e.Args
	if code == Other {
		code = FilterValue
	}
	return New(code, filter+": "+e.text, err, append([]string{filter}, args...)...)
}

// InArgument returns the problem of a filter's argument, which its text begins with; its
// first arguments are the filter and the number of the argument, from 1.
func InArgument(filter string, index int, err error) *Error {
	e := Of(err)
	code, args := e.Code, []string{filter, strconv.Itoa(index + 1)}
	if code == Other {
		code = Argument
	}
	text := fmt.Sprintf("%s: argument %d %s", filter, index+1, e.text)
	return New(code, text, err, append(args, e.Args...)...)
}

// The most bytes of an argument, and of a text.
const (
	maxArg  = 256
	maxText = 1024
)

// oneLine returns text with a blank for each control character, U+FFFD for what is not
// UTF-8, and ... for what is behind so many bytes.
func oneLine(text string, most int) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		b.WriteRune(r)
		if b.Len() > most {
			break
		}
	}
	if b.Len() <= most {
		return b.String()
	}
	end := most - len("...")
	for !utf8.RuneStart(b.String()[end]) {
		end--
	}
	return b.String()[:end] + "..."
}
