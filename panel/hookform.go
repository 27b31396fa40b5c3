package panel

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
)

// A hookForm is the form of a webhook, as it was opened or sent. What may be a credential
// is masked, unless it was just typed.
type hookForm struct {
	webhook.Webhook
	Rows  []headerRow
	Texts map[string]string // of the policy, see policyFields
	// Version is the one that is replaced; Base the one whose values the mask stands for.
	Version, Base int
	New           string // the ID that a new webhook will have: a form that is sent twice makes one
	Sample        int    // the sample that is shown
	// Whole says that nothing is missing in the policy: it comes from a program, not from a
	// form, which has some of the fields.
	Whole bool
	// KeepAuth says that the form has no fields for credentials.
	KeepAuth bool
}

// A headerRow is one header in the form.
type headerRow struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// moreRows is how many empty rows there are for further headers.
const moreRows = 2

// maxRows is how many headers a form may have.
const maxRows = 500

// formOf returns the form for a webhook that is stored.
func formOf(d durable.Definition) hookForm {
	f := hookForm{Webhook: masked(d.Webhook), Version: d.Version, Base: d.Version, Texts: policyTexts(d.Policy)}
	f.Body = lineEnds(f.Body) // as a browser has it, which counts the places of problems
	for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
		f.Rows = append(f.Rows, headerRow{name, f.Headers[name]})
	}
	return f
}

// readForm returns the form that was sent, and what in it cannot be read.
func (c *call) readForm() (f hookForm, problems []webhook.Problem, err error) {
	if err := c.form(); err != nil {
		return f, nil, err
	}
	values := c.r.PostForm
	f.Version, _ = strconv.Atoi(values.Get("version"))
	f.Base, _ = strconv.Atoi(values.Get("base"))
	f.Sample, _ = strconv.Atoi(values.Get("sample"))
	f.New = values.Get("new")
	f.Webhook = webhook.Webhook{
		ID: c.r.PathValue("id"), Name: values.Get("name"), Method: values.Get("method"),
		// Browsers send line ends as CR LF. A URL and a condition have none.
		URL: oneLine(values.Get("url")), When: oneLine(values.Get("when")),
		Body:   lineEnds(values.Get("body")),
		Format: webhook.Format(values.Get("format")), FormLists: webhook.FormLists(values.Get("form_lists")),
		Headers: map[string]string{},
	}
	names, texts := values["header_name"], values["header_value"]
	if len(names) != len(texts) {
		return f, nil, errForm
	}
	if len(names) > maxRows {
		names = names[:maxRows]
		problems = append(problems, c.ownProblem("headers", "rows", maxRows))
	}
	for i, name := range names {
		if name = strings.TrimSpace(name); name == "" && texts[i] == "" {
			continue
		}
		f.Rows = append(f.Rows, headerRow{name, texts[i]})
		if _, twice := f.Headers[name]; twice {
			problems = append(problems, c.ownProblem("headers."+name, "twice", name))
		}
		f.Headers[name] = texts[i]
	}
	var hasAuth bool
	f.Auth, hasAuth = readAuth(values)
	f.KeepAuth = !hasAuth
	f.Texts = map[string]string{}
	for _, field := range policyFields {
		if values.Has(field.Name) {
			f.Texts[field.Name] = values.Get(field.Name)
		}
	}
	policy, wrong := f.policy(nil)
	for _, field := range wrong {
		problems = append(problems, c.ownProblem("policy."+field, field))
	}
	f.Policy = policy
	return f, problems, nil
}

func lineEnds(s string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s) }

func oneLine(s string) string { return strings.NewReplacer("\r\n", "", "\n", "", "\r", "").Replace(s) }

// ownProblem is a problem that the form has, and not the webhook.
func (c *call) ownProblem(field, code string, args ...any) webhook.Problem {
	return webhook.Problem{
		Field: field, Code: "form_" + code, Message: c.text("form."+code, args...), Severity: webhook.SeverityError,
	}
}

// complete returns the webhook that a form means, with the values that are masked in it
// and what the form does not have, from the version that it was opened with.
func (c *call) complete(f hookForm) (webhook.Webhook, []webhook.Problem, error) {
	var base durable.Definition
	if f.ID != "" && f.Base > 0 {
		var err error
		if base, err = c.webhooks.Version(c.ctx, f.ID, f.Base); err != nil {
			return webhook.Webhook{}, nil, err
		}
	}
	if f.KeepAuth {
		f.Auth = base.Auth.Masked()
	}
	hook, again := unmasked(f.Webhook, base.Webhook)
	if !f.Whole { // what the form has no field for stays
		hook.Policy, _ = f.policy(base.Policy)
	}
	var problems []webhook.Problem
	for _, field := range again {
		problems = append(problems, c.ownProblem(field, "masked"))
	}
	return hook, problems, nil
}

// takeFix replaces what a problem is about by its suggestion, if the form asks for that: the
// value of the button is FIELD:OFFSET:LENGTH:SUGGESTION.
func (f *hookForm) takeFix(values url.Values) error {
	fix := values.Get("fix")
	if fix == "" {
		return nil
	}
	parts := strings.SplitN(fix, ":", 4)
	if len(parts) != 4 {
		return errForm
	}
	offset, err := strconv.Atoi(parts[1])
	length, err2 := strconv.Atoi(parts[2])
	text := f.text(parts[0])
	if err != nil || err2 != nil || text == nil || length < 0 || !between(*text, offset) || !between(*text, offset+length) {
		return errForm
	}
	*text = (*text)[:offset] + parts[3] + (*text)[offset+length:]
	if name, ok := strings.CutPrefix(parts[0], "headers."); ok {
		f.Headers[name] = *text
	}
	return nil
}

// between reports whether an offset lies between two characters of a text, or at its ends.
func between(text string, offset int) bool {
	return offset == len(text) || offset >= 0 && offset < len(text) && utf8.RuneStart(text[offset])
}

// text is the text of a field, nil if there is none.
func (f *hookForm) text(field string) *string {
	switch field {
	case "url":
		return &f.URL
	case "body":
		return &f.Body
	case "when":
		return &f.When
	}
	name, ok := strings.CutPrefix(field, "headers.")
	for i := range f.Rows {
		if ok && f.Rows[i].Name == name {
			return &f.Rows[i].Value
		}
	}
	return nil
}

// A fault is a problem as pages show it, with the text around its place.
type fault struct {
	webhook.Problem
	Before, Marked, After string
	Place                 string // the Field, or more closely which input of the form
	Fix                   string // see takeFix; empty: none
}

// around is how much of a text is shown on either side of a problem, in bytes.
const around = 24

// maxMarked is how much is shown of what a problem is about, in bytes: it may be a whole body.
const maxMarked = 200

func (f *hookForm) fault(p webhook.Problem) fault {
	shown := fault{Problem: p, Place: authPlace(p)}
	if p.Field == "policy" {
		shown.Place = policyPlace(p)
	}
	text := f.text(p.Field)
	if text == nil || p.Length == 0 || p.Offset < 0 || p.Offset+p.Length > len(*text) {
		return shown
	}
	start, end := max(0, p.Offset-around), min(len(*text), p.Offset+p.Length+around)
	shown.Before = strings.ToValidUTF8((*text)[start:p.Offset], "")
	shown.Marked = strings.ToValidUTF8((*text)[p.Offset:p.Offset+min(p.Length, maxMarked)], "")
	if p.Length > maxMarked {
		shown.Marked += "…"
	}
	shown.After = strings.ToValidUTF8((*text)[p.Offset+p.Length:end], "")
	if start > 0 {
		shown.Before = "…" + shown.Before
	}
	if end < len(*text) {
		shown.After += "…"
	}
	if p.Suggestion != "" && !strings.Contains(p.Field, ":") { // which no header's name has
		shown.Fix = fmt.Sprintf("%s:%d:%d:%s", p.Field, p.Offset, p.Length, p.Suggestion)
	}
	return shown
}
