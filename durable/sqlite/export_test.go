package sqlite

import (
	"database/sql"

	"github.com/ringhook/webhook/durable/internal/store"
)

// Store opens the store of a file.
func Store(path string) (store.Store[*sql.Tx], error) { return open(path) }

// Connections returns what an engine writes and reads with.
func Connections(path string) (write, read *sql.DB, err error) {
	f, err := open(path)
	if err != nil {
		return nil, nil, err
	}
	return f.write, f.read, nil
}

// SetLargeLog sets from which size on Check complains of a write-ahead log, and returns
// what sets it back.
func SetLargeLog(size int64) (back func()) {
	old := largeLog
	largeLog = size
	return func() { largeLog = old }
}
