// Package sqlite opens a [durable.Engine] on an SQLite file: for a service on one
// machine, with nothing to install. Several processes of that machine may share the
// file. What is removed from it is overwritten; see package durable about erasing.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"modernc.org/sqlite"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/store"
)

// An Engine is a [durable.Engine] on a file, with the methods described there. Its
// transactions are those of database/sql.
type Engine = durable.Engine[*sql.Tx]

// Open opens the file, which it creates if there is none, for its owner only, also
// through a symbolic link, and brings its tables up to date. Close the engine after its
// Run has returned. The file must be on a local disk, and have no other user of River in
// it. Before a file of an older version is opened, stop that version's processes.
//
// What Enqueue keeps is on disk when it returns: the journal is a write-ahead log that
// is synced with each commit. Statements wait up to 10 s for another transaction that
// writes, so keep the caller's own transactions short.
func Open(path string, config durable.Config) (*Engine, error) {
	if config.Schema != "" {
		return nil, errors.New("durable: Schema: SQLite has none")
	}
	s, err := open(path)
	if err != nil {
		return nil, err
	}
	e := &Engine{}
	if err := store.Open(e, s, config); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := e.Migrate(context.Background()); err != nil {
		return nil, fmt.Errorf("durable: open %s: %w", path, errors.Join(errors.Unwrap(err), s.Close()))
	}
	return e, nil
}

// OpenDB opens the same file for the caller's own tables, with settings that suit the
// engine. Its transactions take the lock for writing when they begin, as EnqueueTx
// needs it: one that reads before it writes can fail.
func OpenDB(path string) (*sql.DB, error) {
	connector, err := newConnector(path)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// newConnector returns what opens connections to the file, which it creates if there is
// none.
func newConnector(path string) (driver.Connector, error) {
	switch {
	case path == "":
		return nil, errors.New("durable: open: no path")
	case strings.HasPrefix(path, "file:") || strings.HasPrefix(path, ":memory:"):
		return nil, errors.New("durable: open: want the path of a file, neither :memory: nor a URI")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("durable: open: %w", err)
	}
	wait := fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())
	query := url.Values{
		"_pragma": {
			wait, "journal_mode(WAL)", "synchronous(FULL)",
			// What is removed is overwritten. Enqueueing and delivering cost the same;
			// removing writes as many bytes as it removes. FAST costs nothing, but
			// leaves what was in pages of its own, as large bodies are.
			"secure_delete(ON)",
			// What a reader that did not end has made of the log is given back.
			fmt.Sprintf("journal_size_limit(%d)", maxJournal),
		},
		"_txlock": {"immediate"},
	}
	// For its owner only, since it has the headers and bodies of messages; SQLite gives
	// its other files the same mode. A file that exists is not opened here: closing it
	// would end the locks that SQLite has on it in this process.
	creating.Lock()
	f, err := os.OpenFile(target(path), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	creating.Unlock()
	if err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("durable: open: %w", err)
	}
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query.Encode()}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, fmt.Errorf("durable: open: %w", err)
	}
	return connector, nil
}

// target returns the path of the file that a path leads to, which may be a symbolic link
// to a file that is not there yet: such a link is no file to os.O_EXCL.
func target(path string) string {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(path)
		if err != nil { // it is none
			return path
		}
		if !filepath.IsAbs(to) {
			folder, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return path
			}
			to = filepath.Join(folder, to)
		}
		path = to
	}
	return path
}

// creating keeps other calls of this process from opening a new file before it is
// closed here, which would end their locks on it.
var creating sync.Mutex

// maxJournal is up to how many bytes the write-ahead log keeps its size when it begins
// again from its start, which it usually does from 4 MB on.
const maxJournal = 16 << 20

// busyTimeout is how long a statement waits for the lock of another connection.
const busyTimeout = 10 * time.Second

// A file has one connection that writes, so that writers of this process wait for each
// other in Go, not in SQLite, which polls; and some that read, which wait for nobody.
type file struct {
	write, read *sql.DB

	// What follows is guarded by the connection of write: only who has it uses them.
	dataVersion int64     // of SQLite: it changes when another connection has written
	yieldUntil  time.Time // until then, there are other writers
}

func open(path string) (*file, error) {
	connector, err := newConnector(path)
	if err != nil {
		return nil, err
	}
	f := &file{write: sql.OpenDB(preparer{connector}), read: sql.OpenDB(preparer{connector})}
	f.write.SetMaxOpenConns(1)
	f.read.SetMaxOpenConns(4)
	f.read.SetMaxIdleConns(4)
	return f, nil
}

func (f *file) Driver() riverdriver.Driver[*sql.Tx] { return river{riversqlite.New(f.write)} }

// A river is River's driver without the notifications that it keeps in a table: to look
// for them takes the connection that writes, and to look for jobs costs the same.
type river struct{ *riversqlite.Driver }

// SupportsListener returns false: jobs are looked for.
func (river) SupportsListener() bool { return false }

// SupportsListenNotify returns false: no notifications are written.
func (river) SupportsListenNotify() bool { return false }

func (f *file) Dialect() store.Dialect {
	return store.Dialect{
		Prefix: "ringhook_", Placeholder: "?", Stale: "FALSE",
		Micros:   "CAST((julianday(%s) - 2440587.5) * 86400000000 AS integer)",
		Identity: "integer PRIMARY KEY AUTOINCREMENT", Blob: "blob",
		Tables: `SELECT count(CASE name WHEN 'ringhook_migration' THEN 1 END),
				count(CASE name WHEN 'river_migration' THEN 1 END)
			FROM sqlite_master WHERE type = 'table'`,
		Migrations: [][]string{nil, {localTimes("scheduled_at"), localTimes("finalized_at")}},
	}
}

// localTimes returns the statement that rewrites the local times in a column of River's
// jobs in UTC. Before v0.44, River wrote some as 2026-03-29 02:44:56.386 +0530 IST
// m=+0.2, and compared the text with that of times in UTC.
func localTimes(column string) string {
	return strings.ReplaceAll(`UPDATE #river_job SET COLUMN = strftime('%Y-%m-%d %H:%M:%f',
			substr(COLUMN, 1, blank - 1) || substr(COLUMN, blank + 1, 3) || ':' || substr(COLUMN, blank + 4, 2))
		FROM (SELECT id AS job, 19 + instr(substr(COLUMN, 20), ' ') AS blank FROM #river_job)
		WHERE id = job AND COLUMN GLOB '* [+-][0-9][0-9][0-9][0-9] *'`, "COLUMN", column)
}

func (f *file) Read(ctx context.Context, stmts ...store.Stmt) error {
	return store.RunSQL(ctx, f.read, stmts)
}

func (f *file) Run(ctx context.Context, stmts ...store.Stmt) error {
	return f.InTx(ctx, func(tx *sql.Tx) error { return store.RunSQL(ctx, tx, stmts) })
}

func (f *file) RunTx(ctx context.Context, tx *sql.Tx, stmts ...store.Stmt) error {
	return store.RunSQL(ctx, tx, stmts)
}

func (f *file) InTx(ctx context.Context, fn func(*sql.Tx) error) error {
	conn, err := f.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := f.lookForWriters(ctx, conn); err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if isBusy(err) {
		return fmt.Errorf("%w: %w", store.ErrWaited, err)
	}
	if err != nil {
		return err
	}
	began := time.Now() // only now, since it may have waited
	defer tx.Rollback() //nolint:errcheck // an error after Commit
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if f.yieldUntil.After(began) {
		// While it has the connection, so that nothing else of this process writes.
		<-time.After(time.Since(began) / 2)
	}
	return nil
}

// lookForWriters looks whether another connection has written since the last time.
// SQLite lets those that wait for the file look again every 100 ms, so a process that
// writes without a pause would keep them out for ever. If there are others, this one
// pauses after each transaction for a while. The caller has the connection.
func (f *file) lookForWriters(ctx context.Context, conn *sql.Conn) error {
	var version int64
	if err := conn.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err != nil {
		return err
	}
	if version == f.dataVersion {
		return nil
	}
	if f.dataVersion != 0 {
		f.yieldUntil = time.Now().Add(time.Second)
	}
	f.dataVersion = version
	return nil
}

// Lock returns nothing: one transaction writes at a time.
func (f *file) Lock([]string) []store.Stmt { return nil }

// LockTimeout returns nothing, as Lock does.
func (f *file) LockTimeout() []store.Stmt { return nil }

// Conflict returns false: a transaction that has begun writes without conflicts.
func (f *file) Conflict(error) bool { return false }

func (f *file) Migrate(ctx context.Context, before, after func(*sql.Tx) error) error {
	migrator, err := rivermigrate.New(f.Driver(), nil)
	if err != nil {
		return err
	}
	migrate := func(tx *sql.Tx) error {
		if err := before(tx); err != nil {
			return err
		}
		//lint:ignore SA1019 deprecated because of Postgres; here it keeps other processes out
		//nolint:staticcheck // as above
		_, err := migrator.MigrateTx(ctx, tx, rivermigrate.DirectionUp, nil)
		if err != nil {
			return err
		}
		return after(tx)
	}
	// When a new file gets its write-ahead log, SQLite does not wait for another
	// process that does the same.
	for until := time.Now().Add(busyTimeout); ; {
		err := f.InTx(ctx, migrate)
		if !isBusy(err) || time.Now().After(until) {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// largeLog is from which size on a write-ahead log should have been emptied. A test sets
// it.
var largeLog int64 = 256 << 20

// Check returns the size of the write-ahead log, and an error if it is large and still in
// use. SQLite can begin it again only in a moment in which no connection reads an older
// state.
func (f *file) Check(ctx context.Context) (int64, error) {
	conn, err := f.read.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var size, busy, pages, done int64
	if err := conn.QueryRowContext(ctx, `PRAGMA page_size`).Scan(&size); err != nil {
		return 0, err
	}
	if err := conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &pages, &done); err != nil {
		return 0, err
	}
	log := max(pages, 0) * size
	if (pages-done)*size > largeLog {
		const format = "the write-ahead log has %d MB that cannot be moved to the file: another connection reads for long"
		return log, fmt.Errorf(format, (pages-done)*size>>20)
	}
	return log, nil
}

// isBusy reports whether another connection had the lock.
func isBusy(err error) bool {
	const busy = 5 // SQLITE_BUSY; higher bits say why
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == busy
}

func (f *file) Close() error { return errors.Join(f.read.Close(), f.write.Close()) }
