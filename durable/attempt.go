package durable

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// An answer is what is kept of what the receiver said.
type answer struct{ text, location string }

const (
	redactWithin = time.Second // how long a signer may take to tell its secrets
	maxLocation  = 512         // bytes
)

// answerOf returns what is kept of the answer to an attempt. It never panics: the attempt
// has been made.
func (e *Engine[T]) answerOf(ctx context.Context, m *webhook.Message, a *webhook.Attempt) (kept answer) {
	body := a.Body
	if e.config.KeepAnswer < 0 {
		body = nil
	}
	if len(body) == 0 && a.Location == "" {
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
	// All of it, and then cut: part of a secret is one too.
	text := redact(ctx, m, *a, body)
	location := redact(ctx, m, *a, []byte(a.Location))
	return answer{cut(string(text), e.config.KeepAnswer), cut(string(location), maxLocation)}
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

func scanAttempt(row store.Row) (a Attempt, err error) {
	var resent, n, at, duration, status, requests, arrived int64
	var want string
	err = row.Scan(&resent, &n, &at, &duration, &status, (*string)(&a.Class), &a.Error,
		&requests, &arrived, &want, &a.Location, &a.Answer)
	a.Resent, a.N, a.At, a.Status = int(resent), int(n), utc(at), int(status)
	a.Duration = time.Duration(duration) * time.Microsecond
	a.Requests, a.MayHaveArrived = int(requests), arrived == 1
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
