// Bench measures the library beside what people would use instead, and beside the physical limit, in one run.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
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
}

var (
	full  = options{computeRounds: 200, computeSlice: 300 * time.Microsecond, deliveryRounds: 9, deliverySlice: 250 * time.Millisecond}
	quick = options{computeRounds: 60, computeSlice: 200 * time.Microsecond, deliveryRounds: 5, deliverySlice: 60 * time.Millisecond}
)

// A group is a part of the suite. Its cases share what they need, which the function that comes with them ends.
type group struct {
	name  string
	cases func(o options) ([]pair.Case, func(), error)
}

var groups = []group{
	{"compose", composeCases},
	{"sign", signCases},
	{"deliver", deliverCases},
	{"hosts", hostsCases},
	{"inbound", inboundCases},
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == receiverArg {
		n, err := strconv.Atoi(os.Args[2])
		must(err)
		must(receive(n))
		return
	}
	only := flag.String("only", "", "measure only what begins with `this`, such as compose or deliver/raw")
	isQuick := flag.Bool("quick", false, "measure less, for a first look")
	flag.Parse()
	o := full
	if *isQuick {
		o = quick
	}
	if _, err := measure(o, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure runs all cases that begin with only, and says how far it is.
func measure(o options, only string) ([]pair.Figure, error) {
	start := time.Now()
	var figures []pair.Figure
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
		for _, c := range cases {
			if !strings.HasPrefix(c.Name, only) {
				continue
			}
			got, err := c.Measure()
			if err != nil {
				return nil, err
			}
			for _, f := range got {
				fmt.Printf("%4.0fs %-30s %s  [%s]\n", time.Since(start).Seconds(), f.Name, f, f.Note)
			}
			figures = append(figures, got...)
		}
	}
	return figures, nil
}
