package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

// A file is a base in SQLite.
type file struct {
	path    string
	engine  *sqlite.Engine
	db      *sql.DB
	hooks   *durable.Webhooks[*sql.Tx]
	version string
}

func openFile(ctx context.Context, p place) (*file, error) {
	f := &file{path: p.File}
	if err := f.make(ctx, p); err != nil {
		return nil, errors.Join(err, f.remove(ctx))
	}
	return f, nil
}

func (f *file) make(ctx context.Context, p place) (err error) {
	if f.engine, err = sqlite.Open(p.File, p.config()); err != nil {
		return err
	}
	if f.db, err = sqlite.OpenDB(p.File); err != nil {
		return err
	}
	if err := f.db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&f.version); err != nil {
		return err
	}
	if _, err := f.db.ExecContext(ctx, `CREATE TABLE prove_row (id text PRIMARY KEY)`); err != nil {
		return err
	}
	f.hooks, err = hooks(f.engine)
	return err
}

func (f *file) name() string { return "SQLite " + f.version }

func (f *file) webhook(ctx context.Context, hook webhook.Webhook) (string, error) {
	d, err := f.hooks.Create(ctx, hook)
	return d.ID, err
}

func (f *file) stats(ctx context.Context) (queue.Stats, error) { return f.engine.Stats(ctx, 0) }

// cut holds the file as another writer, so that no process can write.
func (f *file) cut(ctx context.Context, hold time.Duration) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	select {
	case <-time.After(hold):
	case <-ctx.Done():
	}
	return nil
}

func (f *file) rows(ctx context.Context) ([]string, error) {
	rows, err := f.db.QueryContext(ctx, `SELECT id FROM prove_row`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		ids = append(ids, "")
		if err := rows.Scan(&ids[len(ids)-1]); err != nil {
			return nil, err
		}
	}
	return ids, rows.Err()
}

func (f *file) remove(context.Context) error {
	var errs []error
	if f.db != nil {
		errs = append(errs, f.db.Close())
	}
	if f.engine != nil {
		errs = append(errs, f.engine.Close())
	}
	for _, suffix := range []string{"-journal", "-wal", "-shm", ""} {
		if err := os.Remove(f.path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("not removed: %w", err))
		}
	}
	return errors.Join(errs...)
}

// openSQLite is what a process works with on a file.
func openSQLite(p place) (*session[*sql.Tx], error) {
	engine, err := sqlite.Open(p.File, p.config())
	if err != nil {
		return nil, err
	}
	db, err := sqlite.OpenDB(p.File)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return sqlSession(engine, db, `INSERT INTO prove_row (id) VALUES (?)`), nil
}
