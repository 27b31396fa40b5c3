// Package nearest finds the known name that is nearest to a misspelt one.
package nearest

// A Search looks for the known name that is nearest to a misspelt one.
type Search struct {
	name, best string
	least      int // the distance of best; a name must be nearer than that
}

// To begins a search. A name is too far if it differs in more than a third of the
// characters, in all characters of a short name, or in more than mostEdits.
func To(name string) *Search { return Within(name, min(max(2, len(name)/3), len(name)-1)) }

// Within begins a search for names that differ in at most that many characters, and in
// no more than mostEdits.
func Within(name string, edits int) *Search {
	return &Search{name: name, least: min(edits, mostEdits) + 1}
}

// mostEdits bounds the cost of a comparison: names may be long, and there may be many.
const mostEdits = 8

// Try compares a known name.
func (s *Search) Try(known string) {
	if d := distance(s.name, known, s.least); d < s.least {
		s.best, s.least = known, d
	}
}

// Best returns the nearest of the names that were tried, the first one if there are
// several, or "" if all are too far.
func (s *Search) Best() string { return s.best }

// distance returns the number of characters to insert, remove or replace between a and
// b. If it is limit or more, distance returns limit or more.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		// Only cells within limit of the diagonal matter. The cell to the left of this
		// band is limit. The cells to the right have the values of the first row, which
		// are greater.
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
