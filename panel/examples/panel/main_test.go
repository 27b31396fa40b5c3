package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPanel(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var out strings.Builder
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, &out, listener, 10*time.Millisecond) }()
	page := func(path string) string {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+listener.Addr().String()+path, nil)
		require.NoError(t, err)
		response, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, response.StatusCode, "%s", body)
		return string(body)
	}
	require.Eventually(t, func() bool {
		body := page("/panel/deliveries")
		return strings.Contains(body, "The receiver answered 410") && strings.Contains(body, "Delivered") && strings.Contains(body, "Lead sheet")
	}, 30*time.Second, 50*time.Millisecond)
	require.NotContains(t, page("/acme/deliveries"), "Lead sheet")
	require.Contains(t, page("/acme/api/overview"), `"delivered":`)
	stop()
	require.NoError(t, <-ended)
	require.Contains(t, out.String(), "/panel/")
}
