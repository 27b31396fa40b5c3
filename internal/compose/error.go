package compose

import (
	"errors"
	"fmt"

	"github.com/ringhook/webhook/internal/template"
)

// An Error says what is wrong with a webhook, or with an event for it, and where. Package
// webhook shows it as its TemplateError. It quotes names, but no values of events.
type Error struct {
	// Field is "url", "body", "headers.NAME", "method", "format", "form_lists",
	// "headers" or "event".
	Field       string
	Offset      int    // in bytes
	Placeholder string // the wrong name, if there is one
	Err         error

	Source     string // the template; empty if the error is not about one
	Length     int    // of the wrong text, in bytes
	Suggestion string // what could replace that text; empty if no name is close
}

func (e *Error) Error() string { return fmt.Sprintf("%s: offset %d: %v", e.Field, e.Offset, e.Err) }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// ErrUnknownName is wrapped by the errors for placeholders that name nothing in an event.
var ErrUnknownName = errors.New("unknown name")

var (
	errCompositeInURL = errors.New("an object or a list is not allowed in a URL")
	errNoJSON         = errors.New("has no JSON form")
)

// eventError returns an error about the event itself.
func eventError(err error) *Error { return &Error{Field: "event", Err: err} }

// A quietError wraps an error without its text.
type quietError struct {
	text string
	err  error
}

func (e *quietError) Error() string { return e.text }
func (e *quietError) Unwrap() error { return e.err }

// inTemplate makes an Error of an error that package template has returned.
func inTemplate(field, source string, err error) *Error {
	e := &Error{Field: field, Err: err, Source: source}
	if at := (*template.Error)(nil); errors.As(err, &at) {
		e.Offset, e.Length, e.Placeholder, e.Err = at.Offset, at.Length, at.Name, at.Err
	}
	return e
}

// fault returns an error about a placeholder, or about the whole part if at is nil.
func (p *part) fault(at *placeholder, err error) *Error {
	e := &Error{Field: p.field, Err: err, Source: p.source}
	if at != nil {
		e.Offset, e.Placeholder = at.Offset, at.Name
	}
	return e
}
