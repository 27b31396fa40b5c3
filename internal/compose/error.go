package compose

import (
	"errors"
	"fmt"

	"github.com/ringhook/webhook/internal/field"
	"github.com/ringhook/webhook/internal/problem"
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
	Err         *problem.Error

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
	errCompositeInURL = problem.Errorf(problem.URLComposite, "an object or a list is not allowed in a URL")
	errNoJSON         = problem.Errorf(problem.NoJSON, "has no JSON form")
)

// eventError returns an error about the event itself.
func eventError(err error) *Error { return &Error{Field: "event", Err: problem.Of(err)} }

// droppedError returns the error for an event whose JSON form would lack a field.
func droppedError(d *field.Dropped) *Error {
	const lacks = "embeds %s, whose JSON form does not have the field %s: "
	text := lacks + "give the event a MarshalJSON of its own"
	if d.With {
		text = lacks + "set a member of one's own with its method With, or give the event a MarshalJSON"
	}
	return eventError(problem.Errorf(problem.EventDropped, text, d.Embedded, d.Field))
}

// inTemplate makes an Error of an error about a template, most of which package template
// has returned.
func inTemplate(field, source string, err error) *Error {
	if at := (*template.Error)(nil); errors.As(err, &at) {
		return &Error{
			Field: field, Source: source, Offset: at.Offset, Length: at.Length, Placeholder: at.Name, Err: at.Err,
		}
	}
	return &Error{Field: field, Err: problem.Of(err), Source: source}
}

// fault returns an error about a placeholder, or about the whole part if at is nil.
func (p *part) fault(at *placeholder, err error) *Error {
	e := &Error{Field: p.field, Err: problem.Of(err), Source: p.source}
	if at != nil {
		e.Offset, e.Placeholder = at.Offset, at.Name
	}
	return e
}
