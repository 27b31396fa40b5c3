package durabletest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/queue"
)

// subscribed returns a subscription of a webhook to events, and, after a slash, identities.
func subscribed(id string, what ...string) webhook.Subscription {
	at := slices.Index(what, "/")
	if at < 0 {
		return webhook.Subscription{WebhookID: id, Events: what}
	}
	return webhook.Subscription{WebhookID: id, Events: what[:at], Identities: what[at+1:]}
}

// rows returns how many rows a table has.
func rows[T any](t testing.TB, db Database[T], tables ...string) (n int) {
	for _, table := range tables {
		var some int
		db.Row(t, `SELECT count(*) FROM `+table, &some)
		n += some
	}
	return n
}

func testSubscribe[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	hooks, _, _ := dispatcher(t, e, queue.Config{})
	elsewhere := db.Open(t, durable.Config{}).Webhooks(nil)
	ctx := durable.WithActor(t.Context(), "ann")

	set, err := hooks.Subscriptions(ctx, hookID)
	require.NoError(t, err)
	require.Equal(t, durable.SubscriptionSet{WebhookID: hookID, Subscriptions: []webhook.Subscription{}}, set)
	first := subscribed(hookID, "whatsapp:*", "voice:message:out", "/", "number:+91 90191 20120", "keyword:Sale")
	everything := subscribed(hookID, "*")
	require.NoError(t, hooks.Subscribe(ctx, first))
	require.NoError(t, elsewhere.Subscribe(t.Context(), everything))
	require.NoError(t, hooks.Subscribe(ctx, subscribed(hookID, "*", "/", "All", "all")), "the same")
	require.NoError(t, hooks.Subscribe(ctx, subscribed(hookID, "voice:message:out", "whatsapp:*", "/", "keyword: sale", "number:919019120120")))
	set, err = elsewhere.Subscriptions(ctx, hookID)
	require.NoError(t, err)
	require.Equal(t, []webhook.Subscription{first, everything}, set.Subscriptions, "as they were given")
	require.Equal(t, 2, set.Rev)
	require.Empty(t, set.Author)
	require.WithinDuration(t, time.Now(), set.Changed, time.Minute)

	changes, err := hooks.SubscriptionChanges(ctx, hookID, 0, 0)
	require.NoError(t, err)
	require.Len(t, changes, 2)
	require.Equal(t, set, changes[0])
	require.Equal(t, "ann", changes[1].Author)
	require.Equal(t, []webhook.Subscription{first}, changes[1].Subscriptions)
	changes, err = hooks.SubscriptionChanges(ctx, hookID, 2, 1)
	require.NoError(t, err)
	require.Equal(t, 1, changes[0].Rev)
	_, err = hooks.SubscriptionChanges(ctx, hookID, -1, 0)
	require.ErrorIs(t, err, durable.ErrFilter)

	// Two people at once.
	_, err = hooks.SetSubscriptions(ctx, hookID, 1, nil)
	require.ErrorIs(t, err, durable.ErrConflict)
	require.EqualError(t, err, `durable: webhook "`+hookID+`": subscriptions: was changed since rev 1`)
	set, err = hooks.SetSubscriptions(ctx, hookID, 2, []webhook.Subscription{{Events: []string{"dialer:cdr"}}})
	require.NoError(t, err)
	require.Equal(t, 3, set.Rev)
	require.Equal(t, []webhook.Subscription{subscribed(hookID, "dialer:cdr")}, set.Subscriptions)
	same, err := hooks.SetSubscriptions(ctx, hookID, 3, set.Subscriptions)
	require.NoError(t, err)
	require.Equal(t, 3, same.Rev, "nothing has changed")
	require.Equal(t, 1, rows(t, db, "@subscriber"))

	err = hooks.Unsubscribe(ctx, everything)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	require.EqualError(t, err, `durable: webhook "`+hookID+`": no such subscription`)
	require.NoError(t, hooks.Unsubscribe(ctx, subscribed(hookID, "dialer:cdr", "/", "all")))
	require.Zero(t, rows(t, db, "@subscriber"))

	rollback := errors.New("rolled back")
	require.ErrorIs(t, db.Tx(t, func(tx T, _ func(string)) error {
		require.NoError(t, hooks.SubscribeTx(ctx, tx, everything))
		require.ErrorIs(t, hooks.SubscribeTx(ctx, tx, subscribed(hookID)), durable.ErrSubscription)
		got, err := hooks.PublishTx(ctx, tx, durable.Publication{}, sent)
		require.NoError(t, err)
		require.Len(t, got, 1, "the transaction sees it")
		return rollback
	}), rollback)
	require.Zero(t, rows(t, db, "@subscriber", "@delivery", "@event"))
	require.NoError(t, db.Tx(t, func(tx T, _ func(string)) error { return hooks.SubscribeTx(ctx, tx, first) }))
	require.Equal(t, 4, rows(t, db, "@subscriber"))

	// At once: none is lost.
	failed := make(chan error, 10)
	for i := range cap(failed) {
		go func() { failed <- hooks.Subscribe(ctx, subscribed(hookID, fmt.Sprint("crm:", i))) }()
	}
	for range cap(failed) {
		require.NoError(t, <-failed)
	}
	set, err = hooks.Subscriptions(ctx, hookID)
	require.NoError(t, err)
	require.Len(t, set.Subscriptions, 11)

	require.NoError(t, hooks.Delete(ctx, hookID))
	require.Zero(t, rows(t, db, "@subscriber", "@subscription"))
	for _, err := range []error{
		hooks.Subscribe(ctx, first), hooks.Unsubscribe(ctx, first),
		second(hooks.Subscriptions(ctx, hookID)), second(hooks.SetSubscriptions(ctx, hookID, 0, nil)),
		second(hooks.SubscriptionChanges(ctx, hookID, 0, 0)), hooks.Subscribe(ctx, subscribed(otherID, "*")),
		hooks.Subscribe(ctx, subscribed("\x00", "*")),
	} {
		require.ErrorIs(t, err, webhook.ErrNotFound)
	}
}

// testSubscribeRefused gives what is no subscription: the error says what and where, and
// quotes nothing.
func testSubscribeRefused[T any](t *testing.T, db Database[T]) {
	hooks, _, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	many := slices.Repeat([]webhook.Subscription{subscribed(hookID, "*")}, 101)
	hundred := make([]string, 100)
	numbers := make([]string, 100)
	for i := range hundred {
		hundred[i], numbers[i] = fmt.Sprint("crm:", i), fmt.Sprint("number:91901912", i)
	}
	large := subscribed(hookID, slices.Concat(hundred, []string{"/"}, numbers)...)
	for want, all := range map[string][]webhook.Subscription{
		`subscriptions[0]: events: none; "*" is all`:      {subscribed(hookID)},
		`subscriptions[1]: events[1]: offset 5`:           {subscribed(hookID, "*"), subscribed(hookID, "*", "voice out")},
		`subscriptions[0]: events[0]: longer than`:        {subscribed(hookID, strings.Repeat("x", 200))},
		`subscriptions[0]: identities[1]: want all`:       {subscribed(hookID, "*", "/", "all", "919019120120")},
		`subscriptions[0]: identities[0]: a number has`:   {subscribed(hookID, "*", "/", "number:secret")},
		`subscriptions[0]: webhook_id: of another`:        {subscribed(otherID, "*")},
		`101 of them, at most 100`:                        many,
		`20000 pairs of events and identities, at most 1`: {large, large},
	} {
		_, err := hooks.SetSubscriptions(t.Context(), hookID, 0, all)
		require.ErrorIs(t, err, durable.ErrSubscription, want)
		require.ErrorContains(t, err, `durable: webhook "`+hookID+`": bad subscription: `+want)
		for _, quoted := range []string{"secret", "voice", "9019"} {
			require.NotContains(t, err.Error(), quoted)
		}
	}
	require.Zero(t, rows(t, db, "@subscription", "@subscriber"))
	_, err := hooks.SetSubscriptions(t.Context(), hookID, 0, []webhook.Subscription{large})
	require.NoError(t, err)
	require.Equal(t, 10_000, rows(t, db, "@subscriber"))
}

// testPublishMatch compares whom Publish finds with what Match says of each subscription.
func testPublishMatch[T any](t *testing.T, db Database[T]) {
	e := db.Open(t, durable.Config{})
	q, _ := newQueue(t, e, queue.Config{})
	hooks := e.Webhooks(q)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // no secret
	pick := func(from []string, most int) (some []string) {
		for range random.IntN(most) + 1 {
			some = append(some, from[random.IntN(len(from))])
		}
		return some
	}
	globs := []string{
		"*", "whatsapp:*", "whats*", "*:in", "whatsapp:message:in", "whatsapp:message:*", "whatsapp*in", "voice:*", "**",
		"voice:message:out", "w:*", "*pp:m*:*", "dialer:cdr", "dialer:cdr*", "whatsapp:message:in:*", "Voice:*",
		"a:b:c:d:e:f:g:h:i:j*", "a:b:c:d:e:f:g:h:*", "a:b:c:d:e:f:g:*k",
	}
	types := []string{"whatsapp:message:in", "whatsapp:message:status", "voice:message:out", "dialer:cdr", "w:x", "note", "a::b", "a:b:c:d:e:f:g:h:i:j:k"}
	identities := []string{
		"all", "ALL", "number:919019120120", "number:+91 90191-20120", "number:1", "keyword:sale", "keyword:SALE ", "campaign:17",
		"campaign:1%", "Campaign:17",
	}
	for i := range identities {
		identities[i] = strings.TrimSpace(identities[i])
	}
	tenants := []string{"", "a", "b"}
	all := make(map[string][]webhook.Subscription)
	tenantOf := make(map[string]string)
	for i := range 60 {
		tenant := tenants[i%3]
		of := hooks.All()
		if tenant != "" {
			var err error
			of, err = hooks.Tenant(tenant)
			require.NoError(t, err)
		}
		d, err := of.Create(t.Context(), webhook.Webhook{URL: "https://receiver.example/"})
		require.NoError(t, err)
		var set []webhook.Subscription
		for range 1 + random.IntN(3) {
			s := webhook.Subscription{WebhookID: d.ID, Events: pick(globs, 3)}
			if random.IntN(3) > 0 {
				s.Identities = pick(identities, 3)
			}
			set = append(set, s)
		}
		_, err = of.SetSubscriptions(t.Context(), d.ID, 0, set)
		require.NoError(t, err)
		all[d.ID], tenantOf[d.ID] = set, tenant
	}
	want := func(p durable.Publication, eventType string) (ids []string) {
		steps := [][]string{append(slices.Clone(p.Identities), "all")}
		if p.MostSpecific {
			steps = nil
			for _, identity := range append(slices.Clone(p.Identities), "all") {
				steps = append(steps, []string{identity})
			}
		}
		for _, step := range steps {
			for id, set := range all {
				for _, s := range set {
					matches := s.Match(eventType, step)
					if p.MostSpecific { // those of that identity, and not those that are for all
						of := func(i string) bool { return webhook.NormalizeIdentity(i) == webhook.NormalizeIdentity(step[0]) }
						matches = matches && (slices.ContainsFunc(s.Identities, of) || len(s.Identities) == 0 && of("all"))
					}
					if tenantOf[id] == p.Tenant && matches && !slices.Contains(ids, id) {
						ids = append(ids, id)
					}
				}
			}
			if len(ids) > 0 {
				break
			}
		}
		slices.Sort(ids)
		return ids
	}
	found := 0
	for i := range 150 {
		p := durable.Publication{Tenant: tenants[random.IntN(3)], MostSpecific: random.IntN(2) == 0}
		if random.IntN(4) > 0 {
			p.Identities = pick(identities, 3)
		}
		event := webhook.RawEvent{Type: types[i%len(types)], JSON: []byte(`{}`)}
		got, err := hooks.Publish(t.Context(), p, event)
		require.NoError(t, err)
		var ids []string
		for _, published := range got {
			require.NoError(t, published.Err)
			ids = append(ids, published.WebhookID)
		}
		require.Equal(t, want(p, event.Type), ids, "%+v %s", p, event.Type)
		found += len(ids)
	}
	require.Equal(t, found, rows(t, db, "@delivery"))
	require.Greater(t, found, 300)
}

// testSubscriptionsSealed finds who is subscribed to an identity, whatever it was stored
// with.
func testSubscriptionsSealed[T any](t *testing.T, db Database[T]) {
	other := Seal(durable.Config{})
	other.IndexKey = slices.Repeat([]byte{7}, 32)
	hooks, _, _ := dispatcher(t, db.Open(t, durable.Config{}), queue.Config{})
	want := subscribed(hookID, "whatsapp:*", "dialer:cdr", "/", "number:919019120120")
	require.NoError(t, hooks.Subscribe(t.Context(), want))
	found := func(e *durable.Engine[T]) int {
		q, _ := newQueue(t, e, queue.Config{})
		p := durable.Publication{Identities: []string{"number:+91 90191 20120"}}
		got, err := e.Webhooks(q).Publish(t.Context(), p, sent)
		require.NoError(t, err)
		return len(got)
	}
	e := db.Open(t, Seal(durable.Config{}))
	require.Equal(t, 1, found(e), "what is clear still")
	require.Positive(t, resealAll(t, e, 1000))
	require.Equal(t, 1, found(e))
	require.NotContains(t, string(db.Dump(t)), "9019120120")
	set, err := e.Webhooks(nil).Subscriptions(t.Context(), hookID)
	require.NoError(t, err)
	require.Equal(t, []webhook.Subscription{want}, set.Subscriptions)
	require.Zero(t, found(db.Open(t, durable.Config{})), "without the key")
	_, err = db.Open(t, durable.Config{}).Webhooks(nil).Subscriptions(t.Context(), hookID)
	require.ErrorIs(t, err, durable.ErrSealed)

	e = db.Open(t, other)
	require.Zero(t, found(e), "with another key")
	require.Positive(t, resealAll(t, e, 1000))
	require.Equal(t, 1, found(e))
	require.Zero(t, resealAll(t, e, 1000))
}
