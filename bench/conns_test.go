package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Both ways deliver over TLS, to a receiver that speaks nothing else.
func TestHTTPSWays(t *testing.T) {
	t.Parallel()
	r, err := startReceiver("receiver-tls", 1)
	require.NoError(t, err)
	t.Cleanup(r.close)
	ours, theirs, err := httpsWays(r.hosts[0])
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, ours.send(0))
		require.NoError(t, theirs.send(0))
	}
	plain := rawWay(request{url: "http://" + r.hosts[0] + "/", method: http.MethodPost}, 0)
	require.Error(t, plain.send(0))
}

// What is idle costs memory, less of ours than of theirs.
func TestIdle(t *testing.T) {
	t.Parallel()
	const n = 100
	ours, err := elsewhere("idle", n)()
	require.NoError(t, err)
	theirs, err := elsewhere("idle-http", n)()
	require.NoError(t, err)
	require.Greater(t, ours.Heap, 100.0)
	require.Greater(t, theirs.Heap, ours.Heap)
}
