package durable

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// answerColumns are the columns of an attempt that have what the receiver said: the
// beginning of the body, where it points, and lines of the header.
var answerColumns = [...]string{"answer", "location", "header"}

// An answer is what is kept of what the receiver said, for each of answerColumns.
type answer [len(answerColumns)]string

const (
	redactWithin = time.Second // how long a signer may take to tell its secrets
	maxLocation  = 512         // bytes
	maxHeader    = 4096        // bytes; those of a client are fewer
)

// answerOf returns what is kept of the answer to an attempt. It never panics: the attempt
// has been made.
func (e *Engine[T]) answerOf(ctx context.Context, m *webhook.Message, a *webhook.Attempt) (kept answer) {
	body := a.Body
	if e.config.KeepAnswer < 0 {
		body = nil
	}
	lines := append([]string{a.Location}, headerLines(a.Header)...)
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line, "\n", " ")
	}
	said := append([]byte(strings.Join(lines, "\n")+"\n"), body...)
	if len(said) == len("\n") {
		return answer{}
	}
	defer func() {
		if reason := recover(); reason != nil {
			e.config.Logger.ErrorContext(ctx, "durable: a Redact panicked", slog.String("id", m.ID))
			kept = answer{}
		}
	}()
	redact := e.handler.Redact
	if redact == nil {
		redact = new(webhook.Client).Redact
	}
	ctx, cancel := context.WithTimeout(ctx, redactWithin)
	defer cancel()
	// All of it, and then cut: part of a secret is one too. At once, since a signer is
	// asked each time.
	parts := strings.SplitN(string(redact(ctx, m, *a, said)), "\n", len(lines)+1)
	if len(parts) <= len(lines) { // not even the line breaks are left
		return answer{cut(parts[0], e.config.KeepAnswer)}
	}
	return answer{
		cut(parts[len(lines)], e.config.KeepAnswer), cut(parts[0], maxLocation),
		cut(strings.Join(parts[1:len(lines)], "\n"), maxHeader),
	}
}

// headerLines returns the lines of a header, in the order of names, without the Location,
// which has a place of its own.
func headerLines(header http.Header) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			if name != "Location" {
				lines = append(lines, name+": "+value)
			}
		}
	}
	return lines
}

// parseHeader reads what headerLines has written. It returns nil for none.
func parseHeader(lines string) http.Header {
	if lines == "" {
		return nil
	}
	header := http.Header{}
	for line := range strings.SplitSeq(lines, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		header[name] = append(header[name], value)
	}
	return header
}

// problemText writes what went wrong as the table has it.
func problemText(a *webhook.Attempt) string {
	if a.Code == "" {
		return ""
	}
	text, _ := json.Marshal(append([]string{a.Code}, a.Args...)) // of strings: no error
	return string(text)
}

// cut returns at most n bytes of s, as text that every database can store.
func cut(s string, n int) string {
	s = clean(s[:min(len(s), max(n, 0)+4)]) // not all: clean makes three bytes of one
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:max(n, 0)], "")
}

func arrived(a *webhook.Attempt) int64 {
	if a.MayHaveArrived {
		return 1
	}
	return 0
}

// wantText writes status codes as the table has them.
func wantText(codes []int) string {
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = strconv.Itoa(code)
	}
	return strings.Join(texts, ",")
}

// A storedAttempt is an attempt whose answer may be sealed.
type storedAttempt struct {
	Attempt
	answer answer
}

// attemptColumns are what scanAttempt reads, but for answerColumns, which come next.
const attemptColumns = `gen, n, at, duration, status, class, error, problem, requests, arrived, want`

func scanAttempt(row store.Row) (a storedAttempt, err error) {
	var resent, n, at, duration, status, requests, arrived int64
	var problem, want string
	dest := []any{
		&resent, &n, &at, &duration, &status, (*string)(&a.Class), &a.Error, &problem, &requests, &arrived, &want,
	}
	for i := range a.answer {
		dest = append(dest, &a.answer[i])
	}
	err = row.Scan(dest...)
	a.Resent, a.N, a.At, a.Status = int(resent), int(n), utc(at), int(status)
	a.Duration = time.Duration(duration) * time.Microsecond
	a.Requests, a.MayHaveArrived = int(requests), arrived == 1
	if err == nil && problem != "" {
		var texts []string
		if err = json.Unmarshal([]byte(problem), &texts); err == nil && len(texts) > 0 {
			a.Code, a.Args = texts[0], texts[1:]
		}
	}
	if err != nil || want == "" {
		return a, err
	}
	for text := range strings.SplitSeq(want, ",") {
		code, err := strconv.Atoi(text)
		if err != nil {
			return a, err
		}
		a.Want = append(a.Want, code)
	}
	return a, nil
}
