package queue_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
)

// A message expires so long after it was composed, taken, resent, or let go by Enable.
func TestQueue_Expires(t *testing.T) {
	t.Parallel()
	const expires = time.Hour
	tests := []struct {
		name                    string
		composed, since, resent time.Duration // ago; zero: never
		enable                  bool
		kind                    queue.Kind
	}{
		{name: "young enough", composed: expires, since: 2 * expires, kind: queue.KindRetry},
		{name: "too old", composed: expires + 1, since: time.Minute, kind: queue.KindDead},
		{name: "by hand, just taken", since: time.Minute, kind: queue.KindRetry},
		{name: "by hand, too old", since: expires + 1, kind: queue.KindDead},
		{name: "resent", composed: 9 * expires, since: 9 * expires, resent: time.Minute, kind: queue.KindRetry},
		{name: "resent long ago", composed: 9 * expires, since: 9 * expires, resent: expires + 1, kind: queue.KindDead},
		{name: "enabled", composed: 9 * expires, since: 9 * expires, enable: true, kind: queue.KindRetry},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tr := begin(t, always(500), queue.Config{})
				synctest.Wait()
				m := message("m_1", "wh_1")
				m.Policy.Expires = expires
				now := time.Now()
				d := queue.Delivery{Task: queue.Task{ID: m.ID, Key: queue.Key(m), Message: m}, N: 1, Since: now.Add(-tt.since)}
				if tt.composed != 0 {
					m.Composed = now.Add(-tt.composed)
				}
				if tt.resent != 0 {
					d.Resent = now.Add(-tt.resent)
				}
				if tt.enable {
					require.NoError(t, tr.Pause(t.Context(), d.Key, ""))
					require.NoError(t, tr.Enable(t.Context(), d.Key, ""))
				}
				before := m.Composed
				v := tr.Handle(context.Background(), d)
				require.Equal(t, tt.kind, v.Kind)
				require.Equal(t, before, m.Composed, "the message is not changed")
				if v.Kind == queue.KindDead {
					require.Equal(t, webhook.ClassExpired, v.Attempt.Class)
					require.Equal(t, queue.StateHealthy, tr.State(d.Key), "it is not the endpoint's fault")
				}
			})
		})
	}
}
