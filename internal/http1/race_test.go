package http1_test

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/internal/http1"
)

// A receiver that closes just as the next request comes loses none, and gets one twice only
// if it has not answered.
func TestDo_CloseRace(t *testing.T) {
	t.Parallel()
	const rounds, workers = 10_000, 8
	var mu sync.Mutex
	seen, written := map[string]int{}, map[string]int{}
	u := serve(t, func(_ int, conn net.Conn) {
		for r := bufio.NewReader(conn); ; {
			// The connection may end at any time after an answer, also as a request comes.
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			n := req.Header.Get("N")
			mu.Lock()
			seen[n]++
			isFirst := seen[n] == 1
			mu.Unlock()
			if isFirst && rand.IntN(20) == 0 {
				return // read, but not answered
			}
			_, _ = io.WriteString(conn, ok)
			if rand.IntN(3) == 0 {
				time.AfterFunc(time.Duration(rand.IntN(150))*time.Microsecond, func() { _ = conn.Close() })
			}
		}
	})
	tr := newTransport(t, http1.Config{})
	var next, again, failed atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for n := next.Add(1); n <= rounds; n = next.Add(1) {
				r := post(u)
				r.Header["N"] = []string{strconv.FormatInt(n, 10)}
				a, err := tr.Do(context.Background(), r)
				again.Add(int64(a.Requests - 1))
				requests := a.Requests
				for ; err != nil; failed.Add(1) { // on a fresh connection: it is for the policy to repeat
					a, err = tr.Do(context.Background(), r)
					requests += a.Requests
				}
				mu.Lock()
				written[r.Header["N"][0]] = requests
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	for n := 1; n <= rounds; n++ {
		id := strconv.Itoa(n)
		require.GreaterOrEqual(t, seen[id], 1, "lost")
		require.LessOrEqual(t, seen[id], written[id], "twice without being repeated")
	}
	t.Logf("%d repeated within, %d failed on a fresh connection", again.Load(), failed.Load())
}
