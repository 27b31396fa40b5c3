package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out))
	got := regexp.MustCompile(`(_sum\{.*\}) .*`).ReplaceAllString(out.String(), "$1 SECONDS")
	require.Equal(t, `span "webhook send", links: 0
span "webhook attempt", links: 1
span "webhook attempt", links: 1
webhook_attempt_duration_seconds_sum{webhook_outcome="delivered"} SECONDS
webhook_attempt_duration_seconds_count{webhook_outcome="delivered"} 1
webhook_attempt_duration_seconds_sum{webhook_class="status",webhook_outcome="retrying"} SECONDS
webhook_attempt_duration_seconds_count{webhook_class="status",webhook_outcome="retrying"} 1
webhook_attempts_total{webhook_event="order:paid",webhook_outcome="delivered"} 1
webhook_attempts_total{webhook_class="status",webhook_event="order:paid",webhook_outcome="retrying"} 1
webhook_deliveries_total{webhook_event="order:paid",webhook_outcome="delivered"} 1
webhook_due 0
webhook_held 0
webhook_in_flight 0
webhook_oldest_seconds 0
webhook_pending 0
`, got)
}
