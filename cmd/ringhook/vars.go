package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/ringhook/webhook"
)

func declareVars(flags *flag.FlagSet) action {
	var events eventFlags
	flags.StringVar(&events.file, "event", "", "")
	return func(_ context.Context, e *env, args []string) error {
		if len(args) > 0 {
			if events.eventType = args[0]; events.eventType == "" {
				return errors.New("the type is empty")
			}
		}
		samples, err := events.samples(e)
		if err != nil {
			return err
		}
		if len(samples) == 0 {
			return e.printTypes()
		}
		vars := variables(samples)
		if e.json {
			return e.printJSON(vars)
		}
		return e.printVariables(vars)
	}
}

func (e *env) printTypes() error {
	if e.json {
		return e.printJSON(eventTypes())
	}
	_, err := fmt.Fprintln(e.out, strings.Join(eventTypes(), "\n"))
	return err
}

// variables returns the variables of all samples of a type, with the first example that
// is not empty.
func variables(samples []webhook.Event) []webhook.Variable {
	var all []webhook.Variable
	at := map[string]int{}
	for _, sample := range samples {
		for _, v := range webhook.Variables(sample) {
			i, known := at[v.Name]
			switch {
			case !known:
				at[v.Name] = len(all)
				all = append(all, v)
			case all[i].Example == "":
				all[i].Example = v.Example
			}
		}
	}
	return all
}

func (e *env) printVariables(vars []webhook.Variable) error {
	table := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tTYPE\tEXAMPLE\tDESCRIPTION")
	for _, v := range vars {
		doc := v.Doc
		if len(v.Aliases) > 0 {
			doc = strings.TrimSpace(doc + " (also " + strings.Join(v.Aliases, ", ") + ")")
		}
		line := cell(v.Name, 100) + "\t" + v.Type + "\t" + cell(v.Example, 32) + "\t" + cell(doc, 200)
		fmt.Fprintln(table, strings.TrimRight(line, "\t"))
	}
	return table.Flush()
}

// cell shortens a text to a cell of a table.
func cell(text string, most int) string {
	text = escape(oneLine(text))
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
