package durabletest

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// What testExport exports; see there.
var (
	//go:embed testdata/export.ndjson
	exportedBare string
	//go:embed testdata/export-bodies.ndjson
	exportedBodies string
)

// testExport compares lines of all kinds with those of a file, which programs rely on.
func testExport[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	full := referred("1-full", "a418 \u2028 <&>", "Call-1", "+91 90199 12345")
	full.Key = "https://user:pass-word@receiver.example/x?token=sesame"
	full.Message.URL = "https://user:pass-word@receiver.example/a%2Fb/x?token=sesame#there"
	full.Message.Header.Set("Authorization", "Bearer s3cr3t-bearer")
	full.Message.Header.Set("X-Api-Key", "s3cr3t-key")
	full.Message.Header.Set("X-Number", "9019912345")
	full.Message.Body = []byte(`{"to": "9019912345", "auth": "s3cr3t-bearer", "key": "s3cr3t-key", "html": "<b>"}`)
	binary := Task("2-binary")
	binary.Message.Body = []byte("\xff\x00")
	require.NoError(t, e.Enqueue(t.Context(), full))
	require.NoError(t, e.Enqueue(t.Context(), binary, referred("3-erased", "s", "r"), later("4-pending"), Task("5-unreadable")))
	broken := hook()
	broken.Body = `{{payload.staus}}`
	_, err := hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "6-fault", sent), durable.ErrNotComposed)

	seq := `(SELECT seq FROM @delivery WHERE id = '1-full')`
	db.Exec(t, `INSERT INTO @event (seq, type, json) VALUES (`+seq+`, 'x', CAST('{"to": 1.0, "s3cr3t-key": "<"}' AS BLOB))`)
	for n := 1; n <= 2; n++ {
		db.Exec(t, fmt.Sprintf(`INSERT INTO @attempt
			(seq, gen, n, at, duration, status, class, error, requests, arrived, want, location, answer, header, problem)
			VALUES (%s, 0, %d, 170000000%d000000, 1500000, 503, 'status', 'webhook: status 503, want 200', 1, 1, '200',
				'/to/9019912345', 'sorry, 9019912345', 'X-Request-Id: 9019912345', '["delivery-status-unwanted","503","200"]')`, seq, n, n))
	}
	db.Exec(t, `UPDATE @delivery SET state = 'delivered', ended = 1700000009123456, attempts = 2, status = 200 WHERE id = '1-full'`)
	db.Exec(t, `UPDATE @delivery SET state = 'dropped', reason = 'disabled', ended = 1700000009000000 WHERE id = '2-binary'`)
	db.Exec(t, `UPDATE @delivery SET message = CAST('newer' AS BLOB) WHERE id = '5-unreadable'`)
	_, err = e.Erase(t.Context(), durable.Filter{Ref: "r"}, 0)
	require.NoError(t, err)
	db.Exec(t, `UPDATE @delivery SET created = 1700000000000000 + 1000000 * CAST(substr(id, 1, 1) AS bigint),
		due = 1700000100000000, ended = CASE WHEN ended IS NULL THEN NULL ELSE 1700000009123456 END`)

	for want, options := range map[string][]durable.ExportOption{exportedBare: nil, exportedBodies: {durable.ExportBodies}} {
		var b bytes.Buffer
		n, err := e.Export(t.Context(), durable.Filter{}, &b, options...)
		require.NoError(t, err)
		require.Equal(t, want, b.String())
		require.EqualValues(t, strings.Count(want, "\n"), n)
		for _, secret := range []string{"s3cr3t", "pass-word", "sesame"} {
			require.NotContains(t, b.String(), secret)
		}
		for line := range strings.Lines(b.String()) {
			decoder := json.NewDecoder(strings.NewReader(line))
			decoder.DisallowUnknownFields()
			var d durable.ExportedDelivery
			require.NoError(t, decoder.Decode(&d))
			again := &strings.Builder{}
			encoder := json.NewEncoder(again)
			encoder.SetEscapeHTML(false)
			require.NoError(t, encoder.Encode(d))
			require.Equal(t, line, again.String(), "a program can read it with the type")
		}
	}
	for _, personal := range []string{"9019912345", "call-1", "a418", "sorry", "<b>"} {
		require.NotContains(t, exportedBare, personal)
	}
}

// exportedIDs returns the IDs of what is exported.
func exportedIDs[T any](t testing.TB, e *durable.Engine[T], f durable.Filter, options ...durable.ExportOption) []string {
	var b bytes.Buffer
	n, err := e.Export(t.Context(), f, &b, options...)
	require.NoError(t, err)
	ids := []string{}
	for line := range strings.Lines(b.String()) {
		var d durable.ExportedDelivery
		require.NoError(t, json.Unmarshal([]byte(line), &d))
		ids = append(ids, d.ID)
	}
	require.Len(t, ids, int(n))
	return ids
}

// testExportMany exports more than a page, and more than is read at once.
func testExportMany[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	const n = 1203
	var tasks []queue.Task
	for i := range n {
		task := referred(fmt.Sprintf("m-%04d", i), "s-"+strconv.Itoa(i%2), "call-"+strconv.Itoa(i%3))
		task.Key, task.Message.WebhookID = "key-"+strconv.Itoa(i%3), "hook-"+strconv.Itoa(i%2)
		if i%100 == 0 {
			task.Message.Body = bytes.Repeat([]byte("x"), 1<<20)
		}
		tasks = append(tasks, task)
	}
	require.NoError(t, e.Enqueue(t.Context(), tasks...)) // all at one time: the number decides
	states := []string{"pending", "delivered", "failed", "dropped", "canceled"}
	for i, state := range states {
		db.Exec(t, fmt.Sprintf(`UPDATE @delivery SET state = '%s' WHERE seq %% 5 = %d`, state, i))
	}
	for _, f := range []durable.Filter{
		{},
		{State: durable.StateFailed},
		{WebhookID: "hook-0"},
		{Key: "key-2"},
		{Ref: "call-1"},
		{Subject: "s-1"},
		{Ref: "call-1", State: durable.StatePending},
		{From: time.Now()},
		{To: time.Now()},
		{Event: "none"},
	} {
		want := []string{}
		for page := (durable.Page{Next: "zzzzzzzzzz-0"}); page.Next != ""; {
			var err error
			paged := f
			paged.Limit, paged.After = 1000, page.Next
			page, err = e.List(t.Context(), paged)
			require.NoError(t, err)
			for _, d := range page.Deliveries {
				want = append(want, d.ID)
			}
		}
		f.Limit, f.After = 1, "1-1" // which do not count
		require.Equal(t, want, exportedIDs(t, e, f), "%+v", f)
		require.Equal(t, want, exportedIDs(t, e, f, durable.ExportBodies), "%+v", f)
	}
	_, err := e.Export(t.Context(), durable.Filter{State: "lost"}, io.Discard)
	require.ErrorIs(t, err, durable.ErrFilter)
	require.EqualError(t, err, "durable: export: bad filter: no such State")
}

// A valve is a writer that calls then after some lines.
type valve struct {
	lines int
	then  func() error
}

func (v *valve) Write(b []byte) (int, error) {
	if v.lines--; v.lines >= 0 {
		return len(b), nil
	}
	return len(b), v.then()
}

func testExportEnds[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), Tasks("m", 600)...))
	full := errors.New("the disk is full")
	for _, lines := range []int{0, 1, 500, 550} {
		n, err := e.Export(t.Context(), durable.Filter{}, &valve{lines, func() error { return full }})
		require.ErrorIs(t, err, full)
		require.EqualError(t, err, "durable: export: write: the disk is full")
		require.EqualValues(t, lines, n)
	}
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	n, err := e.Export(ctx, durable.Filter{}, &valve{10, func() error { cancel(stopped); return nil }})
	require.ErrorIs(t, err, stopped)
	require.EqualValues(t, 11, n)
	n, err = e.Export(ctx, durable.Filter{}, io.Discard)
	require.Error(t, err)
	require.Zero(t, n)
}

// planExport runs the statements of Export.
func planExport[T any](t *testing.T, e *durable.Engine[T]) {
	for _, f := range []durable.Filter{
		{}, wanted, base(wanted), {WebhookID: wanted.WebhookID}, {Ref: wanted.Ref}, {Subject: wanted.Subject},
	} {
		for _, options := range [][]durable.ExportOption{nil, {durable.ExportBodies}} {
			// The first page has all statements.
			enough := errors.New("enough")
			_, err := e.Export(t.Context(), f, &valve{1, func() error { return enough }}, options...)
			if !errors.Is(err, enough) {
				require.NoError(t, err)
			}
		}
	}
}

// Export reports how many of a million deliveries are exported in a second, and up to
// how many MiB of memory the process has more meanwhile.
func Export[T any](b *testing.B, e *durable.Engine[T], exec func(t testing.TB, sql string)) {
	Fill(b, 1_000_000, exec)
	require.NoError(b, e.Enqueue(b.Context(), Task("real")))
	exec(b, `UPDATE @delivery SET message = (SELECT message FROM @delivery WHERE id = 'real')`)
	exec(b, `DELETE FROM @delivery WHERE id = 'real'`)
	exec(b, `ANALYZE @delivery`)

	for _, options := range [][]durable.ExportOption{nil, {durable.ExportBodies}} {
		idle, most := heap(), uint64(0)
		ended := make(chan struct{})
		sampled := make(chan struct{})
		go func() {
			defer close(sampled)
			for {
				select {
				case <-ended:
					return
				case <-time.After(500 * time.Millisecond):
					most = max(most, inUse())
				}
			}
		}()
		begun := time.Now()
		w := bufio.NewWriter(io.Discard)
		n, err := e.Export(b.Context(), durable.Filter{}, w, options...)
		took := time.Since(begun)
		close(ended)
		<-sampled
		require.NoError(b, err)
		require.EqualValues(b, 1_000_000, n)
		name := "bare"
		if slices.Contains(options, durable.ExportBodies) {
			name = "bodies"
		}
		b.ReportMetric(float64(n)/took.Seconds(), name+"/s")
		b.ReportMetric(float64(most)/(1<<20)-float64(idle)/(1<<20), "MiB-"+name)
	}
	b.ReportMetric(0, "ns/op")
}

// inUse is heap without a collection before it.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
