package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/payload"
)

var (
	errDatabase = errors.New("database is down")
	ackHook     = webhook.Webhook{
		URL: "https://www.example.com/ack?id={{payload.id}}", Body: `{"status": "{{payload.status}}"}`,
	}
	brokenHook = webhook.Webhook{URL: "https://www.example.com/ack", Body: `{"status": "{{payload.staus}}"}`}
)

// A hookSource has one webhook, and counts the calls. It is not for concurrent use.
type hookSource struct {
	hook  webhook.Webhook
	err   error
	calls int
}

func (s *hookSource) find(context.Context, string) (webhook.Webhook, error) {
	s.calls++
	return s.hook, s.err
}

// An outcome is the result of a call of Composer.
type outcome struct {
	composer *webhook.Composer
	err      error
}

func ask(ctx context.Context, r *webhook.Registry) outcome {
	c, err := r.Composer(ctx, "w1")
	return outcome{c, err}
}

// askAll lets n callers ask at once, in a bubble. All have asked when it returns; wait
// waits for their results.
func askAll(ctx context.Context, r *webhook.Registry, n int) (wait func() []outcome) {
	var wg sync.WaitGroup
	outcomes := make([]outcome, n)
	for i := range outcomes {
		wg.Go(func() { outcomes[i] = ask(ctx, r) })
	}
	synctest.Wait()
	return func() []outcome {
		wg.Wait()
		return outcomes
	}
}

// pass lets time pass in a bubble.
func pass(d time.Duration) { <-time.After(d) }

func TestRegistry_Dispatch(t *testing.T) {
	t.Parallel()
	errRefused := errors.New("queue is full")
	r := &webhook.Registry{
		Source: func(_ context.Context, id string) (webhook.Webhook, error) {
			switch id {
			case "w1":
				return ackHook, nil
			case "w2":
				return brokenHook, nil
			}
			return webhook.Webhook{}, webhook.ErrNotFound
		},
	}
	var sent []*webhook.Message
	outbox := webhook.SenderFunc(func(_ context.Context, m *webhook.Message) error {
		sent = append(sent, m)
		return nil
	})
	full := webhook.SenderFunc(func(context.Context, *webhook.Message) error { return errRefused })
	read := payload.MessageStatus{ID: "a418d672", Status: payload.StatusRead}

	require.NoError(t, r.Dispatch(t.Context(), outbox, "w1", read))
	require.Len(t, sent, 1)
	require.Equal(t, "w1", sent[0].WebhookID)
	require.Equal(t, "whatsapp:message:status", sent[0].Event)
	require.Equal(t, "https://www.example.com/ack?id=a418d672", sent[0].URL)
	require.JSONEq(t, `{"status": "read"}`, string(sent[0].Body))
	require.Equal(t, webhook.PolicyFor("whatsapp:message:status"), sent[0].Policy)

	require.Equal(t, errRefused, r.Dispatch(t.Context(), full, "w1", read))
	require.EqualError(t, r.Dispatch(t.Context(), outbox, "w2", read),
		`webhook: body: offset 14: unknown name "payload.staus"; did you mean "payload.status"?`)
	err := r.Dispatch(t.Context(), outbox, "w3", read)
	require.EqualError(t, err, `webhook: look-up of webhook "w3": no such webhook`)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	require.Len(t, sent, 1, "what cannot be composed is not sent")
}

func TestRegistry_ZeroValue(t *testing.T) {
	t.Parallel()
	var r webhook.Registry
	_, err := r.Composer(t.Context(), "w1")
	require.EqualError(t, err, `webhook: look-up of webhook "w1": no such webhook: the registry has no Source`)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	require.Zero(t, webhook.KnownWebhooks(&r))
}

func TestRegistry_ID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, id, want string
	}{
		{"filled in", "", "w1"},
		{"the source's own", "W1", "W1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &hookSource{hook: ackHook}
			s.hook.ID = tt.id
			c, err := (&webhook.Registry{Source: s.find}).Composer(t.Context(), "w1")
			require.NoError(t, err)
			m, err := c.Compose(payload.MessageStatus{})
			require.NoError(t, err)
			require.Equal(t, tt.want, m.WebhookID)
		})
	}
}

func TestRegistry_FirstUse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// answer is that of the first call; the next one finds the webhook.
		answer func() (webhook.Webhook, error)
		want   string // the error
		is     error
	}{
		{"found", func() (webhook.Webhook, error) { return ackHook, nil }, "", nil},
		{
			"source fails", func() (webhook.Webhook, error) { return webhook.Webhook{}, errDatabase },
			`webhook: look-up of webhook "w1": database is down`, errDatabase,
		},
		{
			"not found", func() (webhook.Webhook, error) {
				return webhook.Webhook{}, fmt.Errorf("table webhooks: %w", webhook.ErrNotFound)
			},
			`webhook: look-up of webhook "w1": table webhooks: no such webhook`, webhook.ErrNotFound,
		},
		{"source panics", func() (webhook.Webhook, error) { panic("919019912345") }, `webhook: look-up of webhook "w1": panic in Source: string`, nil},
		{
			"an error of the package's own", func() (w webhook.Webhook, err error) {
				err = json.Unmarshal([]byte(`{"policy": {"timeout": 3}}`), &w)
				return w, err
			},
			`webhook: look-up of webhook "w1": policy timeout: want a string with a unit such as "10s", not a number`,
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				calls := 0
				r := &webhook.Registry{Source: func(context.Context, string) (webhook.Webhook, error) {
					if calls++; calls > 1 {
						return ackHook, nil
					}
					<-release
					return tt.answer()
				}}
				wait := askAll(t.Context(), r, 100)
				require.Equal(t, 1, calls)
				close(release)
				outcomes := wait()
				require.Equal(t, 1, calls, "one call for all")
				for _, o := range outcomes {
					require.Equal(t, outcomes[0], o)
				}
				if tt.want == "" {
					require.NoError(t, outcomes[0].err)
					require.Same(t, outcomes[0].composer, ask(t.Context(), r).composer)
					require.Equal(t, 1, calls, "compiled once")
					return
				}
				require.EqualError(t, outcomes[0].err, tt.want)
				if tt.is != nil {
					require.ErrorIs(t, outcomes[0].err, tt.is)
				}
				require.Nil(t, outcomes[0].composer)
				require.Zero(t, webhook.KnownWebhooks(r), "an id that is not found takes no memory")
				require.NoError(t, ask(t.Context(), r).err)
				require.Equal(t, 2, calls, "the next caller asks again")
			})
		})
	}
}

func TestRegistry_Cancel(t *testing.T) {
	t.Parallel()
	errGone := errors.New("caller hung up")
	// The first call lasts until release or until its caller's end; the others find
	// the webhook.
	newRegistry := func() (r *webhook.Registry, calls *int, release chan struct{}) {
		calls, release = new(int), make(chan struct{})
		return &webhook.Registry{Source: func(ctx context.Context, _ string) (webhook.Webhook, error) {
			if *calls++; *calls == 1 {
				select {
				case <-ctx.Done():
					return webhook.Webhook{}, fmt.Errorf("select: %w", ctx.Err())
				case <-release:
				}
			}
			return ackHook, nil
		}}, calls, release
	}

	t.Run("the caller that asks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r, calls, _ := newRegistry()
			ctx, cancel := context.WithCancelCause(t.Context())
			asker := askAll(ctx, r, 1)
			others := askAll(t.Context(), r, 99)
			require.Equal(t, 1, *calls)
			cancel(errGone)
			err := asker()[0].err
			require.EqualError(t, err, `webhook: look-up of webhook "w1": caller hung up`)
			require.ErrorIs(t, err, errGone)
			for _, o := range others() {
				require.NoError(t, o.err)
			}
			require.Equal(t, 2, *calls, "one of the others asks for all of them")
		})
	})
	t.Run("a caller that waits", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r, calls, release := newRegistry()
			asker := askAll(t.Context(), r, 1)
			ctx, cancel := context.WithCancelCause(t.Context())
			others := askAll(ctx, r, 99)
			cancel(errGone)
			for _, o := range others() { // while the first caller goes on
				require.EqualError(t, o.err, `webhook: look-up of webhook "w1": caller hung up`)
				require.ErrorIs(t, o.err, errGone)
			}
			close(release)
			require.NoError(t, asker()[0].err)
			require.Equal(t, 1, *calls)
		})
	})
	t.Run("a caller whose context has ended", func(t *testing.T) {
		t.Parallel()
		r := &webhook.Registry{Source: (&hookSource{hook: ackHook}).find}
		c := ask(t.Context(), r).composer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // the result must not depend on chance
			require.Equal(t, outcome{c, nil}, ask(ctx, r))
		}
	})
	t.Run("a source that ends the goroutine", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			calls := 0
			r := &webhook.Registry{Source: func(context.Context, string) (webhook.Webhook, error) {
				if calls++; calls > 1 {
					return ackHook, nil
				}
				<-release
				runtime.Goexit() // as t.FailNow does
				return webhook.Webhook{}, nil
			}}
			go ask(t.Context(), r)
			synctest.Wait()
			others := askAll(t.Context(), r, 2)
			close(release)
			for _, o := range others() {
				require.NoError(t, o.err)
			}
			require.Equal(t, 2, calls)
		})
	})
}

func TestRegistry_TemplateError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &hookSource{hook: brokenHook}
		r := &webhook.Registry{Source: s.find, Samples: []webhook.Event{payload.MessageStatus{}}}
		first := ask(t.Context(), r)
		require.Nil(t, first.composer)
		var bad *webhook.TemplateError
		require.ErrorAs(t, first.err, &bad)
		require.Equal(t, "payload.staus", bad.Placeholder)
		same := func(calls int) {
			t.Helper()
			require.Same(t, bad, ask(t.Context(), r).err, "not compiled again")
			require.Equal(t, calls, s.calls)
		}
		same(1)
		pass(time.Minute)
		same(2)
		s.err = errDatabase
		pass(time.Minute)
		same(3)
		s.err, s.hook = nil, ackHook
		pass(5 * time.Second)
		require.NoError(t, ask(t.Context(), r).err)
		s.hook = brokenHook
		pass(time.Minute)
		require.EqualError(t, ask(t.Context(), r).err, first.err.Error(), "a webhook that was broken is not sent as it was before")
	})
}

// Everything at once, for the race detector: webhooks that appear, change and disappear,
// a source that fails, and every webhook always too old.
func TestRegistry_Concurrent(t *testing.T) {
	t.Parallel()
	const ids, callers, rounds = 4, 8, 200
	var asking [ids]atomic.Bool
	var calls, twice, mixed atomic.Int32
	r := &webhook.Registry{MaxAge: 1, Source: func(_ context.Context, id string) (webhook.Webhook, error) {
		i, err := strconv.Atoi(id)
		if err != nil {
			return webhook.Webhook{}, err
		}
		if asking[i].Swap(true) {
			twice.Add(1)
		}
		defer asking[i].Store(false)
		runtime.Gosched()
		w := ackHook
		switch n := calls.Add(1); n % 7 {
		case 0:
			return webhook.Webhook{}, errDatabase
		case 1:
			return webhook.Webhook{}, webhook.ErrNotFound
		case 2:
			w.Name = strconv.Itoa(int(n))
		}
		return w, nil
	}}
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for n := range rounds {
				id := strconv.Itoa((i + n) % ids)
				err := r.Dispatch(t.Context(), webhook.SenderFunc(func(_ context.Context, m *webhook.Message) error {
					if m.WebhookID != id {
						mixed.Add(1)
					}
					return nil
				}), id, payload.MessageStatus{})
				if !errors.Is(err, errDatabase) && !errors.Is(err, webhook.ErrNotFound) {
					errs[i] = errors.Join(errs[i], err)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Zero(t, twice.Load(), "look-ups of an id while there was one")
	require.Zero(t, mixed.Load(), "messages for another webhook than the one named")
	require.LessOrEqual(t, webhook.KnownWebhooks(r), ids)
}
