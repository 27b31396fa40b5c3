package durabletest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

// numbered returns the ID of the nth webhook of a test.
func numbered(n int) string { return fmt.Sprintf("5b0b1c0a-7785-41e3-964f-0000000%05d", n) }

// subscribers creates n webhooks of no tenant that are subscribed to everything. The first
// has the plain event as its body.
func subscribers[T any](t testing.TB, hooks *durable.Webhooks[T], n int) {
	for i := range n {
		w := webhook.Webhook{ID: numbered(i), URL: fmt.Sprintf("https://receiver.example/%d", i)}
		if i > 0 {
			w.Body = `{"id": "{{payload.id}}", "n": ` + fmt.Sprint(i) + `}`
		}
		_, err := hooks.Create(t.Context(), w)
		require.NoError(t, err)
		require.NoError(t, hooks.Subscribe(t.Context(), subscribed(w.ID, "*")))
	}
}

// errsOf returns the errors of what was published, by webhook.
func errsOf(all []durable.Published) map[string]error {
	errs := make(map[string]error)
	for _, p := range all {
		errs[p.WebhookID] = p.Err
	}
	return errs
}

// testPublish has webhooks of all states, some of which cannot compose an event: none hurts
// another.
func testPublish[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, r := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	subscribers(t, hooks, 8)
	change := func(n int, hook webhook.Webhook) {
		hook.ID = numbered(n)
		hook.URL = fmt.Sprintf("https://receiver.example/%d", n)
		_, err := hooks.Update(t.Context(), hook, 1)
		require.NoError(t, err)
	}
	change(1, webhook.Webhook{Body: `{"a": "{{payload.staus}}"}`})
	change(2, webhook.Webhook{When: `payload.status == "delivered"`})
	require.NoError(t, hooks.Pause(t.Context(), numbered(3), "unverified"))
	require.NoError(t, hooks.Disable(t.Context(), numbered(4), "no"))
	require.NoError(t, hooks.Delete(t.Context(), numbered(5)))
	require.NoError(t, hooks.Subscribe(t.Context(), subscribed(numbered(6), "whatsapp:*", "/", "number:1")), "twice")
	db.Exec(t, `UPDATE @webhook SET definition = 'damaged' WHERE id = '`+numbered(7)+`'`)

	got, err := hooks.Publish(t.Context(), durable.Publication{ID: "e1", Identities: []string{"number:1"}}, sent)
	require.NoError(t, err)
	errs := errsOf(got)
	require.Len(t, errs, 5)
	require.Len(t, got, 5)
	for _, n := range []int{0, 3, 6} {
		err, ok := errs[numbered(n)]
		require.True(t, ok, n)
		require.NoError(t, err)
	}
	require.ErrorIs(t, errs[numbered(1)], durable.ErrNotComposed)
	require.ErrorContains(t, errs[numbered(7)], "unreadable")
	require.ErrorIs(t, errs[numbered(7)], durable.ErrNotComposed)
	for _, p := range got {
		require.Len(t, p.MessageID, 43)
		d, err := e.Get(t.Context(), p.MessageID)
		require.NoError(t, err)
		require.Equal(t, p.WebhookID, d.WebhookID)
		want := durable.StatePending
		if p.Err != nil {
			want = durable.StateFailed
			require.Equal(t, webhook.ClassInvalid, d.Class)
		}
		require.Equal(t, want, d.State)
	}
	require.Equal(t, 5, rows(t, db, "@delivery"))
	stats, err := e.Stats(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, 1, stats.Held)
	runQueue(t, q)
	eventually(t, db, 2, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.ElementsMatch(t, []string{"https://receiver.example/0", "https://receiver.example/6"}, r.got())
	require.NoError(t, hooks.Enable(t.Context(), numbered(3), ""))
	eventually(t, db, 3, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)

	none, err := hooks.Publish(t.Context(), durable.Publication{Tenant: "nobody"}, sent)
	require.NoError(t, err)
	require.Empty(t, none)
	tallies, err := e.Tallies(t.Context(), numbered(2), time.Now().Add(-time.Hour), time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, tallies[0].Unwanted)
	_, err = e.Webhooks(nil).Publish(t.Context(), durable.Publication{}, sent)
	require.EqualError(t, err, "durable: publish: Webhooks was given no queue")
}

// testPublishAgain publishes an event several times: each webhook gets it once.
func testPublishAgain[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	subscribers(t, hooks, 3)
	broken := webhook.Webhook{ID: numbered(1), URL: "https://receiver.example/", Body: `{"a": "{{payload.staus}}"}`}
	_, err := hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	p := durable.Publication{ID: "call 17, answered"}
	tables := []string{"@delivery", "@event", "@shared_event", "@ref"}
	first, err := hooks.Publish(t.Context(), p, sent)
	require.NoError(t, err)
	stored := rows(t, db, tables...)
	again, err := hooks.Publish(t.Context(), p, sent)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(first), fmt.Sprint(again))
	require.Equal(t, stored, rows(t, db, tables...))
	require.Equal(t, 3, rows(t, db, "@delivery"))

	// What can be composed now, and who was not there.
	broken.Body = ""
	_, err = hooks.Update(t.Context(), broken, 2)
	require.NoError(t, err)
	late := hook()
	late.ID = numbered(9)
	_, err = hooks.Create(t.Context(), late)
	require.NoError(t, err)
	require.NoError(t, hooks.Subscribe(t.Context(), subscribed(late.ID, "*")))
	got, err := hooks.Publish(t.Context(), p, sent)
	require.NoError(t, err)
	require.Len(t, got, 4)
	for _, published := range got {
		require.NoError(t, published.Err)
	}
	require.Equal(t, 4, count(t, db, `state = 'pending'`))
	require.Equal(t, 4, rows(t, db, "@event"))
	require.Equal(t, 2, rows(t, db, "@shared_event"), "that of the first two, and of the others")

	// Another event is not the same one.
	other := sent
	other.Status = payload.StatusRead
	require.NoError(t, hooks.Unsubscribe(t.Context(), subscribed(numbered(0), "*")))
	stored = rows(t, db, tables...)
	got, err = hooks.Publish(t.Context(), p, other)
	require.ErrorIs(t, err, queue.ErrTaken)
	require.ErrorContains(t, err, "durable: publish: ")
	require.Empty(t, got)
	require.Equal(t, stored, rows(t, db, tables...))
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		_, err := hooks.PublishTx(t.Context(), tx, p, other)
		require.ErrorIs(t, err, queue.ErrTaken)
		_, err = hooks.PublishTx(t.Context(), tx, durable.Publication{ID: "other"}, other)
		return err
	}))
	require.Equal(t, 7, rows(t, db, "@delivery"))

	// Of one that was erased, nobody knows whether it arrived.
	_, err = e.Erase(t.Context(), durable.Filter{WebhookID: late.ID}, 0)
	require.NoError(t, err)
	got, err = hooks.Publish(t.Context(), p, sent)
	require.NoError(t, err)
	require.Len(t, got, 3)
	for id, err := range errsOf(got) {
		if id == late.ID {
			require.ErrorIs(t, err, queue.ErrTaken)
		} else {
			require.NoError(t, err)
		}
	}

	// Without an ID, each is another one.
	for range 2 {
		got, err = hooks.Publish(t.Context(), durable.Publication{}, sent)
		require.NoError(t, err)
		require.Len(t, got, 3)
	}
	require.Equal(t, 7+6, rows(t, db, "@delivery"))
}

// testPublishRefused gives what cannot be published: nothing is kept.
func testPublishRefused[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	subscribers(t, hooks, 2)
	publish := func(p durable.Publication, event webhook.Event) error {
		got, err := hooks.Publish(t.Context(), p, event)
		require.Empty(t, got)
		return err
	}
	for want, p := range map[string]durable.Publication{
		"ID: longer than 256 bytes":   {ID: strings.Repeat("x", 257)},
		"ID: not UTF-8, or has a NUL": {ID: "919019120120\x00"},
		"Identities: 101, at most":    {Identities: make([]string, 101)},
		"identities[1]: want all":     {Identities: []string{"all", "919019120120"}},
		"identities[0]: want all":     {Identities: []string{""}},
	} {
		err := publish(p, sent)
		require.ErrorIs(t, err, durable.ErrPublication)
		require.ErrorContains(t, err, "durable: publish: bad publication: "+want)
		require.NotContains(t, err.Error(), "9019")
	}
	require.ErrorIs(t, publish(durable.Publication{Tenant: "\xff"}, sent), durable.ErrTenant)
	require.EqualError(t, publish(durable.Publication{}, nil), "durable: publish: bad publication: event: nil")
	for _, event := range []webhook.Event{(*payload.MessageStatus)(nil), webhook.RawEvent{JSON: []byte(`{}`)}} {
		require.EqualError(t, publish(durable.Publication{}, event),
			"durable: publish: bad publication: event: no type, or a nil pointer")
	}
	for _, name := range []string{"\xff", "a\x00", strings.Repeat(":", 129)} {
		require.EqualError(t, publish(durable.Publication{}, webhook.RawEvent{Type: name, JSON: []byte(`{}`)}),
			"durable: publish: bad publication: event: the type is longer than 128 bytes, not UTF-8, or has a NUL")
	}
	require.Zero(t, rows(t, db, "@delivery", "@event", "@shared_event"))

	of, err := hooks.Tenant("a")
	require.NoError(t, err)
	_, err = of.Publish(t.Context(), durable.Publication{Tenant: "b"}, sent)
	require.ErrorIs(t, err, durable.ErrFilter)
	got, err := of.Publish(t.Context(), durable.Publication{}, sent)
	require.NoError(t, err)
	require.Empty(t, got, "of others")
	require.NoError(t, hooks.SetTenant(t.Context(), numbered(0), "a"))
	got, err = of.Publish(t.Context(), durable.Publication{}, sent)
	require.NoError(t, err)
	require.Len(t, got, 1)
	got, err = hooks.All().Publish(t.Context(), durable.Publication{}, sent)
	require.NoError(t, err)
	require.Equal(t, numbered(1), got[0].WebhookID)
	require.Len(t, got, 1)
}

// testPublishTx looks whether all of what Publish keeps is in one transaction.
func testPublishTx[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, r := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	subscribers(t, hooks, 30)
	tables := []string{"@delivery", "@event", "@shared_event", "@ref", "#river_job"}
	rollback := errors.New("rolled back")
	p := durable.Publication{ID: "in a transaction"}
	require.ErrorIs(t, db.Tx(t, func(tx T, _ func(string)) error {
		got, err := hooks.PublishTx(t.Context(), tx, p, sent)
		require.NoError(t, err)
		require.Len(t, got, 30)
		return rollback
	}), rollback)
	require.Zero(t, rows(t, db, tables...))

	// The last of what is written fails.
	db.Exec(t, `CREATE UNIQUE INDEX fails ON #river_job (queue)`)
	got, err := hooks.Publish(t.Context(), p, sent)
	require.Error(t, err)
	require.Empty(t, got)
	require.Zero(t, rows(t, db, tables...))
	db.Exec(t, `DROP INDEX #fails`)

	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
		_, err := hooks.PublishTx(t.Context(), tx, p, sent)
		return err
	}))
	require.Equal(t, []int{30, 30, 1}, []int{rows(t, db, "@delivery"), rows(t, db, "@event"), rows(t, db, "@shared_event")})
	runQueue(t, q)
	eventually(t, db, 30, `SELECT count(*) FROM @delivery WHERE state = 'delivered'`)
	require.Len(t, r.got(), 30)
}

// testShared does with deliveries that share an event all that reads it.
func testShared[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	subscribers(t, hooks, 4)
	got, err := hooks.Publish(t.Context(), durable.Publication{}, sent)
	require.NoError(t, err)
	require.Equal(t, []int{4, 1}, []int{rows(t, db, "@event"), rows(t, db, "@shared_event")})
	var size int
	db.Row(t, `SELECT max(length(json)) FROM @event`, &size)
	require.Zero(t, size)
	form, err := json.Marshal(sent)
	require.NoError(t, err)
	for _, p := range got {
		event, err := e.Event(t.Context(), p.MessageID)
		require.NoError(t, err)
		require.Equal(t, webhook.RawEvent{Type: sent.EventType(), JSON: form}, event)
	}
	var lines strings.Builder
	_, err = e.Export(t.Context(), durable.Filter{}, &lines, durable.ExportBodies)
	require.NoError(t, err)
	for line := range strings.Lines(lines.String()) {
		var d durable.ExportedDelivery
		require.NoError(t, json.Unmarshal([]byte(line), &d))
		require.Equal(t, string(form), d.EventJSON)
	}
	require.Equal(t, 4, strings.Count(lines.String(), "\n"))

	changed := webhook.Webhook{ID: numbered(1), URL: "https://receiver.example/1", Body: `{"other": "{{payload.id}}"}`}
	comparison, err := hooks.Compare(t.Context(), changed, 0)
	require.NoError(t, err)
	require.Equal(t, 1, comparison.Differing)
	_, err = hooks.Update(t.Context(), changed, 1)
	require.NoError(t, err)
	end(t, db, got[1].MessageID, "failed", "dns")
	end(t, db, got[2].MessageID, "delivered", "")
	d, err := hooks.Recompose(t.Context(), got[1].MessageID)
	require.NoError(t, err)
	require.Equal(t, got[1].MessageID, d.ID)
	m, err := e.Message(t.Context(), d.ID)
	require.NoError(t, err)
	require.JSONEq(t, `{"other": "`+sent.ID+`"}`, string(m.Body))
	d, err = hooks.Recompose(t.Context(), got[2].MessageID)
	require.NoError(t, err)
	require.Equal(t, got[2].MessageID, d.Of)
	event, err := e.Event(t.Context(), d.ID)
	require.NoError(t, err)
	require.Equal(t, string(form), string(event.JSON), "it has its own")
	require.Equal(t, []int{5, 1}, []int{rows(t, db, "@event"), rows(t, db, "@shared_event")})

	// To a single one it is as Dispatch keeps it.
	alone := webhook.Webhook{ID: otherID, URL: "https://receiver.example/"}
	_, err = hooks.Create(t.Context(), alone)
	require.NoError(t, err)
	require.NoError(t, hooks.Subscribe(t.Context(), subscribed(otherID, "crm:note")))
	for i := range 4 {
		require.NoError(t, hooks.Disable(t.Context(), numbered(i), ""))
	}
	got, err = hooks.Publish(t.Context(), durable.Publication{}, webhook.RawEvent{Type: "crm:note", JSON: []byte(`{"a":1}`)})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, 1, rows(t, db, "@shared_event"))
	event, err = e.Event(t.Context(), got[0].MessageID)
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(event.JSON))

	// Where events are discarded, those stay that could not be composed.
	discards := db.Open(t, durable.Config{DiscardEvents: true})
	q, _ = newQueue(t, discards, queue.Config{})
	hooks = discards.Webhooks(q)
	for i := range 2 {
		w := webhook.Webhook{ID: numbered(i + 5), URL: "https://receiver.example/", Body: `{"a": "{{payload.staus}}"}`}
		_, err := hooks.Create(t.Context(), w)
		require.NoError(t, err)
		require.NoError(t, hooks.Subscribe(t.Context(), subscribed(w.ID, "whatsapp:*")))
	}
	require.NoError(t, hooks.Enable(t.Context(), numbered(0), ""))
	got, err = hooks.Publish(t.Context(), durable.Publication{}, sent)
	require.NoError(t, err)
	require.Len(t, got, 3)
	for _, p := range got {
		_, err := e.Event(t.Context(), p.MessageID)
		if p.Err == nil {
			require.ErrorIs(t, err, durable.ErrNoEvent)
		} else {
			require.NoError(t, err)
		}
	}
}

// testSharedEnds removes deliveries that share an event in all the ways there are: it goes
// with the last of them.
func testSharedEnds[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	subscribers(t, hooks, 3)
	publish := func(event webhook.Event) (ids []string) {
		got, err := hooks.Publish(t.Context(), durable.Publication{}, event)
		require.NoError(t, err)
		for _, p := range got {
			require.NoError(t, p.Err)
			ids = append(ids, p.MessageID)
		}
		return ids
	}
	shared := func() int { return rows(t, db, "@shared_event") }
	erase := func(f durable.Filter) {
		_, err := e.Erase(t.Context(), f, 0)
		require.NoError(t, err)
	}
	// Erased one after the other.
	person, other := status("person"), status("other")
	ids := publish(person)
	publish(other)
	require.Equal(t, 2, shared())
	erase(durable.Filter{WebhookID: numbered(0)})
	require.Equal(t, 2, shared())
	_, err := e.Event(t.Context(), ids[0])
	require.ErrorIs(t, err, durable.ErrNoEvent)
	_, err = e.Event(t.Context(), ids[1])
	require.NoError(t, err)
	erase(durable.Filter{Ref: "person"})
	require.Equal(t, 1, shared())
	var left []byte
	db.Row(t, `SELECT json FROM @shared_event`, &left)
	require.NotContains(t, string(left), "person")

	// At once, by several processes.
	for range 5 {
		ids = publish(person)
		done := make(chan error, len(ids))
		for i := range ids {
			go func() {
				_, err := e.Erase(t.Context(), durable.Filter{WebhookID: numbered(i)}, 0)
				done <- err
			}()
		}
		for range ids {
			require.NoError(t, <-done)
		}
		require.Zero(t, rows(t, db, "@event"))
		require.Zero(t, shared())
	}

	// Deleted with a webhook: the others keep it.
	ids = publish(person)
	require.NoError(t, hooks.Delete(t.Context(), numbered(2)))
	_, err = e.Event(t.Context(), ids[2])
	require.NoError(t, err, "the history of its webhook stays too")

	// What a process of before removed, which knows nothing of it.
	publish(other)
	db.Exec(t, `DELETE FROM @event WHERE shared IN (SELECT shared FROM @event WHERE seq = (SELECT max(seq) FROM @event))`)
	require.Equal(t, 2, shared())

	// By Retention: the deliveries, or the bodies.
	kept := publish(other)
	long := durableMicros(-100 * 24 * time.Hour)
	db.Exec(t, `UPDATE @delivery SET state = 'failed', active = 0, ended = `+long+` WHERE id = '`+kept[0]+`'`)
	db.Exec(t, `UPDATE @delivery SET state = 'delivered', active = 0, ended = `+long+` WHERE id IN ('`+strings.Join(ids, "', '")+`')`)
	stop := Run(t, db.Open(t, durable.Config{Workers: 1}), record(func(queue.Delivery) queue.Verdict {
		return queue.Verdict{Kind: queue.KindDefer, After: time.Hour}
	}).handle)
	eventually(t, db, 1, `SELECT count(*) FROM @shared_event`)
	stop()
	_, err = e.Event(t.Context(), kept[1])
	require.NoError(t, err)
	db.Exec(t, `UPDATE @delivery SET state = 'failed', active = 0, ended = `+durableMicros(-24*time.Hour)+` WHERE id = '`+kept[1]+`'`)
	Run(t, db.Open(t, durable.Config{Keep: durable.Retention{Bodies: time.Hour}}), record(nil).handle)
	eventually(t, db, 0, `SELECT count(*) FROM @shared_event`)
}

// testPublishMany publishes to a thousand, and looks for few of many.
func testPublishMany[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	subscribeMany(t, db, hooks, 1000, 5000)
	for i := range 3 {
		begun := time.Now()
		got, err := hooks.Publish(t.Context(), durable.Publication{ID: fmt.Sprint(i / 2), Identities: []string{"number:1"}}, sent)
		require.NoError(t, err)
		took := time.Since(begun)
		require.Len(t, got, 1000)
		t.Logf("1,000 took %v", took)
		// On an idle machine it takes some tenths of a second. So many seconds are for one
		// that others use: what is wrong is what takes minutes.
		require.Less(t, took, 10*time.Second)
	}
	require.Equal(t, []int{2000, 2}, []int{rows(t, db, "@delivery"), rows(t, db, "@shared_event")})
}

// subscribeMany has n webhooks, copies of one, that are subscribed to the number 1, and
// more up to all that are subscribed to other numbers.
func subscribeMany[T any](t testing.TB, db Database[T], hooks *durable.Webhooks[T], n, all int) {
	_, err := hooks.Create(t.Context(), webhook.Webhook{ID: numbered(0), URL: "https://receiver.example/{{payload.id}}"})
	require.NoError(t, err)
	require.NoError(t, hooks.Subscribe(t.Context(), subscribed(numbered(0), "whatsapp:*", "/", "number:1")))
	numbers := fmt.Sprintf(`WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %d)
		SELECT `, all-1)
	const id = `'5b0b1c0a-7785-41e3-964f-000000' || substr('' || (1000000 + i), 2)`
	db.Exec(t, `INSERT INTO @webhook (id, version, disabled, changed, definition) `+numbers+id+`, 1, 0, changed, definition
		FROM numbers, @webhook WHERE version = 1`)
	db.Exec(t, fmt.Sprintf(`INSERT INTO @subscriber (tenant, identity, lane, webhook_id, events) `+numbers+`tenant,
		CASE WHEN i < %d THEN identity ELSE 'number:' || i END, lane, `+id+`, events FROM numbers, @subscriber`, n))
}
