package memory_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/enginetest"
	"github.com/ringhook/webhook/queue/memory"
)

// taskOf is a task whose message has a body of five bytes and nothing else that counts.
func taskOf(id, key string) queue.Task {
	return queue.Task{ID: id, Key: key, Message: &webhook.Message{ID: id, Body: []byte("12345")}}
}

// orderedTask is taskOf with an Order and a Rank.
func orderedTask(id, key, order string, rank int) queue.Task {
	task := taskOf(id, key)
	task.Order, task.Message.Rank = order, rank
	return task
}

// tasksOf is one task for each id. The key of an id is its first letter.
func tasksOf(ids ...string) (tasks []queue.Task) {
	for _, id := range ids {
		tasks = append(tasks, taskOf(id, id[:1]))
	}
	return tasks
}

// handout writes a delivery as "id/N", and how long after since it was handed out.
func handout(d queue.Delivery, since time.Time) string {
	return d.ID + "/" + strconv.Itoa(d.N) + " " + time.Since(since).String()
}

// A script is a handler that records what it is given and answers as it is told.
type script struct {
	verdict func(d queue.Delivery) queue.Verdict // if nil, Done
	begun   time.Time

	mu       sync.Mutex
	ids      []string
	handouts []string
}

func (s *script) handle(_ context.Context, d queue.Delivery) queue.Verdict {
	s.mu.Lock()
	s.ids = append(s.ids, d.ID)
	s.handouts = append(s.handouts, handout(d, s.begun))
	s.mu.Unlock()
	if s.verdict == nil {
		return queue.Verdict{Kind: queue.KindDone}
	}
	return s.verdict(d)
}

// taken returns the ids handed out since it was called last.
func (s *script) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.ids
	s.ids = nil
	return ids
}

// log returns all handouts.
func (s *script) log() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.handouts)
}

func newEngine(tb testing.TB, cfg memory.Config) *memory.Engine {
	tb.Helper()
	m, err := memory.New(cfg)
	require.NoError(tb, err)
	return m
}

// runEngine runs an engine until stop is called, or the test ends.
func runEngine(tb testing.TB, m *memory.Engine, h queue.Handler) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(tb, <-ended)
	})
	tb.Cleanup(stop)
	return stop
}

// runScript is runEngine with a script, in a bubble.
func runScript(tb testing.TB, m *memory.Engine, s *script) (stop func()) {
	tb.Helper()
	s.begun = time.Now()
	return runEngine(tb, m, queue.Handler{Handle: s.handle})
}

func pendingIDs(m *memory.Engine) (ids []string) {
	for _, d := range m.Pending() {
		ids = append(ids, d.ID)
	}
	return ids
}

// requireEmpty says that nothing is left of what was kept.
func requireEmpty(tb testing.TB, m *memory.Engine) {
	tb.Helper()
	entries, endpoints, groups, waiting, bytes := memory.Kept(m)
	require.Zero(tb, entries, "entries")
	require.Zero(tb, endpoints, "endpoints")
	require.Zero(tb, groups, "groups")
	require.Zero(tb, waiting, "waiting")
	require.Zero(tb, bytes, "bytes")
}

func TestEngine(t *testing.T) {
	t.Parallel()
	enginetest.TestEngine(t, func(t testing.TB, previous queue.Engine) queue.Engine {
		m := newEngine(t, memory.Config{})
		if previous != nil {
			require.NoError(t, m.Resume(context.Background(), previous.(*memory.Engine).Pending()...))
		}
		return m
	})
}

func TestEngine_EnqueueErrors(t *testing.T) {
	t.Parallel()
	good := taskOf("m_good", "k")
	tests := []struct {
		name string
		task queue.Task
		want string
	}{
		{"no message", queue.Task{ID: "m_1", Key: "k"}, "queue: task 1: no Message"},
		{"no id", queue.Task{Key: "k", Message: &webhook.Message{}}, "queue: task 1: no ID"},
		{"no key", taskOf("m_1", ""), "queue: task 1: no Key"},
		{
			"another id",
			queue.Task{ID: "m_1", Key: "k", Message: &webhook.Message{ID: "m_2"}},
			"queue: task 1: the ID is not that of the Message",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newEngine(t, memory.Config{})
			require.EqualError(t, m.Enqueue(t.Context(), good, tt.task), tt.want)
			both := []queue.Delivery{{Task: good}, {Task: tt.task}}
			require.EqualError(t, m.Resume(t.Context(), both...), tt.want)
			requireEmpty(t, m)
		})
	}
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, newEngine(t, memory.Config{}).Enqueue(t.Context()))
	})
}

func TestNew_Errors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cfg  memory.Config
		want string
	}{
		{"pending", memory.Config{MaxPending: -1}, "queue: memory: MaxPending is negative"},
		{"bytes", memory.Config{MaxBytes: -1}, "queue: memory: MaxBytes is negative"},
		{"workers", memory.Config{Workers: -1}, "queue: memory: Workers is negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := memory.New(tt.cfg)
			require.EqualError(t, err, tt.want)
			require.Nil(t, m)
		})
	}
}

func TestEngine_ContextEnded(t *testing.T) {
	t.Parallel()
	cause := errors.New("closing time")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	m := newEngine(t, memory.Config{})
	require.NoError(t, m.Enqueue(t.Context(), orderedTask("m_1", "k", "o", 1)))

	require.ErrorIs(t, m.Enqueue(ctx, taskOf("m_2", "k")), cause)
	require.ErrorIs(t, m.Resume(ctx, queue.Delivery{Task: taskOf("m_2", "k")}), cause)
	_, err := m.Cancel(ctx, "m_1")
	require.ErrorIs(t, err, cause)
	_, err = m.Supersede(ctx, "o", 2)
	require.ErrorIs(t, err, cause)
	_, err = m.Stats(ctx, 1)
	require.ErrorIs(t, err, cause)
	require.Equal(t, []string{"m_1"}, pendingIDs(m))

	s := &script{}
	require.NoError(t, m.Run(ctx, queue.Handler{Handle: s.handle}))
	require.Empty(t, s.taken(), "nothing is handed out when ctx has ended")
}

func TestEngine_RunOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newEngine(t, memory.Config{})
		s := &script{}
		require.EqualError(t, m.Run(t.Context(), queue.Handler{}), "queue: the Handler has no Handle")
		stop := runScript(t, m, s)
		synctest.Wait()
		require.ErrorIs(t, m.Run(t.Context(), queue.Handler{Handle: s.handle}), queue.ErrRunning)
		require.NoError(t, m.Enqueue(t.Context(), taskOf("m_1", "k")))
		synctest.Wait()
		require.Equal(t, []string{"m_1"}, s.taken(), "the first Run goes on")
		stop()
		require.ErrorIs(t, m.Run(t.Context(), queue.Handler{Handle: s.handle}), queue.ErrRunning)
		require.ErrorIs(t, m.Enqueue(t.Context(), taskOf("m_2", "k")), queue.ErrStopped)
		require.ErrorIs(t, m.Resume(t.Context(), queue.Delivery{Task: taskOf("m_2", "k")}), queue.ErrStopped)
		requireEmpty(t, m)
	})
}

func TestEngine_SameID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newEngine(t, memory.Config{MaxPending: 2})
		var inside error
		s := &script{}
		s.verdict = func(d queue.Delivery) queue.Verdict {
			inside = errors.Join(inside, m.Enqueue(context.Background(), d.Task))
			return queue.Verdict{Kind: queue.KindDone}
		}
		require.NoError(t, m.Enqueue(t.Context(),
			taskOf("m_1", "a"), taskOf("m_1", "b"), taskOf("m_2", "a"), taskOf("m_2", "a")))
		require.NoError(t, m.Enqueue(t.Context(), taskOf("m_2", "c")), "there is no room, but none is needed")
		require.Len(t, m.Pending(), 2)
		require.Equal(t, "a", m.Pending()[0].Key, "the first one counts")
		runScript(t, m, s)
		synctest.Wait()
		require.NoError(t, inside)
		require.ElementsMatch(t, []string{"m_1", "m_2"}, s.taken())
		require.NoError(t, m.Enqueue(t.Context(), taskOf("m_1", "a")), "an ended one is not kept any more")
		synctest.Wait()
		require.Equal(t, []string{"m_1"}, s.taken())
		requireEmpty(t, m)
	})
}

// An engine that New did not make returns errors, as that of a New whose error was ignored.
func TestEngine_NotMade(t *testing.T) {
	t.Parallel()
	var none *memory.Engine
	for _, e := range []*memory.Engine{none, {}} {
		const want = "queue: memory: the engine was not made by New"
		require.EqualError(t, e.Enqueue(t.Context()), want)
		require.EqualError(t, e.Resume(t.Context()), want)
		require.EqualError(t, e.Run(t.Context(), queue.Handler{}), want)
		_, err := e.Cancel(t.Context(), "id")
		require.EqualError(t, err, want)
	}
}
