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
		ok := e.modernize(name, "url", &w.URL)
		for _, header := range slices.Sorted(maps.Keys(w.Headers)) {
			value := w.Headers[header]
			ok = e.modernize(name, "headers."+header, &value) && ok
			w.Headers[header] = value
		}
		if ok = e.modernize(name, "body", &w.Body) && ok; !ok {
			return errProblems
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
	text := string(b)
	if !e.modernize(args[0], "template", &text) {
		return errProblems
	}
	if e.json {
		return e.printJSON(text)
	}
	_, err = io.WriteString(e.out, text)
	return err
}

// modernize rewrites a template, or prints why it cannot be.
func (e *env) modernize(name, field string, template *string) bool {
	modern, err := webhook.ModernizeTemplate(*template)
	if fault := new(webhook.TemplateError); errors.As(err, &fault) {
		// without its lines, which are masked only for fields that have credentials
		fmt.Fprintf(e.out, "%s: error: %s: offset %d: %v\n", name, field, fault.Offset, fault.Err)
		return false
	}
	*template = modern
	return true
}
