package main

import (
	"fmt"
	"strings"

	"github.com/ringhook/webhook/bench/internal/pair"
)

// readmeRows are the rows of RESULTS.md that the README shows, those among them where
// something else is faster.
var readmeRows = []string{
	"compose/whole-text-template",
	"compose/whole",
	"deliver/naive@64",
	"deliver/raw-deadline@64",
	"deliver/gap-fasthttp@64",
}

// The section of the README is between these.
const (
	readmeBegin = "<!-- bench:begin, written by go run ./bench -readme -->\n"
	readmeEnd   = "<!-- bench:end -->\n"
)

// withPerformance returns the README with its section on performance made from
// RESULTS.md.
func withPerformance(readme, results string) (string, error) {
	before, rest, ok := strings.Cut(readme, readmeBegin)
	_, after, ok2 := strings.Cut(rest, readmeEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("the README has no lines %q and %q", strings.TrimSpace(readmeBegin), strings.TrimSpace(readmeEnd))
	}
	section, err := performance(results)
	return before + readmeBegin + section + readmeEnd + after, err
}

// performance makes the section.
func performance(results string) (string, error) {
	rows := map[string][]string{}
	for line := range strings.Lines(results) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) > 1 {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows[cells[0]] = cells
		}
	}
	fact := func(name string) string {
		if cells := rows[name]; len(cells) == 2 {
			return cells[1]
		}
		return "unknown"
	}
	var b strings.Builder
	composing, err := ourFigure(rows, "compose/whole")
	if err != nil {
		return "", err
	}
	delivering, err := ourFigure(rows, "deliver/raw@64-cpu")
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "Composing a message takes %s; composing, signing and sending it %s of CPU. Beside what one would use instead,\n"+
		"measured in turns on %s, %s, %s:\n\n", composing, delivering, fact("Machine"), fact("Go"), fact("Date"))
	b.WriteString("| what Ringhook does | beside | Ringhook is |\n|---|---|---|\n")
	for _, name := range readmeRows {
		cells := rows[name]
		if len(cells) != 8 {
			return "", fmt.Errorf("the results have no row %s", name)
		}
		if strings.HasPrefix(cells[7], string(pair.Void)) {
			return "", fmt.Errorf("the row %s is void: measure again on a quiet machine", name)
		}
		what, other, _ := strings.Cut(cells[1], " : ")
		if _, workers, ok := strings.Cut(name, "@"); ok {
			what += ", " + workers + " workers"
		}
		text, err := inWords(cells[2])
		if err != nil {
			return "", fmt.Errorf("the row %s: %w", name, err)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", what, other, text)
	}
	b.WriteString("\nAll rows, also those where it is slower, and how they are measured: [bench/RESULTS.md](bench/RESULTS.md).\n")
	return b.String(), nil
}

// ourFigure is the figure of ours in a row.
func ourFigure(rows map[string][]string, name string) (string, error) {
	if cells := rows[name]; len(cells) == 8 {
		if figure, _, ok := strings.Cut(cells[4], " : "); ok {
			return figure, nil
		}
	}
	return "", fmt.Errorf("the results have no figures in a row %s", name)
}

// inWords says of a ratio also which side is the faster one.
func inWords(result string) (string, error) {
	var v float64
	if _, err := fmt.Sscanf(result, "%g", &v); err != nil {
		return "", err
	}
	_, unit, _ := strings.Cut(result, " ")
	slower := v < 1 && unit == string(pair.Speed) || v > 1 && unit == string(pair.Time)
	if slower {
		return "slower: " + result, nil
	}
	return result, nil
}
