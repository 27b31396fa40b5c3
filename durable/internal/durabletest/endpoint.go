package durabletest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// answers is a receiver that answers what it is told, and counts requests by message.
type answers struct {
	status atomic.Int64

	mu  sync.Mutex // guards got
	got map[string]int
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.got == nil {
		a.got = map[string]int{}
	}
	a.got[r.Header.Get(webhook.HeaderID)]++
	status := cmp.Or(int(a.status.Load()), http.StatusOK)
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, Request: r,
	}, nil
}

// requests returns how many requests came, and of how many messages.
func (a *answers) requests() (all, messages int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.got {
		all += n
	}
	return all, len(a.got)
}

// each returns how many requests came of each message.
func (a *answers) each() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.got)
}

// answering returns a queue that sends to a, and webhooks over it.
func answering[T any](
	t *testing.T, e *durable.Engine[T], a *answers, config queue.Config,
) (*queue.Queue, *durable.Webhooks[T]) {
	q, err := queue.New(&webhook.Client{Transport: a}, e, config)
	require.NoError(t, err)
	return q, e.Webhooks(q)
}

// jobs is how many deliveries have a job of River's.
const jobs = `SELECT count(*) FROM #river_job WHERE finalized_at IS NULL`

// testEndpointLog looks at what is kept of decisions.
func testEndpointLog[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks := e.Webhooks(nil)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	none, err := e.EndpointChanges(t.Context(), hookID, 0, 0)
	require.NoError(t, err)
	require.Equal(t, []durable.EndpointChange{}, none)

	before := time.Now().Truncate(time.Microsecond)
	ann := durable.WithActor(t.Context(), "ann \xff\x00")
	long := strings.Repeat("ä", 1000)
	require.NoError(t, hooks.Pause(ann, hookID, "they \x00 move"))
	require.NoError(t, hooks.Disable(durable.WithActor(t.Context(), "bob"), hookID, long))
	failed := time.Now().Add(-time.Hour)
	row, err := e.Endpoint(t.Context(), hookID)
	require.NoError(t, err)
	row.FailingSince = failed // which is no decision
	row, ok, err := e.SetEndpoint(ann, row)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "bob", row.Actor)
	require.NoError(t, hooks.Enable(t.Context(), hookID, ""))
	_, err = queue.SetState(t.Context(), e, "https://receiver.example:443", queue.StateDisabled, "")
	require.NoError(t, err, "a key without a webhook")

	all, err := e.EndpointChanges(t.Context(), hookID, 0, 0)
	require.NoError(t, err)
	require.Len(t, all, 3)
	for i, want := range []durable.EndpointChange{
		{From: queue.StateDisabled, To: queue.StateEnabled},
		{From: queue.StatePaused, To: queue.StateDisabled, Actor: "bob", Reason: strings.Repeat("ä", 512)},
		{From: queue.StateEnabled, To: queue.StatePaused, Actor: "ann \uFFFD\uFFFD", Reason: "they \uFFFD move"},
	} {
		require.False(t, all[i].At.Before(before))
		want.At, want.Rev = all[i].At, all[i].Rev
		require.Equal(t, want, all[i])
	}
	for i, before := 0, int64(0); i < 3; i++ {
		page, err := e.EndpointChanges(t.Context(), hookID, before, 1)
		require.NoError(t, err)
		require.Equal(t, all[i:i+1], page)
		before = page[0].Rev
	}
	for _, wrong := range [][2]int{{-1, 0}, {0, -1}} {
		_, err = e.EndpointChanges(t.Context(), hookID, int64(wrong[0]), wrong[1])
		require.EqualError(t, err, "durable: endpoint changes: bad filter: a negative number")
		require.ErrorIs(t, err, durable.ErrFilter)
	}
	const badKey = "durable: set endpoint: the key is empty, not UTF-8, has a NUL, or is longer than 2 KiB"
	for _, key := range []string{"", "\x00", "\xff", strings.Repeat("k", 2049)} {
		_, _, err = e.SetEndpoint(t.Context(), queue.Endpoint{Key: key, State: queue.StatePaused})
		require.EqualError(t, err, badKey)
		found, err := e.Endpoint(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, queue.Endpoint{Key: key, State: queue.StateEnabled}, found)
	}
	_, _, err = e.SetEndpoint(t.Context(), queue.Endpoint{Key: "k", State: queue.StateHealthy})
	require.EqualError(t, err, "durable: set endpoint: not a state that is stored")
}

// testEndpointTwo enables, in one process, a webhook that another has disabled after a
// 410: from then on, none may drop anything.
func testEndpointTwo[T any](t *testing.T, db Database[T]) {
	const n = 40
	a := &answers{}
	var told atomic.Int64
	config := queue.Config{OnState: onDisable(func(string, queue.Reason) { told.Add(1) })}
	first, firstHooks := answering(t, db.Open(t, durable.Config{}), a, config)
	second, hooks := answering(t, db.Open(t, durable.Config{}), a, config)
	runQueue(t, first)
	runQueue(t, second)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	for round := range 3 {
		a.status.Store(http.StatusGone)
		require.NoError(t, firstHooks.Dispatch(t.Context(), hookID, sent))
		eventually(t, db, round+1, `SELECT count(*) FROM @endpoint_change
			WHERE state = 'disabled' AND reason = 'gone'`)
		d, err := hooks.Get(t.Context(), hookID)
		require.NoError(t, err)
		require.Equal(t, queue.StateDisabled, d.State)
		require.Equal(t, string(queue.ReasonGone), d.Reason)
		require.Empty(t, d.Actor)
		require.ErrorIs(t, firstHooks.Dispatch(t.Context(), hookID, sent), queue.ErrDisabled)

		a.status.Store(http.StatusOK)
		require.NoError(t, hooks.Enable(t.Context(), hookID, ""))
		for range n {
			require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
			require.NoError(t, firstHooks.Dispatch(t.Context(), hookID, sent))
		}
		eventually(t, db, 2*n*(round+1), `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
		require.Equal(t, 0, count(t, db, `state = 'dropped'`))
	}
	eventually(t, db, 0, `SELECT count(*) FROM @endpoint WHERE tell <> 0`)
	require.EqualValues(t, 3, told.Load())
}

// testEndpointGone has one process with nothing wired, in which a webhook is disabled
// after a 410: enabling it is enough.
func testEndpointGone[T any](t *testing.T, db Database[T]) {
	a := &answers{}
	q, hooks := answering(t, db.Open(t, durable.Config{}), a, queue.Config{})
	runQueue(t, q)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	a.status.Store(http.StatusGone)
	require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
	eventually(t, db, 1, `SELECT count(*) FROM @endpoint WHERE state = 'disabled'`)
	d, err := hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, queue.StateDisabled, d.State)
	changed := d.Webhook
	changed.Name = "from a form that was opened before"
	d, err = hooks.Update(t.Context(), changed, 1)
	require.NoError(t, err, "no conflict")
	require.Equal(t, queue.StateDisabled, d.State)
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, sent), queue.ErrDisabled)
	a.status.Store(http.StatusOK)
	require.NoError(t, hooks.Disable(t.Context(), hookID, ""))
	require.NoError(t, hooks.Enable(t.Context(), hookID, ""))
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "after", sent))
	finally(t, db.Open(t, durable.Config{}), "after", durable.StateDelivered)
}

// testFailingKept has an endpoint that has failed for long when a process starts.
func testFailingKept[T any](t *testing.T, db Database[T]) {
	a := &answers{}
	a.status.Store(http.StatusServiceUnavailable)
	told := make(chan string, 1)
	start := func() (*durable.Webhooks[T], context.CancelFunc) {
		q, hooks := answering(t, db.Open(t, durable.Config{}), a, queue.Config{
			DisableAfter: time.Hour, OnState: onDisable(func(key string, r queue.Reason) { told <- key + " " + string(r) }),
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		return hooks, sync.OnceFunc(func() {
			cancel()
			require.NoError(t, <-ended)
		})
	}
	hooks, stop := start()
	t.Cleanup(stop)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	require.NoError(t, hooks.Dispatch(t.Context(), hookID, sent))
	eventually(t, db, 1, `SELECT count(*) FROM @endpoint
		WHERE state = 'enabled' AND failing_since > 0 AND since = 0`)
	stop()
	d, err := hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, queue.StateEnabled, d.State)
	require.WithinDuration(t, time.Now(), d.FailingSince, 30*time.Second)
	db.Exec(t, `UPDATE @endpoint SET failing_since = `+durableMicros(-61*time.Minute)+`,
		last_failure = `+durableMicros(-20*time.Minute))

	hooks, stop = start() // in which the retry fails
	t.Cleanup(stop)
	require.Equal(t, hookID+" failing", <-told)
	d, err = hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, queue.StateDisabled, d.State)
}

// testPause holds what there is of all kinds, and more than one batch of it.
func testPause[T any](t *testing.T, db Database[T]) {
	const before, after = 150, 1000
	a := &answers{}
	e := db.Open(t, durable.Config{MaxTimeout: 2 * time.Second})
	q, hooks := answering(t, e, a, queue.Config{Limit: 50})
	other := db.Open(t, durable.Config{MaxTimeout: 2 * time.Second})
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	tasks := func(name string, n int) []queue.Task {
		all := Tasks(name, n)
		for i := range all {
			all[i].Key, all[i].Message.WebhookID, all[i].Message.Policy.Timeout = hookID, hookID, time.Second
		}
		return all
	}
	require.NoError(t, e.Enqueue(t.Context(), tasks("before", before)...))
	later := tasks("later", 1)
	later[0].NotBefore = time.Now().Add(time.Hour)
	require.NoError(t, e.Enqueue(t.Context(), later...))
	require.NoError(t, other.Webhooks(nil).Pause(t.Context(), hookID, ""))
	runQueue(t, q)
	elsewhere := Task("elsewhere").Message
	elsewhere.Policy.Timeout = time.Second
	require.NoError(t, q.Send(t.Context(), elsewhere))
	finally(t, e, "elsewhere", durable.StateDelivered)
	eventually(t, db, before, `SELECT count(*) FROM @delivery WHERE parked = 1`)
	for i := range after / 250 {
		require.NoError(t, e.Enqueue(t.Context(), tasks(fmt.Sprint("after", i), 250)...))
	}
	// None of these is due, and none is to be revived by a process that starts.
	db.Exec(t, `UPDATE @delivery SET due = 1 WHERE id <> 'later-0' AND state = 'pending'`)
	third, _ := answering(t, db.Open(t, durable.Config{MaxTimeout: 2 * time.Second}), a, queue.Config{Limit: 50})
	runQueue(t, third)
	<-time.After(2 * time.Second)
	eventually(t, db, 1, jobs) // later's, which is a timer
	all, _ := a.requests()
	require.Equal(t, 1, all, "only elsewhere")
	stats, err := third.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, queue.Stats{
		Pending: before + after + 1, Held: before + after + 1,
		Busiest: []queue.EndpointStats{{Key: hookID, Pending: before + after + 1, State: queue.StatePaused}},
	}, stats)

	var last int
	db.Row(t, `SELECT max(id) FROM #river_job`, &last)
	begun := time.Now()
	require.NoError(t, other.Webhooks(nil).Enable(t.Context(), hookID, ""))
	require.Eventually(t, func() bool {
		return count(t, db, `state = 'delivered'`) == before+after+1
	}, 2*time.Minute, 50*time.Millisecond) // long for the race detector on a busy machine
	t.Logf("%d were delivered in %v", before+after, time.Since(begun))
	all, messages := a.requests()
	require.Equal(t, before+after+1, messages)
	require.Equal(t, messages, all, "each once")
	var younger int
	db.Row(t, fmt.Sprintf(`SELECT count(*) FROM (SELECT CAST(args->>'seq' AS bigint) -
			lag(CAST(args->>'seq' AS bigint)) OVER (ORDER BY id) AS step
		FROM #river_job WHERE priority = 4 AND id > %d) AS steps WHERE step < 0`, last), &younger)
	require.Zero(t, younger, "the oldest first")
	eventually(t, db, 1, jobs)
	require.Equal(t, 0, count(t, db, `parked = 1`))
}

// testPauseEnds ends what is held, in other ways than by Enable.
func testPauseEnds[T any](t *testing.T, db Database[T]) {
	a := &answers{}
	e := db.Open(t, durable.Config{})
	q, hooks := answering(t, e, a, queue.Config{})
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	runQueue(t, q)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "sent", sent))
	finally(t, e, "sent", durable.StateDelivered)
	require.NoError(t, hooks.Pause(t.Context(), hookID, ""))
	for _, id := range []string{"canceled", "dropped", "dropped-too"} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, sent))
	}
	ok, err := e.Cancel(t.Context(), "canceled")
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, e.Resend(t.Context(), "sent"), "it is held as well")
	eventually(t, db, 3, `SELECT count(*) FROM @delivery WHERE parked = 1 AND state = 'pending'`)
	eventually(t, db, 0, jobs)

	// Somebody dies after he has stored that it is disabled, and before anything is done.
	db.Exec(t, `UPDATE @endpoint SET state = 'disabled', rev = rev + 1`)
	for _, id := range []string{"sent", "dropped", "dropped-too"} {
		require.Equal(t, queue.ReasonDisabled, finally(t, e, id, durable.StateDropped).Reason)
	}
	require.NoError(t, hooks.Enable(t.Context(), hookID, ""))
	require.NoError(t, e.Resend(t.Context(), "canceled"))
	n, err := e.ResendMatching(t.Context(), durable.Filter{WebhookID: hookID}, 0)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	for _, id := range []string{"sent", "dropped", "dropped-too", "canceled"} {
		finally(t, e, id, durable.StateDelivered)
	}
	all, _ := a.requests()
	require.Equal(t, 5, all)
}

// testPauseRetryNow has a delivery that is held be due now, and then enabled: it has one
// job, not two.
func testPauseRetryNow[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	task := Task("later")
	task.NotBefore = time.Now().Add(time.Hour)
	_, err := queue.SetState(t.Context(), e, task.Key, queue.StatePaused, "")
	require.NoError(t, err)
	require.NoError(t, e.Enqueue(t.Context(), task))
	require.Equal(t, 1, count(t, db, `parked = 1`))
	eventually(t, db, 0, jobs)
	require.NoError(t, e.RetryNow(t.Context(), task.ID))
	eventually(t, db, 1, jobs)
	_, err = queue.SetState(t.Context(), e, task.Key, queue.StateEnabled, "")
	require.NoError(t, err)
	Run(t, e, record(nil).handle)
	finally(t, e, task.ID, durable.StateDelivered)
	eventually(t, db, 1, `SELECT count(*) FROM #river_job`)
}

// testPauseOrdered holds an ordering, whose first two end meanwhile.
func testPauseOrdered[T any](t *testing.T, db Database[T]) {
	e, other := db.Open(t, durable.Config{}), db.Open(t, durable.Config{})
	r := record(nil)
	Run(t, e, r.handle)
	Run(t, other, r.handle)
	ids := []string{"0", "1", "2", "3", "4"}
	tasks := ordered(ids...)
	for i := range tasks {
		tasks[i].Message.Rank = min(i, 2)
	}
	key := tasks[0].Key
	_, err := queue.SetState(t.Context(), e, key, queue.StatePaused, "")
	require.NoError(t, err)
	require.NoError(t, e.Enqueue(t.Context(), tasks[:4]...))
	ok, err := e.Cancel(t.Context(), "0")
	require.NoError(t, err)
	require.True(t, ok)
	dropped, err := other.Supersede(t.Context(), "o", 2)
	require.NoError(t, err)
	require.Len(t, dropped, 1)
	require.NoError(t, e.Enqueue(t.Context(), tasks[4]))
	<-time.After(time.Second)
	eventually(t, db, 0, jobs)
	require.Empty(t, r.ids())
	for range 3 { // paused again, before all of it is done
		_, err = queue.SetState(t.Context(), other, key, queue.StateEnabled, "")
		require.NoError(t, err)
		_, err = queue.SetState(t.Context(), other, key, queue.StatePaused, "")
		require.NoError(t, err)
	}
	_, err = queue.SetState(t.Context(), other, key, queue.StateEnabled, "")
	require.NoError(t, err)
	r.await(t, 3)
	eventually(t, db, 0, `SELECT count(*) FROM @delivery WHERE state = 'pending'`)
	var got []string
	for _, d := range r.all() {
		got = append(got, d.ID)
	}
	require.Equal(t, ids[2:], got)
}

// testPauseAtOnce has senders, while somebody pauses and enables: in the end, each
// message was sent once.
func testPauseAtOnce[T any](t *testing.T, db Database[T]) {
	const senders, each = 4, 60
	a := &answers{}
	var queues []*queue.Queue
	for range 2 {
		q, _ := answering(t, db.Open(t, durable.Config{}), a, queue.Config{Limit: 50})
		runQueue(t, q)
		queues = append(queues, q)
	}
	var all sync.WaitGroup
	for sender := range senders {
		all.Go(func() {
			for n := range each {
				m := Task(fmt.Sprint(sender, "-", n)).Message
				if err := queues[n%2].Send(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	key := queue.Key(Task("").Message)
	for on, n := true, 0; on; n++ {
		require.NoError(t, queues[n%2].Pause(t.Context(), key, ""))
		<-time.After(5 * time.Millisecond)
		require.NoError(t, queues[1-n%2].Enable(t.Context(), key, ""))
		select {
		case <-ended:
			on = false
		case <-time.After(5 * time.Millisecond):
		}
	}
	eventually(t, db, senders*each, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	requests, messages := a.requests()
	require.Equal(t, senders*each, messages)
	require.Equal(t, messages, requests)
}

// testTold has decisions that nobody was told of: the process died that made one, and one
// was made without a queue.
func testTold[T any](t *testing.T, db Database[T]) {
	var mu sync.Mutex
	told := make(map[string]int)
	sum := func() (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, times := range told {
			n += times
		}
		return n
	}
	e := db.Open(t, durable.Config{})
	for range 3 {
		q, _ := answering(t, db.Open(t, durable.Config{}), &answers{}, queue.Config{
			OnState: func(_ context.Context, c queue.StateChange) {
				mu.Lock()
				defer mu.Unlock()
				told[fmt.Sprintf("%s %s>%s %s %s", c.Key, c.From, c.To, c.Reason, c.Actor)]++
			},
		})
		runQueue(t, q)
	}
	db.Exec(t, `INSERT INTO @endpoint (key, state, reason, actor, since, failing_since, last_failure, tell, rev)
		VALUES ('k', 'disabled', 'failing', '', `+durableMicros(0)+`, 1, 1, `+durableMicros(2*time.Second)+`, 1)`)
	<-time.After(time.Second)
	require.Zero(t, sum(), "the one that has claimed it may live")
	eventually(t, db, 1, `SELECT count(*) FROM @endpoint WHERE tell = 0`)

	ctx := durable.WithActor(t.Context(), "ana")
	_, err := queue.SetState(ctx, e, "p", queue.StatePaused, "why")
	require.NoError(t, err)
	eventually(t, db, 2, `SELECT count(*) FROM @endpoint WHERE tell = 0`)
	<-time.After(time.Second) // until all have heard what it was
	_, err = queue.SetState(ctx, e, "p", queue.StateEnabled, "")
	require.NoError(t, err)
	eventually(t, db, 2, `SELECT count(*) FROM @endpoint WHERE tell = 0`)
	<-time.After(2 * time.Second)
	require.Equal(t, map[string]int{
		"k healthy>disabled failing ": 1, "p healthy>paused why ana": 1, "p paused>healthy  ana": 1,
	}, told, "by one of three")
}

// onDisable is an OnState that is told only of what the queue itself disables.
func onDisable(told func(key string, reason queue.Reason)) func(context.Context, queue.StateChange) {
	return func(_ context.Context, c queue.StateChange) {
		if c.Reason == string(queue.ReasonGone) || c.Reason == string(queue.ReasonFailing) {
			told(c.Key, queue.Reason(c.Reason))
		}
	}
}
