package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
)

// A Runner runs statements of database/sql: a database, a connection or a transaction.
type Runner interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// RunSQL runs statements one after the other, until one fails, and those with Rows for
// each of them.
func RunSQL(ctx context.Context, r Runner, stmts []Stmt) error {
	for _, stmt := range stmts {
		if stmt.Rows == nil {
			if err := runOne(ctx, r, stmt); err != nil {
				return err
			}
			continue
		}
		for i, row := range stmt.Rows {
			if err := runOne(ctx, r, stmt.forRow(i, row)); err != nil {
				return err
			}
		}
	}
	return nil
}

// forRow returns the statement for one of its Rows.
func (s Stmt) forRow(i int, row []any) Stmt {
	args := append(slices.Clip(row), int64(i+1))
	return Stmt{SQL: s.SQL, Args: args, Scan: s.Scan}
}

func runOne(ctx context.Context, r Runner, stmt Stmt) error {
	if stmt.Scan == nil {
		_, err := r.ExecContext(ctx, stmt.SQL, stmt.Args...)
		return err
	}
	rows, err := r.QueryContext(ctx, stmt.SQL, stmt.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := stmt.Scan(rows); err != nil {
			return err
		}
	}
	return cmp.Or(rows.Err(), rows.Close())
}
