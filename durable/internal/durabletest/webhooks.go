package durabletest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/payload"
	"github.com/ringhook/webhook/queue"
)

const (
	hookID  = "5b0b1c0a-7785-41e3-964f-000c2977e6c8"
	otherID = "5b0b1c0a-7785-41e3-964f-000c2977e6c9"
)

// hook returns a webhook with all that one may have.
func hook() webhook.Webhook {
	return webhook.Webhook{
		ID: hookID, Name: "CRM \u2028 <&>", URL: "https://receiver.example/hook?id={{payload.id}}", Method: "PUT",
		Headers: map[string]string{"Authorization": "Bearer s3cr3t", "X-Status": "{{payload.status}}"},
		Format:  webhook.FormatJSON, Body: `{"status": "{{payload.status}}", "html": "<b>"}`,
		Policy: &webhook.Policy{
			Success: []int{200}, Timeout: 2 * time.Second, Attempts: 4, Waits: []time.Duration{time.Second}, Jitter: 0.2,
		},
	}
}

func testWebhooks[T any](t *testing.T, db Database[T]) {
	hooks := db.Open(t, durable.Config{}).Webhooks(nil)
	before := time.Now().Truncate(time.Microsecond)
	first, err := hooks.Create(t.Context(), hook())
	require.NoError(t, err)
	require.False(t, first.Changed.Before(before))
	enabled := queue.StateEnabled
	require.Equal(t, durable.Definition{Webhook: hook(), Version: 1, Changed: first.Changed, State: enabled}, first)
	got, err := hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, first, got)

	_, err = hooks.Create(t.Context(), hook())
	require.EqualError(t, err, `durable: webhook "`+hookID+`": already exists`)
	require.ErrorIs(t, err, durable.ErrExists)

	changed := hook()
	changed.URL, changed.Policy, changed.Headers = "https://elsewhere.example/", nil, nil
	second, err := hooks.Update(durable.WithActor(t.Context(), "bob"), changed, 1)
	require.NoError(t, err)
	require.Equal(t, durable.Definition{
		Webhook: changed, Version: 2, Changed: second.Changed, Author: "bob", State: enabled,
	}, second)
	for _, version := range []int{0, 1, 3} {
		_, err = hooks.Update(t.Context(), hook(), version)
		require.ErrorIs(t, err, durable.ErrConflict)
	}

	ann := durable.WithActor(t.Context(), "ann")
	for _, reason := range []string{"too many errors", "again"} { // the second time, there is nothing to do
		require.NoError(t, hooks.Disable(ann, hookID, reason))
	}
	got, err = hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.False(t, got.Since.Before(before))
	disabled := second
	disabled.State, disabled.Reason, disabled.Actor = queue.StateDisabled, "too many errors", "ann"
	disabled.Since = got.Since
	require.Equal(t, disabled, got, "no version is added")
	_, err = hooks.Source(t.Context(), hookID)
	require.EqualError(t, err, `durable: webhook "`+hookID+`": no such webhook: it is disabled`)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	got, err = hooks.Update(ann, hook(), 2)
	require.NoError(t, err)
	disabled.Webhook, disabled.Version, disabled.Changed, disabled.Author = hook(), 3, got.Changed, "ann"
	require.Equal(t, disabled, got, "and it stays disabled")
	require.NoError(t, hooks.Pause(ann, hookID, ""))
	_, err = hooks.Source(t.Context(), hookID)
	require.NoError(t, err, "one that is paused is dispatched to")
	require.NoError(t, hooks.Enable(ann, hookID, "mended"))
	got, err = hooks.Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, durable.Definition{
		Webhook: hook(), Version: 3, Changed: got.Changed, Author: "ann", State: enabled, Reason: "mended", Actor: "ann", Since: got.Since,
	}, got)
	source, err := hooks.Source(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, hook(), source)

	for version, want := range []durable.Definition{first, second} {
		want.State, want.Reason, want.Actor, want.Since = got.State, got.Reason, got.Actor, got.Since
		got, err := hooks.Version(t.Context(), hookID, version+1)
		require.NoError(t, err)
		require.Equal(t, want, got, "with the state of today")
	}
	_, err = hooks.Version(t.Context(), hookID, 4)
	require.EqualError(t, err, `durable: webhook "`+hookID+`": version 4: no such webhook`)
	testWebhooksList(t, hooks)
}

// testWebhooksList adds some to the one that is there.
func testWebhooksList[T any](t *testing.T, hooks *durable.Webhooks[T]) {
	ids := []string{hookID}
	for i := range 6 {
		d, err := hooks.Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
		require.NoError(t, err)
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, d.ID)
		require.NoError(t, hooks.Disable(t.Context(), d.ID, ""))
		if i%2 == 0 {
			require.NoError(t, hooks.Enable(t.Context(), d.ID, ""))
		}
		ids = append(ids, d.ID)
	}
	listed := listAll(t, hooks, durable.WebhookFilter{Limit: 3})
	var got []string
	for _, d := range listed {
		got = append(got, d.ID)
		current, err := hooks.Get(t.Context(), d.ID)
		require.NoError(t, err)
		require.Equal(t, current, d)
	}
	require.ElementsMatch(t, ids, got)
	whole, err := hooks.List(t.Context(), durable.WebhookFilter{})
	require.NoError(t, err)
	require.Equal(t, durable.WebhookPage{Webhooks: listed}, whole)
	full, err := hooks.List(t.Context(), durable.WebhookFilter{Limit: len(listed)})
	require.NoError(t, err)
	require.Equal(t, whole, full, "the last page may be full")
	last, err := hooks.List(t.Context(), durable.WebhookFilter{After: "ffffffff-ffff-ffff-ffff-ffffffffffff"})
	require.NoError(t, err)
	require.Equal(t, durable.WebhookPage{Webhooks: []durable.Definition{}}, last)
	_, err = hooks.List(t.Context(), durable.WebhookFilter{Limit: -1})
	require.EqualError(t, err, "durable: list webhooks: bad filter: a negative Limit")
	require.ErrorIs(t, err, durable.ErrFilter)
	_, err = hooks.List(t.Context(), durable.WebhookFilter{After: "\xff\x00"})
	require.EqualError(t, err, "durable: list webhooks: bad filter: After is not the Next of a page")
	require.ErrorIs(t, err, durable.ErrFilter)
}

// listAll returns what is on all pages. No page may have more than the Limit.
func listAll[T any](t *testing.T, hooks *durable.Webhooks[T], f durable.WebhookFilter) []durable.Definition {
	var all []durable.Definition
	for {
		page, err := hooks.List(t.Context(), f)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Webhooks), f.Limit)
		all = append(all, page.Webhooks...)
		if f.After = page.Next; page.Next == "" {
			return all
		}
	}
}

// testWebhooksText looks for webhooks by their name and host, among more than are read
// at once.
func testWebhooksText[T any](t *testing.T, db Database[T]) {
	hooks := db.Open(t, durable.Config{}).Webhooks(nil)
	want := map[string]int{"CRM": 0, "example:8443": 0}
	for i := range 1100 {
		w := webhook.Webhook{Name: "Shop", URL: "https://receiver.example/crm?x=crm"}
		switch i % 100 {
		case 0:
			w.Name = "the crm's"
			want["CRM"]++
		case 1:
			w.URL = "https://CRM.Example:8443?id={{id}}"
			want["CRM"]++
			want["example:8443"]++
		}
		_, err := hooks.Create(t.Context(), w)
		require.NoError(t, err)
	}
	for text, n := range want {
		found := listAll(t, hooks, durable.WebhookFilter{Text: text, Limit: 3})
		require.Len(t, found, n, text)
		byID := func(a, b durable.Definition) int { return strings.Compare(a.ID, b.ID) }
		require.True(t, slices.IsSortedFunc(found, byID))
	}
	require.Empty(t, listAll(t, hooks, durable.WebhookFilter{Text: "crm?", Limit: 3}))
}

func testWebhooksRefused[T any](t *testing.T, db Database[T]) {
	hooks := db.Open(t, durable.Config{MaxTimeout: 4 * time.Second}).Webhooks(nil, payload.MessageStatus{})
	change := func(change func(*webhook.Webhook)) webhook.Webhook {
		w := hook()
		change(&w)
		return w
	}
	withID := func(id string) webhook.Webhook { return change(func(w *webhook.Webhook) { w.ID = id }) }
	misspelled := change(func(w *webhook.Webhook) { w.Headers["X-Status"] = "{{payload.staus}}" })
	long := change(func(w *webhook.Webhook) { w.Policy.Timeout = 5 * time.Second })
	const noUUID = "the id is not a UUID in lower case"
	tests := []struct {
		name string
		hook webhook.Webhook
		want string
	}{
		{"no UUID", withID("w1"), `durable: webhook "w1": ` + noUUID},
		{"an upper case one", withID(strings.ToUpper(hookID)), `durable: webhook "` + strings.ToUpper(hookID) + `": ` + noUUID},
		{"a NUL", withID(hookID[:35] + "\x00"), `durable: webhook "` + hookID[:35] + `\x00": ` + noUUID},
		{"no dash", withID(strings.ReplaceAll(hookID, "-", "0")), `durable: webhook "5b0b1c0a0778504`},
		{"no URL", change(func(w *webhook.Webhook) { w.URL = "" }), "webhook: url: "},
		{"a name that the samples lack", misspelled, "webhook: headers.X-Status: "},
		{"a long timeout", long, "webhook: policy: timeout: 5s, at most 4s"},
	}
	stored := hook()
	stored.ID = otherID
	_, err := hooks.Create(t.Context(), stored)
	require.NoError(t, err)
	for i, tt := range tests {
		_, err := hooks.Create(t.Context(), tt.hook)
		require.ErrorContains(t, err, tt.want, tt.name)
		require.NotContains(t, err.Error(), "s3cr3t", tt.name)
		if i >= 4 {
			tt.hook.ID = otherID
			_, err = hooks.Update(t.Context(), tt.hook, 1)
			require.Error(t, err, tt.name)
			require.NotErrorIs(t, err, durable.ErrConflict, tt.name)
		}
	}
	all, err := hooks.List(t.Context(), durable.WebhookFilter{})
	require.NoError(t, err)
	require.Len(t, all.Webhooks, 1)

	for _, id := range []string{hookID, "", "w1", "\xff\x00"} {
		_, err := hooks.Get(t.Context(), id)
		require.EqualError(t, err, fmt.Sprintf("durable: webhook %q: no such webhook", id))
		require.ErrorIs(t, err, webhook.ErrNotFound)
		_, err = hooks.Source(t.Context(), id)
		require.ErrorIs(t, err, webhook.ErrNotFound)
		_, err = hooks.Version(t.Context(), id, 1)
		require.ErrorIs(t, err, webhook.ErrNotFound)
		require.ErrorIs(t, hooks.Disable(t.Context(), id, ""), webhook.ErrNotFound)
		require.ErrorIs(t, hooks.Pause(t.Context(), id, ""), webhook.ErrNotFound)
		require.ErrorIs(t, hooks.Enable(t.Context(), id, ""), webhook.ErrNotFound)
		w := hook()
		w.ID = id
		_, err = hooks.Update(t.Context(), w, 1)
		require.ErrorIs(t, err, webhook.ErrNotFound)
	}
	db.Exec(t, `UPDATE @webhook SET definition = '{"headers": {"Authorization": 12345678}}'`)
	_, err = hooks.Get(t.Context(), otherID)
	require.EqualError(t, err, `durable: webhook "`+otherID+`": the stored definition is unreadable`)
}

// testWebhooksTwo has two engines change one webhook at once: no change is lost.
func testWebhooksTwo[T any](t *testing.T, db Database[T]) {
	both := []*durable.Webhooks[T]{db.Open(t, durable.Config{}).Webhooks(nil), db.Open(t, durable.Config{}).Webhooks(nil)}
	var created atomic.Int64
	var creators sync.WaitGroup
	for i := range 8 {
		creators.Go(func() {
			_, err := both[i%2].Create(t.Context(), hook())
			if err == nil {
				created.Add(1)
			} else if !errors.Is(err, durable.ErrExists) {
				t.Error(err)
			}
		})
	}
	creators.Wait()
	require.EqualValues(t, 1, created.Load())

	const writers, changes = 6, 5
	var all sync.WaitGroup
	for i := range writers {
		hooks := both[i%2]
		all.Go(func() {
			for n := 0; n < changes; {
				d, err := hooks.Get(t.Context(), hookID)
				if err == nil {
					d.Body = fmt.Sprintf(`{"writer": %d, "change": %d, "before": %q}`, i, n, d.Name)
					d.Name = fmt.Sprintf("%d-%d", i, n)
					_, err = hooks.Update(t.Context(), d.Webhook, d.Version)
				}
				if err == nil {
					n++
				} else if !errors.Is(err, durable.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
		if i < 2 {
			all.Go(func() {
				if err := hooks.Disable(t.Context(), hookID, ""); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	d, err := both[0].Get(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, queue.StateDisabled, d.State)
	require.Equal(t, 1+writers*changes, d.Version, "what is decided about it is in nobody's way")
	var names []string
	for version := range d.Version {
		v, err := both[1].Version(t.Context(), hookID, version+1)
		require.NoError(t, err)
		names = append(names, v.Name)
	}
	slices.Sort(names)
	require.Len(t, slices.Compact(names), 1+writers*changes, "each change is there")
}
