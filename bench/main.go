// Bench measures the library beside what people would use instead, and beside the
// physical limit, in one run.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/ringhook/webhook/bench/internal/pair"
)

// options say how much is measured.
type options struct {
	computeRounds  int
	computeSlice   time.Duration
	deliveryRounds int
	deliverySlice  time.Duration
	longRounds     int  // of slices that take seconds
	longest        bool // with what takes a minute
}

var (
	full = options{
		computeRounds: 200, computeSlice: 300 * time.Microsecond,
		deliveryRounds: 9, deliverySlice: 63 * time.Millisecond,
		longRounds: 2, longest: true,
	}
	quick = options{
		computeRounds: 60, computeSlice: 200 * time.Microsecond,
		deliveryRounds: 5, deliverySlice: 40 * time.Millisecond,
		longRounds: 1,
	}
)

// A group is a part of the suite. Its cases share what they need, which the function
// that comes with them ends.
type group struct {
	name  string
	cases func(o options) ([]pair.Case, func(), error)
}

var groups = []group{
	{"compose", composeCases},
	{"sign", signCases},
	{"deliver", deliverCases},
	{"hosts", hostsCases},
	{"conns", connsCases},
	{"pending", pendingCases},
	{"isolation", isolationCases},
	{"dispatch", dispatchCases},
	{"inbound", inboundCases},
	{"durable", durableCases},
}

func main() {
	if is, err := asChild(os.Args); is {
		exit(err)
	}
	only := flag.String("only", "", "measure only what has just `this` name, or else begins so, such as compose or deliver/raw, and write no files")
	isQuick := flag.Bool("quick", false, "measure less, in one round what takes seconds and not at all what takes a minute, and write no files")
	readme := flag.Bool("readme", false, "measure nothing, write the README's section from RESULTS.md")
	cpuProfile := flag.String("cpuprofile", "", "write a CPU profile to this `file`")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "bench: %q is no flag; -only has the name of what to measure\n", flag.Arg(0))
		os.Exit(2)
	}
	if *readme && flag.NFlag() > 1 {
		fmt.Fprintln(os.Stderr, "bench: -readme measures nothing, and takes no other flag")
		os.Exit(2)
	}
	exit(run(*only, *isQuick, *readme, *cpuProfile))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(only string, isQuick, readme bool, cpuProfile string) error {
	dir := "bench"
	if _, err := os.Stat(filepath.Join(dir, "svg.go")); err != nil {
		dir = "." // started in the module itself
		if _, err := os.Stat("svg.go"); err != nil {
			return errors.New("start it in the root of the repository or in bench/, where it writes its results")
		}
	}
	if readme {
		return writeReadme(filepath.Join(dir, "..", "README.md"), filepath.Join(dir, "RESULTS.md"))
	}
	if cpuProfile != "" {
		f, err := os.Create(cpuProfile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	o := full
	if isQuick {
		o = quick
	}
	start := time.Now()
	figures, err := measure(o, only)
	if err != nil {
		return err
	}
	if only == "" && !isQuick {
		r := newReport(figures, time.Since(start))
		if err := os.WriteFile(filepath.Join(dir, "RESULTS.md"), []byte(r.markdown()), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "results.svg"), []byte(r.svg()), 0o644); err != nil {
			return err
		}
	}
	fmt.Println(verdicts(figures))
	return failure(figures)
}

// failure is the error of a run in which goals are missed, or nobody can say whether
// they are.
func failure(figures []pair.Figure) error {
	var errs []error
	if n := count(figures, pair.Missed); n > 0 {
		errs = append(errs, fmt.Errorf("goals missed twice: %d", n))
	}
	void := 0
	for _, f := range figures {
		if f.Gated() && f.Verdict() == pair.Void {
			void++
		}
	}
	if void > 0 {
		errs = append(errs, fmt.Errorf("figures with a goal that are void: %d; measure again on a quiet machine", void))
	}
	return errors.Join(errs...)
}

func writeReadme(readme, results string) error {
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	measured, err := os.ReadFile(results)
	if err != nil {
		return err
	}
	updated, err := withPerformance(string(text), string(measured))
	// not written, so that git need not look again
	if err != nil || updated == string(text) {
		return err
	}
	return os.WriteFile(readme, []byte(updated), 0o644)
}

// measure runs all cases that begin with only, or have just that name, and says how far
// it is.
func measure(o options, only string) ([]pair.Figure, error) {
	var jobs []pair.Case
	for _, g := range groups {
		if !strings.HasPrefix(g.name, only) && !strings.HasPrefix(only, g.name) {
			continue
		}
		cases, done, err := g.cases(o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.name, err)
		}
		if done != nil {
			defer done()
		}
		jobs = append(jobs, chosen(cases, only)...)
	}
	if len(jobs) == 0 && !o.longest {
		return nil, fmt.Errorf("nothing begins with %q, or -quick leaves it out", only)
	} else if len(jobs) == 0 {
		return nil, fmt.Errorf("nothing begins with %q", only)
	}
	start := time.Now()
	var figures []pair.Figure
	for i, j := range jobs {
		fmt.Printf("%3d/%d %4.0fs  %s", i+1, len(jobs), time.Since(start).Seconds(), j.Names[0])
		got, err := j.Measure()
		if err != nil {
			fmt.Println()
			return nil, err
		}
		for k, f := range got {
			if k > 0 {
				fmt.Printf("               %s", f.Name)
			}
			fmt.Printf(": %s\n", f)
		}
		if len(got) == 0 {
			fmt.Println(": not known on this system")
		}
		figures = append(figures, got...)
	}
	return figures, nil
}

// chosen are the cases that have just that name, or else those that begin so.
func chosen(cases []pair.Case, only string) []pair.Case {
	var exact, begin []pair.Case
	for _, c := range cases {
		if c.Has(only) {
			exact = append(exact, c)
		}
		if c.Begins(only) {
			begin = append(begin, c)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return begin
}
