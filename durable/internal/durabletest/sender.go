package durabletest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/webhooktest"
)

// Sender returns what webhooktest.TestSender starts: a queue over an engine on a
// database of its own.
func Sender[T any](open func(t testing.TB) *durable.Engine[T]) webhooktest.StartFunc {
	return func(t testing.TB, c *webhook.Client) (webhook.Sender, func()) {
		q, err := queue.New(c, open(t), queue.Config{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			require.NoError(t, <-ended)
		})
		return q, func() {
			require.Eventually(t, func() bool {
				s, err := q.Stats(ctx)
				return err == nil && s.Pending+s.InFlight == 0
			}, 60*time.Second, 5*time.Millisecond)
		}
	}
}
