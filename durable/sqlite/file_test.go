package sqlite_test

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

// TestMode looks at who may read files with phone numbers and credentials in them.
func TestMode(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	e := open(t, path, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), durabletest.Task("a")))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, suffix)
	}
}

// TestPragmas looks at the settings without which a power cut could lose what was kept,
// and writers would be in each other's way.
func TestPragmas(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	write, read, err := sqlite.Connections(path)
	require.NoError(t, err)
	own, err := sqlite.OpenDB(path)
	require.NoError(t, err)
	for name, db := range map[string]*sql.DB{"write": write, "read": read, "own": own} {
		defer db.Close()
		for pragma, want := range map[string]string{
			"synchronous": "2", "journal_mode": "wal", "busy_timeout": "10000",
			"secure_delete": "1", "journal_size_limit": "16777216",
		} {
			var got string
			require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
			require.Equal(t, want, got, "%s: %s", name, pragma)
		}
	}
}

// lines counts the lines of a log.
type lines struct {
	mu sync.Mutex
	n  map[string]int
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, message, _ := strings.Cut(string(b), "msg=")
	l.n[message]++
	return len(b), nil
}

// TestSweepFails has a file from which nothing can be removed, as when the disk is
// full: that is tried again in a minute.
func TestSweepFails(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	logged := &lines{n: map[string]int{}}
	e := open(t, path, durable.Config{Logger: slog.New(slog.NewTextHandler(logged, nil))})
	require.NoError(t, e.Enqueue(t.Context(), durabletest.Tasks("old", 600)...))
	_, exec := connect(t, path)
	exec(t, `UPDATE @delivery SET state = 'delivered', ended = 1`)
	exec(t, `CREATE TRIGGER full BEFORE DELETE ON @delivery BEGIN SELECT RAISE(ABORT, 'full'); END`)
	durabletest.Run(t, e, func(context.Context, queue.Delivery) queue.Verdict { return queue.Verdict{Kind: queue.KindDone} })
	require.NoError(t, e.Enqueue(t.Context(), durabletest.Task("new"))) // goes on as ever
	<-time.After(time.Second)
	logged.mu.Lock()
	defer logged.mu.Unlock()
	require.Len(t, logged.n, 1)
	for message, n := range logged.n {
		require.Contains(t, message, "remove what was kept for long enough")
		require.Equal(t, 1, n, message)
	}
}
