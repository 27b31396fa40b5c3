package webhook_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/problem"
)

// check returns the problems of a webhook without their codes and arguments, which it
// compares with docs/problems.md, and without their places in UTF-16.
func check(t testing.TB, w webhook.Webhook, samples ...webhook.Event) []webhook.Problem {
	t.Helper()
	return uncoded(t, w, webhook.Check(w, samples...))
}

func uncoded(t testing.TB, w webhook.Webhook, problems []webhook.Problem) []webhook.Problem {
	t.Helper()
	for i, p := range problems {
		requireProblem(t, w, p)
		p.Code, p.Args, p.Offset16, p.Length16 = "", nil, 0, 0
		problems[i] = p
	}
	return problems
}

// requireProblem checks what all problems have in common.
func requireProblem(t testing.TB, w webhook.Webhook, p webhook.Problem) {
	t.Helper()
	text := map[string]string{
		"url": w.URL, "body": w.Body, "when": w.When, "method": w.Method, "format": string(w.Format),
		"form_lists": string(w.FormLists),
	}[p.Field]
	if name, ok := strings.CutPrefix(p.Field, "headers."); ok {
		text = w.Headers[name]
	}
	require.GreaterOrEqual(t, p.Offset, 0, "%+v", p)
	require.GreaterOrEqual(t, p.Length, 0, "%+v", p)
	require.LessOrEqual(t, p.Offset+p.Length, len(text), "%+v", p)
	if utf8.ValidString(text) {
		before, marked, behind := text[:p.Offset], text[p.Offset:p.Offset+p.Length], text[p.Offset+p.Length:]
		require.True(t, utf8.ValidString(before) && utf8.ValidString(marked) && utf8.ValidString(behind), "%+v", p)
		require.Len(t, utf16.Encode([]rune(before)), p.Offset16, "%+v", p)
		require.Len(t, utf16.Encode([]rune(marked)), p.Length16, "%+v", p)
	}
	requireCoded(t, p.Code, p.Args, p.Message)
}

// requireCoded compares a code, its arguments and its message with the manual.
func requireCoded(t testing.TB, code string, args []string, message string) {
	t.Helper()
	require.Contains(t, problemCodes(t), code, message)
	told := problemCodes(t)[code]
	require.Len(t, args, len(told.args), "%s: %q", code, args)
	for _, arg := range args {
		require.True(t, utf8.ValidString(arg) && len(arg) <= 256 && !strings.ContainsAny(arg, "\r\n"), "%s: %q", code, arg)
	}
	require.True(t, utf8.ValidString(message) && !strings.ContainsAny(message, "\r\n"), "%s: %q", code, message)
	require.LessOrEqual(t, len(message), 1024)
	for rest := message; told.message != ""; {
		var piece string
		piece, told.message, _ = strings.Cut(told.message, "{")
		at := strings.Index(rest, piece)
		require.GreaterOrEqual(t, at, 0, "%s: %q has no %q", code, message, piece)
		rest = rest[at+len(piece):]
		if _, behind, ok := strings.Cut(told.message, "}"); ok {
			told.message = behind
		}
	}
}

type problemCode struct {
	args    []string
	message string
}

// problemCodes returns the codes of docs/problems.md.
func problemCodes(t testing.TB) map[string]problemCode {
	t.Helper()
	codes, err := readProblems()
	require.NoError(t, err)
	return codes
}

var readProblems = sync.OnceValues(func() (map[string]problemCode, error) {
	manual, err := os.ReadFile("docs/problems.md")
	codes := map[string]problemCode{}
	for line := range strings.Lines(strings.ReplaceAll(string(manual), "\r\n", "\n")) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		row := cells(strings.TrimSpace(line))
		code := problemCode{message: strings.Trim(row[2], "`")}
		if row[1] != "" {
			code.args = strings.Split(row[1], "; ")
		}
		codes[strings.Trim(row[0], "`")] = code
	}
	return codes, err
})

// Where problems are, in bytes and as browsers count, and what they are.
func TestCheck_Places(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body                               string
		offset, length, offset16, length16 int
		code                               string
		args                               []string
	}{
		{`{"a":1`, 6, 0, 6, 0, "json-ends", nil},
		{`["😀é", {{a]`, 11, 1, 8, 1, "tag-unclosed", []string{"}}"}},
		{`["😀{{}}"]`, 8, 1, 6, 1, "placeholder-empty", nil},
		{`{"😀":1,"😀":2}`, 10, 6, 8, 4, "duplicate-key", nil},
		{"[\"é{{a | slice: 'x'}}\"]", 17, 3, 16, 3, "filter-argument-kind", []string{"slice", "1", "a text", "a whole number"}},
		{"[é]", 1, 2, 1, 1, "json-syntax", nil},
		{"[\"\xff\"]", 2, 1, 2, 1, "not-utf8", nil},
	}
	for _, tt := range tests {
		t.Run(tt.body, func(t *testing.T) {
			t.Parallel()
			w := webhook.Webhook{URL: "https://h/", Body: tt.body}
			problems := webhook.Check(w)
			require.Len(t, problems, 1)
			p := problems[0]
			requireProblem(t, w, p)
			require.Equal(t, []int{tt.offset, tt.length, tt.offset16, tt.length16}, []int{p.Offset, p.Length, p.Offset16, p.Length16})
			require.Equal(t, tt.code, p.Code)
			require.Equal(t, tt.args, p.Args)
			_, err := webhook.Compile(w)
			var te *webhook.TemplateError
			require.ErrorAs(t, err, &te)
			require.Equal(t, tt.code, te.Code)
			require.Equal(t, tt.args, te.Args)
		})
	}
}

// Each code has one row in the manual.
func TestDocs_Problems(t *testing.T) {
	t.Parallel()
	codes := problemCodes(t)
	for _, kind := range problem.Kinds() {
		require.Contains(t, codes, kind.Code)
		require.Equal(t, kind.Args, codes[kind.Code].args, kind.Code)
	}
	require.Len(t, codes, len(problem.Kinds()), "one row for each code, and no code twice")
}
