package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if os.Getenv(fileVariable) != "" { // started by the test below
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out))
	t.Log(out.String())
	require.Equal(t, 2, strings.Count(out.String(), " was killed: "))
	require.Contains(t, out.String(), " had delivered everything, and stopped: ")
	require.Contains(t, out.String(), "\nlost:      0\n")
}
