package durabletest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// A view is what an API of one tenant has.
type view struct {
	*durable.History
	hooks *durable.Hooks
}

// A viewRow is a method of a view, called with the IDs of a delivery and a webhook.
type viewRow struct {
	name  string // of the type and the method
	state string // of the delivery
	call  func(ctx context.Context, v view, id, hookID string) (any, error)
	// blind is whether it does the same for all IDs, and looks at nothing.
	blind bool
}

func only(err error) (any, error) { return nil, err }

func second[V any](_ V, err error) error { return err }

// viewRows has one for each method of History and Hooks, but for Hooks.Create.
var viewRows = []viewRow{
	{name: "History.Get", call: func(ctx context.Context, v view, id, _ string) (any, error) { return v.Get(ctx, id) }},
	{name: "History.Message", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return v.Message(ctx, id)
	}},
	{name: "History.Event", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		event, err := v.Event(ctx, id)
		return string(event.JSON), err
	}},
	{name: "History.Attempts", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return v.Attempts(ctx, id)
	}},
	{name: "History.List", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.List(ctx, durable.Filter{WebhookID: hookID})
	}},
	{name: "History.List by key and subject", call: func(ctx context.Context, v view, id, hookID string) (any, error) {
		return v.List(ctx, durable.Filter{Key: hookID, Subject: id})
	}},
	{name: "History.List by ref", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return v.List(ctx, durable.Filter{Ref: id})
	}},
	{name: "History.Count", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.Count(ctx, durable.Filter{WebhookID: hookID})
	}},
	{name: "History.Count by subject", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return v.Count(ctx, durable.Filter{Subject: id})
	}},
	{name: "History.Tallies", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.Tallies(ctx, hookID, time.Now().Add(-time.Hour), time.Now())
	}},
	{name: "History.Resend", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return only(v.Resend(ctx, id))
	}},
	{name: "History.ResendMatching", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.ResendMatching(ctx, durable.Filter{WebhookID: hookID}, 0)
	}},
	{name: "History.ResendMatching by ref", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return v.ResendMatching(ctx, durable.Filter{Ref: id}, 0)
	}},
	{name: "History.RetryNow", state: "pending", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return only(v.RetryNow(ctx, id))
	}},
	{name: "History.Cancel", state: "pending", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return v.Cancel(ctx, id)
	}},
	{name: "History.Erase", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.Erase(ctx, durable.Filter{WebhookID: hookID}, 0)
	}},
	{name: "History.Erase by ref", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return v.Erase(ctx, durable.Filter{Ref: id}, 0)
	}},
	{name: "History.Export", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		var lines strings.Builder
		n, err := v.Export(ctx, durable.Filter{WebhookID: hookID}, &lines, durable.ExportBodies)
		return []any{n, lines.String()}, err
	}},
	{name: "History.EndpointChanges", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.EndpointChanges(ctx, hookID, 0, 0)
	}},
	{name: "Hooks.Get", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.hooks.Get(ctx, hookID)
	}},
	{name: "Hooks.Version", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.hooks.Version(ctx, hookID, 1)
	}},
	{name: "Hooks.Update", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.hooks.Update(ctx, hookOf(hookID), 1)
	}},
	{name: "Hooks.Update of another version", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.hooks.Update(ctx, hookOf(hookID), 7)
	}},
	{name: "Hooks.Delete", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(v.hooks.Delete(ctx, hookID))
	}},
	{name: "Hooks.List", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.hooks.List(ctx, durable.WebhookFilter{Text: hookID})
	}},
	{name: "Hooks.Enable", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(v.hooks.Enable(ctx, hookID, ""))
	}},
	{name: "Hooks.Disable", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(v.hooks.Disable(ctx, hookID, ""))
	}},
	{name: "Hooks.Pause", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(v.hooks.Pause(ctx, hookID, ""))
	}},
	{name: "Hooks.Dispatch", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(v.hooks.Dispatch(ctx, hookID, sent))
	}},
	{name: "Hooks.DispatchID", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(v.hooks.DispatchID(ctx, hookID, "new", sent))
	}},
	{name: "Hooks.Compare", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.hooks.Compare(ctx, hookOf(hookID), 0)
	}},
	{name: "Hooks.Recompose", call: func(ctx context.Context, v view, id, _ string) (any, error) {
		return v.hooks.Recompose(ctx, id)
	}},
	{name: "Hooks.RecomposeMatching", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return v.hooks.RecomposeMatching(ctx, durable.Filter{WebhookID: hookID}, 0)
	}},
	{name: "Hooks.Secrets", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		secrets, err := v.hooks.Secrets(ctx, hookID)
		return len(secrets), err
	}},
	{name: "Hooks.Rotate", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(second(v.hooks.Rotate(ctx, hookID, 0)))
	}},
	{name: "Hooks.SetSecret", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(second(v.hooks.SetSecret(ctx, hookID, webhook.GenerateSecret())))
	}},
	{name: "Hooks.ContentID", blind: true, call: func(_ context.Context, v view, _, hookID string) (any, error) {
		got, err := v.hooks.ContentID(hookID, sent)
		want, _ := webhook.ContentID(hookID, sent)
		return got == want, err
	}},
	{name: "Hooks.Publish", blind: true, call: func(ctx context.Context, v view, _, _ string) (any, error) {
		return v.hooks.Publish(ctx, durable.Publication{}, sent)
	}},
	{name: "Hooks.Subscribe", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(v.hooks.Subscribe(ctx, subscribed(hookID, "crm:1")))
	}},
	{name: "Hooks.Unsubscribe", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(v.hooks.Unsubscribe(ctx, subscribed(hookID, "crm:2")))
	}},
	{name: "Hooks.Subscriptions", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		set, err := v.hooks.Subscriptions(ctx, hookID)
		return set.Rev, err
	}},
	{name: "Hooks.SetSubscriptions", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(second(v.hooks.SetSubscriptions(ctx, hookID, 0, nil)))
	}},
	{name: "Hooks.SubscriptionChanges", call: func(ctx context.Context, v view, _, hookID string) (any, error) {
		return only(second(v.hooks.SubscriptionChanges(ctx, hookID, 0, 0)))
	}},
}

// hookOf returns a webhook with an ID, which is in its name too.
func hookOf(id string) webhook.Webhook {
	w := hook()
	w.ID, w.Name = id, id
	return w
}

// testTenantMethods calls each method with the IDs of another tenant: it does as with IDs
// that do not exist, and nothing of the other tenant changes.
func testTenantMethods[T any](t *testing.T, db Database[T]) {
	requireMethods[T](t)
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	views := map[string]view{"all": {e.All(), hooks.All()}}
	for _, tenant := range []string{"a", "b"} {
		history, err := e.Tenant(tenant)
		require.NoError(t, err)
		of, err := hooks.Tenant(tenant)
		require.NoError(t, err)
		views[tenant] = view{history, of}
	}
	hookID := func(tenant string, i int) string {
		return fmt.Sprintf("5b0b1c0a-7785-41e3-964f-%02x%010d", tenant[0], i)
	}
	id := func(tenant string, i int) string { return fmt.Sprintf("%s-%d", tenant, i) }
	for i, row := range viewRows {
		for _, tenant := range []string{"a", "b"} {
			d, err := views[tenant].hooks.Create(t.Context(), hookOf(hookID(tenant, i)))
			require.NoError(t, err)
			require.Equal(t, tenant, d.Tenant)
			id := id(tenant, i)
			require.NoError(t, views[tenant].hooks.DispatchID(t.Context(), d.ID, id, status(id)))
			if state := cmp.Or(row.state, "failed"); state != "pending" {
				end(t, db, id, state, "dns")
			}
			switch row.name {
			case "History.EndpointChanges", "Hooks.Enable":
				require.NoError(t, hooks.Pause(t.Context(), d.ID, "why"))
			case "Hooks.Unsubscribe":
				require.NoError(t, hooks.Subscribe(t.Context(), subscribed(d.ID, "crm:2")))
			case "History.Tallies":
				found, err := e.Cancel(t.Context(), id)
				require.NoError(t, err)
				require.False(t, found)
				require.NoError(t, e.Resend(t.Context(), id))
				_, err = e.Cancel(t.Context(), id)
				require.NoError(t, err)
			}
		}
	}
	snapshot := func() string {
		page, err := views["b"].List(t.Context(), durable.Filter{Limit: 1000})
		require.NoError(t, err)
		of, err := views["b"].hooks.List(t.Context(), durable.WebhookFilter{Limit: 1000})
		require.NoError(t, err)
		require.Len(t, of.Webhooks, len(viewRows))
		text, err := json.Marshal([]any{page, of})
		require.NoError(t, err)
		return string(text)
	}
	before := snapshot()
	for i, row := range viewRows {
		result := func(v view, id, hookID string) string {
			value, err := row.call(t.Context(), v, id, hookID)
			text, jsonErr := json.Marshal(value)
			require.NoError(t, jsonErr)
			return strings.NewReplacer(id, "ID", hookID, "HOOK").Replace(fmt.Sprint(string(text), " ", err))
		}
		unknown := result(views["a"], id("x", i), hookID("x", i))
		require.Equal(t, unknown, result(views["a"], id("b", i), hookID("b", i)), row.name)
		require.Equal(t, before, snapshot(), row.name)
		if row.blind {
			continue
		}
		own := result(views["a"], id("a", i), hookID("a", i))
		require.NotEqual(t, unknown, own, row.name)
		if row.name != "Hooks.Update of another version" {
			require.True(t, strings.HasSuffix(own, " <nil>"), "%s: %s", row.name, own)
		}
		require.Equal(t, before, snapshot(), row.name)
	}
	for i, row := range viewRows { // the operator may do all of it
		if row.name == "Hooks.DispatchID" || row.name == "Hooks.Update of another version" {
			continue // the ID is taken
		}
		_, err := row.call(t.Context(), views["all"], id("b", i), hookID("b", i))
		require.NoError(t, err, row.name)
	}
	_, err := views["a"].hooks.Create(t.Context(), hookOf(hookID("b", 0)))
	require.EqualError(t, err, `durable: webhook "`+hookID("b", 0)+`": already exists`)
}

// requireMethods looks whether a method lacks in History, Hooks, or viewRows.
func requireMethods[T any](t *testing.T) {
	methods := func(of reflect.Type, without ...string) (names []string) {
		for i := range of.NumMethod() {
			if name := of.Method(i).Name; !slices.Contains(without, name) {
				names = append(names, name)
			}
		}
		return names
	}
	history := methods(reflect.TypeFor[*durable.History]())
	hooks := methods(reflect.TypeFor[*durable.Hooks]())
	require.Equal(t, methods(reflect.TypeFor[*durable.Engine[T]](),
		// What a service does, not an API for its customers.
		"Migrate", "Check", "Run", "Close", "Stats", "Webhooks", "Tenant", "All", "Reseal",
		// What a queue does.
		"Enqueue", "EnqueueTx", "Supersede", "Newest", "Endpoint", "SetEndpoint", "Changed", "Workers", "Processes",
	), history)
	require.Equal(t, methods(reflect.TypeFor[*durable.Webhooks[T]](),
		"Tenant", "All", "SetTenant", "Source", "Keyring", "Auth", "CreateTx", "UpdateTx", "DispatchTx", "DispatchIDTx",
		"PublishTx", "SubscribeTx",
	), hooks)
	var rows []string
	for _, row := range viewRows {
		name, _, _ := strings.Cut(row.name, " ")
		rows = append(rows, name)
	}
	want := []string{"Hooks.Create"} // which the test has beside its rows
	for _, name := range history {
		want = append(want, "History."+name)
	}
	for _, name := range hooks {
		want = append(want, "Hooks."+name)
	}
	slices.Sort(rows)
	slices.Sort(want)
	require.Equal(t, slices.Compact(want), slices.Compact(slices.Insert(rows, slices.Index(rows, "Hooks.ContentID")+1, "Hooks.Create")))
}

// testTenants has two tenants whose deliveries have the same subjects and refs, and
// some webhooks of none.
func testTenants[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, q, _ := dispatcher(t, e, queue.Config{}) // one of no tenant
	for _, id := range []string{"", strings.Repeat("x", 129), "\xff", "a\x00"} {
		_, err := e.Tenant(id)
		require.EqualError(t, err, "durable: history: no tenant: want 1 to 128 bytes of UTF-8")
		require.ErrorIs(t, err, durable.ErrTenant)
		_, err = hooks.Tenant(id)
		require.ErrorIs(t, err, durable.ErrTenant)
	}
	require.ErrorIs(t, db.Tx(t, func(tx T, _ func(string)) error {
		_, err := hooks.CreateTx(t.Context(), tx, "\xff", hookOf(otherID))
		return err
	}), durable.ErrTenant)
	ids := map[string]string{"": hookID}
	for _, tenant := range []string{"Österreich", strings.Repeat("x", 128)} {
		of, err := hooks.Tenant(tenant)
		require.NoError(t, err)
		d, err := of.Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
		require.NoError(t, err)
		ids[tenant] = d.ID
		d, err = of.Update(t.Context(), hookOf(d.ID), 1)
		require.NoError(t, err)
		require.Equal(t, tenant, d.Tenant, "it stays")
		require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error {
			d, err = hooks.CreateTx(t.Context(), tx, tenant, webhook.Webhook{URL: "https://receiver.example/{{payload.staus}}"})
			return err
		}))
		require.Equal(t, tenant, d.Tenant)
		require.ErrorIs(t, of.Dispatch(t.Context(), d.ID, sent), durable.ErrNotComposed)
	}
	for tenant, id := range ids {
		for i := range 3 { // however it is enqueued
			require.NoError(t, hooks.DispatchID(t.Context(), id, fmt.Sprint(len(tenant), "-", i), sent))
		}
		source, err := hooks.Source(t.Context(), id)
		require.NoError(t, err)
		m, err := webhook.MustCompile(source).Compose(sent)
		require.NoError(t, err)
		require.NoError(t, q.Send(t.Context(), m))
	}
	for tenant, id := range ids {
		if tenant == "" {
			continue
		}
		requireTenant(t, db, hooks, e, tenant, id)
		of, err := hooks.Tenant(tenant)
		require.NoError(t, err)
		for other := range ids {
			if other != tenant {
				err := of.DispatchID(t.Context(), id, fmt.Sprint(len(other), "-0"), sent)
				require.ErrorIs(t, err, queue.ErrTaken)
				require.EqualError(t, err, fmt.Sprintf("durable: enqueue: queue: message id is taken: %d-0", len(other)))
			}
		}
	}
	all, err := e.All().List(t.Context(), durable.Filter{})
	require.NoError(t, err)
	require.Len(t, all.Deliveries, 14)
	d, err := hooks.All().Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
	require.NoError(t, err)
	require.Empty(t, d.Tenant)
	_, err = e.All().ResendMatching(t.Context(), durable.Filter{}, 0)
	require.ErrorIs(t, err, durable.ErrFilter, "too wide")
	for _, id := range []string{"\x1f", "\x1fÖsterreich"} { // under which tallies are stored
		tallies, err := e.All().Tallies(t.Context(), id, time.Now().Add(-time.Hour), time.Now())
		require.NoError(t, err)
		require.Empty(t, tallies)
	}
}

// requireTenant looks at what a tenant has that testTenants has made.
func requireTenant[T any](
	t *testing.T, db Database[T], hooks *durable.Webhooks[T], e *durable.Engine[T], tenant, id string,
) {
	history, err := e.Tenant(tenant)
	require.NoError(t, err)
	of, err := hooks.Tenant(tenant)
	require.NoError(t, err)
	for _, f := range []durable.Filter{{}, {Subject: sent.ID}, {Ref: sent.ID}, {Tenant: tenant}} {
		var got []string
		for f.Limit = 2; ; {
			page, err := history.List(t.Context(), f)
			require.NoError(t, err)
			for _, d := range page.Deliveries {
				require.Equal(t, tenant, d.Tenant)
				got = append(got, d.ID)
			}
			if f.After = page.Next; page.Next == "" {
				break
			}
		}
		require.Len(t, got, 5, "%+v", f)
		counts, err := history.Count(t.Context(), f)
		require.NoError(t, err)
		require.Equal(t, 4, counts.States[durable.StatePending].N)
		require.Equal(t, 1, counts.States[durable.StateFailed].N)
	}
	tallies, err := history.Tallies(t.Context(), "", time.Now().Add(-time.Hour), time.Now())
	require.NoError(t, err)
	require.Equal(t, 1, tallies[0].Failed)
	page, err := of.List(t.Context(), durable.WebhookFilter{})
	require.NoError(t, err)
	require.Len(t, page.Webhooks, 2)

	_, err = history.List(t.Context(), durable.Filter{Tenant: "other"})
	require.EqualError(t, err, "durable: list: bad filter: another Tenant")
	_, err = history.Count(t.Context(), durable.Filter{Tenant: "other"})
	require.ErrorIs(t, err, durable.ErrFilter)
	_, err = of.List(t.Context(), durable.WebhookFilter{Tenant: "other"})
	require.ErrorIs(t, err, durable.ErrFilter)
	for _, f := range []durable.Filter{{Tenant: "other"}, {Tenant: "other", WebhookID: id}} {
		_, err = history.ResendMatching(t.Context(), f, 0)
		require.ErrorIs(t, err, durable.ErrFilter)
		_, err = of.RecomposeMatching(t.Context(), f, 0)
		require.ErrorIs(t, err, durable.ErrFilter)
	}

	// What matches nothing else may be resent, but only what is one's own.
	failed := count(t, db, `state = 'failed'`)
	n, err := of.RecomposeMatching(t.Context(), durable.Filter{}, 0)
	require.ErrorIs(t, err, durable.ErrNotComposed)
	require.Zero(t, n)
	db.Exec(t, `UPDATE @delivery SET state = 'failed', active = 0, ended = created WHERE state = 'pending'`)
	n, err = history.ResendMatching(t.Context(), durable.Filter{}, 0)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	require.Equal(t, 4, count(t, db, `state = 'pending' AND tenant = '`+tenant+`'`))
	db.Exec(t, `UPDATE @delivery SET state = 'pending', active = 1, ended = NULL WHERE length(message) > 0`)
	require.Equal(t, failed, count(t, db, `state = 'failed'`))

	// After Delete, the history is still there.
	d, err := of.Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
	require.NoError(t, err)
	require.NoError(t, of.DispatchID(t.Context(), d.ID, "deleted-"+id, sent))
	require.NoError(t, of.Delete(t.Context(), d.ID))
	got, err := history.Get(t.Context(), "deleted-"+id)
	require.NoError(t, err)
	require.Equal(t, queue.ReasonDeleted, got.Reason)
	changes, err := history.EndpointChanges(t.Context(), d.ID, 0, 0)
	require.NoError(t, err)
	require.Len(t, changes, 1)
	_, err = of.Get(t.Context(), d.ID)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	db.Exec(t, `DELETE FROM @delivery WHERE id = 'deleted-`+id+`'`)
}

// testWebhooksFilter compares the pages of all combinations of filters with what a loop
// over all finds.
func testWebhooksFilter[T any](t *testing.T, db Database[T]) {
	hooks := db.Open(t, durable.Config{}).Webhooks(nil)
	states := []queue.EndpointState{queue.StateEnabled, queue.StatePaused, queue.StateDisabled}
	_, err := queue.SetState(t.Context(), db.Open(t, durable.Config{}), hookID, queue.StatePaused, "before it was created")
	require.NoError(t, err)
	_, err = hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	for i := range 30 {
		create := hooks.All()
		if tenant := []string{"", "a", "b"}[i%3]; tenant != "" {
			create, err = hooks.Tenant(tenant)
			require.NoError(t, err)
		}
		d, err := create.Create(t.Context(), webhook.Webhook{Name: fmt.Sprint("name ", i%2), URL: "https://receiver.example/"})
		require.NoError(t, err)
		_, err = hooks.Update(t.Context(), d.Webhook, 1)
		require.NoError(t, err)
		for _, change := range []func(context.Context, string, string) error{
			hooks.Pause, hooks.Disable, hooks.Enable, hooks.Pause, hooks.Disable,
		}[:i%6] {
			require.NoError(t, change(t.Context(), d.ID, ""))
		}
		if i%7 == 6 {
			require.NoError(t, hooks.Delete(t.Context(), d.ID))
		}
	}
	all := listAll(t, hooks, durable.WebhookFilter{Limit: 1000})
	require.Len(t, all, 27)
	for _, tenant := range []string{"", "a", "b", "none", "\xff\x00"} {
		for _, state := range append(states, "") {
			for _, text := range []string{"", "name 1"} {
				for _, limit := range []int{1000, 3} {
					var want []durable.Definition
					for _, d := range all {
						if (tenant == "" || d.Tenant == tenant) && (state == "" || d.State == state) && strings.Contains(d.Name, text) {
							want = append(want, d)
						}
					}
					f := durable.WebhookFilter{Tenant: tenant, State: state, Text: text, Limit: limit}
					require.Equal(t, want, listAll(t, hooks, f), "%+v", f)
				}
			}
		}
	}
	for _, state := range []queue.EndpointState{"deleted", queue.StateHealthy} {
		_, err = hooks.List(t.Context(), durable.WebhookFilter{State: state})
		require.EqualError(t, err, "durable: list webhooks: bad filter: no such State")
		require.ErrorIs(t, err, durable.ErrFilter)
	}
}
