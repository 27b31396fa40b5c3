package queue_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/queue"
	"github.com/ringhook/webhook/queue/memory"
)

// A Subject of any bytes and length makes an Order that every store can hold, and that is
// equal for equal ones only.
func TestTask_Order(t *testing.T) {
	t.Parallel()
	e, err := memory.New(memory.Config{})
	require.NoError(t, err)
	q, err := queue.New(&webhook.Client{}, e, queue.Config{Ordered: true})
	require.NoError(t, err)
	order := func(subject string) string {
		task, err := q.Task(&webhook.Message{
			ID: "m", WebhookID: "wh_1", Method: "POST", URL: "https://receiver.test/", Subject: subject,
		})
		require.NoError(t, err)
		require.True(t, utf8.ValidString(task.Order))
		require.NotContains(t, task.Order, "\x00")
		require.LessOrEqual(t, len(task.Order), 300)
		return task.Order
	}
	require.Equal(t, "wh_1\x1fa418", order("a418"))
	require.Equal(t, "wh_1\x1f"+strings.Repeat("x", 256), order(strings.Repeat("x", 256)))
	known := map[string]bool{}
	for _, subject := range []string{
		strings.Repeat("x", 257), strings.Repeat("x", 3000), strings.Repeat("x", 1<<20), "\xff", "\xfe", "a\x00", "\x00a",
	} {
		first := order(subject)
		require.Equal(t, first, order(subject))
		require.False(t, known[first])
		known[first] = true
	}
}
