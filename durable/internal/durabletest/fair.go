package durabletest

import (
	"context"
	"fmt"
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

// slowly is a receiver that takes its time, or at some hosts forever.
type slowly struct {
	takes time.Duration

	hanging atomic.Int32 // requests

	mu  sync.Mutex // guards got
	got map[string]time.Time
}

func (s *slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Host, "hangs") {
		s.hanging.Add(1)
		defer s.hanging.Add(-1)
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	<-time.After(s.takes)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got == nil {
		s.got = map[string]time.Time{}
	}
	s.got[r.Header.Get(webhook.HeaderID)] = time.Now()
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody, Request: r,
	}, nil
}

// has returns how many messages with a prefix have come.
func (s *slowly) has(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.got {
		if strings.HasPrefix(id, prefix) {
			n++
		}
	}
	return n
}

// to makes tasks for the webhooks of some hosts in turn, of a type of event.
func to(prefix, event string, n int, hosts ...string) []queue.Task {
	tasks := Tasks(prefix, n)
	for i := range tasks {
		host := hosts[i%len(hosts)]
		m := tasks[i].Message
		tasks[i].Key, m.WebhookID, m.Event = host, host, event
		m.URL, m.Policy.Timeout = "https://"+host+".example/", 2*time.Second
	}
	return tasks
}

// patience is for machines that are busy with other tests: what is compared is what came
// before what.
const patience = 4 * time.Minute

func hosts(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%d", prefix, i))
	}
	return all
}

// testBurst has thousands of messages to one webhook that do not stand before those to
// others, also after a restart.
func testBurst[T any](t *testing.T, db Database[T]) {
	const many, few = 6000, 50
	s := &slowly{takes: 20 * time.Millisecond}
	e := db.Open(t, durable.Config{Workers: 50})
	q, err := queue.New(&webhook.Client{Transport: s}, e, queue.Config{})
	require.NoError(t, err)
	for i := range many / 500 {
		require.NoError(t, e.Enqueue(t.Context(), to(fmt.Sprintf("burst-%d", i), "status", 500, "one")...))
	}
	var priorities string
	db.Row(t, `SELECT count(CASE priority WHEN 1 THEN 1 END) || ' ' || count(CASE priority WHEN 2 THEN 1 END) || ' ' ||
		count(CASE priority WHEN 3 THEN 1 END) || ' ' || count(CASE priority WHEN 4 THEN 1 END)
		FROM #river_job`, &priorities)
	require.Equal(t, "50 450 4500 1000", priorities)
	runQueue(t, q)
	require.NoError(t, e.Enqueue(t.Context(), to("few", "status", few, hosts("other", few)...)...))
	begun := time.Now()
	require.Eventually(t, func() bool { return s.has("few") == few }, patience, time.Millisecond)
	burst := s.has("burst")
	t.Logf("the others were delivered in %v, before %d of %d", time.Since(begun), many-burst, many)
	require.Less(t, burst, many/2)
}

// testTypes has a conversation that does not wait for a campaign at the same webhook.
func testTypes[T any](t *testing.T, db Database[T]) {
	const many = 6000
	s := &slowly{takes: 20 * time.Millisecond}
	e := db.Open(t, durable.Config{Workers: 50})
	q, err := queue.New(&webhook.Client{Transport: s}, e, queue.Config{})
	require.NoError(t, err)
	for i := range many / 500 {
		require.NoError(t, e.Enqueue(t.Context(), to(fmt.Sprintf("campaign-%d", i), "status", 500, "one")...))
	}
	runQueue(t, q)
	require.Eventually(t, func() bool { return s.has("campaign") > 100 }, patience, time.Millisecond)
	begun := time.Now()
	require.NoError(t, e.Enqueue(t.Context(), to("talk", "conversation", 10, "one")...))
	require.Eventually(t, func() bool { return s.has("talk") == 10 }, patience, time.Millisecond)
	campaign := s.has("campaign")
	t.Logf("the conversation took %v, with %d of %d of the campaign left", time.Since(begun), many-campaign, many)
	require.Less(t, campaign, many/2)
}

// testHang has webhooks that hang together, which leave workers for the others once it is
// known of them.
func testHang[T any](t *testing.T, db Database[T]) {
	const long = 8 * time.Minute
	s := &slowly{takes: time.Millisecond}
	e := db.Open(t, durable.Config{Workers: 60, MaxTimeout: long})
	q, err := queue.New(&webhook.Client{Transport: s}, e, queue.Config{Failures: -1})
	require.NoError(t, err)
	runQueue(t, q)
	hanging := func(name string, timeout time.Duration) []queue.Task {
		tasks := to(name, "status", 400, hosts("hangs", 40)...)
		for i := range tasks {
			tasks[i].Message.Policy.Timeout = timeout
			tasks[i].Message.Policy.Attempts = 1
		}
		return tasks
	}
	require.NoError(t, e.Enqueue(t.Context(), hanging("short", 2*time.Second)[:120]...))
	eventually(t, db, 120, `SELECT count(*) FROM @delivery WHERE state = 'failed'`)
	require.NoError(t, e.Enqueue(t.Context(), hanging("hanging", long)...))
	require.Eventually(t, func() bool { return s.hanging.Load() >= 30 }, patience, time.Millisecond, "half of the workers")
	for round := range 5 {
		begun := time.Now()
		name := fmt.Sprintf("round-%d", round)
		require.NoError(t, e.Enqueue(t.Context(), to(name, "status", 40, hosts("other", 40)...)...))
		require.Eventually(t, func() bool { return s.has(name) == 40 }, patience, time.Millisecond)
		t.Logf("40 were delivered in %v", time.Since(begun))
		require.Less(t, time.Since(begun), long/2, "less than one that hangs takes")
	}
}

// testTenantHangs has a tenant with many webhooks that hang, from the first moment on. It
// leaves workers for those of another, which nothing is known of either.
func testTenantHangs[T any](t *testing.T, db Database[T]) {
	const long = 8 * time.Minute
	s := &slowly{takes: time.Millisecond}
	e := db.Open(t, durable.Config{Workers: 40, MaxTimeout: long})
	q, err := queue.New(&webhook.Client{Transport: s}, e, queue.Config{Failures: -1})
	require.NoError(t, err)
	tasks := to("hanging", "status", 160, hosts("hangs", 40)...)
	for i := range tasks {
		tasks[i].Message.Policy.Timeout = long
	}
	require.NoError(t, e.Enqueue(t.Context(), tasks...))
	require.NoError(t, e.Enqueue(t.Context(), to("healthy", "status", 40, hosts("other", 20)...)...))
	db.Exec(t, `UPDATE @delivery SET tenant = CASE WHEN key LIKE 'hangs%' THEN 'one' ELSE 'another' END`)
	runQueue(t, q)
	require.Eventually(t, func() bool { return s.has("healthy") == 40 }, patience, time.Millisecond)
	require.LessOrEqual(t, s.hanging.Load(), int32(15), "three eighths")
	require.Positive(t, s.hanging.Load())
}

func nothing(context.Context, queue.Delivery) queue.Verdict {
	return queue.Verdict{Kind: queue.KindDone}
}

// testProcesses has processes that know how many they are.
func testProcesses[T any](t *testing.T, db Database[T]) {
	var all []*durable.Engine[T]
	var stops []func()
	know := func(want int) {
		t.Helper()
		require.Eventually(t, func() bool {
			for _, e := range all {
				if e.Processes() != want {
					return false
				}
			}
			return true
		}, 30*time.Second, 10*time.Millisecond)
	}
	for n := range 3 {
		e := db.Open(t, durable.Config{})
		all = append(all, e)
		stops = append(stops, Run(t, e, nothing))
		know(n + 1)
	}
	stops[0]()
	all = all[1:]
	know(2)
	// One that has died without a word.
	db.Exec(t, `INSERT INTO @process (id, seen) SELECT 'x', max(seen) FROM @process`)
	know(3)
	know(2)
}
