// Package store is what an engine asks of a database. Packages sqlite and postgres
// implement it.
package store

import (
	"context"
	"errors"
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
	Identity    string // the type of a key that the database counts up
	Blob        string // the type of bytes
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
