package pair

import (
	"fmt"
	"slices"
	"strings"
)

// A Case measures one or several figures, always the same ones in the same order.
type Case struct {
	// Names are those of its figures. What a system cannot tell is left out.
	Names []string
	Run   func() ([]Figure, error)
}

// Of is a case of a single figure.
func Of(name string, run func() (Figure, error)) Case {
	return Case{Names: []string{name}, Run: func() ([]Figure, error) {
		f, err := run()
		return []Figure{f}, err
	}}
}

// Begins reports whether the name of one of its figures begins with prefix.
func (c Case) Begins(prefix string) bool {
	return slices.ContainsFunc(c.Names, func(name string) bool { return strings.HasPrefix(name, prefix) })
}

// tries is how often a case is measured at most: a machine that stays unsteady is not waited for.
const tries = 3

// Measure measures the case, and again what missed its goal or is void. A figure has missed its goal when two measurements
// that were not void say so and none says otherwise; if there were not so many, it is void.
func (c Case) Measure() ([]Figure, error) {
	var kept []Figure
	var misses []int
	for try := 1; try <= tries; try++ {
		figures, err := c.Run()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Names[0], err)
		}
		if try == 1 {
			kept, misses = make([]Figure, len(figures)), make([]int, len(figures))
		}
		open := false
		for i, f := range figures {
			if !slices.Contains(c.Names, f.Name) {
				return nil, fmt.Errorf("%s: measures %q, which is not among its names", c.Names[0], f.Name)
			}
			if try > 1 && kept[i].Verdict() != Void && misses[i] != 1 {
				continue // settled
			}
			switch f.Verdict() {
			case Missed:
				if misses[i]++; misses[i] == 2 {
					kept[i] = f
				}
			case Void:
				kept[i] = f
			default:
				kept[i], misses[i] = f, 0
			}
			kept[i].Tries = try
			open = open || kept[i].Verdict() == Void || misses[i] == 1
		}
		if !open {
			break
		}
	}
	return kept, nil
}
