package webhook_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
)

func TestRegistry_MaxAge(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		maxAge      time.Duration
		serves, due time.Duration
		calls       int // so far
	}{
		{"zero", 0, time.Minute - 1, time.Minute, 2},
		{"an hour", time.Hour, time.Hour - 1, time.Hour, 2},
		{"negative", -1, time.Minute, 100 * 365 * 24 * time.Hour, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &hookSource{hook: ackHook}
				r := &webhook.Registry{Source: s.find, MaxAge: tt.maxAge}
				first := ask(t.Context(), r)
				require.NoError(t, first.err)
				pass(tt.serves)
				require.Equal(t, first, ask(t.Context(), r))
				require.Equal(t, 1, s.calls)
				pass(tt.due - tt.serves)
				require.Same(t, first.composer, ask(t.Context(), r).composer, "not compiled again without a change")
				require.Equal(t, tt.calls, s.calls)
				pass(tt.serves)
				require.Same(t, first.composer, ask(t.Context(), r).composer)
				require.Equal(t, tt.calls, s.calls, "as old as when it was last asked for")
			})
		})
	}
}

func TestRegistry_Change(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*webhook.Webhook)
	}{
		{"body", func(w *webhook.Webhook) { w.Body = "" }},
		// A source that keeps webhooks in memory may hand out the same map and the same
		// policy each time.
		{"header, in place", func(w *webhook.Webhook) { w.Headers["X-Api-Key"] = "new" }},
		{"policy, in place", func(w *webhook.Webhook) { w.Policy.Waits[0] = time.Minute }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &hookSource{hook: ackHook}
				s.hook.Headers = map[string]string{"X-Api-Key": "old"}
				s.hook.Policy = &webhook.Policy{Waits: []time.Duration{time.Second}}
				r := &webhook.Registry{Source: s.find}
				first := ask(t.Context(), r)
				require.NoError(t, first.err)
				tt.change(&s.hook)
				require.Same(t, first.composer, ask(t.Context(), r).composer)
				pass(time.Minute)
				second := ask(t.Context(), r)
				require.NoError(t, second.err)
				require.NotSame(t, first.composer, second.composer)
				require.Same(t, second.composer, ask(t.Context(), r).composer)
			})
		})
	}
}

func TestRegistry_Refresh(t *testing.T) {
	t.Parallel()
	t.Run("other callers get the old one", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			calls := 0
			r := &webhook.Registry{Source: func(_ context.Context, _ string) (w webhook.Webhook, _ error) {
				if calls++; calls == 2 {
					<-release
				}
				w = ackHook
				w.Name = strconv.Itoa(calls)
				return w, nil
			}}
			old := ask(t.Context(), r)
			pass(time.Minute)
			asker := askAll(t.Context(), r, 1)
			require.Equal(t, 2, calls)
			for _, o := range askAll(t.Context(), r, 99)() {
				require.Equal(t, old, o)
			}
			close(release)
			fresh := asker()[0]
			require.NotSame(t, old.composer, fresh.composer, "the caller that asks gets the new one")
			require.Equal(t, fresh, ask(t.Context(), r))
			require.Equal(t, 2, calls)
		})
	})
	t.Run("no longer found", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := &hookSource{hook: ackHook}
			r := &webhook.Registry{Source: s.find}
			old := ask(t.Context(), r)
			require.Equal(t, 1, webhook.KnownWebhooks(r))
			pass(time.Minute)
			s.err = webhook.ErrNotFound
			for calls := 2; calls < 4; calls++ { // each asks: the webhook may be back
				require.ErrorIs(t, ask(t.Context(), r).err, webhook.ErrNotFound)
				require.Equal(t, calls, s.calls)
				require.Zero(t, webhook.KnownWebhooks(r))
			}
			s.err = nil
			back := ask(t.Context(), r)
			require.NoError(t, back.err)
			require.NotSame(t, old.composer, back.composer)
		})
	})
	t.Run("the caller that asks is canceled", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			r := &webhook.Registry{Source: func(ctx context.Context, _ string) (webhook.Webhook, error) {
				calls++
				return ackHook, ctx.Err()
			}}
			old := ask(t.Context(), r)
			pass(time.Minute)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			require.Equal(t, old, ask(ctx, r), "no caller fails")
			require.Equal(t, old, ask(t.Context(), r))
			require.Equal(t, 2, calls, "if the source hung, the next caller would hang, too")
			pass(5 * time.Second)
			require.Equal(t, old, ask(t.Context(), r))
			require.Equal(t, 3, calls)
		})
	})
}

func TestRegistry_StaleWhileError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		maxAge, pause time.Duration
		failure       func() (webhook.Webhook, error)
	}{
		{"error", time.Minute, 5 * time.Second, func() (webhook.Webhook, error) { return webhook.Webhook{}, errDatabase }},
		{"panic", time.Minute, 5 * time.Second, func() (webhook.Webhook, error) { panic(errDatabase) }},
		{"short age", time.Second, time.Second, func() (webhook.Webhook, error) { return webhook.Webhook{}, errDatabase }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls, up := 0, true
				hook := ackHook
				r := &webhook.Registry{MaxAge: tt.maxAge, Source: func(context.Context, string) (webhook.Webhook, error) {
					if calls++; up {
						return hook, nil
					}
					return tt.failure()
				}}
				old := ask(t.Context(), r)
				require.NoError(t, old.err)
				up, hook.Body = false, ""
				pass(tt.maxAge)
				require.Equal(t, old, ask(t.Context(), r))
				require.Equal(t, 2, calls)
				for want := 3; want < 10; want++ {
					pass(tt.pause - 1)
					require.Equal(t, old, ask(t.Context(), r))
					require.Equal(t, want-1, calls, "a pause")
					pass(1)
					require.Equal(t, old, ask(t.Context(), r), "however long the source takes")
					require.Equal(t, want, calls)
				}
				up = true
				pass(tt.pause)
				fresh := ask(t.Context(), r)
				require.NoError(t, fresh.err)
				require.NotSame(t, old.composer, fresh.composer)
				pass(tt.maxAge - 1)
				require.Equal(t, fresh, ask(t.Context(), r))
				require.Equal(t, 10, calls)
			})
		})
	}
}
