package main

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/ringhook/webhook"
)

func declareCheck(flags *flag.FlagSet) action {
	var events eventFlags
	events.declare(flags)
	return func(_ context.Context, e *env, args []string) error {
		name, w, err := e.webhook(args)
		if err != nil {
			return err
		}
		samples, err := events.samples(e)
		if err != nil {
			return err
		}
		problems := webhook.Check(w, samples...)
		if e.json {
			err = e.printJSON(append([]webhook.Problem{}, problems...)) // [] rather than null
		} else {
			e.printProblems(name, w, problems)
		}
		for _, p := range problems {
			if err == nil && p.Severity == webhook.SeverityError {
				err = errProblems
			}
		}
		return err
	}
}

func (e *env) printProblems(name string, w webhook.Webhook, problems []webhook.Problem) {
	if len(problems) == 0 {
		fmt.Fprintf(e.out, "%s: no problems\n", name)
	}
	for _, p := range problems {
		fmt.Fprintf(e.out, "%s: %s: %s: %s\n", name, p.Severity, p.Field, p.Message)
		e.indented(p.Detail(w))
	}
}

// indented prints lines that belong to the one before.
func (e *env) indented(text string) {
	if text != "" {
		fmt.Fprintf(e.out, "    %s\n", strings.ReplaceAll(text, "\n", "\n    "))
	}
}
