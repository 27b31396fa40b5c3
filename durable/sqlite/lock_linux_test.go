package sqlite_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/sqlite"
)

// TestLocks opens the file once more. That must not end the lock which keeps other
// programs from removing the journal, as they do if nobody has the file open.
func TestLocks(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	e := open(t, path, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), durabletest.Task("a")))
	var info syscall.Stat_t
	require.NoError(t, syscall.Stat(path, &info))
	// Linux writes the list in parts. A lock that is there can be missing from it, when
	// others come and go in between.
	locks := func() int {
		most := 0
		for range 5 {
			text, err := os.ReadFile("/proc/locks")
			if err != nil {
				t.Skip("there is no /proc/locks")
			}
			most = max(most, strings.Count(string(text), fmt.Sprintf(":%d ", info.Ino)))
		}
		return most
	}
	require.Positive(t, locks())
	db, err := sqlite.OpenDB(path)
	require.NoError(t, err)
	defer db.Close()
	require.Positive(t, locks())
}
