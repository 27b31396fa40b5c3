package webhook

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ringhook/webhook/internal/compose"
)

// A Severity says whether a [Problem] keeps a webhook from being used.
type Severity string

// The severities of problems.
const (
	SeverityError   Severity = "error"   // Compile refuses the webhook
	SeverityWarning Severity = "warning" // it works, but perhaps not as it was meant
)

// A Problem is one thing that the author of a webhook should see. It is plain data, for
// a form: the text from Offset on, of Length bytes, is what to underline in Field, and
// what Suggestion, if there is one, would replace. It always lies inside the field's
// text, and begins and ends between two characters.
//
// Message is English. For other languages there are Code, which says what kind of problem
// it is, and Args, what the message says beside that; docs/problems.md lists them.
type Problem struct {
	Field      string   `json:"field"` // as in TemplateError
	Offset     int      `json:"offset"`
	Length     int      `json:"length"`
	Offset16   int      `json:"offset16"` // Offset and Length in UTF-16 units, as browsers count
	Length16   int      `json:"length16"`
	Code       string   `json:"code"`
	Args       []string `json:"args,omitempty"`
	Message    string   `json:"message"`
	Suggestion string   `json:"suggestion,omitempty"`
	Severity   Severity `json:"severity"`
}

// Detail shows the line of the template with carets under the place, for a terminal. What
// may be a credential is shown as asterisks, as in [TemplateError.Detail]. It is empty
// where the problem's Field has no text in w, which must be the webhook that was checked.
func (p Problem) Detail(w Webhook) string {
	text := textOf(w, p.Field)
	if text == "" {
		return ""
	}
	return underlined(mask(p.Field, text), p.Offset, p.Length)
}

// Check tells everything that is wrong with a webhook at once, and what may not be what
// its author meant: the errors first, in the order of the settings, URL, headers by
// name and body, then the warnings in the same order. Of more than a hundred those that
// follow are left out: a last one says at least how many, where they begin, and is an error
// if one of them is. Without errors [Compile] accepts the webhook. It composes, signs and sends
// nothing. The messages quote names, but no other text of the templates.
//
// For samples see [Compile]. Warnings are a name that is often absent and has no
// default, a text in JSON without quotes of the template's own, text that touches a
// number in a query, an object or a list in a URL, an @ that a tag takes away, a
// url_encode that changes nothing, a URL without TLS, a pattern of a date that is of
// another language or has nothing of a date, and one that tells the zone of a time which,
// in a sample, has none, a zone that knows no summer time, an invisible character, &amp; in a
// query, a user and a password behind Basic that are not in base64, a text that looks like
// JSON or XML, a signature of no body, and
// what some receivers cannot read or verify: form-data, forms
// that are not of POST, fields and headers whose names they change or drop, and headers
// that are not ASCII. With samples they are also a reserved name that hides a member of an
// event, samples of a type of which no message can be made while it can of others, and a
// known name in the spelling of another language, such as {name}; and, always, {% … %}.
func Check(w Webhook, samples ...Event) []Problem {
	program, faults := compile(w, samples)
	return problemsOf(w, program, faults)
}

func problemsOf(w Webhook, program *compose.Program, faults []*compose.Error) []Problem {
	var problems []Problem
	var last place
	for _, p := range program.Problems(faults) {
		severity := SeverityError
		if p.Warning {
			severity = SeverityWarning
		}
		at := last.find(w, p.Field, p.Offset, p.Length)
		problems = append(problems, Problem{
			Field: p.Field, Offset: at.from, Length: at.to - at.from, Offset16: at.from16, Length16: at.to16 - at.from16,
			Code: p.Code.String(), Args: p.Args, Message: p.Error.Error(), Suggestion: p.Suggestion, Severity: severity,
		})
		last = at
	}
	return problems
}

// A place is a part of a field's text.
type place struct {
	field        string
	from, to     int
	from16, to16 int // in UTF-16 units
}

// find returns the place of a problem inside a field's text. Where it is not far behind
// the place before, as in a long list of problems, that is cheap.
func (before place) find(w Webhook, field string, offset, length int) place {
	text := textOf(w, field)
	at := place{field: field, from: inside(text, offset)}
	for at.to = max(at.from, min(offset+length, len(text))); at.to < len(text) && !utf8.RuneStart(text[at.to]); {
		at.to++
	}
	if before.field == field && before.from <= at.from {
		at.from16 = before.from16 + units(text[before.from:at.from])
	} else {
		at.from16 = units(text[:at.from])
	}
	at.to16 = at.from16 + units(text[at.from:at.to])
	return at
}

// inside returns the offset of the character at offset, or the nearest end of text.
func inside(text string, offset int) int {
	offset = min(max(offset, 0), len(text))
	for offset > 0 && offset < len(text) && !utf8.RuneStart(text[offset]) {
		offset--
	}
	return offset
}

// units counts the UTF-16 units of a text.
func units(text string) (n int) {
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// textOf returns the text of a webhook that problems with that Field are about.
func textOf(w Webhook, field string) string {
	switch field {
	case "url":
		return w.URL
	case "body":
		return w.Body
	case "when":
		return w.When
	case "method":
		return w.Method
	case "format":
		return string(w.Format)
	case "form_lists":
		return string(w.FormLists)
	}
	if name, ok := strings.CutPrefix(field, "headers."); ok {
		return w.Headers[name]
	}
	return ""
}
