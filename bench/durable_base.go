package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

var quiet = slog.New(slog.DiscardHandler)

// A base is a database in which ours and River alone have tables of their own.
type base[T any] struct {
	place  string // for another process: see deliverer
	engine func(durable.Config) (*durable.Engine[T], error)
	alone  alone[T]
	size   func() (int64, error) // without River's jobs, which it deletes
	close  func()

	hooks   []string         // ids
	message *webhook.Message // of the jobs
}

// openSQLite makes two files.
func openSQLite() (*base[*sql.Tx], error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, "ours.db")
	ours, err1 := sqlite.OpenDB(path)
	theirs, err2 := sqlite.OpenDB(filepath.Join(folder, "alone.db"))
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	theirs.SetMaxOpenConns(1)
	d := &base[*sql.Tx]{
		place:  "sqlite " + path,
		engine: func(c durable.Config) (*durable.Engine[*sql.Tx], error) { return sqlite.Open(path, c) },
		close: func() {
			_ = errors.Join(ours.Close(), theirs.Close(), os.RemoveAll(folder))
		},
		size: func() (size int64, err error) {
			for _, text := range []string{`DELETE FROM river_job`, `VACUUM`} {
				if _, err := ours.Exec(text); err != nil {
					return 0, err
				}
			}
			const pages = `SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()`
			err = ours.QueryRow(pages).Scan(&size)
			return size, err
		},
		alone: alone[*sql.Tx]{
			driver: riversqlite.New(theirs),
			inTx: func(ctx context.Context, fn func(*sql.Tx) error) error {
				tx, err := theirs.BeginTx(ctx, nil)
				if err != nil {
					return err
				}
				if err := fn(tx); err != nil {
					return errors.Join(err, tx.Rollback())
				}
				return tx.Commit()
			},
			rows: func(ctx context.Context, tx *sql.Tx, ids []string) error {
				stmt, err := tx.PrepareContext(ctx, `INSERT INTO sent (id) VALUES (?)`)
				if err != nil {
					return err
				}
				defer stmt.Close()
				for _, id := range ids {
					if _, err := stmt.ExecContext(ctx, id); err != nil {
						return err
					}
				}
				return nil
			},
		},
	}
	_, err = theirs.Exec(`CREATE TABLE sent (id text PRIMARY KEY)`)
	if err = errors.Join(err, d.alone.migrate()); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// openPostgres makes two schemas.
func openPostgres(dsn string) (*base[pgx.Tx], error) {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, err
	}
	unique := strings.ToLower(rand.Text()[:10])
	ours, theirs := "ours_"+unique, "alone_"+unique
	d := &base[pgx.Tx]{
		place: "postgres " + ours + " " + dsn,
		engine: func(c durable.Config) (*durable.Engine[pgx.Tx], error) {
			return openEngine(ctx, pool, ours, c)
		},
		close: func() {
			_, _ = pool.Exec(ctx, `DROP SCHEMA IF EXISTS `+ours+`, `+theirs+` CASCADE`)
			pool.Close()
		},
		size: func() (size int64, err error) {
			if _, err := pool.Exec(ctx, `DELETE FROM `+ours+`.river_job`); err != nil {
				return 0, err
			}
			// As autovacuum would leave it: without dead rows at the end of tables.
			if _, err := pool.Exec(ctx, strings.ReplaceAll(`VACUUM @delivery, @event, @attempt`, "@", ours+".")); err != nil {
				return 0, err
			}
			err = pool.QueryRow(ctx, `SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c
				JOIN pg_namespace AS n ON n.oid = c.relnamespace
				WHERE nspname = $1 AND relkind = 'r' AND relname NOT LIKE 'river%'`, ours).Scan(&size)
			return size, err
		},
		alone: alone[pgx.Tx]{
			driver: riverpgxv5.New(pool), schema: theirs,
			inTx: func(ctx context.Context, fn func(pgx.Tx) error) error { return pgx.BeginFunc(ctx, pool, fn) },
			rows: func(ctx context.Context, tx pgx.Tx, ids []string) error {
				b := &pgx.Batch{} // one way there and back, as ours
				for _, id := range ids {
					b.Queue(`INSERT INTO `+theirs+`.sent (id) VALUES ($1)`, id)
				}
				return tx.SendBatch(ctx, b).Close()
			},
		},
	}
	_, err = pool.Exec(ctx, `CREATE SCHEMA `+theirs)
	if err == nil {
		_, err = pool.Exec(ctx, `CREATE TABLE `+theirs+`.sent (id text PRIMARY KEY)`)
	}
	if err = errors.Join(err, d.alone.migrate()); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func openEngine(ctx context.Context, pool *pgxpool.Pool, schema string, c durable.Config) (*durable.Engine[pgx.Tx], error) {
	c.Schema = schema
	e, err := postgres.New(pool, c)
	if err != nil {
		return nil, err
	}
	return e, e.Migrate(ctx)
}

// attempts are counted, and waited for.
type attempts struct {
	left   sync.WaitGroup
	failed atomic.Pointer[error]
}

// durableTransport is that of both sides, so that connections are made once.
var durableTransport = webhook.NewTransport(loopback)

// client returns one whose attempts are counted.
func (c *attempts) client() *webhook.Client {
	client := newClient()
	client.Transport = durableTransport
	client.OnAttempt = func(_ context.Context, _ *webhook.Message, a webhook.Attempt) {
		if a.Err != nil {
			c.failed.CompareAndSwap(nil, &a.Err)
		}
		c.left.Done()
	}
	return client
}

// wait waits for all n of them.
func (c *attempts) wait(n int) (int, error) {
	c.left.Wait()
	if err := c.failed.Load(); err != nil {
		return 0, *err
	}
	return n, nil
}

// calls has n calls made by so many callers.
func calls(n, callers int, call func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := int(next.Add(1)); i <= n && failed.Load() == nil; i = int(next.Add(1)) {
				if err := call(i); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// listenOnce is a receiver in this process that tells when a request has come.
func listenOnce() (requests <-chan time.Time, host string, closing func()) {
	came := make(chan time.Time, 100)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came <- time.Now() }))
	return came, s.Listener.Addr().(*net.TCPAddr).String(), s.Close
}

// deliverEnv has the place that a deliverer works on.
const deliverEnv = "BENCH_DURABLE"

// deliverer is a child that delivers what is kept in a place.
func deliverer(int) error {
	store, place, _ := strings.Cut(os.Getenv(deliverEnv), " ")
	switch store {
	case "sqlite":
		e, err := sqlite.Open(place, durable.Config{Logger: quiet})
		if err != nil {
			return err
		}
		return deliverAll(e)
	case "postgres":
		schema, dsn, _ := strings.Cut(place, " ")
		pool, err := pgxpool.New(context.Background(), dsn)
		if err != nil {
			return err
		}
		e, err := openEngine(context.Background(), pool, schema, durable.Config{Logger: quiet})
		if err != nil {
			return err
		}
		return deliverAll(e)
	}
	return fmt.Errorf("deliverer: no place in %s", deliverEnv)
}

func deliverAll[T any](e *durable.Engine[T]) error {
	q, err := queue.New(newClient(), e, queue.Config{Logger: quiet})
	if err != nil {
		return err
	}
	return q.Run(context.Background())
}
