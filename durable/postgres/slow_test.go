package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/queue"
)

// throttle passes on connections to an address, with so many bytes a second from there,
// and returns its own address.
func throttle(t *testing.T, to string, perSecond int) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	const part = 16 << 10
	var link sync.Mutex // there is one, however many connections
	slowly := func(w io.Writer, r io.Reader) {
		for buf := make([]byte, part); ; {
			n, err := r.Read(buf)
			link.Lock()
			<-time.After(time.Duration(n) * time.Second / time.Duration(perSecond))
			link.Unlock()
			if _, writeErr := w.Write(buf[:n]); err != nil || writeErr != nil {
				return
			}
		}
	}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				return
			}
			go func() {
				defer in.Close()
				defer out.Close()
				slowly(in, out)
			}()
			go func() {
				defer in.Close()
				defer out.Close()
				_, _ = io.Copy(out, in)
			}()
		}
	}()
	return l.Addr().String()
}

// TestSlowLink has large messages and a slow way to the database: what does not come in
// time is read again in smaller parts.
func TestSlowLink(t *testing.T) {
	t.Parallel()
	const many, size = 40, 700_000
	pool, schema := connect(t)
	near, err := postgres.New(pool, durable.Config{Schema: schema})
	require.NoError(t, err)
	require.NoError(t, near.Migrate(t.Context()))
	for i := range many {
		tasks := durabletest.Tasks(fmt.Sprint("m", i), 1)
		tasks[0].Message.Body = bytes.Repeat([]byte("x"), size)
		require.NoError(t, near.Enqueue(t.Context(), tasks...))
	}
	config := pool.Config()
	to := net.JoinHostPort(config.ConnConfig.Host, fmt.Sprint(config.ConnConfig.Port))
	address := throttle(t, to, 5<<20)
	config.ConnConfig.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	far, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer far.Close()
	e, err := postgres.New(far, durable.Config{Schema: schema})
	require.NoError(t, err)
	stop := durabletest.Run(t, e, func(context.Context, queue.Delivery) queue.Verdict {
		return queue.Verdict{Kind: queue.KindDone}
	})
	defer stop()
	begun := time.Now()
	require.Eventually(t, func() bool {
		counts, err := near.Count(t.Context(), durable.Filter{State: durable.StateDelivered})
		require.NoError(t, err)
		return counts.States[durable.StateDelivered].N == many
	}, 2*time.Minute, 100*time.Millisecond)
	t.Logf("%d messages of %d bytes in %v", many, size, time.Since(begun))
}

// TestClock_FullPool enqueues for the first time while all connections are in
// transactions, one of which enqueues too: it must not wait for who waits for it.
func TestClock_FullPool(t *testing.T) {
	t.Parallel()
	pool, schema := connect(t)
	e, err := postgres.New(pool, durable.Config{Schema: schema})
	require.NoError(t, err)
	require.NoError(t, e.Migrate(t.Context()))
	config := pool.Config()
	config.MaxConns = 2
	small, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer small.Close()
	e, err = postgres.New(small, durable.Config{Schema: schema})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	one, err := small.Begin(ctx)
	require.NoError(t, err)
	two, err := small.Begin(ctx)
	require.NoError(t, err)
	outside := make(chan error, 1)
	go func() { outside <- e.Enqueue(ctx, durabletest.Task("outside")) }()
	<-time.After(100 * time.Millisecond) // until it waits for a connection
	require.NoError(t, e.EnqueueTx(ctx, one, durabletest.Task("one")))
	require.NoError(t, e.EnqueueTx(ctx, two, durabletest.Task("two")))
	require.NoError(t, one.Commit(ctx))
	require.NoError(t, two.Commit(ctx))
	require.NoError(t, <-outside)
}
