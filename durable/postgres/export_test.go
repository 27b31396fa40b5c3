package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringhook/webhook/durable/internal/store"
)

// Store returns the store of a schema.
func Store(pool *pgxpool.Pool, schema string) store.Store[pgx.Tx] {
	return &database{pool: pool, common: common{schema}}
}
