package durabletest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ringhook/webhook"
	"github.com/ringhook/webhook/durable"
	"github.com/ringhook/webhook/durable/internal/store"
	"github.com/ringhook/webhook/queue"
)

// A Spy is a store that keeps the statements that are run.
type Spy[T any] struct {
	store.Store[T]
	mu      sync.Mutex
	stmts   map[string]store.Stmt
	ordered map[string]bool // those that were run after Dialect.InOrder
}

// Migrate keeps no statements.
func (s *Spy[T]) Migrate(ctx context.Context, before, after func(T) error) error {
	err := s.Store.Migrate(ctx, before, after)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stmts = nil
	return err
}

// Read keeps the statements, and runs them.
func (s *Spy[T]) Read(ctx context.Context, stmts ...store.Stmt) error {
	return s.Store.Read(ctx, s.note(stmts)...)
}

// Run is as Read.
func (s *Spy[T]) Run(ctx context.Context, stmts ...store.Stmt) error {
	return s.Store.Run(ctx, s.note(stmts)...)
}

// RunTx is as Read.
func (s *Spy[T]) RunTx(ctx context.Context, tx T, stmts ...store.Stmt) error {
	return s.Store.RunTx(ctx, tx, s.note(stmts)...)
}

func (s *Spy[T]) note(stmts []store.Stmt) []store.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stmts == nil {
		s.stmts, s.ordered = make(map[string]store.Stmt), make(map[string]bool)
	}
	inOrder := s.Dialect().InOrder
	for _, stmt := range stmts {
		s.stmts[stmt.SQL] = stmt
		s.ordered[stmt.SQL] = s.ordered[stmt.SQL] || stmts[0].SQL == inOrder
	}
	return stmts
}

// wanted looks for a webhook that has half of all deliveries, and only few that were not
// delivered.
var wanted = durable.Filter{
	State: durable.StateFailed, Tenant: "tenant-0", WebhookID: "hook-0", Key: "https://hook-0.example", Event: "voice:message:out",
	// Of the 24 h that Fill fills.
	From: time.Now().Add(-30 * time.Hour), To: time.Now().Add(-12 * time.Hour),
	Ref: "+91 90000 00002", Subject: "subject-2",
}

// planned is filters without those whose statements others have too: a time is always in
// them.
func planned(f durable.Filter) []durable.Filter {
	return slices.DeleteFunc(filters(f), func(f durable.Filter) bool {
		return f.Tenant != "" && (f.From.IsZero() || f.To.IsZero())
	})
}

// byClass is filters of how deliveries failed, with all that may be beside them.
func byClass() (all []durable.Filter) {
	f := wanted
	f.State, f.From, f.To, f.Ref, f.Subject = "", time.Time{}, time.Time{}, "", ""
	for _, f := range filters(f) {
		rare, status := f, f
		rare.Class, status.Status = webhook.ClassUnreachable, 404
		all = append(all, rare, status)
	}
	return all
}

// base is a filter without what has an index of its own.
func base(f durable.Filter) durable.Filter {
	f.Ref, f.Subject = "", ""
	return f
}

// Fill inserts n deliveries, the last of them now, and for each an attempt, an event, a subject, and
// refs: one of its own, a number that ten others have, and for half of them one that all of
// these have. It fills the tallies accordingly.
func Fill(t testing.TB, n int, exec func(t testing.TB, sql string)) {
	now := time.Now().UnixMicro()
	exec(t, fmt.Sprintf(`INSERT INTO @delivery
			(id, webhook_id, key, event, rank, state, active, attempts, created, due, ended, status, class, message, subject, tenant)
		WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %[1]d),
		rows (i, hook, event, state, created) AS (SELECT i, CASE WHEN i %% 2 = 0 THEN 0 ELSE i %% 5000 END,
			CASE WHEN i <= 20 THEN 'whatsapp:message:in' WHEN i %% 3 = 0 THEN 'voice:message:out' ELSE 'dialer:cdr' END,
			CASE WHEN i <= 10 OR i %% 100 = 1 THEN 'failed' WHEN i %% 100 = 3 THEN 'pending' WHEN i %% 100 = 5 THEN 'dropped'
				WHEN i %% 100 = 7 THEN 'canceled' ELSE 'delivered' END, %[2]d - %[3]d / %[1]d * (%[1]d - i) FROM numbers)
		SELECT 'id-' || i, 'hook-' || hook, 'https://hook-' || hook || '.example', event, 0, state, 1, 1, created, created,
			CASE WHEN state = 'pending' THEN NULL ELSE created END,
			CASE WHEN state <> 'failed' OR i <= 10 THEN 200 WHEN i %% 300 = 1 THEN 404 ELSE 500 END,
			CASE WHEN state <> 'failed' THEN '' WHEN i <= 10 THEN 'unreachable' ELSE 'status' END, CAST('message' AS BLOB), 'subject-' || (i %% 100000),
			'tenant-' || (hook %% 100)
			FROM rows`,
		n, now, (24*time.Hour).Microseconds()))
	exec(t, fmt.Sprintf(`INSERT INTO @webhook (id, version, disabled, changed, definition, tenant, state)
		WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %d)
		SELECT '00000000-0000-0000-0000-' || (i + 100000000000), version, 0, 1, '{}',
			CASE WHEN i %% 2 = 0 THEN 'tenant-0' ELSE 'tenant-' || (i %% 100) END,
			CASE WHEN i %% 1000 = 1 THEN 'paused' WHEN i %% 10 = 0 THEN 'disabled' ELSE 'enabled' END
			FROM numbers CROSS JOIN (SELECT 1 AS version UNION ALL SELECT 2) AS versions`, n/10))
	exec(t, `INSERT INTO @event (seq, type, json) SELECT seq, event, CAST('{}' AS BLOB) FROM @delivery`)
	exec(t, `INSERT INTO @ref (delivery_seq, n, ref, at) SELECT seq, 0, 'call-' || seq, created FROM @delivery`)
	exec(t, `INSERT INTO @ref (delivery_seq, n, ref, at)
		SELECT seq, 1, CAST(9000000000 + seq % 100000 AS text), created FROM @delivery`)
	exec(t, `INSERT INTO @ref (delivery_seq, n, ref, at)
		SELECT seq, 2, 'popular', created FROM @delivery WHERE seq % 2 = 0`)
	exec(t, `INSERT INTO @tally (webhook_id, hour, outcome, n)
		SELECT webhook_id, created - created % 3600000000, state, count(*) FROM @delivery GROUP BY 1, 2, 3`)
	exec(t, `INSERT INTO @attempt (seq, gen, n, at, duration, status, class, error)
		SELECT seq, 0, 1, created, 1000, 200, '', '' FROM @delivery`)
}

// Plans has an engine on the spy run all its statements, and calls check with each, and
// whether it was run after the dialect's InOrder.
func Plans[T any](
	t *testing.T, spy *Spy[T], e *durable.Engine[T], check func(t *testing.T, stmt store.Stmt, ordered bool),
) {
	for _, f := range slices.Concat(planned(wanted), byClass()) {
		page, err := e.List(t.Context(), f)
		require.NoError(t, err)
		f.After = page.Next
		_, err = e.List(t.Context(), f)
		require.NoError(t, err)
	}
	r := record(func(d queue.Delivery) queue.Verdict {
		switch {
		case strings.HasPrefix(d.ID, "canceled"):
			return queue.Verdict{Kind: queue.KindDefer, After: time.Hour}
		case d.N == 1:
			return queue.Verdict{Kind: queue.KindRetry, Attempt: &webhook.Attempt{At: time.Now(), Status: 503}}
		default:
			return queue.Verdict{Kind: queue.KindDone}
		}
	})
	stop := Run(t, e, r.handle)
	require.NoError(t, e.Enqueue(t.Context(), append(ordered("o1", "o2"), Task("single"), Task("canceled"))...))
	finally(t, e, "single", durable.StateDelivered)
	finally(t, e, "o2", durable.StateDelivered)
	ok, err := e.Cancel(t.Context(), "canceled")
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, e.Resend(t.Context(), "o1"))
	for _, f := range planned(wanted) {
		for _, f.State = range []durable.State{"", durable.StateDelivered} {
			if _, err = e.ResendMatching(t.Context(), f, 1); !errors.Is(err, durable.ErrFilter) {
				require.NoError(t, err)
			}
		}
	}
	for _, f := range byClass() {
		if _, err = e.ResendMatching(t.Context(), f, 1); !errors.Is(err, durable.ErrFilter) {
			require.NoError(t, err)
		}
	}
	require.NoError(t, e.Enqueue(t.Context(), referred("referred", "subject", "1", "2", "3", "4", "5")))
	require.NoError(t, e.Enqueue(t.Context(), later("later")))
	require.NoError(t, e.RetryNow(t.Context(), "later"))
	for _, f := range slices.Concat(planned(wanted), byClass()) {
		_, err = e.Count(t.Context(), f)
		require.NoError(t, err)
	}
	for _, hook := range []string{"", "hook-0"} {
		_, err = e.Tallies(t.Context(), hook, time.Now().Add(-time.Hour), time.Now())
		require.NoError(t, err)
	}
	_, err = e.Supersede(t.Context(), "o", 0)
	require.NoError(t, err)
	_, _, err = e.Newest(t.Context(), "o")
	require.NoError(t, err)
	planEndpoints(t, e)
	_, err = e.Stats(t.Context(), 10)
	require.NoError(t, err)
	_, err = e.Attempts(t.Context(), "single")
	require.NoError(t, err)
	_, err = e.Message(t.Context(), "single")
	require.NoError(t, err)
	finally(t, e, "o1", durable.StateDelivered)
	stop()
	planEvents(t, e)
	planSecrets(t, spy, e)
	planExport(t, e)
	planErase(t, e)
	spy.mu.Lock()
	stmts, ordered := maps.Clone(spy.stmts), maps.Clone(spy.ordered) // the engine may write its tallies a moment later
	spy.mu.Unlock()
	require.Greater(t, len(stmts), 130)
	for _, stmt := range stmts {
		if !strings.HasPrefix(stmt.SQL, "SET ") { // that has no plan
			check(t, stmt, ordered[stmt.SQL])
		}
	}
}

// planEvents runs the statements that have to do with events.
func planEvents[T any](t *testing.T, e *durable.Engine[T]) {
	hooks, q, _ := dispatcher(t, e, queue.Config{Ordered: true})
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "again", sent))
	ok, err := e.Cancel(t.Context(), "again")
	require.NoError(t, err)
	require.True(t, ok)
	d, err := hooks.Recompose(t.Context(), "again")
	require.NoError(t, err)
	require.Equal(t, "again", d.Of)
	broken := hook()
	broken.Body = `{{payload.staus}}`
	_, err = hooks.Update(t.Context(), broken, 1)
	require.NoError(t, err)
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "fault", sent), durable.ErrNotComposed)
	require.ErrorIs(t, hooks.DispatchID(t.Context(), hookID, "replaced", sent), durable.ErrNotComposed)
	mend(t, hooks, 2)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "replaced", sent))
	_, err = hooks.Recompose(t.Context(), "fault")
	require.NoError(t, err)
	_, err = hooks.Compare(t.Context(), hook(), 0)
	require.NoError(t, err)
	few := wanted
	few.Tenant = "tenant-3" // which has few
	few.From, few.To = time.Now().Add(-10*time.Minute), time.Now().Add(time.Hour)
	for _, f := range planned(few) {
		if f.WebhookID != "" {
			f.WebhookID = "hook-1" // which has few
		}
		_, err := hooks.RecomposeMatching(t.Context(), f, 0)
		if f.WebhookID == "" && f.From.IsZero() && f.Ref == "" && f.Subject == "" && f.Tenant == "" {
			require.ErrorIs(t, err, durable.ErrFilter)
		} else if err != nil {
			require.ErrorIs(t, err, webhook.ErrNotFound)
		}
	}
	_, err = q.Stats(t.Context())
	require.NoError(t, err)
	require.NoError(t, hooks.DispatchID(t.Context(), hookID, "ends", sent))
	_, err = hooks.Version(t.Context(), hookID, 1)
	require.NoError(t, err)
	for _, f := range webhookFilters() {
		_, err = hooks.List(t.Context(), f)
		require.NoError(t, err)
	}
	of, err := hooks.Tenant("tenant-0")
	require.NoError(t, err)
	_, err = of.Get(t.Context(), hookID)
	require.ErrorIs(t, err, webhook.ErrNotFound)
	history, err := e.Tenant("tenant-0")
	require.NoError(t, err)
	_, err = history.Message(t.Context(), "again")
	require.ErrorIs(t, err, webhook.ErrNotFound)
	_, err = history.Tallies(t.Context(), "", time.Now().Add(-time.Hour), time.Now())
	require.NoError(t, err)
	require.NoError(t, hooks.SetTenant(t.Context(), hookID, "tenant-set"))
	require.NoError(t, hooks.Delete(t.Context(), hookID))
	require.ErrorIs(t, q.Enable(t.Context(), hookID, ""), webhook.ErrNotFound)
}

// webhookFilters are those that have an index each.
func webhookFilters() []durable.WebhookFilter {
	return []durable.WebhookFilter{
		{Limit: 1},
		{Limit: 1, State: queue.StatePaused},
		{Limit: 1, Tenant: "tenant-1"},
		{Limit: 1, Tenant: "tenant-1", State: queue.StatePaused},
	}
}

// planSecrets runs the statements that have to do with secrets and sealing.
func planSecrets[T any](t *testing.T, spy *Spy[T], e *durable.Engine[T]) {
	hooks := e.Webhooks(nil)
	_, err := hooks.Create(t.Context(), hookOf(otherID))
	require.NoError(t, err)
	_, err = hooks.Rotate(t.Context(), otherID, time.Hour)
	require.NoError(t, err)
	_, err = hooks.SetSecret(t.Context(), otherID, webhook.GenerateSecret())
	require.NoError(t, err)
	reveal(t, hooks.Keyring(), otherID)
	var sealing durable.Engine[T]
	config := Seal(durable.Config{})
	require.NoError(t, store.Open(&sealing, spy, config))
	answered := spy.Dialect().SQL(`UPDATE @attempt SET answer = 'a', location = 'l' WHERE seq % 20 = 1 AND seq < 200`)
	require.NoError(t, spy.Store.Run(t.Context(), store.Stmt{SQL: answered}))
	// The messages that Fill has inserted cannot be read.
	done, err := sealing.Reseal(t.Context(), 100)
	require.Greater(t, done, 50)
	if err != nil {
		require.ErrorContains(t, err, "values stay as they are, the first since: queue: message encoded by version")
	}
}

// IsPage reports whether a statement reads deliveries in their order.
func IsPage(sql string) bool {
	return strings.Contains(sql, "ORDER BY created") || strings.Contains(sql, "ORDER BY at DESC") || isHooks(sql) ||
		strings.Contains(sql, "ORDER BY ended")
}

// isHooks reports whether a statement lists webhooks.
func isHooks(sql string) bool {
	return strings.Contains(sql, "version = 1 AND deleted = 0") && strings.Contains(sql, "ORDER BY id")
}

// planEndpoints has a delivery parked and sent after all, by an engine that runs.
func planEndpoints[T any](t *testing.T, e *durable.Engine[T]) {
	task := Task("parked")
	task.Key = "paused"
	_, err := queue.SetState(t.Context(), e, task.Key, queue.StatePaused, "")
	require.NoError(t, err)
	require.NoError(t, e.Enqueue(t.Context(), task))
	_, err = queue.SetState(t.Context(), e, task.Key, queue.StateEnabled, "")
	require.NoError(t, err)
	finally(t, e, task.ID, durable.StateDelivered)
	_, err = e.Changed(t.Context(), 0)
	require.NoError(t, err)
	_, err = e.EndpointChanges(t.Context(), task.Key, 0, 0)
	require.NoError(t, err)
}

// Index matches the names of the indexes that a page may be read from.
func Index(sql string) string {
	switch {
	case isHooks(sql):
		tenant, state := strings.Contains(sql, " tenant ="), strings.Contains(sql, " state =")
		switch {
		case tenant && state:
			return "ringhook_webhook_tenant_state"
		case tenant:
			return "ringhook_webhook_tenant$"
		case state:
			return "ringhook_webhook_state"
		}
		return "ringhook_webhook_all"
	case strings.Contains(sql, "ORDER BY ended"):
		return "ringhook_delivery_ended"
	case strings.Contains(sql, " ref ="):
		return "ringhook_ref_ref"
	case strings.Contains(sql, " subject ="):
		return "ringhook_delivery_subject"
	}
	switch {
	case strings.Contains(sql, "webhook_id || '' ="):
		return "ringhook_delivery_class_webhook"
	case strings.Contains(sql, "class || '' =") && strings.Contains(sql, "tenant || '' =") && !strings.Contains(sql, "key ="):
		return "ringhook_delivery_class_tenant"
	case strings.Contains(sql, " class ="):
		return "ringhook_delivery_class$"
	}
	event := strings.Contains(sql, " event =")
	switch webhook, key := strings.Contains(sql, "webhook_id ="), strings.Contains(sql, "key ="); {
	case strings.Contains(sql, "parked = 1"):
		return "ringhook_delivery_parked"
	case webhook && event:
		return "ringhook_delivery_webhook_event"
	case webhook && key:
		return "ringhook_delivery_(webhook|key)"
	case webhook:
		return "ringhook_delivery_webhook$"
	case key:
		return "ringhook_delivery_key"
	case strings.Contains(sql, " tenant =") && event:
		return "ringhook_delivery_tenant_event"
	case strings.Contains(sql, " tenant ="):
		return "ringhook_delivery_tenant$"
	case event:
		return "ringhook_delivery_event"
	default:
		return "ringhook_delivery_state"
	}
}

// List reports how long pages take among a million deliveries, in milliseconds: the
// slowest first page of all combinations of filters, the slowest one of the middle, and
// one for which half of all have to be read; pages of refs and subjects; and counts.
func List[T any](b *testing.B, e *durable.Engine[T], exec func(t testing.TB, sql string)) {
	Fill(b, 1_000_000, exec)
	exec(b, `ANALYZE @delivery`)
	slowest := func(f durable.Filter, name string) {
		var worst time.Duration
		for _, f := range filters(f) {
			// More than five times, after which Postgres may use a plan for all values.
			times := make([]time.Duration, 0, 9)
			for range cap(times) {
				begun := time.Now()
				_, err := e.List(b.Context(), f)
				require.NoError(b, err)
				times = append(times, time.Since(begun))
			}
			slices.Sort(times)
			worst = max(worst, times[len(times)/2])
		}
		b.ReportMetric(float64(worst.Microseconds())/1000, name)
	}
	first := base(wanted)
	first.To = time.Time{}
	slowest(first, "ms-first")
	slowest(base(wanted), "ms-middle")
	rare := base(wanted)
	rare.Event = "whatsapp:message:in"
	slowest(rare, "ms-rare")
	for name, f := range map[string]durable.Filter{
		"ms-class": {Class: webhook.ClassUnreachable}, "ms-status": {Status: 500}, "ms-status-rare": {Status: 404, Event: "dialer:cdr"},
	} {
		f.Tenant, f.WebhookID = wanted.Tenant, wanted.WebhookID
		slowest(f, name)
	}
	// What has an index of its own, alone and with all that there may be beside it.
	slowest(durable.Filter{Ref: wanted.Ref}, "ms-ref")
	slowest(durable.Filter{Subject: wanted.Subject}, "ms-subject")
	slowest(wanted, "ms-all")
	slowest(durable.Filter{Ref: "popular"}, "ms-popular")
	slowest(durable.Filter{Ref: "popular", WebhookID: wanted.WebhookID, State: durable.StateDelivered}, "ms-popular-some")
	slowest(durable.Filter{Ref: "popular", Event: rare.Event}, "ms-popular-rare")
	median := func(name string, what func() error) {
		times := make([]time.Duration, 0, 9)
		for range cap(times) {
			begun := time.Now()
			require.NoError(b, what())
			times = append(times, time.Since(begun))
		}
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, name)
	}
	count := func(f durable.Filter) func() error {
		return func() error {
			_, err := e.Count(b.Context(), f)
			return err
		}
	}
	median("ms-count", count(durable.Filter{}))
	median("ms-count-webhook", count(durable.Filter{WebhookID: wanted.WebhookID}))
	median("ms-count-ref", count(durable.Filter{Ref: wanted.Ref}))
	median("ms-count-popular", count(durable.Filter{Ref: "popular"}))
	tallies := func(webhookID string) func() error {
		return func() error {
			_, err := e.Tallies(b.Context(), webhookID, time.Now().Add(-24*time.Hour), time.Now())
			return err
		}
	}
	median("ms-tallies", tallies(""))
	median("ms-tallies-webhook", tallies(wanted.WebhookID))
	hooks := e.Webhooks(nil)
	for i, name := range []string{"", "-state", "-tenant", "-tenant-state"} {
		median("ms-webhooks"+name, func() error {
			_, err := hooks.List(b.Context(), webhookFilters()[i])
			return err
		})
	}
	median("ms-stats", func() error {
		_, err := e.Stats(b.Context(), 20)
		return err
	})
	b.ReportMetric(0, "ns/op")
}

// ResendMatching reports how many failed deliveries are resent in a second, of 100,000.
func ResendMatching[T any](b *testing.B, e *durable.Engine[T], exec func(t testing.TB, sql string)) {
	const n = 100_000
	Fill(b, n, exec)
	exec(b, `UPDATE @delivery SET state = 'failed', ended = created, webhook_id = 'hook-0'`)
	begun := time.Now()
	got, err := e.ResendMatching(b.Context(), durable.Filter{WebhookID: "hook-0"}, 0)
	require.NoError(b, err)
	require.Equal(b, n, got)
	b.ReportMetric(n/time.Since(begun).Seconds(), "resent/s")
	b.ReportMetric(0, "ns/op")
}
