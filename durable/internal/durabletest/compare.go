package durabletest

import (
	"context"
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

func testCompare[T any](t *testing.T, db Database[T]) {
	hooks, _, r := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	read := status("b")
	read.Status = payload.StatusRead
	for id, event := range map[string]webhook.Event{
		"1": status("a"), "2": read, "3": webhook.RawEvent{Type: "crm:note", JSON: []byte(`{"payload": {"id": 7, "status": "x"}}`)},
	} {
		require.NoError(t, hooks.DispatchID(t.Context(), hookID, id, event))
		db.Exec(t, `UPDATE @delivery SET created = created + `+id+`000000 WHERE id = '`+id+`'`) // the third is the newest
	}
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "no-event", status("c")))
	db.Exec(t, `DELETE FROM @event WHERE seq = (SELECT seq FROM @delivery WHERE id = 'no-event')`)
	require.NoError(t, hooks.Disable(t.Context(), hookID, ""))

	change := func(change func(*webhook.Webhook)) webhook.Webhook {
		w := hook()
		change(&w)
		return w
	}
	first := func(id, field string, offset int) *durable.Difference {
		return &durable.Difference{ID: id, Field: field, Offset: offset}
	}
	tests := []struct {
		name string
		hook webhook.Webhook
		want durable.Comparison
	}{
		{"nothing", hook(), durable.Comparison{Same: 3}},
		{"the policy and name", change(func(w *webhook.Webhook) { w.Policy, w.Name = nil, "n" }), durable.Comparison{Same: 3}},
		{"method", change(func(w *webhook.Webhook) { w.Method = "POST" }), durable.Comparison{Differing: 3, First: first("3", "method", 1)}},
		{"url", change(func(w *webhook.Webhook) { w.URL += "&x=1" }), durable.Comparison{Differing: 3, First: first("3", "url", 34)}},
		{
			"a header of some", change(func(w *webhook.Webhook) {
				w.Headers["X-Status"] = "{{payload.status | replace: 'read', 'seen'}}"
			}),
			durable.Comparison{Same: 2, Differing: 1, First: first("2", "headers.X-Status", 0)},
		},
		{
			"a header more", change(func(w *webhook.Webhook) { w.Headers["A"], w.Body = "", "{}" }),
			durable.Comparison{Differing: 3, First: first("3", "headers.A", 0)},
		},
		{
			"content type", change(func(w *webhook.Webhook) { w.Format = webhook.FormatFormURLEncoded }),
			durable.Comparison{Differing: 3, First: first("3", "headers.Content-Type", 12)},
		},
		{
			"no body", change(func(w *webhook.Webhook) { w.Format, w.Body = webhook.FormatNone, "" }),
			durable.Comparison{Differing: 3, First: first("3", "headers.Content-Type", 0)},
		},
		{
			"text", change(func(w *webhook.Webhook) {
				w.Format, w.Headers["Content-Type"] = webhook.FormatText, "text/plain"
			}),
			durable.Comparison{Differing: 3, First: first("3", "headers.Content-Type", 0)},
		},
		{
			"a member left out of none", change(func(w *webhook.Webhook) {
				w.Body = `{"status": "{{payload.status | optional}}", "html": "<b>"}`
			}),
			durable.Comparison{Same: 3},
		},
		{
			"body", change(func(w *webhook.Webhook) { w.Body = `{"status": "{{payload.status}}!", "html": "<b>"}` }),
			durable.Comparison{Differing: 3, First: first("3", "body", 13)},
		},
		{
			"condition", change(func(w *webhook.Webhook) { w.When = "payload.status == 'read'" }),
			durable.Comparison{Same: 1, Differing: 2, First: first("3", "when", 0)},
		},
		{
			"newly failing", change(func(w *webhook.Webhook) { w.Headers["X-Channel"] = "{{payload.channel}}" }),
			durable.Comparison{
				Differing: 2, Failing: 1, First: first("2", "headers.X-Channel", 0),
				Failure: `webhook: headers.X-Channel: offset 2: unknown name "payload.channel"`,
			},
		},
	}
	for _, tt := range tests {
		tt.want.Compared, tt.want.Complete = 3, true
		got, err := hooks.Compare(t.Context(), tt.hook, 0)
		require.NoError(t, err, tt.name)
		require.Equal(t, tt.want, got, tt.name)
	}
	got, err := hooks.Compare(t.Context(), hook(), 2)
	require.NoError(t, err)
	require.Equal(t, durable.Comparison{Compared: 2, Same: 2, Complete: true}, got, "of the newest")

	require.Empty(t, r.got())
	require.Equal(t, 4, count(t, db, `state = 'pending'`), "nothing is stored")
	d, err := hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, 1, d.Version)

	_, err = hooks.Compare(t.Context(), hook(), -1)
	require.ErrorIs(t, err, durable.ErrFilter)
	_, err = hooks.Compare(t.Context(), change(func(w *webhook.Webhook) { w.ID = otherID }), 0)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	var fault *webhook.TemplateError
	_, err = hooks.Compare(t.Context(), change(func(w *webhook.Webhook) { w.Body = "{{" }), 0)
	require.ErrorAs(t, err, &fault)
}

// testCompareForms compares forms, whose boundary is random, before and after a change
// that mends what could not be composed.
func testCompareForms[T any](t *testing.T, db Database[T]) {
	hooks, _, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	form := webhook.Webhook{
		ID: hookID, URL: "https://receiver.example/", Format: webhook.FormatFormData,
		Body: `{"id": "{{payload.id}}", "n": "{{payload.foreign_id | plus: 1}}", "m": "{{message_id}}"}`,
	}
	_, err := hooks.Update(t.Context(), form, 1)
	require.NoError(t, err)
	good := status("a")
	good.ForeignID = "1"
	require.NoError(t, hooks.Dispatch(t.Context(), hookID, good))
	bad := status("b")
	bad.ForeignID = "not a number"
	require.ErrorIs(t, hooks.Dispatch(t.Context(), hookID, bad), durable.ErrNotComposed)
	got, err := hooks.Compare(t.Context(), form, 0)
	require.NoError(t, err)
	require.Equal(t, durable.Comparison{Compared: 2, Same: 1, Complete: true}, got, "one fails with both")
	form.Body = strings.Replace(form.Body, " | plus: 1", "", 1)
	got, err = hooks.Compare(t.Context(), form, 0)
	require.NoError(t, err)
	require.Equal(t, 1, got.Mended)
	require.Equal(t, 1, got.Differing)
	require.Equal(t, "body", got.First.Field)
	form.Format = webhook.FormatFormURLEncoded
	got, err = hooks.Compare(t.Context(), form, 0)
	require.NoError(t, err)
	require.Equal(t, "headers.Content-Type", got.First.Field)
	require.Zero(t, got.First.Offset)
	form.Format, form.Body = webhook.FormatFormData, "{}"
	_, err = hooks.Update(t.Context(), form, 2)
	require.NoError(t, err)
	got, err = hooks.Compare(t.Context(), form, 0)
	require.NoError(t, err)
	require.Equal(t, durable.Comparison{Compared: 2, Same: 2, Complete: true}, got, "forms without fields")

	// One that another version of the module stored, and does not compile now.
	db.Exec(t, `UPDATE @webhook SET definition = '{"url": "ftp://receiver.example/"}'`)
	got, err = hooks.Compare(t.Context(), form, 0)
	require.NoError(t, err)
	require.Equal(t, durable.Comparison{Compared: 2, Mended: 2, Complete: true}, got)
}

// testCompareLong compares for as long as it may, and another call waits for that.
func testCompareLong[T any](t *testing.T, db Database[T]) {
	begun := make(chan struct{}, 1000)
	e := db.Open(t, durable.Config{Decode: func(eventType string, form []byte) (webhook.Event, error) {
		begun <- struct{}{}
		for begin := time.Now(); time.Since(begin) < 50*time.Millisecond; { // as long filters do
		}
		return webhook.RawEvent{Type: eventType, JSON: form}, nil
	}})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	for i := range 40 {
		require.NoError(t, hooks.Dispatch(t.Context(), hookID, status(fmt.Sprint(i))))
	}
	compared := make(chan durable.Comparison, 1)
	go func() {
		got, err := hooks.Compare(context.Background(), hook(), 0)
		if err != nil {
			t.Error(err)
		}
		compared <- got
	}()
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := hooks.Compare(ctx, hook(), 0)
	require.ErrorIs(t, err, context.DeadlineExceeded, "one at a time")
	got := <-compared
	require.False(t, got.Complete)
	require.LessOrEqual(t, got.Compared, 20)
	require.Equal(t, got.Compared, got.Same)
	require.NotZero(t, got.Compared)
}

// Compare reports how long it takes to compare 1,000 events, in milliseconds.
func Compare[T any](b *testing.B, e *durable.Engine[T]) {
	q, _ := newQueue(b, e, queue.Config{})
	hooks := e.Webhooks(q, payload.MessageStatus{})
	d, err := hooks.Create(b.Context(), hook())
	require.NoError(b, err)
	for i := range 1000 {
		require.NoError(b, hooks.Dispatch(b.Context(), d.ID, status(fmt.Sprint(i))))
	}
	given := d.Webhook
	given.Body = `{"status": "{{payload.status | upcase}}", "to": "{{payload.to | slice: -10}}"}`
	for b.Loop() {
		got, err := hooks.Compare(b.Context(), given, 1000)
		require.NoError(b, err)
		require.Equal(b, 1000, got.Differing)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/1000-events")
}

// testCompareTenants has a Compare of one tenant under way, for which only calls of the
// same one wait.
func testCompareTenants[T any](t *testing.T, db Database[T]) {
	begun, goOn := make(chan bool, 10), make(chan bool)
	e := db.Open(t, durable.Config{Decode: func(eventType string, form []byte) (webhook.Event, error) {
		if strings.Contains(string(form), "blocks") {
			begun <- true
			<-goOn
		}
		return webhook.RawEvent{Type: eventType, JSON: form}, nil
	}})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	ids := map[string]string{}
	for _, tenant := range []string{"a", "b"} {
		of, err := hooks.Tenant(tenant)
		require.NoError(t, err)
		d, err := of.Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
		require.NoError(t, err)
		ids[tenant] = d.ID
		text := map[string]string{"a": "blocks", "b": "passes"}[tenant]
		require.NoError(t, of.DispatchID(t.Context(), d.ID, "id-"+tenant, status(text)))
	}
	compare := func(ctx context.Context, tenant string) error {
		c, err := hooks.Compare(ctx, webhook.Webhook{ID: ids[tenant], URL: "https://receiver.example/"}, 0)
		if err == nil && c.Same != 1 {
			err = fmt.Errorf("%d were the same", c.Same)
		}
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- compare(context.Background(), "a") }()
	<-begun
	require.NoError(t, compare(t.Context(), "b"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, compare(ctx, "a"), context.DeadlineExceeded)
	close(goOn)
	require.NoError(t, <-ended)
	require.NoError(t, compare(t.Context(), "a"), "and afterwards")
}
