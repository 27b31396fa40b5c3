package durabletest

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// A Database is a new one, for one test. In SQL, @ is before the names of our tables
// and # before those of River's.
type Database[T any] struct {
	// Open opens an engine on it, and closes it when the test ends.
	Open func(t testing.TB, config durable.Config) *durable.Engine[T]
	// Bare opens an engine without Migrate. It is nil if the storage has no such engine.
	Bare func(t testing.TB, config durable.Config) *durable.Engine[T]
	// Exec runs a statement.
	Exec func(t testing.TB, sql string)
	// Row reads the only row of a query.
	Row func(t testing.TB, sql string, dest ...any)
	// Dump returns the values of all tables, without numbers.
	Dump func(t testing.TB) []byte
	// Files are those that the database is in, if they can be read.
	Files []string
	// Store opens the store of an engine, which closes it.
	Store func(t testing.TB) store.Store[T]
	// Tx runs fn in a transaction of the caller's own, and commits if it returns nil.
	Tx func(t testing.TB, fn func(tx T, exec func(sql string)) error) error
}

// Test holds an engine to what package durable says beyond package queue. If names are
// given, it runs these tests only.
func Test[T any](t *testing.T, database func(t testing.TB) Database[T], only ...string) {
	ran := 0
	for _, tt := range tests[T]() {
		if len(only) > 0 && !slices.Contains(only, tt.name) {
			continue
		}
		ran++
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, database(t))
		})
		if slices.Contains(alsoSealed, tt.name) {
			t.Run("sealed: "+tt.name, func(t *testing.T) {
				t.Parallel()
				tt.run(t, sealed(database(t)))
			})
		}
	}
	if len(only) > 0 {
		require.Equal(t, len(only), ran, "one of the names is of no test")
	}
}

// eventually waits until a query gives a number.
func eventually[T any](t testing.TB, db Database[T], want int, sql string) {
	var got int
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		db.Row(t, sql, &got)
		if got == want {
			return
		}
	}
	require.FailNow(t, "waited in vain", "%s is %d, want %d", sql, got, want)
}

// ordered makes tasks of one order.
func ordered(ids ...string) []queue.Task {
	var tasks []queue.Task
	for _, id := range ids {
		task := Task(id)
		task.Order = "o"
		tasks = append(tasks, task)
	}
	return tasks
}

func testMigrate[T any](t *testing.T, db Database[T]) {
	if db.Bare != nil {
		err := Check(t, db.Bare(t, durable.Config{}))
		require.EqualError(t, err, "durable: check: the tables are not up to date: call Migrate")
	}
	var engines sync.WaitGroup
	for range 6 {
		engines.Go(func() { db.Open(t, durable.Config{}) })
	}
	engines.Wait()
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), Task("kept")))
	require.NoError(t, e.Migrate(t.Context()))
	require.NoError(t, Check(t, e))
	var n int
	db.Row(t, `SELECT count(*) FROM @delivery`, &n)
	require.Equal(t, 1, n)
}

func testEnqueueTx[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	db.Exec(t, `CREATE TABLE calls (id bigint)`)
	rollback := errors.New("rolled back")
	require.ErrorIs(t, db.Tx(t, func(tx T, exec func(string)) error {
		exec(`INSERT INTO calls VALUES (1)`)
		require.NoError(t, e.EnqueueTx(t.Context(), tx, Task("no")))
		return rollback
	}), rollback)
	r := record(nil)
	Run(t, e, r.handle)
	require.NoError(t, db.Tx(t, func(tx T, exec func(string)) error {
		exec(`INSERT INTO calls VALUES (2)`)
		require.NoError(t, e.EnqueueTx(t.Context(), tx, Task("yes"), Task("too"), Task("yes")))
		require.ErrorContains(t, e.EnqueueTx(t.Context(), tx, queue.Task{ID: "no-message", Key: "k"}), "task 0: no message")
		<-time.After(200 * time.Millisecond)
		require.Empty(t, r.ids()) // nobody sees it before the end
		return nil
	}))
	r.await(t, 2)
	require.Equal(t, map[string]int{"yes": 1, "too": 1}, r.ids())
}

// testEnqueueTxOrdered has the first of an ordering end while a transaction enqueues
// the next.
func testEnqueueTxOrdered[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	gate := make(chan struct{})
	r := record(func(d queue.Delivery) queue.Verdict {
		if d.ID == "first" {
			<-gate
		}
		return queue.Verdict{Kind: queue.KindDone}
	})
	Run(t, e, r.handle)
	require.NoError(t, e.Enqueue(t.Context(), ordered("first")...))
	r.await(t, 1)
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		require.NoError(t, e.EnqueueTx(t.Context(), tx, ordered("second")...))
		close(gate)
		<-time.After(200 * time.Millisecond)
		return nil
	}))
	r.await(t, 2)
	eventually(t, db, 2, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.NoError(t, e.Enqueue(t.Context(), ordered("third")...))
	r.await(t, 3)
}

func testRefused[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{MaxTimeout: 4 * time.Second})
	change := func(change func(*queue.Task)) queue.Task {
		task := Task("id")
		change(&task)
		return task
	}
	long := change(func(t *queue.Task) { t.Message.Policy.Timeout = 4*time.Second + 1 })
	const notStorable = "ID, Key or Order is not UTF-8, has a NUL, or is longer than 2 KiB"
	tests := []struct {
		name string
		task queue.Task
		want string
	}{
		{"no message", change(func(t *queue.Task) { t.Message = nil }), "no message"},
		{"no ID", change(func(t *queue.Task) { t.ID, t.Message.ID = "", "" }), "no ID, or not that of the message"},
		{"another ID", change(func(t *queue.Task) { t.ID = "other" }), "no ID, or not that of the message"},
		{"no key", change(func(t *queue.Task) { t.Key = "" }), "no Key"},
		{"a NUL", change(func(t *queue.Task) { t.Key = "a\x00b" }), notStorable},
		{"no text", change(func(t *queue.Task) { t.Order = "\xff" }), notStorable},
		{"a long key", change(func(t *queue.Task) { t.Key = strings.Repeat("k", 2049) }), notStorable},
		{"due in no year", change(func(t *queue.Task) { t.NotBefore = time.Unix(1<<60, 0) }), "NotBefore after the year 9999"},
		{"a long timeout", long, "the timeout is longer than MaxTimeout: 4.000000001s, at most 4s"},
	}
	for _, tt := range tests {
		require.EqualError(t, e.Enqueue(t.Context(), Task("good"), tt.task), "durable: enqueue: task 1: "+tt.want, tt.name)
	}
	require.ErrorIs(t, e.Enqueue(t.Context(), long), durable.ErrTimeout)
	// These two are only shown.
	odd := change(func(t *queue.Task) { t.Message.WebhookID, t.Message.Event = "\xff\x00", "\x00\xff" })
	require.NoError(t, e.Enqueue(t.Context(), odd))
	var n int
	db.Row(t, `SELECT count(*) FROM @delivery`, &n)
	require.Equal(t, 1, n)
	_, ok, err := e.Newest(t.Context(), "\x00")
	require.NoError(t, err)
	require.False(t, ok)
	found, err := e.Cancel(t.Context(), "\x00")
	require.NoError(t, err)
	require.False(t, found)
}

func testTwo[T any](t *testing.T, db Database[T]) {
	const n = 120
	a, b := db.Open(t, durable.Config{Workers: 4}), db.Open(t, durable.Config{Workers: 4})
	var both sync.WaitGroup // neither ends anything before the other has something
	then := func() func(queue.Delivery) queue.Verdict {
		both.Add(1)
		met := sync.OnceFunc(both.Done)
		return func(d queue.Delivery) queue.Verdict {
			met()
			both.Wait()
			if d.N == 1 && strings.HasSuffix(d.ID, "7") {
				return queue.Verdict{Kind: queue.KindRetry}
			}
			return queue.Verdict{Kind: queue.KindDone}
		}
	}
	first, second := record(then()), record(then())
	Run(t, a, first.handle)
	Run(t, b, second.handle)
	var enqueuers sync.WaitGroup
	for _, e := range []*durable.Engine[T]{a, b} {
		enqueuers.Go(func() { // the same ones
			for tasks := range slices.Chunk(Tasks("task", n), 30) {
				if err := e.Enqueue(t.Context(), tasks...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	enqueuers.Wait()
	eventually(t, db, n, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	ids := first.ids()
	for id, times := range second.ids() {
		ids[id] += times
	}
	require.Len(t, ids, n)
	for id, times := range ids {
		want := 1
		if strings.HasSuffix(id, "7") {
			want = 2
		}
		require.Equal(t, want, times, id)
	}
}

func testTwoOrdered[T any](t *testing.T, db Database[T]) {
	a, b := db.Open(t, durable.Config{}), db.Open(t, durable.Config{})
	gate := make(chan struct{})
	var mu sync.Mutex
	var order []string
	then := func(d queue.Delivery) queue.Verdict {
		mu.Lock()
		order = append(order, d.ID)
		mu.Unlock()
		if d.ID == "held" {
			<-gate
		}
		return queue.Verdict{Kind: queue.KindDone}
	}
	r := record(then)
	stop := Run(t, a, r.handle)
	tasks := ordered("held", "low", "2", "3", "4", "canceled", "5")
	for i := range tasks {
		tasks[i].Message.Rank = 2
	}
	tasks[0].Message.Rank, tasks[1].Message.Rank = 1, 1
	require.NoError(t, a.Enqueue(t.Context(), tasks[:3]...))
	r.await(t, 1)
	Run(t, b, r.handle)
	require.NoError(t, b.Enqueue(t.Context(), tasks[3:]...))
	dropped, err := b.Supersede(t.Context(), "o", 2) // the other has the first in flight
	require.NoError(t, err)
	require.Len(t, dropped, 1)
	require.Equal(t, tasks[1].Message, dropped[0].Message)
	ok, err := b.Cancel(t.Context(), "canceled")
	require.NoError(t, err)
	require.True(t, ok)
	ok, err = b.Cancel(t.Context(), "held") // in flight: its end is awaited all the same
	require.NoError(t, err)
	require.True(t, ok)
	close(gate)
	r.await(t, 5)
	stop()
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"held", "2", "3", "4", "5"}, order)
}

// killed makes jobs look as if a process had got them long ago, and died.
const killed = `UPDATE #river_job SET state = 'running', attempt = 1, attempted_at = '2024-01-01 00:00:00.000'
	WHERE state = 'available'`

func testRescue[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), Task("a")))
	db.Exec(t, killed)
	r := record(nil)
	Run(t, e, r.handle)
	r.await(t, 1)
	require.Equal(t, 1, r.got[0].N)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'delivered' AND attempts = 1`)
}

// testRescueOrdered has a process die after it has written down the end of the first, and
// before the turn of the next.
func testRescueOrdered[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), ordered("first", "second")...))
	db.Exec(t, killed)
	db.Exec(t, `UPDATE @delivery SET state = 'delivered', attempts = 1, ended = created WHERE id = 'first'`)
	r := record(nil)
	Run(t, e, r.handle)
	r.await(t, 1)
	require.Equal(t, map[string]int{"second": 1}, r.ids())
}

func testHistory[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	at := time.UnixMicro(1_700_000_000_123_456)
	failed := &webhook.Attempt{
		At: at, Duration: 1500 * time.Microsecond, Status: 503,
		Class: webhook.ClassStatus, Err: errors.New("webhook: \xff\x00"),
	}
	verdicts := map[string][]queue.Verdict{
		"delivered": {
			{Kind: queue.KindRetry, Attempt: failed},
			{Kind: queue.KindDefer},
			{Kind: queue.KindDone, Attempt: &webhook.Attempt{At: at, Status: 202}},
		},
		"failed":  {{Kind: queue.KindDead, Attempt: failed}},
		"dropped": {{Kind: queue.KindDead, Reason: queue.ReasonDisabled}},
	}
	var mu sync.Mutex
	Run(t, e, record(func(d queue.Delivery) queue.Verdict {
		mu.Lock()
		defer mu.Unlock()
		v := verdicts[d.ID][0]
		verdicts[d.ID] = verdicts[d.ID][1:]
		return v
	}).handle)
	for _, id := range slices.Sorted(maps.Keys(verdicts)) {
		require.NoError(t, e.Enqueue(t.Context(), Task(id)))
	}
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)

	type row struct {
		State, Reason, Class, Error, Webhook, Event string
		Attempts, Status                            int
	}
	for id, want := range map[string]row{
		"delivered": {State: "delivered", Attempts: 2, Status: 202},
		"failed":    {State: "failed", Attempts: 1, Status: 503, Class: "status", Error: "webhook: \uFFFD\uFFFD"},
		"dropped":   {State: "dropped", Reason: "disabled"},
	} {
		want.Webhook, want.Event = Task(id).Message.WebhookID, Task(id).Message.Event
		var got row
		db.Row(t, `SELECT state, reason, class, error, webhook_id, event, attempts, status FROM @delivery WHERE id = '`+id+`'`,
			&got.State, &got.Reason, &got.Class, &got.Error, &got.Webhook, &got.Event, &got.Attempts, &got.Status)
		require.Equal(t, want, got, id)
	}
	var n, status int
	var micros, duration int64
	db.Row(t, `SELECT n, status, at, duration FROM @attempt
		WHERE seq = (SELECT seq FROM @delivery WHERE id = 'delivered') ORDER BY n LIMIT 1`,
		&n, &status, &micros, &duration)
	require.Equal(t, []int64{1, 503, at.UnixMicro(), 1500}, []int64{int64(n), int64(status), micros, duration})
	db.Row(t, `SELECT count(*) FROM @attempt`, &n)
	require.Equal(t, 3, n)
}

func testCancelInFlight[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	gate := make(chan struct{})
	r := record(func(d queue.Delivery) queue.Verdict {
		<-gate
		if d.ID == "done" {
			return queue.Verdict{Kind: queue.KindDone}
		}
		return queue.Verdict{Kind: queue.KindRetry}
	})
	stop := Run(t, e, r.handle)
	require.NoError(t, e.Enqueue(t.Context(), Task("done"), Task("again")))
	r.await(t, 2)
	for _, id := range []string{"done", "again"} {
		ok, err := e.Cancel(t.Context(), id)
		require.NoError(t, err)
		require.True(t, ok)
	}
	close(gate)
	stop()
	var state string
	db.Row(t, `SELECT state FROM @delivery WHERE id = 'done'`, &state)
	require.Equal(t, "delivered", state)
	db.Row(t, `SELECT state FROM @delivery WHERE id = 'again' AND attempts = 1`, &state)
	require.Equal(t, "canceled", state)
}

func testKept[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	r := record(nil)
	Run(t, e, r.handle)
	require.NoError(t, e.Enqueue(t.Context(), Task("a")))
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.NoError(t, e.Enqueue(t.Context(), Task("a"), Task("b")))
	eventually(t, db, 2, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.Equal(t, map[string]int{"a": 1, "b": 1}, r.ids())
}

func testRetention[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Keep: durable.Retention{Failed: -1, Canceled: time.Hour}})
	require.NoError(t, e.Enqueue(t.Context(), Tasks("task", 20)...))
	for range 6 { // to more than are removed at once
		db.Exec(t, `INSERT INTO @delivery (id, webhook_id, key, event, rank, state, active, created, due, message)
			SELECT id || '-' || (SELECT count(*) FROM @delivery), webhook_id, key, event, rank, state, active,
				created, due, message FROM @delivery`)
	}
	ended := func(state string, since time.Duration, ids string) {
		db.Exec(t, `UPDATE @delivery SET state = '`+state+`', ended = `+durableMicros(-since)+` WHERE id IN (`+ids+`)`)
	}
	db.Exec(t, `UPDATE @delivery SET state = 'delivered', ended = `+durableMicros(-8*24*time.Hour))
	ended("delivered", 6*24*time.Hour, `'task-0'`)
	ended("failed", 1000*24*time.Hour, `'task-1'`)
	ended("dropped", 91*24*time.Hour, `'task-2'`)
	ended("canceled", 2*time.Hour, `'task-3'`)
	ended("canceled", 30*time.Minute, `'task-4'`)
	db.Exec(t, `UPDATE @delivery SET state = 'pending', ended = NULL, due = `+durableMicros(time.Hour)+`
		WHERE id = 'task-5'`)
	db.Exec(t, `INSERT INTO @attempt (seq, gen, n, at, duration, status, class, error)
		SELECT seq, 0, 1, 0, 0, 0, '', '' FROM @delivery`)
	Run(t, e, record(nil).handle)
	eventually(t, db, 4, `SELECT count(*) FROM @delivery`)
	eventually(t, db, 4, `SELECT count(*) FROM @attempt`)
	var n int
	db.Row(t, `SELECT count(*) FROM @delivery WHERE id IN ('task-0', 'task-1', 'task-4', 'task-5')`, &n)
	require.Equal(t, 4, n)
}

func testUnreadable[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, e.Enqueue(t.Context(), Task("newer")))
	db.Exec(t, `UPDATE @delivery SET message = CAST('newer' AS BLOB)`)
	r := record(nil)
	Run(t, e, r.handle)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery
		WHERE state = 'pending' AND attempts = 0 AND due > `+durableMicros(10*time.Second))
	require.Empty(t, r.ids())
}

// testUnreadableOrdered has messages in an ordering that cannot be read. Those behind them
// are delivered, and they are when they can be read again.
func testUnreadableOrdered[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, e.Enqueue(t.Context(), ordered("a", "b", "c", "d")...))
	// In a table of its own, to be put back.
	db.Exec(t, `CREATE TABLE @away AS SELECT seq, message FROM @delivery WHERE id IN ('a', 'c')`)
	db.Exec(t, `UPDATE @delivery SET message = CAST('newer' AS BLOB) WHERE id IN ('a', 'c')`)
	r := record(nil)
	stop := Run(t, e, r.handle)
	r.await(t, 2)
	require.Equal(t, map[string]int{"b": 1, "d": 1}, r.ids())
	aside := func() {
		eventually(t, db, 2, `SELECT count(*) FROM @delivery
			WHERE id IN ('a', 'c') AND state = 'pending' AND error <> '' AND due > `+durableMicros(10*time.Second))
	}
	aside()
	eventually(t, db, 1, `SELECT count(*) FROM @delivery WHERE active = 1 AND state = 'pending'`)
	// What comes later does not wait behind them for longer than they are not tried.
	require.NoError(t, e.Enqueue(t.Context(), ordered("e")...))
	require.NoError(t, e.RetryNow(t.Context(), "a"))
	require.NoError(t, e.RetryNow(t.Context(), "c"))
	r.await(t, 3)
	require.Equal(t, 1, r.ids()["e"])
	aside() // or one of them would still be due
	stop()
	db.Exec(t, `UPDATE @delivery SET message = (SELECT message FROM @away AS away WHERE away.seq = @delivery.seq)
		WHERE id IN ('a', 'c')`)
	again := record(nil)
	other := db.Open(t, durable.Config{})
	Run(t, other, again.handle)
	require.NoError(t, other.RetryNow(t.Context(), "a"))
	require.NoError(t, other.RetryNow(t.Context(), "c"))
	finally(t, other, "a", durable.StateDelivered)
	finally(t, other, "c", durable.StateDelivered)
	require.Equal(t, map[string]int{"a": 1, "c": 1}, again.ids())
}
