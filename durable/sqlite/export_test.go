package sqlite

import (
	"database/sql"

	"github.com/ringhook/webhook/durable/internal/store"
)

// Store opens the store of a file.
func Store(path string) (store.Store[*sql.Tx], error) { return open(path) }
