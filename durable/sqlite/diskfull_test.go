package sqlite_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

// On a full disk Enqueue returns an error, and what it refused is not kept. When there is
// room again, all goes on.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	t.Run("Reopened", func(t *testing.T) {
		t.Parallel()
		disk := mountDisk(t)
		path := filepath.Join(disk, "webhooks.db")
		e, err := sqlite.Open(path, durable.Config{})
		require.NoError(t, err)
		accepted, refused := fill(t, e)
		require.NoError(t, e.Close())

		makeRoom(t, disk)
		e = open(t, path, durable.Config{})
		require.Equal(t, len(accepted), kept(e))
		heard := listen(t, e)
		require.Equal(t, ids(accepted), heard(len(accepted)))
		require.NoError(t, e.Enqueue(t.Context(), refused...), "again")
		require.Equal(t, ids(accepted, refused), heard(len(accepted)+len(refused)))
	})

	// The engine delivers all the time. An attempt that it cannot write down during its
	// lease is made again.
	t.Run("Running", func(t *testing.T) {
		t.Parallel()
		durabletest.BothWays(t, func(t *testing.T, sealed bool) {
			disk := mountDisk(t)
			logger := slog.New(slog.DiscardHandler) // it has a lot to say
			config := durable.Config{MaxTimeout: 3 * time.Second, Logger: logger}
			if sealed {
				config = durabletest.Seal(config)
			}
			e := open(t, filepath.Join(disk, "webhooks.db"), config)
			heard := listen(t, e)
			accepted, refused := fill(t, e)
			longer := time.NewTimer(12 * time.Second) // than deliveries are held
			<-longer.C
			makeRoom(t, disk)
			require.Equal(t, ids(accepted), heard(len(accepted)))
			require.NoError(t, e.Enqueue(t.Context(), refused...), "again")
			require.Equal(t, ids(accepted, refused), heard(len(accepted)+len(refused)))
			empty := func() bool { return kept(e) == 0 }
			require.Eventually(t, empty, time.Minute, 100*time.Millisecond, "all is written down in the end")
		})
	})
}

// fill enqueues until the disk is full, which it says five times.
func fill(t *testing.T, e *sqlite.Engine) (accepted, refused []queue.Task) {
	for i := 0; len(refused) < 5; i++ {
		require.Less(t, i, 20_000)
		task := durabletest.Task(fmt.Sprintf("task-%d", i))
		if err := e.Enqueue(t.Context(), task); err == nil {
			accepted = append(accepted, task)
		} else {
			require.ErrorContains(t, err, "durable: enqueue: ")
			require.ErrorContains(t, err, "disk is full")
			refused = append(refused, task)
		}
	}
	require.NotEmpty(t, accepted)
	return accepted, refused
}

// listen runs an engine. The function it returns waits until there are n messages, and
// returns what has been handed out.
func listen(t *testing.T, e *sqlite.Engine) func(n int) map[string]bool {
	var mu sync.Mutex
	got := map[string]bool{}
	more := make(chan struct{}, 1)
	durabletest.Run(t, e, func(_ context.Context, d queue.Delivery) queue.Verdict {
		mu.Lock()
		got[d.ID] = true
		mu.Unlock()
		select {
		case more <- struct{}{}:
		default:
		}
		return queue.Verdict{Kind: queue.KindDone}
	})
	return func(n int) map[string]bool {
		timeout := time.After(time.Minute)
		for {
			mu.Lock()
			if len(got) >= n {
				defer mu.Unlock()
				return maps.Clone(got)
			}
			mu.Unlock()
			select {
			case <-more:
			case <-timeout:
				require.FailNow(t, "not all handed out within a minute")
			}
		}
	}
}

// kept is how many messages are still to be delivered, or -1 if the engine cannot tell.
func kept(e *sqlite.Engine) int {
	stats, err := e.Stats(context.Background(), 0)
	if err != nil {
		return -1
	}
	return stats.Pending + stats.InFlight
}

func ids(groups ...[]queue.Task) map[string]bool {
	all := map[string]bool{}
	for _, task := range slices.Concat(groups...) {
		all[task.ID] = true
	}
	return all
}

// mountDisk returns the folder of a disk of 8 MB, and makeRoom, which removes a file that
// takes most of it.
func mountDisk(t *testing.T) string {
	folder := t.TempDir()
	mount := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder)
	if text, err := mount.CombinedOutput(); err != nil {
		t.Skipf("needs a small disk: cannot mount a tmpfs: %v: %s", err, text)
	}
	t.Cleanup(func() {
		text, err := exec.CommandContext(context.Background(), "umount", folder).CombinedOutput()
		require.NoError(t, err, "%s", text)
	})
	require.NoError(t, os.WriteFile(filepath.Join(folder, "filler"), make([]byte, 5<<20), 0o600))
	return folder
}

func makeRoom(t *testing.T, folder string) {
	require.NoError(t, os.Remove(filepath.Join(folder, "filler")))
}
