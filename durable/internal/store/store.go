// Package store is what an engine asks of a database. Packages sqlite and postgres
// implement it.
package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/riverqueue/river/riverdriver"
)

// A Store runs statements in a database. T is a transaction of it. It is safe for
// concurrent use.
type Store[T any] interface {
	// Driver returns River's driver for the same database.
	Driver() riverdriver.Driver[T]
	// Dialect returns how statements are written.
	Dialect() Dialect
	// Read runs statements that only read, each perhaps at another moment.
	Read(ctx context.Context, stmts ...Stmt) error
	// Run runs the statements in one transaction.
	Run(ctx context.Context, stmts ...Stmt) error
	// RunTx runs the statements in a transaction of the caller's.
	RunTx(ctx context.Context, tx T, stmts ...Stmt) error
	// InTx begins a transaction that writes and sees all that is committed, calls fn,
	// and commits if fn returns nil. Its error wraps ErrWaited if it has waited for
	// another one for as long as it may.
	InTx(ctx context.Context, fn func(tx T) error) error
	// Lock returns the statements that lock the names until the transaction ends. There
	// are none where only one transaction at a time can write.
	Lock(names []string) []Stmt
	// LockTimeout returns the statements after which the transaction fails rather than
	// wait for a lock for longer than a moment. There are none where Lock has none.
	LockTimeout() []Stmt
	// Conflict reports whether an error says that a transaction was in conflict with
	// another one, and may succeed when it is run again.
	Conflict(err error) bool
	// Migrate calls before, brings River's tables up to date, and calls after, each in
	// a transaction. It lets one process at a time do so.
	Migrate(ctx context.Context, before, after func(tx T) error) error
	// Close closes what the store has opened itself.
	Close() error
}

// ErrWaited says that to try again at once would be to wait as long again.
var ErrWaited = errors.New("another transaction has been writing for too long")

// A Checker is a store that can be in a state which an operator should know of.
type Checker interface {
	// Check returns how large the write-ahead log is, and an error if it cannot be
	// emptied.
	Check(ctx context.Context) (log int64, err error)
}

// Open makes engine, which is a new *durable.Engine[T], an engine on s, a Store[T],
// with config, a durable.Config. Package durable sets it. It is not a function there,
// since users would see it, who have no Store to call it with.
var Open func(engine, s, config any) error

// Clock returns the time on this process's clock. It is a variable so that a test can
// run a process whose clock is wrong.
var Clock = time.Now

// A Stmt is one statement.
type Stmt struct {
	SQL  string // in the dialect of the store
	Args []any
	// Rows, if not nil, are those of a [Many], in place of Args.
	Rows [][]any
	// Scan is called for each row that comes back. If nil, rows are ignored.
	Scan func(Row) error
}

// A Row is scanned as [database/sql.Rows] are.
type Row interface{ Scan(dest ...any) error }

// A Dialect is what differs between the databases in their SQL.
type Dialect struct {
	Schema      string // for River; empty: none
	Prefix      string // before the names of our tables
	River       string // before the names of River's tables
	Placeholder string // before the number of an argument
	// Arrays is whether a [Many] is given several rows as an array for each column.
	// Otherwise it is run for each row.
	Arrays   bool
	Identity string // the type of a key that the database counts up
	Blob     string // the type of bytes
	// Tables is a statement that returns two numbers: how many tables @migration and
	// #river_migration there are.
	Tables string
	// Stale is a condition: the transaction may not see what others have committed
	// since it began.
	Stale string

	// Now is an expression: the time on the database's own clock, in microseconds since
	// 1970. It is empty where that is the clock of the process.
	Now string

	// Micros is an expression with %s for a time of River's: that in microseconds since
	// 1970.
	Micros string

	// InOrder is a statement after which, until the end of the transaction, indexes are
	// read in their order, so that reading can stop early. It is empty where that is so
	// anyway.
	InOrder string

	// ForUpdate is what a SELECT ends with that locks its rows until the end of the
	// transaction. It is empty where writers wait for each other anyway.
	ForUpdate string

	// Migrations has for each version what is run after the statements for all
	// databases. Versions at the end may lack.
	Migrations [][]string
}

// SQL replaces in text: @ before the name of one of our tables, # before that of one of
// River's, $ before the number of an argument, IDENTITY and BLOB for types, and STALE.
func (d Dialect) SQL(text string) string {
	return strings.NewReplacer("@", d.Prefix, "#", d.River, "$", d.Placeholder,
		"IDENTITY", d.Identity, "BLOB", d.Blob, "STALE", d.Stale).Replace(text)
}

// A Many is a statement about one or many rows that a program has.
type Many struct {
	one, many string
	counts    bool // one has the number of the row
}

// For returns the statement for rows, of which there is at least one: each has a value for
// each of the columns, of the same type in all rows; NULL is a nil pointer or slice.
func (m Many) For(rows [][]any, scan func(Row) error) Stmt {
	if len(rows) == 1 { // for which arrays take longer than all else
		args := slices.Clip(rows[0])
		if m.counts {
			args = append(args, int64(1))
		}
		return Stmt{SQL: m.one, Args: args, Scan: scan}
	}
	return Stmt{SQL: m.many, Rows: rows, Scan: scan}
}

// Many writes a statement as SQL does. FROM ROWS(a text, b bigint) in it, also after a
// comma in place of FROM, is a table r of the rows, whose columns are written r.a and r.b.
// r.n counts the rows from 1. An INSERT sees nothing of what it has inserted itself, and an
// UPDATE changes a row once, so two rows of one statement must not be of the same delivery,
// or not depend on each other. Names without r. are not looked for in r as long as there is
// no such column: for one row, there is no table.
func (d Dialect) Many(text string) Many {
	found := rowsText.FindStringSubmatch(text)
	whole, from, columns := found[0], found[1], strings.Split(found[2], ",")
	var names, kinds, arrays []string
	for i, column := range columns {
		name, kind, _ := strings.Cut(strings.TrimSpace(column), " ")
		names, kinds = append(names, name), append(kinds, kind)
		// With SELECT, Postgres does not see how long an array is, or it would make a plan
		// anew for each, which takes longer than to run it.
		arrays = append(arrays, fmt.Sprintf("(SELECT CAST($%d AS %s[]))", i+1, kind))
	}
	names, kinds = append(names, "n"), append(kinds, "bigint")
	counts := numberText.MatchString(text)
	one := columnText.ReplaceAllStringFunc(strings.Replace(text, whole, "", 1), func(name string) string {
		i := slices.Index(names, strings.TrimPrefix(name, "r."))
		if i < 0 {
			panic("durable: no column " + name + " in " + whole)
		}
		if !d.Arrays { // SQLite, which would take an empty text for a number, and looks at no type
			return fmt.Sprintf("$%d", i+1)
		}
		return fmt.Sprintf("CAST($%d AS %s)", i+1, kinds[i])
	})
	if !d.Arrays {
		one = d.SQL(one)
		return Many{one, one, counts}
	}
	// The condition is always true. It has Postgres believe in a single row, and look
	// each up in an index. Or it would read a table that was empty when it made the
	// plan, which it keeps, however large that becomes.
	many := strings.Replace(text, whole, from+" (SELECT * FROM unnest("+strings.Join(arrays, ", ")+
		") WITH ORDINALITY AS u ("+strings.Join(names, ", ")+") WHERE n BETWEEN 1 AND 1000000000) AS r", 1)
	return Many{d.SQL(one), d.SQL(many), counts}
}

var (
	rowsText   = regexp.MustCompile(`(\s+FROM|,)\s+ROWS\(([^)]*)\)`)
	columnText = regexp.MustCompile(`\br\.(\w+)`)
	numberText = regexp.MustCompile(`\br\.n\b`)
)

// Columns returns rows as slices of their values, one for each column, as Arrays has them.
func Columns(rows [][]any) []any {
	columns := make([]any, len(rows[0]))
	for i, value := range rows[0] {
		switch value.(type) {
		case int64:
			columns[i] = column[int64](rows, i)
		case string:
			columns[i] = column[string](rows, i)
		case *string:
			columns[i] = column[*string](rows, i)
		case []byte:
			columns[i] = column[[]byte](rows, i)
		default:
			panic(fmt.Sprintf("durable: a value of the type %T", value))
		}
	}
	return columns
}

func column[V any](rows [][]any, i int) []V {
	values := make([]V, len(rows))
	for j, row := range rows {
		values[j] = row[i].(V)
	}
	return values
}
