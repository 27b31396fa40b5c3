package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/postgres"
)

func BenchmarkEngine_BesideRiver(b *testing.B) {
	pool, schema := connect(b)
	open := func() *durable.Engine[pgx.Tx] {
		e, err := postgres.New(pool, durable.Config{Schema: schema})
		require.NoError(b, err)
		require.NoError(b, e.Migrate(b.Context()))
		return e
	}
	other, alone := connect(b)
	_, err := other.Exec(b.Context(), `CREATE SCHEMA `+alone)
	require.NoError(b, err)
	driver := riverpgxv5.New(other)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Schema: alone})
	require.NoError(b, err)
	_, err = migrator.Migrate(b.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(b, err)
	_, err = other.Exec(b.Context(), `CREATE TABLE `+alone+`.sent (id text PRIMARY KEY)`)
	require.NoError(b, err)
	durabletest.BesideRiver(b, open, durabletest.Alone[pgx.Tx]{
		Driver: driver, Schema: alone,
		InTx: func(ctx context.Context, fn func(pgx.Tx, func(string) error) error) error {
			return pgx.BeginFunc(ctx, other, func(tx pgx.Tx) error {
				return fn(tx, func(id string) error {
					_, err := tx.Exec(ctx, `INSERT INTO `+alone+`.sent (id) VALUES ($1)`, id)
					return err
				})
			})
		},
	})
}

func BenchmarkEngine_Size(b *testing.B) {
	pool, schema := connect(b)
	db := databaseOn(pool, schema)
	durabletest.Size(b, open(b, pool, durable.Config{Schema: schema}), db, func() (size int64) {
		// As autovacuum would leave it: without dead rows at the end of tables.
		_, err := pool.Exec(b.Context(), `VACUUM `+schema+`.delivery, `+schema+`.event, `+schema+`.attempt`)
		require.NoError(b, err)
		db.Row(b, `SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c
			JOIN pg_namespace AS n ON n.oid = c.relnamespace
			WHERE nspname = '`+schema+`' AND relkind = 'r' AND relname NOT LIKE 'river%'`, &size)
		return size
	})
}
