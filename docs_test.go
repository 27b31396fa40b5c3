package webhook_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata" // for the example with a time zone, wherever the test runs

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/filter"
)

// An example is a row or a pair of blocks of docs/templates.md.
//
// A link to a file of testdata sets the event of the examples after it. A row is an
// example if its table has a column Result, Message, Warning, New or Sent. The text of that
// column is in code spans, where | is written \|; (nothing) is the empty text. The
// column Where has the place of the template. Without it, the place is a header, where
// a value is plain text. A Name and a date Letter stand for a template. In blocks, the
// template comes first, then a line "becomes", then the result. The template is a body,
// or a URL if it begins like one. A table with a column PHP is of what receivers read,
// and belongs to documentedReadings.
type example struct {
	line    int
	fixture string
	where   string // header, URL, body, form, text, CSV or XML; of a form also FormLists, after a comma
	source  string
	result  string
	kind    string // of the result: Result, Message, Warning or New
}

var (
	fixtureLink = regexp.MustCompile(`\(\.\./testdata/(\w+)\.json\)`)
	codeSpan    = regexp.MustCompile("^`(.*)`$")
)

// examples returns all examples, and the names of the filters that have a row.
func examples(t *testing.T, manual string) (found []example, filters []string) {
	fixture, block, becomes := "", []string(nil), false
	lines := strings.Split(manual, "\n")
	var head []string
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if m := fixtureLink.FindStringSubmatch(line); m != nil {
			fixture = m[1]
		}
		switch {
		case line == "```text":
			start := i + 1
			for i++; lines[i] != "```"; i++ {
			}
			if text := lines[start:i]; becomes {
				e := example{start, fixture, "body", strings.Join(block, "\n"), strings.Join(text, "\n"), "Result"}
				if strings.HasPrefix(e.source, "https://") {
					e.where = "URL"
				}
				found, block, becomes = append(found, e), nil, false
			} else {
				require.Nil(t, block, "line %d: a block without its result before it", i)
				block = text
			}
		case line == "becomes":
			becomes = true
		case !strings.HasPrefix(line, "|"):
			head = nil
		case head == nil:
			head = cells(line)
			i++ // the rule below it
		case slices.Contains(head, "PHP"):
		default:
			row := map[string]string{}
			for j, cell := range cells(line) {
				row[head[j]] = cell
			}
			if name := row["Filter"]; name != "" {
				filters = append(filters, code(t, i, name))
			}
			found = append(found, rowExample(t, i, fixture, row))
		}
	}
	require.Nil(t, block, "a block without its result")
	return found, filters
}

// cells splits a row at each | that is not after a backslash.
func cells(line string) []string {
	line = strings.ReplaceAll(line, `\|`, "\x00")
	parts := strings.Split(strings.Trim(line, "|"), "|")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.TrimSpace(p), "\x00", "|")
	}
	return parts
}

func code(t *testing.T, line int, cell string) string {
	if cell == "(nothing)" {
		return ""
	}
	m := codeSpan.FindStringSubmatch(cell)
	require.NotNil(t, m, "line %d: %q is no code span", line+1, cell)
	return m[1]
}

func rowExample(t *testing.T, line int, fixture string, row map[string]string) example {
	e := example{line: line + 1, fixture: fixture, where: "header"}
	if row["Where"] != "" {
		e.where = row["Where"]
	}
	for _, kind := range []string{"Result", "Message", "Warning", "New"} {
		if cell, ok := row[kind]; ok {
			e.kind, e.result = kind, code(t, line, cell)
		}
	}
	if cell, ok := row["Condition"]; ok {
		e.where, e.source = "condition", code(t, line, cell)
		if e.kind == "" {
			e.kind, e.result = "Sent", row["Sent"]
		}
		return e
	}
	require.NotEmpty(t, e.kind, "line %d: a table without results", line+1)
	for column, frame := range map[string][2]string{
		"Template": {}, "Old": {}, "Name": {"{{", "}}"}, "Letter": {"{{start_at | date_format: '", "'}}"},
	} {
		if cell, ok := row[column]; ok {
			e.source = frame[0] + code(t, line, cell) + frame[1]
		}
	}
	require.NotEmpty(t, e.source, "line %d: a table without templates", line+1)
	return e
}

// queryOf is written before a template that is in a URL but is not a URL itself.
const queryOf = "https://www.domain.com/?x="

// webhook returns a webhook with the template in its place.
func (e example) webhook(t *testing.T) webhook.Webhook {
	w := webhook.Webhook{ID: "dd4b91af", URL: "https://www.domain.com/"}
	where, lists, _ := strings.Cut(e.where, ", ")
	switch where {
	case "header":
		w.Headers = map[string]string{"X-Example": e.source}
	case "URL":
		if w.URL = e.source; !strings.HasPrefix(e.source, "http") {
			w.URL = queryOf + e.source
		}
	case "condition":
		w.When = e.source
	case "form":
		w.Format, w.Body, w.FormLists = webhook.FormatFormURLEncoded, e.source, webhook.FormLists(lists)
	case "body":
		w.Body = e.source
	case "text":
		w.Format, w.Body = webhook.FormatText, e.source
	case "CSV":
		w.Format, w.Body = webhook.FormatText, e.source
		w.Headers = map[string]string{"Content-Type": "text/csv"}
	case "XML":
		w.Format, w.Body = webhook.FormatXML, e.source
	default:
		require.Fail(t, "unknown place", "line %d: %s", e.line, e.where)
	}
	return w
}

// compose returns the result of the template.
func (e example) compose(t *testing.T) (string, error) {
	event := fixture(t, e.fixture)
	c, err := webhook.Compile(e.webhook(t), event)
	if err != nil {
		return "", err
	}
	m, err := c.ComposeID("msg_1", event)
	if e.kind == "Sent" && errors.Is(err, webhook.ErrUnwanted) {
		return "no", nil
	}
	if err != nil {
		return "", err
	}
	switch e.where {
	case "condition":
		return "yes", nil
	case "header":
		return m.Header.Get("X-Example"), nil
	case "URL":
		return strings.TrimPrefix(m.URL, queryOf), nil
	default:
		return string(m.Body), nil
	}
}

// run checks that the example has the result that is in the manual.
func (e example) run(t *testing.T) {
	t.Helper()
	got, err := e.compose(t)
	switch e.kind {
	case "New":
		modern, err := webhook.ModernizeTemplate(e.source)
		require.NoError(t, err, "line %d", e.line)
		require.Equal(t, e.result, modern, "line %d", e.line)
		e.source = modern
		_, err = e.compose(t)
		require.NoError(t, err, "line %d", e.line)
	case "Message":
		var te *webhook.TemplateError
		require.ErrorAs(t, err, &te, "line %d", e.line)
		require.Equal(t, e.result, te.Err.Error(), "line %d", e.line)
		requireCoded(t, te.Code, te.Args, te.Err.Error())
	case "Warning":
		require.NoError(t, err, "line %d", e.line)
		problems := check(t, e.webhook(t), fixture(t, e.fixture))
		require.Len(t, problems, 1, "line %d", e.line)
		require.Equal(t, e.result, problems[0].Message, "line %d", e.line)
	default:
		require.NoError(t, err, "line %d", e.line)
		require.Equal(t, e.result, got, "line %d", e.line)
	}
}

// The examples in the manual for the authors of templates are right.
func TestDocs_Templates(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("docs/templates.md")
	require.NoError(t, err)
	found, filters := examples(t, strings.ReplaceAll(string(manual), "\r\n", "\n"))
	count := map[string]int{}
	var late []string // the errors that are found when the event comes
	for _, e := range found {
		count[e.kind]++
		count[e.where]++
		e.run(t)
		if _, err := webhook.Compile(e.webhook(t), fixture(t, e.fixture)); e.kind == "Message" && err == nil {
			late = append(late, e.result)
		}
	}
	require.Equal(t, []string{
		"plus: the value is not a number", "an object or a list is not allowed in a URL",
	}, late, "the last two of the table")
	// If there are fewer, the search for examples is wrong.
	for what, least := range map[string]int{
		"Result": 90, "Message": 15, "Warning": 4, "New": 4, "header": 70, "URL": 6, "body": 12, "form": 1, "condition": 20,
	} {
		require.GreaterOrEqual(t, count[what], least, what)
	}
	require.ElementsMatch(t, filter.Names(), filters, "every filter has one row")
}
