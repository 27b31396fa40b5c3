package durable

import (
	"strings"

	"github.com/ringhook/webhook/durable/internal/store"
)

// statements are those that an engine runs, in the dialect of its store.
type statements struct {
	version, riverVersion, otherQueue, otherKind string // schema.go
	deleteFault, deleteFaultEvent, kept          string // enqueue.go
	deleteFaultRefs                              string // enqueue.go
	hold, sent                                   string // book.go
	ordering, cancel, supersede, newest          string // order.go
	release, promote                             string // order.go
	totals, busiest, paused                      string // stats.go
	expired, forgetAttempts, forget              string // sweep.go
	forgetEvent                                  string // sweep.go
	forgetRefs                                   string // sweep.go
	jobless, unreleased, inactive                string // revive.go
	endpoint, endpointsAfter, endpointLog        string // endpoint.go
	logEndpoint, setEndpoint                     string // endpoint.go
	park, parkedKeys, unpark                     string // endpoint.go
	create, update                               string // webhooks.go
	atVersion                                    string // webhooks.go
	get, message, seq, attempts                  string // history.go
	ended, resend                                string // resend.go
	source, replace                              string // recompose.go
	successor, unchanged, succeed                string // recompose.go
	lastEvents                                   string // compare.go
	state, hurry                                 string // hurry.go
	tallies, tallyUp, forgetTallies              string // tally.go
	present, absent, processes, now              string // presence.go
	oldestJob                                    string // health.go
	secrets, newestSecret, addSecret, endSecrets string // secret.go
	forgetSecrets, deleteSecrets                 string // secret.go
	secretsChanged, secretsRev                   string // secret.go
	walkWebhooks, walkSecrets, walkDeliveries    string // reseal.go
	walkAttempts, resealWebhook, resealSecret    string // reseal.go
	resealEvent, resealMessage, resealContent    string // reseal.go
	resealSubject, resealOrdering, resealRef     string // reseal.go
	tombstone, entomb, clearVersions             string // delete.go
	purged, purgeDue, logDeleted, endEndpoint    string // delete.go
	pendingOf, cancelDeleted                     string // delete.go
	messagesOf, wipe, wipeAttempts               string // delete.go
	running, erase, eraseAttempts                string // erase.go
	erasable, eraseEvent, eraseRefs              string // erase.go
	exportMessage, exportEvent, exportAttempts   string // export.go
	subscribe, subscriptions, subscriptionLog    string // subscribe.go
	unindex, index, subscribers                  string // subscribe.go
	forgetSubscriptions, moveSubscribers         string // subscribe.go
	walkSubscriptions, resealSubscriptions       string // subscribe.go
	indexed                                      string // subscribe.go
	share, unused, walkShared                    string // shared.go
	lockShared                                   string // shared.go; empty: not needed
	resealShared, sharedAfter                    string // shared.go

	insert, refs, keepEvent                    store.Many // enqueue.go
	load, attempt, postpone, block, retry, end store.Many // book.go
	current                                    store.Many // definition.go
	depth                                      store.Many // depth.go

	list [4]string // webhooks.go: by nothing, state, tenant, both

	resealAnswer [len(answerColumns)]string // reseal.go

	deliveryTenant, webhookTenant, copyState string // tenant.go
	prove, unproved, isUnproved              string // verify.go
	setTenant, tenantTallies, moveDelivery   string // tenant_set.go
	ofNobody                                 [len(states)]string
}

// ours is a delivery as a worker has loaded it, which mine are the columns of. Another
// worker that has taken it over holds it until another time, or has written an attempt
// down.
const (
	mine = `my_seq bigint, my_gen bigint, my_attempts bigint, my_held bigint`
	ours = `seq = r.my_seq AND gen = r.my_gen AND attempts = r.my_attempts AND held = r.my_held
		AND state IN ('pending', 'canceled')`
)

// aside is held of a delivery in an ordering whose message could not be read: those behind
// it go first, and it is tried again when none of them waits.
const aside = `-1`

// withoutJob leaves the deliveries that have no job of River's. It is not a join: without
// statistics, and always on SQLite, a join reads all jobs for each delivery. The column
// before it is +seq, or SQLite would read all deliveries in that order.
const withoutJob = ` EXCEPT SELECT CAST(args->>'seq' AS bigint), CAST(args->>'gen' AS bigint)
	FROM #river_job WHERE kind = 'ringhook' AND finalized_at IS NULL LIMIT $2`

func newStatements(d store.Dialect) statements {
	var s statements
	s.forLayout(d)
	s.forWork(d)
	s.forOrders(d)
	s.forUpkeep(d)
	s.forEndpoints(d)
	s.forWebhooks(d)
	s.forHistory(d)
	s.forEvents(d)
	s.forTallies(d)
	s.forPresence(d)
	s.forSecrets(d)
	s.forReseal(d)
	s.forDelete(d)
	s.forTenants(d)
	s.forVerify(d)
	s.forErasure(d)
	s.forExport(d)
	s.forSubscriptions(d)
	s.forShared(d)
	return s
}

func (s *statements) forLayout(d store.Dialect) {
	s.version = d.SQL(`SELECT coalesce(max(version), 0) FROM @migration`)
	s.riverVersion = d.SQL(`SELECT coalesce(max(version), 0) FROM #river_migration`)
	// River's clients keep a row for each of their queues.
	s.otherQueue = d.SQL(`SELECT min(name) FROM #river_queue WHERE name <> 'ringhook'`)
	// An index has the first and the last of the kinds.
	s.otherKind = d.SQL(`SELECT min(kind) FROM
			(SELECT min(kind) AS kind FROM #river_job UNION ALL SELECT max(kind) FROM #river_job) AS ends
		WHERE kind <> 'ringhook'`)
}

// forWork sets what enqueues a delivery and takes it through its attempts.
func (s *statements) forWork(d store.Dialect) {
	// In an ordering, a delivery is active only if there is no other. In a transaction
	// that may not see others, none is: it becomes active after the commit. One that is
	// parked by mistake, since its endpoint has just been enabled, gets its job later.
	// One that has failed before any attempt has no message, and is no part of an ordering.
	s.insert = d.Many(`INSERT INTO @delivery
			(id, webhook_id, webhook_version, key, event, ordering, rank, state, active, created, due, ended,
				class, error, message, content, subject, tenant, parked)
		SELECT r.id, r.webhook_id, r.version, r.key, r.event, r.ordering, r.rank, r.state,
			CASE WHEN r.state <> 'pending' OR r.ordering IS NOT NULL AND (STALE OR EXISTS
				(SELECT 1 FROM @delivery WHERE ordering = r.ordering AND (active = 1 OR state = 'pending')))
			THEN 0 ELSE 1 END,
			r.created, r.due, CASE WHEN r.state = 'pending' THEN NULL ELSE r.created END,
			r.class, r.error, r.message, r.content, r.subject,
			` + strings.ReplaceAll(tenantOf, "$2", "r.webhook_id") + `, CASE WHEN r.state = 'pending' AND EXISTS
				(SELECT 1 FROM @endpoint WHERE key = r.key AND state = 'paused') THEN 1 ELSE 0 END
		FROM ROWS(id text, webhook_id text, version bigint, key text, event text, ordering text, rank bigint,
			state text, created bigint, due bigint, class text, error text, message BLOB, content BLOB, subject text)
		WHERE true ORDER BY r.n
		ON CONFLICT (id) DO NOTHING RETURNING id, seq, active, CASE WHEN STALE THEN 1 ELSE 0 END, parked`)
	// By its Content as it is stored with an IndexKey, and without.
	const fault = `id = $1 AND length(message) = 0 AND erased = 0 AND webhook_id = $2
		AND (content IS NULL OR content = $3 OR content = $4)`
	s.deleteFaultEvent = d.SQL(`DELETE FROM @event WHERE seq IN (SELECT seq FROM @delivery WHERE ` + fault + `)
		RETURNING shared`)
	s.deleteFaultRefs = d.SQL(`DELETE FROM @ref
		WHERE delivery_seq IN (SELECT seq FROM @delivery WHERE ` + fault + `)`)
	s.deleteFault = d.SQL(`DELETE FROM @delivery WHERE ` + fault)
	// Not by a join: as long as there are few deliveries, Postgres would read all of them.
	s.keepEvent = d.Many(`INSERT INTO @event (seq, type, json, shared) SELECT * FROM
			(SELECT (SELECT seq FROM @delivery WHERE id = r.id AND erased = 0) AS seq_of, r.type, r.json, r.shared
			FROM ROWS(id text, type text, json BLOB, shared text)) AS events
		WHERE seq_of IS NOT NULL ON CONFLICT DO NOTHING`)
	// Nothing is added to a delivery that was there before. Those that one has already are
	// left out.
	s.refs = d.Many(`INSERT INTO @ref (delivery_seq, n, ref, at) SELECT * FROM
			(SELECT (SELECT seq FROM @delivery WHERE id = r.id AND created = r.created) AS seq_of,
				r.place, r.ref, r.created
			FROM ROWS(id text, created bigint, place bigint, ref text)) AS refs
		WHERE seq_of IS NOT NULL ON CONFLICT DO NOTHING`)
	s.kept = d.SQL(`SELECT webhook_id, message, content, CASE WHEN tenant = ` + tenantOf + ` THEN 1 ELSE 0 END,
			erased, state
		FROM @delivery WHERE id = $1`)

	s.load = d.Many(`SELECT r.n, id, key, ordering, state, active, attempts, created, due, held, message, content, ` +
		refsColumn + `, coalesce((SELECT CASE WHEN state = 'disabled' AND coalesce(
				(SELECT deleted FROM @webhook AS gone WHERE gone.id = d.key AND gone.version = 1), 0) > 0
			THEN 'deleted' ELSE state END FROM @endpoint WHERE key = d.key), 'enabled'),
			CASE WHEN gen = hurried THEN 0 ELSE coalesce((SELECT at FROM @attempt AS first
				WHERE first.seq = d.seq AND first.gen = d.gen - d.hurried AND first.n = 1), -1) END, tenant,
			coalesce((SELECT proved FROM @webhook AS v WHERE v.id = d.webhook_id AND v.version = d.webhook_version), 1)
		FROM @delivery AS d, ROWS(my_seq bigint, my_gen bigint) WHERE seq = r.my_seq AND gen = r.my_gen`)
	s.hold = d.SQL(`UPDATE @delivery SET held = $4
		WHERE seq = $1 AND gen = $2 AND state = 'pending' AND active = 1 AND held NOT BETWEEN $3 AND $5
		RETURNING seq`)
	s.attempt = d.Many(`INSERT INTO @attempt (seq, gen, n, at, duration, status, class, error,
			requests, arrived, want, answer, location, header, problem)
		SELECT seq, gen - hurried, attempts + 1, r.at, r.duration, r.status, r.class, r.error,
			r.requests, r.arrived, r.want, CASE WHEN erased = 0 THEN r.answer ELSE '' END,
			CASE WHEN erased = 1 OR r.location = '' OR ` + ofDeleted + ` THEN '' ELSE r.location END,
			CASE WHEN erased = 0 THEN r.header ELSE '' END, r.problem
		FROM @delivery, ROWS(` + mine + `, at bigint, duration bigint, status bigint, class text, error text,
			requests bigint, arrived bigint, want text, answer text, location text, header text, problem text)
		WHERE ` + ours + ` ON CONFLICT DO NOTHING`)
	s.sent = d.SQL(`UPDATE @delivery SET sent = 1 WHERE seq = $1`)
	update := func(set, columns string) store.Many {
		return d.Many(`UPDATE @delivery SET ` + set + ` FROM ROWS(` + mine + columns + `)
			WHERE ` + ours + ` RETURNING r.n, state`)
	}
	s.postpone = update(`due = r.due, held = 0`, `, due bigint`)
	s.block = update(`due = r.due, held = CASE WHEN ordering IS NULL THEN 0 ELSE `+aside+` END, error = r.error`,
		`, due bigint, error text`)
	s.retry = update(`due = r.due, held = 0, attempts = attempts + 1, status = r.status, class = r.class,
		error = r.error`, `, due bigint, status bigint, class text, error text`)
	// One that was canceled during the attempt stays so, for the same reason, unless it
	// was delivered.
	s.end = update(`state = CASE WHEN state = 'pending' OR r.outcome = 'delivered' THEN r.outcome ELSE state END,
			reason = CASE WHEN state = 'pending' OR r.outcome = 'delivered' THEN r.cause ELSE reason END,
			ended = r.at, held = 0, attempts = r.tries, status = r.status, class = r.class, error = r.error`,
		`, outcome text, cause text, at bigint, tries bigint, status bigint, class text, error text`)
}

func (s *statements) forOrders(d store.Dialect) {
	s.ordering = d.SQL(`SELECT ordering FROM @delivery WHERE id = $1 AND ordering IS NOT NULL`)
	// In an ordering, one that is held stays active: its worker goes on to the next.
	s.cancel = d.SQL(`UPDATE @delivery SET state = 'canceled', ended = $2,
			active = CASE WHEN ordering IS NOT NULL AND held NOT BETWEEN $2 AND $3 THEN 0 ELSE active END
		WHERE id = $1 AND state = 'pending' RETURNING seq, webhook_id`)
	s.supersede = d.SQL(`UPDATE @delivery SET state = 'dropped', reason = 'superseded', ended = $3, active = 0
		WHERE ordering = $1 AND state = 'pending' AND rank > 0 AND rank < $2 AND held NOT BETWEEN $3 AND $4
		RETURNING seq, id, key, due, message, content, ` + refsColumn + `, webhook_id, event`)
	s.newest = d.SQL(`SELECT max(rank) FROM @delivery
		WHERE ordering = $1 AND state = 'pending' AND held NOT BETWEEN $2 AND $3`)
	s.release = d.SQL(`UPDATE @delivery SET active = 0
		WHERE seq = $1 AND gen = $2 AND (state <> 'pending' OR held = ` + aside + `)`)
	const first = `SELECT seq FROM @delivery WHERE ordering = $1 AND state = 'pending' AND held `
	s.promote = d.SQL(`UPDATE @delivery SET active = 1, parked = 0
		WHERE seq = coalesce((` + first + `<> ` + aside + ` ORDER BY seq LIMIT 1),
				(` + first + `= ` + aside + ` AND due = (SELECT min(due) FROM @delivery
					WHERE ordering = $1 AND state = 'pending' AND held = ` + aside + `) ORDER BY seq LIMIT 1))
			AND NOT EXISTS (SELECT 1 FROM @delivery WHERE ordering = $1 AND active = 1)
		RETURNING seq, gen, due`)
}

func (s *statements) forUpkeep(d store.Dialect) {
	s.totals = d.SQL(`SELECT count(*), count(CASE WHEN due <= $1 AND held = 0 THEN 1 END),
			count(CASE WHEN held = 1 THEN 1 END), min(CASE WHEN held = 0 THEN created END)
		FROM (SELECT due, created,
				CASE WHEN key IN (SELECT key FROM @endpoint WHERE state = 'paused') THEN 1 ELSE 0 END AS held
			FROM @delivery WHERE state = 'pending') AS d`)
	s.paused = d.SQL(`SELECT key FROM @endpoint WHERE state = 'paused'`)
	s.busiest = d.SQL(`SELECT key, count(*) FROM @delivery
		WHERE state = 'pending' GROUP BY key ORDER BY 2 DESC, 1 LIMIT $1`)

	s.expired = d.SQL(`SELECT seq FROM @delivery
		WHERE erased = $4 AND state = $1 AND ended IS NOT NULL AND ended < $2 ORDER BY ended LIMIT $3`)
	s.forgetAttempts = d.SQL(`DELETE FROM @attempt
		WHERE seq = $1 AND NOT EXISTS (SELECT 1 FROM @delivery WHERE seq = $1)`)
	s.forgetEvent = d.SQL(`DELETE FROM @event
		WHERE seq = $1 AND NOT EXISTS (SELECT 1 FROM @delivery WHERE seq = $1) RETURNING shared`)
	s.forgetRefs = d.SQL(`DELETE FROM @ref
		WHERE delivery_seq = $1 AND NOT EXISTS (SELECT 1 FROM @delivery WHERE seq = $1)`)
	s.forget = d.SQL(`DELETE FROM @delivery WHERE seq = $1 AND state = $2 AND ended < $3`)

	s.jobless = d.SQL(`SELECT +seq, gen FROM @delivery
		WHERE state = 'pending' AND active = 1 AND parked = 0 AND due < $1` + withoutJob)
	// Those that have ended, and whose turn in an ordering has not.
	s.unreleased = d.SQL(`SELECT +seq, gen FROM @delivery
		WHERE ordering > '' AND ordering IS NOT NULL AND active = 1
			AND state <> 'pending' AND ended < $1` + withoutJob)
	// Orderings without an active delivery.
	s.inactive = d.SQL(`SELECT ordering FROM @delivery AS d
		WHERE state = 'pending' AND ordering IS NOT NULL AND due < $1
			AND NOT EXISTS (SELECT 1 FROM @delivery WHERE ordering = d.ordering AND active = 1)
		GROUP BY ordering LIMIT $2`)
}

func (s *statements) forWebhooks(d store.Dialect) {
	// Of two that add the same version, the primary key lets one through.
	s.create = d.SQL(`INSERT INTO @webhook (id, version, disabled, changed, definition, tenant, actor, state)
		VALUES ($1, 1, 0, $2, $3, $4, $5, coalesce((SELECT state FROM @endpoint WHERE key = $1), 'enabled'))
		ON CONFLICT DO NOTHING RETURNING version`)
	s.update = d.SQL(`INSERT INTO @webhook (id, version, disabled, changed, definition, tenant, actor, proved)
		SELECT id, version + 1, 0, CAST($3 AS bigint), CAST($4 AS text), tenant, CAST($5 AS text), proved
			FROM @webhook WHERE id = $1 AND version = $2 AND deleted = 0
		ON CONFLICT DO NOTHING RETURNING version`)
	const state = `coalesce(e.state, 'enabled'), coalesce(e.reason, ''), coalesce(e.actor, ''),
			coalesce(e.since, 0), coalesce(e.failing_since, 0), w.tenant, w.actor, w.proved`
	const from = ` FROM @webhook AS w LEFT JOIN @endpoint AS e ON e.key = w.id`
	s.current = d.Many(`SELECT r.n, w.id, w.version, w.changed,
			CASE WHEN w.version = r.version AND w.changed = r.changed THEN '' ELSE w.definition END, ` + state + from + `,
			ROWS(id text, version bigint, changed bigint)
		WHERE w.id = r.id AND w.deleted = 0
			AND w.version = (SELECT max(version) FROM @webhook WHERE id = r.id AND deleted = 0)`)
	s.atVersion = d.SQL(`SELECT w.id, w.version, w.changed, w.definition, ` + state + from + `
		WHERE w.id = $1 AND w.version = $2 AND w.deleted = 0`)
	for i, where := range []string{``, ` AND state = $3`, ` AND tenant = $3`, ` AND tenant = $3 AND state = $4`} {
		s.list[i] = d.SQL(`SELECT id FROM @webhook WHERE version = 1 AND deleted = 0` + where + ` AND id > $1
			ORDER BY id LIMIT $2`)
	}
}

func (s *statements) forHistory(d store.Dialect) {
	s.get = d.SQL(`SELECT ` + columns + ` FROM @delivery WHERE id = $1`)
	s.message = d.SQL(`SELECT message, content, ` + refsColumn + ` FROM @delivery WHERE id = $1`)
	s.seq = d.SQL(`SELECT seq FROM @delivery WHERE id = $1`)
	s.state = d.SQL(`SELECT state, CASE WHEN ` + ofDeleted + ` THEN 1 ELSE 0 END FROM @delivery WHERE id = $1`)
	s.attempts = d.SQL(`SELECT ` + attemptColumns + `, ` + strings.Join(answerColumns[:], ", ") + `
		FROM @attempt WHERE seq = $1 ORDER BY gen, n`)

	s.ended = d.SQL(`SELECT ` + endedColumns + ` FROM @delivery WHERE id = $1`)
	// In an ordering, it becomes active by promote.
	s.resend = d.SQL(`UPDATE @delivery SET state = 'pending', reason = '', gen = gen + 1, attempts = 0,
			due = $3, held = 0, ended = NULL, status = 0, class = '', error = '', parked = 0,
			active = CASE WHEN ordering IS NULL THEN 1 ELSE 0 END
		WHERE seq = $1 AND state = $2 AND held NOT BETWEEN $3 AND $4 AND erased = 0 RETURNING gen, active`)
	// Not one that is handed out, which is due. In an ordering, only the first has a job.
	s.hurry = d.SQL(`UPDATE @delivery SET due = $2, gen = gen + active, hurried = hurried + active,
			parked = 0
		WHERE id = $1 AND state = 'pending' AND due > $2 AND held NOT BETWEEN $2 AND $3
		RETURNING seq, gen, active`)
}

func (s *statements) forTallies(d store.Dialect) {
	s.tallyUp = d.SQL(`INSERT INTO @tally AS t (webhook_id, hour, outcome, n) VALUES ($1, $2, $3, $4)
		ON CONFLICT (webhook_id, hour, outcome) DO UPDATE SET n = t.n + excluded.n`)
	s.tallies = d.SQL(`SELECT hour, outcome, n FROM @tally
		WHERE webhook_id = $3 AND hour >= $1 AND hour < $2 ORDER BY hour`)
	s.forgetTallies = d.SQL(`DELETE FROM @tally WHERE hour < $1`)
}

// harmless are the classes of attempts that send nothing, for attempts of before it was
// kept whether they had sent anything: dns and blocked are unreachable since.
const harmless = `('dns', 'connect', 'tls', 'blocked', 'sign', 'invalid')`

func (s *statements) forEvents(d store.Dialect) {
	s.source = d.SQL(`SELECT d.seq, d.gen, d.state, d.ended, d.ordering, d.webhook_id, d.content,
			CASE WHEN d.sent = 1
				OR EXISTS (SELECT 1 FROM @attempt WHERE seq = d.seq AND (requests > 0 OR arrived = 1 AND class NOT IN ` + harmless + `))
				THEN 1 ELSE 0 END,
			(SELECT max(id) FROM @delivery WHERE of_id = d.id AND of_id <> ''), e.type, ` + eventJSON + `, e.shared
		FROM @delivery AS d LEFT JOIN @event AS e ON e.seq = d.seq WHERE d.id = $1`)
	// In an ordering, it becomes active by promote.
	s.replace = d.SQL(`UPDATE @delivery SET state = 'pending', reason = '', gen = gen + 1, attempts = 0,
			due = $4, held = 0, ended = NULL, status = 0, class = '', error = '',
			parked = 0, message = $6, content = $7, webhook_version = $8, key = $9, ordering = CAST($10 AS text), rank = $11,
			active = CASE WHEN CAST($10 AS text) IS NULL THEN 1 ELSE 0 END
		WHERE seq = $1 AND gen = $2 AND state = $3 AND held NOT BETWEEN $4 AND $5 AND erased = 0 AND sent = 0
			AND NOT EXISTS (SELECT 1 FROM @attempt WHERE seq = $1
				AND (requests > 0 OR arrived = 1 AND class NOT IN ` + harmless + `))
		RETURNING gen, active`)
	s.successor = d.SQL(`SELECT id FROM @delivery WHERE of_id = $1 AND of_id <> ''`)
	// It locks the row, so that nobody erases it until the other is there.
	s.unchanged = d.SQL(`UPDATE @delivery SET gen = gen
		WHERE seq = $1 AND gen = $2 AND state = $3 AND erased = 0 RETURNING seq`)
	s.succeed = d.SQL(`UPDATE @delivery SET of_id = $2 WHERE id = $1`)
	// As a page of the history, merged from the states.
	var parts []string
	for _, state := range states {
		parts = append(parts, `SELECT * FROM (SELECT created, seq, id FROM @delivery
			WHERE webhook_id = $1 AND state || '' = '`+string(state)+`' AND (created, seq) < ($2, $3)
			ORDER BY created DESC, seq DESC LIMIT $4) AS `+string(state))
	}
	s.lastEvents = d.SQL(`SELECT d.created, d.seq, d.id, e.type, ` + eventJSON + `, e.shared
		FROM (` + strings.Join(parts, ` UNION ALL `) + ` ORDER BY created DESC, seq DESC LIMIT $4) AS d
		LEFT JOIN @event AS e ON e.seq = d.seq ORDER BY d.created DESC, d.seq DESC`)
}
