package durabletest

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// testPublishUnopened publishes to webhooks some or all of which cannot be opened, for a
// while or since they are damaged: the event is kept for each of them, and sent later.
func testPublishUnopened[T any](t *testing.T, db Database[T]) {
	var logged logBuffer
	config := Seal(durable.Config{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	s := &wilful{Sealer: config.Sealer}
	config.Sealer = s
	subscribers(t, db.Open(t, config).Webhooks(nil), 4)
	conditional := webhook.Webhook{ID: numbered(3), URL: "https://receiver.example/3", When: `payload.status == "failed"`}
	_, err := db.Open(t, config).Webhooks(nil).Update(t.Context(), conditional, 1)
	require.NoError(t, err)
	s.away.Store(true)
	p := durable.Publication{ID: "e1"}
	for _, tt := range []struct {
		hides  string
		sealed int
	}{{numbered(1), 1}, {"webhook\ndefinition", 4}} {
		s.hides = tt.hides
		e := db.Open(t, config) // nothing is compiled yet
		q, _ := newQueue(t, e, queue.Config{})
		hooks := e.Webhooks(q)
		p.ID += "+"
		for _, publish := range []func() ([]durable.Published, error){
			func() ([]durable.Published, error) { return hooks.Publish(t.Context(), p, sent) },
			func() ([]durable.Published, error) { return hooks.Publish(t.Context(), p, sent) }, // again
			func() (got []durable.Published, err error) {
				err = db.Tx(t, func(tx T, _ func(string)) error {
					got, err = hooks.PublishTx(t.Context(), tx, durable.Publication{ID: "in a transaction" + tt.hides}, sent)
					return err
				})
				return got, err
			},
		} {
			got, err := publish()
			require.NoError(t, err)
			failed := 0
			for _, p := range got {
				d, err := e.Get(t.Context(), p.MessageID)
				require.NoError(t, err)
				if p.Err == nil {
					require.Equal(t, durable.StatePending, d.State)
					continue
				}
				failed++
				require.ErrorIs(t, p.Err, durable.ErrSealed)
				require.ErrorIs(t, p.Err, durable.ErrNotComposed)
				require.Equal(t, durable.StateFailed, d.State)
				require.Equal(t, webhook.ClassInvalid, d.Class)
				require.Equal(t, "the stored definition is sealed and cannot be opened", d.Error)
				_, err = e.Event(t.Context(), p.MessageID)
				require.NoError(t, err)
			}
			require.Equal(t, tt.sealed, failed)
		}
	}
	require.Contains(t, logged.String(), "open a webhook to publish to")
	require.Equal(t, 2*5, count(t, db, `state = 'failed'`))

	// It can be opened again, but for one.
	s.away.Store(false)
	e := db.Open(t, config)
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	got, err := hooks.Publish(t.Context(), p, sent)
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, 10-3, count(t, db, `state = 'failed'`), "published again with its ID")
	db.Exec(t, `UPDATE @webhook SET definition = 'damaged' WHERE id = '`+numbered(2)+`'`)
	hooks = e.Webhooks(q) // which has not compiled it
	done, err := hooks.RecomposeMatching(t.Context(), durable.Filter{Ref: sent.ID}, 0)
	require.ErrorContains(t, err, "1 stay as they are, the first since: ")
	require.Equal(t, 4, done)
	require.Equal(t, 3, count(t, db, `state = 'failed'`), "that one's, and what another does not want")
	got, err = hooks.Publish(t.Context(), durable.Publication{ID: "damaged"}, sent)
	require.NoError(t, err)
	require.ErrorContains(t, errsOf(got)[numbered(2)], "the stored definition is unreadable")
	require.Equal(t, 4, count(t, db, `state = 'failed'`))
	_, err = hooks.Update(t.Context(), webhook.Webhook{ID: numbered(2), URL: "https://receiver.example/2"}, 1)
	require.NoError(t, err)
	done, err = hooks.RecomposeMatching(t.Context(), durable.Filter{WebhookID: numbered(2)}, 0)
	require.NoError(t, err)
	require.Equal(t, 2, done)
}
