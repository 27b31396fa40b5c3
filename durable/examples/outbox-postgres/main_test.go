package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dsn := os.Getenv("RINGHOOK_POSTGRES")
	if dsn == "" {
		t.Skip("needs Postgres: set RINGHOOK_POSTGRES to a DSN, such as postgres://user:password@127.0.0.1:5432/database")
	}
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out, dsn))
	calls, got, ok := strings.Cut(out.String(), "\n\n")
	require.True(t, ok)
	require.Equal(t, "call-1: committed\n"+
		"call-2: rolled back: a call cannot take less than no time\n"+
		"call-3: committed", calls)
	lines := strings.Split(strings.TrimSpace(got), "\n")
	require.Equal(t, "2 calls are in the table, and the receiver got:", lines[0])
	require.ElementsMatch(t, []string{
		`{"call": "call-1", "seconds": "30"}`,
		`{"call": "call-3", "seconds": "12"}`,
	}, lines[1:])
}
