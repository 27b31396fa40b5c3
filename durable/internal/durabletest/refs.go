package durabletest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// referred is a task with refs and a subject.
func referred(id, subject string, refs ...string) queue.Task {
	task := Task(id)
	task.Message.Subject, task.Message.Refs = subject, refs
	return task
}

// found returns the IDs on the first page of a filter.
func found[T any](t testing.TB, e *durable.Engine[T], f durable.Filter) []string {
	page, err := e.List(t.Context(), f)
	require.NoError(t, err)
	ids := []string{}
	for _, d := range page.Deliveries {
		ids = append(ids, d.ID)
	}
	return ids
}

func testRefs[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{Keep: durable.Retention{Delivered: 1}})
	long := strings.Repeat("s", 3000)
	tasks := []queue.Task{
		referred("a", "one", "Call-1", "+91 90199 12345"),
		referred("b", long, "call-1 ", "9019912345"),
		referred("c", "\xff\x00", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),
		referred("d", "", "", "\x00"),
	}
	require.NoError(t, e.Enqueue(t.Context(), tasks[0], tasks[3]))
	require.NoError(t, e.Enqueue(t.Context(), tasks[1]))
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error { return e.EnqueueTx(t.Context(), tx, tasks[2]) }))
	for ref, want := range map[string][]string{
		"call-1": {"b", "a"}, " CALL-1": {"b", "a"}, "call": {}, "1": {"c"}, "8": {"c"}, "10": {},
		"9019912345": {"b", "a"}, "+919019912345": {"b", "a"}, "09019912345": {"b", "a"}, "019912345": {}, "%": {},
	} {
		require.Equal(t, want, found(t, e, durable.Filter{Ref: ref}), "ref %q", ref)
	}
	for subject, want := range map[string][]string{
		"one": {"a"}, "ONE": {}, long: {"b"}, long + "s": {}, "\xff\x00": {"c"}, "\xfe\x00": {},
	} {
		require.Equal(t, want, found(t, e, durable.Filter{Subject: subject}), "subject %.10q", subject)
	}

	// The same message once more adds nothing, nor does one that is not kept.
	require.NoError(t, e.Enqueue(t.Context(), referred("a", "one", "other", "+91 90199 12345")))
	other := referred("a", "one", "third")
	other.Message.Body = []byte("other")
	require.ErrorIs(t, e.Enqueue(t.Context(), other), queue.ErrTaken)
	require.Empty(t, found(t, e, durable.Filter{Ref: "other"}))
	require.Empty(t, found(t, e, durable.Filter{Ref: "third"}))

	// They come with the message, and not in what is stored of it.
	want := map[string][]string{
		"a": {"call-1", "919019912345", "9019912345"}, "b": {"call-1", "9019912345"},
		"c": {"1", "2", "3", "4", "5", "6", "7", "8"}, "d": nil,
	}
	for id, refs := range want {
		m, err := e.Message(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, refs, m.Refs, id)
	}
	var versions int
	db.Row(t, `SELECT count(DISTINCT substr(message, 1, 1)) FROM @delivery`, &versions)
	require.Equal(t, 1, versions, "with refs it is stored as without, and older processes can read it")
	r := record(nil)
	Run(t, e, r.handle)
	r.await(t, 4)
	for _, d := range r.all() {
		require.Equal(t, want[d.ID], d.Message.Refs, d.ID)
	}
}

// testRefsForgotten removes the refs of what was kept for long enough, and of a failure that
// is replaced.
func testRefsForgotten[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	require.NoError(t, e.Enqueue(t.Context(), referred("a", "", "1", "2"), referred("b", "", "1")))
	db.Exec(t, `UPDATE @delivery SET state = 'delivered', ended = 1 WHERE id = 'a'`)
	stop := Run(t, e, record(func(queue.Delivery) queue.Verdict {
		return queue.Verdict{Kind: queue.KindDefer, After: 1 << 40}
	}).handle)
	eventually(t, db, 1, `SELECT count(*) FROM @delivery`)
	eventually(t, db, 1, `SELECT count(*) FROM @ref`)
	require.Equal(t, []string{"b"}, found(t, e, durable.Filter{Ref: "1"}))
	stop()
}

// testRefsOfFailure finds an event that could not be composed, until it can be.
func testRefsOfFailure[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	hook, err := hooks.Create(t.Context(), webhook.Webhook{ID: hookID, URL: "https://receiver.example/{{kind}}"})
	require.NoError(t, err)
	event := refEvent{Kind: "..", Call: "Call-7"}
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "m-1", event), durable.ErrNotComposed)
	require.Equal(t, []string{"m-1"}, found(t, e, durable.Filter{Ref: "call-7", State: durable.StateFailed}))
	require.Equal(t, []string{"m-1"}, found(t, e, durable.Filter{Subject: "subject of Call-7"}))
	hook.URL = "https://receiver.example/"
	_, err = hooks.Update(t.Context(), hook.Webhook, hook.Version)
	require.NoError(t, err)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "m-1", event))
	require.Equal(t, []string{"m-1"}, found(t, e, durable.Filter{Ref: "call-7", State: durable.StatePending}))
	var n int
	db.Row(t, `SELECT count(*) FROM @ref`, &n)
	require.Equal(t, 1, n)
}

// A refEvent has all methods that an event may have.
type refEvent struct {
	Kind string `json:"kind"`
	Call string `json:"call"`
}

func (refEvent) EventType() string { return "test:ref" }

func (e refEvent) Refs() []string { return []string{e.Call} }

func (e refEvent) Subject() (string, int) { return "subject of " + e.Call, 1 }
