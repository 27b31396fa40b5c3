package queue_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

func TestNew_Errors(t *testing.T) {
	t.Parallel()
	client, engine := &webhook.Client{}, &byHand{}
	tests := []struct {
		name   string
		client *webhook.Client
		engine queue.Engine
		cfg    queue.Config
		want   string
	}{
		{"no client", nil, engine, queue.Config{}, "queue: no client"},
		{"no engine", client, nil, queue.Config{}, "queue: no engine"},
		{"burst", client, engine, queue.Config{Burst: -1}, "queue: Burst is negative"},
		{"rate", client, engine, queue.Config{Rate: math.NaN()}, "queue: Rate is not a number"},
		{
			"order of an engine that has none", client, engine,
			queue.Config{Ordered: true},
			"queue: Ordered: a *queue_test.byHand is not an Orderer",
		},
		{"supersede", client, engine, queue.Config{Supersede: true}, "queue: Supersede without Ordered"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q, err := queue.New(tt.client, tt.engine, tt.cfg)
			require.EqualError(t, err, tt.want)
			require.Nil(t, q)
		})
	}
}

func TestQueue_SendRefuses(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancelCause(t.Context())
	end(errDown)
	invalid := message("m_1", "wh_1")
	invalid.URL = "ftp://secret.example/?phone=15550100"
	large := message("m_1", "wh_1")
	large.Body = make([]byte, 1000)
	tests := []struct {
		name   string
		ctx    context.Context
		m      *webhook.Message
		is     error
		want   string
		refuse error
	}{
		{"no message", t.Context(), nil, nil, "webhook: invalid message: no message", nil},
		{
			"invalid", t.Context(), invalid, nil,
			"webhook: invalid message: URL must start with http:// or https://", nil,
		},
		{
			"too large", t.Context(), large, queue.ErrTooLarge,
			"queue: message too large: 1059 bytes, at most 900", nil,
		},
		{"disabled", t.Context(), message("m_1", "wh_off"), queue.ErrDisabled, "queue: endpoint disabled", nil},
		{"context", ended, message("m_1", "wh_1"), errDown, "queue: store down", nil},
		{"engine", t.Context(), message("m_1", "wh_1"), queue.ErrFull, "queue: full", queue.ErrFull},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			engine := &byHand{refuse: tt.refuse}
			q := newQueue(t, nil, engine, queue.Config{MaxSize: 900})
			require.NoError(t, q.Disable(t.Context(), "wh_off", ""))
			// The good message of the same call is not taken either.
			err := q.SendAll(tt.ctx, message("m_0", "wh_1"), tt.m)
			require.EqualError(t, err, tt.want)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			require.Empty(t, engine.enqueued)
		})
	}
}

func TestQueue_SendAfterRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, always(200), queue.Config{})
		synctest.Wait()
		require.NoError(t, tr.Send(t.Context(), message("m_1", "wh_1")))
		require.ErrorIs(t, tr.Queue.Run(t.Context()), queue.ErrRunning)
		require.Len(t, tr.enqueued, 1)
	})
	engine := &byHand{}
	q, err := queue.New(&webhook.Client{}, engine, queue.Config{})
	require.NoError(t, err)
	run(t, q)()
	require.ErrorIs(t, q.Send(t.Context(), message("m_1", "wh_1")), queue.ErrStopped)
	require.Empty(t, engine.enqueued)
}

func TestQueue_Task(t *testing.T) {
	t.Parallel()
	q, err := queue.New(&webhook.Client{}, newEngine(t, memory.Config{}), queue.Config{Ordered: true})
	require.NoError(t, err)
	m := message("m_1", "wh_1")
	m.Subject = "a418"
	task, err := q.Task(m)
	require.NoError(t, err)
	require.Equal(t, queue.Task{ID: "m_1", Key: "wh_1", Order: "wh_1\x1fa418", Message: m}, task)

	m = message("m_2", "")
	m.URL = "HTTPS://Example.COM/a?b=c:d"
	task, err = q.Task(m)
	require.NoError(t, err)
	require.Equal(t, queue.Task{ID: "m_2", Key: "https://example.com:443", Message: m}, task)
}

func TestKey(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, webhookID, url, want, host string }{
		{"webhook", "wh_1", "https://example.com/hook", "wh_1", "example.com:443"},
		{"https", "", "https://example.com/hook", "https://example.com:443", "example.com:443"},
		{"http", "", "http://example.com?q=/", "http://example.com:80", "example.com:80"},
		{"port", "", "http://Example.com:8080/a:b", "http://example.com:8080", "example.com:8080"},
		{"other alphabet", "", "https://BÜCHER.example/", "https://xn--bcher-kva.example:443", "xn--bcher-kva.example:443"},
		{"other width", "", "https://ＥＸＡＭＰＬＥ.com/", "https://example.com:443", "example.com:443"},
		{"IPv6", "", "http://[2001:db8::1]/", "http://[2001:db8::1]:80", "[2001:db8::1]:80"},
		{"IPv6 with port", "", "https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443", "[2001:db8::1]:8443"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &webhook.Message{WebhookID: tt.webhookID, URL: tt.url}
			require.Equal(t, tt.want, queue.Key(m))
			require.Equal(t, tt.host, queue.Host(m))
		})
	}
}

func TestQueue_Verdicts(t *testing.T) {
	t.Parallel()
	retry := func(after time.Duration) queue.Verdict {
		return queue.Verdict{Kind: queue.KindRetry, After: after}
	}
	panics := transport(func(*http.Request) (*http.Response, error) { panic("boom") })
	tests := []struct {
		name   string
		answer transport
		n      int
		want   queue.Verdict
		class  webhook.Class
	}{
		{"delivered", always(200), 1, queue.Verdict{Kind: queue.KindDone}, ""},
		{"failed", always(500), 1, retry(10 * time.Second), webhook.ClassStatus},
		{"failed again", always(500), 2, retry(100 * time.Second), webhook.ClassStatus},
		{"given up", always(500), 3, queue.Verdict{Kind: queue.KindDead}, webhook.ClassStatus},
		{"gone", always(410), 1, queue.Verdict{Kind: queue.KindDead}, webhook.ClassStatus},
		{"Retry-After", always(503, "Retry-After", "60"), 1, retry(time.Minute), webhook.ClassStatus},
		{"timeout", hang, 1, retry(10 * time.Second), webhook.ClassTimeout},
		{"panic", panics, 1, retry(10 * time.Second), webhook.ClassProtocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, tt.answer, queue.Config{})
				synctest.Wait()
				got := tr.hand(message("m_1", "wh_1"), tt.n)
				require.NotNil(t, got.Attempt)
				require.Equal(t, tt.n, got.Attempt.N)
				require.Equal(t, tt.class, got.Attempt.Class)
				got.Attempt = nil
				require.Equal(t, tt.want, got)

				s, err := tr.Stats(t.Context())
				require.NoError(t, err)
				require.Zero(t, s.InFlight)
				require.Equal(t, tt.want.Kind == queue.KindDone, s.Delivered == 1)
				require.Equal(t, tt.want.Kind == queue.KindDead, s.Failed == 1)
			})
		})
	}
}

// An attempt that is cut off, by Grace or by the engine, does not count.
func TestQueue_Grace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		grace time.Duration
		took  time.Duration
		want  queue.Kind
		ends  bool // the engine may end the context of Handle
		sends bool // the receiver may have the request
	}{
		{"long enough", 10 * time.Second, 3 * time.Second, queue.KindRetry, false, false},
		{"too short", 2 * time.Second, 2 * time.Second, queue.KindDefer, false, false},
		{"too short, sent", 2 * time.Second, 2 * time.Second, queue.KindDefer, false, true},
		{"long enough, context that may end", 10 * time.Second, 3 * time.Second, queue.KindRetry, true, false},
		{"too short, context that may end", 2 * time.Second, 2 * time.Second, queue.KindDefer, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				engine := &byHand{}
				attempts := 0
				client := &webhook.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
					if tt.sends {
						httptrace.ContextClientTrace(r.Context()).WroteHeaders()
					}
					return hang(r)
				})}
				client.OnAttempt = func(context.Context, *webhook.Message, webhook.Attempt) { attempts++ }
				q, err := queue.New(client, drains{engine}, queue.Config{Grace: tt.grace})
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- q.Run(ctx) }()
				synctest.Wait()
				verdicts := make(chan queue.Verdict, 1)
				handed := context.Background()
				if tt.ends {
					var end context.CancelFunc
					handed, end = context.WithCancel(handed)
					defer end()
				}
				m := message("m_1", "wh_1")
				task := queue.Task{ID: m.ID, Key: queue.Key(m), Message: m}
				d := queue.Delivery{Task: task, N: 1, Since: time.Now()}
				go func() { verdicts <- engine.Handle(handed, d) }()
				synctest.Wait()
				begun := time.Now()
				cancel()
				got := <-verdicts
				require.Equal(t, tt.took, time.Since(begun))
				require.Equal(t, tt.want, got.Kind)
				require.Equal(t, tt.want == queue.KindRetry || tt.sends, got.Attempt != nil)
				require.Equal(t, tt.sends, got.Attempt != nil && got.Attempt.MayHaveArrived)
				require.Equal(t, tt.want == queue.KindRetry, attempts == 1)
				require.NoError(t, <-ended)
			})
		})
	}
}

// drains is an engine by hand that takes a minute to stop, as if it waited for a
// handler.
type drains struct{ *byHand }

func (e drains) Run(ctx context.Context, h queue.Handler) error {
	err := e.byHand.Run(ctx, h)
	<-time.After(time.Minute)
	return err
}

func TestQueue_Cancel(t *testing.T) {
	t.Parallel()
	q, err := queue.New(&webhook.Client{}, &byHand{}, queue.Config{})
	require.NoError(t, err)
	_, err = q.Cancel(t.Context(), "m_1")
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.EqualError(t, err, "queue: Cancel: a *queue_test.byHand is not a Canceler: unsupported operation")

	q, err = queue.New(&webhook.Client{}, newEngine(t, memory.Config{}), queue.Config{})
	require.NoError(t, err)
	require.NoError(t, q.Send(t.Context(), message("m_1", "wh_1")))
	for _, want := range []bool{true, false} {
		got, err := q.Cancel(t.Context(), "m_1")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestQueue_Hooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tr := begin(t, always(410), queue.Config{
			OnState: onDisable(func(string, queue.Reason) { panic("a phone number: 15550100") }),
			OnDrop:  func(*webhook.Message, queue.Reason) { panic(errDown) },
		})
		synctest.Wait()
		require.Equal(t, queue.KindDead, tr.hand(message("m_1", "wh_1"), 1).Kind)
		dropped := queue.Verdict{Kind: queue.KindDead, Reason: queue.ReasonDisabled}
		require.Equal(t, dropped, tr.hand(message("m_2", "wh_1"), 1))
		synctest.Wait()
		log := strings.Join(tr.log.take(), "\n")
		require.Contains(t, log, "ERROR queue: recovered hook=OnState panic=string")
		require.Contains(t, log, "ERROR queue: recovered hook=OnDrop panic=*errors.errorString")
		require.NotContains(t, log, "15550100")
	})
}

// An engine that cannot begin, as when its database is away.
type awayEngine struct {
	queue.Engine
	away error
}

func (e *awayEngine) Run(ctx context.Context, h queue.Handler) error {
	if e.away != nil {
		return e.away
	}
	return e.Engine.Run(ctx, h)
}

func TestQueue_Run_again(t *testing.T) {
	t.Parallel()
	e := &awayEngine{newEngine(t, memory.Config{}), errors.New("away")}
	q, err := queue.New(&webhook.Client{}, e, queue.Config{})
	require.NoError(t, err)
	require.ErrorIs(t, q.Run(t.Context()), e.away)
	require.NoError(t, q.Send(t.Context(), message("a", "wh_1")))
	e.away = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, q.Run(ctx))
	require.ErrorIs(t, q.Run(t.Context()), queue.ErrRunning)
	require.ErrorIs(t, q.Send(t.Context(), message("b", "wh_1")), queue.ErrStopped)
}
