package durable

import (
	"sync"
	"time"

	"github.com/ringhook/webhook/durable/internal/store"
)

// River hands jobs out by their priority, from 1 to 4, and then the oldest first. So that
// 50 000 messages to one endpoint do not stand before those to all others, the priority
// of a job says how many deliveries of the same type of event wait before it at its
// endpoint.

// deeper has how many must wait for the priorities 2, 3 and 4.
var deeper = [...]int64{50, 500, 5000}

// A lane is where deliveries wait for each other: an endpoint and a type of event.
type lane struct{ key, event string }

func laneOf(task entry) lane { return lane{task.Key, tag(task.Message.Event)} }

// depths has how many deliveries wait, as far as it is known: since it was last read,
// others may have enqueued some, and those that were rolled back are counted. The zero
// value is ready to use.
type depths struct {
	mu sync.Mutex // guards n
	n  map[lane]depth
}

type depth struct {
	n    int64
	read time.Time
}

const (
	// depthFor is how long a number counts, and what this process has added to it.
	depthFor = 500 * time.Millisecond
	maxLanes = 10_000 // whose numbers are in memory
)

// stmts returns the statement that reads the numbers which are not known, if there are some.
func (d *depths) stmts(sql store.Many, tasks []entry) []store.Stmt {
	now := time.Now()
	asked := make(map[lane]bool)
	var lanes []lane
	var rows [][]any
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, task := range tasks {
		if task.fault != nil {
			continue
		}
		l := laneOf(task)
		if asked[l] || now.Sub(d.n[l].read) < depthFor {
			continue
		}
		asked[l] = true
		lanes = append(lanes, l)
		rows = append(rows, []any{l.key, l.event, deeper[len(deeper)-1]})
	}
	if rows == nil {
		return nil
	}
	return []store.Stmt{sql.For(rows, func(row store.Row) error {
		var i, n int64
		err := row.Scan(&i, &n)
		if err == nil {
			d.put(lanes[i-1], depth{n, now})
		}
		return err
	})}
}

func (d *depths) put(l lane, n depth) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n == nil || len(d.n) >= maxLanes {
		d.n = make(map[lane]depth)
	}
	d.n[l] = n
}

// priority returns that of the next job in a task's lane, and counts it.
func (d *depths) priority(task entry) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := laneOf(task)
	n := d.n[l]
	priority := 1
	for _, least := range deeper {
		if n.n >= least {
			priority++
		}
	}
	if !n.read.IsZero() { // it was not dropped since
		n.n++
		d.n[l] = n
	}
	return priority
}
