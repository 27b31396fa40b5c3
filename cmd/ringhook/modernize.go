package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/ringhook/webhook"
)

func declareModernize(flags *flag.FlagSet) action {
	isText := flags.Bool("text", false, "")
	return func(_ context.Context, e *env, args []string) error {
		if *isText {
			return e.modernizeText(args)
		}
		name, w, err := e.webhook(args)
		if err != nil {
			return err
		}
		var faults []fault
		modernize := func(field, template string) string {
			modern, some := modernized(field, template)
			faults = append(faults, some...)
			return modern
		}
		w.URL = modernize("url", w.URL)
		for _, header := range slices.Sorted(maps.Keys(w.Headers)) {
			w.Headers[header] = modernize("headers."+header, w.Headers[header])
		}
		w.Body = modernize("body", w.Body)
		if len(faults) > 0 {
			return e.printFaults(name, faults)
		}
		return e.printJSON(w)
	}
}

func (e *env) modernizeText(args []string) error {
	if len(args) == 0 {
		return errors.New("which template? Name a file, or - for standard input")
	}
	b, err := e.read(args[0])
	if err != nil {
		return err
	}
	text, faults := modernized("template", string(b))
	switch {
	case len(faults) > 0:
		return e.printFaults(args[0], faults)
	case e.json:
		return e.printJSON(text)
	}
	_, err = io.WriteString(e.out, text)
	return err
}

// A fault is why a template has no other spelling.
type fault struct {
	Field   string   `json:"field"`
	Offset  int      `json:"offset"`
	Code    string   `json:"code"`
	Args    []string `json:"args,omitempty"`
	Message string   `json:"message"`
}

// modernized rewrites a template, or tells why it cannot be.
func modernized(field, template string) (string, []fault) {
	modern, err := webhook.ModernizeTemplate(template)
	te := new(webhook.TemplateError)
	if !errors.As(err, &te) {
		return modern, nil
	}
	return template, []fault{{Field: field, Offset: te.Offset, Code: te.Code, Args: te.Args, Message: te.Err.Error()}}
}

// printFaults prints them without their lines, which are masked only for fields that have
// credentials.
func (e *env) printFaults(name string, faults []fault) error {
	if e.json {
		if err := e.printJSON(faults); err != nil {
			return err
		}
		return errProblems
	}
	for _, p := range faults {
		fmt.Fprintf(e.out, "%s: error: %s: offset %d: %s\n", name, p.Field, p.Offset, p.Message)
	}
	return errProblems
}
