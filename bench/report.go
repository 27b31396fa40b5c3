package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/ringhook/webhook/bench/internal/pair"
)

// A report is a run of the whole suite.
type report struct {
	machine, goVersion, date, commit string
	took                             time.Duration
	figures                          []pair.Figure
}

func newReport(figures []pair.Figure, took time.Duration) report {
	return report{
		machine:   fmt.Sprintf("%s, %d CPUs, %s/%s", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH),
		goVersion: runtime.Version(), date: time.Now().UTC().Format(time.DateOnly), commit: commit(),
		took: took, figures: figures,
	}
}

// processor is the name of the CPU where the system tells it.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unnamed processor"
}

// commit is what git says of the working directory: go run stamps no version.
func commit() string {
	id, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	text := strings.TrimSpace(string(id))
	if changes, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no").Output(); err != nil || len(changes) > 0 {
		text += ", with changes"
	}
	return text
}

// count returns how many figures came to a verdict.
func count(figures []pair.Figure, v pair.Verdict) int {
	n := 0
	for _, f := range figures {
		if f.Verdict() == v {
			n++
		}
	}
	return n
}

// verdicts sums up a run.
func verdicts(figures []pair.Figure) string {
	return fmt.Sprintf("goals: %d met, %d nearly, %d missed; %d without a goal, %d void",
		count(figures, pair.Met), count(figures, pair.Near), count(figures, pair.Missed), count(figures, pair.Reported), count(figures, pair.Void))
}

const resultsHead = `# Results

Written by ` + "`go run ./bench`" + `, which measures all of it again.

| | |
|---|---|
| Machine | %s |
| Go | %s |
| Date | %s |
| Commit | %s |
| Took | %s |
| Result | %s |

A figure is the ratio of two ways of doing one thing, ours and the other, measured in turns (A B B A): the median over the
rounds, and the quartiles. A round is four slices: of %v, %d of them, for what only computes, and of %v, %d of them, for what
goes over the network; slices of dispatch and through a queue have a number of tasks instead. What takes seconds has %d rounds.

"Self" is the same ratio of the other way to itself: where its median is not within 0.95 to 1.05 (0.9 to 1.1 for what goes over
the network or through a queue), or its quartiles not within three times that, the machine was not steady enough, and the row
is void. A goal is met if the median meets it, and near if only the better quartile does; it is missed if neither does. Near and
missed are what two measurements say; behind the verdict stands how many were made, if more than one.

After an @ stands the number of concurrent workers. The receiver is a process of its own on the same CPUs. Rows of compose are
about the rendering alone, into a buffer that is there, but for those of Compose, which is what a caller has to pay. That hostile
values stay harmless is no row here but a test: FuzzCompose in the root.

![Speed relative to the references, on a logarithmic scale](results.svg)
`

// markdown writes the tables, one a group.
func (r report) markdown() string {
	var b strings.Builder
	o := full // which alone has results
	fmt.Fprintf(&b, resultsHead, r.machine, r.goVersion, r.date, r.commit, r.took.Round(time.Second), verdicts(r.figures),
		o.computeSlice, o.computeRounds, o.deliverySlice, o.deliveryRounds, o.longRounds)
	last := ""
	for _, f := range r.figures {
		if group, _, _ := strings.Cut(f.Name, "/"); group != last {
			last = group
			fmt.Fprintf(&b, "\n## %s\n\n| name | ours : the other | result | quartiles | numbers | self | goal | |\n|---|---|--:|--:|--:|--:|--:|---|\n", group)
		}
		quartiles, self := "", ""
		if f.Value.P25 != f.Value.P75 {
			quartiles = pair.Number(f.Value.P25) + " – " + pair.Number(f.Value.P75)
		}
		if f.Slack > 0 {
			self = fmt.Sprintf("%.2f (%.2f – %.2f)", f.Self.Median, f.Self.P25, f.Self.P75)
		}
		verdict := string(f.Verdict())
		if f.Tries > 1 {
			verdict += fmt.Sprintf(" (%d)", f.Tries)
		}
		result := pair.Number(f.Value.Median) + " " + string(f.Unit)
		if f.Missing != "" {
			result = f.Missing
		}
		cells := []string{f.Name, f.What, result, quartiles, f.Note, self, f.Goal.String(), verdict}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	b.WriteString(growth(r.figures))
	return b.String()
}
