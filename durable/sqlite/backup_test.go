package sqlite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

// The two ways of docs/operations.md copy a file while it is written to, and what is
// restored has all that had been accepted before.
func TestBackup(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	ways := map[string]func(t *testing.T, path, backup string) error{
		"VACUUM INTO": func(t *testing.T, path, backup string) error {
			t.Helper()
			db, err := sqlite.OpenDB(path)
			require.NoError(t, err)
			defer db.Close()
			_, err = db.ExecContext(t.Context(), "VACUUM INTO ?", backup)
			return err
		},
		".backup": func(t *testing.T, path, backup string) error {
			t.Helper()
			if _, err := exec.LookPath("sqlite3"); err != nil {
				t.Skip("no sqlite3")
			}
			command := exec.CommandContext(t.Context(), "sqlite3", path, "-cmd", ".timeout 10000", ".backup "+filepath.Base(backup))
			command.Dir = filepath.Dir(backup)
			return command.Run()
		},
	}
	require.Contains(t, string(manual), `sqlite3 webhooks.db -cmd ".timeout 10000" ".backup copy.db"`)
	require.Contains(t, string(manual), "`VACUUM INTO 'copy.db'`")
	for name, back := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "webhooks.db")
			engine, err := sqlite.Open(path, durable.Config{})
			require.NoError(t, err)
			defer engine.Close()
			q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
			require.NoError(t, err)
			c := webhook.MustCompile(webhook.Webhook{ID: "calls", URL: "https://receiver.example/calls"})
			send := func(n int) error {
				m, err := c.ComposeID("call-"+strconv.Itoa(n), webhook.RawEvent{Type: "call", JSON: []byte(`{}`)})
				if err == nil {
					err = q.Send(t.Context(), m)
				}
				return err
			}
			const before = 20
			for n := range before {
				require.NoError(t, send(n))
			}
			backup := filepath.Join(t.TempDir(), "copy.db")
			done := make(chan struct{})
			failed := error(nil)
			var writer sync.WaitGroup
			writer.Go(func() {
				for n := before; failed == nil; n++ {
					failed = send(n)
					select {
					case <-done:
						return
					default:
					}
				}
			})
			err = back(t, path, backup)
			close(done)
			writer.Wait()
			require.NoError(t, err)
			require.NoError(t, failed)
			requireRestored(t, path, backup, before)
		})
	}
}

// requireRestored puts the backup in the file's place, as the manual says.
func requireRestored(t *testing.T, path, backup string, accepted int) {
	t.Helper()
	restored := filepath.Join(t.TempDir(), filepath.Base(path))
	require.NoError(t, os.Rename(backup, restored))
	engine, err := sqlite.Open(restored, durable.Config{})
	require.NoError(t, err)
	defer engine.Close()
	_, err = engine.Check(t.Context())
	require.NoError(t, err)
	for n := range accepted {
		d, err := engine.Get(t.Context(), "call-"+strconv.Itoa(n))
		require.NoError(t, err)
		require.Equal(t, durable.StatePending, d.State)
	}
}
