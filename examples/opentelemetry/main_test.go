package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out))
	for _, want := range []string{
		"webhook.queue.pending", "webhook.queue.in_flight", "webhook.queue.ended", "webhook.attempt.duration",
		`"Value": "retrying"`, `"Value": "delivered"`, `"Value": "status"`,
	} {
		require.Contains(t, out.String(), want)
	}
}
