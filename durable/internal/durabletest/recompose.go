package durabletest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// end ends a delivery as an attempt of a class would, which may have sent something for
// all that is kept, or with "unsent " before the class has not; without a class, there
// was none.
func end[T any](t testing.TB, db Database[T], id, state, class string) {
	class, unsent := strings.CutPrefix(class, "unsent ")
	db.Exec(t, `UPDATE @delivery SET state = '`+state+`', active = 0, ended = created, class = '`+class+`' WHERE id = '`+id+`'`)
	if class != "" {
		db.Exec(t, `INSERT INTO @attempt (seq, gen, n, at, duration, status, class, error)
			SELECT seq, gen, 1, created, 0, 0, '`+class+`', '' FROM @delivery WHERE id = '`+id+`'`)
	}
	if unsent {
		db.Exec(t, `UPDATE @attempt SET arrived = 0 WHERE seq = (SELECT seq FROM @delivery WHERE id = '`+id+`')`)
	}
}

// status returns a report that differs from all others.
func status(id string) payload.MessageStatus {
	return payload.MessageStatus{ID: id, Channel: "whatsapp", Status: payload.StatusSent}
}

// mend stores hook with another path, and returns the URL of the message of an event.
func mend[T any](t testing.TB, hooks *durable.Webhooks[T], version int) func(id string) string {
	mended := hook()
	mended.URL = "https://receiver.example/mended?id={{payload.id}}"
	_, err := hooks.Update(t.Context(), mended, version)
	require.NoError(t, err)
	return func(id string) string { return "https://receiver.example/mended?id=" + id }
}

// testRecompose mends a webhook, of which some deliveries may have sent something.
func testRecompose[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, q, r := dispatcher(t, e, queue.Config{})
	tests := []struct {
		state, class string
		same         bool
	}{
		{"failed", "", true},
		{"failed", "dns", true},
		{"failed", "connect", true},
		{"failed", "tls", true},
		{"failed", "blocked", true},
		{"failed", "sign", true},
		{"failed", "invalid", true},
		{"failed", "unsent timeout", true},
		{"failed", "unsent canceled", true},
		{"dropped", "", true},
		{"failed", "status", false},
		{"failed", "timeout", false},
		{"failed", "reset", false},
		{"failed", "protocol", false},
		{"failed", "canceled", false},
		{"delivered", "", false},
		{"canceled", "", false},
	}
	id := func(i int) string { return fmt.Sprint("id-", i) }
	for i, tt := range tests {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id(i), status(id(i))))
		end(t, db, id(i), tt.state, tt.class)
	}
	db.Exec(t, `UPDATE @delivery SET ended = `+durableMicros(0)+` WHERE state = 'canceled'`) // an attempt may go on
	url := mend(t, hooks, 1)
	want := []string{}
	for i, tt := range tests {
		got, err := hooks.Recompose(t.Context(), id(i))
		require.NoError(t, err)
		require.Equal(t, durable.StatePending, got.State)
		require.Equal(t, 2, got.WebhookVersion)
		m, err := e.Message(t.Context(), got.ID)
		require.NoError(t, err)
		require.Equal(t, url(id(i)), m.URL, "%+v", tt)
		want = append(want, url(id(i)))
		_, form := keptOf(t, db, got.ID)
		require.Contains(t, form, id(i), "the event is kept with the new one too")
		old, err := e.Get(t.Context(), id(i))
		require.NoError(t, err)
		if tt.same {
			require.Equal(t, got, old)
			require.Equal(t, 1, got.Resent)
			_, err = hooks.Recompose(t.Context(), id(i))
			require.ErrorIs(t, err, durable.ErrPending)
			continue
		}
		require.NotEqual(t, id(i), got.ID)
		require.Equal(t, id(i), got.Of)
		require.Equal(t, durable.State(tt.state), old.State, "it stays as it is")
		again, err := hooks.Recompose(t.Context(), id(i))
		require.NoError(t, err)
		require.Equal(t, got, again, "there is one already")
	}
	runQueue(t, q)
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)
	require.ElementsMatch(t, want, r.got())
	for i := range tests { // a producer reports it once more
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id(i), status(id(i))))
	}
	require.Equal(t, 0, count(t, db, `state = 'pending'`))
}

func testRecomposeRefused[T any](t *testing.T, db Database[T]) {
	refuse := errors.New("not one of ours")
	config := durable.Config{Decode: func(eventType string, form []byte) (webhook.Event, error) {
		if strings.Contains(string(form), "odd") {
			return nil, refuse
		}
		return webhook.RawEvent{Type: eventType, JSON: form}, nil
	}}
	e := db.Open(t, config)
	hooks, q, _ := dispatcher(t, e, queue.Config{})
	other := hook()
	other.ID = otherID
	_, err := hooks.Create(t.Context(), other)
	require.NoError(t, err)
	for _, id := range []string{"pending", "odd", "broken"} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, status(id)))
	}
	require.NoError(t, hooks.DispatchID(t.Context(), otherID, "disabled", status("disabled")))
	require.NoError(t, e.Enqueue(t.Context(), Task("by-hand")))
	for _, id := range []string{"odd", "broken", "disabled", "by-hand"} {
		end(t, db, id, "failed", "dns")
	}
	require.NoError(t, hooks.Disable(t.Context(), otherID, ""))
	broken := hook()
	broken.Body = `{{payload.staus}}`
	_, err = hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	for id, want := range map[string]error{
		"pending": durable.ErrPending, "by-hand": durable.ErrNoEvent, "none": webhook.ErrNotFound, "\xff": webhook.ErrNotFound,
		"odd": refuse, "broken": durable.ErrNotComposed, "disabled": queue.ErrDisabled,
	} {
		_, err := hooks.Recompose(t.Context(), id)
		require.ErrorIs(t, err, want, id)
		require.ErrorContains(t, err, "durable: recompose: ", id)
	}
	_, err = e.Event(t.Context(), "by-hand")
	require.EqualError(t, err, "durable: event: no event is kept with the delivery")
	_, err = e.Event(t.Context(), "none")
	require.ErrorIs(t, err, webhook.ErrNotFound)
	_, err = hooks.Recompose(t.Context(), "odd")
	require.ErrorIs(t, err, durable.ErrNotComposed)
	_, err = e.Webhooks(nil).Recompose(t.Context(), "broken")
	require.ErrorContains(t, err, "Webhooks was given no queue")
	require.Equal(t, 5, count(t, db, `1 = 1`), "nothing is new")
	require.Equal(t, 4, count(t, db, `state = 'failed' AND gen = 0`), "and nothing is changed")

	n, err := hooks.RecomposeMatching(t.Context(), durable.Filter{From: time.Now().Add(-time.Hour)}, 0)
	require.Zero(t, n)
	require.ErrorIs(t, err, durable.ErrNotComposed)
	require.ErrorContains(t, err, "durable: recompose: 3 stay as they are, the first since: ")
	require.NoError(t, q.Disable(t.Context(), hookID, ""))
	mend(t, hooks, 2)
	_, err = hooks.Recompose(t.Context(), "broken")
	require.ErrorIs(t, err, queue.ErrDisabled)
}

// testRecomposeOrdered recomposes the first of an order, and one that was in none since
// it was not composed: it comes before what was enqueued after it.
func testRecomposeOrdered[T any](t *testing.T, db Database[T]) {
	hooks, q, r := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{Ordered: true})
	broken := hook()
	broken.Body = `{{payload.staus}}`
	_, err := hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "1", status("a")), durable.ErrNotComposed)
	url := mend(t, hooks, 2)
	for _, id := range []string{"2", "3"} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, status("a")))
	}
	end(t, db, "2", "failed", "dns")
	_, err = hooks.Recompose(t.Context(), "2") // gives the turn to the first
	require.NoError(t, err)
	_, err = hooks.Recompose(t.Context(), "1")
	require.NoError(t, err)
	var heads int
	db.Row(t, `SELECT count(*) FROM @delivery WHERE active = 1 AND ordering IS NOT NULL`, &heads)
	require.Equal(t, 1, heads)
	require.Equal(t, 3, count(t, db, `state = 'pending' AND ordering IS NOT NULL`))
	runQueue(t, q)
	eventually(t, db, 3, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.Equal(t, []string{url("a"), url("a"), url("a")}, r.got())
}

// testRecomposeAtOnce has two engines recompose one delivery many times at once.
func testRecomposeAtOnce[T any](t *testing.T, db Database[T]) {
	hooks, q, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	both := []*durable.Webhooks[T]{hooks, db.Open(t, durable.Config{}).Webhooks(q)}
	for _, class := range []string{"dns", "status"} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, class, status(class)))
		end(t, db, class, "failed", class)
		var ids sync.Map
		var made atomic.Int32
		var callers sync.WaitGroup
		for i := range 12 {
			callers.Go(func() {
				d, err := both[i%2].Recompose(context.Background(), class)
				switch {
				case err == nil:
					made.Add(1)
					ids.Store(d.ID, true)
				case !errors.Is(err, durable.ErrPending):
					t.Error(err)
				}
			})
		}
		callers.Wait()
		want := 12 // all get the one that is new
		if class == "dns" {
			want = 1
		}
		require.EqualValues(t, want, made.Load(), class)
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		require.Equal(t, 1, n, class)
		require.Equal(t, 1, count(t, db, `state = 'pending'`), class)
		db.Exec(t, `UPDATE @delivery SET state = 'delivered', active = 0, ended = created`)
	}
}

// testRecomposeMatching mends a template after a day of failures.
func testRecomposeMatching[T any](t *testing.T, db Database[T]) {
	hooks, q, r := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	broken := hook()
	broken.ID, broken.URL = otherID, "https://receiver.example/hook?x={{payload.status | plus: 1}}"
	_, err := hooks.Create(t.Context(), broken)
	require.NoError(t, err)
	const n = 205 // more than are read at once
	for i := range n {
		err := hooks.DispatchID(t.Context(), otherID, fmt.Sprint("n-", i), status(fmt.Sprint("n-", i)))
		require.ErrorIs(t, err, durable.ErrNotComposed)
	}
	for i, class := range []string{"status", "timeout", "dns", ""} {
		id := fmt.Sprint("s-", i)
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, status(id)))
		end(t, db, id, map[bool]string{true: "failed", false: "dropped"}[class != ""], class)
	}
	since := durable.Filter{From: time.Now().Add(-time.Hour)}
	for name, f := range map[string]durable.Filter{
		"want a WebhookID, Tenant, From, Ref or Subject": {}, "State is not failed": {WebhookID: hookID, State: durable.StateDelivered},
		"Limit or After": {WebhookID: hookID, Limit: 5},
	} {
		_, err := hooks.RecomposeMatching(t.Context(), f, 0)
		require.ErrorIs(t, err, durable.ErrFilter)
		require.EqualError(t, err, "durable: recompose: bad filter: "+name)
	}
	_, err = hooks.RecomposeMatching(t.Context(), since, -1)
	require.ErrorIs(t, err, durable.ErrFilter)

	recompose := func(f durable.Filter, limit int) int {
		done, err := hooks.RecomposeMatching(t.Context(), f, limit)
		require.NoError(t, err)
		return done
	}
	for _, tt := range []struct {
		name string
		f    durable.Filter
		want int
	}{
		{"it is still broken", durable.Filter{WebhookID: otherID}, 0},
		{"which does not keep others back", since, 3},
		{"there is nothing left to do", since, 0},
	} {
		done, err := hooks.RecomposeMatching(t.Context(), tt.f, 0)
		require.ErrorIs(t, err, durable.ErrNotComposed, tt.name)
		require.ErrorContains(t, err, "durable: recompose: 205 stay as they are, the first since: ")
		require.Equal(t, tt.want, done, tt.name)
	}
	broken.URL = "https://receiver.example/hook?x={{payload.status}}"
	_, err = hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	for _, f := range []durable.Filter{
		{WebhookID: otherID, Key: "none"},
		{WebhookID: otherID, Event: "none"},
		{WebhookID: otherID, To: since.From},
		{From: time.Now().Add(time.Hour)},
		{From: since.From, Event: "none"},
		{From: since.From, Key: "none"},
	} {
		require.Zero(t, recompose(f, 0), "%+v", f)
	}
	all := since
	all.State, all.To, all.Key, all.Event = durable.StateFailed, time.Now().Add(time.Hour), otherID, sent.EventType()
	require.Equal(t, 7, recompose(all, 7))
	require.Equal(t, 6, count(t, db, `state = 'pending' AND id IN ('n-0', 'n-1', 'n-2', 'n-3', 'n-4', 'n-5')`), "the oldest first")
	require.Equal(t, n-7, recompose(all, 0))
	require.Equal(t, 0, recompose(all, 0))
	require.Equal(t, n+3, count(t, db, `state = 'pending'`))
	runQueue(t, q)
	eventually(t, db, n+3, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.Len(t, r.got(), n+3)
	require.Equal(t, 2, count(t, db, `state = 'failed' AND id IN ('s-0', 's-1')`))
}

// testRecomposeCutOff ends queues in the middle of attempts, of which some were requests
// that the receiver may have.
func testRecomposeCutOff[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	begun := make(chan struct{}, 3)
	client := &webhook.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.RawQuery, "unsent") {
			httptrace.ContextClientTrace(r.Context()).WroteHeaders()
		}
		begun <- struct{}{}
		<-r.Context().Done()
		return nil, r.Context().Err()
	})}
	q, err := queue.New(client, e, queue.Config{Grace: time.Millisecond})
	require.NoError(t, err)
	hooks := e.Webhooks(q)
	_, err = hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	ids := []string{"sent", "canceled", "unsent"}
	for _, id := range ids {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, status(id)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	for range ids {
		<-begun
	}
	ok, err := q.Cancel(t.Context(), "canceled")
	require.NoError(t, err)
	require.True(t, ok)
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, 2, count(t, db, `state = 'pending' AND attempts = 0`), "none of them counts")
	for _, id := range []string{"sent", "unsent"} {
		end(t, db, id, "failed", "dns")
	}
	db.Exec(t, `UPDATE @delivery SET ended = 1`) // long ago
	for _, id := range ids {
		d, err := hooks.Recompose(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, id == "unsent", d.ID == id, id)
	}
}

// testRecomposeUnwanted has a When that refuses the second of three events.
func testRecomposeUnwanted[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	for _, id := range []string{"first", "second", "third"} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, status(id)))
		end(t, db, id, "failed", "dns")
	}
	picky := hook()
	picky.When = `payload.id != "second"`
	_, err := hooks.Update(t.Context(), picky, 1)
	require.NoError(t, err)
	_, err = hooks.Recompose(t.Context(), "second")
	require.ErrorIs(t, err, webhook.ErrUnwanted)
	for _, want := range []int{1, 1, 0} {
		done, err := hooks.RecomposeMatching(t.Context(), durable.Filter{WebhookID: hookID}, 1)
		require.NoError(t, err)
		require.Equal(t, want, done)
	}
	require.Equal(t, 2, count(t, db, `state = 'pending' AND id IN ('first', 'third')`))
	require.Equal(t, 1, count(t, db, `state = 'failed' AND gen = 0 AND id = 'second'`), "it stays as it is")
	tallies, err := e.Tallies(t.Context(), hookID, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	require.NoError(t, err)
	n := 0
	for _, hour := range tallies {
		n += hour.Unwanted
	}
	require.Equal(t, 3, n, "by Recompose, and by the calls that have come to it")
}

// KillRecompose kills processes that recompose, until one comes to the end: of each event
// there is one delivery then, no less and no more.
func KillRecompose[T any](t *testing.T, place Place, db Database[T]) {
	hooks, _, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	const n = 600
	for i := range n {
		id := fmt.Sprint("id-", i)
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, status(id)))
	}
	db.Exec(t, `UPDATE @delivery SET state = 'failed', active = 0, ended = created`)
	db.Exec(t, `INSERT INTO @attempt (seq, gen, n, at, duration, status, class, error)
		SELECT seq, gen, 1, created, 0, 500, 'status', '' FROM @delivery WHERE seq % 2 = 0`)
	var jobs, sources int
	db.Row(t, `SELECT count(*) FROM #river_job`, &jobs)
	require.Equal(t, n, jobs)
	mend(t, hooks, 1)
	l := newLedger(t)
	kills := 0
	for ended := false; !ended; {
		p := start(t, l, settings{Place: place, Number: 1, Recompose: true})
		select {
		case <-p.ended:
			require.NoError(t, p.err, "%s", p.stderr.Bytes())
			ended = true
		case <-time.After(between(50*time.Millisecond, time.Duration(700+100*kills)*time.Millisecond)):
			p.kill()
			kills++
		}
	}
	t.Logf("%d kills", kills)
	require.Equal(t, n, count(t, db, `state = 'pending' AND webhook_version = 2`))
	require.Equal(t, n/2, count(t, db, `state = 'pending' AND of_id <> '' AND gen = 0`))
	require.Equal(t, n/2, count(t, db, `state = 'pending' AND of_id = '' AND gen = 1`))
	require.Equal(t, n/2, count(t, db, `state = 'failed'`))
	require.Equal(t, n+n/2, events(t, db))
	db.Row(t, `SELECT count(*) FROM #river_job WHERE priority > 1`, &jobs)
	require.Equal(t, n+n-50, jobs, "one more for each, and those of before but the first 50")
	db.Row(t, `SELECT count(DISTINCT of_id) FROM @delivery WHERE of_id <> ''`, &sources)
	require.Equal(t, n/2, sources)
}

// recomposeAll is the process that KillRecompose kills.
func recomposeAll[T any](e *durable.Engine[T]) error {
	q, err := queue.New(&webhook.Client{}, e, queue.Config{})
	if err != nil {
		return err
	}
	for {
		n, err := e.Webhooks(q).RecomposeMatching(context.Background(), durable.Filter{WebhookID: hookID}, 100)
		if n == 0 || err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, n)
	}
}
