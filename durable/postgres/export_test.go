package postgres

import (
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringhook/webhook/durable/internal/store"
)

// StoreSQL returns the store of a schema in a database of database/sql.
func StoreSQL(db *sql.DB, schema string) store.Store[*sql.Tx] {
	return &sqlDatabase{db: db, common: common{schema}}
}

// Store returns the store of a schema.
func Store(pool *pgxpool.Pool, schema string) store.Store[pgx.Tx] {
	return &database{pool: pool, common: common{schema}}
}

// ArrayText is how database/sql is given an array.
var ArrayText = arrayText
