package webhook

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

const (
	maxAnswerValue  = 256 // bytes that an Attempt keeps of a value
	maxAnswerHeader = 16  // names
)

// answerNames are the headers of an answer that an Attempt keeps, with those that end as
// in traceNames. Location is added by itself, without what may be secret in it.
var (
	answerNames = []string{"Content-Type", "Date", "Retry-After", "Server"}
	traceNames  = []string{"request-id", "trace-id"}
)

// answerHeader returns what is kept of the header of an answer: of each name one value.
func answerHeader(h http.Header, location string) http.Header {
	kept := make(http.Header, len(answerNames))
	if location != "" {
		kept["Location"] = []string{cutText(location, maxAnswerValue)}
	}
	for _, name := range answerNames {
		keepAnswer(kept, name, h[name])
	}
	for name, values := range h {
		lower := strings.ToLower(name)
		isTrace := slices.ContainsFunc(traceNames, func(end string) bool { return strings.HasSuffix(lower, end) })
		if isTrace && len(name) <= maxAnswerValue && len(kept) < maxAnswerHeader {
			keepAnswer(kept, name, values)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

func keepAnswer(kept http.Header, name string, values []string) {
	if len(values) == 0 {
		return
	}
	if value := values[0]; len(value) > maxAnswerValue || !isPlainASCII(value) {
		kept[name] = []string{cutText(visibleText(value), maxAnswerValue)}
		return
	}
	kept[name] = values[:1:1]
}

func isPlainASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// visibleText returns s as valid UTF-8 without control characters.
func visibleText(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
