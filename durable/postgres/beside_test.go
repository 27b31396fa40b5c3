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
