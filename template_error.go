package webhook

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringhook/webhook/internal/template"
)

// A TemplateError tells what is wrong with a [Webhook], and where. [Compile] returns it, and [Composer.Compose] for what
// shows only with an event: such a message cannot be composed, now or on another try. Its text quotes names, but nothing
// of an event's values and nothing of the template's text, so that it can be shown and logged.
type TemplateError struct {
	// Field is the part at fault: "url", "body", "headers.NAME" for a template, or "method", "format", "headers",
	// "policy"; "event" if the event itself cannot be written.
	Field string
	// Offset is where in the template, in bytes.
	Offset int
	// Placeholder is the name that is at fault, if one is.
	Placeholder string
	// Err says what is wrong. It wraps [ErrLimit] or [ErrUnknownName] where one of these is the reason.
	Err error

	source string // of the template; for Detail
}

// ErrUnknownName is wrapped by the errors for placeholders that name nothing in an event.
var ErrUnknownName = errors.New("unknown name")

// Error says what is wrong and where, on one line.
func (e *TemplateError) Error() string {
	if e.source == "" {
		return fmt.Sprintf("webhook: %s: %v", e.Field, e.Err)
	}
	return fmt.Sprintf("webhook: %s: offset %d: %v", e.Field, e.Offset, e.Err)
}

// Unwrap returns Err.
func (e *TemplateError) Unwrap() error { return e.Err }

// Detail shows the line of the template with a caret under the place, for the person who wrote it. Text that may be a
// credential, in headers and in the query of a URL, is shown as asterisks. Without a template it is the text of the error.
func (e *TemplateError) Detail() string {
	if e.source == "" {
		return e.Error()
	}
	shown := mask(e.Field, e.source)
	at := min(max(e.Offset, 0), len(shown))
	start := strings.LastIndexByte(shown[:at], '\n') + 1
	line, _, _ := strings.Cut(shown[start:], "\n")
	// A tab stays one, so that the caret stands below its place however wide tabs are shown.
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, shown[start:at])
	return fmt.Sprintf("%s\n%s\n%s^", e.Error(), strings.TrimSuffix(line, "\r"), indent)
}

// mask replaces the text of a header, and the values of a URL's query, by asterisks, byte for byte. Tags are kept.
func mask(field, source string) string {
	if !strings.HasPrefix(field, "headers.") && field != "url" {
		return source
	}
	b := []byte(source)
	hidden := field != "url"
	for i := 0; i < len(b); i++ {
		if end := tagEnd(source, i); end > i {
			i = end - 1
			continue
		}
		switch c := b[i]; {
		case field == "url" && c == '?':
			hidden = false
		case field == "url" && (c == '&' || c == '='):
			hidden = strings.Contains(source[:i], "?") && c == '='
		case hidden && c != ' ' && c != '\n' && c != '\t':
			b[i] = '*'
		}
	}
	return string(b)
}

// tagEnd returns the offset behind the tag that begins at i, or i if there is none.
func tagEnd(source string, i int) int {
	for _, tag := range [][2]string{{"{{", "}}"}, {"@<<", ">>"}} {
		if strings.HasPrefix(source[i:], tag[0]) {
			if n := strings.Index(source[i:], tag[1]); n > 0 {
				return i + n + len(tag[1])
			}
			return i + len(tag[0])
		}
	}
	return i
}

// limitError gives the errors of package template the package's own sentinel.
func limitError(err error) error {
	if errors.Is(err, template.ErrTooLong) {
		return &reasonError{err.Error(), []error{ErrLimit, err}}
	}
	return err
}

// A reasonError has a text of its own and reasons that errors.Is finds.
type reasonError struct {
	text    string
	reasons []error
}

func (e *reasonError) Error() string   { return e.text }
func (e *reasonError) Unwrap() []error { return e.reasons }

// inTemplate makes a TemplateError of an error that package template found in one of the webhook's templates.
func inTemplate(field, source string, err error) error {
	e := &TemplateError{Field: field, Err: err, source: source}
	if at := (*template.Error)(nil); errors.As(err, &at) {
		e.Offset, e.Placeholder, e.Err = at.Offset, at.Name, limitError(at.Err)
	}
	return e
}
