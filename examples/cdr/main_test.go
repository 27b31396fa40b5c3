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
		`{"client_id":12,"cdr_id":"5f0c6a52","callerid":"918068280000",`,
		`dialer:cdr: delivered, status 200, answer {"stored":"5f0c6a52","cost":0.0150,"seconds":30}`,
		`dialer:cdr: failed, status 401, answer {"error":"wrong api key"}` + "\n",
		"not delivered after 1 attempt: status 401\n",
	} {
		require.Contains(t, out.String(), want)
	}
}
