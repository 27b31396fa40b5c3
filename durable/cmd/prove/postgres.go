package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/queue"
)

// connections is how many each process may have.
const connections = 12

// A schema is a base in Postgres.
type schema struct {
	place   place
	pool    *pgxpool.Pool
	engine  *postgres.Engine
	hooks   *durable.Webhooks[pgx.Tx]
	version string
}

func openSchema(ctx context.Context, p place) (*schema, error) {
	pool, err := newPool(p, p.AppName+"-trial")
	if err != nil {
		return nil, err
	}
	s := &schema{place: p, pool: pool}
	if err := s.make(ctx); err != nil {
		// What there may be of it.
		return nil, errors.Join(err, s.remove(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func newPool(p place, name string) (*pgxpool.Pool, error) {
	config, err := newConfig(p, name)
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(context.Background(), config)
}

// newConfig returns how to connect, under a name that the database shows.
func newConfig(p place, name string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(p.DSN)
	if err != nil { // which the command line was checked for
		return nil, errors.New("the DSN cannot be read")
	}
	config.MaxConns = connections
	config.ConnConfig.RuntimeParams["application_name"] = name
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	return config, nil
}

func (s *schema) make(ctx context.Context) (err error) {
	if err := s.pool.QueryRow(ctx, `SHOW server_version`).Scan(&s.version); err != nil {
		return err
	}
	if s.engine, err = postgres.New(s.pool, s.place.config()); err != nil {
		return err
	}
	if err := s.engine.Migrate(ctx); err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, `CREATE TABLE `+s.place.Schema+`.prove_row (id text PRIMARY KEY)`); err != nil {
		return err
	}
	s.hooks, err = hooks(s.engine)
	return err
}

func (s *schema) name() string { return "PostgreSQL " + s.version }

func (s *schema) webhook(ctx context.Context, hook webhook.Webhook) (string, error) {
	d, err := s.hooks.Create(ctx, hook)
	return d.ID, err
}

func (s *schema) stats(ctx context.Context) (queue.Stats, error) { return s.engine.Stats(ctx, 0) }

// cut terminates the connections of the processes, and no others.
func (s *schema) cut(ctx context.Context, _ time.Duration) error {
	_, err := s.pool.Exec(ctx,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1`, s.place.AppName)
	return err
}

func (s *schema) rows(ctx context.Context) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT id FROM `+s.place.Schema+`.prove_row`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (s *schema) remove(ctx context.Context) error {
	defer s.pool.Close()
	if s.version == "" { // it was never reached
		return nil
	}
	// What a killed process was doing may still hold locks.
	if err := s.cut(ctx, 0); err != nil {
		return fmt.Errorf("schema %s was not removed: %w", s.place.Schema, err)
	}
	if _, err := s.pool.Exec(ctx, `DROP SCHEMA IF EXISTS `+s.place.Schema+` CASCADE`); err != nil {
		return fmt.Errorf("schema %s was not removed: %w", s.place.Schema, err)
	}
	return nil
}

// openPgx is what a process works with on pgx.
func openPgx(p place) (*session[pgx.Tx], error) {
	pool, err := newPool(p, p.AppName)
	if err != nil {
		return nil, err
	}
	engine, err := postgres.New(pool, p.config())
	if err != nil {
		return nil, err
	}
	insert := `INSERT INTO ` + p.Schema + `.prove_row (id) VALUES ($1)`
	return &session[pgx.Tx]{
		engine: engine,
		inTx: func(ctx context.Context, id string, fn func(pgx.Tx) error) error {
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, insert, id); err != nil {
					return err
				}
				return fn(tx)
			})
		},
		close: pool.Close,
	}, nil
}

// openDatabaseSQL is what a process works with on database/sql.
func openDatabaseSQL(p place) (*session[*sql.Tx], error) {
	config, err := newConfig(p, p.AppName)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDB(*config.ConnConfig)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	engine, err := postgres.NewSQL(db, p.config())
	if err != nil {
		return nil, err
	}
	return sqlSession(engine, db, `INSERT INTO `+p.Schema+`.prove_row (id) VALUES ($1)`), nil
}

// sqlSession is a session on database/sql, with the statement that keeps a row.
func sqlSession(engine *durable.Engine[*sql.Tx], db *sql.DB, insert string) *session[*sql.Tx] {
	return &session[*sql.Tx]{
		engine: engine,
		inTx: func(ctx context.Context, id string, fn func(*sql.Tx) error) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback() //nolint:errcheck // an error after Commit
			if _, err := tx.ExecContext(ctx, insert, id); err != nil {
				return err
			}
			if err := fn(tx); err != nil {
				return err
			}
			return tx.Commit()
		},
		close: func() { _ = db.Close() },
	}
}
