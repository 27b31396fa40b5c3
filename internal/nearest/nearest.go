// Package nearest finds what a misspelt name was meant to be.
package nearest

// A Search is for the known name that is nearest to a misspelt one.
type Search struct {
	name, best string
	least      int // distance of best, and of a name that is too far
}

// To begins a search. Names that differ in more than a third of the characters, in all
// of a short one, or in more than mostEdits, are too far.
func To(name string) *Search {
	return &Search{name: name, least: min(max(2, len(name)/3), len(name)-1, mostEdits) + 1}
}

// mostEdits bounds what a comparison costs: names may be long, and many on both sides.
const mostEdits = 8

// Try offers a known name.
func (s *Search) Try(known string) {
	if d := distance(s.name, known, s.least); d < s.least {
		s.best, s.least = known, d
	}
}

// Best returns the nearest of the names that were tried, the first of several; "" if
// all are too far.
func (s *Search) Best() string { return s.best }

// distance is the number of characters to insert, remove or replace between a and b, or
// at least limit if it is that far.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		// What is further off the diagonal than limit is out of reach: left of this
		// band stands limit, and right of it what the first row has, which is more.
		from, to := max(0, i-limit), min(len(b), i+limit)
		diagonal := row[from]
		row[from] = min(i+1, limit)
		least := row[from]
		for j := from; j < to; j++ {
			cost := diagonal
			if a[i] != b[j] {
				cost = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], cost
			least = min(least, cost)
		}
		if least >= limit {
			return limit
		}
	}
	return row[len(b)]
}
