package http1_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
	"github.com/ringhook/webhook/internal/race"
)

// Many idle connections cost little memory, no goroutine, and a descriptor each, which is
// given back.
func TestIdle_Memory(t *testing.T) { //nolint:paralleltest // measures the process
	if race.Enabled || testing.Short() {
		t.Skip("measures memory")
	}
	if runtime.GOOS != "linux" {
		t.Skip("descriptors are counted in /proc")
	}
	const n = 10_000
	server := exec.CommandContext(t.Context(), os.Args[0])
	server.Env = append(os.Environ(), serverEnv+"=1")
	stdin, err := server.StdinPipe()
	require.NoError(t, err)
	stdout, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = server.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.TrimSpace(line))
	}
	host := func(i int) string { return "h" + strconv.Itoa(i) + ".test" }
	body := []byte(strings.Repeat("x", 300))

	own := newTransport(t, http1.Config{Dial: dial})
	ours, descriptors := perConnection(t, n, func(i int) {
		r := post(mustURL(t, "http://"+host(i)+"/hook"))
		r.Body = body
		_, err := own.Do(context.Background(), r)
		require.NoError(t, err)
	})
	require.InDelta(t, n, descriptors(), 20)
	goroutines := runtime.NumGoroutine()
	require.Less(t, goroutines, 100)
	own.CloseIdleConnections()
	require.InDelta(t, 0, descriptors(), 20)

	foreign := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	theirs, _ := perConnection(t, n, func(i int) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+host(i)+"/hook", strings.NewReader(string(body)))
		require.NoError(t, err)
		resp, err := foreign.RoundTrip(req)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	})
	foreign.CloseIdleConnections()
	t.Logf("an idle connection: %d bytes, with net/http %d", ours, theirs)
	require.LessOrEqual(t, ours, 6<<10)
	require.LessOrEqual(t, float64(ours), 0.35*float64(theirs))
}

// perConnection returns what n connections add to heap and stacks, by each, and a function
// that counts the descriptors since.
func perConnection(t *testing.T, n int, connect func(i int)) (bytes int, descriptors func() int) {
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(entries)
	}
	used := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	connect(0)
	opened, before := open(), used()
	for i := 1; i <= n; i++ {
		connect(i)
	}
	return int(used()-before) / n, func() int { return open() - opened }
}
