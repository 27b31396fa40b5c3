package pair

import "fmt"

// A Case measures one or several figures, always the same ones in the same order.
type Case struct {
	Name string
	Run  func() ([]Figure, error)
}

// tries is how often a case is measured at most: a machine that stays unsteady is not waited for.
const tries = 3

// Measure measures the case, and again what missed its goal or is void. A figure has missed its goal when two measurements
// that were not void say so and none says otherwise; if there were not so many, it is void.
func (c Case) Measure() ([]Figure, error) {
	var kept []Figure
	var misses []int
	for try := range tries {
		figures, err := c.Run()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if try == 0 {
			kept, misses = make([]Figure, len(figures)), make([]int, len(figures))
		}
		open := false
		for i, f := range figures {
			if try > 0 && kept[i].Verdict() != Void && misses[i] != 1 {
				continue // settled
			}
			switch f.Verdict() {
			case Missed:
				if misses[i]++; misses[i] == 2 || try == 0 {
					kept[i] = f
				}
			case Void:
				kept[i] = f
			default:
				kept[i], misses[i] = f, 0
			}
			open = open || kept[i].Verdict() == Void || misses[i] == 1
		}
		if !open {
			break
		}
	}
	return kept, nil
}
