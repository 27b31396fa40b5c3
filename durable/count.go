package durable

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable/internal/store"
)

// maxCount is up to where Count counts.
const maxCount = 10_000

// A Number of deliveries.
type Number struct {
	N int `json:"n"`
	// More says that there are, or may be, more than N.
	More bool `json:"more"`
}

// String returns the number, with a + if there are more.
func (n Number) String() string {
	if n.More {
		return strconv.Itoa(n.N) + "+"
	}
	return strconv.Itoa(n.N)
}

// Counts are how many deliveries match a filter.
type Counts struct {
	// States has a number for each state that the filter asks for.
	States map[State]Number `json:"states"`
	// Failures are those that failed, by the class and the status of the last attempt, the
	// most frequent first.
	Failures []Failures `json:"failures"`
}

// Failures is a number of deliveries that failed alike.
type Failures struct {
	Class  webhook.Class `json:"class"`
	Status int           `json:"status"` // 0: none came
	Number
}

// Count returns how many deliveries match a filter, whose Limit and After do not count. It
// is exact up to 10,000 of each state, and says so where there are more. If more have
// failed, Failures is of the newest 10,000 of them. For a Ref or a Subject that more than
// 10,000 deliveries have, all numbers are of the newest 10,000 of these.
//
// What List says of filters that take longer, and of the error, is true of Count.
func (e *Engine[T]) Count(ctx context.Context, f Filter) (Counts, error) {
	f.After = ""
	search, err := f.search(e.key)
	if err != nil {
		return Counts{}, fmt.Errorf("durable: count: %w", err)
	}
	if f.byClass() {
		f.State = StateFailed
	}
	more, err := e.bound(ctx, &search, maxCount)
	if err != nil {
		return Counts{}, fmt.Errorf("durable: count: %w", err)
	}
	search.params[3] = int64(maxCount + 1)
	counts := Counts{States: make(map[State]Number), Failures: []Failures{}}
	for _, state := range states {
		if f.State == "" || f.State == state {
			counts.States[state] = Number{}
		}
	}
	var stmts []store.Stmt
	if len(search.states) == 0 {
		stmts = counts.ofOne(search)
	} else {
		stmts = counts.byState(search)
	}
	for i := range stmts {
		stmts[i].SQL, stmts[i].Args = e.dialect.SQL(stmts[i].SQL), search.params
	}
	if err := e.readInOrder(ctx, stmts...); err != nil {
		return Counts{}, fmt.Errorf("durable: count: %w", err)
	}
	if more != nil {
		counts.mark(true)
	}
	slices.SortFunc(counts.Failures, func(a, b Failures) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Status, b.Status))
	})
	return counts, nil
}

// byState returns the statements for a search whose index has the state.
func (c *Counts) byState(s search) []store.Stmt {
	parts := make([]string, len(s.states))
	for i, state := range s.states {
		parts[i] = fmt.Sprintf(`SELECT '%s' AS state, count(*) FROM (%s) AS %[1]s`, state, s.selected(`1 AS one`, state))
	}
	stmts := []store.Stmt{{SQL: strings.Join(parts, ` UNION ALL `), Scan: func(row store.Row) error {
		var state State
		var n int64
		err := row.Scan((*string)(&state), &n)
		c.States[state] = number(n, n > maxCount)
		return err
	}}}
	if !slices.Contains(s.states, StateFailed) {
		return stmts
	}
	total := int64(0)
	return append(stmts, store.Stmt{
		SQL: `SELECT class, status, count(*) FROM (` + s.selected(`class, status`, StateFailed) + `) AS failed GROUP BY 1, 2`,
		Scan: func(row store.Row) error {
			var class string
			var status, n int64
			err := row.Scan(&class, &status, &n)
			if total += n; total > maxCount {
				c.mark(false)
			}
			c.addFailures(class, status, number(n, total > maxCount))
			return err
		},
	})
}

// ofOne returns the statement for a search for a ref or a subject.
func (c *Counts) ofOne(s search) []store.Stmt {
	total := int64(0)
	return []store.Stmt{{
		SQL: `SELECT state, class, status, count(*) FROM (` + s.selected(`state, class, status`, "") +
			`) AS newest GROUP BY 1, 2, 3`,
		Scan: func(row store.Row) error {
			var state State
			var class string
			var status, n int64
			err := row.Scan((*string)(&state), &class, &status, &n)
			if total += n; total > maxCount {
				c.mark(true)
			}
			more := total > maxCount
			c.States[state] = number(int64(c.States[state].N)+n, more)
			if state == StateFailed {
				c.addFailures(class, status, number(n, more))
			}
			return err
		},
	}}
}

// mark marks the numbers of failures, and perhaps of the states, that there may be more.
func (c *Counts) mark(states bool) {
	for i := range c.Failures {
		c.Failures[i].More = true
	}
	if !states {
		return
	}
	for state, n := range c.States {
		n.More = true
		c.States[state] = n
	}
}

func (c *Counts) addFailures(class string, status int64, n Number) {
	c.Failures = append(c.Failures, Failures{webhook.Class(class), int(status), n})
}

func number(n int64, more bool) Number { return Number{int(min(n, maxCount)), more} }
