package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ringhook/webhook"
)

func declareRender(flags *flag.FlagSet) action {
	var events eventFlags
	events.declare(flags)
	id := flags.String("id", "", "")
	asCurl := flags.Bool("curl", false, "")
	secrets := flags.Bool("secrets", false, "")
	return func(_ context.Context, e *env, args []string) error {
		w, m, err := e.compose(args, &events, *id)
		if err != nil {
			return err
		}
		shown := m
		if !*secrets {
			shown = m.Masked()
		}
		switch {
		case *asCurl && *secrets:
			_, err = fmt.Fprintln(e.out, m.CurlWithSecrets())
		case *asCurl:
			_, err = fmt.Fprintln(e.out, m.Curl())
		case e.json:
			err = e.printJSON(shown)
		default:
			header := shown.Header.Clone()
			header.Set(webhook.HeaderID, m.ID)
			if w.Auth != nil { // of what is sent, only the Client knows it
				header.Set("Authorization", webhook.Mask)
			}
			e.printRequest(m.Method+" "+shown.URL, header, m.Body)
		}
		return err
	}
}

// compose makes the request of the webhook that args name. What is wrong with it is
// printed.
func (e *env) compose(args []string, events *eventFlags, id string) (w webhook.Webhook, m *webhook.Message, err error) {
	name, w, err := e.webhook(args)
	if err != nil {
		return w, nil, err
	}
	event, err := events.one(e)
	if err != nil {
		return w, nil, err
	}
	c, err := webhook.Compile(w, event)
	if err == nil {
		m, err = c.ComposeID(cmp.Or(id, rand.Text()), event)
	}
	if err == nil {
		return w, m, nil
	}
	var fault *webhook.TemplateError
	switch {
	case errors.Is(err, webhook.ErrUnwanted) && e.json:
		err = e.printJSON(map[string]string{"outcome": "unwanted"})
	case errors.Is(err, webhook.ErrUnwanted):
		err = nil
		fmt.Fprintf(e.out, "%s: the condition does not hold for this event: nothing is sent\n", name)
	case errors.As(err, &fault) && e.json:
		err = e.printJSON(map[string]any{
			"outcome": "faulty", "field": fault.Field, "offset": fault.Offset, "code": fault.Code, "args": fault.Args,
			"message": fault.Err.Error(),
		})
	case errors.As(err, &fault):
		err = nil
		e.printFault(name, fault.Field, fault)
	}
	if err == nil {
		err = errProblems
	}
	return w, nil, err
}

// printFault prints an error of a template as check does.
func (e *env) printFault(name, field string, fault *webhook.TemplateError) {
	fmt.Fprintf(e.out, "%s: error: %s: %v\n", name, field, fault.Err)
	if _, lines, ok := strings.Cut(fault.Detail(), "\n"); ok {
		e.indented(lines)
	}
}

// printRequest prints a request as HTTP has it.
func (e *env) printRequest(line string, header http.Header, body []byte) {
	fmt.Fprintln(e.out, line)
	e.printHeader(header)
	if len(body) > 0 {
		fmt.Fprintf(e.out, "\n%s\n", strings.TrimSuffix(string(body), "\n"))
	}
}

func (e *env) printHeader(header http.Header) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(e.out, "%s: %s\n", name, oneLine(value))
		}
	}
}

// oneLine keeps a text that may be anybody's from looking like lines of ours.
func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", " ").Replace(s)
}
