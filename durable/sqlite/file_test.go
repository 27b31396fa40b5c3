package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
	link := func(to string) func(t *testing.T, folder string) {
		return func(t *testing.T, folder string) {
			require.NoError(t, os.Mkdir(filepath.Join(folder, "deep"), 0o700))
			require.NoError(t, os.Symlink("deep", filepath.Join(folder, "shallow")))
			require.NoError(t, os.Symlink(strings.ReplaceAll(to, "FOLDER", folder), filepath.Join(folder, "webhooks.db")))
		}
	}
	tests := []struct {
		name, file string
		prepare    func(t *testing.T, folder string)
	}{
		{"a file", "webhooks.db", func(*testing.T, string) {}},
		{"a link to none", "other.db", link("FOLDER/other.db")},
		{"a relative link", "deep/other.db", link("deep/other.db")},
		{"a link over a folder that is one", "deep/other.db", link("shallow/other.db")},
		{"a link to a link", "end.db", func(t *testing.T, folder string) {
			link("shallow/next.db")(t, folder)
			require.NoError(t, os.Symlink("../end.db", filepath.Join(folder, "deep", "next.db")))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			tt.prepare(t, folder)
			e := open(t, filepath.Join(folder, "webhooks.db"), durable.Config{})
			require.NoError(t, e.Enqueue(t.Context(), durabletest.Task("a")))
			for _, suffix := range []string{"", "-wal", "-shm"} {
				info, err := os.Stat(filepath.Join(folder, tt.file+suffix))
				require.NoError(t, err)
				require.Zero(t, info.Mode().Perm()&0o077, suffix)
			}
		})
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

func (l *lines) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.n)
}

// TestSweepFails has a file from which nothing can be removed, as when the disk is
// full: that is tried again in a minute.
func TestSweepFails(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	logged := &lines{n: map[string]int{}}
	warnings := &slog.HandlerOptions{Level: slog.LevelWarn}
	e := open(t, path, durable.Config{Logger: slog.New(slog.NewTextHandler(logged, warnings))})
	require.NoError(t, e.Enqueue(t.Context(), durabletest.Tasks("old", 600)...))
	_, exec := connect(t, path)
	exec(t, `UPDATE @delivery SET state = 'delivered', ended = 1`)
	exec(t, `CREATE TRIGGER full BEFORE DELETE ON @delivery BEGIN SELECT RAISE(ABORT, 'full'); END`)
	durabletest.Run(t, e, func(context.Context, queue.Delivery) queue.Verdict { return queue.Verdict{Kind: queue.KindDone} })
	require.NoError(t, e.Enqueue(t.Context(), durabletest.Task("new"))) // goes on as ever
	require.Eventually(t, func() bool { return logged.len() == 1 }, time.Minute, 10*time.Millisecond)
	<-time.After(time.Second) // in which it is not tried again
	logged.mu.Lock()
	defer logged.mu.Unlock()
	require.Len(t, logged.n, 1)
	for message, n := range logged.n {
		require.Contains(t, message, "remove what was kept for long enough")
		require.Equal(t, 1, n, message)
	}
}

// Check tells of another connection that keeps the write-ahead log from being emptied,
// and of one that keeps everybody from writing.
func TestCheck_Log(t *testing.T) { //nolint:paralleltest // it sets a variable
	defer sqlite.SetLargeLog(1 << 20)()
	path := newFile(t)
	e, err := sqlite.Open(path, durable.Config{})
	require.NoError(t, err)
	defer e.Close()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	fill := func(name string) {
		for i := range 20 {
			tasks := durabletest.Tasks(fmt.Sprint(name, i), 1)
			tasks[0].Message.Body = bytes.Repeat([]byte("x"), 100_000)
			require.NoError(t, e.Enqueue(t.Context(), tasks...))
		}
	}
	reader, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	var n int
	require.NoError(t, reader.QueryRowContext(t.Context(), `SELECT count(*) FROM ringhook_delivery`).Scan(&n))
	fill("a")
	h, err := e.Check(t.Context())
	require.ErrorContains(t, err, "durable: check: the write-ahead log has ")
	require.Greater(t, h.Log, int64(1<<20))
	require.NoError(t, reader.Rollback())
	_, err = e.Check(t.Context())
	require.NoError(t, err)

	writer, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = writer.ExecContext(t.Context(), `DELETE FROM ringhook_process`)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = e.Check(ctx)
	require.Error(t, err)
	require.NoError(t, writer.Rollback())
	require.NoError(t, durabletest.Check(t, e))
}

// What is enqueued while another transaction writes waits for it once, for 10 s.
func TestOpen_Busy(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	e := open(t, path, durable.Config{})
	db, err := sqlite.OpenDB(path)
	require.NoError(t, err)
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	begun := time.Now()
	err = e.Enqueue(t.Context(), durabletest.Task("m"))
	require.ErrorContains(t, err, "durable: enqueue: another transaction has been writing for too long: ")
	require.Less(t, time.Since(begun), 18*time.Second)
	require.NoError(t, tx.Rollback())
	require.NoError(t, e.Enqueue(t.Context(), durabletest.Task("m")))
}
