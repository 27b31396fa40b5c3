package webhook

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/problem"
	"github.com/ringhook/webhook/internal/request"
)

// A TemplateError tells what is wrong with a [Webhook], and where. [Compile] returns
// it, and [Composer.Compose] for what shows only with an event: such a message cannot
// be composed, now or on another try. Its text quotes names, but nothing of an event's
// values and nothing of the template's text, so that it can be shown and logged.
type TemplateError struct {
	// Field is the part at fault: "when" for the condition, "url", "body",
	// "headers.NAME" for a template, or "method", "format", "form_lists", "headers",
	// "policy", "auth"; "event" if the event itself cannot be written.
	Field string
	// Offset is where in the template, in bytes.
	Offset int
	// Placeholder is the name that is at fault, if one is.
	Placeholder string
	// Err says what is wrong. It wraps [ErrLimit] or [ErrUnknownName] where one of
	// these is the reason.
	Err error
	// Code and Args are as in Problem, for sentences in other languages.
	Code string
	Args []string

	source string // of the template; for Detail
}

func newTemplateError(field string, err *problem.Error) *TemplateError {
	return &TemplateError{Field: field, Err: err, Code: err.Code.String(), Args: err.Args}
}

// Error says what is wrong and where, on one line.
func (e *TemplateError) Error() string {
	if e.source == "" {
		return fmt.Sprintf("webhook: %s: %v", e.Field, e.Err)
	}
	return fmt.Sprintf("webhook: %s: offset %d: %v", e.Field, e.Offset, e.Err)
}

// Unwrap returns Err.
func (e *TemplateError) Unwrap() error { return e.Err }

// Detail shows the line of the template with a caret under the place, for the person
// who wrote it. Text that may be a credential is shown as asterisks: all of a header
// but its placeholders, of a URL the user and the query's values, and the texts in
// quotes of the placeholders there. Without a template it is the text of the error.
func (e *TemplateError) Detail() string {
	if e.source == "" {
		return e.Error()
	}
	return e.Error() + "\n" + underlined(mask(e.Field, e.source), e.Offset, 1)
}

// underlined returns the line of a text that has an offset, and one below it with carets
// under so many bytes as are in that line, but at least one.
func underlined(shown string, offset, length int) string {
	at := min(max(offset, 0), len(shown))
	start := strings.LastIndexByte(shown[:at], '\n') + 1
	line, _, _ := strings.Cut(shown[start:], "\n")
	line = strings.TrimSuffix(line, "\r")
	marked := line[min(at-start, len(line)):min(max(at+length-start, 0), len(line))]
	// A tab stays one, so that the caret is below its place however wide tabs are
	// shown.
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, shown[start:at])
	carets := strings.Repeat("^", max(utf8.RuneCountInString(marked), 1))
	return strings.Map(printable, line) + "\n" + indent + carets
}

// printable keeps what could steer a terminal from one.
func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\t' {
		return unicode.ReplacementChar
	}
	return r
}

// mask replaces what may be a credential by asterisks, byte for byte. Tags are kept.
func mask(field, source string) string {
	from, query := 0, len(source)
	switch {
	case field == "url":
		if query = strings.IndexAny(source, "?#"); query < 0 {
			query = len(source)
		}
		from = query
	case !strings.HasPrefix(field, "headers."):
		return source
	}
	b := []byte(source)
	if field == "url" {
		// all of it may be user and host, where the scheme is missing or misspelt
		rest := source[:query]
		if _, behind, ok := strings.Cut(rest, "://"); ok {
			rest = behind
		}
		hide(b, query-len(rest), query-len(rest)+userEnd(rest))
	}
	for i := from; i < len(b); {
		end := i + 1
		switch {
		case i >= query && strings.IndexByte("?&", b[i]) >= 0:
			end = paramName(source, end) // it is no value
		case i >= query && b[i] == '=':
		case tagEnd(source, i) > i:
			end = tagEnd(source, i)
			hideTexts(b, i, end-len("}}"))
		default:
			hide(b, i, end)
		}
		i = end
	}
	return string(b)
}

func hide(b []byte, from, to int) {
	for i := from; i < to; i++ {
		if b[i] != ' ' && b[i] != '\n' && b[i] != '\t' {
			b[i] = '*'
		}
	}
}

// hideTexts hides the texts in quotes of a tag: the default of a key may be one.
func hideTexts(b []byte, from, to int) {
	quote := byte(0)
	for i := from; i < to; i++ {
		switch c := b[i]; {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == '\\': // what follows does not close the text
			hide(b, i, min(i+2, to))
			i++
		case c == quote:
			quote = 0
		case quote != 0:
			hide(b, i, i+1)
		}
	}
}

// userEnd returns how much of a URL, from its authority on, may be a user and password:
// all before the last @ that belongs to no tag, and of an authority without one all if
// its port is none.
func userEnd(url string) int {
	for i := len(url) - 1; i >= 0; i-- {
		if rest := url[i:]; rest[0] == '@' && !strings.HasPrefix(rest, "@{{") && !strings.HasPrefix(rest, "@<<") {
			return i
		}
	}
	authority, _, _ := strings.Cut(url, "/")
	text := authority
	if tag := strings.IndexAny(authority, "{<"); tag >= 0 {
		text = strings.TrimSuffix(authority[:tag], "@") // of the tag, or behind a password
	}
	if _, port, _ := strings.Cut(text, ":"); strings.Trim(port, "0123456789") != "" && !strings.Contains(text, "[") {
		return len(authority)
	}
	return 0
}

// paramName returns the offset behind the name of a query parameter that begins at i;
// if it has no value, i, since nothing says that it is a name.
func paramName(url string, i int) int {
	if n := strings.IndexAny(url[i:min(len(url), i+request.MaxNameSize)], "?&=#{<"); n > 0 && url[i+n] == '=' {
		return i + n
	}
	return i
}

// tagEnd returns the offset behind the tag that begins at i, or i if there is none.
// What has no near end, or another tag in it, is no tag.
func tagEnd(source string, i int) int {
	near := source[i:min(len(source), i+2*request.MaxNameSize)]
	for _, tag := range [][2]string{{"{{", "}}"}, {"@<<", ">>"}} {
		inside, ok := strings.CutPrefix(near, tag[0])
		if !ok {
			continue
		}
		inside, _, ok = strings.Cut(inside, tag[1])
		if ok && !strings.Contains(inside, "{{") && !strings.Contains(inside, "<<") {
			return i + len(tag[0]) + len(inside) + len(tag[1])
		}
		return i + len(tag[0])
	}
	return i
}
