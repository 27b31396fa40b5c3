package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/durabletest"
	"github.com/ringhook/webhook/durable/postgres"
	"github.com/ringhook/webhook/queue"
)

const note = "crm:note"

// newPublisher returns webhooks of which two are subscribed to notes, and their IDs.
func newPublisher(t *testing.T) (pool *pgxpool.Pool, e *postgres.Engine, hooks *durable.Webhooks[pgx.Tx], ids []string) {
	known, schema := connect(t)
	config := known.Config()
	config.MaxConns = 12
	config.ConnConfig.RuntimeParams["search_path"] = schema
	config.ConnConfig.RuntimeParams["application_name"] = schema
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	e = open(t, pool, durable.Config{Schema: schema, Keep: durable.Retention{Bodies: time.Hour}})
	q, err := queue.New(&webhook.Client{}, e, queue.Config{})
	require.NoError(t, err)
	hooks = e.Webhooks(q)
	for range 2 {
		d, err := hooks.Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
		require.NoError(t, err)
		require.NoError(t, hooks.Subscribe(t.Context(), webhook.Subscription{WebhookID: d.ID, Events: []string{note}}))
		ids = append(ids, d.ID)
	}
	return pool, e, hooks, ids
}

func notes(name string, n int) (all []webhook.RawEvent) {
	for i := range n {
		all = append(all, webhook.RawEvent{Type: note, JSON: fmt.Appendf(nil, `{"note":"%s %d"}`, name, i)})
	}
	return all
}

// breakHooks has webhooks compose nothing, or all again.
func breakHooks(t *testing.T, hooks *durable.Webhooks[pgx.Tx], ids []string, body string) {
	for _, id := range ids {
		d, err := hooks.Get(t.Context(), id)
		require.NoError(t, err)
		d.Body = body
		_, err = hooks.Update(t.Context(), d.Webhook, d.Version)
		require.NoError(t, err)
	}
}

// TestPublishTx_atOnce publishes several events in each of several transactions, new ones
// and then, those that could not be composed, again: none waits for another for ever.
func TestPublishTx_atOnce(t *testing.T) {
	t.Parallel()
	pool, _, hooks, ids := newPublisher(t)
	const producers, events = 8, 40
	publish := func() {
		failed := make(chan error, producers)
		for i := range producers {
			go func() {
				failed <- pgx.BeginFunc(context.Background(), pool, func(tx pgx.Tx) error {
					for j, event := range notes(fmt.Sprint("note ", i), events) {
						p := durable.Publication{ID: fmt.Sprint(i, " ", j)}
						if _, err := hooks.PublishTx(t.Context(), tx, p, event); err != nil {
							return err
						}
					}
					return nil
				})
			}()
		}
		for range producers {
			require.NoError(t, <-failed)
		}
	}
	breakHooks(t, hooks, ids, `{"a": "{{payload.nothing}}"}`)
	publish()
	breakHooks(t, hooks, ids, "")
	publish()
	require.Equal(t, 2*producers*events, counted(t, pool, `delivery WHERE state = 'pending'`))
	require.Equal(t, producers*events, counted(t, pool, `shared_event`))
}

func counted(t *testing.T, pool *pgxpool.Pool, what string) (n int) {
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM `+what).Scan(&n))
	return n
}

// TestPublishTx_long leaves a transaction open that has published many events, new ones
// and again: nobody waits for it who has to do with others.
func TestPublishTx_long(t *testing.T) {
	t.Parallel()
	pool, e, hooks, ids := newPublisher(t)
	publish := func(name string) {
		for i, event := range notes(name, 60) {
			_, err := hooks.Publish(t.Context(), durable.Publication{ID: fmt.Sprint(name, i)}, event)
			require.NoError(t, err)
		}
	}
	breakHooks(t, hooks, ids, `{"a": "{{payload.nothing}}"}`)
	publish("again")
	breakHooks(t, hooks, ids, "")
	publish("swept")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, name := range []string{"again", "new"} {
			for i, event := range notes(name, 60) {
				if _, err := hooks.PublishTx(ctx, tx, durable.Publication{ID: fmt.Sprint(name, i)}, event); err != nil {
					return err
				}
			}
		}
		publish("beside")
		_, err := pool.Exec(ctx, `UPDATE delivery SET state = 'dropped', active = 0, ended = 1 WHERE state = 'pending'`)
		require.NoError(t, err)
		_, err = e.Erase(ctx, durable.Filter{WebhookID: ids[0], State: durable.StateDropped}, 30)
		require.NoError(t, err)
		stop := durabletest.Run(t, e, func(context.Context, queue.Delivery) queue.Verdict { return queue.Verdict{Kind: queue.KindDone} })
		defer stop()
		require.Eventually(t, func() bool { return counted(t, pool, `shared_event`) == 60 }, 30*time.Second, 10*time.Millisecond,
			"those that are published again")
		return nil
	}))
	require.Equal(t, 120, counted(t, pool, `shared_event`))
}

// TestSubscribeTx_changes deletes a webhook, or gives it a tenant, while a transaction is open
// that has subscribed it: that waits, and events find what is right then.
func TestSubscribeTx_changes(t *testing.T) {
	t.Parallel()
	pool, _, hooks, ids := newPublisher(t)
	publish := func(tenant string) (to []string) {
		p := durable.Publication{Tenant: tenant, Identities: []string{"number:1"}, MostSpecific: true}
		got, err := hooks.Publish(t.Context(), p, notes("note", 1)[0])
		require.NoError(t, err)
		for _, p := range got {
			to = append(to, p.WebhookID)
		}
		return to
	}
	during := func(id string, change func() error) {
		done := make(chan error, 1)
		require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			s := webhook.Subscription{WebhookID: id, Events: []string{note}, Identities: []string{"number:1"}}
			require.NoError(t, hooks.SubscribeTx(t.Context(), tx, s))
			go func() { done <- change() }()
			require.Eventually(t, func() bool {
				return counted(t, pool, `pg_stat_activity WHERE application_name = current_schema AND wait_event_type = 'Lock'`) == 1
			}, 20*time.Second, 10*time.Millisecond)
			require.Empty(t, done)
			return nil
		}))
		require.NoError(t, <-done)
	}
	during(ids[0], func() error { return hooks.Delete(context.Background(), ids[0]) })
	require.Equal(t, 1, counted(t, pool, `subscriber`))
	require.Equal(t, ids[1:], publish(""))
	during(ids[1], func() error { return hooks.SetTenant(context.Background(), ids[1], "a") })
	require.Empty(t, publish(""))
	require.Equal(t, ids[1:], publish("a"))
}
