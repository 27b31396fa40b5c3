package webhook

import "github.com/ringhook/webhook/internal/compose"

// A Severity says whether a [Problem] keeps a webhook from being used.
type Severity string

// The severities of problems.
const (
	SeverityError   Severity = "error"   // Compile refuses the webhook
	SeverityWarning Severity = "warning" // it works, but perhaps not as it was meant
)

// A Problem is one thing that the author of a webhook should see. It is plain data, for
// a form: the text from Offset on, of Length bytes, is what to underline in Field, and
// what Suggestion, if there is one, would replace.
type Problem struct {
	Field      string   `json:"field"` // as in TemplateError
	Offset     int      `json:"offset"`
	Length     int      `json:"length"`
	Message    string   `json:"message"`
	Suggestion string   `json:"suggestion,omitempty"`
	Severity   Severity `json:"severity"`
}

// Check tells everything that is wrong with a webhook at once, and what may not be what
// its author meant: the errors first, in the order of the settings, URL, headers by
// name and body, then the warnings in the same order. Of thousands of errors some are
// left out. Without errors [Compile] accepts the webhook. It composes, signs and sends
// nothing. The messages quote names, but no other text of the templates.
//
// For samples see [Compile]. Warnings are a name that is often absent and has no
// default, a text in JSON without quotes of the template's own, text that touches a
// number in a query, an object or a list in a URL, an @ that a tag takes away, a
// url_encode that changes nothing, and a URL without TLS.
func Check(w Webhook, samples ...Event) []Problem {
	return problemsOf(compile(w, samples))
}

func problemsOf(program *compose.Program, faults []*compose.Error) []Problem {
	var problems []Problem
	for _, p := range program.Problems(faults) {
		severity := SeverityError
		if p.Warning {
			severity = SeverityWarning
		}
		problems = append(problems, Problem{p.Field, p.Offset, p.Length, p.Message, p.Suggestion, severity})
	}
	return problems
}
