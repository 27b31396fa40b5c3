package postgres

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/store"
)

// NewSQL returns an engine on a database of database/sql, opened with pgx's stdlib or
// with lib/pq, for services whose transactions are [*sql.Tx]. The caller closes it after
// Run has returned, and calls Migrate before the first Enqueue. The tables are those of
// New: what one of both engines enqueues, the other delivers.
//
// Where there is a choice, have an engine of New deliver: it hears of new messages when
// they are committed, also of those that this one enqueues, and hands them out within 2
// ms. This one cannot listen. Its Run looks for new messages every 50 ms, so they leave
// 30 ms later on average. It also sends its statements one after the other, where New
// sends all of a transaction's at once; either gives one statement many deliveries.
//
// Run uses up to 10 connections. Let the database keep them open (SetMaxIdleConns), as
// database/sql keeps only 2 by default. Migrate takes 2 at once.
//
// River's driver links lib/pq, which registers itself in database/sql as postgres.
func NewSQL(db *sql.DB, config durable.Config) (*durable.Engine[*sql.Tx], error) {
	if db == nil {
		return nil, errors.New("durable: no database")
	}
	schema, err := schemaName(config.Schema)
	if err != nil {
		return nil, err
	}
	e := &durable.Engine[*sql.Tx]{}
	if err := store.Open(e, &sqlDatabase{db: db, common: common{schema}}, config); err != nil {
		return nil, err
	}
	return e, nil
}

// A sqlDatabase is a store on database/sql.
type sqlDatabase struct {
	db *sql.DB
	common
}

func (d *sqlDatabase) Driver() riverdriver.Driver[*sql.Tx] { return riverdatabasesql.New(d.db) }

// Read runs several statements in a transaction, since one of them may be InOrder.
func (d *sqlDatabase) Read(ctx context.Context, stmts ...store.Stmt) error {
	return d.Run(ctx, stmts...)
}

func (d *sqlDatabase) Run(ctx context.Context, stmts ...store.Stmt) error {
	if len(stmts) == 1 { // which is a transaction of its own
		return runSQL(ctx, d.db, stmts)
	}
	return d.inTx(ctx, nil, func(tx *sql.Tx) error { return runSQL(ctx, tx, stmts) })
}

// runSQL runs statements, those with Rows with arrays as text, which every driver takes.
func runSQL(ctx context.Context, r store.Runner, stmts []store.Stmt) error {
	stmts = slices.Clone(stmts)
	for i, stmt := range stmts {
		if len(stmt.Rows) == 0 {
			continue
		}
		args := store.Columns(stmt.Rows)
		for j := range args {
			args[j] = arrayText(args[j])
		}
		stmts[i].Args, stmts[i].Rows = args, nil
	}
	return store.RunSQL(ctx, r, stmts)
}

// arrayText returns one of store.Columns as text.
func arrayText(column any) string {
	b := []byte{'{'}
	switch values := column.(type) {
	case []int64:
		for _, n := range values {
			b = append(strconv.AppendInt(b, n, 10), ',')
		}
	case []string:
		for _, s := range values {
			b = append(appendQuoted(b, s), ',')
		}
	case []*string:
		for _, s := range values {
			if s == nil {
				b = append(b, "NULL,"...)
			} else {
				b = append(appendQuoted(b, *s), ',')
			}
		}
	case [][]byte:
		for _, data := range values {
			if data == nil {
				b = append(b, "NULL,"...)
			} else {
				b = append(hex.AppendEncode(append(b, `"\\x`...), data), `",`...)
			}
		}
	default:
		panic(fmt.Sprintf("durable: a column of the type %T", column))
	}
	b[len(b)-1] = '}' // in place of the last comma
	return string(b)
}

// appendQuoted appends s as an element of an array.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

func (d *sqlDatabase) RunTx(ctx context.Context, tx *sql.Tx, stmts ...store.Stmt) error {
	return runSQL(ctx, tx, stmts)
}

func (d *sqlDatabase) InTx(ctx context.Context, fn func(*sql.Tx) error) error {
	return d.inTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, fn)
}

func (d *sqlDatabase) inTx(ctx context.Context, options *sql.TxOptions, fn func(*sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // an error after Commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Migrate holds a lock in a transaction of its own, as the other store does, but on a
// connection of the pool: there is no way to open one beside it.
func (d *sqlDatabase) Migrate(ctx context.Context, before, after func(*sql.Tx) error) error {
	if d.db.Stats().MaxOpenConnections == 1 {
		return errors.New("the database has MaxOpenConns 1, and Migrate needs 2")
	}
	return d.InTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, noTimeouts); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, lock, d.schema); err != nil {
			return err
		}
		if err := d.createSchema(ctx); err != nil {
			return err
		}
		if err := d.InTx(ctx, before); err != nil {
			return err
		}
		river, err := rivermigrate.New(d.Driver(), &rivermigrate.Config{Schema: d.schema})
		if err != nil {
			return err
		}
		if _, err := river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return err
		}
		return d.InTx(ctx, after)
	})
}

func (d *sqlDatabase) createSchema(ctx context.Context) error {
	var found bool
	if err := d.db.QueryRowContext(ctx, findSchema, d.schema).Scan(&found); err != nil || found {
		return err
	}
	_, err := d.db.ExecContext(ctx, `CREATE SCHEMA `+pgx.Identifier{d.schema}.Sanitize())
	return err
}
