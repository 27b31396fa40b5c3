package durabletest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// An ahead store is that of a database whose clock is ahead of the process's.
type ahead[T any] struct {
	store.Store[T]
	by time.Duration
}

func (a ahead[T]) Read(ctx context.Context, stmts ...store.Stmt) error {
	for i, stmt := range stmts {
		if stmt.SQL == a.Dialect().SQL(`SELECT `+a.Dialect().Now) {
			stmts[i].Scan = func(row store.Row) error { return stmt.Scan(aheadRow{row, a.by}) }
		}
	}
	return a.Store.Read(ctx, stmts...)
}

type aheadRow struct {
	store.Row
	by time.Duration
}

func (r aheadRow) Scan(dest ...any) error {
	err := r.Row.Scan(dest...)
	*dest[0].(*int64) += r.by.Microseconds()
	return err
}

// testSecretClocks has a process whose clock is 10 minutes late: a secret ends by the
// database's.
func testSecretClocks[T any](t *testing.T, db Database[T]) {
	at := db.Store(t)
	if at.Dialect().Now == "" {
		t.Skip("the database has no clock of its own")
	}
	late := &durable.Engine[T]{}
	require.NoError(t, store.Open(late, ahead[T]{at, 10 * time.Minute}, durable.Config{}))
	require.NoError(t, late.Migrate(t.Context()))
	hooks := late.Webhooks(nil)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	first := reveal(t, hooks.Keyring(), hookID)
	secret, err := hooks.Rotate(t.Context(), hookID, time.Hour)
	require.NoError(t, err)
	require.Equal(t, append([]string{secret.Reveal()}, first...), reveal(t, hooks.Keyring(), hookID))
	var until int64
	db.Row(t, `SELECT until FROM @secret WHERE n = 1`, &until)
	require.WithinDuration(t, time.Now().Add(70*time.Minute), time.UnixMicro(until), time.Minute)

	// It ends while it is in memory, and when it is read.
	db.Exec(t, `UPDATE @secret SET until = `+durableMicros(10*time.Minute+1500*time.Millisecond)+` WHERE n = 1`)
	db.Exec(t, `UPDATE @secret_rev SET rev = rev + 1`)
	within(t, hooks.Keyring(), secret.Reveal())
	secrets, err := hooks.Secrets(t.Context(), hookID)
	require.NoError(t, err)
	require.Len(t, secrets, 1)
}

// testEndpointClocks has a process whose clock is 10 minutes late decide about an endpoint.
// To itself, that was now; what is stored, and what others read, is the database's time.
func testEndpointClocks[T any](t *testing.T, db Database[T]) {
	at := db.Store(t)
	if at.Dialect().Now == "" {
		t.Skip("the database has no clock of its own")
	}
	const by = 10 * time.Minute
	late := &durable.Engine[T]{}
	require.NoError(t, store.Open(late, ahead[T]{at, by}, durable.Config{}))
	e := db.Open(t, durable.Config{})
	hooks := late.Webhooks(nil)
	_, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	begun := time.Now()
	near := func(want, got time.Time) {
		t.Helper()
		require.WithinDuration(t, want, got, time.Since(begun)+2*time.Second)
	}
	require.NoError(t, hooks.Pause(durable.WithActor(t.Context(), "ann"), hookID, "why"))
	own, err := late.Endpoint(t.Context(), hookID)
	require.NoError(t, err)
	near(begun, own.Since)
	others, err := e.Endpoint(t.Context(), hookID)
	require.NoError(t, err)
	near(begun.Add(by), others.Since)
	d, err := hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, others.Since.UTC(), d.Since.UTC(), "as stored")
	changes, err := late.EndpointChanges(t.Context(), hookID, 0, 0)
	require.NoError(t, err)
	require.Equal(t, others.Since.UTC(), changes[0].At)

	// What is no decision leaves its time and its actor alone.
	own.FailingSince, own.LastFailure, own.Tell = begun, begun, begun
	stored, ok, err := late.SetEndpoint(t.Context(), own)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "ann", stored.Actor)
	require.Equal(t, own.Since, stored.Since)
	near(begun, stored.FailingSince)
	changed, err := e.Changed(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, "ann", changed[0].Actor)
	require.Equal(t, others.Since, changed[0].Since)
	for _, got := range []time.Time{changed[0].FailingSince, changed[0].LastFailure, changed[0].Tell} {
		near(begun.Add(by), got)
	}
	require.Equal(t, queue.StatePaused, changed[0].State)
	changed, err = late.Changed(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, stored, changed[0])
}
