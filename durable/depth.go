package durable

import "github.com/ringhook/webhook/durable/internal/store"

// River hands jobs out by their priority, from 1 to 4, and then the oldest first. So that
// 50 000 messages to one endpoint do not stand before those to all others, the priority
// of a job says how many deliveries of the same type of event wait before it at its
// endpoint.

// deeper has how many must wait for the priorities 2, 3 and 4.
var deeper = [...]int64{50, 500, 5000}

// depths has how many deliveries wait, by endpoint and type of event.
type depths map[[2]string]*int64

// appendDepths adds the statements that read how many wait where tasks go. They are to be
// run before the tasks are inserted.
func (e *Engine[T]) appendDepths(stmts []store.Stmt, tasks []entry) ([]store.Stmt, depths) {
	all := make(depths)
	for _, task := range tasks {
		if task.fault != nil {
			continue
		}
		place := placeOf(task)
		if all[place] != nil {
			continue
		}
		n := new(int64)
		all[place] = n
		stmts = append(stmts, store.Stmt{
			SQL:  e.sql.depth,
			Args: []any{place[0], place[1], deeper[len(deeper)-1]},
			Scan: func(row store.Row) error { return row.Scan(n) },
		})
	}
	return stmts, all
}

func placeOf(task entry) [2]string { return [2]string{task.Key, tag(task.Message.Event)} }

// priority returns that of the next job of a task's place.
func (d depths) priority(task entry) int {
	n := d[placeOf(task)]
	priority := 1
	for _, least := range deeper {
		if *n >= least {
			priority++
		}
	}
	*n++
	return priority
}
