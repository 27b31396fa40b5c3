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
		"whatsapp:message:status: attempt 1: status 500: retrying, next one in 1s\n",
		"whatsapp:message:status: attempt 2: status 200: delivered\n",
		"voice:message:out: attempt 1: status 200: delivered\n",
	} {
		require.Contains(t, out.String(), want)
	}
	require.Equal(t, 3, strings.Count(out.String(), "signature good\n"))
}
