package durable

import "github.com/ringhook/webhook/durable/internal/store"

// statements are what an engine runs, in the dialect of its store.
type statements struct {
	version, riverVersion                string // schema.go
	otherQueue, otherKind                string // schema.go
	insert                               string // enqueue.go
	fail, makeRoom                       string // enqueue.go
	load, hold, attempt, put, retry, end string // book.go
	ordering, cancel, supersede, newest  string // order.go
	release, promote                     string // order.go
	totals, busiest                      string // stats.go
	expired, forgetAttempts, forget      string // sweep.go
	lost, lostEnds, headless             string // revive.go
	create, update, disable              string // webhooks.go
	current, atVersion, list             string // webhooks.go
	get, message, seq, attempts          string // history.go
	ended, failed, resend                string // resend.go
}

// ours is the delivery that a worker has loaded, as long as no other has taken it over: that one holds it until another time,
// or has booked an attempt.
const ours = `seq = $1 AND gen = $2 AND attempts = $3 AND held = $4 AND state IN ('pending', 'canceled')`

// withoutJob leaves those deliveries that no job of River's will wake. It is no join, which without statistics, and always on
// SQLite, reads all jobs for each delivery. The column before it is +seq, or SQLite would read all deliveries in that order.
const withoutJob = ` EXCEPT SELECT CAST(args->>'seq' AS bigint), CAST(args->>'gen' AS bigint)
	FROM #river_job WHERE kind = 'ringhook' AND finalized_at IS NULL LIMIT $2`

func newStatements(d store.Dialect) statements {
	return statements{
		version:      d.SQL(`SELECT coalesce(max(version), 0) FROM @migration`),
		riverVersion: d.SQL(`SELECT coalesce(max(version), 0) FROM #river_migration`),
		// River's clients keep a row for each of their queues. Of the kinds, an index has both ends.
		otherQueue: d.SQL(`SELECT min(name) FROM #river_queue WHERE name <> 'ringhook'`),
		otherKind: d.SQL(`SELECT min(kind) FROM (SELECT min(kind) AS kind FROM #river_job UNION ALL SELECT max(kind) FROM #river_job) AS ends
			WHERE kind <> 'ringhook'`),

		// Only the first of an ordering that has no other is active, and none of a transaction that may not see the others: that
		// becomes active when it has committed.
		insert: d.SQL(`INSERT INTO @delivery (id, webhook_id, webhook_version, key, event, ordering, rank, state, active, created, due, message)
			VALUES ($1, $2, $10, $3, $4, $5, $6, 'pending',
				CASE WHEN CAST($5 AS text) IS NOT NULL AND (STALE OR EXISTS
					(SELECT 1 FROM @delivery WHERE ordering = $5 AND (active = 1 OR state = 'pending'))) THEN 0 ELSE 1 END,
				$7, $8, $9)
			ON CONFLICT (id) DO NOTHING RETURNING seq, active, CASE WHEN STALE THEN 1 ELSE 0 END`),
		// One without a message has failed before it began.
		fail: d.SQL(`INSERT INTO @delivery (id, webhook_id, webhook_version, key, event, rank, state, active, created, due, ended, class, error, message)
			VALUES ($1, $2, $3, $2, $4, 0, 'failed', 0, $5, $5, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`),
		makeRoom: d.SQL(`DELETE FROM @delivery WHERE id = $1 AND length(message) = 0`),

		load: d.SQL(`SELECT id, key, ordering, state, active, attempts, created, due, held, message,
				coalesce((SELECT disabled FROM @webhook WHERE id = d.webhook_id ORDER BY version DESC LIMIT 1), 0)
			FROM @delivery AS d WHERE seq = $1 AND gen = $2`),
		hold: d.SQL(`UPDATE @delivery SET held = $4 WHERE seq = $1 AND gen = $2 AND state = 'pending' AND active = 1 AND held NOT BETWEEN $3 AND $5 RETURNING seq`),
		attempt: d.SQL(`INSERT INTO @attempt (seq, gen, n, at, duration, status, class, error)
			SELECT seq, gen, attempts + 1, CAST($5 AS bigint), CAST($6 AS bigint), CAST($7 AS bigint), CAST($8 AS text), CAST($9 AS text)
			FROM @delivery WHERE ` + ours + ` ON CONFLICT DO NOTHING`),
		put: d.SQL(`UPDATE @delivery SET due = $5, held = 0 WHERE ` + ours + ` RETURNING state`),
		retry: d.SQL(`UPDATE @delivery SET due = $5, held = 0, attempts = attempts + 1, status = $6, class = $7, error = $8
			WHERE ` + ours + ` RETURNING state`),
		// What was canceled while it was under way remains so, unless it was delivered.
		end: d.SQL(`UPDATE @delivery SET state = CASE WHEN state = 'pending' OR $5 = 'delivered' THEN $5 ELSE state END,
				reason = $6, ended = $7, held = 0, attempts = $8, status = $9, class = $10, error = $11
			WHERE ` + ours + ` RETURNING state`),

		ordering: d.SQL(`SELECT ordering FROM @delivery WHERE id = $1 AND ordering IS NOT NULL`),
		// One of an ordering that is held stays its active one: its worker goes on to the next.
		cancel: d.SQL(`UPDATE @delivery SET state = 'canceled', ended = $2,
				active = CASE WHEN ordering IS NOT NULL AND held NOT BETWEEN $2 AND $3 THEN 0 ELSE active END
			WHERE id = $1 AND state = 'pending' RETURNING seq`),
		supersede: d.SQL(`UPDATE @delivery SET state = 'dropped', reason = 'superseded', ended = $3, active = 0
			WHERE ordering = $1 AND state = 'pending' AND rank < $2 AND held NOT BETWEEN $3 AND $4
			RETURNING seq, id, key, due, message`),
		newest:  d.SQL(`SELECT max(rank) FROM @delivery WHERE ordering = $1 AND state = 'pending' AND held NOT BETWEEN $2 AND $3`),
		release: d.SQL(`UPDATE @delivery SET active = 0 WHERE seq = $1 AND gen = $2 AND state <> 'pending'`),
		promote: d.SQL(`UPDATE @delivery SET active = 1
			WHERE seq = (SELECT seq FROM @delivery WHERE ordering = $1 AND state = 'pending' ORDER BY seq LIMIT 1)
				AND NOT EXISTS (SELECT 1 FROM @delivery WHERE ordering = $1 AND active = 1)
			RETURNING seq, gen, due`),

		totals:  d.SQL(`SELECT count(*), count(CASE WHEN due <= $1 THEN 1 END), min(created) FROM @delivery WHERE state = 'pending'`),
		busiest: d.SQL(`SELECT key, count(*) FROM @delivery WHERE state = 'pending' GROUP BY key ORDER BY 2 DESC, 1 LIMIT $1`),

		expired:        d.SQL(`SELECT seq FROM @delivery WHERE state = $1 AND ended IS NOT NULL AND ended < $2 ORDER BY ended LIMIT $3`),
		forgetAttempts: d.SQL(`DELETE FROM @attempt WHERE seq = $1 AND NOT EXISTS (SELECT 1 FROM @delivery WHERE seq = $1)`),
		forget:         d.SQL(`DELETE FROM @delivery WHERE seq = $1 AND state = $2 AND ended < $3`),

		lost: d.SQL(`SELECT +seq, gen FROM @delivery WHERE state = 'pending' AND active = 1 AND due < $1` + withoutJob),
		lostEnds: d.SQL(`SELECT +seq, gen FROM @delivery
			WHERE ordering > '' AND ordering IS NOT NULL AND active = 1 AND state <> 'pending' AND ended < $1` + withoutJob),
		headless: d.SQL(`SELECT ordering FROM @delivery AS d WHERE state = 'pending' AND ordering IS NOT NULL AND due < $1
			AND NOT EXISTS (SELECT 1 FROM @delivery WHERE ordering = d.ordering AND active = 1) GROUP BY ordering LIMIT $2`),

		// Of two that make the same version, the key lets one through.
		create: d.SQL(`INSERT INTO @webhook (id, version, disabled, changed, definition) VALUES ($1, 1, 0, $2, $3)
			ON CONFLICT DO NOTHING RETURNING id, version, disabled, changed, definition`),
		update: d.SQL(`INSERT INTO @webhook (id, version, disabled, changed, definition)
			SELECT id, version + 1, disabled, CAST($3 AS bigint), CAST($4 AS text) FROM @webhook WHERE id = $1 AND version = $2
			ON CONFLICT DO NOTHING RETURNING id, version, disabled, changed, definition`),
		disable: d.SQL(`INSERT INTO @webhook (id, version, disabled, changed, definition)
			SELECT id, version + 1, CAST($3 AS bigint), CAST($4 AS bigint), definition FROM @webhook WHERE id = $1 AND version = $2
			ON CONFLICT DO NOTHING RETURNING id, version, disabled, changed, definition`),
		current: d.SQL(`SELECT id, version, disabled, changed, CASE WHEN version = $2 AND changed = $3 THEN '' ELSE definition END
			FROM @webhook WHERE id = $1 ORDER BY version DESC LIMIT 1`),
		atVersion: d.SQL(`SELECT id, version, disabled, changed, definition FROM @webhook WHERE id = $1 AND version = $2`),
		list: d.SQL(`SELECT id, version, disabled, changed, definition FROM @webhook AS w
			WHERE id > $1 AND version = (SELECT max(version) FROM @webhook WHERE id = w.id) ORDER BY id LIMIT $2`),

		get:      d.SQL(`SELECT ` + columns + ` FROM @delivery WHERE id = $1`),
		message:  d.SQL(`SELECT message FROM @delivery WHERE id = $1`),
		seq:      d.SQL(`SELECT seq FROM @delivery WHERE id = $1`),
		attempts: d.SQL(`SELECT gen, n, at, duration, status, class, error FROM @attempt WHERE seq = $1 ORDER BY gen, n`),

		ended: d.SQL(`SELECT seq, created, length(message), state, ordering FROM @delivery WHERE id = $1`),
		failed: d.SQL(`SELECT seq, created, length(message), state, ordering FROM @delivery
			WHERE webhook_id = $1 AND state || '' = $2 AND (created, seq) > ($3, $4) AND ended >= $5 AND reason <> 'superseded' AND length(message) > 0
			ORDER BY created, seq LIMIT $6`),
		// One of an ordering becomes active by promote.
		resend: d.SQL(`UPDATE @delivery SET state = 'pending', reason = '', gen = gen + 1, attempts = 0, due = $3, held = 0, ended = NULL,
				status = 0, class = '', error = '', active = CASE WHEN ordering IS NULL THEN 1 ELSE 0 END
			WHERE seq = $1 AND state = $2 AND held NOT BETWEEN $3 AND $4 RETURNING gen, active`),
	}
}
