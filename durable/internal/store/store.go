// Package store is what an engine asks of a database. Packages sqlite and postgres implement
// it.
package store

import (
	"context"
	"strings"

	"github.com/riverqueue/river/riverdriver"
)

// A Store runs statements in a database. T is a transaction of it. It is safe for concurrent use.
type Store[T any] interface {
	// Driver is River's for the same database.
	Driver() riverdriver.Driver[T]
	Dialect() Dialect
	// Read runs statements that only read, not necessarily at one moment.
	Read(ctx context.Context, stmts ...Stmt) error
	// Run runs the statements in one transaction.
	Run(ctx context.Context, stmts ...Stmt) error
	// RunTx runs the statements in a transaction of the caller's.
	RunTx(ctx context.Context, tx T, stmts ...Stmt) error
	// InTx begins a transaction that writes and sees all that is committed, calls fn, and commits if fn returns nil.
	InTx(ctx context.Context, fn func(tx T) error) error
	// Lock returns the statements that hold the names until the transaction ends, against all who hold any of them. There are
	// none where transactions that write exclude each other anyway.
	Lock(names []string) []Stmt
	// Hasty returns the statements after which the transaction fails rather than wait for another's for longer than a moment.
	// There are none where all transactions that write wait anyway.
	Hasty() []Stmt
	// Conflict reports whether an error says that a transaction came into the way of another, and may succeed when it is run again.
	Conflict(err error) bool
	// Migrate calls before, brings River's tables up to date, and calls after, each in a transaction: one process at a time.
	Migrate(ctx context.Context, before, after func(tx T) error) error
	// Close closes what the store has opened itself.
	Close() error
}

// Open makes engine, which is a new *durable.Engine[T], one on s, a Store[T], with config, a
// durable.Config. Package durable sets it. A function of that package would be shown to users,
// who have no Store to call it with.
var Open func(engine, s, config any) error

// A Stmt is one statement.
type Stmt struct {
	SQL  string // in the dialect of the store
	Args []any
	// Scan is called for each row that comes back. If nil, rows are passed over.
	Scan func(Row) error
}

// A Row is scanned as [database/sql.Rows] are.
type Row interface{ Scan(dest ...any) error }

// A Dialect is how a database wants its SQL. Everything that is not here is written so that both understand it.
type Dialect struct {
	Schema      string // for River; empty: none
	Prefix      string // before the names of our tables
	River       string // before the names of River's
	Placeholder string // before the number of an argument
	Identity    string // type of a key that the database counts up
	Blob        string // type of bytes
	Tables      string // a statement that returns how many tables @migration and #river_migration there are
	Stale       string // whether the transaction may not see what others have committed since it began

	// Migrations are run after the statements for all, those of the first version first, and are written as those are.
	Migrations [][]string
}

// SQL rewrites text where @ stands before the name of a table of ours and # before that of one of River's, $ before an argument's
// number, IDENTITY and BLOB for types, and STALE for a condition.
func (d Dialect) SQL(text string) string {
	return strings.NewReplacer("@", d.Prefix, "#", d.River, "$", d.Placeholder, "IDENTITY", d.Identity, "BLOB", d.Blob, "STALE", d.Stale).Replace(text)
}
