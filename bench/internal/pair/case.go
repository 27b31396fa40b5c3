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

// Has reports whether one of its figures has that name.
func (c Case) Has(name string) bool { return slices.Contains(c.Names, name) }

// Begins reports whether the name of one of its figures begins with prefix.
func (c Case) Begins(prefix string) bool {
	return slices.ContainsFunc(c.Names, func(name string) bool { return strings.HasPrefix(name, prefix) })
}

// tries is how often a case is measured at most: a machine that stays unsteady is not
// waited for.
const tries = 3

// Measure measures the case, and again what does not meet its goal or is void. Such a
// figure is settled by two measurements that say the same and are not void; if there
// were not so many, it is void.
func (c Case) Measure() ([]Figure, error) {
	var kept []Figure
	var seen []map[Verdict]int
	for try := 1; try <= tries; try++ {
		figures, err := c.Run()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Names[0], err)
		}
		if try == 1 {
			kept, seen = make([]Figure, len(figures)), make([]map[Verdict]int, len(figures))
		}
		open := false
		for i, f := range figures {
			if !c.Has(f.Name) {
				return nil, fmt.Errorf("%s: measures %q, which is not among its names", c.Names[0], f.Name)
			}
			if try == 1 {
				seen[i] = map[Verdict]int{}
			} else if kept[i].settled(seen[i]) {
				continue
			}
			seen[i][f.Verdict()]++
			if f.settled(seen[i]) || f.Void() {
				kept[i] = f
			}
			kept[i].Tries = try
			open = open || !f.settled(seen[i])
		}
		if !open {
			break
		}
	}
	return kept, nil
}

// settled reports whether the figure's verdict is final after what was seen.
func (f Figure) settled(seen map[Verdict]int) bool {
	v := f.Verdict()
	switch v {
	case Void:
		return false
	case Near, Missed:
		return seen[v] == 2
	}
	return seen[v] > 0
}
