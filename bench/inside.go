package main

import (
	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/internal/compose"
)

// inside is the program of a webhook. What the library does to bytes is compared
// without what it makes around them: a message with its id and policy.
type inside struct{ program *compose.Program }

func open(w webhook.Webhook, samples ...webhook.Event) inside {
	events := make([]compose.Event, len(samples))
	for i, e := range samples {
		events[i] = e
	}
	program, faults := compose.Compile(compose.Webhook{
		ID: w.ID, URL: w.URL, Method: w.Method, Headers: w.Headers, Format: string(w.Format), Body: w.Body,
		FormLists: string(w.FormLists), When: w.When,
	}, events...)
	if len(faults) > 0 {
		panic(faults[0])
	}
	return inside{program}
}

// appendRequest appends what Compose makes of e for URL, headers and body.
func (in inside) appendRequest(dst []byte, e webhook.Event) []byte {
	dst, err := in.program.AppendText(dst, e)
	must(err)
	return dst
}

// appendBody appends what Compose makes of e for the body.
func (in inside) appendBody(dst []byte, e webhook.Event) []byte {
	dst, err := in.program.AppendBody(dst, e)
	must(err)
	return dst
}

// wants reports whether the condition holds for e.
func (in inside) wants(e webhook.Event) bool {
	ok, err := in.program.Wants(e)
	must(err)
	return ok
}
