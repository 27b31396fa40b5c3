package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/sqlite"
	"github.com/ringhook/webhook/queue"
)

// planted is what must not be readable in a file any more.
const planted = "919019912345"

// readable returns how often text is in a file and its log, after a checkpoint.
func readable(t *testing.T, path, text string, db *sql.DB) int {
	var busy, frames, done int
	require.NoError(t, db.QueryRowContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &done))
	require.Zero(t, busy)
	n := 0
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		n += bytes.Count(b, []byte(text))
	}
	return n
}

// TestErase_File looks into a file for what was erased, and what was forgotten. SQLite
// leaves copies of a few keys and small rows behind where it has split a page; they go
// with VACUUM.
func TestErase_File(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	e := open(t, path, durable.Config{Keep: durable.Retention{Canceled: time.Nanosecond}})
	db, _ := connect(t, path)
	const n, other = 400, "918888888888"
	random := rand.New(rand.NewPCG(1, 2))
	var tasks []queue.Task
	for i := range 2 * n {
		number := []string{planted, other}[i%2]
		task := durabletest.Task(fmt.Sprint("m-", random.Uint64()))
		m := task.Message
		m.URL += "&to=" + number
		m.Header.Set("X-Number", number)
		m.Body = []byte(strings.Repeat(number+" ", []int{1, 30, 300, 3000}[i/2%4]))
		m.Subject = fmt.Sprint(random.Uint64(), " ", number)
		// In odd places of its index, so that pages are split.
		m.Refs = []string{number, fmt.Sprint(random.Uint64(), "-", number)}
		task.Order = task.Key + "\x1f" + m.Subject
		tasks = append(tasks, task)
	}
	for i := 0; i < len(tasks); i += 100 {
		require.NoError(t, e.Enqueue(t.Context(), tasks[i:i+100]...))
	}
	_, exec := connect(t, path)
	exec(t, `INSERT INTO @event (seq, type, json) SELECT seq, event, message FROM @delivery WHERE seq % 3 = 0`)
	handled := make(chan struct{}, len(tasks))
	stop := durabletest.Run(t, e, func(_ context.Context, d queue.Delivery) queue.Verdict {
		handled <- struct{}{}
		a := &webhook.Attempt{N: d.N, At: time.Now(), Body: d.Message.Body, Location: "/" + d.Message.Subject}
		a.Header = http.Header{"X-Request-Id": {d.Message.Subject}}
		return queue.Verdict{Kind: queue.KindDead, Attempt: a}
	})
	for range n { // and the others are canceled
		<-handled
	}
	stop()
	before := readable(t, path, planted, db)
	require.Greater(t, before, 100*n)
	// Until River has written down which jobs are done; not so often that it cannot.
	require.Eventually(t, func() bool {
		got, err := e.Erase(t.Context(), durable.Filter{Ref: planted}, 0)
		return err == nil && got.InFlight == 0
	}, time.Minute, 200*time.Millisecond)
	gone := func(number string) {
		t.Helper()
		require.Less(t, readable(t, path, number, db), n/10)
		_, err := db.ExecContext(t.Context(), `VACUUM`)
		require.NoError(t, err)
		require.Zero(t, readable(t, path, number, db))
	}
	gone(planted)
	require.Greater(t, readable(t, path, other, db), before/2)

	_, err := db.ExecContext(t.Context(), `UPDATE ringhook_delivery SET state = 'canceled', ended = 1`)
	require.NoError(t, err)
	e = open(t, path, durable.Config{Keep: durable.Retention{Canceled: time.Nanosecond}})
	stop = durabletest.Run(t, e, func(context.Context, queue.Delivery) queue.Verdict { panic("nothing is left") })
	require.Eventually(t, func() bool {
		page, err := e.List(t.Context(), durable.Filter{})
		return err == nil && len(page.Deliveries) == 0
	}, time.Minute, 200*time.Millisecond)
	stop()
	gone(other)
}

// TestJournal_Shrinks has a reader keep the log from beginning again, and then end.
func TestJournal_Shrinks(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	e := open(t, path, durable.Config{})
	foreign, err := sqlite.OpenDB(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, foreign.Close()) }()
	conn, err := foreign.Conn(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	exec := func(text string) {
		_, err := conn.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	exec(`BEGIN DEFERRED`)
	exec(`SELECT count(*) FROM ringhook_delivery`)
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		return info.Size()
	}
	enqueue := func(id string) {
		task := durabletest.Task(id)
		task.Message.Body = bytes.Repeat([]byte("x"), 500_000)
		require.NoError(t, e.Enqueue(t.Context(), task))
	}
	for i := 0; size() < 40_000_000; i++ {
		enqueue(fmt.Sprint("before-", i))
	}
	exec(`ROLLBACK`)
	for i := range 3 {
		enqueue(fmt.Sprint("after-", i))
	}
	require.LessOrEqual(t, size(), int64(16<<20))
}
